/* overlayfs's options, and mounting by them. */
#include "builder/rootfs/overlay.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "builder/rootfs/host.h"
#include "builder/rootfs/overlay_long.h"
#include "builder/rootfs/overlay_marks.h"
#include "builder/rootfs/tree_internal.h"
#include "builder/store/layer.h"

#define MOUNT_DATA_MAX 4095 /* a page, its terminator counted */

void overlay_free(struct overlay *overlay)
{
	strings_free(&overlay->lowers);
	free(overlay->upper);
	free(overlay->work);
	free(overlay->hide);
	free(overlay->hide_work);
	*overlay = (struct overlay){ 0 };
}

int overlay_of_image(const struct store *store, const struct image *image,
	const char *place, struct overlay *ret, struct error *err)
{
	auto_overlay overlay = { .copies = store->copies };

	for (size_t i = image->layers_count; i-- > 0;)
		strings_add_take(
			&overlay.lowers, layer_path(store, image->layers[i].key));
	if (image->on_host) {
		overlay.hide = path_join(place, "host/hide");
		overlay.hide_work = path_join(place, "host/work");
		if (host_prepare(place, store->root, err) < 0)
			return -1;
	} else {
		/* overlayfs wants one lower directory at least, and two different ones
		 * where there is no upper one */
		static const char *const empty[] = { "empty", "empty2" };

		for (size_t i = 0; overlay.lowers.count < 2; i++)
			strings_add_take(
				&overlay.lowers, store_path(store, empty[i], NULL));
	}
	*ret = overlay;
	overlay = (struct overlay){ 0 };
	return 0;
}

void overlay_set_upper(struct overlay *overlay, const char *upper, const char *work)
{
	free(overlay->upper);
	free(overlay->work);
	overlay->upper = str_dup(upper);
	overlay->work = str_dup(work);
}

/* The options of the first of two stacked overlays. */
static void host_options(const struct overlay *overlay, struct strings *options)
{
	strings_add(options, "ro");
	strings_add(options, "lowerdir=/");
	strings_addf(options, "upperdir=%s", overlay->hide);
	strings_addf(options, "workdir=%s", overlay->hide_work);
}

static void own_options(const struct overlay *overlay, struct strings *options)
{
	const char *marks = overlay_marks_option();
	auto_strings lowers = { 0 };
	auto_free char *joined = NULL;

	strings_copy(&lowers, &overlay->lowers);
	if (overlay->hide)
		strings_add(&lowers, ".");
	joined = strings_join(&lowers, ":");
	if (!overlay->upper)
		strings_add(options, "ro");
	strings_addf(options, "lowerdir=%s", joined);
	if (overlay->upper) {
		strings_addf(options, "upperdir=%s", overlay->upper);
		strings_addf(options, "workdir=%s", overlay->work);
	}
	if (marks)
		strings_add(options, marks);
}

static struct oci_mount *add_mount(struct oci_config *config)
{
	struct oci_mount *mount;

	config->mounts = str_realloc(
		config->mounts, config->mounts_count + 1, sizeof(*config->mounts));
	mount = &config->mounts[config->mounts_count++];
	*mount = (struct oci_mount){
		.destination = str_dup("/"),
		.type = str_dup("overlay"),
		.source = str_dup("overlay"),
	};
	return mount;
}

/* Without layers, a read-only view of the host is the first overlay alone. */
static bool needs_second(const struct overlay *overlay)
{
	return !overlay->hide || overlay->upper || overlay->lowers.count > 0;
}

void overlay_add_mounts(const struct overlay *overlay, struct oci_config *config)
{
	if (overlay->hide)
		host_options(overlay, &add_mount(config)->options);
	if (needs_second(overlay))
		own_options(overlay, &add_mount(config)->options);
}

static int mount_one(const struct strings *options, const char *target, struct error *err)
{
	struct strings rest = *options;
	auto_free char *data = NULL;
	unsigned long flags = 0;

	if (str_equal(rest.items[0], "ro")) {
		flags = MS_RDONLY;
		rest.items++;
		rest.count--;
	}
	data = strings_join(&rest, ",");
	if (strlen(data) > MOUNT_DATA_MAX) {
		if (overlay_mount_long(options, target, err) < 0)
			return fail_hint(err,
				"the paths of the image's layers take more than the %d "
				"bytes that kernels before 6.7 allow",
				MOUNT_DATA_MAX);
		return 0;
	}
	if (mount("overlay", target, "overlay", flags, data) < 0)
		return fail_errno(err, "mounting an overlay on %s", target);
	return 0;
}

static int mount_second(
	const struct overlay *overlay, const char *target, struct error *err)
{
	auto_strings options = { 0 };
	auto_fd before = -1;
	int result;

	own_options(overlay, &options);
	if (!overlay->hide)
		return mount_one(&options, target, err);
	before = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (before < 0 || chdir(target) < 0) /* so that "." is what was mounted first */
		return fail_errno(err, "entering %s", target);
	result = mount_one(&options, target, err);
	if (fchdir(before) < 0)
		return fail_errno(err, "going back from %s", target);
	return result;
}

/* ---- copies instead ---- */

static int open_directory(const char *path, int *ret_fd, struct error *err)
{
	*ret_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret_fd < 0 ? fail_errno(err, "opening %s", path) : 0;
}

/* The root itself is what the uppermost directory says, as in an overlay. */
static int copy_root(const struct overlay *overlay, int target_fd, struct error *err)
{
	auto_fd fd = -1;
	struct stat stat;

	if (!overlay->upper)
		return 0;
	if (open_directory(overlay->upper, &fd, err) < 0)
		return -1;
	if (fstat(fd, &stat) < 0)
		return fail_errno(err, "looking at %s", overlay->upper);
	return tree_copy_attributes(fd, target_fd, ".", &stat, err);
}

static int copy_layers(
	const struct overlay *overlay, const char *target, struct error *err)
{
	auto_fd to = -1;
	bool empty = false;

	if (open_directory(target, &to, err) < 0 ||
		path_is_empty(to, target, &empty, err) < 0)
		return -1;
	if (!empty)
		return 0;
	for (size_t i = overlay->lowers.count; i-- > 0;) {
		auto_fd from = -1;

		if (open_directory(overlay->lowers.items[i], &from, err) < 0 ||
			tree_copy_layer(from, to, "a layer's /", err) < 0)
			return -1;
	}
	return copy_root(overlay, to, err);
}

int overlay_watch(const struct overlay *overlay, const char *target,
	struct tree_listing **ret, struct error *err)
{
	auto_fd fd = -1;

	if (!overlay->copies)
		return 0;
	return open_directory(target, &fd, err) < 0 ? -1
						    : tree_remember(fd, target, ret, err);
}

int overlay_keep(const struct overlay *overlay, const char *target,
	const struct tree_listing *before, struct error *err)
{
	auto_fd fd = -1;
	auto_fd upper = -1;

	if (!overlay->copies)
		return 0;
	if (open_directory(target, &fd, err) < 0 ||
		open_directory(overlay->upper, &upper, err) < 0)
		return -1;
	return tree_write_changes(before, fd, upper, "/", err);
}

/* ---- either ---- */

int overlay_mount(const struct overlay *overlay, const char *target, struct error *err)
{
	auto_strings options = { 0 };

	if (overlay->copies)
		return copy_layers(overlay, target, err);
	if (overlay->hide) {
		host_options(overlay, &options);
		if (mount_one(&options, target, err) < 0)
			return fail_hint(err,
				"an image without FROM needs a kernel from "
				"5.13 on and a root that is no overlay of an "
				"overlay");
	}
	return needs_second(overlay) ? mount_second(overlay, target, err) : 0;
}
