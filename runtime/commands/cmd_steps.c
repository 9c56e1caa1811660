/* steps: the places where MOCKER_STOP_AT can stop a create, for tests. */
#include "runtime/commands/commands.h"
#include "runtime/steps.h"

static int steps_command(const struct command_call *call, struct error *err)
{
	auto_str text = { 0 };

	for (int step = 0; step < STEP_COUNT; step++) {
		if (!step_words((enum step)step)->inert)
			str_appendf(&text, "%s\n", step_words((enum step)step)->name);
	}
	return call_print(&text, err);
}

const struct command command_steps = {
	.name = "steps",
	.summary = "list the steps of a create at which MOCKER_STOP_AT=STEP stops it",
	.hidden = true,
	.run = steps_command,
};
