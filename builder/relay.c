/* One process, one poll() over the listener and the two ends of each connection. */
#include "builder/relay.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/process.h"

#define CONNECTIONS_MAX 64

/* Ends 2n and 2n + 1 are of one connection; fd -1: free. */
struct end {
	int fd;
	bool silent; /* it will say nothing more, but may still listen */
};

struct relay {
	int listener;
	const char *connect_to;
	struct end ends[2 * CONNECTIONS_MAX];
};

static int make_address(const char *path, struct sockaddr_un *ret, struct error *err)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(ret->sun_path))
		return fail(err, "%s is too long for a socket's address", path);
	snprintf(ret->sun_path, sizeof(ret->sun_path), "%s", path);
	return 0;
}

static int connect_to(const char *path)
{
	struct sockaddr_un address;
	struct error ignored;
	auto_fd fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || make_address(path, &address, &ignored) < 0 ||
		connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -1;
	return take_fd(&fd);
}

static void close_connection(struct relay *relay, size_t i)
{
	struct end *pair = &relay->ends[i & ~(size_t)1];

	for (int n = 0; n < 2; n++) {
		close(pair[n].fd);
		pair[n] = (struct end){ .fd = -1 };
	}
}

/* Where there is no place or no agent, who connected sees the end at once. */
static void accept_one(struct relay *relay)
{
	auto_fd near = accept4(relay->listener, NULL, NULL, SOCK_CLOEXEC);
	auto_fd far = near < 0 ? -1 : connect_to(relay->connect_to);

	for (size_t i = 0; far >= 0 && i < ARRAY_SIZE(relay->ends); i += 2) {
		if (relay->ends[i].fd >= 0)
			continue;
		relay->ends[i].fd = take_fd(&near);
		relay->ends[i + 1].fd = take_fd(&far);
	}
}

static void carry(struct relay *relay, size_t i)
{
	struct end *from = &relay->ends[i], *to = &relay->ends[i ^ 1];
	char buffer[16384];
	ssize_t got = read(from->fd, buffer, sizeof(buffer));

	if (got < 0 && errno == EINTR)
		return;
	if (got > 0 && fd_write_all(to->fd, buffer, (size_t)got) == 0)
		return;
	from->silent = true;
	if (got != 0 || to->silent || shutdown(to->fd, SHUT_WR) < 0)
		close_connection(relay, i);
}

/* Runs as a child of the step's worker, until it is killed. */
static no_return void serve(struct relay *relay)
{
	for (;;) {
		struct pollfd polled[2 * CONNECTIONS_MAX + 1] = {
			{ .fd = relay->listener, .events = POLLIN },
		};

		for (size_t i = 0; i < ARRAY_SIZE(relay->ends); i++)
			polled[i + 1] = (struct pollfd){
				.fd = relay->ends[i].silent ? -1 : relay->ends[i].fd,
				.events = POLLIN,
			};
		if (poll(polled, ARRAY_SIZE(polled), -1) < 0 && errno != EINTR)
			_exit(1);
		for (size_t i = 0; i < ARRAY_SIZE(relay->ends); i++)
			if (polled[i + 1].revents && relay->ends[i].fd >= 0)
				carry(relay, i);
		if (polled[0].revents)
			accept_one(relay);
	}
}

static int listen_at(const struct relay_options *options, int *ret_fd, struct error *err)
{
	struct sockaddr_un address;
	auto_fd fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (make_address(options->listen_at, &address, err) < 0)
		return -1;
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		chown(options->listen_at, options->uid, options->gid) < 0 ||
		chmod(options->listen_at, options->mode) < 0 ||
		listen(fd, CONNECTIONS_MAX) < 0)
		return fail_errno(err, "listening at %s", options->listen_at);
	*ret_fd = take_fd(&fd);
	return 0;
}

int relay_begin(const struct relay_options *options, pid_t *ret, struct error *err)
{
	struct relay relay = { .connect_to = options->connect_to };
	auto_fd fd = -1;
	pid_t parent = getpid();

	if (listen_at(options, &fd, err) < 0)
		return -1;
	relay.listener = fd;
	for (size_t i = 0; i < ARRAY_SIZE(relay.ends); i++)
		relay.ends[i].fd = -1;
	*ret = fork();
	if (*ret < 0)
		return fail_errno(err, "starting a relay for %s", options->connect_to);
	if (*ret > 0)
		return 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	signal(SIGPIPE, SIG_IGN);
	serve(&relay);
}

void relay_end(pid_t pid)
{
	struct error ignored;
	int status;

	kill(pid, SIGKILL);
	(void)!process_wait(pid, &status, &ignored); /* killed, whatever it says */
}
