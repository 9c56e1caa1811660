/*
 * hook: the same program in a bundle's createRuntime and poststop. The state on standard
 * input decides: a container that is being made is attached, one that has stopped is
 * detached. Both are idempotent, for runtimes run hooks again after a failure.
 */
#include <unistd.h>

#include "netsetup/commands/commands.h"
#include "netsetup/commands/options.h"
#include "spec/state.h"

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

	attach.record.face = str_dup("hook");
	attach.record.container = str_dup(name);
	if (attach_options_fill(&options->attach, &attach, err) < 0 ||
		find_namespace(&attach, state, err) < 0 ||
		attach_options_plan(&attach, err) < 0)
		return -1;
	return attach_run(&attach, err);
}

static int detach_container(
	const struct places *places, const char *name, struct error *err)
{
	size_t count;

	return attach_detach(
		&(struct detach){ .places = places, .container = name }, &count, err);
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
		result = detach_container(&places, name, err);
	else
		result = attach_container(&places, options, name, &state, err);
	return result < 0 ? fail_while(err, "\"%.64s\"", name) : 0;
}
