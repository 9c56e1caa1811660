/*
 * context_open() tells by the text what a context is; what is to be fetched or unpacked
 * becomes a piece of the session, by a worker:
 *
 *	PIECE/archive   what standard input or a URL sent
 *	PIECE/files     what it held, or the work tree
 */
#include "builder/context.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "builder/archive/tar.h"
#include "builder/build/worker.h"
#include "builder/exchange/import.h"
#include "builder/registry/fetch.h"
#include "builder/store/refs.h"

#define MOCKERFILE "Mockerfile"

void context_free(struct context *context)
{
	free(context->name);
	free(context->what);
	free(context->path);
	free(context->image);
	free(context->commit);
	if (context->fd >= 0)
		close(context->fd);
	ignore_free(&context->ignore);
	*context = (struct context)CONTEXT_NONE;
}

char *context_key(const char *name)
{
	auto_free char *key = NULL;
	struct error ignored;
	char *latest;

	if (ref_normalize_pulled(name, &key, &ignored) < 0)
		return str_dup(name);
	latest = strrchr(key, ':');
	if (str_equal(latest, ":latest"))
		*latest = '\0';
	return take_ptr(&key);
}

#define auto_context __attribute__((cleanup(context_free))) struct context

/* "github.com/OWNER/NAME" is short for its URL, where it is no directory. */
static bool is_short_url(const char *text)
{
	return str_after(text, "github.com/") && access(text, F_OK) < 0;
}

static bool is_url(const char *text)
{
	return str_after(text, "http://") || str_after(text, "https://");
}

bool context_is_remote(const char *text)
{
	return strcmp(text, "-") == 0 || git_source_is(text) || is_url(text) ||
	       is_short_url(text);
}

/* ---- what a worker does ---- */

struct unpacking {
	const char *text;
	const struct context_options *options;
	int piece_fd;
	char directory[4096];        /* the result: its files, beneath the piece */
	char commit[GIT_COMMIT_MAX]; /* results too */
	bool is_mockerfile;
};

static int receive(const struct unpacking *unpacking, int fd, struct error *err)
{
	struct fetch_result result;

	if (strcmp(unpacking->text, "-") != 0)
		return fetch_url(unpacking->text, fd, NULL, &result, err);
	return fd_copy(STDIN_FILENO, fd, "the build context on standard input", err);
}

/* An archive is unpacked; a text is the Mockerfile of a build without files. */
static int unpack(struct unpacking *unpacking, int files_fd, struct error *err)
{
	struct tar_extract_options extract = { .name = "the build context", .epoch = -1 };
	auto_fd fd = openat(unpacking->piece_fd, "archive",
		O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return fail_errno(err, "making a file for the build context");
	if (receive(unpacking, fd, err) < 0)
		return -1;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return fail_errno(err, "reading the build context");
	if (tar_recognise(fd)) {
		if (tar_extract(fd, files_fd, &extract, NULL, err) < 0)
			return -1;
		return unlinkat(unpacking->piece_fd, "archive", 0) < 0
			       ? fail_errno(err, "removing the context's archive")
			       : 0;
	}
	if (renameat(unpacking->piece_fd, "archive", files_fd, MOCKERFILE) < 0)
		return fail_errno(err, "keeping the Mockerfile");
	unpacking->is_mockerfile = true;
	return 0;
}

static int clone(struct unpacking *unpacking, int files_fd, struct error *err)
{
	auto_free char *whole = is_short_url(unpacking->text)
					? str_format("https://%s", unpacking->text)
					: str_dup(unpacking->text);
	auto_git_source source = { 0 };
	char *commit = unpacking->commit;
	auto_fd fd = -1;
	ssize_t length;

	if (git_source_parse(whole, &source, err) < 0)
		return -1;
	source.keep_git_dir |= unpacking->options->keep_git_dir;
	if (git_resolve(&source, &unpacking->options->git, commit, err) < 0 ||
		git_checkout(&source, commit, &unpacking->options->git, files_fd, &fd,
			err) < 0)
		return -1;
	/* A subdirectory is where its links led to. */
	length = readlink(
		fd_path(fd).text, unpacking->directory, sizeof(unpacking->directory) - 1);
	if (length < 0)
		return fail_errno(err, "finding the directory of %s", whole);
	unpacking->directory[length] = '\0';
	return 0;
}

static int work(void *argument, int output, struct error *err)
{
	struct unpacking *unpacking = argument;
	bool repository = git_source_is(unpacking->text) || is_short_url(unpacking->text);
	auto_fd fd = -1;

	if (mkdirat(unpacking->piece_fd, "files", 0755) < 0)
		return fail_errno(err, "making a directory for the build context");
	fd = openat(unpacking->piece_fd, "files", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(err, "opening the build context");
	return repository ? clone(unpacking, fd, err) : unpack(unpacking, fd, err);
}

static int fetch(const char *text, const struct context_options *options,
	struct context *context, struct error *err)
{
	auto_free char *piece = NULL;
	auto_fd piece_fd = -1;
	struct unpacking unpacking = { .text = text, .options = options };
	struct worker worker = {
		.work = work,
		.argument = &unpacking,
		.result = &unpacking,
		.result_size = sizeof(unpacking),
		.signal_fd = options->signal_fd,
	};

	if (session_piece(options->session, &piece, &piece_fd, err) < 0)
		return -1;
	unpacking.piece_fd = piece_fd;
	if (worker_run(&worker, err) < 0)
		return -1;
	context->path = *unpacking.directory ? str_dup(unpacking.directory)
					     : path_join(piece, "files");
	context->commit = *unpacking.commit ? str_dup(unpacking.commit) : NULL;
	context->unpacked = true;
	context->is_mockerfile = unpacking.is_mockerfile;
	return 0;
}

/* ---- which kind ---- */

/* What BuildKit's --build-context says of images, in the words of FROM. */
static char *image_of(const char *text)
{
	const char *rest = str_after(text, "docker-image://");

	if (rest)
		return str_dup(rest);
	rest = str_after(text, "oci-layout://");
	if (rest)
		return str_format("oci:%s", rest);
	return import_is_source(text) ? str_dup(text) : NULL;
}

int context_open(const char *text, const struct context_options *options,
	struct context *ret, struct error *err)
{
	auto_context context = CONTEXT_NONE;

	context.name = str_dup(options->name);
	context.what = options->name
			       ? str_format("the build context \"%s\"", options->name)
			       : str_dup("the build context");
	if (options->name)
		context.image = image_of(text);
	if (!context.image) {
		if (context_is_remote(text) && fetch(text, options, &context, err) < 0)
			return fail_while(err, "%s", context.what);
		if (!context.path)
			context.path = str_dup(text);
		context.fd = open(context.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (context.fd < 0)
			return fail_errno(err, "opening %s %s", context.what, text);
	}
	*ret = context;
	context = (struct context)CONTEXT_NONE;
	return 0;
}
