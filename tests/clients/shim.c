/*
 * A shim, as those of Kubernetes are: it outlives whoever called it, is the parent of what
 * the runtime leaves running, and writes down how that ended. Its phases: settle() becomes
 * the reaper of all descendants, launch() creates the container, or adopt() takes up one
 * that an earlier, killed shim left, serve() waits for its end by pidfds, finish() deletes.
 *
 *	shim RUNTIME BUNDLE ID DIRECTORY [terminal]	create, start, wait, delete
 *	shim --again RUNTIME BUNDLE ID DIRECTORY	the same after a kill -9
 *
 * DIRECTORY receives pid, output and status; a file named `exec` there (a process object)
 * is executed inside and its status goes to exec-status; `stop` ends the container.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *runtime, *bundle, *id;

static void die(const char *what)
{
	fprintf(stderr, "shim: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Runs the runtime with output to fd (-1: ours); returns its exit status. Whatever else
 * ends meanwhile is a container's process, and waits for serve(). */
static int call(int fd, const char *const words[])
{
	char *argv[16] = { (char *)runtime };
	siginfo_t info;
	pid_t pid;

	for (int i = 0; words[i]; i++)
		argv[i + 1] = (char *)words[i];
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		if (fd >= 0 && (dup2(fd, 1) < 0 || dup2(fd, 2) < 0))
			die("dup2");
		execv(runtime, argv);
		die(runtime);
	}
	while (waitid(P_PID, (id_t)pid, &info, WEXITED) < 0)
		if (errno != EINTR)
			die("waitid");
	return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}
#define CALL(fd, ...) call(fd, (const char *const[]){ __VA_ARGS__, NULL })

static void put(const char *name, int value)
{
	FILE *file = fopen(".new", "we");

	if (!file || fprintf(file, "%d\n", value) < 0 || fclose(file) != 0 ||
		rename(".new", name) < 0)
		die(name);
}

static int get(const char *name)
{
	FILE *file = fopen(name, "re");
	int value;

	if (!file || fscanf(file, "%d", &value) != 1)
		die(name);
	fclose(file);
	return value;
}

/* ---- the console ------------------------------------------------------------------- */

static int listen_console(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		listen(fd, 1) < 0)
		die("the console socket");
	return fd;
}

/* The terminal's master comes as a control message. */
static int receive_console(int listener)
{
	char name[128], control[CMSG_SPACE(sizeof(int))];
	struct iovec data = { .iov_base = name, .iov_len = sizeof(name) };
	struct msghdr message = { .msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control) };
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC), master;

	if (fd < 0 || recvmsg(fd, &message, MSG_CMSG_CLOEXEC) < 0 ||
		!CMSG_FIRSTHDR(&message))
		die("receiving the terminal");
	memcpy(&master, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(master));
	close(fd);
	close(listener);
	return master;
}

/* ---- the phases -------------------------------------------------------------------- */

static void settle(const char *directory)
{
	if (chdir(directory) < 0)
		die(directory);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		die("becoming a subreaper");
}

/* Returns where the output is read from. */
static int launch(bool terminal)
{
	int ends[2], listener, fd;
	char console[512];

	if (terminal) {
		/* absolute: runc takes it from the bundle on, not from where it is called */
		if (!getcwd(console, sizeof(console) - sizeof("/console")))
			die("getcwd");
		strcat(console, "/console");
		listener = listen_console("console");
		if (CALL(-1, "create", "--bundle", bundle, "--pid-file", "pid",
			    "--console-socket", console, id))
			exit(1);
		fd = receive_console(listener);
		unlink("console");
	} else {
		if (pipe2(ends, O_CLOEXEC) < 0)
			die("pipe");
		if (CALL(ends[1], "create", "--bundle", bundle, "--pid-file", "pid", id))
			exit(1);
		close(ends[1]);
		fd = ends[0];
	}
	if (CALL(-1, "start", id))
		exit(1);
	return fd;
}

/* False at the end, which on a terminal is EIO. */
static bool copy_output(int fd)
{
	char buffer[4096];
	ssize_t size = read(fd, buffer, sizeof(buffer));
	int out = open("output", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

	if (size > 0 && (out < 0 || write(out, buffer, (size_t)size) != size))
		die("output");
	close(out);
	return size > 0;
}

static void execute(void)
{
	siginfo_t info;

	if (rename("exec", "exec.json") < 0)
		return;
	if (CALL(-1, "exec", "--process", "exec.json", "--detach", "--pid-file",
		    "exec-pid", id))
		put("exec-status", 255);
	else if (waitid(P_PID, (id_t)get("exec-pid"), &info, WEXITED) == 0)
		put("exec-status", info.si_status);
	else
		die("the executed process is no child of ours");
}

/* Until the container's process has ended; then every orphan of it is reaped too. */
static int serve(int fd)
{
	pid_t pid = get("pid");
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0), status = -1;
	struct pollfd ready[] = { { pidfd, POLLIN, 0 }, { fd, POLLIN, 0 } };
	siginfo_t info;

	while (pidfd >= 0 && !(ready[0].revents & POLLIN)) {
		if (poll(ready, fd < 0 ? 1 : 2, 50) < 0 && errno != EINTR)
			die("poll");
		if (ready[1].revents && !copy_output(fd))
			ready[1].fd = -1;
		execute();
		if (unlink("stop") == 0)
			CALL(-1, "kill", id, "TERM");
	}
	if (waitid(P_PID, (id_t)pid, &info, WEXITED) == 0)
		status = info.si_code == CLD_EXITED ? info.si_status
						    : 128 + info.si_status;
	CALL(-1, "kill", "--all", id, "KILL");
	while (fd >= 0 && copy_output(fd))
		;
	return status; /* -1: it was a killed shim's child, and init has reaped it */
}

static void finish(int status)
{
	if (CALL(-1, "delete", id))
		exit(1);
	while (waitpid(-1, NULL, 0) > 0)
		; /* orphans of the container, ours since we are the subreaper */
	put("status", status);
}

int main(int argc, char **argv)
{
	bool again = argc > 1 && !strcmp(argv[1], "--again");

	argv += again;
	argc -= again;
	if (argc < 5) {
		fprintf(stderr,
			"usage: shim [--again] RUNTIME BUNDLE ID DIRECTORY [terminal]\n");
		return 2;
	}
	runtime = argv[1];
	bundle = argv[2];
	id = argv[3];
	settle(argv[4]);
	finish(serve(again ? -1 : launch(argc > 5)));
	return 0;
}
