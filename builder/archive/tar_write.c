/*
 * tar_write(): add_directory() walks a tree in order, add_entry() makes a header of what
 * stat, links and attributes say. The archive's bytes are hashed before and after the
 * compressor: libarchive formats, a callback of ours hashes and compresses.
 */
#include "builder/archive/tar_write.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/descent.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "base/str.h"
#include "builder/archive/tar_open.h"
#include "builder/rootfs/hardlinks.h"
#include "builder/rootfs/overlay_marks.h"

#define XATTR_LIST_MAX 65536
#define XATTR_SIZE_MAX 65536

struct writing {
	const struct tar_write_options *options;
	struct archive *tar;    /* formats */
	struct archive *filter; /* compresses what tar made; NULL: not */
	struct digest_state raw;
	struct digest_state compressed;
	int fd;
	int64_t size;
	struct hardlinks links;
	struct descent descent;
	struct str path;     /* of the current directory: "a/b/" */
	locale_t utf8;       /* libarchive understands names by the thread's locale; 0 */
	locale_t locale_was; /* before; 0: not changed */
	struct error *err;
};

static void writing_free(struct writing *w)
{
	if (w->tar)
		(void)archive_write_free(w->tar); /* closed before, where it counts */
	if (w->filter)
		(void)archive_write_free(w->filter);
	digest_free(&w->raw);
	digest_free(&w->compressed);
	descent_end(&w->descent);
	hardlinks_free(&w->links);
	str_free(&w->path);
	if (w->locale_was)
		(void)uselocale(w->locale_was);
	if (w->utf8)
		freelocale(w->utf8);
}

#define auto_writing __attribute__((cleanup(writing_free))) struct writing

static int fail_archive(struct writing *w, struct archive *archive)
{
	const char *text = archive_error_string(archive);

	return fail(w->err, "writing an archive of %s: %s", w->options->name,
		text ? text : "unknown error");
}

/* What leaves for the file. */
static la_ssize_t write_out(
	struct archive *archive, void *argument, const void *data, size_t length)
{
	struct writing *w = argument;

	if (fd_write_all(w->fd, data, length) < 0) {
		archive_set_error(archive, errno, "%s", strerror(errno));
		return -1;
	}
	digest_add(&w->compressed, data, length);
	w->size += (int64_t)length;
	return (la_ssize_t)length;
}

/* What the formatter made. */
static la_ssize_t write_raw(
	struct archive *archive, void *argument, const void *data, size_t length)
{
	struct writing *w = argument;

	digest_add(&w->raw, data, length);
	if (!w->filter)
		return write_out(archive, argument, data, length);
	if (archive_write_data(w->filter, data, length) != (la_ssize_t)length) {
		archive_set_error(archive, EIO, "%s", archive_error_string(w->filter));
		return -1;
	}
	return (la_ssize_t)length;
}

int tar_compression_parse(const char *text, enum tar_compression *ret, struct error *err)
{
	static const struct word words[] = {
		{ "gzip", TAR_GZIP },
		{ "zstd", TAR_ZSTD },
		{ "none", TAR_PLAIN },
		{ "uncompressed", TAR_PLAIN },
		{ NULL, 0 },
	};
	int64_t number = TAR_GZIP;

	if (text && !word_to_number(words, text, &number))
		return word_fail(words, "compression", text, err);
	*ret = (enum tar_compression)number;
	return 0;
}

/* The time in gzip's header is left out. */
static int add_filter(const struct writing *w)
{
	if (w->options->compression == TAR_ZSTD)
		return archive_write_add_filter_zstd(w->filter);
	if (archive_write_add_filter_gzip(w->filter) != ARCHIVE_OK)
		return ARCHIVE_FATAL;
	return archive_write_set_filter_option(w->filter, "gzip", "timestamp", NULL);
}

/* libarchive compresses whole archives only; the raw format has one entry, whose bytes
 * are ours. */
static int open_filter(struct writing *w)
{
	struct archive_entry *entry;
	int result;

	w->filter = archive_write_new();
	if (!w->filter)
		str_out_of_memory();
	if (archive_write_set_format_raw(w->filter) != ARCHIVE_OK ||
		add_filter(w) != ARCHIVE_OK ||
		archive_write_set_bytes_in_last_block(w->filter, 1) != ARCHIVE_OK ||
		archive_write_open(w->filter, w, NULL, write_out, NULL) != ARCHIVE_OK)
		return fail_archive(w, w->filter);
	entry = archive_entry_new();
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_pathname(entry, "layer.tar");
	result = archive_write_header(w->filter, entry);
	archive_entry_free(entry);
	return result == ARCHIVE_OK ? 0 : fail_archive(w, w->filter);
}

/* What is no ASCII has a pax record, which is UTF-8. */
static void use_utf8(struct writing *w)
{
	w->utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (w->utf8)
		w->locale_was = uselocale(w->utf8);
}

static int open_tar(struct writing *w)
{
	if (w->options->compression != TAR_PLAIN && open_filter(w) < 0)
		return -1;
	use_utf8(w);
	w->tar = archive_write_new();
	if (!w->tar)
		str_out_of_memory();
	if (archive_write_set_format_pax_restricted(w->tar) != ARCHIVE_OK ||
		/* Attributes once, as everyone else reads them. */
		archive_write_set_format_option(w->tar, "pax", "xattrheader", "SCHILY") !=
			ARCHIVE_OK ||
		archive_write_set_bytes_per_block(w->tar, 64 << 10) != ARCHIVE_OK ||
		archive_write_set_bytes_in_last_block(w->tar, 1) != ARCHIVE_OK ||
		archive_write_open(w->tar, w, NULL, write_raw, NULL) != ARCHIVE_OK)
		return fail_archive(w, w->tar);
	return 0;
}

static void set_attributes(
	struct writing *w, const struct stat *stat, struct archive_entry *entry)
{
	int64_t seconds = stat->st_mtim.tv_sec;
	long nanoseconds = stat->st_mtim.tv_nsec;

	if (w->options->epoch >= 0 && seconds >= w->options->epoch) {
		seconds = w->options->epoch;
		nanoseconds = 0;
	}
	archive_entry_set_mode(entry, stat->st_mode);
	archive_entry_set_uid(entry, stat->st_uid);
	archive_entry_set_gid(entry, stat->st_gid);
	archive_entry_set_mtime(entry, seconds, nanoseconds);
	archive_entry_set_size(entry, S_ISREG(stat->st_mode) ? stat->st_size : 0);
	if (S_ISCHR(stat->st_mode) || S_ISBLK(stat->st_mode))
		archive_entry_set_rdev(entry, stat->st_rdev);
}

static int add_xattr(struct writing *w, const char *path, const char *name, char *value,
	struct archive_entry *entry)
{
	ssize_t size = lgetxattr(path, name, value, XATTR_SIZE_MAX);

	if (size < 0)
		return fail_errno(w->err, "reading the attribute %s", name);
	archive_entry_xattr_add_entry(entry, name, value, (size_t)size);
	return 0;
}

/* libarchive writes other names in an encoding that nobody else undoes. */
static bool is_portable(const char *name)
{
	for (; *name; name++) {
		if (*name <= ' ' || *name > '~' || *name == '=' || *name == '%')
			return false;
	}
	return true;
}

/* All but overlayfs's own, sorted: the file system lists them in the order in which they
 * were set. */
static int set_xattrs(struct writing *w, const char *path, struct archive_entry *entry)
{
	auto_free char *list = NULL;
	auto_free char *value = NULL;
	auto_strings names = { 0 };
	ssize_t length = llistxattr(path, NULL, 0);

	if (length == 0 || (length < 0 && errno == ENOTSUP))
		return 0;
	list = str_realloc(NULL, XATTR_LIST_MAX, 1);
	value = str_realloc(NULL, XATTR_SIZE_MAX, 1);
	length = llistxattr(path, list, XATTR_LIST_MAX);
	if (length < 0)
		return fail_errno(w->err, "listing the attributes of %s", path);
	for (ssize_t at = 0; at < length; at += (ssize_t)strlen(list + at) + 1) {
		if (!overlay_is_mark(list + at) && is_portable(list + at))
			strings_add(&names, list + at);
		else if (!is_portable(list + at))
			log_warning("the attribute %s of %s is left out: no archive has "
				    "such a name",
				list + at, archive_entry_pathname(entry));
	}
	strings_sort(&names);
	strings_each (name, &names) {
		if (add_xattr(w, path, *name, value, entry) < 0)
			return -1;
	}
	return 0;
}

static int write_content(struct writing *w, int dir_fd, const char *name, int64_t size)
{
	static const size_t buffer_size = 128u << 10;
	auto_fd fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	auto_free char *buffer = str_realloc(NULL, buffer_size, 1);

	if (fd < 0)
		return fail_errno(w->err, "opening %s", name);
	while (size > 0) {
		ssize_t got = read(fd, buffer, buffer_size);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail_errno(w->err, "reading %s", name);
		if (got == 0)
			return fail(w->err, "%s became shorter while it was read", name);
		got = MIN(got, (ssize_t)MIN(size, (int64_t)buffer_size));
		if (archive_write_data(w->tar, buffer, (size_t)got) != got)
			return fail_archive(w, w->tar);
		size -= got;
	}
	return 0;
}

/* A name that is no UTF-8 gets a warning, and goes as the bytes that it has. */
static int add_header(struct writing *w, struct archive_entry *entry)
{
	int result = archive_write_header(w->tar, entry);

	if (result == ARCHIVE_OK ||
		(result == ARCHIVE_WARN && tar_warning_is_harmless(w->tar)))
		return 0;
	return fail_archive(w, w->tar);
}

/* An empty file whose name says what is gone. */
static int add_whiteout(struct writing *w, const char *name, const struct stat *stat)
{
	struct archive_entry *entry = archive_entry_new();
	auto_free char *path = str_format("%s%s", w->path.data ? w->path.data : "", name);
	struct stat empty = { .st_mode = S_IFREG | 0644, .st_mtim = stat->st_mtim };
	int result;

	archive_entry_set_pathname(entry, path);
	set_attributes(w, &empty, entry);
	result = add_header(w, entry);
	archive_entry_free(entry);
	return result;
}

static int add_directory(struct writing *w, int fd);

static int add_below(
	struct writing *w, int dir_fd, const char *name, const struct stat *stat)
{
	size_t length = w->path.length;
	auto_fd fd = -1;
	int result = 0;

	if (descent_open(&w->descent, dir_fd, name, &fd, w->err) < 0)
		return -1;
	str_appendf(&w->path, "%s/", name);
	if (w->options->layer && overlay_is_opaque(fd))
		result = add_whiteout(w, ".wh..wh..opq", stat);
	if (result == 0)
		result = add_directory(w, fd);
	descent_back(&w->descent);
	w->path.length = length;
	w->path.data[length] = '\0';
	return result;
}

static int fill_entry(struct writing *w, int dir_fd, const char *name, const char *path,
	const struct stat *stat, struct archive_entry *entry)
{
	auto_free char *by_fd = str_format("%s/%s", fd_path(dir_fd).text, name);
	char target[PATH_MAX + 1];
	const char *first;
	ssize_t length;

	archive_entry_set_pathname(entry, path);
	set_attributes(w, stat, entry);
	first = hardlinks_meet(&w->links, stat, path);
	if (first) {
		archive_entry_set_hardlink(entry, first);
		archive_entry_set_size(entry, 0);
		return 0;
	}
	if (S_ISLNK(stat->st_mode)) {
		length = readlinkat(dir_fd, name, target, sizeof(target) - 1);
		if (length < 0)
			return fail_errno(w->err, "reading the link %s", path);
		target[length] = '\0';
		archive_entry_set_symlink(entry, target);
	}
	return set_xattrs(w, by_fd, entry);
}

static int add_entry(struct writing *w, int dir_fd, const char *name)
{
	struct archive_entry *entry;
	auto_free char *path = NULL;
	struct stat stat;
	bool content;
	int result;

	/* Overlayfs lists a whiteout where a layer has one of what is not there anyway. */
	if (fstatat(dir_fd, name, &stat, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT && !w->options->layer
			       ? 0
			       : fail_errno(w->err, "looking at %s", name);
	if (S_ISSOCK(stat.st_mode)) /* no archive can hold one */
		return 0;
	if (w->options->layer && overlay_is_whiteout(dir_fd, name, &stat)) {
		path = str_format(".wh.%s", name);
		return add_whiteout(w, path, &stat);
	}
	path = str_format("%s%s%s", w->path.data ? w->path.data : "", name,
		S_ISDIR(stat.st_mode) ? "/" : "");
	entry = archive_entry_new();
	result = fill_entry(w, dir_fd, name, path, &stat, entry);
	content = S_ISREG(stat.st_mode) && !archive_entry_hardlink(entry);
	if (result == 0)
		result = add_header(w, entry);
	archive_entry_free(entry);
	if (result == 0 && content)
		result = write_content(w, dir_fd, name, stat.st_size);
	if (result == 0 && S_ISDIR(stat.st_mode))
		result = add_below(w, dir_fd, name, &stat);
	return result;
}

/* In order of names, so that the same tree gives the same bytes. */
static int add_directory(struct writing *w, int fd)
{
	auto_free char *what = str_format("a directory of %s", w->options->name);
	auto_strings names = { 0 };

	if (path_names(fd, what, &names, w->err) < 0)
		return -1;
	strings_each (name, &names) {
		if (add_entry(w, fd, *name) < 0)
			return -1;
	}
	return 0;
}

int tar_write(int root_fd, int archive_fd, const struct tar_write_options *options,
	struct tar_written *ret, struct error *err)
{
	auto_writing w = {
		.options = options,
		.fd = archive_fd,
		.descent = descent_begin(),
		.err = err,
	};

	digest_init(&w.raw);
	digest_init(&w.compressed);
	if (open_tar(&w) < 0 || add_directory(&w, root_fd) < 0)
		return -1;
	if (archive_write_close(w.tar) != ARCHIVE_OK)
		return fail_archive(&w, w.tar);
	if (w.filter && archive_write_close(w.filter) != ARCHIVE_OK)
		return fail_archive(&w, w.filter);
	ret->diff_id = digest_end(&w.raw);
	ret->digest = digest_end(&w.compressed);
	ret->size = w.size;
	return 0;
}
