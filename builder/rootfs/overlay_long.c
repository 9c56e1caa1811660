/* Layer by layer, by fsconfig(2). A file of its own: <linux/mount.h> and <sys/mount.h> do
 * not go together with every C library. */
#include "builder/rootfs/overlay_long.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

static int set_option(int fs, const char *key, const char *value, struct error *err)
{
	unsigned int command = value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;

	if (syscall(SYS_fsconfig, fs, command, key, value, 0) < 0)
		return fail_errno(err, "setting overlayfs's %s", key);
	return 0;
}

/* One option as a person writes it; of lowerdir each directory on its own. */
static int set_word(int fs, const char *word, struct error *err)
{
	const char *lowers = str_after(word, "lowerdir=");
	const char *equals = strchr(word, '=');
	auto_strings list = { 0 };
	auto_free char *key =
		equals ? str_dup_n(word, (size_t)(equals - word)) : str_dup(word);

	if (!lowers)
		return set_option(fs, key, equals ? equals + 1 : NULL, err);
	strings_split(&list, lowers, ':');
	strings_each (lower, &list) {
		if (set_option(fs, "lowerdir+", *lower, err) < 0)
			return -1;
	}
	return 0;
}

int overlay_mount_long(
	const struct strings *options, const char *target, struct error *err)
{
	auto_fd fs = (int)syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC);
	auto_fd mounted = -1;

	if (fs < 0)
		return fail_errno(err, "opening overlayfs");
	strings_each (word, options) {
		if (set_word(fs, *word, err) < 0)
			return -1;
	}
	if (syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return fail_errno(err, "making an overlay for %s", target);
	mounted = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
	if (mounted < 0 || syscall(SYS_move_mount, mounted, "", AT_FDCWD, target,
				   MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return fail_errno(err, "mounting an overlay on %s", target);
	return 0;
}
