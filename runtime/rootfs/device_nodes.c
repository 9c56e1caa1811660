/*
 * devices_create(): those of config.json, the default ones, the links. A node that is
 * there already, from the image or from a mount, is accepted if it is the right one.
 */
#include "runtime/rootfs/devices.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "runtime/rootfs/device_tree.h"
#include "runtime/rootfs/mount_api.h"
#include "runtime/rootfs/target.h"
#include "spec/config.h"

static const struct {
	const char *path;
	unsigned major, minor;
} default_nodes[] = {
	{ "/dev/null", 1, 3 },
	{ "/dev/zero", 1, 5 },
	{ "/dev/full", 1, 7 },
	{ "/dev/random", 1, 8 },
	{ "/dev/urandom", 1, 9 },
	{ "/dev/tty", 5, 0 },
};

static const struct {
	const char *name;
	const char *target;
	bool from_proc; /* only where there is a /proc/self/fd */
} links[] = {
	{ "fd", "/proc/self/fd", true },
	{ "stdin", "/proc/self/fd/0", true },
	{ "stdout", "/proc/self/fd/1", true },
	{ "stderr", "/proc/self/fd/2", true },
	{ "core", "/proc/kcore", true },
	{ "ptmx", "pts/ptmx", false },
};

const char *devices_default_path(size_t index)
{
	return index < ARRAY_SIZE(default_nodes) ? default_nodes[index].path : NULL;
}

/* ---- nodes -------------------------------------------------------------------------- */

static bool is_node(const struct stat *st, const struct device_node *node)
{
	return (st->st_mode & S_IFMT) == node->type &&
	       (node->type == S_IFIFO || st->st_rdev == node->device);
}

static int check_existing(
	int parent_fd, const struct device_node *node, struct error *err)
{
	struct stat st;

	if (fstatat(parent_fd, path_base(node->path), &st, AT_SYMLINK_NOFOLLOW) < 0)
		return fail_errno(err, "%s", node->path);
	if (!is_node(&st, node))
		return fail_code(err, EEXIST,
			"%s: the container's root has something else of that name",
			node->path);
	return 0;
}

/* Owner and mode by a descriptor of what was just made: the name may be another's. */
static int settle(int parent_fd, const struct device_node *node, struct error *err)
{
	auto_fd fd =
		openat(parent_fd, path_base(node->path), O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fail_errno(err, "%s", node->path);
	if (!is_node(&st, node))
		return fail_code(err, EEXIST, "%s: was exchanged", node->path);
	if ((st.st_uid != node->uid || st.st_gid != node->gid) &&
		fchownat(fd, "", node->uid, node->gid, AT_EMPTY_PATH) < 0)
		return fail_errno(err, "changing the owner of %s", node->path);
	if ((st.st_mode & 07777) != node->mode && chmod(fd_path(fd).text, node->mode) < 0)
		return fail_errno(err, "changing the mode of %s", node->path);
	return 0;
}

static int bind_device(int root_fd, int source_fd, const char *path, struct error *err)
{
	struct target target;
	auto_fd target_fd = -1;
	auto_fd tree_fd = -1;

	if (target_open(root_fd, path, TARGET_FILE, &target, err) < 0)
		return -1;
	target_fd = target.fd;
	tree_fd = mnt_clone(source_fd);
	if (tree_fd >= 0 && mnt_move(tree_fd, target_fd) == 0)
		return 0;
	if (mnt_mount(fd_path(source_fd).text, target_fd, NULL, MS_BIND, NULL) < 0)
		return fail_errno(err, "binding the host's %s", path);
	return 0;
}

/* A detached mount of its own. */
static int attach_device(int root_fd, int tree_fd, const char *path, struct error *err)
{
	struct target target;
	auto_fd target_fd = -1;

	if (target_open(root_fd, path, TARGET_FILE, &target, err) < 0)
		return -1;
	target_fd = target.fd;
	return mnt_move(tree_fd, target_fd) < 0
		       ? fail_errno(err, "attaching the device %s", path)
		       : 0;
}

static int bind_node(int root_fd, const struct device_node *node, struct error *err)
{
	auto_fd source_fd = open(node->path, O_PATH | O_CLOEXEC);
	struct stat st;

	if (source_fd < 0 || fstat(source_fd, &st) < 0)
		return fail_errno(err, "the host's %s", node->path);
	if (!is_node(&st, node))
		return fail(err,
			"%s: the host has another device of that name, and a user "
			"namespace may make none",
			node->path);
	return bind_device(root_fd, source_fd, node->path, err);
}

static int make_node(const struct devices_request *request, int parent_fd,
	const struct device_node *node, bool exact, struct error *err)
{
	if (request->bind && node->type != S_IFIFO)
		return bind_node(request->root_fd, node, err);
	if (mknodat(parent_fd, path_base(node->path), node->type | node->mode,
		    node->device) == 0)
		return exact ? settle(parent_fd, node, err) : 0;
	if (errno == EEXIST)
		return check_existing(parent_fd, node, err);
	if (errno == EROFS && check_existing(parent_fd, node, err) == 0)
		return 0;
	if (errno == EPERM)
		return bind_node(request->root_fd, node, err);
	return fail_errno(err, "making the device %s", node->path);
}

/* ---- those of config.json ----------------------------------------------------------- */

/* What a mount of config.json put there is meant to be there. */
static bool is_mounted(const struct oci_config *config, const char *path)
{
	for (size_t i = 0; i < config->mounts_count; i++) {
		const char *destination = config->mounts[i].destination;

		if (destination && strcmp(destination, path) == 0)
			return true;
	}
	return false;
}

struct device_node device_node_of(const struct oci_device *device)
{
	return (struct device_node){
		.path = device->path,
		.type = device->type == 'b'   ? S_IFBLK
			: device->type == 'p' ? S_IFIFO
					      : S_IFCHR,
		.device = device->type == 'p' ? 0
					      : makedev((unsigned)device->major,
							(unsigned)device->minor),
		.mode = device->has_file_mode ? device->file_mode & 07777 : 0666,
		.uid = device->uid,
		.gid = device->gid,
	};
}

/* Every container has these, and they are those: another of such a name is a mistake of the
 * config, not of the default. */
static int check_default(const struct device_node *node, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(default_nodes); i++) {
		dev_t device = makedev(default_nodes[i].major, default_nodes[i].minor);

		if (strcmp(node->path, default_nodes[i].path) == 0 &&
			(node->type != S_IFCHR || node->device != device))
			return fail(err,
				"%s is the character device %u:%u in every container",
				node->path, default_nodes[i].major,
				default_nodes[i].minor);
	}
	return 0;
}

/* tree_fd -1: it is to be made, or bound. */
static int make_configured(const struct devices_request *request,
	const struct oci_device *device, int tree_fd, struct error *err)
{
	struct device_node node = device_node_of(device);
	auto_fd parent_fd = -1;

	if (is_mounted(request->config, device->path))
		return 0;
	if (check_default(&node, err) < 0)
		return -1;
	if (tree_fd >= 0)
		return attach_device(request->root_fd, tree_fd, device->path, err);
	if (target_open_parent(request->root_fd, device->path, &parent_fd, err) < 0)
		return -1;
	return make_node(request, parent_fd, &node, true, err);
}

static int make_each(
	const struct devices_request *request, const int *trees, struct error *err)
{
	const struct oci_linux *chapter = &request->config->linux;

	for (size_t i = 0; i < chapter->devices_count; i++) {
		/* It becomes the link to pts/ptmx: the node is of another instance. */
		if (strcmp(chapter->devices[i].path, "/dev/ptmx") == 0)
			continue;
		if (make_configured(request, &chapter->devices[i], trees ? trees[i] : -1,
			    err) < 0)
			return fail_while(err, "/linux/devices/%zu", i);
	}
	return 0;
}

static int make_all_configured(
	const struct devices_request *request, int dev_fd, struct error *err)
{
	size_t count = request->config->linux.devices_count;
	int *trees;
	int result;

	if (request->tree_fd < 0)
		return make_each(request, NULL, err);
	trees = str_alloc(count * sizeof(*trees));
	memset(trees, -1, count * sizeof(*trees));
	result = device_tree_split(request->tree_fd, dev_fd, count, trees, err);
	if (result == 0)
		result = make_each(request, trees, err);
	for (size_t i = 0; i < count; i++)
		cleanup_fd(&trees[i]);
	free(trees);
	return result;
}

/* ---- default devices and links ------------------------------------------------------ */

static int make_defaults(
	const struct devices_request *request, int dev_fd, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(default_nodes); i++) {
		struct device_node node = {
			.path = default_nodes[i].path,
			.type = S_IFCHR,
			.device = makedev(default_nodes[i].major, default_nodes[i].minor),
			.mode = 0666,
		};

		if (!is_mounted(request->config, node.path) &&
			make_node(request, dev_fd, &node, false, err) < 0)
			return fail_while(err, "default devices");
	}
	return 0;
}

static bool is_link_to(int dev_fd, const char *name, const char *target)
{
	char text[PATH_MAX];
	ssize_t length = readlinkat(dev_fd, name, text, sizeof(text));

	return length == (ssize_t)strlen(target) &&
	       memcmp(text, target, (size_t)length) == 0;
}

/* Only ptmx must be what we say; the others may be the image's own. */
static int make_link(int dev_fd, const char *name, const char *target, struct error *err)
{
	if (symlinkat(target, dev_fd, name) == 0)
		return 0;
	if (errno != EEXIST && errno != EROFS)
		return fail_errno(err, "making the link /dev/%s", name);
	if (is_link_to(dev_fd, name, target) || strcmp(name, "ptmx") != 0)
		return 0;
	if (unlinkat(dev_fd, name, 0) < 0 || symlinkat(target, dev_fd, name) < 0)
		return fail_errno(err, "making the link /dev/%s", name);
	return 0;
}

static bool exists(int root_fd, const char *path)
{
	auto_fd fd = path_try_open_in_root(root_fd, path, O_PATH, 0);

	return fd >= 0;
}

static int make_links(
	const struct devices_request *request, int dev_fd, struct error *err)
{
	bool has_proc = exists(request->root_fd, "/proc/self/fd");

	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		if (links[i].from_proc && !has_proc)
			continue;
		if (strcmp(links[i].name, "ptmx") == 0 &&
			is_mounted(request->config, "/dev/ptmx"))
			continue;
		if (make_link(dev_fd, links[i].name, links[i].target, err) < 0)
			return -1;
	}
	return 0;
}

/* A bind mount on /dev is somebody's own devices: nothing is added to them. */
static bool has_foreign_dev(const struct oci_config *config)
{
	for (size_t i = 0; i < config->mounts_count; i++) {
		const struct oci_mount *mount = &config->mounts[i];
		auto_free char *destination = path_clean(mount->destination);

		if (mount_is_bind(mount) && (strcmp(destination, "/dev") == 0 ||
						    strcmp(destination, "dev") == 0))
			return true;
	}
	return false;
}

int devices_create(const struct devices_request *request, struct error *err)
{
	auto_fd dev_fd = -1;

	if (has_foreign_dev(request->config))
		return 0;
	if (path_mkdirs_in_root(request->root_fd, "/dev",
		    (struct path_mkdir_options){
			    .mode = 0755, .uid = (uid_t)-1, .gid = (gid_t)-1 },
		    &dev_fd, err) < 0)
		return -1;
	if (make_all_configured(request, dev_fd, err) < 0 ||
		make_defaults(request, dev_fd, err) < 0)
		return -1;
	return make_links(request, dev_fd, err);
}

int devices_bind_console(int root_fd, int terminal_fd, struct error *err)
{
	return bind_device(root_fd, terminal_fd, "/dev/console", err);
}
