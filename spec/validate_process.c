/* The rules for a process. */
#include <sched.h>
#include <string.h>

#include "spec/names.h"
#include "spec/validate_private.h"

#define NO_ID UINT32_MAX /* to setresuid(2) it means "leave as it is" */

#ifndef SCHED_DEADLINE
#define SCHED_DEADLINE 6
#endif

static void check_args(struct validation *validation, const struct oci_process *process,
	const char *pointer)
{
	if (!process->args.count)
		problem(validation, at("%s/args", pointer),
			"expected a program to run, found nothing");
	else if (!*process->args.items[0])
		problem(validation, at("%s/args/0", pointer),
			"expected a program to run, found \"\"");
	if (*process->cwd != '/')
		problem(validation, at("%s/cwd", pointer),
			"expected an absolute path, found \"%.60s\"", process->cwd);
	validate_env(validation, &process->env, at("%s/env", pointer).text);
}

static void check_user(
	struct validation *validation, const struct oci_user *user, const char *pointer)
{
	if (user->uid == NO_ID)
		problem(validation, at("%s/user/uid", pointer), "%u is no user", NO_ID);
	if (user->gid == NO_ID)
		problem(validation, at("%s/user/gid", pointer), "%u is no group", NO_ID);
	for (size_t i = 0; i < user->additional_gids.count; i++) {
		if (user->additional_gids.items[i] == NO_ID)
			problem(validation, at("%s/user/additionalGids/%zu", pointer, i),
				"%u is no group", NO_ID);
	}
	if (user->has_umask && user->umask > 0777)
		problem(validation, at("%s/user/umask", pointer),
			"expected at most 511 (octal 777), found %u", user->umask);
}

static void check_rlimits(struct validation *validation,
	const struct oci_process *process, const char *pointer)
{
	uint64_t seen = 0;

	for (size_t i = 0; i < process->rlimits_count; i++) {
		const struct oci_rlimit *limit = &process->rlimits[i];
		struct place place = at("%s/rlimits/%zu", pointer, i);

		if (seen & UINT64_C(1) << limit->type)
			problem(validation, place, "a second limit of type %s",
				word_of_number(rlimit_words, limit->type));
		seen |= UINT64_C(1) << limit->type;
		if (limit->soft > limit->hard)
			problem(validation, place,
				"the soft limit (%llu) is above the hard limit (%llu)",
				(unsigned long long)limit->soft,
				(unsigned long long)limit->hard);
	}
}

/* sched(7), sched_setattr(2) */
static void check_deadline(struct validation *validation,
	const struct oci_scheduler *scheduler, struct place place)
{
	bool times = scheduler->runtime || scheduler->deadline || scheduler->period;

	if (scheduler->policy != SCHED_DEADLINE) {
		if (times)
			problem(validation, place,
				"runtime, deadline and period belong to SCHED_DEADLINE");
		return;
	}
	if (!scheduler->runtime || scheduler->runtime > scheduler->deadline ||
		(scheduler->period && scheduler->deadline > scheduler->period))
		problem(validation, place,
			"expected 0 < runtime <= deadline <= period (0: as deadline)");
}

static void check_scheduler(struct validation *validation,
	const struct oci_scheduler *scheduler, const char *pointer)
{
	struct place place = at("%s/scheduler", pointer);
	bool realtime = scheduler->policy == SCHED_FIFO || scheduler->policy == SCHED_RR;
	const char *policy = word_of_number(scheduler_policy_words, scheduler->policy);

	if (scheduler->policy == 4)
		problem(validation, place, "no kernel has SCHED_ISO");
	if (realtime && (scheduler->priority < 1 || scheduler->priority > 99))
		problem(validation, place, "%s needs a priority from 1 to 99, found %d",
			policy, scheduler->priority);
	if (!realtime && scheduler->priority)
		problem(validation, place, "%s has no priority, found %d", policy,
			scheduler->priority);
	if (scheduler->nice < -20 || scheduler->nice > 19)
		problem(validation, place,
			"expected a nice value from -20 to 19, found %d",
			scheduler->nice);
	check_deadline(validation, scheduler, place);
}

void validate_process(struct validation *validation, const struct oci_process *process,
	const char *pointer)
{
	const struct oci_io_priority *io = process->io_priority;
	const struct oci_exec_cpu_affinity *affinity = process->exec_cpu_affinity;

	check_args(validation, process, pointer);
	check_user(validation, &process->user, pointer);
	check_rlimits(validation, process, pointer);
	if (process->scheduler)
		check_scheduler(validation, process->scheduler, pointer);
	if (io && (io->priority < 0 || io->priority > 7))
		problem(validation, at("%s/ioPriority/priority", pointer),
			"expected a priority from 0 to 7, found %d", io->priority);
	if (process->has_oom_score_adj &&
		(process->oom_score_adj < -1000 || process->oom_score_adj > 1000))
		problem(validation, at("%s/oomScoreAdj", pointer),
			"expected a value from -1000 to 1000, found %d",
			process->oom_score_adj);
	if (affinity && affinity->initial && *affinity->initial)
		validate_number_list(validation, affinity->initial,
			at("%s/execCPUAffinity/initial", pointer));
	if (affinity && affinity->final && *affinity->final)
		validate_number_list(validation, affinity->final,
			at("%s/execCPUAffinity/final", pointer));
}
