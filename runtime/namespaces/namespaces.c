/* Namespaces: planned, joined, made. */
#include "runtime/namespaces/namespaces.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/namespace.h"
#include "base/str.h"
#include "spec/config.h"
#include "spec/names.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

void namespaces_free(struct namespaces *namespaces)
{
	for (size_t i = 0; i < namespaces->joins_count; i++)
		cleanup_fd(&namespaces->joins[i].fd);
	namespaces->joins_count = 0;
}

static const char *kind_word(int64_t type)
{
	return word_of_number(namespace_words, type);
}

/* process: a pid in digits, or "self". */
static int stat_of(const char *process, int64_t type, struct stat *ret)
{
	auto_free char *path =
		str_format("/proc/%s/ns/%s", process, namespace_file(type));

	return stat(path, ret);
}

static int stat_of_pid(pid_t pid, int64_t type, struct stat *ret)
{
	auto_free char *process = str_format("%d", pid);

	return stat_of(process, type, ret);
}

static bool is_ours(const struct stat *theirs, int64_t type)
{
	struct stat ours;

	return stat_of("self", type, &ours) == 0 && theirs->st_ino == ours.st_ino &&
	       theirs->st_dev == ours.st_dev;
}

/* A path that is no namespace, or one of another kind, is told apart here: setns(2) has
 * EINVAL for all of that. */
static int open_join(
	const struct oci_namespace *wanted, struct namespace_join *ret, struct error *err)
{
	int type;
	auto_fd fd = namespace_open(wanted->path, &type);
	const char *found;

	if (fd < 0 && errno == EINVAL)
		return fail(err, "%s is no namespace; expected a %s namespace",
			wanted->path, kind_word(wanted->type));
	if (fd < 0)
		return fail_errno(err, "opening the %s namespace %s",
			kind_word(wanted->type), wanted->path);
	found = kind_word(type);
	if (type != wanted->type)
		return fail(err, "%s is a %s namespace; expected a %s namespace",
			wanted->path, found ? found : "strange", kind_word(wanted->type));
	ret->type = wanted->type;
	ret->fd = take_fd(&fd);
	return 0;
}

/* setns(2) refuses the user namespace that one is in, and there is no need to. */
static bool is_own_user(const struct namespace_join *wanted)
{
	struct stat theirs;

	return wanted->type == CLONE_NEWUSER && fstat(wanted->fd, &theirs) == 0 &&
	       is_ours(&theirs, wanted->type);
}

int namespaces_plan(
	const struct oci_config *config, struct namespaces *ret, struct error *err)
{
	auto_namespaces plan = { 0 };

	for (size_t i = 0; i < config->linux.namespaces_count; i++) {
		const struct oci_namespace *wanted = &config->linux.namespaces[i];

		if (wanted->path && *wanted->path) {
			if (plan.joins_count == NAMESPACE_KINDS)
				return fail(err, "/linux/namespaces/%zu: too many", i);
			if (open_join(wanted, &plan.joins[plan.joins_count], err) < 0)
				return fail_while(err, "/linux/namespaces/%zu/path", i);
			if (is_own_user(&plan.joins[plan.joins_count]))
				cleanup_fd(&plan.joins[plan.joins_count].fd);
			else
				plan.joins_count++;
		} else if (wanted->type == CLONE_NEWCGROUP ||
			   (wanted->type == CLONE_NEWTIME &&
				   config->linux.time_offsets_count)) {
			plan.unshare |= (uint64_t)wanted->type;
		} else {
			plan.clone |= (uint64_t)wanted->type;
		}
	}
	plan.makes_user = plan.clone & CLONE_NEWUSER;
	/* The message queues' file system is whose is making it: root's of the container. */
	if (plan.makes_user || namespaces_joins(&plan, CLONE_NEWUSER)) {
		plan.unshare |= plan.clone & CLONE_NEWIPC;
		plan.clone &= ~(uint64_t)CLONE_NEWIPC;
	}
	*ret = plan;
	plan.joins_count = 0;
	return 0;
}

int namespaces_join_fd(const struct namespaces *namespaces, int64_t type)
{
	for (size_t i = 0; i < namespaces->joins_count; i++) {
		if (namespaces->joins[i].type == type)
			return namespaces->joins[i].fd;
	}
	return -1;
}

bool namespaces_joins(const struct namespaces *namespaces, int64_t type)
{
	return namespaces_join_fd(namespaces, type) >= 0;
}

static int join(const struct namespace_join *wanted, struct error *err)
{
	if (setns(wanted->fd, (int)wanted->type) < 0)
		return fail_errno(
			err, "joining the %s namespace", kind_word(wanted->type));
	return 0;
}

int namespaces_join_kind(
	const struct namespaces *namespaces, int64_t type, struct error *err)
{
	for (size_t i = 0; i < namespaces->joins_count; i++) {
		if (namespaces->joins[i].type == type)
			return join(&namespaces->joins[i], err);
	}
	return 0;
}

/* The mount namespace last: it takes the creator's /proc away, and with it the words of
 * an error in what would follow. */
int namespaces_join(const struct namespaces *namespaces, struct error *err)
{
	for (size_t i = 0; i < namespaces->joins_count; i++) {
		const struct namespace_join *wanted = &namespaces->joins[i];

		if (wanted->type != CLONE_NEWUSER && wanted->type != CLONE_NEWPID &&
			wanted->type != CLONE_NEWNS && join(wanted, err) < 0)
			return -1;
	}
	return namespaces_join_kind(namespaces, CLONE_NEWNS, err);
}

static bool same_place(const struct statx *a, const struct statx *b)
{
	return a->stx_ino == b->stx_ino && a->stx_dev_major == b->stx_dev_major &&
	       a->stx_dev_minor == b->stx_dev_minor && a->stx_mnt_id == b->stx_mnt_id;
}

int namespaces_in_chroot(bool *ret, struct error *err)
{
	const unsigned wanted = STATX_INO | STATX_MNT_ID;
	struct statx before = { 0 }, after = { 0 };
	auto_fd root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_fd cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_fd own = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);

	*ret = false;
	/* Without the privilege for it we can be in no chroot of our own making either. */
	if (root < 0 || cwd < 0 || own < 0 ||
		statx(root, "", AT_EMPTY_PATH, wanted, &before) < 0 ||
		setns(own, CLONE_NEWNS) < 0)
		return 0;
	(void)statx(AT_FDCWD, "/", 0, wanted, &after); /* of zeros: another place */
	if (fchdir(root) < 0 || chroot(".") < 0 || fchdir(cwd) < 0)
		return fail_errno(err, "going back to our own root");
	*ret = !same_place(&before, &after);
	return 0;
}

/* unshare(2) makes a time namespace for children only; joining it ourselves, once it has
 * its offsets, spares another process. */
static int make_time(const struct oci_config *config, struct error *err)
{
	auto_fd made = -1;

	if (unshare(CLONE_NEWTIME) < 0)
		return fail_errno(err, "making a time namespace");
	for (size_t i = 0; i < config->linux.time_offsets_count; i++) {
		const struct oci_time_offset *offset = &config->linux.time_offsets[i];
		auto_free char *line = str_format("%s %lld %u", offset->clock,
			(long long)offset->secs, offset->nanosecs);

		if (file_write_at(AT_FDCWD, "/proc/self/timens_offsets", line, err) < 0)
			return fail_while(err, "/linux/timeOffsets/%s", offset->clock);
	}
	made = open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC);
	if (made < 0 || setns(made, CLONE_NEWTIME) < 0)
		return fail_errno(err, "entering the new time namespace");
	return 0;
}

int namespaces_unshare(const struct namespaces *namespaces,
	const struct oci_config *config, struct error *err)
{
	if (namespaces->unshare & CLONE_NEWTIME && make_time(config, err) < 0)
		return -1;
	if (namespaces->unshare & CLONE_NEWIPC && unshare(CLONE_NEWIPC) < 0)
		return fail_errno(err, "making an IPC namespace");
	if (namespaces->unshare & CLONE_NEWCGROUP && unshare(CLONE_NEWCGROUP) < 0)
		return fail_errno(err, "making a cgroup namespace");
	return 0;
}

pid_t namespaces_outer_pid(int proc_fd)
{
	char text[32] = { 0 };
	struct error ignored;
	int64_t number = 0;

	if (readlinkat(proc_fd, proc_fd < 0 ? "/proc/self" : "self", text,
		    sizeof(text) - 1) < 0 ||
		str_to_i64(text, "pid", &number, &ignored) < 0)
		return 0;
	return (pid_t)number;
}

uint64_t namespaces_inode(pid_t pid, int64_t type)
{
	struct stat status;

	return stat_of_pid(pid, type, &status) == 0 ? status.st_ino : 0;
}

bool namespaces_shared(pid_t pid, int64_t type)
{
	struct stat theirs;

	return stat_of_pid(pid, type, &theirs) == 0 && is_ours(&theirs, type);
}
