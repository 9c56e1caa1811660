/* What several commands share. */
#include "runtime/commands/commands.h"

#include <fcntl.h>
#include <regex.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"

int call_container_of(const struct command_call *call, const char *id,
	enum container_open how, struct container *ret, struct error *err)
{
	auto_free char *root = options_root(call->global);

	return container_open(root, id, how, ret, err);
}

int call_container(const struct command_call *call, enum container_open how,
	struct container *ret, struct error *err)
{
	return call_container_of(call, call->argv[0], how, ret, err);
}

int call_driver(const struct command_call *call, struct error *err)
{
	if (options_cgroup_driver(call->global) != CGROUP_DRIVER_SYSTEMD)
		return 0;
	return cgroup_need_systemd(err);
}

int expect_driver_of(const struct container *container, struct error *err)
{
	return container->state.systemd_cgroup ? cgroup_need_systemd(err) : 0;
}

int call_driver_of_container(const struct command_call *call, struct error *err)
{
	auto_container container = CONTAINER_NONE;

	if (call_container(call, CONTAINER_READ, &container, err) < 0)
		return -1;
	return expect_driver_of(&container, err);
}

int call_matching(const struct command_call *call,
	int (*act)(const struct command_call *call, const char *id, struct error *err),
	struct error *err)
{
	auto_free char *root = options_root(call->global);
	auto_strings ids = { 0 };
	regex_t regex;
	int result = 0;

	if (container_ids(root, &ids, err) < 0)
		return -1;
	if (regcomp(&regex, call->argv[0], REG_EXTENDED | REG_NOSUB) != 0)
		return fail(err, "--regex: \"%s\" is no extended regular expression",
			call->argv[0]);
	strings_each (id, &ids) {
		struct error failure;

		if (regexec(&regex, *id, 0, NULL, 0) != 0 ||
			act(call, *id, &failure) == 0)
			continue;
		if (result < 0)
			log_error("%s", err->text);
		*err = failure;
		result = -1;
	}
	regfree(&regex);
	return result;
}

int call_print(const struct str *text, struct error *err)
{
	if (text->length && fd_write_all(STDOUT_FILENO, text->data, text->length) < 0)
		return fail_errno(err, "writing to standard output");
	return 0;
}

int call_read(const struct command_call *call, const struct json_type *type, void *object,
	const char *path, struct error *err)
{
	const struct runtime_options *global = call->global;
	bool standard = str_equal(path, "-");
	struct json_options options = {
		.name = standard ? NULL : path,
		.strict = global->strict,
	};
	auto_fd fd = -1;

	if (standard)
		return json_read_fd(type, object, STDIN_FILENO, &options, err);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return fail_errno(err, "opening %s", path);
	return json_read_fd(type, object, fd, &options, err);
}

int check_preserve_fds(uint32_t count, struct error *err)
{
	const uint32_t most = 1u << 30; /* of the kernel, whatever fs.nr_open is */

	if (count > most)
		return fail(
			err, "--preserve-fds: %u is more than a process can have", count);
	return 0;
}

int expect_running(const struct container *container, const char *verb, struct error *err)
{
	enum container_status status = container_status(container);

	if (status == CONTAINER_RUNNING || status == CONTAINER_CREATED)
		return 0;
	if (status == CONTAINER_STOPPED)
		return fail_code(err, ESRCH,
			"cannot %s container \"%s\": container not running", verb,
			container->state.id);
	/* The first words are those by which clients know it. */
	return fail_code(err, EBUSY,
		"cannot %s container \"%s\": container not running: it is %s", verb,
		container->state.id, container_status_word(status));
}
