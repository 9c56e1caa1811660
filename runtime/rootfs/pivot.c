/* The three ways into the new root. */
#include "runtime/rootfs/pivot.h"

#include <unistd.h>

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

/* A procfs or sysfs in full sight below would allow whoever is root in a user namespace
 * to mount another one. What is locked there, and cannot be unmounted, is covered. */
static int hide_below(const char *path, struct error *err)
{
	if (mnt_detach(path) == 0 || access(path, F_OK) < 0)
		return 0;
	if (mnt_mount_path("tmpfs", path, "tmpfs", MS_RDONLY, "size=0") < 0)
		return fail_errno(err, "covering the creator's %s", path);
	return 0;
}

int pivot_by_move(int root_fd, struct error *err)
{
	if (fchdir(root_fd) < 0)
		return fail_errno(err, "entering the root");
	if (hide_below("/proc", err) < 0 || hide_below("/sys", err) < 0)
		return -1;
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
