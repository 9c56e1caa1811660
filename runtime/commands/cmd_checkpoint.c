/* checkpoint: a container's processes into images, for `restore`. */
#include "base/log.h"
#include "runtime/commands/commands.h"
#include "runtime/criu/checkpoint.h"
#include "runtime/destroy.h"
#include "runtime/foreground.h"

static int expect_dumpable(const struct container *container, struct error *err)
{
	enum container_status status = container_status(container);

	if (status == CONTAINER_RUNNING || status == CONTAINER_PAUSED)
		return 0;
	if (status == CONTAINER_STOPPED)
		return fail_code(err, ESRCH,
			"cannot checkpoint container \"%s\": container not running",
			container->state.id);
	return fail_code(err, EBUSY, "cannot checkpoint container \"%s\": it is %s",
		container->state.id, container_status_word(status));
}

static int checkpoint_command(const struct command_call *call, struct error *err)
{
	const struct runtime_options *global = call->global;
	const struct criu_options *options = call->options;
	auto_container container = CONTAINER_NONE;
	auto_oci_config config = { 0 };
	const struct checkpoint_request request = {
		.container = &container,
		.config = &config,
		.options = options,
		.criu = global->criu,
	};

	if (call_container(call, CONTAINER_CHANGE, &container, err) < 0 ||
		expect_dumpable(&container, err) < 0 ||
		expect_driver_of(&container, err) < 0 ||
		container_config(&container, &config, err) < 0 ||
		foreground_hold_signals(err) < 0)
		return -1;
	if (checkpoint_container(&request, err) < 0)
		return fail_while(err, "container \"%s\"", call->argv[0]);
	if (options->leave_running || options->pre_dump)
		return 0;
	return container_destroy(&container, &config.hooks, err);
}

/* clang-format off */
static const struct option_spec checkpoint_options[] = {
	CRIU_OPTIONS,
	OPTION_STRING(struct criu_options, parent_path, "parent-path", 0, "DIRECTORY",
		"relative to the images: those of the pre-dump before this one"),
	OPTION_FLAG(struct criu_options, pre_dump, "pre-dump", 0,
		"only its memory, while it goes on; the next dump writes what has changed"),
	OPTION_FLAG(struct criu_options, leave_running, "leave-running", 0,
		"let it go on afterwards, instead of ending and deleting it"),
	OPTION_FLAG(struct criu_options, link_remap, "link-remap", 0,
		"allow open files that lost one of their names: they get another"),
	OPTION_FLAG(struct criu_options, tcp_skip_in_flight, "tcp-skip-in-flight", 0,
		"leave out TCP connections that are not yet accepted"),
	OPTION_FLAG(struct criu_options, lazy_pages, "lazy-pages", 0,
		"serve its memory to a page-server's client, until that has all of it"),
	OPTION_I64(struct criu_options, status_fd, "status-fd", 0, "NUMBER",
		"write a zero byte to this descriptor once the lazy pages are served",
		OPTION_HAS(struct criu_options, status_fd)),
	OPTION_STRING(struct criu_options, page_server, "page-server", 0, "ADDRESS:PORT",
		"send the memory to a page server instead of writing it"),
	OPTION_END,
};
/* clang-format on */

const struct command command_checkpoint = {
	.name = "checkpoint",
	.operands = "ID",
	.summary = "save a container's processes, to be restored later or elsewhere",
	.options = checkpoint_options,
	.options_size = sizeof(struct criu_options),
	.operands_min = 1,
	.operands_max = 1,
	.run = checkpoint_command,
};
