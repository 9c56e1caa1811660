/* Who a container's process is. */
#include "runtime/process/identity.h"

#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "spec/process.h"

#define PASSWD_SIZE_MAX (1u << 20)

int identity_parse(const char *text, struct oci_user *user, struct error *err)
{
	auto_strings parts = { 0 };

	strings_split(&parts, text, ':');
	if (parts.count < 1 || parts.count > 2)
		return fail_code(err, EINVAL,
			"--user: expected UID or UID:GID, found \"%s\"", text);
	if (str_to_u32(parts.items[0], "--user: uid", &user->uid, err) < 0)
		return -1;
	if (parts.count == 2 &&
		str_to_u32(parts.items[1], "--user: gid", &user->gid, err) < 0)
		return -1;
	if (user->uid == UINT32_MAX || user->gid == UINT32_MAX)
		return fail_code(err, EINVAL,
			"--user: %u is no id: it means \"no change\"", UINT32_MAX);
	return 0;
}

/* name:password:uid:gid:comment:home:shell */
static bool home_of_line(const char *line, uint32_t uid, struct strings *env)
{
	auto_strings fields = { 0 };
	struct error ignored;
	uint32_t number;

	strings_split(&fields, line, ':');
	if (fields.count < 6 || fields.items[5][0] != '/' ||
		str_to_u32(fields.items[2], "uid", &number, &ignored) < 0 ||
		number != uid)
		return false;
	strings_env_set(env, "HOME", fields.items[5]);
	return true;
}

void identity_set_home(uint32_t uid, struct strings *env)
{
	const struct fd_read_options options = { .limit = PASSWD_SIZE_MAX,
		.regular_only = true };
	auto_fd fd = -1;
	auto_free char *text = NULL;
	auto_strings lines = { 0 };
	const char *home = strings_env(env, "HOME");
	struct error ignored;

	if (home && *home)
		return;
	/* Not to be held up by a FIFO of that name. */
	fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0 &&
		fd_read_all(fd, "/etc/passwd", options, &text, NULL, &ignored) == 0)
		strings_split(&lines, text, '\n');
	strings_each (line, &lines) {
		if (home_of_line(*line, uid, env))
			return;
	}
	strings_env_set(env, "HOME", "/");
}

int identity_become_root(bool dumpable, struct error *err)
{
	if (setresgid(0, 0, 0) < 0 && errno != EINVAL)
		return fail_errno(err, "becoming group 0 of the user namespace");
	if (setresuid(0, 0, 0) < 0 && errno != EINVAL)
		return fail_errno(err, "becoming user 0 of the user namespace");
	if (prctl(PR_SET_DUMPABLE, dumpable, 0, 0, 0) < 0)
		return fail_errno(err, "PR_SET_DUMPABLE");
	return 0;
}

static bool setgroups_denied(void)
{
	struct error ignored;
	auto_free char *text = NULL;

	return file_read_at(AT_FDCWD, "/proc/self/setgroups", 64, &text, NULL,
		       &ignored) == 0 &&
	       str_after(text, "deny");
}

/* EINVAL is the kernel's word for an id that the user namespace lacks. */
static int explain(struct error *err)
{
	return err->errnum == EINVAL
		       ? fail_hint(err, "is every id mapped in the user namespace?")
		       : -1;
}

/* A user's namespace without newgidmap has but one group, which podman asks for in addition
 * to itself. */
static void tell_left_out(const struct oci_user *user)
{
	for (size_t i = 0; i < user->additional_gids.count; i++)
		if (user->additional_gids.items[i] != user->gid)
			log_warning("/process/user/additionalGids/%zu: %u is left out: "
				    "this user namespace denies setgroups(2)",
				i, user->additional_gids.items[i]);
}

static int set_groups(const struct oci_user *user, struct error *err)
{
	size_t count = user->additional_gids.count;

	if (setgroups(count, user->additional_gids.items) == 0)
		return 0;
	(void)fail_errno(err, "/process/user/additionalGids: setting them");
	if (err->errnum == EPERM && setgroups_denied()) {
		tell_left_out(user);
		return 0;
	}
	return err->errnum == EPERM && !count && geteuid() != 0 ? 0 : -1;
}

static int become(const struct oci_user *user, bool keep_groups, struct error *err)
{
	if (!keep_groups && set_groups(user, err) < 0)
		return -1;
	if (setresgid(user->gid, user->gid, user->gid) < 0)
		return fail_errno(err, "/process/user/gid: becoming group %u", user->gid);
	if (setresuid(user->uid, user->uid, user->uid) < 0)
		return fail_errno(err, "/process/user/uid: becoming user %u", user->uid);
	return 0;
}

int identity_become(
	const struct oci_process *process, bool keep_groups, struct error *err)
{
	const struct oci_user *user = &process->user;

	umask(user->has_umask ? user->umask : 0022);
	return become(user, keep_groups, err) < 0 ? explain(err) : 0;
}
