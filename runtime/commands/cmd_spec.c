/* spec: a config.json to start from. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"
#include "runtime/cgroup/layout.h"
#include "runtime/commands/commands.h"
#include "runtime/default_config.h"

struct spec_options {
	const char *bundle;
	const char *file;
	bool rootless;
};

static bool has_only_cgroup2(void)
{
	auto_cgroup_layout layout = { 0 };
	struct error ignored; /* no cgroups at all: none to isolate */

	return cgroup_layout_read(NULL, &layout, &ignored) == 0 && layout.only_unified;
}

/* Never over a file that stands there: it may be somebody's work. */
static int write_new(
	int dir_fd, const char *name, const struct str *text, struct error *err)
{
	auto_fd fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);

	if (fd < 0 && errno == EEXIST)
		return fail(err, "%s exists already; remove it first", name);
	if (fd < 0)
		return fail_errno(err, "creating %s", name);
	if (fd_write_all(fd, text->data, text->length) < 0) {
		(void)fail_errno(err, "writing %s", name);
		(void)unlinkat(dir_fd, name, 0); /* better none than half */
		return -1;
	}
	return 0;
}

static int spec_command(const struct command_call *call, struct error *err)
{
	const struct spec_options *options = call->options;
	const char *directory = options->bundle ? options->bundle : ".";
	struct default_config_options wanted = {
		.rootless = options->rootless,
		.cgroup_namespace = has_only_cgroup2(),
	};
	auto_fd dir_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_oci_config config = { 0 };
	auto_str text = { 0 };

	if (dir_fd < 0)
		return fail_errno(err, "bundle %s", directory);
	default_config(&wanted, &config);
	json_write(&text, &oci_config_type, &config,
		(struct json_write_options){ .pretty = true });
	return write_new(dir_fd, options->file, &text, err);
}

static const struct option_spec spec_options[] = {
	OPTION_STRING(struct spec_options, bundle, "bundle", 'b', "DIRECTORY",
		"where config.json is written; default: here"),
	OPTION_STRING(struct spec_options, file, "file", 'f', "FILE",
		"the name to write it under", .initial = "config.json"),
	OPTION_FLAG(struct spec_options, rootless, "rootless", 0,
		"for a container of the calling user, without root's privileges"),
	OPTION_END,
};

const struct command command_spec = {
	.name = "spec",
	.summary = "write a config.json to start from",
	.details = "The container it describes runs sh on a terminal in the directory "
		   "rootfs of the bundle, which is read-only to it. Edit process.args "
		   "and whatever else it should be. An existing config.json is never "
		   "overwritten.",
	.options = spec_options,
	.options_size = sizeof(struct spec_options),
	.run = spec_command,
};
