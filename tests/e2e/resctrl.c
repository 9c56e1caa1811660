/*
 * A preload that makes the directory of a tmpfs, /sys/fs/resctrl, look like the resctrl
 * file system of a processor with RDT: statfs(2) says so, a new class or monitoring group
 * comes with its files, and rmdir(2) takes them along. For machines without RDT.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#define PLACE "/sys/fs/resctrl"

static int is_ours(const char *path)
{
	return strncmp(path, PLACE, strlen(PLACE)) == 0;
}

int statfs(const char *path, struct statfs *ret)
{
	int result = (int)syscall(SYS_statfs, path, ret);

	if (result == 0 && is_ours(path))
		ret->f_type = RDTGROUP_SUPER_MAGIC;
	return result;
}

static void in_it(const char *path, const char *name, int make)
{
	char file[4096];

	snprintf(file, sizeof(file), "%s/%s", path, name);
	if (make)
		(void)!close(open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	else
		(void)!unlink(file);
}

int mkdir(const char *path, mode_t mode)
{
	int result = (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
	char below[4096];

	if (result < 0 || !is_ours(path))
		return result;
	in_it(path, "tasks", 1);
	if (strstr(path, "/mon_groups/"))
		return 0;
	in_it(path, "schemata", 1);
	snprintf(below, sizeof(below), "%s/mon_groups", path);
	return (int)syscall(SYS_mkdirat, AT_FDCWD, below, 0755);
}

int rmdir(const char *path)
{
	char below[4096];

	if (is_ours(path)) {
		in_it(path, "tasks", 0);
		in_it(path, "schemata", 0);
		snprintf(below, sizeof(below), "%s/mon_groups", path);
		(void)!syscall(SYS_unlinkat, AT_FDCWD, below, AT_REMOVEDIR);
	}
	return (int)syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
}
