/* Opening the store, its places, its blobs. */
#include "builder/store/store.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "builder/rootfs/overlay_probe.h"
#include "builder/rootless.h"

static const char layout_text[] = "{\"imageLayoutVersion\":\"1.0.0\"}\n";

static int default_root(char **ret, struct error *err)
{
	const char *data = getenv("XDG_DATA_HOME");
	const char *home = getenv("HOME");

	if (rootless_user() == 0)
		*ret = str_dup("/var/lib/mocker");
	else if (data && *data == '/')
		*ret = path_join(data, "mocker");
	else if (home && *home == '/')
		*ret = path_join(home, ".local/share/mocker");
	else
		return fail_code(err, ENOENT,
			"neither XDG_DATA_HOME nor HOME says where a user's store is; "
			"name one with --root");
	return 0;
}

void store_close(struct store *store)
{
	const int fds[] = { store->root_fd, store->blobs_fd, store->layers_fd,
		store->memo_fd, store->leases_fd, store->temp_fd, store->lock_fd };

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		if (fds[i] >= 0)
			close(fds[i]);
	}
	free(store->root);
	*store = (struct store)STORE_CLOSED;
}

char *store_path(const struct store *store, const char *a, const char *b)
{
	return str_format("%s/%s%s%s", store->root, a, b ? "/" : "", b ? b : "");
}

static int open_place(
	const struct store *store, const char *name, int *ret_fd, struct error *err)
{
	int fd;

	if (mkdirat(store->root_fd, name, 0700) < 0 && errno != EEXIST)
		return fail_errno(err, "making %s/%s", store->root, name);
	fd = openat(
		store->root_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(err, "opening %s/%s", store->root, name);
	*ret_fd = fd;
	return 0;
}

static int take_lock(struct store *store, int lock, struct error *err)
{
	int operation = lock == LOCK_EX ? LOCK_EX | LOCK_NB : lock;
	auto_free char *name = store_path(store, "lock", NULL);

	store->lock_fd =
		openat(store->root_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (store->lock_fd < 0)
		return fail_errno(err, "opening %s", name);
	if (fd_lock(store->lock_fd, operation, name, err) == 0)
		return 0;
	if (err->errnum == EWOULDBLOCK)
		return fail_code(err, EWOULDBLOCK,
			"the store %s is in use by a build; try again when it has ended",
			store->root);
	return -1;
}

/* oci-layout is written last: its presence says that the rest is there. */
static int make_layout(struct store *store, struct error *err)
{
	struct file_replace_options options = { .mode = 0644 };
	auto_fd blobs = -1;
	auto_fd empty = -1;
	auto_fd empty2 = -1;

	if (open_place(store, "blobs", &blobs, err) < 0 ||
		open_place(store, "blobs/sha256", &store->blobs_fd, err) < 0 ||
		open_place(store, "layers", &store->layers_fd, err) < 0 ||
		open_place(store, "memo", &store->memo_fd, err) < 0 ||
		open_place(store, "leases", &store->leases_fd, err) < 0 ||
		open_place(store, "temp", &store->temp_fd, err) < 0 ||
		open_place(store, "empty", &empty, err) < 0 ||
		open_place(store, "empty2", &empty2, err) < 0)
		return -1;
	if (faccessat(store->root_fd, "oci-layout", F_OK, 0) == 0)
		return 0;
	return file_replace_at(store->root_fd, "oci-layout", layout_text,
		sizeof(layout_text) - 1, options, err);
}

/* Whoever may write there can plant images, and files for us to read. A user's own group is
 * often the user alone, and new directories its. */
static int check_owner(const struct store *store, struct error *err)
{
	struct stat stat;
	bool groups;

	if (fstat(store->root_fd, &stat) < 0)
		return fail_errno(err, "looking at %s", store->root);
	if (stat.st_uid != geteuid() && stat.st_uid != 0)
		return fail_code(err, EPERM,
			"%s belongs to user %u, who could change what is in it; name a "
			"directory of your own with --root",
			store->root, stat.st_uid);
	groups = stat.st_gid == getegid() || stat.st_gid == 0;
	if (stat.st_mode & (S_IWOTH | (groups ? 0 : S_IWGRP)))
		return fail_code(err, EPERM,
			"%s has the mode %04o, so others may write to it; name a directory "
			"of your own with --root, or take that from them by chmod go-w",
			store->root, stat.st_mode & 07777);
	return 0;
}

static int open_at_root(
	struct store *store, const char *root, int lock, struct error *err)
{
	auto_free char *absolute = NULL;

	if (path_mkdirs(root, 0700, err) < 0)
		return -1;
	absolute = realpath(root, NULL);
	if (!absolute)
		return fail_errno(err, "resolving the store's path %s", root);
	/* These separate overlayfs's options, and it has no way to write them. */
	if (strpbrk(absolute, ":,\\"))
		return fail(err, "the store's path %s has one of the characters : , \\",
			absolute);
	store->root = take_ptr(&absolute);
	store->root_fd = open(store->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store->root_fd < 0)
		return fail_errno(err, "opening the store %s", store->root);
	if (check_owner(store, err) < 0 || make_layout(store, err) < 0 ||
		take_lock(store, lock, err) < 0)
		return -1;
	return rootless_here() ? overlay_probe(store, &store->copies, err) : 0;
}

int store_open(const char *root, int lock, struct store *ret, struct error *err)
{
	auto_store store = STORE_CLOSED;
	auto_free char *place = str_dup(root);

	if ((!root && default_root(&place, err) < 0) ||
		open_at_root(&store, place, lock, err) < 0)
		return fail_while(err, "opening the image store");
	*ret = store;
	store = (struct store)STORE_CLOSED;
	return 0;
}

/* An unnamed file gets its name only when it is whole: kill -9 leaves nothing. */
static int write_unnamed(const struct store *store, const void *data, size_t length,
	const char *name, struct error *err)
{
	auto_fd fd = openat(store->blobs_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644);
	struct fd_path path;

	if (fd < 0)
		return fail_errno(err, "writing into %s/blobs", store->root);
	if (fd_write_all(fd, data, length) < 0)
		return fail_errno(err, "writing blob %s", name);
	path = fd_path(fd);
	if (linkat(AT_FDCWD, path.text, store->blobs_fd, name, AT_SYMLINK_FOLLOW) < 0 &&
		errno != EEXIST)
		return fail_errno(err, "naming blob %s", name);
	return 0;
}

int store_put_blob(const struct store *store, const void *data, size_t length,
	struct digest *ret, struct error *err)
{
	struct file_replace_options options = { .mode = 0644 };
	struct digest digest = digest_of(data, length);
	auto_free char *there = NULL;
	struct error first;

	*ret = digest;
	if (store_get_blob(store, &digest, &there, NULL, &first) == 0)
		return 0;
	if (first.errnum == ENOENT &&
		write_unnamed(store, data, length, digest.hex, &first) == 0)
		return 0;
	/* A damaged one is replaced. */
	if (first.errnum != EOPNOTSUPP && first.errnum != EISDIR &&
		first.errnum != EBADMSG) {
		*err = first;
		return -1;
	}
	return file_replace_at(store->blobs_fd, digest.hex, data, length, options, err);
}

int store_get_blob(const struct store *store, const struct digest *digest, char **ret,
	size_t *ret_length, struct error *err)
{
	auto_free char *text = NULL;
	struct digest found;
	size_t length = 0;

	if (file_read_at(store->blobs_fd, digest->hex, STORE_BLOB_MAX, &text, &length,
		    err) < 0)
		return fail_while(err, "reading from the store %s", store->root);
	found = digest_of(text, length);
	if (strcmp(found.hex, digest->hex) != 0)
		return fail_code(err, EBADMSG,
			"%s/blobs/sha256/%s is damaged: its bytes have the digest %s",
			store->root, digest->hex, found.hex);
	*ret = take_ptr(&text);
	if (ret_length)
		*ret_length = length;
	return 0;
}

int store_move_blob(const struct store *store, int dir_fd, const char *name,
	const struct digest *digest, struct error *err)
{
	if (renameat(dir_fd, name, store->blobs_fd, digest->hex) < 0)
		return fail_errno(err, "moving a blob into %s/blobs", store->root);
	return 0;
}

int store_link_blob(const struct store *store, int dir_fd, const char *name,
	const struct digest *digest, struct error *err)
{
	if (linkat(dir_fd, name, store->blobs_fd, digest->hex, 0) < 0 && errno != EEXIST)
		return fail_errno(err, "linking a blob into %s/blobs", store->root);
	return 0;
}

int store_sync_blob(
	const struct store *store, const struct digest *digest, struct error *err)
{
	auto_fd fd = store_open_blob(store, digest);

	if (fd < 0 || fsync(fd) < 0 || fsync(store->blobs_fd) < 0)
		return fail_errno(err, "writing %s/blobs/sha256/%s to disk", store->root,
			digest->hex);
	return 0;
}

int store_open_blob(const struct store *store, const struct digest *digest)
{
	return openat(store->blobs_fd, digest->hex, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
}
