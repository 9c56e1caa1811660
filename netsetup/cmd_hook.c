/*
 * hook: the same program in a bundle's createRuntime and poststop. The state on standard
 * input decides: a container that is being made is attached, one that has stopped is
 * detached. Both are idempotent, for runtimes run hooks again after a failure.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/process.h"
#include "netsetup/attach.h"
#include "netsetup/commands.h"
#include "netsetup/netns.h"
#include "netsetup/options.h"
#include "netsetup/publish.h"
#include "spec/state.h"

static int fill(
	struct attach *attach, const struct hook_options *options, struct error *err)
{
	struct attachment *record = &attach->record;

	record->face = str_dup("hook");
	record->interface = str_dup(options->interface);
	record->mac = str_dup(options->mac);
	strings_copy(&record->aliases, &options->aliases);
	strings_each (text, &options->publish) {
		if (publish_parse(record, *text, err) < 0)
			return -1;
	}
	strings_each (text, &options->ips) {
		if (attach_want(attach, *text, "--ip", err) < 0)
			return -1;
	}
	if (publish_check(record, err) < 0 ||
		attach_limit(attach, options->ingress, options->egress, err) < 0)
		return -1;
	return network_load(attach->places, options->network, &record->network, err);
}

static int find_namespace(
	struct attach *attach, const struct oci_state *state, struct error *err)
{
	struct attachment *record = &attach->record;
	struct netns_identity identity;
	char letter;

	if (!state->has_pid || state->pid <= 0)
		return fail(err, "the state on standard input has no pid");
	if (netns_open_pid(state->pid, &attach->netns_fd, err) < 0)
		return fail_hint(
			err, "does config.json give the container a network namespace?");
	if (process_stat(state->pid, &record->pid_start, &letter, err) < 0 ||
		netns_identify(attach->netns_fd, &identity, err) < 0)
		return -1;
	record->has_pid = true;
	record->pid = state->pid;
	if (geteuid() != 0) { /* /run/netns is root's */
		record->netns = str_format("/proc/%d/ns/net", state->pid);
		return 0;
	}
	record->netns = netns_path(record->container);
	record->named = !netns_is(record->netns, identity);
	return 0;
}

static int attach_container(const struct places *places,
	const struct hook_options *options, const char *name,
	const struct oci_state *state, struct error *err)
{
	auto_attach attach = { .places = places, .netns_fd = -1, .idempotent = true };

	attach.record.container = str_dup(name);
	if (fill(&attach, options, err) < 0 || find_namespace(&attach, state, err) < 0 ||
		attach_plan(&attach, err) < 0 ||
		publish_check_families(
			&attach.record, attach.ranges, attach.ranges_count, err) < 0)
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
