/* A thread enters a namespace and comes back; names below /run/netns are mounts. */
#include "netsetup/netns.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/namespace.h"
#include "base/path.h"
#include "base/str.h"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

#define OWN_NETNS "/proc/thread-self/ns/net"

int netns_identify(int fd, struct netns_identity *ret, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return fail_errno(err, "looking at a network namespace");
	ret->device = st.st_dev;
	ret->inode = st.st_ino;
	return 0;
}

bool netns_is(const char *path, struct netns_identity identity)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_dev == identity.device &&
	       st.st_ino == identity.inode;
}

int netns_open(const char *path, int *ret_fd, struct error *err)
{
	struct netns_identity identity;
	int kind = 0;
	auto_fd fd = namespace_open(path, &kind);

	if (fd < 0 && errno != EINVAL)
		return fail_errno(err, "opening the network namespace %s", path);
	if (kind != CLONE_NEWNET)
		return fail_code(err, EINVAL, "%s is no network namespace", path);
	if (netns_identify(fd, &identity, err) < 0)
		return -1;
	if (netns_is(OWN_NETNS, identity))
		return fail_code(err, EINVAL,
			"%s is the host's own network namespace; give the "
			"container's",
			path);
	*ret_fd = take_fd(&fd);
	return 0;
}

int netns_open_pid(pid_t pid, int *ret_fd, struct error *err)
{
	auto_free char *path = str_format("/proc/%d/ns/net", pid);

	if (netns_open(path, ret_fd, err) == 0)
		return 0;
	if (err->errnum == ENOENT)
		return fail_code(err, ENOENT, "there is no process %d", pid);
	return -1;
}

int netns_open_own(int *ret_fd, struct error *err)
{
	auto_fd fd = open(OWN_NETNS, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return fail_errno(err, "opening %s; is /proc mounted?", OWN_NETNS);
	*ret_fd = take_fd(&fd);
	return 0;
}

/* Whatever followed, undoing included, would be done in the wrong place. */
static void come_back(int own)
{
	if (setns(own, CLONE_NEWNET) == 0)
		return;
	log_error("returning to the host's network namespace: %s", strerror(errno));
	_exit(1);
}

int netns_create(int *ret_fd, struct error *err)
{
	auto_fd own = -1;
	int result;

	if (netns_open_own(&own, err) < 0)
		return -1;
	if (unshare(CLONE_NEWNET) < 0)
		return fail_errno(err, "making a network namespace");
	result = netns_open_own(ret_fd, err);
	come_back(own);
	return result;
}

int netns_visit(int fd, int (*function)(void *argument, struct error *err),
	void *argument, struct error *err)
{
	auto_fd own = -1;
	int result;

	if (netns_open_own(&own, err) < 0)
		return -1;
	if (setns(fd, CLONE_NEWNET) < 0)
		return fail_errno(err, "entering the network namespace");
	result = function(argument, err);
	come_back(own);
	return result;
}

/* ---- who is in them ------------------------------------------------------------------ */

void netns_users_free(struct netns_users *users)
{
	free(users->items);
	*users = (struct netns_users){ 0 };
}

static bool find_user(
	const struct netns_users *users, struct netns_identity identity, pid_t *ret_pid)
{
	for (size_t i = 0; i < users->count; i++) {
		const struct netns_user *user = &users->items[i];

		if (user->identity.device != identity.device ||
			user->identity.inode != identity.inode)
			continue;
		*ret_pid = user->pid;
		return true;
	}
	return false;
}

/* Those that ended meanwhile, and others' that may not be looked at, are left out. */
static void ask_users(struct netns_users *users)
{
	auto_dir proc = opendir("/proc");

	for (const struct dirent *entry; proc && (entry = path_next(proc));) {
		struct netns_identity identity;
		char path[64];
		struct stat st;
		pid_t other;

		snprintf(path, sizeof(path), "%.20s/ns/net", entry->d_name);
		if (!isdigit((unsigned char)entry->d_name[0]) ||
			fstatat(dirfd(proc), path, &st, 0) < 0)
			continue;
		identity = (struct netns_identity){ st.st_dev, st.st_ino };
		if (find_user(users, identity, &other))
			continue;
		users->items = str_realloc(
			users->items, users->count + 1, sizeof(*users->items));
		users->items[users->count++] = (struct netns_user){ identity,
			(pid_t)strtol(entry->d_name, NULL, 10) };
	}
	users->unknown = !proc || errno != 0;
	users->asked = true;
}

bool netns_find_user(
	struct netns_users *users, struct netns_identity identity, pid_t *ret_pid)
{
	if (!users->asked)
		ask_users(users);
	return find_user(users, identity, ret_pid);
}

/* ---- cookies ------------------------------------------------------------------------- */

int netns_own_cookie(uint64_t *ret, struct error *err)
{
	auto_fd any = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t length = sizeof(*ret);

	if (any < 0 || getsockopt(any, SOL_SOCKET, SO_NETNS_COOKIE, ret, &length) < 0)
		return fail_errno(err, "asking for the network namespace's cookie");
	return 0;
}

static int ask_cookie(void *argument, struct error *err)
{
	return netns_own_cookie(argument, err);
}

int netns_cookie(int fd, uint64_t *ret, struct error *err)
{
	return netns_visit(fd, ask_cookie, ret, err);
}

/* ---- names -------------------------------------------------------------------------- */

int netns_check_name(const char *name, struct error *err)
{
	if (!name[0] || strlen(name) > 255 || strchr(name, '/') || str_equal(name, ".") ||
		str_equal(name, ".."))
		return fail_code(err, EINVAL,
			"\"%.300s\" cannot be a name under %s: expected 1 to 255 bytes, "
			"no \"/\", not \".\" or \"..\"",
			name, NETNS_DIRECTORY);
	return 0;
}

char *netns_path(const char *name)
{
	return path_join(NETNS_DIRECTORY, name);
}

/* A mount that is shared with its peers: what is unmounted here goes away in every mount
 * namespace that has a copy, or else the namespace would live on in those. */
static int try_share(void)
{
	return mount("", NETNS_DIRECTORY, "none", MS_SHARED | MS_REC, NULL);
}

/* Who finds no mount there makes it under the lock that ip-netns takes for that. */
static int share_directory(struct error *err)
{
	auto_fd lock = -1;

	if (path_mkdirs(NETNS_DIRECTORY, 0755, err) < 0)
		return -1;
	if (try_share() == 0)
		return 0;
	if (errno != EINVAL)
		return fail_errno(err, "sharing the mount %s", NETNS_DIRECTORY);
	lock = open(NETNS_DIRECTORY, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock < 0)
		return fail_errno(err, "opening %s", NETNS_DIRECTORY);
	if (fd_lock(lock, LOCK_EX, NETNS_DIRECTORY, err) < 0)
		return -1;
	if (try_share() == 0)
		return 0;
	if (mount(NETNS_DIRECTORY, NETNS_DIRECTORY, "none", MS_BIND | MS_REC, NULL) < 0)
		return fail_errno(err, "bind mounting %s on itself", NETNS_DIRECTORY);
	if (try_share() < 0)
		return fail_errno(err, "sharing the mount %s", NETNS_DIRECTORY);
	return 0;
}

/* A file of that name with nothing mounted on it is what a process killed between the two
 * steps of netns_bind() left. */
static bool is_leftover(const char *path)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type != NSFS_MAGIC &&
	       fs.f_type != PROC_SUPER_MAGIC;
}

int netns_bind(const char *name, int fd, struct error *err)
{
	auto_free char *path = netns_path(name);
	auto_fd place = -1;

	if (netns_check_name(name, err) < 0 || share_directory(err) < 0)
		return -1;
	place = open(path, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
	if (place < 0 && (errno != EEXIST || !is_leftover(path)))
		return fail_errno(err, "naming the network namespace %s", path);
	if (mount(fd_path(fd).text, path, "none", MS_BIND, NULL) < 0) {
		error_set_errno(err, "bind mounting the network namespace on %s", path);
		(void)unlink(path); /* else the next attempt takes it for a leftover */
		return -1;
	}
	return 0;
}

int netns_unbind(const char *name, struct netns_identity identity, struct error *err)
{
	auto_free char *path = netns_path(name);

	if (!netns_is(path, identity) && !is_leftover(path))
		return 0;
	/* EINVAL: nothing is mounted there. */
	if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 && errno != EINVAL &&
		errno != ENOENT)
		return fail_errno(err, "unmounting %s", path);
	if (unlink(path) < 0 && errno != ENOENT)
		return fail_errno(err, "removing %s", path);
	return 0;
}
