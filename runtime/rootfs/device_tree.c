/* Devices that their creator makes for a container in a user namespace. */
#include "runtime/rootfs/device_tree.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "runtime/namespaces/idmap.h"
#include "runtime/rootfs/devices.h"
#include "runtime/rootfs/mount_api.h"
#include "spec/config.h"

struct name {
	char text[24];
};

static struct name name_of(size_t index)
{
	struct name name;

	(void)snprintf(name.text, sizeof(name.text), "%zu", index);
	return name;
}

/* -1 without an error: who may not do it does without. */
static int mount_tmpfs(void)
{
	auto_fd fs_fd = mnt_fsopen("tmpfs");

	if (fs_fd < 0 ||
		mnt_fsconfig(fs_fd, FSCONFIG_SET_STRING, "source", "tmpfs", 0) < 0 ||
		mnt_fsconfig(fs_fd, FSCONFIG_SET_STRING, "mode", "755", 0) < 0 ||
		mnt_fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -1;
	return mnt_fsmount(fs_fd, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
}

static int to_host(const struct oci_config *config, size_t index,
	struct device_node *node, struct error *err)
{
	const struct oci_linux *chapter = &config->linux;

	if (!idmap_to_host(chapter->uid_mappings, chapter->uid_mappings_count, node->uid,
		    &node->uid))
		return fail(err, "/linux/devices/%zu/uid: the user namespace has no %u",
			index, node->uid);
	if (!idmap_to_host(chapter->gid_mappings, chapter->gid_mappings_count, node->gid,
		    &node->gid))
		return fail(err, "/linux/devices/%zu/gid: the user namespace has no %u",
			index, node->gid);
	return 0;
}

/* -1 with errno: EPERM without CAP_MKNOD. */
static int make(int tree_fd, const char *name, const struct device_node *node)
{
	if (mknodat(tree_fd, name, node->type | node->mode, node->device) < 0 ||
		fchownat(tree_fd, name, node->uid, node->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	return fchmodat(tree_fd, name, node->mode, 0); /* which the umask has had */
}

int device_tree_make(const struct oci_config *config, int *ret, struct error *err)
{
	const struct oci_linux *chapter = &config->linux;
	auto_fd tree_fd = -1;

	*ret = -1;
	if (!chapter->devices_count || !chapter->uid_mappings_count || geteuid() != 0)
		return 0;
	tree_fd = mount_tmpfs();
	if (tree_fd < 0)
		return 0;
	for (size_t i = 0; i < chapter->devices_count; i++) {
		struct device_node node = device_node_of(&chapter->devices[i]);

		if (to_host(config, i, &node, err) < 0)
			return -1;
		if (make(tree_fd, name_of(i).text, &node) < 0)
			return 0;
	}
	*ret = take_fd(&tree_fd);
	return 0;
}

int device_tree_split(
	int tree_fd, int dev_fd, size_t count, int *ret_fds, struct error *err)
{
	int result = 0;

	if (mnt_move(tree_fd, dev_fd) < 0)
		return fail_errno(err, "attaching the devices");
	for (size_t i = 0; i < count && result == 0; i++) {
		ret_fds[i] = mnt_open_tree(tree_fd, name_of(i).text, OPEN_TREE_CLONE);
		if (ret_fds[i] < 0)
			result = fail_errno(err, "/linux/devices/%zu: taking it", i);
	}
	if (mnt_detach(fd_path(tree_fd).text) < 0)
		return fail_errno(err, "detaching the devices");
	return result;
}
