/* The session keyring of a container. */
#include "runtime/process/keyring.h"

#include <linux/keyctl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "runtime/process/labels.h"

/* By a name that tells whose it is in /proc/keys. Nobody finds it by that name, for only
 * its possessors may search it: each exec has one of its own, and another container of the
 * same user cannot join this one (with runc, which opens it for the user, it can).
 *
 * A kernel without keys, or a filter around us that forbids them, leaves none to
 * protect. */
int keyring_join(
	const char *id, const struct oci_process *process, int proc_fd, struct error *err)
{
	auto_free char *name = str_format("_ses.%s", id);

	if (labels_apply_keys(process, proc_fd, err) < 0)
		return -1;
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, name) < 0 &&
		errno != ENOSYS && errno != EPERM && errno != EACCES)
		return fail_errno(err, "joining the session keyring %s", name);
	return 0;
}
