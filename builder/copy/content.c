/*
 * Small files by one read and one write, which is the fewest calls; large ones by reflink
 * or copy_file_range; those with holes piece by piece.
 */
#include "builder/copy/content.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"

#define SMALL 65536

static int copy_small(int from, int to, const char *name, struct error *err)
{
	char buffer[SMALL];

	for (;;) {
		ssize_t got = read(from, buffer, sizeof(buffer));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail_errno(err, "reading %s", name);
		if (got > 0 && fd_write_all(to, buffer, (size_t)got) < 0)
			return fail_errno(err, "copying %s", name);
		if ((size_t)got < sizeof(buffer))
			return 0;
	}
}

static int copy_range(
	int from, int to, off_t start, off_t end, const char *name, struct error *err)
{
	off_t in = start, out = start;

	while (in < end) {
		ssize_t got = copy_file_range(from, &in, to, &out, (size_t)(end - in), 0);
		char buffer[SMALL];

		if (got > 0)
			continue;
		if (got == 0)
			return 0; /* it was cut short meanwhile */
		if (errno != EXDEV && errno != EINVAL && errno != ENOSYS &&
			errno != EOPNOTSUPP)
			return fail_errno(err, "copying %s", name);
		got = pread(
			from, buffer, (size_t)MIN((off_t)sizeof(buffer), end - in), in);
		if (got < 0)
			return fail_errno(err, "reading %s", name);
		if (got == 0)
			return 0;
		if (lseek(to, in, SEEK_SET) < 0 ||
			fd_write_all(to, buffer, (size_t)got) < 0)
			return fail_errno(err, "copying %s", name);
		in += got;
		out = in;
	}
	return 0;
}

static int copy_sparse(int from, int to, off_t size, const char *name, struct error *err)
{
	off_t start = 0, end;

	while ((start = lseek(from, start, SEEK_DATA)) >= 0 && start < size) {
		end = lseek(from, start, SEEK_HOLE);
		if (end < 0)
			return fail_errno(err, "reading %s", name);
		if (copy_range(from, to, start, MIN(end, size), name, err) < 0)
			return -1;
		start = end;
	}
	if (start < 0 && errno != ENXIO)
		return fail_errno(err, "reading %s", name);
	if (ftruncate(to, size) < 0)
		return fail_errno(err, "copying %s", name);
	return 0;
}

int content_copy(int from, int to, off_t size, off_t allocated, const char *name,
	struct error *err)
{
	if (size <= SMALL)
		return copy_small(from, to, name, err);
	if (allocated >= size)
		return fd_copy(from, to, name, err);
	if (ioctl(to, FICLONE, from) == 0)
		return 0;
	return copy_sparse(from, to, size, name, err);
}
