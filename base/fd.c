/* Whole reads and writes, atomic replacement, locks, copies. */
#include "base/fd.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/str.h"

int fd_write_all(int fd, const void *data, size_t length)
{
	const char *rest = data;

	while (length > 0) {
		ssize_t written = write(fd, rest, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -1;
		rest += written;
		length -= (size_t)written;
	}
	return 0;
}

/* Grows the buffer as the data comes, whatever size the file claims. */
static int read_to_end(int fd, size_t limit, struct str *buffer)
{
	char chunk[16384];

	for (;;) {
		size_t room = limit - buffer->length + 1; /* one more shows the excess */
		ssize_t got = read(fd, chunk, MIN(sizeof(chunk), room));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			return 0;
		if ((size_t)got > limit - buffer->length) {
			errno = EFBIG;
			return -1;
		}
		str_append_n(buffer, chunk, (size_t)got);
	}
}

static int fail_too_large(const char *name, size_t limit, struct error *err)
{
	return fail_code(
		err, EFBIG, "%s: is larger than the %zu bytes allowed", name, limit);
}

int fd_read_all(int fd, const char *name, struct fd_read_options options, char **ret,
	size_t *ret_length, struct error *err)
{
	auto_str buffer = { 0 };
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fail_errno(err, "%s", name);
	if (S_ISDIR(st.st_mode))
		return fail_code(err, EISDIR, "%s: is a directory, not a file", name);
	if (options.regular_only && !S_ISREG(st.st_mode))
		return fail_code(err, EINVAL, "%s: is not a regular file", name);
	if (S_ISREG(st.st_mode) && (uint64_t)st.st_size > options.limit)
		return fail_too_large(name, options.limit, err);
	if (read_to_end(fd, options.limit, &buffer) < 0) {
		if (errno == EFBIG)
			return fail_too_large(name, options.limit, err);
		return fail_errno(err, "reading %s", name);
	}
	if (ret_length)
		*ret_length = buffer.length;
	*ret = str_take(&buffer);
	return 0;
}

int file_read_at(int dir_fd, const char *path, size_t limit, char **ret,
	size_t *ret_length, struct error *err)
{
	/* O_NONBLOCK: opening a FIFO that nobody writes to must not wait. */
	auto_fd fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return fail_errno(err, "opening %s", path);
	return fd_read_all(fd, path, (struct fd_read_options){ .limit = limit }, ret,
		ret_length, err);
}

int file_write_at(int dir_fd, const char *path, const char *value, struct error *err)
{
	auto_fd fd = openat(dir_fd, path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	size_t length = strlen(value);
	ssize_t written;

	if (fd < 0)
		return fail_errno(err, "opening %s to write \"%s\"", path, value);
	/* One write: the kernel reads each write as a value of its own. */
	written = write(fd, value, length);
	if (written < 0)
		return fail_errno(err, "writing \"%s\" to %s", value, path);
	if ((size_t)written < length)
		return fail_code(err, EIO,
			"writing \"%s\" to %s: only %zd of %zu bytes were taken", value,
			path, written, length);
	return 0;
}

/* An exclusive file beside `path`: the name in ret_name is the caller's to free. */
static int create_beside(int dir_fd, const char *path, mode_t mode, char **ret_name,
	int *ret_fd, struct error *err)
{
	for (unsigned attempt = 0;; attempt++) {
		auto_free char *name =
			str_format("%s.%d.%u.new", path, getpid(), attempt);
		int fd = openat(
			dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

		if (fd >= 0) {
			*ret_name = take_ptr(&name);
			*ret_fd = fd;
			return 0;
		}
		if (errno != EEXIST || attempt == 1000)
			return fail_errno(err, "creating %s", name);
	}
}

static int fill_and_rename(int dir_fd, int fd, const char *name, const char *path,
	const void *data, size_t length, bool sync, struct error *err)
{
	if (fd_write_all(fd, data, length) < 0)
		return fail_errno(err, "writing %s", path);
	if (sync && fsync(fd) < 0)
		return fail_errno(err, "writing %s to disk", path);
	if (renameat(dir_fd, name, dir_fd, path) < 0)
		return fail_errno(err, "replacing %s", path);
	return 0;
}

int file_replace_at(int dir_fd, const char *path, const void *data, size_t length,
	struct file_replace_options options, struct error *err)
{
	auto_free char *name = NULL;
	auto_fd fd = -1;

	if (create_beside(dir_fd, path, options.mode, &name, &fd, err) < 0)
		return -1;
	if (fill_and_rename(dir_fd, fd, name, path, data, length, options.sync, err) <
		0) {
		(void)unlinkat(dir_fd, name, 0); /* the failure above is what to tell */
		return -1;
	}
	return 0;
}

int fd_lock(int fd, int operation, const char *name, struct error *err)
{
	while (flock(fd, operation) < 0) {
		if (errno == EINTR)
			continue;
		if (errno == EWOULDBLOCK)
			return fail_code(err, EWOULDBLOCK,
				"%s is locked by another process", name);
		return fail_errno(err, "locking %s", name);
	}
	return 0;
}

static int copy_by_reading(int from, int to)
{
	auto_free char *buffer = str_realloc(NULL, 1, 128 << 10);

	for (;;) {
		ssize_t got = read(from, buffer, 128 << 10);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return (int)got;
		if (fd_write_all(to, buffer, (size_t)got) < 0)
			return -1;
	}
}

int fd_copy(int from, int to, const char *name, struct error *err)
{
	bool copied = false;

	if (ioctl(to, FICLONE, from) == 0)
		return 0;
	for (;;) {
		ssize_t got = copy_file_range(from, NULL, to, NULL, 1u << 30, 0);

		if (got > 0) {
			copied = true;
			continue;
		}
		/* Files of /proc report no size and copy as empty: read them instead. */
		if (got == 0 && copied)
			return 0;
		if (got < 0 && copied)
			return fail_errno(err, "copying %s", name);
		break;
	}
	if (copy_by_reading(from, to) < 0)
		return fail_errno(err, "copying %s", name);
	return 0;
}

void fd_fill_standard(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0)
			(void)!open("/dev/null", /* which gets the lowest number */
				fd == STDIN_FILENO ? O_RDONLY : O_WRONLY);
	}
}

static int cloexec_one_by_one(int first, struct error *err)
{
	auto_dir dir = opendir("/proc/self/fd");
	struct dirent *entry;

	if (!dir)
		return fail_errno(err, "opening /proc/self/fd");
	while ((entry = path_next(dir))) {
		int fd = atoi(entry->d_name);

		if (fd >= first && fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
			return fail_errno(err, "marking descriptor %d close-on-exec", fd);
	}
	return errno ? fail_errno(err, "listing /proc/self/fd") : 0;
}

int fd_cloexec_from(int first, struct error *err)
{
	if (syscall(SYS_close_range, (unsigned)first, ~0u, CLOSE_RANGE_CLOEXEC) == 0)
		return 0;
	if (errno != ENOSYS && errno != EINVAL)
		return fail_errno(err, "marking descriptors close-on-exec");
	return cloexec_one_by_one(first, err);
}

static bool is_among(const int *fds, size_t count, int fd)
{
	for (size_t i = 0; i < count; i++)
		if (fds[i] == fd)
			return true;
	return false;
}

/* The least that is `first` or above it; -1 where there is none. */
static int least_from(const int *fds, size_t count, int first)
{
	int least = -1;

	for (size_t i = 0; i < count; i++)
		if (fds[i] >= first && (least < 0 || fds[i] < least))
			least = fds[i];
	return least;
}

static void close_one_by_one(int first, const int *kept, size_t count)
{
	long limit = sysconf(_SC_OPEN_MAX);

	for (int fd = first; fd < limit; fd++)
		if (!is_among(kept, count, fd))
			(void)close(fd); /* most are not open */
}

void fd_close_but(int first, const int *kept, size_t count)
{
	for (int next = first, end = 0; end >= 0; next = end + 1) {
		end = least_from(kept, count, next);
		if (end == next)
			continue;
		if (syscall(SYS_close_range, (unsigned)next,
			    end < 0 ? ~0u : (unsigned)end - 1, 0) < 0) {
			close_one_by_one(next, kept, count);
			return;
		}
	}
}

struct fd_path fd_path(int fd)
{
	struct fd_path path;

	snprintf(path.text, sizeof(path.text), "/proc/self/fd/%d", fd);
	return path;
}
