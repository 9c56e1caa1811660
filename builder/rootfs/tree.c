/* Copying a tree: one directory at a time, by descriptors. */
#include "builder/rootfs/tree.h"

#include <endian.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "builder/rootfs/overlay_marks.h"
#include "builder/rootfs/tree_internal.h"

#define XATTR_LIST_MAX 65536 /* the kernel's own limits */
#define XATTR_SIZE_MAX 65536

void copier_free(struct copier *copier)
{
	descent_end(&copier->descent);
	hardlinks_free(&copier->links);
	str_free(&copier->path);
}

int copier_enter(struct copier *copier, int from_fd, const char *name, int *ret_fd,
	size_t *ret_length, struct error *err)
{
	if (descent_open(&copier->descent, from_fd, name, ret_fd, err) < 0)
		return -1;
	*ret_length = copier->path.length;
	str_appendf(&copier->path, "%s/", name);
	return 0;
}

void copier_leave(struct copier *copier, size_t length)
{
	descent_back(&copier->descent);
	copier->path.length = length;
	copier->path.data[length] = '\0';
}

int tree_open_below(int fd, const char *name, int *ret_fd, struct error *err)
{
	*ret_fd = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return *ret_fd < 0 ? fail_errno(err, "opening %s", name) : 0;
}

static int map_owner(const struct userns_maps *maps, const char *name,
	const struct stat *stat, uid_t *user, gid_t *group, struct error *err)
{
	if (userns_map_find(&maps->users, stat->st_uid, user) &&
		userns_map_find(&maps->groups, stat->st_gid, group))
		return 0;
	return fail_code(err, EINVAL,
		"%s belongs to %u:%u, and the user namespace has no such %s", name,
		stat->st_uid, stat->st_gid,
		userns_map_find(&maps->users, stat->st_uid, user) ? "group" : "user");
}

/* An access control list names users and groups: linux/posix_acl_xattr.h. */
static int map_list(const struct userns_maps *maps, const char *attribute, char *value,
	size_t size, struct error *err)
{
	struct posix_acl_xattr_entry *entries =
		(void *)(value + sizeof(struct posix_acl_xattr_header));
	size_t count = (size - MIN(size, sizeof(struct posix_acl_xattr_header))) /
		       sizeof(*entries);

	if (!str_after(attribute, "system.posix_acl_"))
		return 0;
	for (size_t i = 0; i < count; i++) {
		unsigned tag = le16toh(entries[i].e_tag);
		uint32_t id = le32toh(entries[i].e_id);

		if (tag != ACL_USER && tag != ACL_GROUP)
			continue;
		if (!userns_map_find(
			    tag == ACL_USER ? &maps->users : &maps->groups, id, &id))
			return fail_code(err, EINVAL,
				"%s names %u, which the user namespace has not",
				attribute, id);
		entries[i].e_id = htole32(id);
	}
	return 0;
}

static int copy_one_xattr(const struct userns_maps *maps, const char *from,
	const char *to, const char *attribute, struct error *err)
{
	auto_free char *value = str_realloc(NULL, XATTR_SIZE_MAX, 1);
	ssize_t size = lgetxattr(from, attribute, value, XATTR_SIZE_MAX);

	if (size < 0)
		return errno == ENODATA
			       ? 0
			       : fail_errno(err, "reading the attribute %s", attribute);
	if (maps && map_list(maps, attribute, value, (size_t)size, err) < 0)
		return -1;
	if (lsetxattr(to, attribute, value, (size_t)size, 0) < 0 && errno != ENOTSUP)
		return fail_errno(err, "setting the attribute %s", attribute);
	return 0;
}

/* By path through /proc/self/fd, for links have no descriptor that takes attributes. */
static int copy_xattrs(const struct userns_maps *maps, int from_fd, int to_fd,
	const char *name, struct error *err)
{
	auto_free char *from = str_format("%s/%s", fd_path(from_fd).text, name);
	auto_free char *to = str_format("%s/%s", fd_path(to_fd).text, name);
	auto_free char *list = NULL;
	ssize_t length = llistxattr(from, NULL, 0);

	if (length == 0 || (length < 0 && errno == ENOTSUP))
		return 0;
	list = str_realloc(NULL, XATTR_LIST_MAX, 1);
	length = llistxattr(from, list, XATTR_LIST_MAX);
	if (length < 0)
		return fail_errno(err, "listing the attributes of %s", name);
	for (ssize_t at = 0; at < length; at += (ssize_t)strlen(list + at) + 1) {
		if (overlay_is_mark(list + at))
			continue;
		if (copy_one_xattr(maps, from, to, list + at, err) < 0)
			return fail_while(err, "%s", name);
	}
	return 0;
}

/* The owner first: changing it takes set-id bits away. */
static int copy_attributes(const struct userns_maps *maps, int from_fd, int to_fd,
	const char *name, const struct stat *stat, struct error *err)
{
	const struct timespec times[] = { stat->st_atim, stat->st_mtim };
	uid_t user = stat->st_uid;
	gid_t group = stat->st_gid;

	if (maps && map_owner(maps, name, stat, &user, &group, err) < 0)
		return -1;
	if (fchownat(to_fd, name, user, group, AT_SYMLINK_NOFOLLOW) < 0)
		return fail_errno(err, "setting the owner of %s", name);
	if (!S_ISLNK(stat->st_mode) &&
		fchmodat(to_fd, name, stat->st_mode & 07777, 0) < 0)
		return fail_errno(err, "setting the mode of %s", name);
	if (copy_xattrs(maps, from_fd, to_fd, name, err) < 0)
		return -1;
	if (utimensat(to_fd, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return fail_errno(err, "setting the times of %s", name);
	return 0;
}

int tree_copy_attributes(int from_fd, int to_fd, const char *name,
	const struct stat *stat, struct error *err)
{
	return copy_attributes(NULL, from_fd, to_fd, name, stat, err);
}

static int copy_file(int from_fd, int to_fd, const char *name, struct error *err)
{
	auto_fd from =
		openat(from_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	auto_fd to = -1;

	if (from < 0)
		return fail_errno(err, "opening %s", name);
	to = openat(
		to_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to < 0)
		return fail_errno(err, "making %s", name);
	return fd_copy(from, to, name, err);
}

static int copy_link(int from_fd, int to_fd, const char *name, struct error *err)
{
	char target[PATH_MAX + 1];
	ssize_t length = readlinkat(from_fd, name, target, sizeof(target) - 1);

	if (length < 0)
		return fail_errno(err, "reading the link %s", name);
	target[length] = '\0';
	if (symlinkat(target, to_fd, name) < 0)
		return fail_errno(err, "making the link %s", name);
	return 0;
}

static int copy_directory(
	struct copier *copier, int from_fd, int to_fd, struct error *err);

static int copy_subdirectory(struct copier *copier, int from_fd, int to_fd,
	const char *name, struct error *err)
{
	size_t length;
	auto_fd from = -1;
	auto_fd to = -1;
	int result;

	if (copier_enter(copier, from_fd, name, &from, &length, err) < 0)
		return -1;
	if (mkdirat(to_fd, name, 0700) < 0 && !(copier->onto && errno == EEXIST))
		return fail_errno(err, "making %s", name);
	if (tree_open_below(to_fd, name, &to, err) < 0)
		return -1;
	if (copier->onto && overlay_is_opaque(from) &&
		path_remove_children(to, name, err) < 0)
		return -1;
	result = copy_directory(copier, from, to, err);
	if (result == 0) /* where it failed is told by the path */
		copier_leave(copier, length);
	return result;
}

static int copy_content(int from_fd, int to_fd, const char *name, const struct stat *stat,
	struct error *err)
{
	switch (stat->st_mode & S_IFMT) {
	case S_IFREG:
		return copy_file(from_fd, to_fd, name, err);
	case S_IFLNK:
		return copy_link(from_fd, to_fd, name, err);
	default:
		if (mknodat(to_fd, name, stat->st_mode, stat->st_rdev) < 0)
			return fail_errno(err, "making the special file %s", name);
		return 0;
	}
}

int copier_add(struct copier *copier, int from_fd, int to_fd, const char *name,
	const struct stat *stat, struct error *err)
{
	auto_free char *path =
		str_format("%s%s", copier->path.data ? copier->path.data : "", name);
	const char *known = hardlinks_meet(&copier->links, stat, path);

	if (known) {
		if (linkat(copier->target_fd, known, to_fd, name, 0) < 0)
			return fail_errno(err, "linking %s to %s", name, known);
		return 0;
	}
	if (copy_content(from_fd, to_fd, name, stat, err) < 0)
		return -1;
	return copy_attributes(copier->maps, from_fd, to_fd, name, stat, err);
}

/* What a layer's entry stands in for goes; but a directory comes to what is in one. */
static int make_room(int to_fd, const char *name, bool directory, struct error *err)
{
	struct stat stat;

	if (fstatat(to_fd, name, &stat, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : fail_errno(err, "looking at %s", name);
	return directory && S_ISDIR(stat.st_mode) ? 0
						  : path_remove_tree(to_fd, name, err);
}

static int copy_entry(struct copier *copier, int from_fd, int to_fd, const char *name,
	struct error *err)
{
	struct stat stat;
	bool directory;

	/* Overlayfs lists a whiteout where a layer has one of what is not there anyway. */
	if (fstatat(from_fd, name, &stat, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : fail_errno(err, "looking at %s", name);
	directory = S_ISDIR(stat.st_mode);
	if (copier->onto) {
		bool gone = overlay_is_whiteout(from_fd, name, &stat);

		if (make_room(to_fd, name, directory, err) < 0)
			return -1;
		if (gone)
			return 0;
	}
	if (!directory)
		return copier_add(copier, from_fd, to_fd, name, &stat, err);
	if (copy_subdirectory(copier, from_fd, to_fd, name, err) < 0)
		return -1;
	return copy_attributes(copier->maps, from_fd, to_fd, name, &stat, err);
}

static int copy_directory(
	struct copier *copier, int from_fd, int to_fd, struct error *err)
{
	auto_strings names = { 0 };

	if (path_names(from_fd, "a directory", &names, err) < 0)
		return -1;
	strings_each (name, &names) {
		if (copy_entry(copier, from_fd, to_fd, *name, err) < 0)
			return -1;
	}
	return 0;
}

static int copy_root(
	struct copier *copier, int from_fd, const char *name, struct error *err)
{
	struct stat stat;

	if (fstat(from_fd, &stat) < 0)
		return fail_errno(err, "looking at %s", name);
	if (copy_directory(copier, from_fd, copier->target_fd, err) < 0)
		return fail_while(err, "copying %s%.200s", name,
			copier->path.data ? copier->path.data : "");
	return copy_attributes(copier->maps, from_fd, copier->target_fd, ".", &stat, err);
}

int tree_copy_mapped(int from_fd, int to_fd, const char *name,
	const struct userns_maps *maps, struct error *err)
{
	auto_copier copier = {
		.target_fd = to_fd,
		.maps = maps,
		.descent = descent_begin(),
	};

	return copy_root(&copier, from_fd, name, err);
}

int tree_copy(int from_fd, int to_fd, const char *name, struct error *err)
{
	return tree_copy_mapped(from_fd, to_fd, name, NULL, err);
}

int tree_copy_layer(int from_fd, int to_fd, const char *name, struct error *err)
{
	auto_copier copier = {
		.target_fd = to_fd,
		.onto = true,
		.descent = descent_begin(),
	};

	if (overlay_is_opaque(from_fd) && path_remove_children(to_fd, name, err) < 0)
		return -1;
	return copy_root(&copier, from_fd, name, err);
}
