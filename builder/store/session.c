/* Session directories: begun, ended, and swept when their process died. */
#include "builder/store/session.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/path.h"
#include "base/process.h"
#include "base/str.h"

#define PIECES_MAX 1000000

static int delete_container(const char *runtime_root, const char *id, struct error *err)
{
	const char *argv[] = { "mocker-runtime", "--root", runtime_root, "delete",
		"--force", id, NULL };
	auto_free char *runtime = NULL;
	auto_str said = { 0 };
	struct process_run run = {
		.argv = (char *const *)argv,
		.cwd_fd = -1,
		.errors = &said,
		.timeout_ms = 30000,
	};
	int status = 0;

	if (path_of_sibling("mocker-runtime", &runtime, err) < 0)
		return -1;
	run.path = runtime;
	if (process_run(&run, &status, err) < 0)
		return -1;
	return status == 0 ? 0
			   : fail(err, "%s", said.data ? said.data : "no reason given");
}

char *session_container(const struct session *session, const char *piece)
{
	return str_format("build-%s-%s", session->name, path_base(piece));
}

/* Those whose names begin with the session's. */
static int delete_containers(
	const struct store *store, const char *name, struct error *err)
{
	auto_free char *root = store_path(store, "runtime", NULL);
	auto_free char *prefix = str_format("build-%s-", name);
	auto_fd fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_strings names = { 0 };

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return fail_errno(err, "opening %s", root);
	if (path_names(fd, root, &names, err) < 0)
		return -1;
	strings_each (container, &names) {
		if (str_after(*container, prefix) &&
			delete_container(root, *container, err) < 0)
			return fail_while(err, "deleting the container %s", *container);
	}
	return 0;
}

/* A session whose containers cannot be deleted stays: it is what knows of them. */
static bool remove_session(const struct store *store, const char *name)
{
	auto_free char *path = store_path(store, "temp", name);
	struct error err;

	if (delete_containers(store, name, &err) == 0 &&
		path_remove_tree(store->temp_fd, name, &err) == 0)
		return true;
	log_warning("%s is left: %s", path, err.text);
	return false;
}

/* A session whose lock can be had has lost its process. */
static bool is_dead(const struct store *store, const char *name)
{
	auto_fd fd = openat(store->temp_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
}

int session_sweep(const struct store *store, unsigned int *ret_removed, struct error *err)
{
	auto_strings names = { 0 };

	if (path_names(store->temp_fd, "temp", &names, err) < 0)
		return fail_while(err, "%s", store->root);
	*ret_removed = 0;
	strings_each (name, &names) {
		if (is_dead(store, *name))
			*ret_removed += remove_session(store, *name);
	}
	return 0;
}

/* The directory is born under a name that sweepers can already lock; between mkdir and
 * flock one may take it for dead, so the lock is followed by a look whether it is still
 * there. */
static int claim(const struct store *store, const char *name, int *ret_fd)
{
	auto_fd fd = -1;
	struct stat by_fd, by_name;

	if (mkdirat(store->temp_fd, name, 0700) < 0)
		return -1;
	fd = openat(
		store->temp_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX) < 0 || fstat(fd, &by_fd) < 0 ||
		fstatat(store->temp_fd, name, &by_name, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	if (by_fd.st_ino != by_name.st_ino) {
		errno = EEXIST;
		return -1;
	}
	*ret_fd = take_fd(&fd);
	return 0;
}

int session_begin(const struct store *store, struct session *ret, struct error *err)
{
	unsigned int swept = 0;
	int fd = -1;

	if (session_sweep(store, &swept, err) < 0)
		return -1;
	for (int attempt = 0; attempt < 100; attempt++) {
		struct timespec now;
		auto_free char *name = NULL;

		clock_gettime(CLOCK_REALTIME, &now);
		name = str_format("%d-%lx", (int)getpid(),
			(unsigned long)now.tv_nsec + ((unsigned long)now.tv_sec << 30));
		if (claim(store, name, &fd) == 0) {
			ret->store = store;
			ret->path = store_path(store, "temp", name);
			ret->name = take_ptr(&name);
			ret->fd = fd;
			ret->pieces = 0;
			return 0;
		}
		if (errno != EEXIST && errno != ENOENT)
			break;
	}
	return fail_errno(err, "making a directory in %s/temp", store->root);
}

void session_end(struct session *session)
{
	if (session->fd < 0)
		return;
	(void)remove_session(session->store, session->name); /* warned; swept later */
	close(session->fd);
	free(session->name);
	free(session->path);
	*session = (struct session)SESSION_NONE;
}

/* A number may be taken: by a worker, whose count is its own. */
static int make_piece(struct session *session, char *name, size_t size, struct error *err)
{
	do {
		snprintf(name, size, "%u", ++session->pieces);
		if (mkdirat(session->fd, name, 0700) == 0)
			return 0;
	} while (errno == EEXIST && session->pieces < PIECES_MAX);
	return fail_errno(err, "making %s/%s", session->path, name);
}

int session_piece(
	struct session *session, char **ret_path, int *ret_fd, struct error *err)
{
	char name[16];
	int fd;

	if (make_piece(session, name, sizeof(name), err) < 0)
		return -1;
	fd = openat(session->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(err, "opening %s/%s", session->path, name);
	*ret_path = path_join(session->path, name);
	*ret_fd = fd;
	return 0;
}

void session_drop_piece(struct session *session, const char *path)
{
	struct error err;

	if (path_remove_tree(session->fd, path_base(path), &err) < 0)
		log_debug("%s stays until the session ends: %s", path, err.text);
}
