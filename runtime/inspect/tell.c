/* An inspection for people: a heading for each part, a line for each thing. */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "runtime/inspect/inspect.h"
#include "spec/names.h"

static void tell_state(const struct oci_state *state, struct str *to)
{
	str_appendf(to, "%s: %s", state->id,
		container_status_word((enum container_status)state->status));
	if (state->pid)
		str_appendf(to, ", first process %d", state->pid);
	str_appendf(to, "\n  bundle   %s\n  root     %s\n  created  %s by %s\n",
		state->bundle, state->rootfs ? state->rootfs : "?",
		state->created ? state->created : "?", state->owner);
}

static void tell_others(const struct inspect_namespace *namespace, struct str *to)
{
	if (namespace->host) {
		str_append(to, "the host's, as that of this command\n");
		return;
	}
	if (!namespace->others_count)
		str_append(to, "nobody else");
	for (size_t i = 0; i < namespace->others_count; i++) {
		const struct inspect_companion *other = &namespace->others[i];

		str_appendf(to, "%s%d %.40s", i ? "; " : "", other->pid, other->command);
		if (other->container)
			str_appendf(to, " (container %s)", other->container);
	}
	if (namespace->more)
		str_appendf(to, "; and %" PRIu32 " more", namespace->more);
	str_append(to, "\n");
}

static void tell_namespaces(const struct inspection *inspection, struct str *to)
{
	str_append(to, "\nnamespaces: kind, inode, path to join it, who else is in it\n");
	for (size_t i = 0; i < inspection->namespaces_count; i++) {
		const struct inspect_namespace *namespace = &inspection->namespaces[i];

		str_appendf(to, "  %-8s %-11" PRIu64 " %-22s ",
			word_of_number(namespace_words, namespace->type),
			namespace->inode, namespace->path);
		tell_others(namespace, to);
	}
}

static void tell_list(const char *name, const struct strings *items, struct str *to)
{
	auto_free char *text = strings_join(items, " ");

	str_appendf(to, "  %-12s %s\n", name, items->count ? text : "none");
}

static void tell_security(const struct inspect_security *security, struct str *to)
{
	str_append(to, "\nprivileges of the first process\n");
	str_appendf(to, "  user         %" PRIu32 ":%" PRIu32 "\n", security->uid,
		security->gid);
	tell_list("effective", &security->effective, to);
	tell_list("permitted", &security->permitted, to);
	tell_list("bounding", &security->bounding, to);
	tell_list("inheritable", &security->inheritable, to);
	tell_list("ambient", &security->ambient, to);
	str_appendf(to, "  seccomp      %s", security->seccomp ? security->seccomp : "?");
	if (security->filters)
		str_appendf(to, ", %" PRIu32 " of them", security->filters);
	str_appendf(
		to, "\n  no_new_privs %s\n", security->no_new_privileges ? "yes" : "no");
	str_appendf(
		to, "  label        %s\n", security->label ? security->label : "none");
	str_appendf(to, "  oom_score    %+d\n", security->oom_score_adj);
}

static void tell_mounts(const struct inspection *inspection, struct str *to)
{
	str_append(to, "\nmounts\n");
	for (size_t i = 0; i < inspection->mounts_count; i++) {
		const struct inspect_mount *mount = &inspection->mounts[i];
		auto_free char *options = strings_join(&mount->options, ",");
		auto_free char *propagation = strings_join(&mount->propagation, " ");

		str_appendf(to, "  %-28s %s of %s", mount->destination, mount->type,
			mount->source);
		if (!str_equal(mount->root, "/"))
			str_appendf(to, " at %s", mount->root);
		str_appendf(
			to, " (%s)%s%s\n", options, *propagation ? " " : "", propagation);
	}
}

static void tell_pairs(const char *title, const struct pairs *pairs, struct str *to)
{
	for (size_t i = 0; i < pairs->count; i++)
		str_appendf(to, "    %-5s %-28s %s\n", i ? "" : title,
			pairs->items[i].key, pairs->items[i].value);
}

static void tell_cgroups(const struct inspection *inspection, struct str *to)
{
	str_appendf(to, "\ncgroups%s\n", inspection->cgroups_count ? "" : ": none");
	for (size_t i = 0; i < inspection->cgroups_count; i++) {
		const struct inspect_cgroup *cgroup = &inspection->cgroups[i];

		str_appendf(to, "  %s\n", cgroup->path);
		tell_pairs("limit", &cgroup->limits, to);
		tell_pairs("use", &cgroup->use, to);
	}
}

static void tell_network(const struct inspection *inspection, struct str *to)
{
	str_append(to, "\nnetwork\n");
	for (size_t i = 0; i < inspection->interfaces_count; i++) {
		const struct inspect_interface *interface = &inspection->interfaces[i];
		auto_free char *addresses = strings_join(&interface->addresses, " ");

		str_appendf(to, "  %-12s %-4s %s\n", interface->name,
			interface->up ? "up" : "down", addresses);
	}
	for (size_t i = 0; i < inspection->sockets_count; i++) {
		const struct inspect_socket *socket = &inspection->sockets[i];
		bool wide = strchr(socket->address, ':');

		str_appendf(to, "  %-12s open %s%s%s:%" PRIu32, socket->protocol,
			wide ? "[" : "", socket->address, wide ? "]" : "", socket->port);
		if (socket->pid)
			str_appendf(to, " by %d", socket->pid);
		str_append(to, "\n");
	}
}

static void tell_processes(const struct inspection *inspection, struct str *to)
{
	str_append(to, "\nprocesses: pid, pid inside, user, state, memory, command\n");
	for (size_t i = 0; i < inspection->processes_count; i++) {
		const struct inspect_process *process = &inspection->processes[i];

		str_appendf(to, "  %-8d %-6d %-7" PRIu32 " %s %8" PRIu64 " KiB  %.200s\n",
			process->pid, process->inside, process->uid, process->state,
			process->rss / 1024, process->command);
	}
}

/* Names of the container's making are not to command the terminal. */
static void make_plain(struct str *text)
{
	for (size_t i = 0; i < text->length; i++) {
		if (iscntrl((unsigned char)text->data[i]) && text->data[i] != '\n')
			text->data[i] = '?';
	}
}

void inspection_tell(const struct inspection *inspection, struct str *to)
{
	tell_state(&inspection->state, to);
	if (inspection->namespaces_count) {
		tell_namespaces(inspection, to);
		tell_security(&inspection->security, to);
		tell_mounts(inspection, to);
	}
	tell_cgroups(inspection, to);
	if (inspection->namespaces_count) {
		tell_network(inspection, to);
		tell_processes(inspection, to);
	}
	make_plain(to);
}
