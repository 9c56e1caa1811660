/* Reaching whoever listens on a socket that the caller or config.json names. */
#include "runtime/handover.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/socket.h"
#include "runtime/foreground.h"

#define LOOK_US 100000 /* for a signal that asks us to end, which the callers hold back */

static int limit_waiting(int sock, long us)
{
	const struct timeval limit = { .tv_usec = us };

	return setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
}

/* Whose backlog is full takes no connection, perhaps for ever. */
static int connect_unless_ended(
	int sock, const struct sockaddr_un *address, struct error *err)
{
	if (limit_waiting(sock, LOOK_US) < 0)
		return fail_errno(err, "limiting the time to wait");
	while (connect(sock, (const struct sockaddr *)address, sizeof(*address)) < 0) {
		if (errno != EAGAIN)
			return fail_errno(err, "connecting to %s", address->sun_path);
		if (foreground_look(err) < 0)
			return -1;
	}
	return limit_waiting(sock, 0) < 0 ? fail_errno(err, "waiting without limit") : 0;
}

int handover_connect(const char *who, const char *path, int *ret_sock, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	auto_fd sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		return fail(err,
			"%s: %s is longer than the %zu bytes that a socket's name "
			"may have",
			who, path, sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path));
	if (sock < 0)
		return fail_errno(err, "%s: making a socket", who);
	if (connect_unless_ended(sock, &address, err) < 0)
		return fail_while(err, "%s", who);
	*ret_sock = take_fd(&sock);
	return 0;
}

int handover_send(const char *who, int sock, const char *text, int fd, struct error *err)
{
	if (socket_send(sock, text, strlen(text), fd) < 0)
		return fail_errno(err, "%s: handing the descriptor over", who);
	return 0;
}
