/* Both names of overlayfs's attributes. */
#include "builder/rootfs/overlay_marks.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/str.h"
#include "builder/rootless.h"

#define TRUSTED  "trusted.overlay."
#define USER     "user.overlay."
#define WHITEOUT USER "whiteout"

static const char *opaque_name(void)
{
	return rootless_here() ? USER "opaque" : TRUSTED "opaque";
}

static int make_marked_file(int dir_fd, const char *name)
{
	auto_fd fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	return fd < 0 ? -1 : fsetxattr(fd, WHITEOUT, "y", 1, 0);
}

int overlay_make_whiteout(int dir_fd, const char *name)
{
	if (mknodat(dir_fd, name, S_IFCHR, makedev(0, 0)) == 0)
		return 0;
	return errno == EPERM && rootless_here() ? make_marked_file(dir_fd, name) : -1;
}

static bool is_marked_file(int dir_fd, const char *name)
{
	auto_free char *path = str_format("%s/%s", fd_path(dir_fd).text, name);

	return lgetxattr(path, WHITEOUT, NULL, 0) >= 0;
}

bool overlay_is_whiteout(int dir_fd, const char *name, const struct stat *stat)
{
	if (S_ISREG(stat->st_mode) && stat->st_size == 0)
		return rootless_here() && is_marked_file(dir_fd, name);
	return S_ISCHR(stat->st_mode) && stat->st_rdev == makedev(0, 0);
}

int overlay_mark_opaque(int fd)
{
	return fsetxattr(fd, opaque_name(), "y", 1, 0);
}

bool overlay_is_opaque(int fd)
{
	char value[1];

	return fgetxattr(fd, opaque_name(), value, sizeof(value)) == 1 && value[0] == 'y';
}

bool overlay_is_mark(const char *attribute)
{
	return str_after(attribute, TRUSTED) || str_after(attribute, USER);
}

const char *overlay_marks_option(void)
{
	return rootless_here() ? "userxattr" : NULL;
}
