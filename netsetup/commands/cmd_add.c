/*
 * add: attaches a namespace by hand. The operand is a name, which is looked for under
 * /run/netns or made there; a path of a namespace; or a process's number.
 */
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "netsetup/commands/commands.h"
#include "netsetup/commands/options.h"
#include "netsetup/netns.h"

/* ---- which namespace ------------------------------------------------------------------ */

static int use_path(struct attach *attach, const char *path, struct error *err)
{
	if (netns_open(path, &attach->netns_fd, err) < 0)
		return -1;
	attach->record.netns = str_dup(path);
	return 0;
}

/* As `ip netns add NAME` where there is none of that name. */
static int use_name(struct attach *attach, const char *name, struct error *err)
{
	if (netns_check_name(name, err) < 0)
		return -1;
	attach->record.netns = netns_path(name);
	if (netns_open(attach->record.netns, &attach->netns_fd, err) == 0)
		return 0;
	if (err->errnum != ENOENT)
		return -1;
	attach->record.named = true;
	return netns_create(&attach->netns_fd, err);
}

static int find_namespace(struct attach *attach, const struct add_options *options,
	const char *operand, struct error *err)
{
	struct attachment *record = &attach->record;
	uint32_t pid = options->pid;

	if (options->has_pid && options->netns)
		return fail(err, "--pid and --netns exclude each other");
	if (!options->has_pid && !options->netns && command_is_number(operand)) {
		if (str_to_u32(operand, "process", &pid, err) < 0)
			return -1;
		record->container = str_format("pid-%s", operand);
		return attach_use_process(attach, (pid_t)pid, err);
	}
	record->container = str_dup(path_base(operand));
	if (places_check_name(record->container, "container", err) < 0)
		return -1;
	if (options->has_pid)
		return attach_use_process(attach, (pid_t)pid, err);
	if (options->netns)
		return use_path(attach, options->netns, err);
	if (strchr(operand, '/'))
		return use_path(attach, operand, err);
	return use_name(attach, operand, err);
}

/* ---- the rest ------------------------------------------------------------------------- */

static int fill(struct attach *attach, const struct add_options *options,
	const char *operand, struct error *err)
{
	attach->record.face = str_dup("command");
	if (attach_options_fill(&options->attach, attach, err) < 0)
		return -1;
	return find_namespace(attach, options, operand, err);
}

static int print(const struct attachment *record, bool json, struct error *err)
{
	auto_str out = { 0 };

	if (json)
		json_write(&out, &attachment_type, record,
			(struct json_write_options){ .pretty = true });
	for (size_t i = 0; !json && i < record->addresses_count; i++)
		str_appendf(&out, "%.*s\n",
			(int)strcspn(record->addresses[i].address, "/"),
			record->addresses[i].address);
	if (fd_write_all(STDOUT_FILENO, out.data, out.length) < 0)
		return fail_errno(err, "writing to standard output");
	return 0;
}

int cmd_add(const struct command_call *call, struct error *err)
{
	const struct add_options *options = call->options;
	auto_places places = { 0 };
	auto_attach attach = { .places = &places, .netns_fd = -1 };

	if (command_places(call, &places, err) < 0 ||
		fill(&attach, options, call->argv[0], err) < 0 ||
		attach_options_plan(&attach, err) < 0 || attach_run(&attach, err) < 0)
		return fail_while(err, "adding \"%.64s\"", call->argv[0]);
	return print(&attach.record, options->json, err);
}
