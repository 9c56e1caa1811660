/* Handing a descriptor to whoever listens on a socket that the caller named. */
#include "runtime/handover.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/cleanup.h"
#include "base/socket.h"

int handover_connect(
	const char *option, const char *path, int *ret_sock, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	auto_fd sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		return fail(err,
			"%s: %s is longer than the %zu bytes that a socket's name "
			"may have",
			option, path, sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path));
	if (sock < 0 || connect(sock, (struct sockaddr *)&address, sizeof(address)) < 0)
		return fail_errno(err, "%s: connecting to %s", option, path);
	*ret_sock = take_fd(&sock);
	return 0;
}

int handover_send(
	const char *option, int sock, const char *text, int fd, struct error *err)
{
	if (socket_send(sock, text, strlen(text), fd) < 0)
		return fail_errno(err, "%s: handing the descriptor over", option);
	return 0;
}
