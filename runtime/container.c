/* One container on disk: making, opening, saving, removing its directory. */
#include "runtime/container.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"

#define STATE_SIZE_MAX \
	(8u * JSON_SIZE_MAX) /* a config's annotations, each byte escaped */
#define LOCK_WAIT_MS 10000

static const struct json_field container_fields[] = {
	JSON_STRING(struct container_state, oci_version, "ociVersion", .required = true),
	JSON_STRING(struct container_state, id, "id", .required = true),
	JSON_I32(struct container_state, pid, "pid"),
	JSON_U64(struct container_state, start_time, "startTime"),
	JSON_STRING(struct container_state, bundle, "bundle", .required = true),
	JSON_STRING(struct container_state, rootfs, "rootfs"),
	JSON_STRING(struct container_state, created, "created"),
	JSON_PAIRS(struct container_state, annotations, "annotations"),
	JSON_STRUCT(struct container_state, cgroup, "cgroup", &cgroup_type),
	JSON_STRUCT(struct container_state, resctrl, "resctrl", &resctrl_type),
	JSON_STRINGS(struct container_state, descriptors, "descriptors"),
	JSON_BOOL(struct container_state, shares_pids, "sharesPids"),
	JSON_BOOL(struct container_state, keep_keyring, "keepKeyring"),
	JSON_BOOL(struct container_state, in_chroot, "inChroot"),
	JSON_BOOL(struct container_state, systemd_cgroup, "systemdCgroup"),
	JSON_END,
};
static const struct json_type container_state_type =
	JSON_TYPE(struct container_state, container_fields);

void container_free(struct container *container)
{
	json_free(&container_state_type, &container->state);
	free(take_ptr(&container->root));
	cleanup_fd(&container->root_fd);
	cleanup_fd(&container->dir_fd);
	cleanup_fd(&container->pidfd);
	container->root_fd = container->dir_fd = container->pidfd = -1;
}

int container_check_id(const char *id, struct error *err)
{
	size_t good = strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				 "0123456789_+.-");

	if (!id[0] || id[good] || good > NAME_MAX || str_equal(id, ".") ||
		str_equal(id, ".."))
		return fail_code(err, EINVAL,
			"container id \"%s\": expected up to %d letters, digits and any "
			"of _+.-",
			id, NAME_MAX);
	return 0;
}

static int no_such(const char *id, struct error *err)
{
	return fail_code(err, ENOENT, "container \"%s\": container does not exist", id);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Whether the open directory is still the one of this name: it may have been removed, and
 * even made again, before its lock was ours. */
static bool still_there(const struct container *container, const char *id)
{
	struct stat ours;
	struct stat named;

	return fstat(container->dir_fd, &ours) == 0 &&
	       fstatat(container->root_fd, id, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       same_file(&ours, &named);
}

bool container_same(const struct container *a, const struct container *b)
{
	struct stat first;
	struct stat second;

	return fstat(a->dir_fd, &first) == 0 && fstat(b->dir_fd, &second) == 0 &&
	       same_file(&first, &second);
}

static int open_root(struct container *container, const char *root, struct error *err)
{
	container->root = str_dup(root);
	container->root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (container->root_fd < 0)
		return fail_errno(err, "opening %s", root);
	return 0;
}

static int open_directory(struct container *container, const char *id, struct error *err)
{
	struct stat status;

	container->dir_fd = openat(
		container->root_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (container->dir_fd < 0 && errno == ENOENT)
		return no_such(id, err);
	if (container->dir_fd < 0 || fstat(container->dir_fd, &status) < 0)
		return fail_errno(err, "opening %s/%s", container->root, id);
	container->owner = status.st_uid;
	return 0;
}

static int taken(const char *id, struct error *err)
{
	return fail_code(err, EEXIST, "container with given ID already exists: %s", id);
}

int container_expect_none(const char *root, const char *id, struct error *err)
{
	auto_free char *path = path_join(root, id);

	if (container_check_id(id, err) < 0)
		return -1;
	return access(path, F_OK) == 0 ? taken(id, err) : 0;
}

static int lock_made(struct container *container, const char *id, struct error *err)
{
	if (open_directory(container, id, err) < 0 ||
		fd_lock(container->dir_fd, LOCK_EX | LOCK_NB, id, err) < 0)
		return -1;
	if (!still_there(container, id))
		return fail(err, "%s/%s was removed while it was being made",
			container->root, id);
	return 0;
}

static int make_locked(struct container *container, const char *id, struct error *err)
{
	if (mkdirat(container->root_fd, id, 0711) < 0) {
		if (errno == EEXIST)
			return taken(id, err);
		return fail_errno(err, "making %s/%s", container->root, id);
	}
	if (lock_made(container, id, err) == 0)
		return 0;
	/* Still empty; if another has made it anew, that one is told in turn. */
	(void)unlinkat(container->root_fd, id, AT_REMOVEDIR);
	return -1;
}

int container_make(
	const char *root, const char *id, struct container *ret, struct error *err)
{
	auto_container container = CONTAINER_NONE;

	if (container_check_id(id, err) < 0)
		return -1;
	if (path_mkdirs(root, 0711, err) < 0 || open_root(&container, root, err) < 0)
		return -1;
	if (make_locked(&container, id, err) < 0)
		return -1;
	container.state.id = str_dup(id);
	*ret = container;
	container = (struct container)CONTAINER_NONE;
	return 0;
}

/* Others hold the lock for as long as a create with its hooks takes. */
static int lock(const struct container *container, const char *id, struct error *err)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000000 };

	for (int waited = 0;; waited += 10) {
		if (fd_lock(container->dir_fd, LOCK_EX | LOCK_NB, id, err) == 0)
			break;
		if (err->errnum != EWOULDBLOCK)
			return -1;
		if (waited >= LOCK_WAIT_MS)
			return fail_code(err, EWOULDBLOCK,
				"container \"%s\": another command has been at work on it "
				"for %d seconds",
				id, LOCK_WAIT_MS / 1000);
		nanosleep(&pause, NULL);
	}
	return still_there(container, id) ? 0 : no_such(id, err);
}

static int read_state(struct container *container, struct error *err)
{
	const struct json_options options = { .name = "state.json",
		.size_max = STATE_SIZE_MAX };
	auto_free char *text = NULL;
	size_t length;

	if (file_read_at(container->dir_fd, "state.json", STATE_SIZE_MAX, &text, &length,
		    err) < 0)
		return -1;
	return json_read(
		&container_state_type, &container->state, text, length, &options, err);
}

/* Only once the pidfd holds a process still can its start time be compared. */
static int find_process(struct container *container, struct error *err)
{
	const struct container_state *state = &container->state;
	auto_fd pidfd = state->pid > 0 ? process_pidfd_open(state->pid) : -1;
	uint64_t start_time;
	char letter;

	if (state->pid <= 0)
		return 0;
	if (pidfd < 0) /* EINVAL: the number is a thread's by now */
		return errno == ESRCH || errno == EINVAL
			       ? 0
			       : fail_errno(err, "looking for process %d", state->pid);
	if (process_stat(state->pid, &start_time, &letter, err) < 0) {
		if (err->errnum != ESRCH)
			return -1;
		return process_pidfd_signal(pidfd, 0) < 0 && errno == ESRCH
			       ? 0
			       : fail(err,
					 "process %d lives, but /proc does not show it; is "
					 "/proc mounted?",
					 state->pid);
	}
	if (start_time == state->start_time && letter != 'Z' && letter != 'X')
		container->pidfd = take_fd(&pidfd);
	return 0;
}

/* A directory without state.json is being made at this moment, or its maker was killed
 * early: then there is nothing in it that refers to anything outside. */
static int load(struct container *container, const char *id, enum container_open how,
	struct error *err)
{
	if (read_state(container, err) == 0) {
		/* Whatever it says: this is the directory that will be removed. */
		free(container->state.id);
		container->state.id = str_dup(id);
		return find_process(container, err) < 0
			       ? fail_while(err, "container \"%s\"", id)
			       : 0;
	}
	if (err->errnum != ENOENT && how == CONTAINER_REMNANT)
		return fail_hint(err,
			"nothing can be removed by it: end its processes, then remove %s/%s",
			container->root, id);
	if (err->errnum != ENOENT)
		return fail_while(err, "container \"%s\"", id);
	if (how != CONTAINER_REMNANT)
		return no_such(id, err);
	container->state.id = str_dup(id);
	return 0;
}

int container_open(const char *root, const char *id, enum container_open how,
	struct container *ret, struct error *err)
{
	auto_container container = CONTAINER_NONE;

	if (container_check_id(id, err) < 0)
		return -1;
	if (open_root(&container, root, err) < 0)
		return err->errnum == ENOENT ? no_such(id, err) : -1;
	if (open_directory(&container, id, err) < 0)
		return -1;
	if (how != CONTAINER_READ && lock(&container, id, err) < 0)
		return -1;
	if (load(&container, id, how, err) < 0)
		return -1;
	*ret = container;
	container = (struct container)CONTAINER_NONE;
	return 0;
}

int container_save(const struct container *container, struct error *err)
{
	auto_str text = { 0 };

	json_write(&text, &container_state_type, &container->state,
		(struct json_write_options){ 0 });
	return file_replace_at(container->dir_fd, "state.json", text.data, text.length,
		(struct file_replace_options){ .mode = 0600 }, err);
}

int container_config(
	const struct container *container, struct oci_config *ret, struct error *err)
{
	if (json_read_file(&oci_config_type, ret, container->dir_fd, "config.json", NULL,
		    err) < 0)
		return fail_while(err, "container \"%s\"", container->state.id);
	return 0;
}

int container_remove(const struct container *container, struct error *err)
{
	return path_remove_tree(container->root_fd, container->state.id, err);
}

int container_ids(const char *root, struct strings *ret, struct error *err)
{
	auto_dir directory = opendir(root);
	struct error ignored;
	struct dirent *entry;

	if (!directory && errno == ENOENT)
		return 0;
	if (!directory)
		return fail_errno(err, "opening %s", root);
	while ((entry = path_next(directory))) {
		if (container_check_id(entry->d_name, &ignored) == 0)
			strings_add(ret, entry->d_name);
	}
	if (errno)
		return fail_errno(err, "listing %s", root);
	strings_sort(ret);
	return 0;
}
