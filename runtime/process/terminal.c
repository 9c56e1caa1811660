/* The terminal of a container: made, attached, handed over. */
#include "runtime/process/terminal.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "spec/process.h"

#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

void terminal_free(struct terminal *terminal)
{
	cleanup_fd(&terminal->master);
	cleanup_fd(&terminal->slave);
}

static int try_open(int root_fd, const char *path)
{
	return path_try_open_in_root(root_fd, path, O_RDWR | O_NOCTTY | O_NONBLOCK, 0);
}

/* What an image calls /dev/ptmx may be anything; this one is in a devpts or refused. But
 * that of the host's devpts, bound in with all of /dev, is nobody's to open: there the
 * device of that name beside it is, and leads to that devpts. */
static int open_master(int root_fd, int *ret_fd, struct error *err)
{
	struct statfs system;
	struct stat status;
	auto_fd fd = try_open(root_fd, "/dev/pts/ptmx");
	bool beside = fd < 0 && errno == EACCES;

	if (beside)
		fd = try_open(root_fd, "/dev/ptmx");
	if (fd < 0)
		return fail_errno(err,
			"opening /dev/pts/ptmx; process.terminal needs a devpts at /dev/pts");
	if (fstatfs(fd, &system) < 0 || fstat(fd, &status) < 0 ||
		!S_ISCHR(status.st_mode) || status.st_rdev != makedev(5, 2) ||
		(!beside && system.f_type != DEVPTS_SUPER_MAGIC))
		return fail(err,
			"/dev/pts/ptmx is not a devpts's; process.terminal needs a "
			"mount of type devpts at /dev/pts");
	(void)fcntl(fd, F_SETFL, O_RDWR); /* the open alone must not block */
	*ret_fd = take_fd(&fd);
	return 0;
}

/* As runc hands it out: newlines leave it as they were written. */
static int set_modes(int master, const struct oci_process *process, struct error *err)
{
	const struct oci_console_size *wanted = process->console_size;
	struct termios modes;

	if (tcgetattr(master, &modes) < 0)
		return fail_errno(err, "reading the modes of the terminal");
	modes.c_oflag &= ~(tcflag_t)ONLCR;
	if (tcsetattr(master, TCSANOW, &modes) < 0)
		return fail_errno(err, "setting the modes of the terminal");
	if (wanted) {
		struct winsize size = { .ws_row = wanted->height,
			.ws_col = wanted->width };

		if (ioctl(master, TIOCSWINSZ, &size) < 0)
			return fail_errno(err, "/process/consoleSize: setting it");
	}
	return 0;
}

int terminal_open(int root_fd, const struct oci_process *process, struct terminal *ret,
	struct error *err)
{
	auto_terminal terminal = TERMINAL_NONE;
	int unlocked = 0;

	if (open_master(root_fd, &terminal.master, err) < 0)
		return -1;
	if (ioctl(terminal.master, TIOCSPTLCK, &unlocked) < 0)
		return fail_errno(err, "unlocking the terminal");
	terminal.slave =
		ioctl(terminal.master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (terminal.slave < 0)
		return fail_errno(err, "opening the terminal's inner end");
	if (set_modes(terminal.master, process, err) < 0)
		return -1;
	if (process->user.uid && fchown(terminal.slave, process->user.uid, (gid_t)-1) < 0)
		return fail_errno(
			err, "giving the terminal to user %u", process->user.uid);
	*ret = terminal;
	terminal = (struct terminal)TERMINAL_NONE;
	return 0;
}

int terminal_attach(const struct terminal *terminal, struct error *err)
{
	if (ioctl(terminal->slave, TIOCSCTTY, 0) < 0)
		return fail_errno(err, "making the terminal the controlling one");
	for (int number = STDIN_FILENO; number <= STDERR_FILENO; number++) {
		if (dup2(terminal->slave, number) < 0)
			return fail_errno(
				err, "making the terminal descriptor %d", number);
	}
	return 0;
}

static bool is_null(const struct stat *status)
{
	return S_ISCHR(status->st_mode) && status->st_rdev == makedev(1, 3);
}

/* A descriptor of the host's file system has no name inside, so that a checkpoint could
 * not save it; and the container has no business in there. One without a /dev/null keeps
 * the host's. */
static void use_own_null(int root_fd, int number)
{
	auto_fd fd = path_try_open_in_root(
		root_fd, "/dev/null", O_RDWR | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0 || !is_null(&status))
		return;
	(void)fcntl(fd, F_SETFL, O_RDWR); /* the open alone must not block */
	(void)dup2(fd, number);           /* to a number that is open: cannot fail */
}

void terminal_give_standard(int root_fd, uid_t uid)
{
	struct stat status;

	for (int number = STDIN_FILENO; number <= STDERR_FILENO; number++) {
		if (fstat(number, &status) < 0)
			continue;
		if (is_null(&status)) {
			use_own_null(root_fd, number);
			continue;
		}
		if (status.st_uid == uid)
			continue;
		/* On a read-only file system, or with an id that has no map, the program
		 * uses the descriptors as they are. */
		(void)!fchown(number, uid, (gid_t)-1);
	}
}
