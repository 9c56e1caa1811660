/* Opening a namespace: looked at through O_PATH before. */
#include "base/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>

#include "base/cleanup.h"
#include "base/fd.h"

int namespace_open(const char *path, int *ret_kind)
{
	auto_fd place = open(path, O_PATH | O_CLOEXEC);
	auto_fd fd = -1;
	struct statfs fs;
	int kind;

	if (place < 0 || fstatfs(place, &fs) < 0)
		return -1;
	if (fs.f_type != NSFS_MAGIC) {
		errno = EINVAL;
		return -1;
	}
	fd = open(fd_path(place).text, O_RDONLY | O_CLOEXEC);
	kind = fd < 0 ? -1 : ioctl(fd, NS_GET_NSTYPE);
	if (kind < 0)
		return -1;
	if (ret_kind)
		*ret_kind = kind;
	return take_fd(&fd);
}
