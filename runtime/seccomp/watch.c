/* Which system calls a profile denies. */
#include "runtime/seccomp/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/process.h"
#include "base/str.h"
#include "runtime/process/procfs.h"
#include "runtime/seccomp/handoff.h"
#include "runtime/seccomp/library.h"
#include "runtime/seccomp/sigsys.h"

#define ROUNDS_MAX 20000 /* of HANDOFF_PAUSE_NS, from the loading of the filter */
#define TOLD_MAX   256

struct seccomp_watch {
	struct sock_filter *original;
	size_t count;
	struct handoff *handoff;
};

void seccomp_watch_free(struct seccomp_watch *watch)
{
	if (!watch)
		return;
	free(watch->original);
	handoff_free(watch->handoff);
	free(watch);
}

/* ---- the parent --------------------------------------------------------------------- */

static bool denies(uint32_t action)
{
	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ERRNO:
	case SECCOMP_RET_KILL_PROCESS:
	case SECCOMP_RET_KILL_THREAD:
		return true;
	case SECCOMP_RET_TRAP:
		return SIGSYS_CAN_TRAP; /* else its handler would be told less */
	default:
		return false;
	}
}

static void ask_instead(struct seccomp_filter *filter)
{
	for (size_t i = 0; i < filter->count; i++) {
		struct sock_filter *one = &filter->program[i];

		if (one->code == (BPF_RET | BPF_K) && denies(one->k))
			one->k = SECCOMP_RET_USER_NOTIF;
	}
}

int seccomp_watch_prepare(struct seccomp_filter *filter, struct error *err)
{
	struct seccomp_watch *watch;
	struct handoff *handoff;
	size_t size = filter->count * sizeof(*filter->program);

	if (!filter->program)
		return fail(err, "--seccomp-log: config.json has no /linux/seccomp");
	if (filter->listener >= 0)
		return fail(err, "--seccomp-log: the profile has a listener of its own, "
				 "/linux/seccomp/listenerPath");
	if (handoff_make(&handoff, err) < 0)
		return -1;
	watch = str_alloc(sizeof(*watch));
	watch->handoff = handoff;
	watch->count = filter->count;
	watch->original = str_alloc(size);
	memcpy(watch->original, filter->program, size);
	filter->watch = watch;
	filter->flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
	if (filter->flags & SECCOMP_FILTER_FLAG_TSYNC)
		filter->flags |= SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
	ask_instead(filter);
	return 0;
}

/* ---- init --------------------------------------------------------------------------- */

void seccomp_watch_announce(struct seccomp_watch *watch)
{
	__atomic_store_n(&watch->handoff->near, 1, __ATOMIC_RELEASE);
	(void)syscall(SYS_futex, &watch->handoff->near, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* The watch looks every 50 µs; should it be gone, the first denial will tell. */
void seccomp_watch_hand_over(struct seccomp_watch *watch, int fd)
{
	(void)handoff_give(watch->handoff, fd); /* taken or not, denials come */
}

/* ---- the watch: waiting ------------------------------------------------------------- */

/* Perhaps for hours, until `start`. */
static bool await_near(const struct handoff *handoff, int pidfd)
{
	const struct timespec second = { .tv_sec = 1 };

	while (!__atomic_load_n(&handoff->near, __ATOMIC_ACQUIRE)) {
		if (process_pidfd_ends(pidfd, 0))
			return false;
		(void)syscall(SYS_futex, &handoff->near, FUTEX_WAIT, 0, &second, NULL, 0);
	}
	return true;
}

static int take_listener(struct handoff *handoff, int pidfd)
{
	const struct timespec pause = { .tv_nsec = HANDOFF_PAUSE_NS };
	int fd = -1;

	if (!await_near(handoff, pidfd))
		return -1;
	for (int i = 0; i < ROUNDS_MAX && !process_pidfd_ends(pidfd, 0); i++) {
		int number = handoff_look(handoff);

		if (number >= 0) {
			fd = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
			if (fd < 0)
				log_warning("--seccomp-log: taking the listener: %s",
					strerror(errno));
			break;
		}
		(void)nanosleep(&pause, NULL); /* it looks again */
	}
	handoff_answer(handoff, 1);
	return fd;
}

/* ---- the watch: what the profile says ------------------------------------------------ */

static bool jumps(const struct sock_filter *one, uint32_t a)
{
	switch (BPF_OP(one->code)) {
	case BPF_JEQ:
		return a == one->k;
	case BPF_JGT:
		return a > one->k;
	case BPF_JGE:
		return a >= one->k;
	default: /* BPF_JSET */
		return a & one->k;
	}
}

/* The part of classic BPF that libseccomp writes. What else there were would kill. */
static uint32_t evaluate(
	const struct seccomp_watch *watch, const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (size_t at = 0; at < watch->count; at++) {
		const struct sock_filter *one = &watch->original[at];

		switch (one->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			if (one->k > sizeof(*data) - sizeof(a))
				return SECCOMP_RET_KILL_PROCESS;
			memcpy(&a, (const char *)data + one->k, sizeof(a));
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= one->k;
			break;
		case BPF_JMP | BPF_JA:
			at += one->k;
			break;
		case BPF_JMP | BPF_JEQ | BPF_K:
		case BPF_JMP | BPF_JGT | BPF_K:
		case BPF_JMP | BPF_JGE | BPF_K:
		case BPF_JMP | BPF_JSET | BPF_K:
			at += jumps(one, a) ? one->jt : one->jf;
			break;
		case BPF_RET | BPF_K:
			return one->k;
		default:
			return SECCOMP_RET_KILL_PROCESS;
		}
	}
	return SECCOMP_RET_KILL_PROCESS;
}

/* ---- the watch: telling -------------------------------------------------------------- */

struct telling {
	struct {
		int number;
		uint32_t arch;
		uint32_t action;
	} told[TOLD_MAX];
	size_t count;
};

/* Each of them once, for a program may try again and again. */
static bool is_new(
	struct telling *telling, const struct seccomp_data *data, uint32_t action)
{
	for (size_t i = 0; i < telling->count; i++) {
		if (telling->told[i].number == data->nr &&
			telling->told[i].arch == data->arch &&
			telling->told[i].action == action)
			return false;
	}
	if (telling->count == TOLD_MAX)
		return false;
	telling->told[telling->count].number = data->nr;
	telling->told[telling->count].arch = data->arch;
	telling->told[telling->count++].action = action;
	return true;
}

static char *call_name(const struct seccomp_data *data)
{
	auto_seccomp_library library = { 0 };
	struct error ignored;
	char *name = NULL;
	char *result;

	if (seccomp_library_open(&library, &ignored) == 0)
		name = library.resolve_num_arch(data->arch, data->nr);
	result = name ? str_format("%s (%d)", name, data->nr)
		      : str_format("system call %d of architecture %#x", data->nr,
				data->arch);
	free(name);
	return result;
}

static void tell(const struct seccomp_notif *request, uint32_t action)
{
	auto_free char *call = call_name(&request->data);
	auto_free char *command = procfs_command((pid_t)request->pid);

	switch (action & SECCOMP_RET_ACTION_FULL) {
	case SECCOMP_RET_ERRNO:
		log_warning("seccomp denied %s to process %u (%.60s): %s", call,
			request->pid, command,
			strerror((int)(action & SECCOMP_RET_DATA)));
		break;
	case SECCOMP_RET_TRAP:
		log_warning("seccomp sent SIGSYS to process %u (%.60s) for %s",
			request->pid, command, call);
		break;
	default:
		log_warning("seccomp killed process %u (%.60s) for %s", request->pid,
			command, call);
	}
}

static void answer(int listener, const struct seccomp_notif *request, uint32_t action)
{
	struct seccomp_notif_resp response = {
		.id = request->id,
		.error = -(int)(action & SECCOMP_RET_DATA),
	};

	if ((action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO) {
		(void)ioctl(
			listener, SECCOMP_IOCTL_NOTIF_SEND, &response); /* or is gone */
		return;
	}
	/* Valid still: the pid is that of who asks. */
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &request->id) < 0)
		return;
	if ((action & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_TRAP)
		sigsys_trap(request, action & SECCOMP_RET_DATA);
	else
		sigsys_end(request);
}

static int serve_once(
	const struct seccomp_watch *watch, int listener, struct telling *telling)
{
	struct pollfd question = { .fd = listener, .events = POLLIN };
	struct seccomp_notif request = { 0 };
	uint32_t action;

	if (poll(&question, 1, -1) < 0)
		return errno == EINTR ? 0 : -1;
	if (!(question.revents & POLLIN))
		return -1; /* POLLHUP: nobody has the filter */
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request) < 0)
		return errno == EINTR || errno == ENOENT ? 0 : -1;
	action = evaluate(watch, &request.data);
	if (is_new(telling, &request.data, action))
		tell(&request, action);
	answer(listener, &request, action);
	return 0;
}

static void serve(const struct seccomp_watch *watch, int pidfd)
{
	struct telling telling = { .count = 0 };
	auto_fd listener = take_listener(watch->handoff, pidfd);

	while (listener >= 0 && serve_once(watch, listener, &telling) == 0)
		;
}

/* Of what the parent has, only these: others are to see the ends of its sockets and of its
 * locks, and whoever reads from its standard descriptors is not to wait for us. */
static void keep_only(int *pidfd)
{
	int kept = fcntl(*pidfd, F_DUPFD_CLOEXEC, 3);
	const int all_kept[] = { kept, log_fd() };
	int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; fd < 2 + (log_fd() != STDERR_FILENO) && nothing >= 0; fd++)
		(void)dup2(nothing, fd);
	fd_close_but(STDERR_FILENO + 1, all_kept, ARRAY_SIZE(all_kept));
	*pidfd = kept;
}

int seccomp_watch_start(const struct seccomp_watch *watch, int pidfd, struct error *err)
{
	pid_t pid;

	if (!watch)
		return 0;
	pid = process_clone(0, NULL);
	if (pid < 0)
		return fail_errno(err, "making a process that tells what seccomp denies");
	if (pid > 0)
		return 0;
	keep_only(&pidfd);
	serve(watch, pidfd);
	_exit(0);
}
