/* parse: a Mockerfile's instructions as JSON, for debugging. */
#include <fcntl.h>
#include <stdio.h>

#include "builder/commands/commands.h"
#include "builder/language/dump.h"

static int run(const struct command_call *call, struct error *err)
{
	auto_fd context_fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_mockerfile file = { 0 };
	auto_str text = { 0 };

	if (mockerfile_read(AT_FDCWD, call->argv[0], context_fd, &file, err) < 0)
		return -1;
	mockerfile_dump(&text, &file);
	fputs(text.data, stdout);
	return 0;
}

const struct command command_parse = {
	.name = "parse",
	.operands = "FILE",
	.summary = "show the instructions of a Mockerfile as JSON",
	.operands_min = 1,
	.operands_max = 1,
	.hidden = true,
	.run = run,
};
