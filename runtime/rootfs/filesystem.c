/* filesystem_mount() chooses between the two ways. */
#include "runtime/rootfs/filesystem.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "runtime/rootfs/copy_up.h"
#include "runtime/rootfs/idmap_mount.h"
#include "runtime/rootfs/mount_api.h"

/* The kernel's words come one a read, as "e tmpfs: Bad value for 'size'". */
int filesystem_fail(int fs_fd, const char *what, struct error *err)
{
	int errnum = errno;
	char line[512];
	ssize_t length;

	(void)fail_errno(err, "%s", what);
	while ((length = read(fs_fd, line, sizeof(line) - 1)) > 0) {
		line[length] = '\0';
		line[strcspn(line, "\n")] = '\0';
		if (str_after(line, "e "))
			(void)fail_hint(err, "%s", line + 2);
	}
	err->errnum = errnum;
	return -1;
}

/* "size=64k" or "newinstance". */
static int set_option(int fs_fd, const char *text)
{
	auto_free char *key = str_dup(text);
	char *value = strchr(key, '=');

	if (!value)
		return mnt_fsconfig(fs_fd, FSCONFIG_SET_FLAG, key, NULL, 0);
	*value++ = '\0';
	return mnt_fsconfig(fs_fd, FSCONFIG_SET_STRING, key, value, 0);
}

/* A disk that must not be written to is not even to be mounted writable. The others are
 * shared, or are to be filled yet: for them it is the mount that is read-only. */
static bool wants_read_only_superblock(const struct mount_plan *plan)
{
	static const char *const virtual_types[] = { "proc", "sysfs", "tmpfs", "devpts",
		"mqueue", "cgroup", "cgroup2", "overlay", "ramfs", "bpf", "debugfs",
		"tracefs", "securityfs", "devtmpfs", "hugetlbfs", "fusectl", "configfs",
		"efivarfs", "pstore", "binfmt_misc" };

	if (!(plan->set & MOUNT_ATTR_RDONLY) || plan->late_read_only)
		return false;
	return !str_is_among(plan->type, virtual_types, ARRAY_SIZE(virtual_types));
}

static int set_superblock(const struct mount_plan *plan, int fs_fd, struct error *err)
{
	if (wants_read_only_superblock(plan) &&
		mnt_fsconfig(fs_fd, FSCONFIG_SET_FLAG, "ro", NULL, 0) < 0)
		return filesystem_fail(fs_fd, "option ro", err);
	strings_each (word, &plan->superblock) {
		if (mnt_fsconfig(fs_fd, FSCONFIG_SET_FLAG, *word, NULL, 0) < 0)
			return filesystem_fail(fs_fd, *word, err);
	}
	return 0;
}

int filesystem_configure(const struct mount_plan *plan, int fs_fd,
	bool (*want)(const char *option), struct error *err)
{
	if (mnt_fsconfig(fs_fd, FSCONFIG_SET_STRING, "source", plan->source, 0) < 0)
		return filesystem_fail(fs_fd, "setting the source", err);
	if (set_superblock(plan, fs_fd, err) < 0)
		return -1;
	strings_each (option, &plan->data) {
		if ((!want || want(*option)) && set_option(fs_fd, *option) < 0) {
			auto_free char *what = str_format("option \"%s\"", *option);

			return filesystem_fail(fs_fd, what, err);
		}
	}
	return 0;
}

static uint64_t fresh_attributes(const struct mount_plan *plan)
{
	uint64_t set = plan->set | plan->recursive_set;

	return plan->late_read_only ? set & ~(uint64_t)MOUNT_ATTR_RDONLY : set;
}

int filesystem_create(
	const struct mount_plan *plan, int fs_fd, int *ret_fd, struct error *err)
{
	auto_fd fd = -1;

	if (mnt_fsconfig(fs_fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return filesystem_fail(fs_fd, "creating it", err);
	fd = mnt_fsmount(fs_fd, (unsigned)fresh_attributes(plan));
	if (fd < 0)
		return filesystem_fail(fs_fd, "mounting it", err);
	if (plan->userns_fd >= 0 &&
		idmap_mount_apply(fd, plan->userns_fd, false, plan->type, err) < 0)
		return -1;
	*ret_fd = take_fd(&fd);
	return 0;
}

/* Options that config.json does not spell out: the SELinux label, and the mode of a tmpfs
 * that says nothing of it, which is that of the directory it covers. */
struct implied {
	const char *label;
	char mode[16]; /* an option, or empty */
};

static int imply_mode(const struct mount_plan *plan, const struct attach_place *place,
	struct implied *implied, struct error *err)
{
	struct stat st;

	if (strcmp(plan->type, "tmpfs") != 0 || mount_plan_value(plan, "mode") ||
		(place->target_made && !plan->copy_up))
		return 0;
	if (fstat(place->target_fd, &st) < 0)
		return fail_errno(err, "reading the mode of %s", plan->destination);
	snprintf(implied->mode, sizeof(implied->mode), "mode=%o", st.st_mode & 07777);
	return 0;
}

int filesystem_set_label(int fs_fd, const char *label, struct error *err)
{
	if (label && mnt_fsconfig(fs_fd, FSCONFIG_SET_STRING, "context", label, 0) < 0)
		return filesystem_fail(fs_fd, "/linux/mountLabel", err);
	return 0;
}

static int set_implied(int fs_fd, const struct implied *implied, struct error *err)
{
	if (*implied->mode && set_option(fs_fd, implied->mode) < 0)
		return filesystem_fail(fs_fd, implied->mode, err);
	return filesystem_set_label(fs_fd, implied->label, err);
}

static int make(const struct mount_plan *plan, const struct implied *implied, int *ret_fd,
	struct error *err)
{
	auto_fd fs_fd = mnt_fsopen(plan->type);

	if (fs_fd < 0)
		return fail_errno(err, "file system type \"%s\"", plan->type);
	if (filesystem_configure(plan, fs_fd, NULL, err) < 0 ||
		set_implied(fs_fd, implied, err) < 0)
		return -1;
	return filesystem_create(plan, fs_fd, ret_fd, err);
}

int filesystem_make(const struct mount_plan *plan, int *ret_fd, struct error *err)
{
	return make(plan, &(struct implied){ 0 }, ret_fd, err);
}

static int mount_modern(const struct mount_plan *plan, const struct attach_place *place,
	const struct implied *implied, int *ret_fd, struct error *err)
{
	auto_fd fd = -1;

	if (make(plan, implied, &fd, err) < 0)
		return -1;
	if (plan->copy_up && copy_up(place->target_fd, fd, err) < 0)
		return -1;
	if (attach_tree(plan, fd, place, err) < 0)
		return -1;
	*ret_fd = take_fd(&fd);
	return 0;
}

int filesystem_mount_classic(const struct mount_plan *plan, const char *data,
	const struct attach_place *place, int *ret_fd, struct error *err)
{
	unsigned long flags =
		mnt_flags_of_attributes(fresh_attributes(plan)) | plan->superblock_flags;
	auto_fd fd = -1;

	if (plan->idmap)
		return fail_code(err, ENOSYS, "id-mapped mounts need Linux 5.12");
	/* MS_RDONLY of mount(2) is the file system's too. */
	if (!wants_read_only_superblock(plan))
		flags &= ~(unsigned long)MS_RDONLY;
	if (mnt_mount(plan->source, place->target_fd, plan->type, flags, data) < 0)
		return fail_errno(err, "mounting it");
	if (attach_reopen(place, &fd, err) < 0 || attach_attributes(plan, fd, err) < 0 ||
		attach_propagation(plan, fd, place, err) < 0)
		return -1;
	*ret_fd = take_fd(&fd);
	return 0;
}

static int mount_classic(const struct mount_plan *plan, const struct attach_place *place,
	const struct implied *implied, int *ret_fd, struct error *err)
{
	auto_strings options = { 0 };
	auto_free char *data = NULL;
	auto_fd fd = -1;

	strings_copy(&options, &plan->data);
	if (*implied->mode)
		strings_add(&options, implied->mode);
	if (implied->label) /* in quotes: it may have commas */
		strings_addf(&options, "context=\"%s\"", implied->label);
	data = strings_join(&options, ",");
	if (filesystem_mount_classic(plan, data, place, &fd, err) < 0)
		return -1;
	if (plan->copy_up && copy_up(place->target_fd, fd, err) < 0)
		return -1;
	*ret_fd = take_fd(&fd);
	return 0;
}

/* What fsopen() and fsconfig() cannot say: a subtype ("fuse.sshfs"), a long option; and
 * what only mount(2) takes of a file system that does not know it. */
static bool needs_classic(const struct mount_plan *plan, const char *label)
{
	if (strchr(plan->type, '.') || strings_contain(&plan->superblock, "iversion") ||
		(label && strlen(label) >= FILESYSTEM_VALUE_MAX))
		return true;
	strings_each (option, &plan->data) {
		if (strlen(*option) >= FILESYSTEM_VALUE_MAX)
			return true;
	}
	return false;
}

int filesystem_mount(const struct mount_plan *plan, const struct attach_place *place,
	const char *label, int *ret_fd, struct error *err)
{
	struct implied implied = { .label = label };

	if (imply_mode(plan, place, &implied, err) < 0)
		return -1;
	if (needs_classic(plan, label))
		return mount_classic(plan, place, &implied, ret_fd, err);
	if (mount_modern(plan, place, &implied, ret_fd, err) == 0)
		return 0;
	return mnt_is_missing(err->errnum)
		       ? mount_classic(plan, place, &implied, ret_fd, err)
		       : -1;
}
