/* Staying with a process of a container until it ends. */
#include "runtime/foreground.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/process.h"
#include "runtime/notify.h"

struct serving {
	const struct foreground *what;
	int signals;
	int master;       /* -1 once it is closed */
	int notify;       /* -1 once the container is ready */
	bool input_open;  /* our standard input */
	char typed[4096]; /* from there, for the master */
	size_t typed_length;
	bool ended;
	int status;
	struct termios modes; /* of our own terminal, to be given back */
	bool modes_changed;
};

int foreground_hold_signals(struct error *err)
{
	sigset_t all;

	sigfillset(&all);
	/* These mean a fault of ours, or are for whoever debugs us. */
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGILL);
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGABRT);
	sigdelset(&all, SIGTRAP);
	if (sigprocmask(SIG_BLOCK, &all, NULL) < 0)
		return fail_errno(err, "holding signals back");
	return 0;
}

void foreground_release_signals(void)
{
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

int foreground_await(int fd, struct error *err)
{
	static const int ending[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
	struct pollfd polls[] = { { .fd = fd, .events = POLLIN }, { .events = POLLIN } };
	struct signalfd_siginfo info;
	auto_fd signals = -1;
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(ending); i++)
		sigaddset(&set, ending[i]);
	signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0)
		return fail_errno(err, "making a signalfd");
	polls[1].fd = signals;
	while (poll(polls, ARRAY_SIZE(polls), -1) < 0) {
		if (errno != EINTR)
			return fail_errno(err, "waiting for the container");
	}
	if (polls[0].revents || read(signals, &info, sizeof(info)) != sizeof(info))
		return 0;
	return fail_code(
		err, EINTR, "ended by signal %u before it began", info.ssi_signo);
}

/* ---- our own terminal --------------------------------------------------------------- */

static void make_raw(struct serving *serving)
{
	struct termios raw;

	if (serving->master < 0 || tcgetattr(STDIN_FILENO, &serving->modes) < 0)
		return; /* no terminal on our side: bytes are passed as they come */
	raw = serving->modes;
	cfmakeraw(&raw);
	raw.c_oflag |= OPOST; /* newlines of ours still return the carriage */
	serving->modes_changed = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

static void give_modes_back(const struct serving *serving)
{
	if (serving->modes_changed)
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &serving->modes);
}

static void copy_size(const struct serving *serving)
{
	struct winsize size;

	if (serving->master >= 0 && ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
		(void)ioctl(serving->master, TIOCSWINSZ, &size);
}

/* ---- what happens ------------------------------------------------------------------- */

/* As a subreaper we inherit what the container's processes leave behind. */
static void reap(struct serving *serving)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != serving->what->pid)
			continue;
		serving->ended = true;
		serving->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status)
						      : WEXITSTATUS(status);
	}
}

static void take_signal(struct serving *serving)
{
	struct signalfd_siginfo info;

	if (read(serving->signals, &info, sizeof(info)) != sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGCHLD:
		reap(serving);
		break;
	case SIGWINCH:
		copy_size(serving);
		break;
	case SIGPIPE: /* ours */
	case SIGURG:
	case SIGTTOU:
	case SIGTTIN:
		break;
	default: /* it may have ended meanwhile */
		(void)process_pidfd_signal(serving->what->pidfd, (int)info.ssi_signo);
	}
}

/* EIO: nobody holds the inner end any more. */
static bool show_output(struct serving *serving)
{
	char shown[8192];
	ssize_t length = read(serving->master, shown, sizeof(shown));

	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (length <= 0) {
		serving->master = -1;
		return false;
	}
	/* Our output may be closed; the container goes on all the same. */
	(void)!fd_write_all(STDOUT_FILENO, shown, (size_t)length);
	return true;
}

static void read_input(struct serving *serving)
{
	ssize_t length = read(STDIN_FILENO, serving->typed, sizeof(serving->typed));

	if (length > 0)
		serving->typed_length = (size_t)length;
	else if (length == 0 || (errno != EINTR && errno != EAGAIN))
		serving->input_open = false;
}

static void send_input(struct serving *serving)
{
	ssize_t sent = write(serving->master, serving->typed, serving->typed_length);

	if (sent < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (sent < 0)
		sent = (ssize_t)serving->typed_length; /* nobody is there to read it */
	serving->typed_length -= (size_t)sent;
	memmove(serving->typed, serving->typed + sent, serving->typed_length);
}

static int serve_once(struct serving *serving, struct error *err)
{
	bool reads =
		serving->master >= 0 && serving->input_open && !serving->typed_length;
	short master_events = serving->typed_length ? POLLIN | POLLOUT : POLLIN;
	struct pollfd polls[] = {
		{ .fd = serving->signals, .events = POLLIN },
		{ .fd = serving->master, .events = master_events },
		{ .fd = reads ? STDIN_FILENO : -1, .events = POLLIN },
		{ .fd = serving->notify, .events = POLLIN },
	};

	if (poll(polls, ARRAY_SIZE(polls), -1) < 0)
		return errno == EINTR ? 0 : fail_errno(err, "waiting for the container");
	if (polls[1].revents & POLLOUT && serving->typed_length)
		send_input(serving);
	if (polls[1].revents & ~POLLOUT)
		(void)show_output(serving);
	if (polls[2].revents)
		read_input(serving);
	if (polls[3].revents && notify_forward(serving->notify, getpid()))
		serving->notify = -1;
	if (polls[0].revents)
		take_signal(serving);
	return 0;
}

int foreground_serve(
	const struct foreground *foreground, int *ret_status, struct error *err)
{
	struct serving serving = {
		.what = foreground,
		.master = foreground->master,
		.notify = foreground->notify_fd > 0 ? foreground->notify_fd : -1,
		.input_open = true,
	};
	sigset_t held;
	auto_fd signals = -1;
	int result = 0;

	sigprocmask(SIG_BLOCK, NULL, &held);
	signals = signalfd(-1, &held, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0)
		return fail_errno(err, "making a signalfd");
	serving.signals = signals;
	if (serving.master >= 0)
		(void)fcntl(serving.master, F_SETFL, O_RDWR | O_NONBLOCK);
	make_raw(&serving);
	copy_size(&serving);
	reap(&serving); /* it may have ended before the signals were watched */
	while (result == 0 && !serving.ended)
		result = serve_once(&serving, err);
	while (serving.master >= 0 && show_output(&serving))
		; /* what it wrote last */
	give_modes_back(&serving);
	*ret_status = serving.status;
	return result;
}
