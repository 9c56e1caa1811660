/* delete: takes a stopped container away, with --force a living one too. */
#include <regex.h>

#include "base/log.h"
#include "runtime/commands/commands.h"
#include "runtime/destroy.h"

struct delete_options {
	bool force;
	bool regex;
};

/* A created container runs nothing of the user's yet, so it may go as well. */
static int expect_over(const struct container *container, struct error *err)
{
	enum container_status status = container_status(container);

	if (status == CONTAINER_STOPPED || status == CONTAINER_CREATED ||
		container->state.pid == 0)
		return 0;
	return fail(err, "cannot delete container \"%s\" that is not stopped: %s",
		container->state.id, container_status_word(status));
}

/* What was killed so early that it has no config.json has no hooks either. */
static int destroy(const struct container *container, struct error *err)
{
	auto_oci_config config = { 0 };

	if (container->state.bundle && container_config(container, &config, err) < 0)
		log_warning("%s: its poststop hooks are not run", err->text);
	if (container_destroy(container, &config.hooks, err) < 0)
		return fail_while(err, "deleting container \"%s\"", container->state.id);
	return 0;
}

static int delete_one(const char *root, const char *id,
	const struct delete_options *options, struct error *err)
{
	auto_container container = CONTAINER_NONE;

	if (container_open(root, id, CONTAINER_REMNANT, &container, err) < 0)
		return options->force && err->errnum == ENOENT ? 0 : -1;
	if (!options->force && expect_over(&container, err) < 0)
		return -1;
	return destroy(&container, err);
}

/* All are tried; the first failure is the command's. */
static int delete_matching(const char *root, const char *pattern,
	const struct delete_options *options, struct error *err)
{
	auto_strings ids = { 0 };
	regex_t regex;
	int result = 0;

	if (container_ids(root, &ids, err) < 0)
		return -1;
	if (regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return fail(err, "--regex: \"%s\" is no extended regular expression",
			pattern);
	strings_each (id, &ids) {
		struct error failure;

		if (regexec(&regex, *id, 0, NULL, 0) != 0 ||
			delete_one(root, *id, options, &failure) == 0)
			continue;
		if (result < 0)
			log_error("%s", err->text);
		*err = failure;
		result = -1;
	}
	regfree(&regex);
	return result;
}

static int delete_command(const struct command_call *call, struct error *err)
{
	const struct delete_options *options = call->options;
	auto_free char *root = options_root(call->global);

	return options->regex ? delete_matching(root, call->argv[0], options, err)
			      : delete_one(root, call->argv[0], options, err);
}

static const struct option_spec delete_options[] = {
	OPTION_FLAG(struct delete_options, force, "force", 'f',
		"kill it first if it lives; one that does not exist is no error"),
	OPTION_FLAG(struct delete_options, regex, "regex", 'r',
		"ID is an extended regular expression: delete all that match"),
	OPTION_END,
};

const struct command command_delete = {
	.name = "delete",
	.operands = "ID",
	.summary = "remove a container and all that was made for it",
	.options = delete_options,
	.options_size = sizeof(struct delete_options),
	.operands_min = 1,
	.operands_max = 1,
	.permute = true,
	.run = delete_command,
};
