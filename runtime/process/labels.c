/*
 * Labels of the Linux security modules. Both modules take effect at execve, by a write to
 * a file of /proc/self/attr; which file depends on whether the kernel stacks modules.
 * Whether they know a name, each tells by a file of its own file system.
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

static bool wants(const char *label)
{
	return label && *label;
}

bool labels_wanted(const struct oci_process *process)
{
	return wants(process->apparmor_profile) || wants(process->selinux_label);
}

/* The answer to a question that is written to the file; where the file is not, or is not
 * for us, 0: then the write that sets the label will tell. */
static int ask(const char *path, const char *question, size_t length)
{
	auto_fd fd = open(path, O_RDWR | O_CLOEXEC);

	return fd >= 0 && write(fd, question, length) < 0 ? errno : 0;
}

/* By a question for the access that the profile gives to a file. */
static bool apparmor_knows(const char *profile)
{
	static const char path[] = "/sys/kernel/security/apparmor/.access";
	auto_str question = { 0 };

	str_append_n(&question, "label", sizeof("label"));
	str_append_n(&question, profile, strlen(profile) + 1);
	str_append(&question, "\2/"); /* 2: the class of files */
	return ask(path, question.data, question.length) != ENOENT;
}

static bool selinux_knows(const char *label)
{
	return ask("/sys/fs/selinux/context", label, strlen(label) + 1) != EINVAL;
}

/* "unconfined" asks for nothing, so that it is true where there is no AppArmor. */
int labels_check_apparmor(const char *what, const char *profile, struct error *err)
{
	if (!wants(profile) || str_equal(profile, "unconfined"))
		return 0;
	if (!labels_apparmor_active())
		return fail(err,
			"%s: \"%s\": AppArmor is not active on this machine; remove the "
			"profile to run without it",
			what, profile);
	if (!apparmor_knows(profile))
		return fail(err, "%s: \"%s\": AppArmor has no such profile loaded", what,
			profile);
	return 0;
}

int labels_check_selinux(const char *what, const char *label, struct error *err)
{
	if (!wants(label))
		return 0;
	if (!labels_selinux_active())
		return fail(err,
			"%s: \"%s\": SELinux is not active on this machine; remove the "
			"label to run without it",
			what, label);
	if (!selinux_knows(label))
		return fail(err, "%s: \"%s\": SELinux's policy has no such label", what,
			label);
	return 0;
}

int labels_check(const struct oci_process *process, struct error *err)
{
	if (labels_check_apparmor(
		    "/process/apparmorProfile", process->apparmor_profile, err) < 0)
		return -1;
	return labels_check_selinux("/process/selinuxLabel", process->selinux_label, err);
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

static int apply(const char *what, const char *label, const char *const *names,
	int proc_fd, struct error *err)
{
	auto_fd fd = -1;

	if (open_attr(proc_fd, names, &fd, err) < 0)
		return fail_while(err, "%s", what);
	if (fd_write_all(fd, label, strlen(label)) < 0)
		return fail_errno(err, "%s: \"%s\"", what, label);
	return 0;
}

static int apply_apparmor(const char *profile, int proc_fd, struct error *err)
{
	static const char *const names[] = { "apparmor/exec", "exec", NULL };
	auto_free char *value = str_format("exec %s", profile);

	if (apply("/process/apparmorProfile", value, names, proc_fd, err) == 0)
		return 0;
	/* Where AppArmor is not active nobody is confined by it. */
	if (str_equal(profile, "unconfined") &&
		(err->errnum == ENOENT || err->errnum == EINVAL))
		return 0;
	return err->errnum == ENOENT ? fail_hint(err, "is the profile loaded?") : -1;
}

static int apply_selinux(
	const char *label, const char *name, int proc_fd, struct error *err)
{
	const char *const names[] = { name, NULL };

	return apply("/process/selinuxLabel", label, names, proc_fd, err);
}

/* The modules' own file systems are out of sight here: the writes tell. */
int labels_apply(const struct oci_process *process, int proc_fd, struct error *err)
{
	if (wants(process->apparmor_profile) &&
		apply_apparmor(process->apparmor_profile, proc_fd, err) < 0)
		return -1;
	if (wants(process->selinux_label))
		return apply_selinux(process->selinux_label, "exec", proc_fd, err);
	return 0;
}

int labels_apply_keys(const struct oci_process *process, int proc_fd, struct error *err)
{
	return wants(process->selinux_label)
		       ? apply_selinux(process->selinux_label, "keycreate", proc_fd, err)
		       : 0;
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
	if (wants(labels->apparmor) && labels_apparmor_active() &&
		expect_one(pid,
			access("/proc/self/attr/apparmor", F_OK) == 0 ? "apparmor/current"
								      : "current",
			"AppArmor", labels->apparmor, err) < 0)
		return -1;
	if (wants(labels->selinux) && labels_selinux_active())
		return expect_one(pid, "current", "SELinux", labels->selinux, err);
	return 0;
}
