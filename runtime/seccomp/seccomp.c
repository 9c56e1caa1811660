/*
 * System call filters, the two halves: prepared by the parent (checked, compiled or taken
 * from the cache, listener connected), loaded by init with one system call, after which
 * init calls only what the profile lets it.
 */
#include "runtime/seccomp/seccomp.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/socket.h"
#include "runtime/seccomp/cache.h"
#include "runtime/seccomp/compile.h"
#include "runtime/seccomp/watch.h"
#include "spec/config.h"
#include "spec/names.h"
#include "spec/seccomp.h"
#include "spec/state.h"

#ifndef SECCOMP_FILTER_FLAG_TSYNC_ESRCH
#define SECCOMP_FILTER_FLAG_TSYNC_ESRCH (1ul << 4)
#endif

void seccomp_filter_free(struct seccomp_filter *filter)
{
	free(filter->program);
	free(filter->metadata);
	seccomp_watch_free(filter->watch);
	if (filter->listener >= 0)
		(void)close(filter->listener);
	*filter = (struct seccomp_filter)SECCOMP_FILTER_NONE;
}

/* ---- the parent -------------------------------------------------------------------- */

/* Only means something with a listener, and is refused without. */
#define WAIT_KILLABLE_RECV (1u << 5)

bool seccomp_kernel_has_flag(uint32_t flag)
{
	if (flag == WAIT_KILLABLE_RECV)
		flag |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
	/* A kernel that knows it goes on to read the program, which is not there. */
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flag, NULL) < 0 &&
	       errno == EFAULT;
}

static int check_flags(const struct oci_seccomp *profile, struct error *err)
{
	for (size_t i = 0; i < profile->flags.count; i++) {
		uint32_t flag = (uint32_t)profile->flags.items[i];

		if (!seccomp_kernel_has_flag(flag))
			return fail(err,
				"/linux/seccomp/flags/%zu: this kernel has no %s", i,
				word_of_number(seccomp_flag_words, flag));
	}
	return 0;
}

static uint32_t flags_of(const struct oci_seccomp *profile)
{
	uint32_t flags = (uint32_t)words_bits(&profile->flags);

	if (!seccomp_notifies(profile, NULL))
		return flags & ~WAIT_KILLABLE_RECV;
	/* Both report by their return value; with the third TSYNC's is an errno. */
	if (flags & SECCOMP_FILTER_FLAG_TSYNC)
		flags |= SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
	return flags | SECCOMP_FILTER_FLAG_NEW_LISTENER;
}

static int connect_listener(const char *path, int *ret_fd, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	auto_fd fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		return fail(err,
			"/linux/seccomp/listenerPath: \"%s\" is longer than a socket's "
			"address (%zu bytes)",
			path, sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, path, strlen(path));
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return fail_errno(
			err, "/linux/seccomp/listenerPath: connecting to %s", path);
	*ret_fd = take_fd(&fd);
	return 0;
}

static int find_program(const struct oci_seccomp *profile, const char *cache_dir,
	struct seccomp_filter *filter, struct error *err)
{
	auto_str key = { 0 };
	size_t count = 0;

	if (cache_dir) {
		seccomp_cache_key(profile, &key);
		filter->program = seccomp_cache_get(cache_dir, &key, &count);
	}
	if (!filter->program) {
		if (seccomp_compile(profile, &filter->program, &count, err) < 0)
			return -1;
		if (cache_dir)
			seccomp_cache_put(cache_dir, &key, filter->program, count);
	}
	filter->count = (unsigned short)count;
	return 0;
}

static int prepare_program(const struct oci_seccomp *profile, const char *cache_dir,
	struct seccomp_filter *filter, struct error *err)
{
	if (check_flags(profile, err) < 0)
		return -1;
	return find_program(profile, cache_dir, filter, err);
}

int seccomp_try(const struct oci_seccomp *profile, struct error *err)
{
	auto_seccomp_filter filter = SECCOMP_FILTER_NONE;

	return prepare_program(profile, NULL, &filter, err);
}

int seccomp_prepare(const struct oci_seccomp *profile, const char *cache_dir,
	struct seccomp_filter *ret, struct error *err)
{
	auto_seccomp_filter filter = SECCOMP_FILTER_NONE;

	if (profile) {
		if (prepare_program(profile, cache_dir, &filter, err) < 0)
			return -1;
		filter.flags = flags_of(profile);
		filter.metadata = str_dup(profile->listener_metadata);
		filter.close_is_notified = seccomp_notifies(profile, "close");
		if (seccomp_notifies(profile, NULL) &&
			connect_listener(profile->listener_path, &filter.listener, err) <
				0)
			return -1;
	}
	*ret = filter;
	filter = (struct seccomp_filter)SECCOMP_FILTER_NONE;
	return 0;
}

void seccomp_let_go(struct seccomp_filter *filter)
{
	cleanup_fd(&filter->listener);
	filter->listener = -1;
}

/* ---- init -------------------------------------------------------------------------- */

/* The descriptor goes with the first byte; the rest may take several calls. */
static int send_all(int socket_fd, const char *text, size_t length, int passed)
{
	while (length) {
		ssize_t sent = socket_send(socket_fd, text, length, passed);

		if (sent < 0)
			return -1;
		text += sent;
		length -= (size_t)sent;
		passed = -1;
	}
	return 0;
}

/* The container process state of the specification, as text: made before the filter is in
 * force, for making it may need calls that the profile does not let through. */
static void write_state(const struct seccomp_filter *filter,
	struct seccomp_subject subject, struct str *ret)
{
	char name[] = "seccompFd", version[] = OCI_VERSION;
	char *names[] = { name, NULL };
	struct oci_process_state state = {
		.oci_version = version,
		.fds = { .items = names, .count = 1 },
		.pid = subject.pid,
		.metadata = filter->metadata,
	};

	if (subject.state)
		state.state = *subject.state; /* borrowed: nothing here is freed */
	json_write(
		ret, &oci_process_state_type, &state, (struct json_write_options){ 0 });
}

/* One state for a connection; its end may be waited for before anything is decided. Our own
 * descriptor of the notifications keeps a listener that ends from being missed: it goes at
 * once where that needs nobody's decision, else with execve. */
static void end_telling(const struct seccomp_filter *filter, int notifications)
{
	if (filter->close_is_notified) {
		(void)shutdown(filter->listener, SHUT_RDWR); /* by now it is told */
		return;
	}
	(void)close(filter->listener);
	(void)close(notifications);
}

static int fail_to_tell(struct error *err)
{
	bool gone = errno == EPIPE || errno == ECONNRESET;

	(void)fail_errno(err, "/linux/seccomp/listenerPath: sending the state");
	return fail_hint(err, gone ? "the listener has closed the connection"
				   : "does the profile let sendmsg through?");
}

int seccomp_install(const struct seccomp_filter *filter, struct seccomp_subject subject,
	struct error *err)
{
	struct sock_fprog program = { .len = filter->count, .filter = filter->program };
	auto_str state = { 0 };
	int fd;

	if (!filter->program)
		return 0;
	if (filter->listener >= 0)
		write_state(filter, subject, &state);
	if (filter->watch)
		seccomp_watch_announce(filter->watch);
	fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, filter->flags, &program);
	if (fd < 0) {
		(void)fail_errno(err, "/linux/seccomp: loading the filter");
		if (err->errnum == EACCES)
			return fail_hint(
				err, "it needs CAP_SYS_ADMIN or noNewPrivileges");
		if (err->errnum == EBUSY)
			return fail_hint(err, "another filter has a listener already");
		return -1;
	}
	if (filter->watch)
		seccomp_watch_hand_over(filter->watch, fd);
	if (filter->listener < 0)
		return 0;
	if (send_all(filter->listener, state.data, state.length, fd) < 0)
		return fail_to_tell(err);
	end_telling(filter, fd);
	return 0;
}
