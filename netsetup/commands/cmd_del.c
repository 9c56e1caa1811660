/* del: takes a container off one network or all. */
#include "netsetup/attach.h"
#include "netsetup/commands/commands.h"
#include "netsetup/commands/options.h"
#include "netsetup/sweep.h"

static int fail_of_none(
	const struct del_options *options, const char *name, struct error *err)
{
	auto_str what = { 0 };

	if (options->network)
		str_appendf(&what, " called %.64s", options->network);
	if (options->interface)
		str_appendf(&what, " by an interface %.64s", options->interface);
	return fail_code(err, ENOENT,
		"\"%.64s\" is attached to no network%s; mocker-netsetup list shows what is",
		name, what.data ? what.data : "");
}

int cmd_del(const struct command_call *call, struct error *err)
{
	const struct del_options *options = call->options;
	auto_places places = { 0 };
	auto_free char *container = NULL;
	size_t damaged = 0;
	size_t count;
	struct detach detach = {
		.places = &places,
		.network = options->network,
		.interface = options->interface,
		.ret_damaged = &damaged,
	};

	if (command_places(call, &places, err) < 0)
		return -1;
	detach.container = container = command_container(&places, call->argv[0]);
	if (attach_detach(&detach, &count, err) < 0 ||
		(damaged && sweep_orphans(&places, NULL, err) < 0))
		return fail_while(err, "deleting \"%.64s\"", call->argv[0]);
	if (count == 0 && !options->force)
		return fail_of_none(options, call->argv[0], err);
	return 0;
}
