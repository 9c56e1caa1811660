/* A child in a new user namespace waits while its maps are written and its namespace is
 * opened. */
#include "runtime/rootfs/idmap_mount.h"

#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/process.h"
#include "base/str.h"
#include "runtime/rootfs/mount_api.h"

static int write_map(pid_t pid, const char *file, const struct oci_id_mapping *items,
	size_t count, struct error *err)
{
	auto_free char *path = str_format("/proc/%d/%s", (int)pid, file);
	auto_str text = { 0 };

	for (size_t i = 0; i < count; i++)
		str_appendf(&text, "%u %u %u\n", items[i].container_id, items[i].host_id,
			items[i].size);
	return count ? file_write_at(AT_FDCWD, path, text.data, err) : 0;
}

int idmap_mount_userns(const struct id_mappings *mappings, int *ret_fd, struct error *err)
{
	auto_pid pid = process_clone(CLONE_NEWUSER, NULL);
	auto_free char *path = NULL;
	int fd;

	if (pid == 0) {
		for (;;)
			pause(); /* until our parent kills us */
	}
	if (pid < 0)
		return fail_errno(err, "making a user namespace for an id mapping");
	if (write_map(pid, "uid_map", mappings->uids, mappings->uids_count, err) < 0 ||
		write_map(pid, "gid_map", mappings->gids, mappings->gids_count, err) < 0)
		return -1;
	path = str_format("/proc/%d/ns/user", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(err, "opening %s", path);
	*ret_fd = fd;
	return 0;
}

int idmap_mount_apply(
	int tree_fd, int userns_fd, bool recursive, const char *name, struct error *err)
{
	struct mnt_change change = {
		.set = MOUNT_ATTR_IDMAP,
		.userns_fd = userns_fd,
		.recursive = recursive,
	};

	if (mnt_change(tree_fd, &change) == 0)
		return 0;
	if (errno == ENOSYS)
		return fail_code(err, ENOSYS, "id-mapped mounts need Linux 5.12");
	(void)fail_errno(err, "mapping the ids of %s", name);
	if (err->errnum == EINVAL)
		return fail_hint(err,
			"its file system cannot be id-mapped by this kernel, or is "
			"id-mapped already");
	return err->errnum == EPERM ? fail_hint(err, "only the administrator may do that")
				    : -1;
}
