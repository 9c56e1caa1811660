/* The birth of a container's process: the parent's side as birth.h has it, then what the
 * process itself does. */
#include "runtime/birth.h"

#include <fcntl.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/process.h"
#include "runtime/foreground.h"
#include "runtime/handover.h"
#include "runtime/process/terminal.h"
#include "runtime/rootfs/devices.h"
#include "spec/process.h"

void birth_free(struct birth *birth)
{
	cleanup_fd(&birth->sock);
	cleanup_fd(&birth->far_sock);
	cleanup_fd(&birth->console_sock);
	cleanup_fd(&birth->pidfd_sock);
	cleanup_fd(&birth->pidfd);
	cleanup_fd(&birth->master);
}

/* ---- the parent --------------------------------------------------------------------- */

/* In runc's words, which its callers know. */
static int check_terminal(
	const struct birth_request *request, bool terminal, struct error *err)
{
	if (terminal && !request->foreground && !request->console_socket)
		return fail(err,
			"cannot allocate tty if runtime will detach without setting "
			"console socket; add --console-socket");
	if (request->console_socket && (!terminal || request->foreground))
		return fail(err,
			"cannot use console socket if runtime will not detach or "
			"allocate tty; process.terminal is %s",
			terminal ? "true" : "false");
	return 0;
}

int birth_plan(const struct birth_request *request, bool terminal, struct birth *birth,
	struct error *err)
{
	if (check_terminal(request, terminal, err) < 0)
		return -1;
	if (request->console_socket &&
		handover_connect("--console-socket", request->console_socket,
			&birth->console_sock, err) < 0)
		return -1;
	if (request->pidfd_socket &&
		handover_connect("--pidfd-socket", request->pidfd_socket,
			&birth->pidfd_sock, err) < 0)
		return -1;
	return 0;
}

int birth_open(struct birth *birth, struct error *err)
{
	int ends[2];

	if (stage_pair(ends, err) < 0)
		return -1;
	birth->sock = ends[0];
	birth->far_sock = ends[1];
	return 0;
}

int birth_await_fd(int sock, enum stage stage, int *ret_fd, struct error *err)
{
	if (foreground_await(sock, err) < 0)
		return -1;
	return stage_await_fd(sock, stage, ret_fd, err);
}

int birth_await(int sock, enum stage stage, struct error *err)
{
	return birth_await_fd(sock, stage, NULL, err);
}

int birth_await_execve(int sock, pid_t pid, bool filtered, struct error *err)
{
	if (birth_await(sock, STAGE_END, err) < 0)
		return -1;
	if (!filtered || !process_is_unexecuted(pid))
		return 0;
	(void)fail_code(err, STAGE_PEER_ENDED,
		"the container's process ended before it executed its program");
	return fail_hint(err, BIRTH_FILTER_HINT);
}

int birth_await_terminal(struct birth *birth, bool terminal, struct error *err)
{
	if (!terminal || birth->console_sock >= 0)
		return 0;
	return birth_await_fd(birth->sock, STAGE_TERMINAL, &birth->master, err);
}

/* Who reads on is to see the end of it, however long we stay. */
static int send_pidfd(struct birth *birth, struct error *err)
{
	auto_fd sock = take_fd(&birth->pidfd_sock);

	if (sock < 0)
		return 0;
	return handover_send("--pidfd-socket", sock, "pidfd", birth->pidfd, err);
}

static int write_pid_file(const char *path, pid_t pid, struct error *err)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d", pid);

	if (!path)
		return 0;
	return file_replace_at(AT_FDCWD, path, text, (size_t)length,
		(struct file_replace_options){ .mode = 0644 }, err);
}

int birth_announce(
	const struct birth_request *request, struct birth *birth, struct error *err)
{
	if (send_pidfd(birth, err) < 0)
		return -1;
	return write_pid_file(request->pid_file, birth->pid, err);
}

/* ---- the process -------------------------------------------------------------------- */

/* To be told of the parent's death, nobody but the parent may hold its end of the socket. */
void birth_let_go(struct birth *birth)
{
	cleanup_fd(&birth->sock);
	cleanup_fd(&birth->pidfd_sock);
	birth->sock = birth->pidfd_sock = -1;
	process_set_title("mocker-runtime init");
}

int birth_send_master(const struct birth *birth, int master, struct error *err)
{
	return handover_send(
		"--console-socket", birth->console_sock, "/dev/ptmx", master, err);
}

static int hand_over_master(const struct birth *birth, int master, struct error *err)
{
	return birth->console_sock >= 0
		       ? birth_send_master(birth, master, err)
		       : stage_send_fd(birth->far_sock, STAGE_TERMINAL, master, err);
}

int birth_make_terminal(
	const struct birth *birth, const struct birth_terminal *what, struct error *err)
{
	auto_terminal terminal = TERMINAL_NONE;

	if (!what->process->terminal) {
		terminal_give_standard(what->root_fd, what->process->user.uid);
		return 0;
	}
	if (terminal_open(what->root_fd, what->process, &terminal, err) < 0)
		return -1;
	if (what->at_console &&
		devices_bind_console(what->root_fd, terminal.slave, err) < 0)
		return -1;
	if (hand_over_master(birth, terminal.master, err) < 0)
		return -1;
	return terminal_attach(&terminal, err);
}
