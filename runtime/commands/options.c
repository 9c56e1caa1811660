/* The options that stand before the command. */
#include "runtime/commands/options.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/userns.h"

/* clang-format off */
const struct option_spec runtime_option_specs[] = {
	OPTION_STRING(struct runtime_options, root, "root", 0, "DIRECTORY",
		"where the state of containers is kept: /run/mocker, or for other users "
		"$XDG_RUNTIME_DIR/mocker"),
	OPTION_STRING(struct runtime_options, log, "log", 0, "FILE",
		"append messages to the file instead of standard error"),
	OPTION_STRING(struct runtime_options, log_format, "log-format", 0, "FORMAT",
		"form of the messages", .initial = "text", .values = "text|json"),
	OPTION_FLAG(struct runtime_options, debug, "debug", 0, "tell what is being done"),
	OPTION_FLAG(struct runtime_options, systemd_cgroup, "systemd-cgroup", 0,
		"let systemd make the cgroups; cgroupsPath is then slice:prefix:name"),
	OPTION_STRING(struct runtime_options, rootless, "rootless", 0, "WHETHER",
		"ignore cgroup permission errors",
		.initial = "auto", .values = "auto|true|false"),
	OPTION_STRING(struct runtime_options, cgroup_manager, "cgroup-manager", 0, "DRIVER",
		"who makes the cgroups",
		.values = "cgroupfs|systemd|disabled"),
	OPTION_FLAG(struct runtime_options, strict, "strict", 0,
		"unknown members of config.json, and of other documents, are errors"),
	OPTION_STRING(struct runtime_options, criu, "criu", 0, "PROGRAM",
		"the criu that checkpoints and restores", .initial = "criu"),
	OPTION_END,
};
/* clang-format on */

int options_prepare(const void *global, struct error *err)
{
	const struct runtime_options *options = global;
	struct log_options log = {
		.program = "mocker-runtime",
		.file = options->log,
		.json = str_equal(options->log_format, "json"),
		.debug = options->debug,
	};

	if (options->systemd_cgroup && options->cgroup_manager &&
		!str_equal(options->cgroup_manager, "systemd"))
		return fail(err, "--systemd-cgroup contradicts --cgroup-manager=%s",
			options->cgroup_manager);
	return log_open(&log, err);
}

/* Root of another user namespace is a user to the host: so does podman call us for one. */
static bool is_hosts_root(void)
{
	return geteuid() == 0 && userns_is_initial();
}

bool options_rootless(const struct runtime_options *options)
{
	if (str_equal(options->rootless, "auto"))
		return !is_hosts_root();
	return str_equal(options->rootless, "true");
}

char *options_root(const struct runtime_options *options)
{
	const char *runtime_dir = getenv("XDG_RUNTIME_DIR");

	if (options->root)
		return str_dup(options->root);
	if (!runtime_dir || runtime_dir[0] != '/' || is_hosts_root())
		return str_dup("/run/mocker");
	return str_format("%s/mocker", runtime_dir);
}

enum cgroup_driver options_cgroup_driver(const struct runtime_options *options)
{
	int64_t driver = CGROUP_DRIVER_CGROUPFS;

	if (options->systemd_cgroup)
		return CGROUP_DRIVER_SYSTEMD;
	if (options->cgroup_manager)
		(void)word_to_number(cgroup_driver_words, options->cgroup_manager,
			&driver); /* the option's values are these words */
	return (enum cgroup_driver)driver;
}
