/* The three ways into the new root. */
#include "runtime/rootfs/pivot.h"

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "base/fd.h"
#include "runtime/mounts/mountinfo.h"
#include "runtime/rootfs/mount_api.h"

/* pivot_root(2): with "." for both, the old root is put on top of the new one, where the
 * next call finds it, and no directory of the container's root is needed for it. */
int pivot_root_into(int root_fd, struct error *err)
{
	if (fchdir(root_fd) < 0)
		return fail_errno(err, "entering the root");
	if (mnt_pivot_root(".", ".") < 0) {
		(void)fail_errno(err, "pivot_root");
		return err->errnum == EINVAL
			       ? fail_hint(err, "on an initramfs it needs --no-pivot")
			       : -1;
	}
	if (mnt_detach(".") < 0)
		return fail_errno(err, "unmounting the old root");
	if (chdir("/") < 0)
		return fail_errno(err, "entering /");
	return 0;
}

/* What is locked there, and cannot be unmounted, is covered. */
static int hide(const char *path, struct error *err)
{
	if (mnt_detach(path) == 0 || access(path, F_OK) < 0)
		return 0;
	if (mnt_mount_path("tmpfs", path, "tmpfs", MS_RDONLY, "size=0") < 0)
		return fail_errno(err, "covering the creator's %s", path);
	return 0;
}

static bool reveals(const struct mountinfo *mount, const char *root)
{
	const char *below = str_after(mount->destination, root);

	return (str_equal(mount->type, "proc") || str_equal(mount->type, "sysfs")) &&
	       (!below || (*below && *below != '/'));
}

/* Any procfs or sysfs in full sight, be it below another one, would allow whoever is root
 * in a user namespace to mount a new one. The latest first: of several in one place it is
 * what a name leads to. */
static int hide_kernel_views(int root_fd, struct error *err)
{
	auto_free char *link = str_format("/proc/self/fd/%d", root_fd);
	char root[PATH_MAX] = "";
	auto_free char *text = NULL;
	auto_strings lines = { 0 };

	if (readlink(link, root, sizeof(root) - 1) < 0)
		return fail_errno(err, "finding the root's name by %s", link);
	if (file_read_at(AT_FDCWD, "/proc/self/mountinfo", 64u << 20, &text, NULL, err) <
		0)
		return -1;
	strings_split(&lines, text, '\n');
	for (size_t i = lines.count; i-- > 0;) {
		auto_mountinfo mount = { 0 };

		if (mountinfo_parse(lines.items[i], &mount) && reveals(&mount, root) &&
			hide(mount.destination, err) < 0)
			return -1;
	}
	return 0;
}

int pivot_by_move(int root_fd, struct error *err)
{
	if (hide_kernel_views(root_fd, err) < 0)
		return -1;
	if (fchdir(root_fd) < 0)
		return fail_errno(err, "entering the root");
	if (mnt_mount_path(".", "/", NULL, MS_MOVE, NULL) < 0)
		return fail_errno(err, "moving the root over /");
	return pivot_by_chroot(root_fd, err);
}

int pivot_by_chroot(int root_fd, struct error *err)
{
	if (fchdir(root_fd) < 0 || chroot(".") < 0 || chdir("/") < 0)
		return fail_errno(err, "chroot into the root");
	return 0;
}
