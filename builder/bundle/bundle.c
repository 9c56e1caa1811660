/* Making a bundle: directory, root, etc, config.json; undone as a whole on failure. */
#include "builder/bundle/bundle.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/str.h"
#include "builder/bundle/config.h"
#include "builder/bundle/rootfs.h"
#include "builder/rootfs/overlay.h"
#include "builder/store/lease.h"

struct bundle {
	char *path; /* absolute */
	int fd;
	bool made_directory;
	bool began; /* from here on there is something to undo */
};

static int check_empty(int fd, const char *path, struct error *err)
{
	bool empty = false;

	if (path_is_empty(fd, path, &empty, err) < 0)
		return -1;
	return empty ? 0
		     : fail_code(err, ENOTEMPTY,
			       "%s is not empty; a bundle needs a directory of its own",
			       path);
}

/* Nobody else's: a set-id program in there would make anybody who reaches it its owner. */
static int open_directory(const char *directory, struct bundle *bundle, struct error *err)
{
	bundle->made_directory = mkdir(directory, 0700) == 0;
	if (!bundle->made_directory && errno != EEXIST)
		return fail_errno(err, "making the bundle's directory \"%s\"", directory);
	bundle->path = realpath(directory, NULL);
	if (!bundle->path)
		return fail_errno(err, "resolving %s", directory);
	bundle->fd = open(bundle->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (bundle->fd < 0)
		return fail_errno(err, "opening the bundle's directory %s", directory);
	if (!bundle->made_directory && check_empty(bundle->fd, directory, err) < 0)
		return -1;
	bundle->began = true;
	return 0;
}

static int make_directories(const struct bundle *bundle, bool overlay, struct error *err)
{
	const char *const names[] = { "rootfs", overlay ? "upper" : "mount",
		overlay ? "work" : NULL };

	for (size_t i = 0; i < ARRAY_SIZE(names) && names[i]; i++) {
		if (mkdirat(bundle->fd, names[i], 0755) < 0)
			return fail_errno(err, "making %s/%s", bundle->path, names[i]);
	}
	return 0;
}

/* Root of the container's user namespace reaches its files through the bundle, and nobody
 * else does; so do runtimes whose init is that root. */
static int let_root_in(
	const struct bundle *bundle, const struct userns_maps *maps, struct error *err)
{
	gid_t group;

	if (!maps || !bundle->made_directory ||
		!userns_map_find(&maps->groups, 0, &group))
		return 0;
	if (fchown(bundle->fd, (uid_t)-1, group) < 0 || fchmod(bundle->fd, 0710) < 0)
		return fail_errno(err, "giving way through %s", bundle->path);
	return 0;
}

/* Layers of the store belong to the host's ids. */
static int read_maps(const struct bundle_place *place,
	const struct bundle_request *request, struct userns_maps *ret, struct error *err)
{
	if (bundle_read_maps(request, ret, err) < 0)
		return -1;
	if (ret->users.count > 0 && place->root != BUNDLE_ROOT_COPY)
		return fail(err,
			"a user namespace needs files that belong to its ids: --rootfs "
			"copy");
	return 0;
}

/* The uppermost directory of the overlay says what "/" is: as the image has it. */
static int take_over_root(
	const struct overlay *overlay, const struct bundle *bundle, struct error *err)
{
	const char *below = overlay->lowers.count ? overlay->lowers.items[0] : "/";
	struct stat stat;

	if (lstat(below, &stat) < 0)
		return fail_errno(err, "looking at %s", below);
	if (fchmodat(bundle->fd, "upper", stat.st_mode & 07777, 0) < 0 ||
		fchownat(bundle->fd, "upper", stat.st_uid, stat.st_gid, 0) < 0)
		return fail_errno(err, "making %s/upper", bundle->path);
	return 0;
}

static int fill_root(const struct bundle_place *place, const struct image *image,
	const struct bundle_request *request, const struct bundle *bundle,
	const struct overlay *overlay, const struct userns_maps *maps, struct user *ret,
	struct error *err)
{
	const char *user = request->user ? request->user : image->config.config.user;
	bool copied = place->root == BUNDLE_ROOT_COPY;
	bool in_place = !copied || overlay->copies;
	auto_free char *mount_at = path_join(bundle->path, in_place ? "rootfs" : "mount");
	struct rootfs_work work = {
		.overlay = overlay,
		.mount_at = mount_at,
		.image = image,
		.user_text = user,
		.bundle_fd = bundle->fd,
		.copy = copied,
		.volumes = true,
		.maps = maps,
		.signal_fd = place->signal_fd,
	};

	if (rootfs_run(&work, ret, err) < 0)
		return -1;
	if (copied && unlinkat(bundle->fd, "mount", AT_REMOVEDIR) < 0)
		return fail_errno(err, "removing %s/mount", bundle->path);
	return 0;
}

static int set_upper(
	const struct bundle *bundle, struct overlay *overlay, struct error *err)
{
	auto_free char *upper = path_join(bundle->path, "upper");
	auto_free char *work = path_join(bundle->path, "work");

	if (strpbrk(bundle->path, ":,\\"))
		return fail(err,
			"the bundle's path %s has one of the characters : , \\, which an "
			"overlay cannot have",
			bundle->path);
	if (take_over_root(overlay, bundle, err) < 0)
		return -1;
	overlay_set_upper(overlay, upper, work);
	return 0;
}

/* In the caller's mount namespace, until unbundle or the next boot. */
static int mount_root(
	const struct bundle *bundle, const struct overlay *overlay, struct error *err)
{
	auto_free char *rootfs = path_join(bundle->path, "rootfs");

	return overlay_mount(overlay, rootfs, err);
}

/* An image on the host is two of them. */
static int unmount_root(const struct bundle *bundle, struct error *err)
{
	auto_free char *rootfs = path_join(bundle->path, "rootfs");

	while (umount2(rootfs, UMOUNT_NOFOLLOW) == 0)
		;
	if (errno != EINVAL && errno != ENOENT && errno != EPERM)
		return fail_errno(err, "unmounting %s", rootfs);
	return 0; /* nothing is mounted there, or nobody here may mount */
}

/* What could not be written, or read of a layer, is of this bundle; what was asked for
 * amiss has its name already. */
static int fail_writing(const struct bundle_place *place, struct error *err)
{
	return err->errnum ? fail_while(err, "%s", place->directory) : -1;
}

static int fill(const struct bundle_place *place, const struct image *image,
	const struct bundle_request *request, const struct bundle *bundle,
	struct error *err)
{
	auto_overlay overlay = { 0 };
	auto_userns_maps maps = { 0 };
	auto_oci_config config = { 0 };
	struct user user = { 0 };
	struct bundle_input input = {
		.request = request,
		.image = image,
		.user = &user,
		.overlay = place->root == BUNDLE_ROOT_OVERLAY ? &overlay : NULL,
		.bundle = bundle->path,
	};
	bool layered = place->root != BUNDLE_ROOT_COPY;

	if (read_maps(place, request, &maps, err) < 0)
		return -1;
	input.maps = maps.users.count > 0 ? &maps : NULL;
	if (make_directories(bundle, layered, err) < 0 ||
		let_root_in(bundle, input.maps, err) < 0 ||
		overlay_of_image(place->store, image, bundle->path, &overlay, err) < 0 ||
		fill_root(place, image, request, bundle, &overlay, input.maps, &user,
			err) < 0)
		return fail_writing(place, err);
	if (layered && (set_upper(bundle, &overlay, err) < 0 ||
			       lease_take(place->store, bundle->path, image, err) < 0))
		return fail_writing(place, err);
	if (bundle_make_config(&input, &config, err) < 0)
		return -1;
	if (bundle_write_etc(&input, bundle->fd, err) < 0 ||
		bundle_write_config(bundle->fd, &config, err) < 0)
		return fail_writing(place, err);
	return place->root == BUNDLE_ROOT_MOUNTED ? mount_root(bundle, &overlay, err) : 0;
}

/* All that bundle_make() makes, config.json first: what has none is no bundle. */
static int remove_parts(const struct bundle *bundle, struct error *err)
{
	static const char *const names[] = { "config.json", "etc", "volumes", "mount",
		"work", "upper", "host", "rootfs" };
	struct error first;
	int result = 0;

	if (unmount_root(bundle, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (path_remove_tree(bundle->fd, names[i], result < 0 ? &first : err) < 0)
			result = -1;
	}
	return result;
}

static void undo(const struct bundle_place *place, const struct bundle *bundle)
{
	struct error ignored;

	if (bundle->began) {
		(void)!remove_parts(bundle, &ignored);
		lease_end(place->store, bundle->path);
	}
	if (bundle->made_directory)
		(void)rmdir(place->directory); /* stays if somebody put something there */
}

static int remove_opened(
	const struct store *store, const struct bundle *bundle, struct error *err)
{
	if (faccessat(bundle->fd, "config.json", F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return fail_errno(err, "%s is no bundle: config.json", bundle->path);
	if (remove_parts(bundle, err) < 0)
		return -1;
	lease_end(store, bundle->path);
	if (rmdir(bundle->path) < 0)
		return fail_errno(err, "removing %s", bundle->path);
	return 0;
}

int bundle_remove(const struct store *store, const char *directory, struct error *err)
{
	struct bundle bundle = { .path = realpath(directory, NULL), .fd = -1 };
	int result;

	if (!bundle.path)
		return fail_errno(err, "resolving %s", directory);
	bundle.fd = open(bundle.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (bundle.fd < 0)
		result = fail_errno(err, "opening the bundle %s", directory);
	else
		result = remove_opened(store, &bundle, err);
	if (bundle.fd >= 0)
		close(bundle.fd);
	free(bundle.path);
	return result;
}

int bundle_make(const struct bundle_place *place, const struct image *image,
	const struct bundle_request *request, struct error *err)
{
	struct bundle bundle = { .fd = -1 };
	int result;

	if (image->on_host && place->root == BUNDLE_ROOT_COPY)
		return fail(err,
			"the image was made without FROM: it stands on this host's file "
			"system and cannot be copied; use --rootfs overlay, or begin its "
			"Mockerfile with FROM");
	result = open_directory(place->directory, &bundle, err);
	if (result == 0)
		result = fill(place, image, request, &bundle, err);
	if (result < 0)
		undo(place, &bundle);
	if (bundle.fd >= 0)
		close(bundle.fd);
	free(bundle.path);
	return result;
}
