/* Blobs are moved first and index.json is replaced last: until then nobody reads them. */
#include "builder/exchange/layout_stage.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "builder/layout.h"

#define STAGE "mocker-builder.partial" /* a killed one's is taken away by the next */

/* What was not there before, in the order in which it came. */
struct moving {
	int layout_fd;
	int stage_fd;
	struct strings made;
};

int layout_stage_begin(int layout_fd, int *ret_fd, struct error *err)
{
	auto_fd fd = -1;

	if (fd_lock(layout_fd, LOCK_EX, "the layout", err) < 0 ||
		path_remove_tree(layout_fd, STAGE, err) < 0)
		return -1;
	if (mkdirat(layout_fd, STAGE, 0700) < 0)
		return fail_errno(err, "making " STAGE);
	fd = openat(layout_fd, STAGE, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		(void)!fail_errno(err, "opening " STAGE);
		layout_stage_remove(layout_fd);
		return -1;
	}
	*ret_fd = take_fd(&fd);
	return 0;
}

static int make_directory(struct moving *moving, const char *name, struct error *err)
{
	if (mkdirat(moving->layout_fd, name, 0755) == 0)
		strings_add(&moving->made, name);
	else if (errno != EEXIST)
		return fail_errno(err, "making %s", name);
	return 0;
}

/* What is there under a name that is a digest is the same. */
static int move(struct moving *moving, const char *name, struct error *err)
{
	struct stat stat;

	if (fstatat(moving->layout_fd, name, &stat, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	if (renameat(moving->stage_fd, name, moving->layout_fd, name) < 0)
		return fail_errno(err, "naming %s", name);
	strings_add(&moving->made, name);
	return 0;
}

static int move_blobs(struct moving *moving, struct error *err)
{
	int fd = openat(
		moving->stage_fd, LAYOUT_BLOBS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_dir dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir)
		return fail_errno(err, "opening " LAYOUT_BLOBS);
	while ((entry = path_next(dir))) {
		auto_free char *name = str_format(LAYOUT_BLOBS "/%s", entry->d_name);

		if (entry->d_name[0] != '.' && move(moving, name, err) < 0)
			return -1;
	}
	return errno ? fail_errno(err, "reading " LAYOUT_BLOBS) : 0;
}

static void undo(const struct moving *moving)
{
	for (size_t i = moving->made.count; i-- > 0;) {
		const char *name = moving->made.items[i];

		if (unlinkat(moving->layout_fd, name, 0) < 0 && errno == EISDIR)
			(void)unlinkat(moving->layout_fd, name, AT_REMOVEDIR);
	}
}

int layout_stage_commit(int layout_fd, int stage_fd, struct error *err)
{
	struct moving moving = { .layout_fd = layout_fd, .stage_fd = stage_fd };
	int result = 0;

	if (make_directory(&moving, "blobs", err) < 0 ||
		make_directory(&moving, LAYOUT_BLOBS, err) < 0 ||
		move_blobs(&moving, err) < 0 || move(&moving, "oci-layout", err) < 0 ||
		layout_merge_index(stage_fd, layout_fd, err) < 0) {
		undo(&moving);
		result = -1;
	}
	strings_free(&moving.made);
	return result;
}

void layout_stage_remove(int layout_fd)
{
	struct error ignored;

	(void)!path_remove_tree(layout_fd, STAGE, &ignored); /* by the next, then */
}
