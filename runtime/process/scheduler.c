/*
 * Scheduling policy (sched_setattr), I/O priority (ioprio_set) and CPU affinity. The
 * kernel's struct is spelt out: recent headers of the C library clash with the kernel's.
 */
#include "runtime/process/scheduler.h"

#include <linux/ioprio.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/process/number_list.h"
#include "spec/names.h"
#include "spec/process.h"

#define POLICY_DEADLINE 6 /* SCHED_DEADLINE, absent from older headers */

/* struct sched_attr of linux/sched/types.h, first version: 48 bytes */
struct attributes {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime;
	uint64_t deadline;
	uint64_t period;
};

static const char *policy_name(const struct oci_scheduler *asked)
{
	return word_of_number(scheduler_policy_words, asked->policy);
}

static int check_priority(const struct oci_scheduler *asked, struct error *err)
{
	bool realtime = asked->policy == SCHED_FIFO || asked->policy == SCHED_RR;
	bool deadline = asked->policy == POLICY_DEADLINE;

	if (realtime && (asked->priority < 1 || asked->priority > 99))
		return fail(err,
			"/process/scheduler/priority: %s takes 1 to 99, found %d",
			policy_name(asked), asked->priority);
	if (!realtime && asked->priority)
		return fail(err,
			"/process/scheduler/priority: %s has no priority, found %d",
			policy_name(asked), asked->priority);
	if (!deadline && (asked->runtime || asked->deadline || asked->period))
		return fail(err,
			"/process/scheduler: runtime, deadline and period belong to "
			"SCHED_DEADLINE, not to %s",
			policy_name(asked));
	if (asked->nice < -20 || asked->nice > 19)
		return fail(err, "/process/scheduler/nice: %d is not in -20 to 19",
			asked->nice);
	return 0;
}

static int check_io(const struct oci_io_priority *asked, struct error *err)
{
	if (asked->priority < 0 || asked->priority > 7)
		return fail(err, "/process/ioPriority/priority: %d is not in 0 to 7",
			asked->priority);
	return 0;
}

int scheduler_check(const struct oci_process *process, struct error *err)
{
	const struct oci_exec_cpu_affinity *affinity = process->exec_cpu_affinity;
	struct number_list list;

	if (process->scheduler && check_priority(process->scheduler, err) < 0)
		return -1;
	if (process->io_priority && check_io(process->io_priority, err) < 0)
		return -1;
	if (affinity && affinity->initial &&
		number_list_parse(affinity->initial, "/process/execCPUAffinity/initial",
			&list, err) < 0)
		return -1;
	if (affinity && affinity->final &&
		number_list_parse(affinity->final, "/process/execCPUAffinity/final",
			&list, err) < 0)
		return -1;
	return 0;
}

int scheduler_policy(const struct oci_process *process, struct error *err)
{
	const struct oci_scheduler *asked = process->scheduler;
	struct attributes attributes = { .size = sizeof(attributes) };

	if (!asked)
		return 0;
	attributes.policy = (uint32_t)asked->policy;
	attributes.flags = words_bits(&asked->flags);
	attributes.nice = asked->nice;
	attributes.priority = (uint32_t)asked->priority;
	attributes.runtime = asked->runtime;
	attributes.deadline = asked->deadline;
	attributes.period = asked->period;
	if (syscall(SYS_sched_setattr, 0, &attributes, 0) == 0)
		return 0;
	(void)fail_errno(err, "/process/scheduler: setting %s", policy_name(asked));
	if (err->errnum == EPERM)
		return fail_hint(err,
			"it needs CAP_SYS_NICE, and real-time policies on cgroup v1 also "
			"/linux/resources/cpu/realtimeRuntime above 0");
	if (err->errnum == EBUSY)
		return fail_hint(err, "the CPUs have no such bandwidth left");
	return -1;
}

int scheduler_io_priority(const struct oci_process *process, pid_t tid, struct error *err)
{
	const struct oci_io_priority *asked = process->io_priority;

	if (!asked)
		return 0;
	if (syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, tid,
		    IOPRIO_PRIO_VALUE(asked->class, asked->priority)) == 0)
		return 0;
	(void)fail_errno(err, "/process/ioPriority: setting %s with priority %d",
		word_of_number(io_class_words, asked->class), asked->priority);
	if (err->errnum == EPERM)
		return fail_hint(err, "it needs CAP_SYS_NICE or CAP_SYS_ADMIN");
	return -1;
}

static int affinity(const char *cpus, const char *field, struct error *err)
{
	struct number_list list;

	if (!cpus || !*cpus)
		return 0;
	if (number_list_parse(cpus, field, &list, err) < 0)
		return -1;
	if (syscall(SYS_sched_setaffinity, 0, sizeof(list.bits), list.bits) < 0) {
		(void)fail_errno(err, "%s: moving to CPUs %s", field, cpus);
		return err->errnum == EINVAL ? fail_hint(err, "none of them is online")
					     : -1;
	}
	return 0;
}

int scheduler_affinity_initial(const struct oci_process *process, struct error *err)
{
	return process->exec_cpu_affinity
		       ? affinity(process->exec_cpu_affinity->initial,
				 "/process/execCPUAffinity/initial", err)
		       : 0;
}

/* To all CPUs that the cgroup allows: the kernel keeps to those by itself. */
static int forget_affinity(struct error *err)
{
	struct number_list all;

	memset(all.bits, 0xff, sizeof(all.bits));
	if (syscall(SYS_sched_setaffinity, 0, sizeof(all.bits), all.bits) < 0)
		return fail_errno(
			err, "/process/execCPUAffinity: leaving the first CPUs");
	return 0;
}

int scheduler_affinity_final(const struct oci_process *process, struct error *err)
{
	const struct oci_exec_cpu_affinity *asked = process->exec_cpu_affinity;

	if (!asked)
		return 0;
	if ((!asked->final || !*asked->final) && asked->initial && *asked->initial)
		return forget_affinity(err);
	return affinity(asked->final, "/process/execCPUAffinity/final", err);
}
