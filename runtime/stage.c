/* The handshake's messages: sending, awaiting, descriptors on the way. */
#include "runtime/stage.h"

#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"

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

/* One packet, with a descriptor unless that is negative. -1 with errno. */
static int send_packet(int sock, const void *data, size_t length, int fd)
{
	struct iovec vector = { .iov_base = (void *)data, .iov_len = length };
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct msghdr header = { .msg_iov = &vector, .msg_iovlen = 1 };
	struct cmsghdr *rights;
	ssize_t sent;

	if (fd >= 0) {
		header.msg_control = control;
		header.msg_controllen = sizeof(control);
		rights = CMSG_FIRSTHDR(&header);
		rights->cmsg_level = SOL_SOCKET;
		rights->cmsg_type = SCM_RIGHTS;
		rights->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(rights), &fd, sizeof(int));
	}
	do {
		sent = sendmsg(sock, &header, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 ? -1 : 0;
}

void stage_send_error(int sock, const struct error *error)
{
	struct message message = { .stage = STAGE_ERROR, .error = *error };

	/* Nobody may be there to read it, and there is nobody else to tell. */
	(void)send_packet(sock, &message, sizeof(message), -1);
}

static int received_fd(struct msghdr *header)
{
	struct cmsghdr *rights = CMSG_FIRSTHDR(header);
	int fd = -1;

	if (rights && rights->cmsg_level == SOL_SOCKET && rights->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(rights), sizeof(fd));
	return fd;
}

/* Returns the packet's length, 0 at the end of file, -1 with errno. */
static ssize_t receive_packet(int sock, struct message *message, int *ret_fd)
{
	struct iovec vector = { .iov_base = message, .iov_len = sizeof(*message) };
	char control[CMSG_SPACE(sizeof(int))];
	struct msghdr header = {
		.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t length;

	/* A peer that went without having read all we said is told of (ECONNRESET) before
	 * what it said itself, which is still there. */
	do {
		header.msg_controllen = sizeof(control);
		length = recvmsg(sock, &header, MSG_CMSG_CLOEXEC);
	} while (length < 0 && (errno == EINTR || errno == ECONNRESET));
	*ret_fd = length > 0 ? received_fd(&header) : -1;
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

	if (send_packet(sock, &stage, sizeof(stage), fd) == 0)
		return 0;
	if (errno != EPIPE && errno != ECONNRESET)
		return fail_errno(err, "telling the other process \"%s\"", names[stage]);
	while (receive_packet(sock, &message, &ignored) > 0) {
		if (message.stage == STAGE_ERROR)
			return adopt(&message, err);
		cleanup_fd(&ignored);
		ignored = -1;
	}
	return fail_code(err, EPIPE, "the other process ended before it was told \"%s\"",
		names[stage]);
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
		return fail_code(err, EPIPE,
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

int stage_await_end(int sock, struct error *err)
{
	return stage_await(sock, STAGE_END, err);
}
