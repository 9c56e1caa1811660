/*
 * Labels of the Linux security modules. Both modules take effect at execve, by a write to
 * a file of /proc/self/attr; which file depends on whether the kernel stacks modules.
 */
#include "runtime/process/labels.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/str.h"
#include "runtime/process/procfs.h"
#include "spec/process.h"

bool labels_apparmor_active(void)
{
	char answer = 'N';
	auto_fd fd =
		open("/sys/module/apparmor/parameters/enabled", O_RDONLY | O_CLOEXEC);

	return fd >= 0 && read(fd, &answer, 1) == 1 && answer == 'Y';
}

bool labels_selinux_active(void)
{
	struct statfs fs;

	return statfs("/sys/fs/selinux", &fs) == 0 &&
	       (uint32_t)fs.f_type == SELINUX_MAGIC;
}

/* "unconfined" asks for nothing, so that it is true where there is no AppArmor. */
static bool wants_apparmor(const struct oci_process *process)
{
	return process->apparmor_profile && *process->apparmor_profile;
}

static bool wants_selinux(const struct oci_process *process)
{
	return process->selinux_label && *process->selinux_label;
}

int labels_check(const struct oci_process *process, struct error *err)
{
	if (wants_apparmor(process) &&
		!str_equal(process->apparmor_profile, "unconfined") &&
		!labels_apparmor_active())
		return fail(err,
			"/process/apparmorProfile: \"%s\": AppArmor is not active on this "
			"machine; remove the profile to run without it",
			process->apparmor_profile);
	if (wants_selinux(process) && !labels_selinux_active())
		return fail(err,
			"/process/selinuxLabel: \"%s\": SELinux is not active on this "
			"machine; remove the label to run without it",
			process->selinux_label);
	return 0;
}

/* An image may put anything at /proc: what takes the label must be a procfs. */
static int open_attr(int proc_fd, const char *const *names, int *ret, struct error *err)
{
	const char *name = NULL;
	auto_fd fd = -1;
	struct statfs fs;

	for (; *names && fd < 0; names++) {
		auto_free char *path =
			str_format("%sself/attr/%s", proc_fd < 0 ? "/proc/" : "", *names);

		name = *names;
		fd = openat(proc_fd < 0 ? AT_FDCWD : proc_fd, path, O_WRONLY | O_CLOEXEC);
	}
	if (fd < 0)
		return fail_errno(err, "opening /proc/self/attr/%s", name);
	if (fstatfs(fd, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC)
		return fail(err, "/proc/self/attr/%s is not of a procfs", name);
	*ret = take_fd(&fd);
	return 0;
}

static int apply_apparmor(const char *profile, int proc_fd, struct error *err)
{
	static const char *const names[] = { "apparmor/exec", "exec", NULL };
	auto_free char *value = str_format("exec %s", profile);
	auto_fd fd = -1;

	if (open_attr(proc_fd, names, &fd, err) < 0)
		return fail_while(err, "/process/apparmorProfile");
	if (fd_write_all(fd, value, strlen(value)) < 0) {
		(void)fail_errno(err, "/process/apparmorProfile: \"%s\"", profile);
		return err->errnum == ENOENT ? fail_hint(err, "is the profile loaded?")
					     : -1;
	}
	return 0;
}

static int apply_selinux(const char *label, int proc_fd, struct error *err)
{
	static const char *const names[] = { "exec", NULL };
	auto_fd fd = -1;

	if (open_attr(proc_fd, names, &fd, err) < 0)
		return fail_while(err, "/process/selinuxLabel");
	if (fd_write_all(fd, label, strlen(label)) < 0)
		return fail_errno(err, "/process/selinuxLabel: \"%s\"", label);
	return 0;
}

int labels_apply(const struct oci_process *process, int proc_fd, struct error *err)
{
	bool unconfined = str_equal(process->apparmor_profile, "unconfined");

	if (labels_check(process, err) < 0)
		return -1;
	if (wants_apparmor(process) && !(unconfined && !labels_apparmor_active()) &&
		apply_apparmor(process->apparmor_profile, proc_fd, err) < 0)
		return -1;
	if (wants_selinux(process) &&
		apply_selinux(process->selinux_label, proc_fd, err) < 0)
		return -1;
	return 0;
}

/* AppArmor's has its mode behind it: "NAME (enforce)". */
static int expect_one(pid_t pid, const char *file, const char *module,
	const char *expected, struct error *err)
{
	auto_free char *path = str_format("attr/%s", file);
	auto_free char *label = procfs_read(pid, path);
	const char *rest;

	if (!label)
		return fail(err, "reading the %s label of process %d", module, pid);
	label[strcspn(label, "\n")] = '\0';
	rest = str_after(label, expected);
	if (rest && (!*rest || (str_equal(module, "AppArmor") && str_after(rest, " ("))))
		return 0;
	return fail_code(err, EACCES, "it is confined by %s as \"%s\", not as \"%s\"",
		module, label, expected);
}

int labels_expect(pid_t pid, const struct labels *labels, struct error *err)
{
	if (labels->apparmor && *labels->apparmor && labels_apparmor_active() &&
		expect_one(pid,
			access("/proc/self/attr/apparmor", F_OK) == 0 ? "apparmor/current"
								      : "current",
			"AppArmor", labels->apparmor, err) < 0)
		return -1;
	if (labels->selinux && *labels->selinux && labels_selinux_active())
		return expect_one(pid, "current", "SELinux", labels->selinux, err);
	return 0;
}
