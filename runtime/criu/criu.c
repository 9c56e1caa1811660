/* A call: start the worker, send the request, answer its notices, judge its response. */
#include "runtime/criu/criu.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/process.h"
#include "base/socket.h"
#include "runtime/birth.h"
#include "runtime/criu/log.h"
#include "runtime/criu/wire.h"
#include "runtime/foreground.h"
#include "spec/names.h"

#define MESSAGE_MAX 65536

/* Numbers of fields in criu_req, criu_resp and what they hold. */
enum { REQ_TYPE = 1, REQ_OPTS = 2, REQ_NOTIFY_SUCCESS = 3, REQ_FEATURES = 5 };
enum {
	RESP_TYPE = 1,
	RESP_SUCCESS = 2,
	RESP_NOTIFY = 5,
	RESP_ERRNO = 7,
	RESP_FEATURES = 8,
	RESP_ERRMSG = 9,
};
enum { NOTIFY_SCRIPT = 1, NOTIFY_PID = 2 };

struct worker {
	const struct criu_call *call;
	pid_t pid;
	int sock;  /* our end of what is spoken with criu */
	int stage; /* our end of what is spoken with it before it is criu */
	int far_stage;
	int signals; /* that end a restore; -1: they end us */
};

struct response {
	int64_t kind;
	bool success;
	int64_t errnum;
	char message[256];
	uint64_t features; /* a bit for each enum criu_feature */
	struct criu_notice notice;
};

/* ---- criu's process, until its execve ------------------------------------------------ */

static int keep(int fd, struct error *err)
{
	if (fcntl(fd, F_SETFD, 0) < 0)
		return fail_errno(err, "handing descriptor %d to criu", fd);
	return 0;
}

/* Whoever makes the pair is the peer whose descriptors the request means. */
static int open_socket(const struct worker *worker, int *ret_fd, struct error *err)
{
	int ends[2];
	int result;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return fail_errno(err, "making the socket to criu");
	result = stage_send_fd(worker->far_stage, STAGE_WORKER, ends[0], err);
	cleanup_fd(&ends[0]);
	*ret_fd = ends[1];
	return result;
}

static int become_criu(const struct worker *worker, struct error *err)
{
	const struct criu_call *call = worker->call;
	char number[16];
	char *argv[] = { (char *)"criu", (char *)"swrk", number, NULL };
	int sock;

	foreground_release_signals();
	if (call->in_child && call->in_child(call->argument, err) < 0)
		return -1;
	if (open_socket(worker, &sock, err) < 0 || fd_cloexec_from(3, err) < 0 ||
		keep(sock, err) < 0)
		return -1;
	for (size_t i = 0; i < call->inherited_count; i++) {
		if (keep(call->inherited[i], err) < 0)
			return -1;
	}
	/* conmon has none, and criu needs tar, ip and iptables. */
	if (setenv("PATH", PROCESS_PATH_DEFAULT, 0) < 0)
		return fail_errno(err, "setting PATH");
	snprintf(number, sizeof(number), "%d", sock);
	execvp(call->program, argv);
	return fail_errno(err, "executing %s%s", call->program,
		errno == ENOENT ? " (is criu installed?)" : "");
}

static no_return void child(struct worker *worker)
{
	struct error err = { 0 };

	cleanup_fd(&worker->stage);       /* so that it sees us go */
	(void)!become_criu(worker, &err); /* comes back only with an error */
	stage_send_error(worker->far_stage, &err);
	_exit(127);
}

/* ---- our side ----------------------------------------------------------------------- */

/* Held back by the caller: see foreground_hold_signals(). */
static int open_signals(struct worker *worker, struct error *err)
{
	sigset_t ending;

	sigemptyset(&ending);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGQUIT);
	sigaddset(&ending, SIGHUP);
	worker->signals = signalfd(-1, &ending, SFD_CLOEXEC);
	return worker->signals < 0 ? fail_errno(err, "opening a descriptor for signals")
				   : 0;
}

static int start(struct worker *worker, struct error *err)
{
	int ends[2];

	if (open_signals(worker, err) < 0)
		return -1;
	if (stage_pair(ends, err) < 0)
		return -1;
	worker->stage = ends[0];
	worker->far_stage = ends[1];
	worker->pid = process_clone(0, NULL);
	if (worker->pid == 0)
		child(worker);
	if (worker->pid < 0)
		return fail_errno(err, "making a process for criu");
	cleanup_fd(&worker->far_stage);
	worker->far_stage = -1;
	if (birth_await_fd(worker->stage, STAGE_WORKER, &worker->sock, err) < 0)
		return -1;
	return birth_await(worker->stage, STAGE_END, err);
}

/* Kills it if it is still there. What it had seized goes on, or goes with it. */
static void close_worker(struct worker *worker)
{
	cleanup_fd(&worker->sock);
	cleanup_fd(&worker->stage);
	cleanup_fd(&worker->far_stage);
	cleanup_fd(&worker->signals);
	cleanup_pid(&worker->pid);
}

static int it_ended(struct error *err)
{
	return fail_code(err, EPIPE, "criu ended without an answer");
}

static int send_message(int sock, const struct str *message, struct error *err)
{
	ssize_t sent = send(sock, message->data, message->length, MSG_NOSIGNAL);

	if (sent < 0 && (errno == EPIPE || errno == ECONNRESET))
		return it_ended(err);
	if (sent < 0)
		return fail_errno(err, "asking criu");
	return 0;
}

static int send_request(const struct worker *worker, struct error *err)
{
	const struct criu_call *call = worker->call;
	auto_str request = { 0 };

	wire_put_number(&request, REQ_TYPE, call->kind);
	wire_put_message(&request,
		call->kind == CRIU_FEATURE_CHECK ? REQ_FEATURES : REQ_OPTS,
		call->options);
	return send_message(worker->sock, &request, err);
}

static int answer_notice(const struct worker *worker, bool success, struct error *err)
{
	auto_str request = { 0 };

	wire_put_number(&request, REQ_TYPE, CRIU_NOTIFY);
	wire_put_number(&request, REQ_NOTIFY_SUCCESS, success);
	return send_message(worker->sock, &request, err);
}

/* ---- reading ------------------------------------------------------------------------ */

/* On one line. */
static void copy_text(char *to, size_t size, struct wire bytes)
{
	size_t length = MIN(bytes.length, size - 1);

	while (length && bytes.data[length - 1] == '\n')
		length--;
	for (size_t i = 0; i < length; i++)
		to[i] = (unsigned char)bytes.data[i] < ' ' ? ' ' : bytes.data[i];
	to[length] = '\0';
}

static int read_notice(const struct wire_field *field, void *argument, struct error *err)
{
	struct criu_notice *to = argument;

	if (field->number == NOTIFY_SCRIPT)
		copy_text(to->script, sizeof(to->script), field->bytes);
	else if (field->number == NOTIFY_PID)
		to->pid = (pid_t)field->value;
	return 0;
}

static int read_feature(const struct wire_field *field, void *argument, struct error *err)
{
	uint64_t *to = argument;

	if (field->number < 64 && field->value)
		*to |= UINT64_C(1) << field->number;
	return 0;
}

static int read_field(const struct wire_field *field, void *argument, struct error *err)
{
	struct response *to = argument;

	switch (field->number) {
	case RESP_TYPE:
		to->kind = field->value;
		return 0;
	case RESP_SUCCESS:
		to->success = field->value;
		return 0;
	case RESP_ERRNO:
		to->errnum = field->value;
		return 0;
	case RESP_ERRMSG:
		copy_text(to->message, sizeof(to->message), field->bytes);
		return 0;
	case RESP_NOTIFY:
		return wire_each(field->bytes, read_notice, &to->notice, err);
	case RESP_FEATURES:
		return wire_each(field->bytes, read_feature, &to->features, err);
	default:
		return 0; /* of a newer criu */
	}
}

/* Who waits for a criu that hangs may end it through us, who hold signals back. What it
 * has restored by then lies in the container's cgroup, and goes with it; what it was dumping
 * goes on. */
static int await_message(const struct worker *worker, struct error *err)
{
	struct pollfd ready[] = {
		{ .fd = worker->sock, .events = POLLIN },
		{ .fd = worker->signals, .events = POLLIN },
	};
	auto_free char *name = NULL;
	struct signalfd_siginfo info;

	while (poll(ready, ARRAY_SIZE(ready), -1) < 0) {
		if (errno != EINTR)
			return fail_errno(err, "waiting for criu");
	}
	if (!(ready[1].revents & POLLIN))
		return 0;
	if (read(worker->signals, &info, sizeof(info)) != sizeof(info))
		return fail_errno(err, "reading which signal came");
	(void)kill(worker->pid, SIGKILL); /* reaped by wait_for_end() */
	name = signal_name((int)info.ssi_signo);
	return fail(err, "%s came before criu had %s it", name,
		worker->call->kind == CRIU_RESTORE ? "restored" : "dumped");
}

static int receive(const struct worker *worker, struct response *ret, struct error *err)
{
	auto_free char *data = str_alloc(MESSAGE_MAX);
	ssize_t length;
	int fd;

	if (await_message(worker, err) < 0)
		return -1;
	length = socket_receive(worker->sock, data, MESSAGE_MAX, &fd);
	if (length == 0 || (length < 0 && errno == ECONNRESET))
		return it_ended(err);
	if (length < 0)
		return fail_errno(err, "waiting for criu");
	*ret = (struct response){ .notice.fd = fd };
	return wire_each((struct wire){ data, (size_t)length }, read_field, ret, err);
}

/* ---- the conversation --------------------------------------------------------------- */

/* The log's words are told when it has ended; these are for a criu that has no log. */
static int refused(
	const struct criu_call *call, const struct response *response, struct error *err)
{
	const char *verb = call->kind == CRIU_RESTORE ? "restore" : "dump";

	(void)fail(err, "criu could not %s it", verb);
	if (call->log_dir < 0 && response->message[0])
		error_append(err, "%s", response->message);
	else if (call->log_dir < 0 && response->errnum > 0)
		error_append(err, "%s", strerror((int)response->errnum));
	return -1;
}

/* Tells whoever asked; a failure there is told to criu, which then undoes what it did. */
static int serve_notice(const struct worker *worker, struct response *response,
	bool *ret_agreed, struct error *err)
{
	const struct criu_call *call = worker->call;
	auto_fd fd = response->notice.fd;
	struct error why;

	response->notice.fd = fd;
	log_debug("criu: %s", response->notice.script);
	*ret_agreed = !call->notice ||
		      call->notice(call->argument, &response->notice, &why) == 0;
	fd = response->notice.fd;
	if (!*ret_agreed && response->notice.abandon) {
		(void)kill(worker->pid, SIGKILL); /* reaped by wait_for_end() */
		*err = why;
		return -1;
	}
	if (answer_notice(worker, *ret_agreed, err) < 0)
		return -1;
	if (!*ret_agreed)
		*err = why;
	return 0;
}

/* A refusal of ours is the failure, whatever criu makes of it afterwards. */
static int converse(const struct worker *worker, struct response *ret, struct error *err)
{
	struct error ours;
	bool agreed = true;

	for (;;) {
		struct response response = { .notice.fd = -1 };
		bool this_one = true;

		if (receive(worker, &response, err) < 0)
			break;
		if (response.kind != CRIU_NOTIFY) {
			*ret = response;
			cleanup_fd(&response.notice.fd);
			if (agreed && response.success)
				return 0;
			(void)refused(worker->call, &response, err);
			break;
		}
		if (serve_notice(worker, &response, &this_one, err) < 0)
			break;
		if (!this_one && agreed) {
			agreed = false;
			ours = *err;
		}
	}
	if (agreed)
		return -1;
	*err = ours;
	return -1;
}

/* After a pre-dump it waits for the next request, until it sees the socket closed. */
static int wait_for_end(struct worker *worker, struct error *err)
{
	int status;

	cleanup_fd(&worker->sock);
	worker->sock = -1;
	if (process_wait(worker->pid, &status, err) < 0)
		return -1;
	worker->pid = -1;
	if (status != 0 && worker->call->kind == CRIU_RESTORE)
		return fail(err, "criu ended with status %d", status);
	return 0;
}

static int serve(struct worker *worker, struct response *ret, struct error *err)
{
	const struct criu_call *call = worker->call;

	if (start(worker, err) < 0)
		return -1;
	if (call->begun &&
		call->begun(call->argument, worker->pid, call->options, err) < 0)
		return -1;
	if (send_request(worker, err) < 0)
		return -1;
	if (converse(worker, ret, err) == 0)
		return wait_for_end(worker, err);
	/* Only when it has ended is all of its log there, and all that it undoes undone. */
	{
		struct error ignored;

		(void)!wait_for_end(worker, &ignored);
	}
	if (call->log_dir >= 0)
		criu_log_excerpt(call->log_dir, call->log_path, call->log_file, err);
	return -1;
}

static int run(const struct criu_call *call, struct response *ret, struct error *err)
{
	struct worker worker = {
		.call = call,
		.pid = -1,
		.sock = -1,
		.stage = -1,
		.far_stage = -1,
		.signals = -1,
	};
	int result = serve(&worker, ret, err);

	close_worker(&worker);
	return result;
}

int criu_call(const struct criu_call *call, struct error *err)
{
	struct response response;

	return run(call, &response, err);
}

int criu_expect(const char *program, enum criu_feature feature, const char *option,
	struct error *err)
{
	auto_str features = { 0 };
	const struct criu_call call = {
		.program = program,
		.kind = CRIU_FEATURE_CHECK,
		.options = &features,
		.log_dir = -1,
	};
	struct response response = { 0 };

	wire_put_flag(&features, feature, true);
	if (run(&call, &response, err) < 0)
		return fail_while(err, "%s", option);
	if (!(response.features & UINT64_C(1) << feature))
		return fail(err, "%s: criu says that this kernel cannot do it", option);
	return 0;
}
