/* From the options of a command line, and a process, to an attachment. */
#include "netsetup/commands/attach_options.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/process.h"
#include "netsetup/firewall/publish.h"
#include "netsetup/netns.h"

int attach_options_fill(
	const struct attach_options *options, struct attach *attach, struct error *err)
{
	struct attachment *record = &attach->record;

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
	attach->defined = true;
	return network_load(attach->places, options->network, &record->network, err);
}

int attach_use_process(struct attach *attach, pid_t pid, struct error *err)
{
	struct attachment *record = &attach->record;
	struct netns_identity identity;
	char state;

	if (netns_open_pid(pid, &attach->netns_fd, err) < 0 ||
		process_stat(pid, &record->pid_start, &state, err) < 0 ||
		netns_identify(attach->netns_fd, &identity, err) < 0)
		return -1;
	record->has_pid = true;
	record->pid = pid;
	if (geteuid() != 0) { /* /run/netns is root's */
		record->netns = str_format("/proc/%d/ns/net", pid);
		return 0;
	}
	record->netns = netns_path(record->container);
	record->named = !netns_is(record->netns, identity);
	return 0;
}

int attach_options_plan(struct attach *attach, struct error *err)
{
	if (attach_plan(attach, err) < 0)
		return -1;
	return publish_check_families(
		&attach->record, attach->ranges, attach->ranges_count, err);
}
