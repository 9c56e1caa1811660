/* Both names of overlayfs's attributes. */
#include "builder/overlay_marks.h"

#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/str.h"
#include "builder/rootless.h"

#define TRUSTED "trusted.overlay."
#define USER    "user.overlay."

static const char *opaque_name(void)
{
	return rootless_here() ? USER "opaque" : TRUSTED "opaque";
}

int overlay_make_whiteout(int dir_fd, const char *name)
{
	return mknodat(dir_fd, name, S_IFCHR, makedev(0, 0));
}

bool overlay_is_whiteout(const struct stat *stat)
{
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
