/* Readiness of a service: from a socket of the container's to that of our caller. */
#include "runtime/notify.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "runtime/container.h"
#include "spec/config.h"

#define DIRECTORY   "notify" /* below the container's own */
#define SOCKET_NAME "notify.sock"
#define INSIDE      "/run/notify" /* where it is in the container */

/* A path, or with "@" an abstract name. Borrowed; NULL: nobody wants to know. */
static const char *asked_by(void)
{
	const char *name = getenv("NOTIFY_SOCKET");

	return name && (*name == '/' || *name == '@') ? name : NULL;
}

void notify_configure(struct oci_config *config, const char *root, const char *id)
{
	static const char *const options[] = { "bind", "nosuid", "nodev", "noexec",
		"ro" };
	struct oci_mount mount = { 0 };

	if (!asked_by() || !config->process)
		return;
	mount.destination = str_dup(INSIDE);
	mount.type = str_dup("bind");
	mount.source = str_format("%s/%s/" DIRECTORY, root, id);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		strings_add(&mount.options, options[i]);
	config->mounts = str_realloc(
		config->mounts, config->mounts_count + 1, sizeof(*config->mounts));
	config->mounts[config->mounts_count++] = mount;
	strings_env_set(&config->process->env, "NOTIFY_SOCKET", INSIDE "/" SOCKET_NAME);
}

int notify_make(const struct container *container, struct error *err)
{
	if (!asked_by())
		return 0;
	if (mkdirat(container->dir_fd, DIRECTORY, 0755) < 0 ||
		fchmodat(container->dir_fd, DIRECTORY, 0755, 0) < 0)
		return fail_errno(err, "making the directory of the notify socket");
	return 0;
}

/* Bound by way of the open directory: a socket's name may have but 108 bytes. Whoever has
 * the container's user may write to it. */
int notify_listen(const struct container *container, int *ret, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	auto_fd dir =
		openat(container->dir_fd, DIRECTORY, O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_fd fd = -1;

	*ret = -1;
	if (!asked_by() || (dir < 0 && errno == ENOENT))
		return 0;
	snprintf(address.sun_path, sizeof(address.sun_path),
		"/proc/self/fd/%d/" SOCKET_NAME, dir);
	(void)unlinkat(dir, SOCKET_NAME, 0); /* of a `start` that was interrupted */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (dir < 0 || fd < 0 ||
		bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		fchmodat(dir, SOCKET_NAME, 0777, 0) < 0)
		return fail_errno(err, "listening for the container's notifications");
	*ret = take_fd(&fd);
	return 0;
}

static void tell(const char *name, pid_t main_pid)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	auto_free char *text = str_format("READY=1\nMAINPID=%d\n", main_pid);
	auto_fd fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	size_t length = strlen(name);

	if (length >= sizeof(address.sun_path)) {
		log_warning("NOTIFY_SOCKET: the name is too long: %s", name);
		return;
	}
	memcpy(address.sun_path, name, length);
	if (*name == '@')
		address.sun_path[0] = '\0';
	length += offsetof(struct sockaddr_un, sun_path);
	if (sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address,
		    (socklen_t)length) < 0)
		log_warning("NOTIFY_SOCKET: telling %s: %s", name, strerror(errno));
}

bool notify_forward(int fd, pid_t main_pid)
{
	char text[4096];
	ssize_t length = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
	auto_strings lines = { 0 };

	if (length <= 0)
		return false;
	text[length] = '\0';
	strings_split(&lines, text, '\n');
	if (!strings_contain(&lines, "READY=1"))
		return false;
	tell(asked_by(), main_pid);
	return true;
}

int notify_await(int fd, int pidfd, pid_t main_pid, struct error *err)
{
	struct pollfd polls[] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = pidfd, .events = POLLIN },
	};

	for (;;) {
		if (poll(polls, ARRAY_SIZE(polls), -1) < 0 && errno != EINTR)
			return fail_errno(err, "waiting for the container to be ready");
		if (polls[0].revents && notify_forward(fd, main_pid))
			return 0;
		if (!polls[0].revents && polls[1].revents)
			return 0;
	}
}
