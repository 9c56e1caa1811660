/* The named steps of a create. */
#include "runtime/steps.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

static const struct step_words table[STEP_COUNT] = {
	[STEP_PLANNED] = { .name = "planned",
		.inert = true,
		.words = "read config.json, check all of it, open what init could not",
		.calls = "openat, read, open_tree, seccomp cache" },
	[STEP_STATE_MADE] = { .name = "state-made",
		.words = "make the state directory, which is the lock too",
		.calls = "mkdirat, flock" },
	[STEP_RECORDED] = { .name = "recorded",
		.words = "write down what there will be to remove",
		.calls = "openat, write, renameat" },
	[STEP_CGROUP_MADE] = { .name = "cgroup-made",
		.words = "make the cgroup and set its limits",
		.calls = "mkdir, write, bpf" },
	[STEP_CLONED] = { .name = "cloned",
		.words = "make init, the container's first process",
		.calls = "clone3" },
	[STEP_ENTERED] = { .name = "entered",
		.in_init = true,
		.words = "begin a session, enter the cgroup and what is joined",
		.calls = "setsid, write, setns" },
	[STEP_PLACED] = { .name = "placed",
		.words = "map ids, move interfaces, have systemd make the scope",
		.calls = "write to /proc/PID/uid_map, sendmsg" },
	[STEP_MOUNTED] = { .name = "mounted",
		.in_init = true,
		.words = "make the root file system and what is mounted on it",
		.calls = "open_tree, fsopen, fsmount, mount_setattr, move_mount" },
	[STEP_HOOKED] = { .name = "hooked",
		.words = "run the hooks prestart and createRuntime",
		.calls = "clone3, execve, wait4" },
	[STEP_PIVOTED] = { .name = "pivoted",
		.in_init = true,
		.words = "run createContainer hooks, open the terminal, change the root",
		.calls = "pivot_root, umount2" },
	[STEP_NAMED] = { .name = "named",
		.words = "write init's pid into state.json",
		.calls = "openat, write, renameat" },
	[STEP_SETTLED] = { .name = "settled",
		.in_init = true,
		.words = "join a keyring, set limits and scheduling, find the program",
		.calls = "keyctl, prlimit64, sched_setattr, chdir, faccessat2" },
	[STEP_READY] = { .name = "ready",
		.words = "hear from init that it waits for `start`",
		.calls = "recvmsg, renameat" },
	[STEP_STARTING] = { .name = "starting",
		.in_init = true,
		.words = "hear that the container may start",
		.calls = "recvmsg" },
	[STEP_EXECUTED] = { .name = "executed",
		.inert = true,
		.words = "init runs startContainer hooks, gives up its privileges, loads "
			 "the seccomp filter and becomes the program",
		.calls = "setresuid, capset, seccomp, execve" },
};

const struct step_words *step_words(enum step step)
{
	return &table[step];
}

int steps_share(struct steps **ret, struct error *err)
{
	struct steps *steps = mmap(NULL, sizeof(*steps), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (steps == MAP_FAILED)
		return fail_errno(err, "sharing memory with init");
	steps->begun = (uint64_t)clock_ns();
	*ret = steps;
	return 0;
}

/* The first process of a pid namespace cannot stop itself: it waits to be killed, with a
 * mark in its name for whoever looks for it. */
static void stand_still(void)
{
	raise(SIGSTOP);
	if (getpid() != 1)
		return;
	(void)prctl(PR_SET_NAME, "mocker-runtime!"); /* cannot fail */
	for (;;)
		pause();
}

void step_reached(struct steps *steps, enum step step)
{
	log_debug("step %s", table[step].name);
	if (steps)
		steps->reached[step] = (uint64_t)clock_ns();
	if (!table[step].inert && str_equal(getenv("MOCKER_STOP_AT"), table[step].name))
		stand_still();
}
