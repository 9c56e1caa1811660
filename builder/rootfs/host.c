/* The hiding layer: opaque directories and whiteouts over paths that the host has. */
#include "builder/rootfs/host.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/str.h"
#include "builder/rootfs/overlay_marks.h"

struct hidden {
	const char *path;
	bool file; /* gone; otherwise an empty directory */
};

static const struct hidden hidden[] = {
	{ .path = "/root" }, /* keys, histories, credentials of people */
	{ .path = "/home" },
	{ .path = "/tmp" }, /* of other processes */
	{ .path = "/var/tmp" },
	{ .path = "/run" },
	{ .path = "/mnt" },
	{ .path = "/media" },
	{ .path = "/var/log" },
	{ .path = "/var/spool" },
	{ .path = "/var/lib/containerd" },
	{ .path = "/var/lib/containers" },
	{ .path = "/var/lib/docker" },
	{ .path = "/var/lib/kubelet" },
	{ .path = "/var/lib/mysql" },
	{ .path = "/var/lib/postgresql" },
	{ .path = "/etc/kubernetes" },
	{ .path = "/etc/ssh" },
	{ .path = "/etc/ssl/private" },
	{ .path = "/etc/wireguard" },
	{ .path = "/etc/gshadow", .file = true },
	{ .path = "/etc/gshadow-", .file = true },
	{ .path = "/etc/krb5.keytab", .file = true },
	{ .path = "/etc/shadow", .file = true },
	{ .path = "/etc/shadow-", .file = true },
};

/* A directory of the layer with the host's mode and owner: the uppermost one is what the
 * merged directory shows. */
static int make_like_host(int hide_fd, const char *path, struct error *err)
{
	struct stat stat;
	const char *name = path + 1;

	if (lstat(path, &stat) < 0)
		return fail_errno(err, "looking at the host's %s", path);
	if (mkdirat(hide_fd, name, 0700) < 0) {
		if (errno == EEXIST)
			return 0;
		return fail_errno(err, "hiding the host's %s", path);
	}
	if (fchownat(hide_fd, name, stat.st_uid, stat.st_gid, 0) < 0 ||
		fchmodat(hide_fd, name, stat.st_mode & 07777, 0) < 0)
		return fail_errno(err, "hiding the host's %s", path);
	return 0;
}

static int make_parents(int hide_fd, const char *path, struct error *err)
{
	for (const char *slash = strchr(path + 1, '/'); slash;
		slash = strchr(slash + 1, '/')) {
		auto_free char *parent = str_dup_n(path, (size_t)(slash - path));

		if (make_like_host(hide_fd, parent, err) < 0)
			return -1;
	}
	return 0;
}

static int make_opaque(int hide_fd, const char *path, struct error *err)
{
	auto_fd fd = -1;

	if (make_like_host(hide_fd, path, err) < 0)
		return -1;
	fd = openat(hide_fd, path + 1, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || overlay_mark_opaque(fd) < 0)
		return fail_errno(err, "hiding the host's %s", path);
	return 0;
}

/* Links and what the host does not have need no hiding. */
static int hide(int hide_fd, const char *path, bool file, struct error *err)
{
	auto_free char *real = realpath(path, NULL);
	struct stat stat;

	if (!real || strcmp(real, path) != 0 || lstat(path, &stat) < 0 ||
		S_ISREG(stat.st_mode) != file || S_ISDIR(stat.st_mode) == file)
		return 0;
	if (make_parents(hide_fd, path, err) < 0)
		return -1;
	if (!file)
		return make_opaque(hide_fd, path, err);
	if (overlay_make_whiteout(hide_fd, path + 1) < 0 && errno != EEXIST)
		return fail_errno(err, "hiding the host's %s", path);
	return 0;
}

static int make_workspace(int hide_fd, struct error *err)
{
	static const char *const names[] = { "root", "root/workspace", "root/.mocker",
		"root/.mocker/layer" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (mkdirat(hide_fd, names[i], i == 0 ? 0700 : 0755) < 0 &&
			errno != EEXIST)
			return fail_errno(err, "making the workspace");
	}
	if (symlinkat(HOST_WORKSPACE, hide_fd, &HOST_BUILDER_SPACE[1]) < 0 &&
		errno != EEXIST)
		return fail_errno(err, "making the workspace");
	return 0;
}

int host_prepare(const char *place, const char *store_root, struct error *err)
{
	auto_free char *work = path_join(place, "host/work");
	auto_free char *path = path_join(place, "host/hide");
	auto_fd fd = -1;

	if (path_mkdirs(work, 0700, err) < 0 || path_mkdirs(path, 0755, err) < 0)
		return -1;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fchmod(fd, 0755) < 0)
		return fail_errno(err, "opening %s", path);
	for (size_t i = 0; i < ARRAY_SIZE(hidden); i++) {
		if (hide(fd, hidden[i].path, hidden[i].file, err) < 0)
			return -1;
	}
	if (hide(fd, store_root, false, err) < 0)
		return -1;
	return make_workspace(fd, err);
}
