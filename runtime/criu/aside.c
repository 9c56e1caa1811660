/* aside_run() is the caller's side, serve() what the other process does. */
#include "runtime/criu/aside.h"

#include <unistd.h>

#include "base/cleanup.h"
#include "base/process.h"
#include "runtime/birth.h"

static no_return void serve(const struct aside *aside, int sock)
{
	struct error err;

	if (aside->work(aside->argument, &err) == 0)
		_exit(0);
	stage_send_error(sock, &err);
	_exit(1);
}

int aside_run(const struct aside *aside, struct error *err)
{
	int ends[2];
	int status;
	auto_fd ours = -1;
	auto_pid pid = -1;

	if (stage_pair(ends, err) < 0)
		return -1;
	pid = process_clone(0, NULL);
	if (pid == 0)
		serve(aside, ends[1]);
	ours = ends[0];
	close(ends[1]);
	if (pid < 0)
		return fail_errno(err, "%s: making a process", aside->what);
	if (birth_await(ours, STAGE_END, err) < 0 || process_wait(pid, &status, err) < 0)
		return -1;
	pid = -1;
	return status ? fail(err, "%s ended with status %d", aside->what, status) : 0;
}
