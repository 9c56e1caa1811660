/* Staying with a process of a container until it ends. */
#include "runtime/foreground.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/process.h"
#include "runtime/notify.h"

/* Nearly all that is waited for comes within it, without a signalfd. */
#define SOON_MS         50
#define END_INTERVAL_MS 200 /* between two looks whether the end of input was read */

struct serving {
	const struct foreground *what;
	int signals;
	int master;            /* -1 once it is closed */
	int notify;            /* -1 once the container is ready */
	bool input_open;       /* our standard input */
	bool input_ended;      /* and so has the terminal's */
	int64_t end_looked_ms; /* when it was last looked whether that was read */
	char typed[4096];      /* from there, for the master */
	size_t typed_length;
	char shown[PIPE_BUF]; /* from the master, for our standard output */
	size_t shown_length;
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

/* Readable once a signal that asks us to end has come. */
static int watch_endings(int *ret_signals, struct error *err)
{
	static const int ending[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(ending); i++)
		sigaddset(&set, ending[i]);
	*ret_signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return *ret_signals < 0 ? fail_errno(err, "making a signalfd") : 0;
}

int foreground_ended(int signals, struct error *err)
{
	struct signalfd_siginfo info;

	if (read(signals, &info, sizeof(info)) != sizeof(info))
		return 0;
	return fail_code(
		err, EINTR, "ended by signal %u before it began", info.ssi_signo);
}

int foreground_look(struct error *err)
{
	auto_fd signals = -1;

	return watch_endings(&signals, err) < 0 ? -1 : foreground_ended(signals, err);
}

/* How many are ready: none once the time is up (-1: never). */
static int poll_all(struct pollfd *polls, size_t count, int ms, struct error *err)
{
	int ready;

	do {
		ready = poll(polls, count, ms);
	} while (ready < 0 && errno == EINTR);
	return ready < 0 ? fail_errno(err, "waiting for the container") : ready;
}

int foreground_await(int fd, struct error *err)
{
	struct pollfd polls[] = { { .fd = fd, .events = POLLIN }, { .events = POLLIN } };
	auto_fd signals = -1;
	int ready = poll_all(polls, 1, SOON_MS, err);

	if (ready != 0)
		return ready < 0 ? -1 : 0;
	if (watch_endings(&signals, err) < 0)
		return -1;
	polls[1].fd = signals;
	if (poll_all(polls, ARRAY_SIZE(polls), -1, err) < 0)
		return -1;
	return polls[0].revents ? 0 : foreground_ended(signals, err);
}

static int add_to(int set, int fd)
{
	struct epoll_event event = { .events = EPOLLIN };

	return epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
}

int foreground_watch(int fd, int *ret_signals, int *ret_either, struct error *err)
{
	auto_fd signals = -1;
	auto_fd either = epoll_create1(EPOLL_CLOEXEC);

	if (watch_endings(&signals, err) < 0)
		return -1;
	if (either < 0 || add_to(either, fd) < 0 || add_to(either, signals) < 0)
		return fail_errno(err, "watching signals");
	*ret_signals = take_fd(&signals);
	*ret_either = take_fd(&either);
	return 0;
}

/* ---- our own terminal --------------------------------------------------------------- */

/* A shell's job that does not have the terminal. */
static bool is_background(void)
{
	pid_t owner = tcgetpgrp(STDIN_FILENO);

	return owner >= 0 && owner != getpgrp();
}

static void make_raw(struct serving *serving)
{
	struct termios raw;

	if (serving->master < 0 || is_background())
		return;
	if (!serving->modes_changed && tcgetattr(STDIN_FILENO, &serving->modes) < 0)
		return; /* no terminal on our side: bytes are passed as they come */
	raw = serving->modes;
	cfmakeraw(&raw);
	raw.c_oflag |= OPOST; /* newlines of ours still return the carriage */
	if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0)
		serving->modes_changed = true;
}

static void give_modes_back(const struct serving *serving)
{
	if (serving->modes_changed && !is_background())
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
	case SIGCONT: /* in the foreground, perhaps */
		make_raw(serving);
		copy_size(serving);
		(void)process_pidfd_signal(serving->what->pidfd, SIGCONT);
		break;
	default: /* it may have ended meanwhile */
		(void)process_pidfd_signal(serving->what->pidfd, (int)info.ssi_signo);
		if (!serving->ended)
			break;
		/* Who signals us now does not wait for what is left to show. */
		serving->shown_length = 0;
		serving->master = -1;
	}
}

/* EIO: nobody holds the inner end any more. */
static void read_output(struct serving *serving)
{
	ssize_t length = read(serving->master, serving->shown, sizeof(serving->shown));

	if (length > 0)
		serving->shown_length = (size_t)length;
	else if (length == 0 || (errno != EAGAIN && errno != EINTR))
		serving->master = -1;
}

/* As much as a pipe takes at once where it takes anything: we must go on serving. */
static void show_output(struct serving *serving)
{
	ssize_t shown = write(STDOUT_FILENO, serving->shown, serving->shown_length);

	if (shown < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (shown < 0) /* it is closed; the container goes on all the same */
		shown = (ssize_t)serving->shown_length;
	serving->shown_length -= (size_t)shown;
	memmove(serving->shown, serving->shown + shown, serving->shown_length);
}

/* As every background job that reads its terminal: until the shell lets us go on. False
 * where there is no shell any more that would (the process group is orphaned). */
static bool stop_as_job(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTTIN);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(SIGTTIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return sigpending(&set) == 0 && sigismember(&set, SIGCONT) == 1;
}

/* With SIGTTIN held back a background job reads EIO. */
static void read_input(struct serving *serving)
{
	ssize_t length;

	if (!serving->modes_changed) /* nobody has told us of the foreground */
		make_raw(serving);
	length = read(STDIN_FILENO, serving->typed, sizeof(serving->typed));
	if (length > 0)
		serving->typed_length = (size_t)length;
	else if (length < 0 && errno == EIO && is_background())
		serving->input_open = stop_as_job();
	else if (length == 0 || (errno != EINTR && errno != EAGAIN)) {
		serving->input_open = false;
		serving->input_ended = true;
	}
}

/* A terminal's input has no end but the character VEOF. That ends one read(2), is two where
 * a line is begun, and is lost where a line editor changes the modes before it reads: so it
 * is typed as often as nothing waits to be read. Not where the terminal is raw, output too
 * (as it is not for line editors): VEOF would be a byte like others. */
static void type_end(struct serving *serving)
{
	struct termios modes;
	struct pollfd poll_inner = { .events = POLLIN };
	int64_t now = clock_ms();
	auto_fd inner = -1;

	if (now < serving->end_looked_ms + END_INTERVAL_MS)
		return;
	serving->end_looked_ms = now;
	poll_inner.fd = inner = ioctl(
		serving->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (inner < 0 || poll(&poll_inner, 1, 0) != 0 || tcgetattr(inner, &modes) < 0 ||
		!(modes.c_lflag & ICANON || modes.c_oflag & OPOST))
		return;
	serving->typed[0] = (char)modes.c_cc[VEOF];
	serving->typed_length = 1;
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
	bool shows = serving->shown_length;
	bool ends = serving->master >= 0 && serving->input_ended;
	short master_events =
		(short)((serving->typed_length ? POLLOUT : 0) | (shows ? 0 : POLLIN));
	struct pollfd polls[] = {
		{ .fd = serving->signals, .events = POLLIN },
		/* Its end, which cannot be masked, would wake us for ever. */
		{ .fd = master_events ? serving->master : -1, .events = master_events },
		{ .fd = reads ? STDIN_FILENO : -1, .events = POLLIN },
		{ .fd = serving->notify, .events = POLLIN },
		{ .fd = shows ? STDOUT_FILENO : -1, .events = POLLOUT },
	};

	if (poll(polls, ARRAY_SIZE(polls), ends ? END_INTERVAL_MS : -1) < 0)
		return errno == EINTR ? 0 : fail_errno(err, "waiting for the container");
	if (ends && !serving->typed_length)
		type_end(serving);
	if (polls[1].revents & POLLOUT && serving->typed_length)
		send_input(serving);
	if (polls[1].revents & ~POLLOUT && !shows)
		read_output(serving);
	if (polls[4].revents)
		show_output(serving);
	if (polls[2].revents)
		read_input(serving);
	if (polls[3].revents && notify_forward(serving->notify, getpid()))
		serving->notify = -1;
	if (polls[0].revents)
		take_signal(serving);
	return 0;
}

/* What it wrote last. */
static bool has_output(struct serving *serving)
{
	if (!serving->shown_length && serving->master >= 0)
		read_output(serving);
	return serving->shown_length;
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
	while (result == 0 && (!serving.ended || has_output(&serving)))
		result = serve_once(&serving, err);
	give_modes_back(&serving);
	*ret_status = serving.status;
	return result;
}
