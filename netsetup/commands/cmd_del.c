/* del: takes a container off one network or all. */
#include "netsetup/attach.h"
#include "netsetup/commands/commands.h"
#include "netsetup/commands/options.h"

int cmd_del(const struct command_call *call, struct error *err)
{
	const struct del_options *options = call->options;
	auto_places places = { 0 };
	auto_free char *container = NULL;
	size_t count;
	struct detach detach = {
		.places = &places,
		.network = options->network,
		.interface = options->interface,
	};

	if (command_places(call, &places, err) < 0)
		return -1;
	detach.container = container = command_container(&places, call->argv[0]);
	if (attach_detach(&detach, &count, err) < 0)
		return fail_while(err, "deleting \"%.64s\"", call->argv[0]);
	if (count == 0 && !options->force)
		return fail_code(err, ENOENT,
			"\"%.64s\" is attached to no network%s%.64s; mocker-netsetup list "
			"shows what is",
			call->argv[0], options->network ? " called " : "",
			options->network ? options->network : "");
	return 0;
}
