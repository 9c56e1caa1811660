/* Id maps, and a process that enters a new user namespace. */
#include "base/userns.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/process.h"
#include "base/str.h"

#define MAP_TEXT_MAX  65536
#define INITIAL_INODE 0xeffffffdu /* the kernel's PROC_USER_INIT_INO */

/* By enum userns_ids. */
static const struct {
	const char *file;   /* below /proc/PID */
	const char *helper; /* setuid program that may write it for us */
} kinds[] = {
	{ "uid_map", "newuidmap" },
	{ "gid_map", "newgidmap" },
};

void userns_map_free(struct userns_map *map)
{
	free(map->items);
	*map = (struct userns_map){ 0 };
}

void userns_map_add(struct userns_map *map, struct userns_range range)
{
	map->items = str_grow(map->items, map->count, sizeof(*map->items));
	map->items[map->count++] = range;
}

void userns_maps_free(struct userns_maps *maps)
{
	userns_map_free(&maps->users);
	userns_map_free(&maps->groups);
}

bool userns_map_find(const struct userns_map *map, uint32_t inside, uint32_t *ret)
{
	for (size_t i = 0; i < map->count; i++) {
		const struct userns_range *range = &map->items[i];

		if (inside < range->inside || inside - range->inside >= range->count)
			continue;
		*ret = range->outside + (inside - range->inside);
		return true;
	}
	return false;
}

/* ---- writing ------------------------------------------------------------------------- */

static int write_file(pid_t pid, const char *file, const char *text, struct error *err)
{
	auto_free char *path = str_format("/proc/%d/%s", pid, file);

	return file_write_at(AT_FDCWD, path, text, err);
}

static bool is_only_own(enum userns_ids ids, const struct userns_map *map)
{
	uint32_t own = ids == USERNS_USERS ? geteuid() : getegid();

	return map->count == 1 && map->items[0].count == 1 &&
	       map->items[0].outside == own;
}

/* The kernel lets an unprivileged group map be written only by who gave up setgroups(2),
 * by which leaving a group could gain access. */
static int write_direct(
	pid_t pid, enum userns_ids ids, const struct userns_map *map, struct error *err)
{
	auto_str text = { 0 };

	for (size_t i = 0; i < map->count; i++)
		str_appendf(&text, "%u %u %u\n", map->items[i].inside,
			map->items[i].outside, map->items[i].count);
	if (geteuid() != 0 && ids == USERNS_GROUPS &&
		write_file(pid, "setgroups", "deny", err) < 0)
		return -1;
	return write_file(pid, kinds[ids].file, text.data ? text.data : "", err);
}

static int write_by_helper(
	pid_t pid, enum userns_ids ids, const struct userns_map *map, struct error *err)
{
	const char *helper = kinds[ids].helper;
	auto_strings words = { 0 };
	auto_str said = { 0 };
	struct process_run run = { .path = helper, .errors = &said };
	int status;

	strings_add(&words, helper);
	strings_addf(&words, "%d", pid);
	for (size_t i = 0; i < map->count; i++) {
		strings_addf(&words, "%u", map->items[i].inside);
		strings_addf(&words, "%u", map->items[i].outside);
		strings_addf(&words, "%u", map->items[i].count);
	}
	run.argv = words.items;
	if (process_run(&run, &status, err) < 0)
		return fail_hint(err,
			"without privilege only one id, your own, can be mapped; install "
			"the package uidmap for more");
	str_flatten(&said);
	if (status != 0)
		return fail(err, "%s failed: %s", helper,
			said.length ? said.data : "(it does not say why)");
	return 0;
}

int userns_write_map(
	pid_t pid, enum userns_ids ids, const struct userns_map *map, struct error *err)
{
	return geteuid() == 0 || is_only_own(ids, map)
		       ? write_direct(pid, ids, map, err)
		       : write_by_helper(pid, ids, map, err);
}

/* ---- reading ------------------------------------------------------------------------- */

int userns_read_map(enum userns_ids ids, struct userns_map *ret, struct error *err)
{
	auto_free char *path = str_format("/proc/self/%s", kinds[ids].file);
	auto_free char *text = NULL;
	auto_userns_map map = { 0 };
	auto_strings lines = { 0 };

	if (file_read_at(AT_FDCWD, path, MAP_TEXT_MAX, &text, NULL, err) < 0)
		return -1;
	strings_split(&lines, text, '\n');
	strings_each (line, &lines) {
		struct userns_range range;

		if (sscanf(*line, "%" SCNu32 " %" SCNu32 " %" SCNu32, &range.inside,
			    &range.outside, &range.count) == 3)
			userns_map_add(&map, range);
	}
	*ret = map;
	map = (struct userns_map){ 0 };
	return 0;
}

bool userns_is_initial(void)
{
	struct stat stat_of;

	return stat("/proc/self/ns/user", &stat_of) < 0 ||
	       stat_of.st_ino == INITIAL_INODE;
}

bool userns_is_administrator(void)
{
	struct __user_cap_header_struct header = { .version =
							   _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return syscall(SYS_capget, &header, sets) == 0 &&
	       sets[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective & CAP_TO_MASK(CAP_SYS_ADMIN);
}

/* ---- entering ------------------------------------------------------------------------ */

/*   process                           helper, which stays outside
 *     unshare(CLONE_NEWUSER)
 *     a byte          ------------>
 *                                       writes both maps
 *                     <------------     a struct error, its text empty
 */
struct entry {
	pid_t pid; /* of who enters */
	const struct userns_map *users;
	const struct userns_map *groups;
};

/* Runs as a fork of ours in our old namespaces, with the privilege that we had there; ends
 * with _exit. */
static no_return void helper_main(const struct entry *entry, int sock)
{
	struct error err = { 0 };
	char go;

	if (read(sock, &go, 1) != 1)
		_exit(1);
	if (userns_write_map(entry->pid, USERNS_GROUPS, entry->groups, &err) == 0 &&
		userns_write_map(entry->pid, USERNS_USERS, entry->users, &err) == 0)
		err = (struct error){ 0 };
	_exit(fd_write_all(sock, &err, sizeof(err)) < 0);
}

static int unshare_and_ask(int flags, int sock, struct error *err)
{
	struct error theirs;
	ssize_t got;

	if (unshare(CLONE_NEWUSER | flags) < 0) {
		(void)!fail_errno(err, "making a user namespace");
		return err->errnum != EPERM && err->errnum != ENOSPC
			       ? -1
			       : fail_hint(err, "it may be forbidden: see the sysctls "
						"user.max_user_namespaces and "
						"kernel.unprivileged_userns_clone");
	}
	if (fd_write_all(sock, "", 1) < 0)
		return fail_errno(err, "asking for the ids of a user namespace");
	do {
		got = read(sock, &theirs, sizeof(theirs));
	} while (got < 0 && errno == EINTR);
	if (got != sizeof(theirs))
		return fail(err, "who maps the ids of a user namespace has died");
	if (*theirs.text) {
		*err = theirs;
		return -1;
	}
	return 0;
}

int userns_enter(int flags, const struct userns_map *users,
	const struct userns_map *groups, struct error *err)
{
	struct entry entry = { .pid = getpid(), .users = users, .groups = groups };
	int ends[2];
	auto_fd ours = -1;
	auto_fd theirs = -1;
	auto_pid pid = -1;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return fail_errno(err, "making a pair of sockets");
	ours = ends[0];
	theirs = ends[1];
	fflush(NULL); /* what is buffered must not be written twice */
	pid = process_clone(0, NULL);
	if (pid < 0)
		return fail_errno(err, "starting who maps the ids of a user namespace");
	if (pid == 0) {
		close(take_fd(&ours)); /* so that our end is its end of file */
		helper_main(&entry, theirs);
	}
	close(take_fd(&theirs));
	return unshare_and_ask(flags, ours, err);
}
