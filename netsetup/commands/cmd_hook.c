/*
 * hook: the same program in a bundle's createRuntime and poststop. The state on standard
 * input decides: a container that is being made is attached, one that has stopped is
 * detached. Both are idempotent, for runtimes run hooks again after a failure.
 */
#include <unistd.h>

#include "base/cleanup.h"
#include "base/process.h"
#include "netsetup/commands/commands.h"
#include "netsetup/commands/options.h"
#include "netsetup/names/etc.h"
#include "spec/state.h"

#define END_MS 1000

/* ---- createRuntime -------------------------------------------------------------------- */

static int find_namespace(
	struct attach *attach, const struct oci_state *state, struct error *err)
{
	if (!state->has_pid || state->pid <= 0)
		return fail(err, "the state on standard input has no pid");
	if (attach_use_process(attach, state->pid, err) == 0)
		return 0;
	return err->errnum == EINVAL
		       ? fail_hint(err,
				 "does config.json give the container a network namespace?")
		       : -1;
}

static int attach_container(const struct places *places,
	const struct hook_options *options, const char *name,
	const struct oci_state *state, struct error *err)
{
	auto_attach attach = { .places = places, .netns_fd = -1, .idempotent = true };
	auto_fd hosts = -1;
	auto_fd resolv_conf = -1;

	attach.record.face = str_dup("hook");
	attach.record.id = str_dup(state->id);
	attach.record.container = str_dup(name);
	if (attach_options_fill(&options->attach, &attach, err) < 0 ||
		find_namespace(&attach, state, err) < 0 ||
		attach_options_plan(&attach, err) < 0 ||
		(options->hosts &&
			etc_open(state->bundle, options->hosts, &hosts, err) < 0) ||
		(options->resolv_conf && etc_open(state->bundle, options->resolv_conf,
						 &resolv_conf, err) < 0) ||
		attach_run(&attach, err) < 0)
		return -1;
	if (hosts >= 0 && etc_write_hosts(hosts, &attach.record, err) < 0)
		return -1;
	return resolv_conf < 0 ? 0
			       : etc_write_resolv_conf(resolv_conf, &attach.record, err);
}

/* ---- poststop ------------------------------------------------------------------------- */

/* Some runtimes kill who fails to start and do not wait for its end before poststop. */
static bool has_ended(const struct attachment *record)
{
	auto_fd pidfd = process_pidfd_open(record->pid);
	bool none = pidfd < 0 && errno == ESRCH;

	return none || !attachment_process_alive(record) ||
	       (pidfd >= 0 && process_pidfd_ends(pidfd, END_MS));
}

/* A name may be another container's, attached by whatever face: of one that failed to start
 * because of that, or of one with this id under another root of the runtime. */
static bool is_of_container(void *argument, const struct attachment *record)
{
	const struct oci_state *state = argument;

	if (!str_equal(record->face, "hook") ||
		(record->id && !str_equal(record->id, state->id)))
		return false;
	return (state->has_pid && state->pid == record->pid) || has_ended(record);
}

static int detach_container(const struct places *places, const char *name,
	struct oci_state *state, struct error *err)
{
	const struct detach detach = { .places = places,
		.container = name,
		.wanted = is_of_container,
		.argument = state };
	size_t count;

	return attach_detach(&detach, &count, err);
}

int cmd_hook(const struct command_call *call, struct error *err)
{
	const struct hook_options *options = call->options;
	auto_oci_state state = { 0 };
	auto_places places = { 0 };
	const char *name;
	int result;

	if (json_read_fd(&oci_state_type, &state, STDIN_FILENO,
		    &(struct json_options){
			    .name = "standard input", .size_max = 1 << 20 },
		    err) < 0)
		return fail_hint(err, "a hook is given the container's state by its "
				      "runtime, as JSON on standard input");
	name = options->name ? options->name : state.id;
	if (places_check_name(name, "container", err) < 0 ||
		command_places(call, &places, err) < 0)
		return -1;
	if (state.status == CONTAINER_STOPPED)
		result = detach_container(&places, name, &state, err);
	else
		result = attach_container(&places, options, name, &state, err);
	return result < 0 ? fail_while(err, "\"%.64s\"", name) : 0;
}
