/* lint: what a Mockerfile may say but better should not. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/path.h"
#include "builder/commands/commands.h"
#include "builder/language/lint.h"

struct lint_options {
	const char *file;
};

static const struct option_spec lint_options[] = {
	OPTION_STRING(struct lint_options, file, "file", 'f', "FILE",
		"the Mockerfile (in the context: Mockerfile, else Dockerfile)"),
	OPTION_END,
};

/* As build finds it: -f as given, else in the context. */
static int read_file(const struct lint_options *options, int context_fd,
	struct mockerfile *ret, struct error *err)
{
	static const char *const names[] = { "Mockerfile", "Dockerfile" };

	if (options->file)
		return mockerfile_read(AT_FDCWD, options->file, context_fd, ret, err);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (faccessat(context_fd, names[i], F_OK, 0) == 0)
			return mockerfile_read(
				context_fd, names[i], context_fd, ret, err);
	return fail_code(
		err, ENOENT, "there is no Mockerfile here; name one with -f FILE");
}

static int run(const struct command_call *call, struct error *err)
{
	const struct lint_options *options = call->options;
	const char *context = call->argc ? call->argv[0] : ".";
	auto_fd context_fd = open(context, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_lint_findings findings = { 0 };
	auto_mockerfile file = { 0 };
	auto_ignore ignore = { 0 };
	auto_str text = { 0 };

	if (context_fd < 0)
		return fail_errno(err, "opening the build context %s", context);
	if (read_file(options, context_fd, &file, err) < 0 ||
		ignore_read(&ignore, context_fd, NULL, err) < 0 ||
		lint_check(&file, &ignore, &findings, err) < 0)
		return -1;
	for (size_t i = 0; i < findings.count; i++)
		lint_describe(&text, &findings.items[i]);
	if (text.length)
		fputs(text.data, stdout);
	*call->ret_status = findings.count > 0;
	return 0;
}

const struct command command_lint = {
	.name = "lint",
	.operands = "[CONTEXT]",
	.summary = "look for doubtful things in a Mockerfile",
	.details =
		"Rules and wording are BuildKit's where it has the same rule. The exit "
		"status is 1 if there are findings. The comment \"# check=skip=RULE,RULE\" "
		"at the top of the file leaves rules out, \"# check=skip=all\" all of them; "
		"\"error=true\" makes `build` fail where there are findings, and "
		"\"experimental=RULE\" asks for a rule that is off otherwise.",
	.options = lint_options,
	.options_size = sizeof(struct lint_options),
	.operands_max = 1,
	.permute = true,
	.run = run,
};
