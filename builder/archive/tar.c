/*
 * tar_extract(): read_all() takes one header after the other, place_of() makes its name
 * safe and opens its directory beneath the root, a function per type makes the entry.
 * Directories get their time last, when nothing is put into them any more.
 *
 * Of system calls, a file costs its creation with its mode, its writes, its time; a
 * change of owner or of mode only where creation did not give it.
 */
#include "builder/archive/tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "builder/archive/tar_below.h"
#include "builder/archive/tar_name.h"
#include "builder/archive/tar_open.h"
#include "builder/archive/tar_xattrs.h"
#include "builder/rootfs/overlay_marks.h"
#include "builder/rootless.h"

#define SIZE_MAX_TOTAL (INT64_C(1) << 40)
#define ENTRIES_MAX    10000000
#define LATE_BYTES_MAX (size_t)(256u << 20)
#define TRAILER_MAX    (INT64_C(64) << 20) /* blocks of zeroes behind the last entry */
#define MODE_UNKNOWN   ((mode_t)-1)
#define WHITEOUT       ".wh."
#define OPAQUE         ".wh..wh..opq"

struct late_time {
	char *path;
	struct timespec time;
};

struct extraction {
	const struct tar_extract_options *options;
	struct archive *archive;
	struct tar_stream *stream;
	int root_fd;
	int parent_fd; /* of the entry before, with its path: most share it */
	char *parent;
	bool parent_gives_group; /* what is made there does not get ours */
	uid_t uid;               /* ours: whose files are that we make */
	gid_t gid;
	int64_t size;
	int64_t file_size; /* of the files alone, as they claim it */
	int64_t entries;
	struct late_time *late;
	size_t late_count;
	size_t late_capacity;
	size_t late_bytes;
	struct error *err;
};

/* One entry, its name made safe. */
struct place {
	char *path; /* beneath the root, clean; "" is the root */
	const char *name;
	int fd; /* of its directory; borrowed */
	struct archive_entry *entry;
};

static void forget_parent(struct extraction *x)
{
	if (x->parent_fd >= 0)
		close(x->parent_fd);
	x->parent_fd = -1;
	free(x->parent);
	x->parent = NULL;
}

static void forget_times(struct extraction *x)
{
	for (size_t i = 0; i < x->late_count; i++)
		free(x->late[i].path);
	x->late_count = x->late_bytes = 0;
}

static void extraction_free(struct extraction *x)
{
	forget_parent(x);
	forget_times(x);
	free(x->late);
	if (x->archive)
		(void)archive_read_free(x->archive); /* reading: nothing can be lost */
	tar_stream_free(x->stream);
}

#define auto_extraction __attribute__((cleanup(extraction_free))) struct extraction

static int fail_archive(struct extraction *x)
{
	const char *text = archive_error_string(x->archive);

	/* EILSEQ is libarchive's word for a wrong format; no format: not even begun. */
	if (archive_errno(x->archive) == EILSEQ && archive_format(x->archive) == 0)
		text = "it is no archive that can be unpacked";
	return fail(x->err, "%s: %s", x->options->name,
		text ? text : "the archive is damaged");
}

/* ---- names ---- */

static int open_parent(struct extraction *x, const char *parent)
{
	struct path_mkdir_options options = tar_parent_options(x->options->below);
	struct stat stat;

	if (x->parent && strcmp(x->parent, parent) == 0)
		return 0;
	forget_parent(x);
	if (path_mkdirs_in_root(x->root_fd, parent, options, &x->parent_fd, x->err) < 0)
		return fail_while(x->err, "%s", x->options->name);
	if (fstat(x->parent_fd, &stat) < 0)
		return fail_errno(x->err, "%s: %s", x->options->name, parent);
	x->parent_gives_group = stat.st_mode & S_ISGID;
	x->parent = str_dup(parent);
	return 0;
}

static int place_of(struct extraction *x, struct archive_entry *entry, struct place *ret)
{
	auto_free char *path = NULL;
	const char *slash;

	if (tar_clean_name(
		    x->options->name, archive_entry_pathname(entry), &path, x->err) < 0)
		return -1;
	slash = strrchr(path, '/');
	if (*path) {
		auto_free char *parent =
			slash ? str_dup_n(path, (size_t)(slash - path)) : str_dup(".");

		if (open_parent(x, parent) < 0)
			return -1;
	}
	ret->entry = entry;
	ret->fd = x->parent_fd;
	ret->path = take_ptr(&path);
	ret->name = path_base(ret->path);
	return 0;
}

/* ---- attributes ---- */

static int fail_entry(struct extraction *x, const struct place *place, const char *doing)
{
	return fail_errno(x->err, "%s: %s %s", x->options->name, doing, place->path);
}

static int fail_owner(
	struct extraction *x, const struct place *place, uid_t uid, gid_t gid)
{
	(void)!fail_entry(x, place, "setting the owner of");
	return rootless_fail_owner(uid, gid, x->err);
}

static int owner_of(
	struct extraction *x, const struct place *place, uid_t *uid, gid_t *gid)
{
	int64_t u = archive_entry_uid(place->entry), g = archive_entry_gid(place->entry);

	*uid = x->options->uid;
	*gid = x->options->gid;
	if (!x->options->keep_owner)
		return 0;
	if (u < 0 || u >= UINT32_MAX || g < 0 || g >= UINT32_MAX)
		return fail(x->err, "%s: %s has an impossible owner", x->options->name,
			place->path);
	*uid = (uid_t)u;
	*gid = (gid_t)g;
	return 0;
}

static struct timespec time_of(struct extraction *x, const struct place *place)
{
	struct timespec time = {
		.tv_sec = archive_entry_mtime(place->entry),
		.tv_nsec = archive_entry_mtime_nsec(place->entry),
	};

	if (x->options->epoch >= 0 && time.tv_sec >= x->options->epoch)
		time = (struct timespec){ .tv_sec = x->options->epoch };
	return time;
}

/* Of a file or directory that is open, with the mode that it was made with. A change of
 * owner takes the bits for set-id away, so that the mode comes after it. */
static int finish(struct extraction *x, const struct place *place, int fd, mode_t made)
{
	struct timespec times[2] = { time_of(x, place), time_of(x, place) };
	mode_t mode = archive_entry_perm(place->entry) & 07777;
	uid_t uid;
	gid_t gid;

	if (owner_of(x, place, &uid, &gid) < 0)
		return -1;
	if ((uid != x->uid || gid != x->gid || x->parent_gives_group ||
		    made == MODE_UNKNOWN) &&
		fchown(fd, uid, gid) < 0)
		return fail_owner(x, place, uid, gid);
	if (mode != made && fchmod(fd, mode) < 0)
		return fail_entry(x, place, "setting the mode of");
	if (tar_set_xattrs(place->entry, fd) < 0)
		return fail_entry(x, place, "setting an attribute of");
	if (futimens(fd, times) < 0)
		return fail_entry(x, place, "setting the time of");
	return 0;
}

/* Of a link or node, which cannot be opened. */
static int finish_at(struct extraction *x, const struct place *place)
{
	struct timespec times[2] = { time_of(x, place), time_of(x, place) };
	uid_t uid;
	gid_t gid;

	if (owner_of(x, place, &uid, &gid) < 0)
		return -1;
	if ((uid != x->uid || gid != x->gid || x->parent_gives_group) &&
		fchownat(place->fd, place->name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
		return fail_owner(x, place, uid, gid);
	if (utimensat(place->fd, place->name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return fail_entry(x, place, "setting the time of");
	return 0;
}

/* ---- entries ---- */

/* Makes room for an entry. What stood there may be the directory that is remembered. */
static int remove_old(struct extraction *x, const struct place *place)
{
	if (unlinkat(place->fd, place->name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return fail_entry(x, place, "replacing");
	if (path_remove_tree(place->fd, place->name, x->err) < 0)
		return fail_while(
			x->err, "%s: replacing %s", x->options->name, place->path);
	return 0;
}

static int write_block(struct extraction *x, const struct place *place, int fd,
	const char *data, size_t length, int64_t offset)
{
	int64_t limit = x->options->size_max ? x->options->size_max : SIZE_MAX_TOTAL;

	x->size += (int64_t)length;
	if (offset < 0 || offset > limit || x->size > limit)
		return fail(x->err, "%s: it unpacks to more than %lld bytes",
			x->options->name, (long long)limit);
	while (length > 0) {
		ssize_t written = pwrite(fd, data, length, offset);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return fail_entry(x, place, "writing");
		data += written;
		length -= (size_t)written;
		offset += written;
	}
	return 0;
}

static int write_data(struct extraction *x, const struct place *place, int fd)
{
	int64_t limit = x->options->size_max ? x->options->size_max : SIZE_MAX_TOTAL;
	int64_t size = archive_entry_size(place->entry), offset;
	const void *data;
	size_t length;
	int status;

	if (size < 0 || size > limit)
		return fail(x->err, "%s: %s claims a size of %lld bytes",
			x->options->name, place->path, (long long)size);
	while ((status = archive_read_data_block(x->archive, &data, &length, &offset)) ==
		ARCHIVE_OK)
		if (write_block(x, place, fd, data, length, offset) < 0)
			return -1;
	if (status != ARCHIVE_EOF)
		return fail_archive(x);
	if (archive_entry_sparse_count(place->entry) > 0 && ftruncate(fd, size) < 0)
		return fail_entry(x, place, "writing");
	return 0;
}

static int extract_file(struct extraction *x, const struct place *place)
{
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	mode_t mode = archive_entry_perm(place->entry) & 0777;
	auto_fd fd = openat(place->fd, place->name, flags, mode);

	if (fd < 0 && errno == EEXIST) {
		if (remove_old(x, place) < 0)
			return -1;
		fd = openat(place->fd, place->name, flags, mode);
	}
	if (fd < 0)
		return fail_entry(x, place, "creating");
	if (write_data(x, place, fd) < 0)
		return -1;
	x->file_size += archive_entry_size(place->entry);
	return finish(x, place, fd, mode);
}

static int set_late_times(struct extraction *x)
{
	for (size_t i = x->late_count; i-- > 0;) {
		struct timespec times[2] = { x->late[i].time, x->late[i].time };
		const char *path = *x->late[i].path ? x->late[i].path : ".";
		auto_fd fd = path_try_open_in_root(
			x->root_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);

		if (!*x->late[i].path && !x->options->layer)
			continue;
		if (fd >= 0 && futimens(fd, times) < 0)
			return fail_errno(x->err, "%s: setting the time of %s",
				x->options->name, path);
	}
	forget_times(x);
	return 0;
}

/* Millions of them are set before the end, whatever comes into them later. */
static int remember_time(struct extraction *x, const struct place *place)
{
	x->late_bytes += strlen(place->path) + sizeof(*x->late);
	if (x->late_bytes > LATE_BYTES_MAX && set_late_times(x) < 0)
		return -1;
	if (x->late_count == x->late_capacity) {
		x->late_capacity = MAX(64u, x->late_capacity * 2);
		x->late = str_realloc(x->late, x->late_capacity, sizeof(*x->late));
	}
	x->late[x->late_count++] =
		(struct late_time){ str_dup(place->path), time_of(x, place) };
	return 0;
}

static int extract_directory(struct extraction *x, const struct place *place)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	bool was_whiteout = false;
	struct stat st;
	auto_fd fd = -1;

	if (!*place->path) {
		if (remember_time(x, place) < 0)
			return -1;
		return x->options->layer ? finish(x, place, x->root_fd, MODE_UNKNOWN) : 0;
	}
	if (mkdirat(place->fd, place->name, 0700) < 0 && errno != EEXIST)
		return fail_entry(x, place, "making the directory");
	fd = openat(place->fd, place->name, flags);
	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP)) {
		was_whiteout =
			fstatat(place->fd, place->name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			overlay_is_whiteout(place->fd, place->name, &st);
		if (remove_old(x, place) < 0)
			return -1;
		if (mkdirat(place->fd, place->name, 0700) < 0)
			return fail_entry(x, place, "making the directory");
		fd = openat(place->fd, place->name, flags);
	}
	if (fd < 0)
		return fail_entry(x, place, "opening");
	if (was_whiteout && overlay_mark_opaque(fd) < 0)
		return fail_entry(x, place, "marking as opaque");
	return remember_time(x, place) < 0 ? -1 : finish(x, place, fd, MODE_UNKNOWN);
}

static int extract_symlink(struct extraction *x, const struct place *place)
{
	const char *text = archive_entry_symlink(place->entry);

	if (!text || !*text)
		return fail(x->err, "%s: the link %s leads nowhere", x->options->name,
			place->path);
	if (remove_old(x, place) < 0)
		return -1;
	if (symlinkat(text, place->fd, place->name) < 0)
		return fail_entry(x, place, "making the link");
	return finish_at(x, place);
}

/* The file that it links to must be in the root already, and is found beneath it without
 * following a link at its end. */
static int extract_hardlink(struct extraction *x, const struct place *place)
{
	auto_free char *existing = NULL;
	struct stat st;
	auto_fd fd = -1;

	if (tar_clean_name(x->options->name, archive_entry_hardlink(place->entry),
		    &existing, x->err) < 0)
		return -1;
	fd = path_try_open_in_root(x->root_fd, existing, O_PATH | O_NOFOLLOW, 0);
	if (fd < 0 || fstat(fd, &st) < 0)
		return fail(x->err, "%s: %s links to %s, which is not there",
			x->options->name, place->path, existing);
	if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
		return fail(x->err, "%s: %s links to %s, which is no file",
			x->options->name, place->path, existing);
	if (strcmp(existing, place->path) == 0)
		return 0;
	if (remove_old(x, place) < 0)
		return -1;
	if (linkat(AT_FDCWD, fd_path(fd).text, place->fd, place->name,
		    AT_SYMLINK_FOLLOW) < 0)
		return fail_entry(x, place, "making the hard link");
	return 0;
}

static int extract_node(struct extraction *x, const struct place *place)
{
	mode_t type = archive_entry_filetype(place->entry);
	dev_t device = type == S_IFIFO ? 0 : archive_entry_rdev(place->entry);

	if (type != S_IFIFO && !x->options->devices)
		return fail(
			x->err, "%s: %s is a device node", x->options->name, place->path);
	if (type == S_IFCHR && device == makedev(0, 0))
		return fail(x->err, "%s: %s poses as a whiteout of overlayfs",
			x->options->name, place->path);
	if (remove_old(x, place) < 0)
		return -1;
	if (mknodat(place->fd, place->name,
		    type | (archive_entry_perm(place->entry) & 07777), device) < 0)
		return rootless_leaves_out_node(x->options->name, place->path)
			       ? 0
			       : fail_entry(x, place, "making the node");
	return finish_at(x, place);
}

/* ---- whiteouts ---- */

static int extract_opaque(struct extraction *x, const struct place *place)
{
	auto_fd fd = openat(place->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || overlay_mark_opaque(fd) < 0)
		return fail_entry(x, place, "marking as opaque the directory of");
	return tar_drop_whiteouts(fd, x->err);
}

/* A directory that this layer has made already hides what is below it; a file does so
 * anyhow. */
static int extract_whiteout(struct extraction *x, const struct place *place)
{
	const char *name = place->name + strlen(WHITEOUT);
	size_t above = strlen(place->path) - strlen(place->name);
	auto_free char *path = str_format("%.*s%s", (int)above, place->path, name);
	auto_fd fd = -1;

	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return fail(x->err, "%s: the whiteout %s names nothing", x->options->name,
			place->path);
	if (!tar_shows_below(x->root_fd, path, x->options->below) ||
		overlay_make_whiteout(place->fd, name) == 0)
		return 0;
	if (errno != EEXIST)
		return fail_entry(x, place, "making the whiteout");
	fd = openat(place->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && overlay_mark_opaque(fd) < 0)
		return fail_entry(x, place, "marking as opaque what is below");
	return 0;
}

static bool try_whiteout(struct extraction *x, const struct place *place, int *ret_result)
{
	if (!x->options->layer || !str_after(place->name, WHITEOUT))
		return false;
	if (strcmp(place->name, OPAQUE) == 0)
		*ret_result = extract_opaque(x, place);
	else if (str_after(place->name, ".wh..wh."))
		*ret_result = 0; /* aufs's own marks */
	else
		*ret_result = extract_whiteout(x, place);
	return true;
}

/* ---- the archive ---- */

static int extract_by_type(struct extraction *x, const struct place *place)
{
	mode_t type = archive_entry_filetype(place->entry);

	if (!*place->path && type != S_IFDIR)
		return fail(x->err, "%s: an entry would replace the root itself",
			x->options->name);
	if (archive_entry_hardlink(place->entry))
		return extract_hardlink(x, place);
	switch (type) {
	case S_IFREG:
		return extract_file(x, place);
	case S_IFDIR:
		return extract_directory(x, place);
	case S_IFLNK:
		return extract_symlink(x, place);
	case S_IFIFO:
	case S_IFCHR:
	case S_IFBLK:
		return extract_node(x, place);
	case S_IFSOCK:
		return 0;
	default:
		return fail(x->err, "%s: %s is of an unknown type", x->options->name,
			place->path);
	}
}

static int extract_entry(struct extraction *x, struct archive_entry *entry)
{
	int64_t limit = x->options->entries_max ? x->options->entries_max : ENTRIES_MAX;
	struct place place = { .fd = -1 };
	int result;

	if (++x->entries > limit)
		return fail(x->err, "%s: it has more than %lld entries", x->options->name,
			(long long)limit);
	if (place_of(x, entry, &place) < 0)
		return -1;
	if (!try_whiteout(x, &place, &result))
		result = extract_by_type(x, &place);
	/* Only files leave the way to the directory that is held open as it was. */
	if (archive_entry_filetype(entry) != S_IFREG)
		forget_parent(x);
	free(place.path);
	return result;
}

static int read_all(struct extraction *x)
{
	struct archive_entry *entry;
	int status;

	while ((status = archive_read_next_header(x->archive, &entry)) == ARCHIVE_OK ||
		(status == ARCHIVE_WARN && tar_warning_is_harmless(x->archive)))
		if (extract_entry(x, entry) < 0)
			return -1;
	if (status != ARCHIVE_EOF)
		return fail_archive(x);
	return set_late_times(x);
}

static int extract(struct extraction *x, struct tar_extracted *ret)
{
	struct tar_extracted extracted = { 0 };

	x->archive = tar_open_stream(x->stream);
	if (read_all(x) < 0)
		return -1;
	if (tar_stream_end(x->stream, TRAILER_MAX, &extracted.digests, x->err) < 0)
		return fail_while(x->err, "%s", x->options->name);
	extracted.size = (uint64_t)x->file_size;
	if (ret)
		*ret = extracted;
	return 0;
}

int tar_extract(int archive_fd, int root_fd, const struct tar_extract_options *options,
	struct tar_extracted *ret, struct error *err)
{
	auto_extraction x = {
		.options = options,
		.root_fd = root_fd,
		.parent_fd = -1,
		.uid = geteuid(),
		.gid = getegid(),
		.err = err,
	};
	mode_t mask;
	int result;

	if (tar_stream_begin(archive_fd, ret != NULL, &x.stream, err) < 0)
		return -1;
	mask = umask(0); /* modes are the archive's */
	result = extract(&x, ret);
	umask(mask);
	return result;
}
