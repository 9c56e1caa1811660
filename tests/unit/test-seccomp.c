/*
 * runtime/seccomp: the decisions of the compiled filter. Each case is a profile and system
 * calls, tried in a forked child that loaded it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/path.h"
#include "runtime/seccomp/cache.h"
#include "runtime/seccomp/compile.h"
#include "runtime/seccomp/seccomp.h"
#include "spec/seccomp.h"
#include "spec/state.h"
#include "tests/unit/test.h"

#define NONE   (-1) /* the call's own result, not the filter's */
#define KILLED (-2)

/* What every test's child needs to tell its result. */
#define BASE "\"write\",\"exit_group\",\"exit\",\"rt_sigreturn\",\"close\",\"prctl\""

static struct oci_seccomp read_profile(const char *text)
{
	struct oci_seccomp profile = { 0 };
	struct json_options options = { .name = "seccomp.json" };
	struct error err;

	CHECK_OK(json_read(
			 &oci_seccomp_type, &profile, text, strlen(text), &options, &err),
		&err);
	return profile;
}

/* The errno that a call gets under the filter; NONE if it succeeds, KILLED. */
static int try_call(
	const struct seccomp_filter *filter, long number, const long arguments[3])
{
	int pipes[2], result = KILLED, status;
	pid_t pid;

	if (pipe2(pipes, O_CLOEXEC) < 0 || (pid = fork()) < 0)
		return -100;
	if (!pid) {
		struct seccomp_subject nobody = { 0 };
		struct error err;

		(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* no core of a killed one */
		if (seccomp_install(filter, nobody, &err) < 0)
			_exit(1);
		result = syscall(number, arguments[0], arguments[1], arguments[2]) < 0
				 ? errno
				 : NONE;
		if (write(pipes[1], &result, sizeof(result)) < 0)
			_exit(2);
		_exit(0);
	}
	(void)close(pipes[1]);
	if (read(pipes[0], &result, sizeof(result)) != sizeof(result))
		result = KILLED;
	(void)close(pipes[0]);
	(void)waitpid(pid, &status, 0);
	return result;
}

static void decisions(void)
{
	static const struct {
		const char *profile;
		long number;
		long arguments[3];
		int expected;
	} cases[] = {
		/* an allow-list: what is not in it gets EPERM */
		{ "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[" BASE
		  ",\"getpid\"],\"action\":\"SCMP_ACT_ALLOW\"}]}",
			SYS_getpid, { 0 }, NONE },
		{ "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[" BASE
		  ",\"kcmp\"],\"action\":\"SCMP_ACT_ALLOW\"}]}",
			SYS_getpid, { 0 }, EPERM },
		/* a default errno of its own */
		{ "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":38,\"syscalls\":[{"
		  "\"names\":[" BASE ",\"kcmp\"],\"action\":\"SCMP_ACT_ALLOW\"}]}",
			SYS_getpid, { 0 }, ENOSYS },
		/* newer than the profile: ENOSYS, whatever the default */
		{ "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[" BASE
		  "],\"action\":\"SCMP_ACT_ALLOW\"}]}",
			500, { 0 }, ENOSYS },
		{ "{\"defaultAction\":\"SCMP_ACT_KILL_PROCESS\",\"syscalls\":[{\"names\":[" BASE
		  "],\"action\":\"SCMP_ACT_ALLOW\"}]}",
			500, { 0 }, ENOSYS },
		/* but below the largest one the default */
		{ "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[{\"names\":[" BASE
		  ",\"clone3\"],\"action\":\"SCMP_ACT_ALLOW\"}]}",
			SYS_pidfd_open, { 1, 0 }, EPERM },
		/* a deny-list */
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"getpid\"],"
		  "\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":61}]}",
			SYS_getpid, { 0 }, 61 },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"getpid\"],"
		  "\"action\":\"SCMP_ACT_KILL_PROCESS\"}]}",
			SYS_getpid, { 0 }, KILLED },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"getpid\"],"
		  "\"action\":\"SCMP_ACT_KILL\"}]}",
			SYS_getpid, { 0 }, KILLED },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"getpid\"],"
		  "\"action\":\"SCMP_ACT_LOG\"}]}",
			SYS_getpid, { 0 }, NONE },
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"getpid\"],"
		  "\"action\":\"SCMP_ACT_TRACE\"}]}",
			SYS_getpid, { 0 }, ENOSYS /* without a tracer */ },
		/* unknown names do no harm */
		{ "{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":["
		  "\"no_such_call\",\"getpid\"],\"action\":\"SCMP_ACT_ERRNO\"}]}",
			SYS_getpid, { 0 }, EPERM },
		/* 32-bit architectures beside ours */
		{ "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"architectures\":[\"SCMP_ARCH_X86_64\","
		  "\"SCMP_ARCH_X86\",\"SCMP_ARCH_X32\"],\"syscalls\":[{\"names\":[" BASE
		  "],\"action\":\"SCMP_ACT_ALLOW\"}]}",
			SYS_getuid, { 0 }, EPERM },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct oci_seccomp profile = read_profile(cases[i].profile);
		auto_seccomp_filter filter = SECCOMP_FILTER_NONE;
		struct error err;
		int got;

		if (!CHECK_OK(seccomp_prepare(&profile, NULL, &filter, &err), &err))
			continue;
		got = try_call(&filter, cases[i].number, cases[i].arguments);
		if (!CHECK_INT(got, cases[i].expected))
			printf("# profile: %s\n", cases[i].profile);
		json_free(&oci_seccomp_type, &profile);
	}
}

/* getpriority(which, who) stands for any call with arguments; which 5 is EINVAL itself. */
static void arguments(void)
{
	static const struct {
		const char *condition;
		long first;
		bool caught;
	} cases[] = {
		{ "{\"index\":0,\"op\":\"SCMP_CMP_EQ\",\"value\":1}", 1, true },
		{ "{\"index\":0,\"op\":\"SCMP_CMP_EQ\",\"value\":1}", 0, false },
		{ "{\"index\":0,\"op\":\"SCMP_CMP_NE\",\"value\":1}", 0, true },
		{ "{\"index\":0,\"op\":\"SCMP_CMP_NE\",\"value\":1}", 1, false },
		{ "{\"index\":0,\"op\":\"SCMP_CMP_LT\",\"value\":1}", 0, true },
		{ "{\"index\":0,\"op\":\"SCMP_CMP_LT\",\"value\":1}", 1, false },
		{ "{\"index\":0,\"op\":\"SCMP_CMP_LE\",\"value\":1}", 1, true },
		{ "{\"index\":0,\"op\":\"SCMP_CMP_LE\",\"value\":1}", 2, false },
		{ "{\"index\":0,\"op\":\"SCMP_CMP_GE\",\"value\":1}", 1, true },
		{ "{\"index\":0,\"op\":\"SCMP_CMP_GE\",\"value\":1}", 0, false },
		{ "{\"index\":0,\"op\":\"SCMP_CMP_GT\",\"value\":1}", 2, true },
		{ "{\"index\":0,\"op\":\"SCMP_CMP_GT\",\"value\":1}", 1, false },
		{ "{\"index\":0,\"op\":\"SCMP_CMP_MASKED_EQ\",\"value\":2,\"valueTwo\":2}",
			2, true },
		{ "{\"index\":0,\"op\":\"SCMP_CMP_MASKED_EQ\",\"value\":2,\"valueTwo\":2}",
			1, false },
		/* two about one argument are alternatives */
		{ "{\"index\":0,\"op\":\"SCMP_CMP_EQ\",\"value\":1},"
		  "{\"index\":0,\"op\":\"SCMP_CMP_EQ\",\"value\":2}",
			2, true },
		/* two about different ones must both hold */
		{ "{\"index\":0,\"op\":\"SCMP_CMP_EQ\",\"value\":1},"
		  "{\"index\":1,\"op\":\"SCMP_CMP_EQ\",\"value\":77}",
			1, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_free char *text = str_format(
			"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":["
			"\"getpriority\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":95,"
			"\"args\":[%s]}]}",
			cases[i].condition);
		struct oci_seccomp profile = read_profile(text);
		const long call[3] = { cases[i].first, 0 };
		auto_seccomp_filter filter = SECCOMP_FILTER_NONE;
		struct error err;

		CHECK_OK(seccomp_prepare(&profile, NULL, &filter, &err), &err);
		if (!CHECK_INT(try_call(&filter, SYS_getpriority, call) == 95,
			    cases[i].caught))
			printf("# %s, first argument %ld\n", cases[i].condition,
				cases[i].first);
		json_free(&oci_seccomp_type, &profile);
	}
}

static void a_listener_must_be_there(void)
{
	struct oci_seccomp profile = read_profile(
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"/no/such\","
		"\"syscalls\":[{\"names\":[\"mkdir\"],\"action\":\"SCMP_ACT_NOTIFY\"}]}");
	auto_seccomp_filter filter = SECCOMP_FILTER_NONE;
	struct error err;

	CHECK_FAILS(seccomp_prepare(&profile, NULL, &filter, &err), &err,
		"/linux/seccomp/listenerPath: connecting to /no/such");
	json_free(&oci_seccomp_type, &profile);
}

static void the_cache_is_used_only_if_ours(void)
{
	struct oci_seccomp profile = read_profile(
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"getpid\"],"
		"\"action\":\"SCMP_ACT_ERRNO\"}]}");
	char root[] = "/tmp/mocker-test-seccomp-XXXXXX";
	auto_free char *directory = NULL;
	auto_seccomp_filter first = SECCOMP_FILTER_NONE;
	struct sock_filter *found;
	auto_str key = { 0 };
	size_t count = 0;
	struct error err;

	CHECK(mkdtemp(root) != NULL);
	directory = path_join(root, "@seccomp");
	CHECK_OK(seccomp_prepare(&profile, root, &first, &err), &err);
	seccomp_cache_key(&profile, &key);
	found = seccomp_cache_get(root, &key, &count);
	CHECK(found != NULL);
	CHECK_INT(count, first.count);
	CHECK(found && memcmp(found, first.program, count * sizeof(*found)) == 0);
	free(found);
	str_append(&key, " ");
	CHECK(seccomp_cache_get(root, &key, &count) == NULL); /* another profile */
	key.data[--key.length] = '\0';
	CHECK_INT(chmod(directory, 0777), 0);
	CHECK(seccomp_cache_get(root, &key, &count) == NULL); /* anybody may write it */
	CHECK_OK(path_remove_tree(AT_FDCWD, root, &err), &err);
	json_free(&oci_seccomp_type, &profile);
}

/* Listens, and takes one connection's text and descriptor. */
static int take_listener(int server, char *text, size_t size)
{
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec part = { text, size - 1 };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };
	struct cmsghdr *header;
	int connection = accept(server, NULL, NULL);
	int fd = -1;
	ssize_t length;

	message.msg_control = control;
	message.msg_controllen = sizeof(control);
	length = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
	text[length > 0 ? length : 0] = '\0';
	header = CMSG_FIRSTHDR(&message);
	if (length > 0 && header && header->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	(void)close(connection);
	return fd;
}

static void a_listener_decides(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char root[] = "/tmp/mocker-test-notify-XXXXXX", id[] = "web", version[] = "1.0.2";
	struct oci_state state = { .oci_version = version, .id = id };
	struct seccomp_subject subject = { .state = &state, .pid = 4711 };
	auto_seccomp_filter filter = SECCOMP_FILTER_NONE;
	auto_free char *text = NULL;
	auto_fd server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	auto_fd listener = -1;
	struct oci_seccomp profile;
	struct seccomp_notif request = { 0 };
	struct seccomp_notif_resp answer = { 0 };
	char received[4096] = "";
	struct error err;
	int status = -1;
	pid_t pid;

	CHECK(mkdtemp(root) != NULL);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", root);
	CHECK_INT(bind(server, (struct sockaddr *)&address, sizeof(address)), 0);
	CHECK_INT(listen(server, 1), 0);
	text = str_format(
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"%s\","
		"\"listenerMetadata\":\"meta\",\"syscalls\":[{\"names\":[\"mkdir\"],"
		"\"action\":\"SCMP_ACT_NOTIFY\"}]}",
		address.sun_path);
	profile = read_profile(text);
	if (!CHECK_OK(seccomp_prepare(&profile, NULL, &filter, &err), &err))
		return;
	pid = fork();
	if (!pid) {
		(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		if (seccomp_install(&filter, subject, &err) < 0)
			_exit(1);
		_exit(syscall(SYS_mkdir, "/x", 0) < 0 && errno == EXDEV ? 0 : 2);
	}
	listener = take_listener(server, received, sizeof(received));
	CHECK(listener >= 0);
	CHECK_HAS(received, "\"fds\":[\"seccompFd\"]");
	CHECK_HAS(received, "\"pid\":4711");
	CHECK_HAS(received, "\"metadata\":\"meta\"");
	CHECK_HAS(received, "\"id\":\"web\"");
	CHECK_INT(ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request), 0);
	CHECK_INT(request.data.nr, SYS_mkdir);
	answer.id = request.id;
	answer.error = -EXDEV;
	CHECK_INT(ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer), 0);
	(void)waitpid(pid, &status, 0);
	CHECK_INT(WEXITSTATUS(status), 0);
	CHECK_OK(path_remove_tree(AT_FDCWD, root, &err), &err);
	json_free(&oci_seccomp_type, &profile);
}

static void flags_are_asked_of_the_kernel(void)
{
	struct oci_seccomp profile =
		read_profile("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"flags\":["
			     "\"SECCOMP_FILTER_FLAG_TSYNC\",\"SECCOMP_FILTER_FLAG_LOG\","
			     "\"SECCOMP_FILTER_FLAG_SPEC_ALLOW\","
			     "\"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV\"]}");
	auto_seccomp_filter filter = SECCOMP_FILTER_NONE;
	const long none[3] = { 0 };
	struct error err;

	CHECK(seccomp_kernel_has_flag(SECCOMP_FILTER_FLAG_TSYNC));
	CHECK(!seccomp_kernel_has_flag(1u << 30));
	CHECK_OK(seccomp_prepare(&profile, NULL, &filter, &err), &err);
	CHECK_INT(filter.flags, SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG |
					SECCOMP_FILTER_FLAG_SPEC_ALLOW);
	CHECK_INT(try_call(&filter, SYS_getpid, none), NONE);
	json_free(&oci_seccomp_type, &profile);
}

static const struct test tests[] = {
	{ "the filter decides as the profile says", decisions },
	{ "arguments are compared with all operators", arguments },
	{ "a listener that is not there is named", a_listener_must_be_there },
	{ "a compiled profile is kept, and trusted only if nobody else could write it",
		the_cache_is_used_only_if_ours },
	{ "a listener is sent the state and decides", a_listener_decides },
	{ "flags go to the kernel, those for listeners only with one",
		flags_are_asked_of_the_kernel },
};

TEST_MAIN(tests)
