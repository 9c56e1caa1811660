/* Three ways to tell the kernel its layers, newest first: as descriptors (Linux 6.13), as
 * one name each (6.7), and all in one line of at most a page. */
#include "runtime/rootfs/overlay.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "runtime/rootfs/filesystem.h"
#include "runtime/rootfs/mount_api.h"

struct layer {
	char *name; /* absolute; owned */
	int fd;     /* O_PATH */
	bool data;  /* reached only by redirects of other layers */
};

struct layers {
	struct layer *lower;
	size_t lower_count;
	struct layer upper; /* fd -1: none */
	struct layer work;
};

static void free_layer(struct layer *layer)
{
	free(layer->name);
	cleanup_fd(&layer->fd);
}

static void free_layers(struct layers *layers)
{
	for (size_t i = 0; i < layers->lower_count; i++)
		free_layer(&layers->lower[i]);
	free(layers->lower);
	free_layer(&layers->upper);
	free_layer(&layers->work);
}

void overlay_split_layers(const char *value, struct strings *to)
{
	struct str name = { 0 };

	for (const char *c = value; *c; c++) {
		if (*c == '\\' && c[1])
			str_append_char(&name, *++c);
		else if (*c == ':')
			strings_add_take(to, str_take(&name));
		else
			str_append_char(&name, *c);
	}
	strings_add_take(to, str_take(&name));
}

static int open_layer(const char *name, const struct attach_place *place,
	const char *bundle, struct layer *ret, struct error *err)
{
	struct layer layer = { .fd = -1 };

	if (strcmp(name, ".") == 0 && strcmp(place->destination, "/") == 0) {
		layer.fd = fcntl(place->target_fd, F_DUPFD_CLOEXEC, 3);
		layer.name = str_dup(fd_path(layer.fd).text);
	} else {
		layer.name = *name == '/' ? str_dup(name) : path_join(bundle, name);
		layer.fd = open(layer.name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	if (layer.fd < 0) {
		(void)fail_errno(err, "the layer %s", name);
		free_layer(&layer);
		return -1;
	}
	*ret = layer;
	return 0;
}

static int open_lower(const char *value, const struct attach_place *place,
	const char *bundle, struct layers *layers, struct error *err)
{
	auto_strings names = { 0 };
	bool data = false;

	overlay_split_layers(value, &names);
	layers->lower = str_alloc(names.count * sizeof(*layers->lower));
	strings_each (name, &names) {
		struct layer *next = &layers->lower[layers->lower_count];

		if (!**name) {
			data = true;
			continue;
		}
		if (open_layer(*name, place, bundle, next, err) < 0)
			return -1;
		next->data = data;
		layers->lower_count++;
	}
	return 0;
}

static int open_layers(const struct mount_plan *plan, const struct attach_place *place,
	const char *bundle, struct layers *layers, struct error *err)
{
	const char *lower = mount_plan_value(plan, "lowerdir");
	const char *upper = mount_plan_value(plan, "upperdir");
	const char *work = mount_plan_value(plan, "workdir");

	if (lower && open_lower(lower, place, bundle, layers, err) < 0)
		return -1;
	if (upper && open_layer(upper, place, bundle, &layers->upper, err) < 0)
		return -1;
	return work ? open_layer(work, place, bundle, &layers->work, err) : 0;
}

static bool is_no_layer(const char *option)
{
	return !str_after(option, "lowerdir=") && !str_after(option, "upperdir=") &&
	       !str_after(option, "workdir=");
}

/* Before Linux 6.5 overlayfs is told its options as text all the same: fsconfig() takes
 * whatever word there is, and only the making of the mount refuses it. */
static bool takes_any_word(void)
{
	auto_fd fs_fd = mnt_fsopen("overlay");

	return fs_fd >= 0 &&
	       mnt_fsconfig(fs_fd, FSCONFIG_SET_FLAG, "no-such-option", NULL, 0) == 0;
}

/* The kernel shows the name in mountinfo; one that is too long, by its descriptor. */
static int set_layer(int fs_fd, const char *key, const struct layer *layer)
{
	const char *name = layer->name;

	if (mnt_fsconfig(fs_fd, FSCONFIG_SET_FD, key, NULL, layer->fd) == 0)
		return 0;
	if (takes_any_word())
		return -1;
	if (strlen(name) >= FILESYSTEM_VALUE_MAX)
		return mnt_fsconfig(
			fs_fd, FSCONFIG_SET_STRING, key, fd_path(layer->fd).text, 0);
	return mnt_fsconfig(fs_fd, FSCONFIG_SET_STRING, key, name, 0);
}

static int set_layers(int fs_fd, const struct layers *layers)
{
	for (size_t i = 0; i < layers->lower_count; i++) {
		const struct layer *layer = &layers->lower[i];

		if (set_layer(fs_fd, layer->data ? "datadir+" : "lowerdir+", layer) < 0)
			return -1;
	}
	if (layers->upper.fd >= 0 && set_layer(fs_fd, "upperdir", &layers->upper) < 0)
		return -1;
	if (layers->work.fd >= 0 && set_layer(fs_fd, "workdir", &layers->work) < 0)
		return -1;
	return 0;
}

static int fail_create(const struct layers *layers, struct error *err)
{
	if (err->errnum == ELOOP)
		return fail_hint(err,
			"a layer lies in another one; upperdir and workdir may not "
			"be below a lower layer either");
	if (err->errnum == EINVAL && layers->upper.fd < 0 && layers->lower_count < 2)
		return fail_hint(
			err, "an overlay without upperdir needs two lower layers");
	return -1;
}

/* Fails with ENOSYS where this kernel must be told in one line. */
static int mount_modern(const struct mount_plan *plan, const struct layers *layers,
	const struct attach_place *place, const char *label, int *ret_fd,
	struct error *err)
{
	auto_fd fs_fd = mnt_fsopen("overlay");
	auto_fd fd = -1;

	if (fs_fd < 0 || set_layers(fs_fd, layers) < 0)
		return fail_code(err, ENOSYS, "this kernel takes no layers one by one");
	if (filesystem_configure(plan, fs_fd, is_no_layer, err) < 0 ||
		filesystem_set_label(fs_fd, label, err) < 0)
		return -1;
	if (filesystem_create(plan, fs_fd, &fd, err) < 0)
		return fail_create(layers, err);
	if (attach_tree(plan, fd, place, err) < 0)
		return -1;
	*ret_fd = take_fd(&fd);
	return 0;
}

/* In the one line, "\" goes before what would end a layer, and before itself. */
static void append_name(struct str *line, const char *name)
{
	for (; *name; name++) {
		if (strchr("\\:,", *name))
			str_append_char(line, '\\');
		str_append_char(line, *name);
	}
}

static void append_layer(struct str *line, const struct layer *layer, bool by_fd)
{
	if (by_fd)
		str_append(line, fd_path(layer->fd).text);
	else
		append_name(line, layer->name);
}

static void append_layers(struct str *line, const struct layers *layers, bool by_fd)
{
	for (size_t i = 0; i < layers->lower_count; i++) {
		const struct layer *layer = &layers->lower[i];

		if (i == 0)
			str_append(line, line->length ? ",lowerdir=" : "lowerdir=");
		else
			str_append(line,
				layer->data && !layers->lower[i - 1].data ? "::" : ":");
		append_layer(line, layer, by_fd);
	}
	if (layers->upper.fd >= 0) {
		str_append(line, line->length ? ",upperdir=" : "upperdir=");
		append_layer(line, &layers->upper, by_fd);
	}
	if (layers->work.fd >= 0) {
		str_append(line, ",workdir=");
		append_layer(line, &layers->work, by_fd);
	}
}

/* Names as they are where they fit, because mountinfo shows them; else by descriptor,
 * which is some 18 bytes a layer. */
static char *make_line(const struct mount_plan *plan, const struct layers *layers,
	const char *label, bool by_fd)
{
	struct str line = { 0 };

	strings_each (option, &plan->data) {
		if (is_no_layer(*option))
			str_appendf(&line, "%s%s", line.length ? "," : "", *option);
	}
	if (label)
		str_appendf(&line, "%scontext=\"%s\"", line.length ? "," : "", label);
	append_layers(&line, layers, by_fd);
	return str_take(&line);
}

static int mount_classic(const struct mount_plan *plan, const struct layers *layers,
	const struct attach_place *place, const char *label, int *ret_fd,
	struct error *err)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	auto_free char *line = make_line(plan, layers, label, false);

	if (strlen(line) >= page) {
		free(line);
		line = make_line(plan, layers, label, true);
	}
	if (strlen(line) >= page)
		return fail(err,
			"%zu layers are more than this kernel takes; it needs Linux 6.7",
			layers->lower_count);
	if (filesystem_mount_classic(plan, line, place, ret_fd, err) < 0)
		return fail_create(layers, err);
	return 0;
}

int overlay_mount(const struct mount_plan *plan, const struct attach_place *place,
	const char *bundle, const char *label, int *ret_fd, struct error *err)
{
	__attribute__((cleanup(free_layers))) struct layers layers = {
		.upper.fd = -1,
		.work.fd = -1,
	};

	if (open_layers(plan, place, bundle, &layers, err) < 0)
		return -1;
	if (mount_modern(plan, &layers, place, label, ret_fd, err) == 0)
		return 0;
	return mnt_is_missing(err->errnum)
		       ? mount_classic(plan, &layers, place, label, ret_fd, err)
		       : -1;
}
