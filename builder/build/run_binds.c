/* RUN --mount=type=bind: plain where it can be, by an overlay of the worker's elsewhere. */
#include "builder/build/run_binds.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "builder/build/find_image.h"
#include "builder/bundle/config.h"
#include "builder/copy/hide.h"
#include "builder/rootfs/overlay_marks.h"
#include "builder/rootfs/tree.h"

static void free_bind(struct run_bind *bind)
{
	overlay_free(&bind->overlay);
	free(bind->place);
	free(bind->source);
	free(bind->what);
	*bind = (struct run_bind){ 0 };
}

void run_binds_free(struct run_binds *binds)
{
	for (size_t i = 0; i < binds->count; i++)
		free_bind(&binds->items[i]);
	free(binds->items);
	*binds = (struct run_binds){ 0 };
}

#define auto_bind __attribute__((cleanup(free_bind))) struct run_bind

static int make_place(struct run_bind *bind, const char *place, struct error *err)
{
	static const char *const names[] = { "root", "hide", "upper", "work" };

	bind->place = str_dup(place);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		auto_free char *path = path_join(place, names[i]);

		if (path_mkdirs(path, 0755, err) < 0)
			return -1;
	}
	return 0;
}

/* The upper directory's own attributes, those of `root`, are those of the whole. */
static int make_writable(struct run_bind *bind, const char *root, struct error *err)
{
	auto_free char *upper = path_join(bind->place, "upper");
	auto_free char *work = path_join(bind->place, "work");
	struct stat st;

	if (stat(root, &st) < 0 || chown(upper, st.st_uid, st.st_gid) < 0 ||
		chmod(upper, st.st_mode & 07777) < 0)
		return fail_errno(err, "%s", bind->what);
	overlay_set_upper(&bind->overlay, upper, work);
	return 0;
}

static void keep(struct run_binds *binds, struct run_bind *bind, bool read_only,
	const char *target, struct oci_config *config)
{
	auto_free char *at = str_format("%s/at", path_base(bind->place));

	bundle_add_mount(config, target, "bind", at,
		read_only ? "rbind,rprivate,ro" : "rbind,rprivate");
	binds->items = str_realloc(binds->items, binds->count + 1, sizeof(*binds->items));
	binds->items[binds->count++] = *bind;
	*bind = (struct run_bind){ 0 };
}

/* ---- of a context ---- */

/* Where nothing is hidden and nothing may be written: the file or directory itself. */
static int add_plain(const struct context *context, const struct run_mount *mount,
	struct oci_config *config, struct error *err)
{
	auto_fd fd = -1;
	auto_free char *path = NULL;

	if (path_open_in_root(context->fd, mount->source, O_PATH, 0, &fd, err) < 0)
		return fail_while(err, "--mount=type=bind");
	path = realpath(fd_path(fd).text, NULL);
	if (!path)
		return fail_errno(err, "--mount=type=bind,source=%s", mount->source);
	bundle_add_mount(config, mount->target, "bind", path, "rbind,rprivate,ro");
	return 0;
}

/* The source may be a link of the context: the rules look at where it leads to. */
static int hide(const struct context *context, const char *source,
	const struct run_bind *bind, bool *ret_any, struct error *err)
{
	auto_free char *place = path_join(bind->place, "hide");
	auto_free char *root = realpath(context->path, NULL);
	auto_free char *real = NULL;
	const char *rest = NULL;
	auto_fd hide_fd = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_fd fd = -1;

	if (hide_fd < 0)
		return fail_errno(err, "opening %s", place);
	if (path_open_in_root(context->fd, source, O_PATH, 0, &fd, err) < 0)
		return -1;
	real = realpath(fd_path(fd).text, NULL);
	if (root && real)
		rest = str_after(real, strcmp(root, "/") == 0 ? "" : root);
	if (!rest)
		return fail(err, "\"%s\" is not in %s", source, context->what);
	return hide_ignored(context->fd, rest, &context->ignore, hide_fd, ret_any, err);
}

/* An overlay of the context under what hides the ignored. */
static int begin_context(const struct stage_process *process,
	const struct context *context, const struct run_mount *mount, const char *place,
	struct run_bind *ret, bool *ret_hidden, struct error *err)
{
	auto_free char *root = realpath(context->path, NULL);

	if (!root)
		return fail_errno(err, "%s", context->path);
	ret->overlay.copies = process->build->store->copies;
	ret->source = str_dup(mount->source);
	ret->what = str_format("--mount=source=%s", mount->source);
	if (make_place(ret, place, err) < 0)
		return -1;
	if (hide(context, mount->source, ret, ret_hidden, err) < 0)
		return fail_while(err, "--mount");
	if (*ret_hidden)
		strings_add_take(&ret->overlay.lowers, path_join(place, "hide"));
	strings_add(&ret->overlay.lowers, root);
	if (ret->overlay.lowers.count < 2)
		strings_add_take(&ret->overlay.lowers,
			store_path(process->build->store, "empty", NULL));
	return 0;
}

static int add_context(struct run_binds *binds, const struct stage_process *process,
	const struct context *context, const struct run_mount *mount, const char *place,
	struct oci_config *config, struct error *err)
{
	auto_bind bind = { 0 };
	bool hidden = false;

	if (mount->read_only && context->ignore.count == 0)
		return add_plain(context, mount, config, err);
	if (begin_context(process, context, mount, place, &bind, &hidden, err) < 0)
		return -1;
	if (mount->read_only && !hidden)
		return add_plain(context, mount, config, err);
	if (!mount->read_only && make_writable(&bind, context->path, err) < 0)
		return -1;
	keep(binds, &bind, mount->read_only, mount->target, config);
	return 0;
}

/* ---- of a stage or an image ---- */

static int add_layers(struct stage_process *process, const struct image *image,
	const struct run_mount *mount, struct oci_config *config, struct error *err)
{
	auto_overlay overlay = { 0 };
	auto_free char *lowers = NULL;
	struct oci_mount *added;

	if (overlay_of_image(process->build->store, image, process->session->path,
		    &overlay, err) < 0)
		return -1;
	lowers = strings_join(&overlay.lowers, ":");
	added = bundle_add_mount(config, mount->target, "overlay", "overlay", "ro");
	strings_addf(&added->options, "lowerdir=%s", lowers);
	if (overlay_marks_option())
		strings_add(&added->options, overlay_marks_option());
	return 0;
}

static int begin_image(struct stage_process *process, const struct image *image,
	const struct run_mount *mount, const char *place, struct run_bind *ret,
	struct error *err)
{
	ret->source = str_dup(mount->source);
	ret->what = str_format("--mount=from=%s,source=%s", mount->from, mount->source);
	if (make_place(ret, place, err) < 0)
		return -1;
	return overlay_of_image(
		process->build->store, image, ret->place, &ret->overlay, err);
}

static int add_image(struct run_binds *binds, struct stage_process *process,
	const struct run_mount *mount, const char *place, struct oci_config *config,
	struct error *err)
{
	auto_image image = { 0 };
	auto_bind bind = { 0 };
	bool whole = strcmp(mount->source, "/") == 0;

	if (build_find_source(process, mount->from, &image, err) < 0)
		return -1;
	if (mount->read_only && whole && !image.on_host && !process->build->store->copies)
		return add_layers(process, &image, mount, config, err);
	if (begin_image(process, &image, mount, place, &bind, err) < 0)
		return -1;
	if (!mount->read_only &&
		make_writable(&bind, image.on_host ? "/" : bind.overlay.lowers.items[0],
			err) < 0)
		return -1;
	keep(binds, &bind, mount->read_only, mount->target, config);
	return 0;
}

int run_binds_add(struct run_binds *binds, struct stage_process *process,
	const struct run_mount *mount, const struct layer_draft *draft,
	struct oci_config *config, struct error *err)
{
	const struct context *context = build_find_context(process->build, mount->from);
	auto_free char *place = str_format("%s/bind-%zu", draft->path, binds->count);

	if (context)
		return add_context(binds, process, context, mount, place, config, err);
	return add_image(binds, process, mount, place, config, err);
}

/* ---- in the worker ---- */

/* The place of the mount is of the source's kind. */
static int make_mount_point(const char *path, mode_t mode, struct error *err)
{
	auto_fd fd = -1;

	if (S_ISDIR(mode))
		return mkdir(path, 0755) < 0 ? fail_errno(err, "making %s", path) : 0;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	return fd < 0 ? fail_errno(err, "making %s", path) : 0;
}

/* Mounts the overlay and opens the source beneath it, links of the image included. */
static int open_bind(const struct run_bind *bind, int *ret_fd, struct error *err)
{
	auto_free char *root = path_join(bind->place, "root");
	auto_fd root_fd = -1;

	if (overlay_mount(&bind->overlay, root, err) < 0)
		return fail_while(err, "%s", bind->what);
	root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		return fail_errno(err, "opening %s", root);
	if (path_open_in_root(root_fd, bind->source, O_PATH, 0, ret_fd, err) < 0)
		return fail_while(err, "%s", bind->what);
	return 0;
}

static int mount_bind(const struct run_bind *bind, struct error *err)
{
	auto_free char *at = path_join(bind->place, "at");
	auto_fd fd = -1;
	struct stat st;

	if (open_bind(bind, &fd, err) < 0)
		return -1;
	if (fstat(fd, &st) < 0)
		return fail_errno(err, "%s", bind->what);
	if (make_mount_point(at, st.st_mode, err) < 0)
		return -1;
	if (mount(fd_path(fd).text, at, NULL, MS_BIND | MS_REC, NULL) < 0)
		return fail_errno(err, "%s: mounting it on %s", bind->what, at);
	return 0;
}

int run_binds_mount(const struct run_binds *binds, struct error *err)
{
	for (size_t i = 0; i < binds->count; i++) {
		if (mount_bind(&binds->items[i], err) < 0)
			return -1;
	}
	return 0;
}

/* ---- a copy, for a cache ---- */

struct copy_work {
	const struct run_bind *bind;
	int to_fd;
};

static int copy_tree(void *argument, int output, struct error *err)
{
	const struct copy_work *work = argument;
	auto_fd fd = -1;
	auto_fd from = -1;

	if (worker_isolate_mounts(err) < 0 || open_bind(work->bind, &fd, err) < 0)
		return -1;
	from = open(fd_path(fd).text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (from < 0)
		return fail_errno(err, "%s", work->bind->what);
	return tree_copy(from, work->to_fd, work->bind->what, err);
}

int run_binds_copy(struct stage_process *process, const struct run_mount *mount,
	const char *place, int to_fd, struct error *err)
{
	const struct context *context = build_find_context(process->build, mount->from);
	auto_image image = { 0 };
	auto_bind bind = { 0 };
	bool hidden = false;
	struct copy_work work = { .bind = &bind, .to_fd = to_fd };
	struct worker worker = {
		.work = copy_tree,
		.argument = &work,
		.signal_fd = process->interrupt.fd,
	};

	if (context) {
		if (begin_context(process, context, mount, place, &bind, &hidden, err) <
			0)
			return -1;
	} else if (build_find_source(process, mount->from, &image, err) < 0 ||
		   begin_image(process, &image, mount, place, &bind, err) < 0) {
		return -1;
	}
	return worker_run(&worker, err);
}
