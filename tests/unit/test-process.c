/* base/process: programs that are run, and processes by their pid. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/process.h"
#include "base/str.h"
#include "tests/unit/test.h"

/* Literals where execve() has char *const. */
#define ARGV(...) ((char *const *)(const char *const[]){ __VA_ARGS__, NULL })

static struct error err;

static void programs_run_and_answer(void)
{
	auto_str output = { 0 };
	auto_str errors = { 0 };
	char *const *argv = ARGV("sh", "-c", "cat; echo out; echo bad >&2; exit 3");
	struct process_run run = {
		.path = "sh",
		.argv = argv,
		.input = "in ",
		.input_length = 3,
		.output = &output,
		.errors = &errors,
	};
	int status = -1;

	CHECK_OK(process_run(&run, &status, &err), &err);
	CHECK_INT(status, 3);
	CHECK_STR(output.data, "in out\n");
	CHECK_STR(errors.data, "bad\n");
}

static void missing_programs_are_errors(void)
{
	char *const *argv = ARGV("/no/such");
	struct process_run run = { .path = "/no/such", .argv = argv };
	int status = -1;

	CHECK_FAILS(process_run(&run, &status, &err), &err,
		"executing /no/such: No such file or directory");
	CHECK_INT(err.errnum, ENOENT);
	CHECK_INT(status, -1);
}

static void slow_programs_are_killed(void)
{
	char *const *argv = ARGV("sh", "-c", "sleep 60 & sleep 60");
	struct process_run run = { .path = "sh", .argv = argv, .timeout_ms = 100 };
	int status;

	CHECK_FAILS(process_run(&run, &status, &err), &err,
		"sh did not end within 100 ms and was killed");
	CHECK_INT(err.errnum, ETIMEDOUT);
}

static void input_may_be_ignored(void)
{
	auto_free char *large = str_alloc(1 << 20);
	char *const *argv = ARGV("true");
	struct process_run run = {
		.path = "true", .argv = argv, .input = large, .input_length = 1 << 20
	};
	int status = -1;

	CHECK_OK(process_run(&run, &status, &err), &err);
	CHECK_INT(status, 0);
}

static void only_the_tail_is_kept(void)
{
	auto_str output = { 0 };
	char *const *argv = ARGV("sh", "-c", "seq 100000");
	struct process_run run = {
		.path = "sh", .argv = argv, .output = &output, .keep = 14
	};
	int status = -1;

	CHECK_OK(process_run(&run, &status, &err), &err);
	CHECK_STR(output.data, "\n99999\n100000\n");
}

static void processes_have_an_identity(void)
{
	uint64_t start = 0;
	uint64_t again = 0;
	char state = 0;

	CHECK_OK(process_stat(getpid(), &start, &state, &err), &err);
	CHECK_INT(state, 'R');
	CHECK(start > 0);
	CHECK_OK(process_stat(getpid(), &again, &state, &err), &err);
	CHECK(start == again);
	CHECK_FAILS(
		process_stat(0x3fffffff, &start, &state, &err), &err, "does not exist");
	CHECK_INT(err.errnum, ESRCH);
}

static void clones_have_a_pidfd(void)
{
	int pidfd = -1;
	auto_pid pid = process_clone(0, &pidfd);
	int status = -1;

	if (pid == 0)
		_exit(7);
	CHECK(pidfd >= 0);
	close(pidfd);
	CHECK_OK(process_wait(take_pid(&pid), &status, &err), &err);
	CHECK_INT(status, 7);
}

static const struct test tests[] = {
	{ "a program runs with input, output, errors and a status",
		programs_run_and_answer },
	{ "a program that is missing is an error, not a status",
		missing_programs_are_errors },
	{ "a program that is too slow is killed with its group",
		slow_programs_are_killed },
	{ "a program may ignore its input", input_may_be_ignored },
	{ "only the tail of long output is kept", only_the_tail_is_kept },
	{ "a process is named by its pid and start time", processes_have_an_identity },
	{ "a clone comes with a pidfd", clones_have_a_pidfd },
};

TEST_MAIN(tests)
