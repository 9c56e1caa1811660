/* The pure parts of the container's file system: options into plans, layers into lists;
 * and destinations in trees that set traps, which needs no privilege. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/str.h"
#include "runtime/rootfs/mount_api.h"
#include "runtime/rootfs/mount_plan.h"
#include "runtime/rootfs/overlay.h"
#include "runtime/rootfs/target.h"
#include "spec/config.h"
#include "tests/unit/test.h"

static struct error err;

/* One mount, its options between commas. */
static int make_plan(const char *type, const char *source, const char *destination,
	const char *options, struct mount_plan **ret)
{
	static struct oci_mount mount;
	static struct oci_config config;
	size_t count;

	strings_free(&mount.options);
	mount = (struct oci_mount){
		.type = (char *)type,
		.source = (char *)source,
		.destination = (char *)destination,
	};
	strings_split(&mount.options, options, ',');
	config = (struct oci_config){ .mounts = &mount, .mounts_count = 1 };
	return mount_plans_make(&config, "/bundle", ret, &count, &err);
}

static void options_become_attributes(void)
{
	static const struct {
		const char *options;
		uint64_t set, clear, recursive_set, recursive_clear;
	} table[] = {
		{ "bind,ro", MOUNT_ATTR_RDONLY, 0, 0, 0 },
		{ "bind,rw", 0, MOUNT_ATTR_RDONLY, 0, 0 },
		{ "bind,ro,rw", 0, MOUNT_ATTR_RDONLY, 0, 0 },
		{ "bind,rw,ro", MOUNT_ATTR_RDONLY, 0, 0, 0 },
		{ "rbind,rro,rnosuid", 0, 0, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID, 0 },
		{ "rbind,rro,rrw", 0, 0, 0, MOUNT_ATTR_RDONLY },
		{ "bind,noatime", MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME, 0, 0 },
		{ "bind,noatime,strictatime", MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME,
			0, 0 },
		{ "bind,relatime", 0, MOUNT_ATTR__ATIME, 0, 0 },
		{ "bind,nodev,nosuid,noexec",
			MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, 0, 0,
			0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct mount_plan *plan = NULL;

		if (!CHECK_OK(
			    make_plan("none", "/s", "/d", table[i].options, &plan), &err))
			continue;
		CHECK_INT(plan->set, table[i].set);
		CHECK_INT(plan->clear, table[i].clear);
		CHECK_INT(plan->recursive_set, table[i].recursive_set);
		CHECK_INT(plan->recursive_clear, table[i].recursive_clear);
		mount_plans_free(plan, 1);
	}
}

static void kinds_are_told_apart(void)
{
	static const struct {
		const char *type, *options;
		enum mount_plan_kind kind;
	} table[] = {
		{ "bind", "", MOUNT_PLAN_BIND },
		{ "none", "rbind", MOUNT_PLAN_BIND },
		{ "tmpfs", "size=1m", MOUNT_PLAN_FILESYSTEM },
		{ "cgroup", "ro", MOUNT_PLAN_CGROUPS },
		{ "cgroup2", "ro", MOUNT_PLAN_CGROUPS },
		{ "cgroup", "memory", MOUNT_PLAN_FILESYSTEM },
		{ "tmpfs", "remount,ro", MOUNT_PLAN_REMOUNT },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct mount_plan *plan = NULL;

		if (!CHECK_OK(
			    make_plan(table[i].type, "/s", "/d", table[i].options, &plan),
			    &err))
			continue;
		CHECK_INT(plan->kind, table[i].kind);
		mount_plans_free(plan, 1);
	}
}

static void paths_become_absolute(void)
{
	struct mount_plan *plan = NULL;

	CHECK_OK(make_plan("bind", "data", "x//../y/", "bind", &plan), &err);
	CHECK_STR(plan->source, "/bundle/data");
	CHECK_STR(plan->destination, "/y");
	CHECK(!plan->on_root);
	mount_plans_free(plan, 1);
	CHECK_OK(make_plan("bind", "/data", "/..", "bind,ro", &plan), &err);
	CHECK(plan->on_root);
	CHECK(plan->late_read_only);
	mount_plans_free(plan, 1);
}

static void data_is_kept_whole(void)
{
	struct mount_plan *plan = NULL;
	static struct oci_mount mount = { .type = (char *)"tmpfs",
		.destination = (char *)"/d" };
	struct oci_config config = { .mounts = &mount, .mounts_count = 1 };
	size_t count;

	strings_add(&mount.options, "size=1m,mode=700");
	strings_add(&mount.options, "context=\"a,b\"");
	CHECK_OK(mount_plans_make(&config, "/", &plan, &count, &err), &err);
	CHECK_INT(plan->data.count, 3);
	CHECK_STR(plan->data.items[1], "mode=700");
	CHECK_STR(plan->data.items[2], "context=\"a,b\"");
	CHECK_STR(mount_plan_value(plan, "size"), "1m");
	CHECK_STR(mount_plan_value(plan, "siz"), NULL);
	mount_plans_free(plan, 1);
	strings_free(&mount.options);
}

static void bad_options_are_named(void)
{
	static const struct {
		const char *type, *options, *error;
	} table[] = {
		{ "bind", "bind,noexce", "/mounts/0/options/1: \"noexce\"" },
		{ "bind", "bind,noexce", "did you mean \"noexec\"?" },
		{ "bind", "rbind,sync", "\"sync\" concerns a whole file system" },
		{ "bind", "bind,tmpcopyup", "/mounts/0/options/1: \"tmpcopyup\"" },
		{ "proc", "tmpcopyup", "is for tmpfs only" },
		{ "tmpfs", "copy-symlink", "is for bind mounts only" },
		{ "tmpfs", "src-nofollow", "is for bind mounts only" },
		{ "cgroup", "idmap", "can be id-mapped" },
		{ "", "", "/mounts/0/type: is missing" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct mount_plan *plan = NULL;

		CHECK_FAILS(make_plan(table[i].type, "/s", "/d", table[i].options, &plan),
			&err, table[i].error);
	}
}

static void layers_are_split(void)
{
	static const struct {
		const char *value;
		const char *joined; /* by "|" */
	} table[] = {
		{ "/a", "/a" },
		{ "/a:/b:.", "/a|/b|." },
		{ "/a\\:b:/c", "/a:b|/c" },
		{ "/a\\\\:/b", "/a\\|/b" },
		{ "/a,b:/c", "/a,b|/c" },
		{ "/a::/b", "/a||/b" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		auto_strings layers = { 0 };
		auto_free char *joined = NULL;

		overlay_split_layers(table[i].value, &layers);
		joined = strings_join(&layers, "|");
		CHECK_STR(joined, table[i].joined);
	}
}

/* ---- destinations ------------------------------------------------------------------- */

static char tree[64];

static int make_tree(void)
{
	int fd;

	strcpy(tree, "/tmp/mocker-test.rootfs.XXXXXX");
	if (!mkdtemp(tree))
		abort();
	fd = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK_INT(mkdirat(fd, "dir", 0755), 0);
	CHECK_INT(close(openat(fd, "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0644)), 0);
	CHECK_INT(symlinkat("/tmp", fd, "out"), 0);
	CHECK_INT(symlinkat("../../../../tmp", fd, "up"), 0);
	CHECK_INT(symlinkat("nowhere/file", fd, "dangling"), 0);
	CHECK_INT(symlinkat("circle", fd, "circle"), 0);
	CHECK_INT(symlinkat("/proc", fd, "to-proc"), 0);
	return fd;
}

static bool exists_at(int fd, const char *path)
{
	return faccessat(fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void destinations_stay_inside(void)
{
	static const struct {
		const char *destination;
		enum target_flags flags;
		const char *made; /* in the tree */
	} table[] = {
		{ "/new/deep", TARGET_DIRECTORY, "new/deep" },
		{ "/new/file", TARGET_FILE, "new/file" },
		{ "/out/mocker-made", TARGET_DIRECTORY, "tmp/mocker-made" },
		{ "/up/mocker-too", TARGET_FILE, "tmp/mocker-too" },
		{ "/dangling", TARGET_FILE, "nowhere/file" },
		{ "/to-proc/x", TARGET_DIRECTORY, "proc/x" },
	};
	auto_fd fd = make_tree();

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct target target = { .fd = -1 };

		CHECK_OK(target_open(
				 fd, table[i].destination, table[i].flags, &target, &err),
			&err);
		CHECK(target.made);
		CHECK(exists_at(fd, table[i].made));
		cleanup_fd(&target.fd);
	}
	CHECK(access("/tmp/mocker-made", F_OK) < 0);
	CHECK(access("/tmp/mocker-too", F_OK) < 0);
	CHECK_OK(path_remove_tree(AT_FDCWD, tree, &err), &err);
}

static void bad_destinations_are_refused(void)
{
	static const struct {
		const char *destination;
		enum target_flags flags;
		const char *error;
	} table[] = {
		{ "/file", TARGET_DIRECTORY, "is no directory" },
		{ "/dir", TARGET_FILE, "is a directory" },
		{ "/file/below", TARGET_DIRECTORY, "Not a directory" },
		{ "/circle", TARGET_FILE, "Too many levels" },
		{ "/out", TARGET_NO_SYMLINKS, "\"out\" is no directory" },
		{ "/out/x", TARGET_NO_SYMLINKS, "\"out\" is no directory" },
	};
	auto_fd fd = make_tree();

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct target target = { .fd = -1 };

		CHECK_FAILS(target_open(fd, table[i].destination, table[i].flags, &target,
				    &err),
			&err, table[i].error);
	}
	CHECK_OK(path_remove_tree(AT_FDCWD, tree, &err), &err);
}

static void links_into_procfs_are_refused(void)
{
	auto_fd fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	auto_free char *link = NULL;
	struct target target = { .fd = -1 };
	auto_fd tree_fd = make_tree();

	CHECK_INT(symlinkat("/proc/self/environ", tree_fd, "environ"), 0);
	link = str_format("%s/environ", tree);
	CHECK_FAILS(target_open(fd, link, TARGET_FILE, &target, &err), &err,
		"leads it into procfs");
	CHECK_OK(target_open(fd, "/proc/self/environ", TARGET_FILE, &target, &err), &err);
	cleanup_fd(&target.fd);
	CHECK_OK(path_remove_tree(AT_FDCWD, tree, &err), &err);
}

static const struct test tests[] = {
	{ "options become attributes, the last word counts", options_become_attributes },
	{ "kinds of mounts are told apart", kinds_are_told_apart },
	{ "paths become absolute", paths_become_absolute },
	{ "options of file systems are split at commas outside quotes",
		data_is_kept_whole },
	{ "bad options are named with their place", bad_options_are_named },
	{ "layers are split at colons", layers_are_split },
	{ "destinations are made inside the root", destinations_stay_inside },
	{ "bad destinations are refused", bad_destinations_are_refused },
	{ "a link does not lead a mount into procfs", links_into_procfs_are_refused },
};

TEST_MAIN(tests)
