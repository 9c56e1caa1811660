/* The handshake's messages: sending, awaiting, descriptors on the way. */
#include "runtime/stage.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/socket.h"

static const char *const names[] = {
	[STAGE_ERROR] = "error",
	[STAGE_CLONED] = "cloned",
	[STAGE_PLACED] = "placed",
	[STAGE_MOUNTED] = "mounted",
	[STAGE_HOOKED] = "hooked",
	[STAGE_TERMINAL] = "terminal",
	[STAGE_RECORDED] = "recorded",
	[STAGE_READY] = "ready",
	[STAGE_START] = "start",
	[STAGE_WORKER] = "worker",
	[STAGE_END] = "end",
};

/* Only STAGE_ERROR carries more than its first member. */
struct message {
	enum stage stage;
	struct error error;
};

int stage_pair(int ret_ends[2], struct error *err)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_ends) < 0)
		return fail_errno(err, "making the socket between parent and init");
	return 0;
}

void stage_send_error(int sock, const struct error *error)
{
	struct message message = { .stage = STAGE_ERROR, .error = *error };

	/* A seccomp filter that is loaded by now may deny the one call and not the other. Nobody
	 * may be there to read it, and there is nobody else to tell. */
	if (socket_send(sock, &message, sizeof(message), -1) < 0 && errno != EPIPE)
		(void)!write(sock, &message, sizeof(message));
}

/* Returns the packet's length, 0 at the end of file, -1 with errno. A peer that went
 * without having read all we said is told of (ECONNRESET) before what it said itself,
 * which is still there. */
static ssize_t receive_packet(int sock, struct message *message, int *ret_fd)
{
	ssize_t length;

	do {
		length = socket_receive(sock, message, sizeof(*message), ret_fd);
	} while (length < 0 && errno == ECONNRESET);
	return length;
}

static int adopt(const struct message *message, struct error *err)
{
	*err = message->error;
	err->text[sizeof(err->text) - 1] = '\0';
	return -1;
}

/* A peer that has gone has left its reason, if it had one. */
int stage_send_fd(int sock, enum stage stage, int fd, struct error *err)
{
	struct message message = { 0 };
	auto_fd ignored = -1;

	if (socket_send(sock, &stage, sizeof(stage), fd) >= 0)
		return 0;
	if (errno != EPIPE && errno != ECONNRESET)
		return fail_errno(err, "telling the other process \"%s\"", names[stage]);
	while (receive_packet(sock, &message, &ignored) > 0) {
		if (message.stage == STAGE_ERROR)
			return adopt(&message, err);
		cleanup_fd(&ignored);
		ignored = -1;
	}
	return fail_code(err, STAGE_PEER_ENDED,
		"the other process ended before it was told \"%s\"", names[stage]);
}

int stage_send(int sock, enum stage stage, struct error *err)
{
	return stage_send_fd(sock, stage, -1, err);
}

int stage_await_fd(int sock, enum stage stage, int *ret_fd, struct error *err)
{
	struct message message = { 0 };
	auto_fd fd = -1;
	ssize_t length = receive_packet(sock, &message, &fd);

	if (length == 0) {
		if (stage == STAGE_END)
			return 0;
		return fail_code(err, STAGE_PEER_ENDED,
			"the other process ended before it said \"%s\"", names[stage]);
	}
	if (length < 0)
		return fail_errno(err, "waiting for \"%s\"", names[stage]);
	if (length == sizeof(message) && message.stage == STAGE_ERROR)
		return adopt(&message, err);
	if ((size_t)length < sizeof(message.stage) || message.stage != stage)
		return fail(
			err, "waiting for \"%s\": another message came", names[stage]);
	if (ret_fd && fd < 0)
		return fail(err, "\"%s\" came without its descriptor", names[stage]);
	if (ret_fd)
		*ret_fd = take_fd(&fd);
	return 0;
}

int stage_await(int sock, enum stage stage, struct error *err)
{
	return stage_await_fd(sock, stage, NULL, err);
}
