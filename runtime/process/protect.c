/* Our own binary, out of the container's reach. */
#include "runtime/process/protect.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/process.h"
#include "base/str.h"

#define ONCE  "MOCKER_PROTECTED" /* set for the second execution only */
#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static bool is_protected(int self)
{
	struct statvfs system;
	struct stat status;
	int seals = fcntl(self, F_GET_SEALS); /* -1: of a file that can have none */

	if (fstatvfs(self, &system) == 0 && system.f_flag & ST_RDONLY)
		return true;
	if (seals >= 0 && (seals & SEALS) == SEALS)
		return true;
	/* The root of another user's container is that user outside. */
	return geteuid() != 0 && fstat(self, &status) == 0 &&
	       status.st_uid != geteuid() && !(status.st_mode & (S_IWGRP | S_IWOTH));
}

/* -1 with errno where the kernel has no detached mounts, or we may not make any. */
static int read_only_mount(int self)
{
	struct mount_attr attributes = { .attr_set = MOUNT_ATTR_RDONLY };
	auto_fd tree = (int)syscall(SYS_open_tree, self, "",
		OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);

	if (tree < 0 || syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attributes,
				sizeof(attributes)) < 0)
		return -1;
	return take_fd(&tree);
}

static int sealed_copy(int file, const char *name, int *ret_fd, struct error *err)
{
	auto_fd copy = memfd_create("mocker-runtime", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (copy < 0)
		return fail_errno(err, "making a file in memory");
	if (fd_copy(file, copy, name, err) < 0)
		return -1;
	if (fcntl(copy, F_ADD_SEALS, SEALS) < 0)
		return fail_errno(err, "sealing a file in memory");
	*ret_fd = take_fd(&copy);
	return 0;
}

int protect_file(int file, const char *name, int *ret_fd, struct error *err)
{
	int fd = read_only_mount(file);

	if (fd < 0)
		return sealed_copy(file, name, ret_fd, err);
	*ret_fd = fd;
	return 0;
}

static int execute_again(int self, struct error *err)
{
	auto_strings arguments = { 0 };
	auto_fd safe = -1;

	if (protect_file(self, "/proc/self/exe", &safe, err) < 0)
		return -1;
	if (process_arguments(&arguments, err) < 0)
		return -1;
	if (setenv(ONCE, "1", 1) < 0)
		return fail_errno(err, "setting %s", ONCE);
	syscall(SYS_execveat, safe, "", arguments.items, environ, AT_EMPTY_PATH);
	return fail_errno(err, "executing ourselves from a safe place");
}

int protect_self(struct error *err)
{
	auto_fd self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	bool again = getenv(ONCE);

	if (self < 0)
		return fail_errno(err, "opening /proc/self/exe; is /proc mounted?");
	unsetenv(ONCE);
	if (is_protected(self)) {
		(void)prctl(PR_SET_NAME, "mocker-runtime"); /* instead of a number */
		return 0;
	}
	if (again) /* not for ever */
		return fail(err, "our own binary cannot be protected from the container");
	return execute_again(self, err);
}
