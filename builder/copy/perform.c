/*
 * copy_perform(): the visitor that writes. It holds the open directories of the branch
 * that the walk is in; the attributes of a directory are set when it is left, since
 * filling it changes its time.
 */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "builder/archive/tar.h"
#include "builder/copy/content.h"
#include "builder/copy/copy.h"
#include "builder/copy/download.h"
#include "builder/copy/repository.h"
#include "builder/copy/target.h"
#include "builder/copy/walk.h"
#include "builder/rootfs/hardlinks.h"

struct branch {
	int fd;
	bool finish; /* new, or a directory that the source has too */
};

struct writer {
	const struct copy_request *request;
	const struct copy_source *source;
	struct copy_target target;
	struct hardlinks links;
	struct branch *branches;
	size_t depth;
};

static void writer_free(struct writer *writer)
{
	while (writer->depth > 0)
		close(writer->branches[--writer->depth].fd);
	free(writer->branches);
	hardlinks_free(&writer->links);
}

#define auto_writer __attribute__((cleanup(writer_free))) struct writer

static void push(struct writer *writer, int fd, bool finish)
{
	writer->branches = str_realloc(
		writer->branches, writer->depth + 1, sizeof(*writer->branches));
	writer->branches[writer->depth++] = (struct branch){ fd, finish };
}

/* Beneath the root, as errors show it. */
static char *path_of(const struct writer *writer, const char *target)
{
	if (!*target)
		return str_dup(writer->request->destination);
	return path_join(writer->request->destination, target);
}

/* ---- directories ---- */

static int enter(void *argument, const struct copy_entry *entry, struct error *err)
{
	struct writer *writer = argument;
	auto_free char *path = path_of(writer, entry->target);
	bool made;
	int fd;

	if (writer->depth == 0) {
		if (target_open_directory(&writer->target, path, &fd, &made, err) < 0)
			return -1;
		/* The destination itself takes what is in the source, not what it is. */
		push(writer, fd, made && *entry->target);
		return 0;
	}
	if (target_make_directory(&writer->target, writer->branches[writer->depth - 1].fd,
		    path, &fd, &made, err) < 0)
		return -1;
	push(writer, fd, made || !entry->ancestor);
	return 0;
}

static int leave(void *argument, const struct copy_entry *entry, struct error *err)
{
	struct writer *writer = argument;
	struct branch branch = writer->branches[--writer->depth];
	auto_fd fd = branch.fd;
	auto_free char *path = NULL;

	if (!branch.finish)
		return 0;
	path = path_of(writer, entry->target);
	return target_finish(&writer->target, fd, path, &entry->st, entry->fd, err);
}

/* ---- files ---- */

/* A source that is a file: into the destination if that is a directory, else under its
 * name, which may be a link that leads elsewhere in the image. A linked copy knows of no
 * links of the image. */
static int open_place(struct writer *writer, const struct copy_entry *entry, int *ret_fd,
	char **ret_path, struct error *err)
{
	const char *destination = writer->request->destination;
	auto_free char *parent = NULL;
	bool made;

	if (writer->request->parents || str_ends_with(destination, "/") ||
		target_is_directory(&writer->target, destination)) {
		*ret_path = path_of(writer, entry->target);
	} else if (!entry->only_match) {
		return fail(err,
			"several files cannot become the one file %s; for a directory, write %s/",
			destination, destination);
	} else if (writer->request->link) {
		*ret_path = str_dup(destination);
	} else if (target_follow(&writer->target, destination, ret_path, err) < 0) {
		return -1;
	}
	parent = path_parent(*ret_path);
	return target_open_directory(&writer->target, parent, ret_fd, &made, err);
}

static int copy_regular(struct writer *writer, struct copy_entry *entry, int parent_fd,
	const char *path, struct error *err)
{
	const char *existing = NULL;
	auto_fd from = -1;
	auto_fd to = -1;

	if (entry->st.st_nlink > 1)
		existing = hardlinks_find(&writer->links, &entry->st);
	if (existing && target_make_hardlink(&writer->target, parent_fd, path, existing))
		return 0;
	if (copy_entry_open(entry, &from, err) < 0 ||
		target_make_file(&writer->target, parent_fd, path, &entry->st, &to, err) <
			0)
		return -1;
	if (content_copy(from, to, entry->st.st_size, entry->st.st_blocks * 512,
		    entry->path, err) < 0 ||
		target_finish(&writer->target, to, path, &entry->st, from, err) < 0)
		return -1;
	if (entry->st.st_nlink > 1 && !existing)
		hardlinks_add(&writer->links, &entry->st, path);
	return 0;
}

static int copy_link(struct writer *writer, const struct copy_entry *entry, int parent_fd,
	const char *path, struct error *err)
{
	char text[PATH_MAX];
	ssize_t length =
		readlinkat(entry->parent_fd, entry->name, text, sizeof(text) - 1);

	if (length < 0)
		return fail_errno(err, "reading the link %s", entry->path);
	text[length] = '\0';
	return target_make_link(&writer->target, parent_fd, path, &entry->st, text, err);
}

static int copy_entry(struct writer *writer, struct copy_entry *entry, int parent_fd,
	const char *path, struct error *err)
{
	mode_t type = entry->st.st_mode & S_IFMT;

	if (type == S_IFREG)
		return copy_regular(writer, entry, parent_fd, path, err);
	if (type == S_IFLNK)
		return copy_link(writer, entry, parent_fd, path, err);
	if (type == S_IFSOCK)
		return 0; /* means nothing without the process that made it */
	if (type != S_IFIFO && !writer->source->keep_owner)
		return fail(err, "%s is a device; %s may not hold one", entry->path,
			writer->source->what);
	return target_make_node(&writer->target, parent_fd, path, &entry->st, err);
}

/* ADD of an archive: into the destination, which is a directory then. */
static int unpack(
	struct writer *writer, int fd, const struct copy_entry *entry, struct error *err)
{
	const struct copy_target *target = &writer->target;
	struct tar_extract_options options = {
		.name = entry->path,
		.keep_owner = !target->has_owner,
		.uid = target->owner.uid,
		.gid = target->owner.gid,
		.epoch = target->epoch,
		.devices = true, /* what makes root file systems puts some into /dev */
	};
	auto_fd directory = -1;
	bool made;

	if (target_open_directory(
		    target, writer->request->destination, &directory, &made, err) < 0)
		return -1;
	return tar_extract(fd, directory, &options, NULL, err);
}

static int copy_file(void *argument, const struct copy_entry *visited, struct error *err)
{
	struct writer *writer = argument;
	struct copy_entry entry = *visited;
	auto_free char *path = NULL;
	auto_fd place = -1;

	if (entry.named && writer->request->unpack && tar_recognise(entry.fd))
		return unpack(writer, entry.fd, &entry, err);
	if (writer->depth > 0) {
		path = path_of(writer, entry.target);
		return copy_entry(writer, &entry, writer->branches[writer->depth - 1].fd,
			path, err);
	}
	if (open_place(writer, &entry, &place, &path, err) < 0)
		return -1;
	return copy_entry(writer, &entry, place, path, err);
}

/* ---- URLs ---- */

/* An archive that was fetched is unpacked only on request: --unpack. */
static int add_url(struct writer *writer, const char *url, struct error *err)
{
	auto_free char *name = download_name(url);
	struct copy_entry entry = {
		.path = url,
		.target = name,
		.only_match =
			writer->request->sources.count + writer->request->text_count == 1,
	};
	auto_free char *path = NULL;
	auto_fd place = -1;
	auto_fd from = -1;
	auto_fd to = -1;

	if (download_open(writer->request, writer->source, url, &from, err) < 0)
		return -1;
	if (fstat(from, &entry.st) < 0)
		return fail_errno(err, "reading what %s sent", url);
	if (writer->request->has_unpack && writer->request->unpack && tar_recognise(from))
		return unpack(writer, from, &entry, err);
	if (open_place(writer, &entry, &place, &path, err) < 0 ||
		target_make_file(&writer->target, place, path, &entry.st, &to, err) < 0 ||
		content_copy(from, to, entry.st.st_size, entry.st.st_size, url, err) < 0)
		return -1;
	return target_finish(&writer->target, to, path, &entry.st, -1, err);
}

/* ---- heredocs ---- */

static int write_text(
	struct writer *writer, const struct copy_text *text, struct error *err)
{
	struct copy_entry entry = {
		.target = text->name,
		.only_match =
			writer->request->sources.count + writer->request->text_count == 1,
		.st = { .st_mode = S_IFREG | 0644 },
	};
	auto_free char *path = NULL;
	auto_fd place = -1;
	auto_fd fd = -1;

	if (strchr(text->name, '/') || strcmp(text->name, "..") == 0)
		return fail(err, "the heredoc \"%s\" cannot be a file of this name",
			text->name);
	if (writer->target.epoch < 0)
		(void)clock_gettime(CLOCK_REALTIME, &entry.st.st_mtim); /* cannot fail */
	else
		entry.st.st_mtim.tv_sec = writer->target.epoch;
	if (open_place(writer, &entry, &place, &path, err) < 0 ||
		target_make_file(&writer->target, place, path, &entry.st, &fd, err) < 0)
		return -1;
	if (fd_write_all(fd, text->content, strlen(text->content)) < 0)
		return fail_errno(err, "writing %s", path);
	return target_finish(&writer->target, fd, path, &entry.st, -1, err);
}

/* ---- repositories ---- */

/* Its work tree is a source like a directory of the context, and belongs to root. */
static int add_repository(struct writer *writer, const char *text, struct error *err)
{
	struct copy_visitor visitor = { enter, leave, copy_file, false, writer };
	const struct copy_source *source = writer->source;
	struct copy_request request = *writer->request;
	struct copy_source tree = { .what = text, .downloads_fd = -1 };
	char everything[] = ".";
	char *sources[] = { everything, NULL };
	auto_fd fd = -1;
	int result;

	if (repository_open(writer->request, source, text, &fd, err) < 0)
		return -1;
	tree.root_fd = fd;
	tree.epoch = source->epoch;
	request.sources = (struct strings){ sources, 1 };
	request.text_count = 0;
	request.parents = false;
	writer->source = &tree;
	result = copy_walk(&request, &tree, &visitor, err);
	writer->source = source;
	return result;
}

static int perform(struct writer *writer, struct error *err)
{
	struct copy_visitor visitor = { enter, leave, copy_file, false, writer };

	if (copy_walk(writer->request, writer->source, &visitor, err) < 0)
		return -1;
	for (size_t i = 0; i < writer->request->text_count; i++)
		if (write_text(writer, &writer->request->texts[i], err) < 0)
			return -1;
	strings_each (source, &writer->request->sources) {
		if (copy_source_is_url(*source) && add_url(writer, *source, err) < 0)
			return -1;
		if (copy_source_is_git(*source) &&
			add_repository(writer, *source, err) < 0)
			return -1;
	}
	return 0;
}

int copy_perform(const struct copy_request *request, const struct copy_source *source,
	const struct copy_destination *destination, struct error *err)
{
	auto_writer writer = {
		.request = request,
		.source = source,
		.target = {
			.root_fd = destination->root_fd,
			.upper_fd = destination->upper_fd,
			.keep_owner = source->keep_owner,
			.epoch = source->epoch,
		},
	};
	mode_t mask;
	int result;

	if (request->chown) {
		writer.target.has_owner = true;
		if (owner_resolve(destination->root_fd, request->chown,
			    &writer.target.owner, err) < 0)
			return fail_while(err, "--chown=%s", request->chown);
	}
	if (request->chmod) {
		writer.target.has_mode = true;
		if (mode_parse(request->chmod, &writer.target.mode, err) < 0)
			return fail_while(err, "--chmod");
	}
	mask = umask(0);
	result = perform(&writer, err);
	(void)umask(mask); /* cannot fail */
	return result;
}
