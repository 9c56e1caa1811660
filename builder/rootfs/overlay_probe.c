/* The trial: in STORE/probe, which is empty before and after. */
#include "builder/rootfs/overlay_probe.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "base/str.h"
#include "builder/build/worker.h"
#include "builder/rootfs/overlay.h"
#include "builder/rootfs/overlay_marks.h"

static const char *const names[] = { "upper", "work", "root" };

/* In a mount namespace of its own. */
static int try_overlay(void *argument, int output, struct error *err)
{
	const struct store *store = argument;
	auto_free char *upper = store_path(store, "probe", "upper");
	auto_free char *work = store_path(store, "probe", "work");
	auto_free char *root = store_path(store, "probe", "root");
	auto_overlay overlay = { 0 };
	auto_fd fd = -1;

	strings_add_take(&overlay.lowers, store_path(store, "empty", NULL));
	overlay_set_upper(&overlay, upper, work);
	if (worker_isolate_mounts(err) < 0 || overlay_mount(&overlay, root, err) < 0)
		return -1;
	fd = open(upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || overlay_mark_opaque(fd) < 0)
		return fail_errno(err, "marking %s", upper);
	return 0;
}

int overlay_probe(const struct store *store, bool *ret_refused, struct error *err)
{
	struct worker worker = {
		.work = try_overlay,
		.argument = (void *)store,
		.signal_fd = -1,
	};
	struct error why;
	auto_fd fd = -1;

	if (mkdirat(store->root_fd, "probe", 0700) < 0 && errno != EEXIST)
		return fail_errno(err, "making %s/probe", store->root);
	fd = openat(
		store->root_fd, "probe", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(err, "opening %s/probe", store->root);
	if (fd_lock(fd, LOCK_EX, "probe", err) < 0 ||
		path_remove_children(fd, "probe", err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (mkdirat(fd, names[i], 0755) < 0)
			return fail_errno(
				err, "making %s/probe/%s", store->root, names[i]);
	}
	*ret_refused = worker_run(&worker, &why) < 0;
	if (*ret_refused)
		log_debug("layers are copied, not stacked: %s", why.text);
	return path_remove_children(fd, "probe", err);
}
