/* A name becomes a path beneath /proc/sys, and its value is written there. */
#include "runtime/rootfs/sysctl.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

/* "net.ipv4.ip_forward", or "net/ipv4/conf/eth0.1/forwarding": the separator that comes
 * first is the separator, the other one part of names (and "." stands for "/" there). */
static char *path_of(const char *name)
{
	char *path = str_dup(name);

	if (path[strcspn(path, "./")] == '/')
		return path;
	for (char *c = path; *c; c++) {
		if (*c == '.')
			*c = '/';
		else if (*c == '/')
			*c = '.';
	}
	return path;
}

static bool leads_out(const char *path)
{
	return *path == '/' || strstr(path, "../") || strcmp(path, "..") == 0;
}

static int apply_one(const struct pair *pair, int proc_sys_fd, struct error *err)
{
	auto_free char *path = path_of(pair->key);
	auto_fd fd = -1;

	if (leads_out(path))
		return fail(err, "is no name of a kernel parameter");
	fd = openat(proc_sys_fd, path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(err, "opening /proc/sys/%s", path);
	if (fd_write_all(fd, pair->value, strlen(pair->value)) < 0)
		return fail_errno(
			err, "writing \"%s\" to /proc/sys/%s", pair->value, path);
	return 0;
}

int sysctl_apply(const struct pairs *sysctl, int proc_sys_fd, struct error *err)
{
	for (size_t i = 0; i < sysctl->count; i++) {
		if (apply_one(&sysctl->items[i], proc_sys_fd, err) < 0)
			return fail_while(err, "/linux/sysctl/%s", sysctl->items[i].key);
	}
	return 0;
}
