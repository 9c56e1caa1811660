/* runtime/caps and its neighbours: masks, what a forked process really has afterwards. */
#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/process/caps.h"
#include "runtime/process/limits.h"
#include "runtime/process/number_list.h"
#include "runtime/process/scheduler.h"
#include "spec/process.h"
#include "tests/unit/test.h"

#define BIT(n) (UINT64_C(1) << (n))

static const char three[] =
	"{\"cwd\":\"/\",\"args\":[\"x\"],\"user\":{\"uid\":0,\"gid\":0},\"capabilities\":{"
	"\"bounding\":[\"CAP_CHOWN\",\"CAP_KILL\",\"CAP_NO_SUCH_THING\"],"
	"\"effective\":[\"CAP_CHOWN\"],\"permitted\":[\"CAP_CHOWN\",\"CAP_KILL\"],"
	"\"inheritable\":[\"CAP_KILL\"],\"ambient\":[\"CAP_KILL\"]}}";

static void read_process(const char *text, struct oci_process *ret)
{
	struct json_options options = { .name = "process.json" };
	struct error err;

	CHECK_OK(json_read(&oci_process_type, ret, text, strlen(text), &options, &err),
		&err);
}

static void names_become_masks(void)
{
	auto_oci_process process = { 0 };
	struct caps caps;

	read_process(three, &process);
	caps = caps_plan(&process);
	CHECK_INT(caps.bounding, BIT(CAP_CHOWN) | BIT(CAP_KILL));
	CHECK_INT(caps.effective, BIT(CAP_CHOWN));
	CHECK_INT(caps.permitted, BIT(CAP_CHOWN) | BIT(CAP_KILL));
	CHECK_INT(caps.inheritable, BIT(CAP_KILL));
	CHECK_INT(caps.ambient, BIT(CAP_KILL));
}

static void absent_is_none(void)
{
	struct oci_process process = { 0 };
	struct caps caps = caps_plan(&process);

	CHECK_INT(caps.bounding | caps.effective | caps.permitted | caps.inheritable |
			  caps.ambient,
		0);
}

/* Line "CapEff:" and its kin of /proc/self/status, in a child that applied the sets. */
struct sets {
	unsigned long long inherited, permitted, effective, bounding, ambient;
};

static int read_sets(struct sets *ret)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[256];
	int found = 0;

	while (file && fgets(line, sizeof(line), file)) {
		found += sscanf(line, "CapInh: %llx", &ret->inherited) == 1;
		found += sscanf(line, "CapPrm: %llx", &ret->permitted) == 1;
		found += sscanf(line, "CapEff: %llx", &ret->effective) == 1;
		found += sscanf(line, "CapBnd: %llx", &ret->bounding) == 1;
		found += sscanf(line, "CapAmb: %llx", &ret->ambient) == 1;
	}
	if (file)
		(void)fclose(file);
	return found == 5 ? 0 : -1;
}

/* Runs in a child; the exit status is 0, or the number of the step that failed. */
static int apply_in_child(struct caps *caps, uid_t uid, struct sets *ret)
{
	int pipes[2];
	int status = -1;
	pid_t pid;

	if (pipe(pipes) < 0 || (pid = fork()) < 0)
		return -1;
	if (!pid) {
		struct error err;
		struct sets sets = { 0 };

		if (caps_drop_bounding(caps, &err) < 0)
			_exit(1);
		if (uid && syscall(SYS_setresuid, uid, uid, uid) < 0)
			_exit(2);
		if (caps_apply(caps, &err) < 0)
			_exit(3);
		if (read_sets(&sets) < 0 || write(pipes[1], &sets, sizeof(sets)) < 0)
			_exit(4);
		_exit(0);
	}
	(void)close(pipes[1]);
	if (read(pipes[0], ret, sizeof(*ret)) != sizeof(*ret))
		*ret = (struct sets){ 0 };
	(void)close(pipes[0]);
	(void)waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

static void all_five_sets_are_applied(void)
{
	const uid_t uids[] = { 0, 1000 };

	if (geteuid() != 0)
		SKIP("needs root");
	for (size_t i = 0; i < ARRAY_SIZE(uids); i++) {
		auto_oci_process process = { 0 };
		struct caps caps;
		struct sets sets;

		read_process(three, &process);
		caps = caps_plan(&process);
		CHECK_INT(apply_in_child(&caps, uids[i], &sets), 0);
		CHECK_INT(sets.bounding, BIT(CAP_CHOWN) | BIT(CAP_KILL));
		CHECK_INT(sets.effective, BIT(CAP_CHOWN));
		CHECK_INT(sets.permitted, BIT(CAP_CHOWN) | BIT(CAP_KILL));
		CHECK_INT(sets.inherited, BIT(CAP_KILL));
		CHECK_INT(sets.ambient, BIT(CAP_KILL));
	}
}

static void what_cannot_be_granted_is_left_out(void)
{
	struct caps caps = {
		.effective = BIT(CAP_CHOWN) | BIT(CAP_KILL),
		.permitted = BIT(CAP_CHOWN),
		.ambient = BIT(CAP_CHOWN),
		.bounding = BIT(CAP_CHOWN),
	};
	struct sets sets;

	if (geteuid() != 0)
		SKIP("needs root");
	CHECK_INT(apply_in_child(&caps, 0, &sets), 0);
	CHECK_INT(sets.effective, BIT(CAP_CHOWN));
	CHECK_INT(sets.ambient, 0);
}

static void lists_of_numbers(void)
{
	static const struct {
		const char *text;
		bool good;
		unsigned long first_word;
		size_t last;
	} cases[] = {
		{ "0", true, 1, 0 },
		{ "0-3,7", true, 0x8f, 7 },
		{ "1,1-2", true, 6, 2 },
		{ "8191", true, 0, 8191 },
		{ "", false, 0, 0 },
		{ "3-1", false, 0, 0 },
		{ "0,", false, 0, 0 },
		{ ",0", false, 0, 0 },
		{ "0 -1", false, 0, 0 },
		{ "8192", false, 0, 0 },
		{ "99999999999999999999", false, 0, 0 },
		{ "0-", false, 0, 0 },
		{ "-1", false, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct number_list list;
		struct error err;

		if (!cases[i].good) {
			CHECK_FAILS(
				number_list_parse(cases[i].text, "/field", &list, &err),
				&err, "/field: expected a list");
			continue;
		}
		CHECK_OK(number_list_parse(cases[i].text, "/field", &list, &err), &err);
		CHECK_INT(list.bits[0], cases[i].first_word);
		CHECK_INT(list.last, cases[i].last);
	}
}

static void limits_above_the_hard_one_name_what_is_missing(void)
{
	struct oci_rlimit limit = {
		.type = RLIMIT_CORE, .soft = 1, .hard = RLIM_INFINITY
	};
	struct oci_process process = { .rlimits = &limit, .rlimits_count = 1 };
	struct rlimit none = { 0, 0 };
	struct rlimit64 now = { 1, 1 };
	int status = 0;
	pid_t pid = fork();

	if (!pid) {
		struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3,
			0 };
		struct __user_cap_data_struct data[2] = { { 0 } };
		struct error err;

		if (setrlimit(RLIMIT_CORE, &none) < 0 ||
			syscall(SYS_capset, &header, data) < 0)
			_exit(1);
		if (limits_rlimits(&process, &err) == 0 || err.errnum != EPERM)
			_exit(2);
		if (!strstr(err.text, "/process/rlimits/0: raising the hard limit of "
				      "RLIMIT_CORE from 0") ||
			!strstr(err.text, "CAP_SYS_RESOURCE is missing"))
			_exit(3);
		limit.hard = limit.soft = 0;
		if (limits_rlimits(&process, &err) < 0 ||
			prlimit64(0, RLIMIT_CORE, NULL, &now) < 0 || now.rlim_max != 0)
			_exit(4);
		_exit(0);
	}
	(void)waitpid(pid, &status, 0);
	CHECK_INT(WEXITSTATUS(status), 0);
}

static void a_soft_limit_above_the_hard_one_is_refused(void)
{
	struct oci_rlimit limit = { .type = RLIMIT_NOFILE, .soft = 2, .hard = 1 };
	struct oci_process process = { .rlimits = &limit, .rlimits_count = 1 };
	struct error err;

	CHECK_FAILS(
		limits_rlimits(&process, &err), &err, "soft limit 2 is above the hard");
}

static void scheduling_is_checked(void)
{
	struct oci_scheduler scheduler = { .policy = SCHED_FIFO, .priority = 0 };
	struct oci_exec_cpu_affinity affinity = { 0 };
	struct oci_process process = { .scheduler = &scheduler };
	char bad[] = "0-x";
	struct error err;

	CHECK_FAILS(scheduler_check(&process, &err), &err, "SCHED_FIFO takes 1 to 99");
	scheduler.policy = SCHED_OTHER;
	scheduler.priority = 5;
	CHECK_FAILS(scheduler_check(&process, &err), &err, "SCHED_OTHER has no priority");
	scheduler.priority = 0;
	scheduler.runtime = 5;
	CHECK_FAILS(scheduler_check(&process, &err), &err, "belong to SCHED_DEADLINE");
	scheduler.runtime = 0;
	scheduler.nice = 20;
	CHECK_FAILS(scheduler_check(&process, &err), &err, "nice: 20");
	process.scheduler = NULL;
	affinity.final = bad;
	process.exec_cpu_affinity = &affinity;
	CHECK_FAILS(
		scheduler_check(&process, &err), &err, "/process/execCPUAffinity/final");
}

static void scheduling_is_applied(void)
{
	struct oci_scheduler scheduler = { .policy = SCHED_BATCH, .nice = 5 };
	struct oci_io_priority io = { .class = 2, .priority = 6 };
	struct oci_process process = { .scheduler = &scheduler, .io_priority = &io };
	int status = 0;
	pid_t pid = fork();

	if (!pid) {
		struct error err;

		if (scheduler_policy(&process, &err) < 0 ||
			sched_getscheduler(0) != SCHED_BATCH)
			_exit(1);
		if (getpriority(PRIO_PROCESS, 0) != 5)
			_exit(2);
		if (scheduler_io_priority(&process, 0, &err) < 0 ||
			syscall(SYS_ioprio_get, 1, 0) != (2 << 13 | 6))
			_exit(3);
		_exit(0);
	}
	(void)waitpid(pid, &status, 0);
	CHECK_INT(WEXITSTATUS(status), 0);
}

static const struct test tests[] = {
	{ "names of capabilities become masks, unknown ones are left out",
		names_become_masks },
	{ "without capabilities there are none", absent_is_none },
	{ "all five sets are applied, over a change of user too",
		all_five_sets_are_applied },
	{ "what cannot be granted is left out", what_cannot_be_granted_is_left_out },
	{ "lists of numbers are strict", lists_of_numbers },
	{ "a limit that may not be raised says which capability is missing",
		limits_above_the_hard_one_name_what_is_missing },
	{ "a soft limit above the hard one is refused",
		a_soft_limit_above_the_hard_one_is_refused },
	{ "scheduling that cannot be is refused by name", scheduling_is_checked },
	{ "scheduling and I/O priority are applied", scheduling_is_applied },
};

TEST_MAIN(tests)
