/* Which attributes are content, and setting them. */
#include "builder/archive/tar_xattrs.h"

#include <archive_entry.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/str.h"
#include "builder/rootfs/overlay_marks.h"

/* trusted.* and user.overlay.* would speak to overlayfs, security.selinux to the host. */
static bool is_content(const char *name)
{
	return (str_after(name, "user.") && !overlay_is_mark(name)) ||
	       strcmp(name, "security.capability") == 0;
}

int tar_set_xattrs(struct archive_entry *entry, int fd)
{
	const char *name;
	const void *value;
	size_t size;

	archive_entry_xattr_reset(entry);
	while (archive_entry_xattr_next(entry, &name, &value, &size) == 0) {
		if (is_content(name) && fsetxattr(fd, name, value, size, 0) < 0 &&
			errno != EOPNOTSUPP && errno != EPERM && errno != EINVAL)
			return -1;
	}
	return 0;
}
