/* Events as messages of a SOCK_SEQPACKET pair: a head, then the text. */
#include "builder/progress/progress.h"

#include <string.h>
#include <sys/socket.h>

#include "base/socket.h"
#include "base/str.h"

struct head {
	enum progress_kind kind;
	uint32_t step;
	uint32_t total;
	uint64_t bytes;
};

#define TEXT_MAX (PROGRESS_MESSAGE_MAX - sizeof(struct head) - 1)

/* Without a listener the build goes on all the same. */
static void send_event(struct progress *progress, enum progress_kind kind, uint64_t bytes,
	const char *text, size_t length)
{
	struct head head = { kind, progress->step, progress->total, bytes };
	auto_str message = { 0 };

	if (progress->show) {
		struct progress_event event = { kind, progress->step, progress->total,
			bytes, text, length };

		progress->show(progress->argument, &event);
	}
	if (progress->socket < 0)
		return;
	str_append_n(&message, (const char *)&head, sizeof(head));
	str_append_n(&message, text, MIN(length, TEXT_MAX));
	(void)!socket_send(progress->socket, message.data, message.length, -1);
}

static void send_text(
	struct progress *progress, enum progress_kind kind, const char *text)
{
	send_event(progress, kind, 0, text, strlen(text));
}

void progress_step(struct progress *progress, enum progress_kind kind, const char *text)
{
	progress->step++;
	progress->ended = false;
	send_text(progress, kind, text);
}

void progress_why(struct progress *progress, const char *reason)
{
	send_text(progress, PROGRESS_STEP_WHY, reason);
}

void progress_step_end(struct progress *progress, enum progress_kind how, uint64_t bytes)
{
	if (!progress->ended)
		send_event(progress, how, bytes, "", 0);
	progress->ended = true;
}

void progress_output(void *argument, const char *data, size_t length)
{
	struct progress *progress = argument;

	while (length > 0) {
		size_t piece = MIN(length, TEXT_MAX);

		send_event(progress, PROGRESS_OUTPUT, 0, data, piece);
		data += piece;
		length -= piece;
	}
}

bool progress_take_terminal(struct progress *progress, const char *what)
{
	char answer;
	int fd;

	send_text(progress, PROGRESS_SHELL, what);
	return socket_receive(progress->socket, &answer, 1, &fd) == 1;
}

void progress_give_terminal(int socket)
{
	(void)!socket_send(socket, "", 1, -1); /* one that is gone needs none */
}

int progress_socket(int ret_sockets[2], struct error *err)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_sockets) < 0)
		return fail_errno(err, "making a socket for a stage");
	return 0;
}

bool progress_receive(
	int socket, struct progress_event *ret, char buffer[PROGRESS_MESSAGE_MAX])
{
	ssize_t got = recv(socket, buffer, PROGRESS_MESSAGE_MAX - 1, MSG_DONTWAIT);
	struct head head;

	if (got < (ssize_t)sizeof(head))
		return false;
	memcpy(&head, buffer, sizeof(head));
	buffer[got] = '\0';
	*ret = (struct progress_event){
		.kind = head.kind,
		.step = head.step,
		.total = head.total,
		.bytes = head.bytes,
		.text = buffer + sizeof(head),
		.length = (size_t)got - sizeof(head),
	};
	return true;
}
