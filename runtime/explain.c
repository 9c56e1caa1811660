/* The plan of a create in words. */
#include "runtime/explain.h"

#include <inttypes.h>
#include <sched.h>
#include <string.h>

#include "runtime/process/caps.h"
#include "runtime/steps.h"
#include "spec/names.h"

/* ---- what the plan has for a step --------------------------------------------------- */

static void describe_namespaces(const struct creation *creation, struct str *to)
{
	const struct oci_linux *linux = &creation->bundle.config.linux;

	for (size_t i = 0; i < linux->namespaces_count; i++) {
		const struct oci_namespace *namespace = &linux->namespaces[i];
		const char *word = word_of_number(namespace_words, namespace->type);
		bool later = creation->namespaces.unshare & (uint64_t) namespace->type;

		if (namespace->path && *namespace->path)
			str_appendf(to, "join the %s namespace %s (setns)\n", word,
				namespace->path);
		else
			str_appendf(to, "a new %s namespace (%s)\n", word,
				later ? "unshare, once init is in its cgroup" : "clone3");
	}
}

static void describe_maps(
	const char *what, const struct oci_id_mapping *maps, size_t count, struct str *to)
{
	for (size_t i = 0; i < count; i++)
		str_appendf(to,
			"%s %" PRIu32 " to %" PRIu32 " inside are %" PRIu32 " to %" PRIu32
			" outside\n",
			what, maps[i].container_id,
			maps[i].container_id + maps[i].size - 1, maps[i].host_id,
			maps[i].host_id + maps[i].size - 1);
}

static void describe_places(const struct creation *creation, struct str *to)
{
	const struct oci_linux *linux = &creation->bundle.config.linux;

	if (creation->namespaces.makes_user) {
		describe_maps(
			"users", linux->uid_mappings, linux->uid_mappings_count, to);
		describe_maps(
			"groups", linux->gid_mappings, linux->gid_mappings_count, to);
	}
	for (size_t i = 0; i < linux->net_devices_count; i++)
		str_appendf(
			to, "move the interface %s\n", linux->net_devices[i].host_name);
}

static void describe_hooks(
	const struct creation *creation, enum hook_kind kind, struct str *to)
{
	struct hook_list hooks = hooks_of_kind(&creation->bundle.config.hooks, kind);

	for (size_t i = 0; i < hooks.count; i++)
		str_appendf(to, "%s: %s\n", hook_kind_name(kind), hooks.items[i].path);
}

static void describe_settling(const struct oci_process *process, struct str *to)
{
	for (size_t i = 0; i < process->rlimits_count; i++)
		str_appendf(to, "%s %" PRIu64 ", at most %" PRIu64 "\n",
			word_of_number(rlimit_words, process->rlimits[i].type),
			process->rlimits[i].soft, process->rlimits[i].hard);
	str_appendf(to, "working directory %s\n", process->cwd ? process->cwd : "/");
}

static void describe_program(const struct creation *creation, struct str *to)
{
	const struct oci_process *process = creation->bundle.config.process;
	auto_free char *words = strings_join(&process->args, " ");
	auto_free char *caps =
		process->capabilities
			? strings_join(&process->capabilities->bounding, " ")
			: NULL;

	describe_hooks(creation, HOOK_START_CONTAINER, to);
	str_appendf(to, "user %" PRIu32 ", group %" PRIu32 "\n", process->user.uid,
		process->user.gid);
	str_appendf(to, "capabilities: %s\n", caps && *caps ? caps : "none");
	if (process->no_new_privileges)
		str_append(to, "no way to gain privileges by execve (prctl)\n");
	if (creation->bundle.config.linux.seccomp)
		str_append(to, "the seccomp filter of config.json\n");
	str_appendf(to, "%s\n", words);
}

static void describe(const struct creation *creation, enum step step, struct str *to)
{
	switch (step) {
	case STEP_CGROUP_MADE:
		cgroup_plan_describe(creation->cgroup_plan, to);
		return;
	case STEP_CLONED:
		if (creation->relayed)
			str_append(to, "by way of a process that joins first (setns)\n");
		describe_namespaces(creation, to);
		return;
	case STEP_PLACED:
		describe_places(creation, to);
		return;
	case STEP_MOUNTED:
		rootfs_describe_mounts(creation->rootfs, to);
		return;
	case STEP_HOOKED:
		describe_hooks(creation, HOOK_PRESTART, to);
		describe_hooks(creation, HOOK_CREATE_RUNTIME, to);
		return;
	case STEP_PIVOTED:
		describe_hooks(creation, HOOK_CREATE_CONTAINER, to);
		rootfs_describe_pivot(creation->rootfs, to);
		return;
	case STEP_SETTLED:
		describe_settling(creation->bundle.config.process, to);
		return;
	case STEP_EXECUTED:
		describe_program(creation, to);
		return;
	default:
		return;
	}
}

static bool applies(const struct creation *creation, enum step step)
{
	switch (step) {
	case STEP_PLACED:
		return creation->waits_placed;
	case STEP_HOOKED:
		return creation->waits_hooked;
	case STEP_READY:
		return !creation->request->start;
	default:
		return true;
	}
}

/* ---- the texts ---------------------------------------------------------------------- */

/* What comes from a bundle is not to command the terminal. */
static void append_indented(const struct str *lines, struct str *to)
{
	bool fresh = true;

	for (size_t i = 0; i < lines->length; i++) {
		unsigned char c = (unsigned char)lines->data[i];

		if (fresh)
			str_append(to, "       - ");
		fresh = c == '\n';
		str_append_char(to, fresh || (c >= ' ' && c != 0x7f) ? (char)c : '?');
	}
}

void explain_plan(const struct creation *creation, struct str *to)
{
	int number = 1;

	str_appendf(to, "to make container \"%s\" of %s:\n", creation->request->id,
		creation->bundle.path);
	for (int step = 0; step < STEP_COUNT; step++) {
		const struct step_words *words = step_words((enum step)step);
		auto_str details = { 0 };

		if (!applies(creation, (enum step)step))
			continue;
		str_appendf(to, "%3d. %-11s %s: %s [%s]\n", number++, words->name,
			words->in_init ? "init" : "runtime", words->words, words->calls);
		describe(creation, (enum step)step, &details);
		append_indented(&details, to);
	}
}

/* Since what the same process had done before; init was made after the cgroup. */
static uint64_t since(const struct steps *steps, int step)
{
	bool in_init = step_words((enum step)step)->in_init;

	for (int before = step - 1; before >= 0; before--) {
		bool same = step_words((enum step)before)->in_init == in_init;

		if (in_init && before == STEP_CGROUP_MADE)
			same = true;
		if (same && steps->reached[before])
			return steps->reached[before];
	}
	return steps->begun;
}

void explain_times(const struct steps *steps, struct str *to)
{
	str_append(to, "done, in milliseconds, waits for the other process included:\n");
	str_append(to, "          at        took  step\n");
	for (int step = 0; step < STEP_COUNT; step++) {
		const struct step_words *words = step_words((enum step)step);
		uint64_t reached = steps->reached[step];

		if (!reached)
			continue;
		str_appendf(to, "  %10.3f  %10.3f  %-11s %s [%s]\n",
			(double)(reached - steps->begun) / 1e6,
			(double)(reached - since(steps, step)) / 1e6, words->name,
			words->in_init ? "init" : "runtime", words->calls);
	}
}
