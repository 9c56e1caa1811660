/*
 * events: what a container uses, at intervals or once, and that it ran out of memory, as
 * lines of JSON. Ends when the container's process does.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "runtime/commands/commands.h"

struct events_options {
	const char *interval;
	bool stats;
};

/* clang-format off */
static const struct option_spec options[] = {
	OPTION_FLAG(struct events_options, stats, "stats", 0, "print the figures once"),
	OPTION_STRING(struct events_options, interval, "interval", 0, "DURATION",
		"time between figures, such as 500ms, 5s, 1m30s", .initial = "5s"),
	OPTION_END,
};
/* clang-format on */

/* A bare number is one of seconds. */
static int parse_interval(const char *text, int *ret_ms, struct error *err)
{
	bool bare = *text && !text[strspn(text, "0123456789")];
	auto_free char *duration = str_format("%s%s", text, bare ? "s" : "");
	int64_t ns;

	if (!duration_parse(duration, &ns) || ns < 1000000 || ns / 1000000 > INT32_MAX)
		return fail(err,
			"--interval: expected a duration from 1ms such as 500ms, 5s or 1m30s, "
			"found \"%s\"",
			text);
	*ret_ms = (int)(ns / 1000000);
	return 0;
}

/* {"type":"stats","id":"web","data":{...}} */
static int print_stats(const struct container *container, struct error *err)
{
	auto_str line = { 0 };

	str_append(&line, "{\"type\":\"stats\",\"id\":");
	json_append_string(&line, container->state.id);
	str_append(&line, ",\"data\":");
	if (cgroup_stats(&container->state.cgroup, &line, err) < 0)
		return -1;
	str_append(&line, "}\n");
	return call_print(&line, err);
}

static int print_oom(const struct container *container, struct error *err)
{
	auto_str line = { 0 };

	str_append(&line, "{\"type\":\"oom\",\"id\":");
	json_append_string(&line, container->state.id);
	str_append(&line, "}\n");
	return call_print(&line, err);
}

/* One event for each time, also for those that came between two looks. */
static int tell_oom(const struct container *container, struct cgroup_oom *oom,
	uint64_t *told, struct error *err)
{
	uint64_t count;

	if (cgroup_oom_count(oom, &count, err) < 0)
		return -1;
	for (; *told < count; (*told)++)
		if (print_oom(container, err) < 0)
			return -1;
	return 0;
}

static int watch(const struct container *container, struct cgroup_oom *oom, int pidfd,
	int interval, struct error *err)
{
	struct pollfd watched[] = {
		{ .fd = pidfd, .events = POLLIN },
		{ .fd = oom->fd, .events = POLLIN },
	};
	uint64_t told = oom->count;
	int64_t next = clock_ms() + interval;

	for (;;) {
		int64_t left = MAX(next - clock_ms(), 0);
		int ready = poll(watched, ARRAY_SIZE(watched), (int)left);

		if (ready < 0 && errno != EINTR)
			return fail_errno(err, "waiting for events");
		/* The memory may have ended the process: that is told before. */
		if (ready > 0 && watched[1].revents &&
			tell_oom(container, oom, &told, err) < 0)
			return -1;
		if (ready > 0 && watched[0].revents)
			return 0;
		if (clock_ms() < next)
			continue;
		if (print_stats(container, err) < 0)
			return -1;
		next += interval;
	}
}

static int events(const struct command_call *call, struct error *err)
{
	const struct events_options *given = call->options;
	auto_container container = CONTAINER_NONE;
	struct cgroup_oom oom = { .fd = -1, .control_fd = -1 };
	int pidfd;
	int interval = 0;
	int result;

	if (parse_interval(given->interval, &interval, err) < 0 ||
		call_container(call, CONTAINER_READ, &container, err) < 0)
		return -1;
	pidfd = container_process(&container);
	if (pidfd < 0)
		return fail_code(err, ESRCH,
			"no events of container \"%s\": container not running",
			call->argv[0]);
	if (given->stats)
		return print_stats(&container, err);
	/* Without a memory controller there are figures still. */
	if (cgroup_oom_open(&container.state.cgroup, &oom, err) < 0 &&
		err->errnum != ENOENT)
		return -1;
	result = watch(&container, &oom, pidfd, interval, err);
	cgroup_oom_close(&oom);
	return result;
}

const struct command command_events = {
	.name = "events",
	.operands = "ID",
	.summary = "print what a container uses, and when it runs out of memory",
	.options = options,
	.options_size = sizeof(struct events_options),
	.operands_min = 1,
	.operands_max = 1,
	.permute = true,
	.run = events,
};
