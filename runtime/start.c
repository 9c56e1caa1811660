/* Telling a created container's init to go on, and what follows from that. */
#include "runtime/start.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "runtime/birth.h"
#include "runtime/destroy.h"
#include "runtime/hooks.h"
#include "runtime/stage.h"

static int connect_init(
	const struct container *container, int *ret_sock, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	auto_fd sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/start",
		container->dir_fd);
	if (sock < 0 || connect(sock, (struct sockaddr *)&address, sizeof(address)) < 0)
		return fail_errno(err, "reaching the container's init");
	*ret_sock = take_fd(&sock);
	return 0;
}

static int tell_init(const struct container *container, const struct oci_config *config,
	struct error *err)
{
	auto_fd sock = -1;

	if (connect_init(container, &sock, err) < 0)
		return -1;
	/* Before the word is given, so that nobody sees a running container as created; if
	 * we are killed in between, init sees us go and waits on, for `delete`. */
	if (unlinkat(container->dir_fd, "start", 0) < 0)
		return fail_errno(err, "removing the socket of the command `start`");
	if (stage_send(sock, STAGE_START, err) < 0)
		return -1;
	return birth_await_execve(
		sock, container->state.pid, config->linux.seccomp != NULL, err);
}

int container_started(const struct container *container, const struct oci_config *config,
	struct error *err)
{
	auto_oci_state state = { 0 };
	struct hooks_call call = { .hooks = &config->hooks, .state = &state };
	auto_fd bundle_fd = -1;

	if (!config->hooks.poststart_count)
		return 0;
	container_describe(container, CONTAINER_RUNNING, &state);
	bundle_fd = hooks_open_bundle(&state);
	call.cwd_fd = bundle_fd;
	return hooks_run(&call, HOOK_POSTSTART, err);
}

int container_start(const struct container *container, const struct oci_config *config,
	struct error *err)
{
	struct error after;

	if (tell_init(container, config, err) == 0 &&
		container_started(container, config, err) == 0)
		return 0;
	if (hooks_failed(err) && container_destroy(container, &config->hooks, &after) < 0)
		log_warning("after a failure: %s", after.text);
	return -1;
}
