/* save: images as others read them. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "builder/commands.h"
#include "builder/exchange/export.h"
#include "builder/store/refs.h"
#include "builder/tar_write.h"
#include "builder/worker.h"

struct save_options {
	const char *output;
	const char *format;
	const char *compression;
	bool has_epoch;
	int64_t epoch;
};

/* clang-format off */
static const struct option_spec options[] = {
	OPTION_STRING(struct save_options, output, "output", 'o', "PATH",
		"the archive or directory to write (otherwise standard output)"),
	OPTION_STRING(struct save_options, format, "format", 0, "FORMAT",
		"an OCI layout in an archive or in a directory, or what docker load reads",
		.values = "oci-archive|oci-dir|docker-archive", .initial = "oci-archive"),
	OPTION_STRING(struct save_options, compression, "compression", 0, "gzip|none",
		"of the layers of an OCI layout", .values = "gzip|none", .initial = "gzip"),
	OPTION_I64(struct save_options, epoch, "source-date-epoch", 0, "SECONDS",
		"file times that are later become this",
		OPTION_HAS(struct save_options, epoch)),
	OPTION_END,
};
/* clang-format on */

/* Everything that is written, by a worker: a signal ends it. */
struct save {
	const struct save_options *given;
	struct session *session;
	const struct store *store;
	int argc;
	char *const *argv;
	int output_fd; /* of the archive, or of the directory */
};

static int add_image(
	struct save *save, const char *text, int directory_fd, struct error *err)
{
	struct export_options how = {
		.gzip = str_equal(save->given->compression, "gzip"),
		.epoch = save->given->has_epoch ? save->given->epoch : -1,
	};
	auto_free char *name = NULL;
	auto_image image = { 0 };
	struct export_image exported = { .image = &image };
	struct error ignored;
	struct digest id, named;

	if (refs_find(save->store, text, &id, err) < 0 ||
		image_load(save->store, &id, &image, err) < 0)
		return -1;
	if (ref_normalize(text, &name, &ignored) == 0 &&
		refs_find(save->store, name, &named, &ignored) == 0)
		exported.name = name; /* it was called by its name, not by its ID */
	if (str_equal(save->given->format, "docker-archive"))
		return export_docker(save->session, directory_fd, &exported, &how, err);
	return export_layout(save->session, directory_fd, &exported, &how, err);
}

/* The archive's own files were made just now: their times say nothing, and are 0. */
static int save_archive(struct save *save, int directory_fd, struct error *err)
{
	struct tar_write_options how = { .name = "the image" };
	struct tar_written written;

	for (int i = 0; i < save->argc; i++) {
		if (add_image(save, save->argv[i], directory_fd, err) < 0)
			return -1;
	}
	return tar_write(directory_fd, save->output_fd, &how, &written, err);
}

static int do_save(void *argument, int output, struct error *err)
{
	struct save *save = argument;
	auto_free char *piece = NULL;
	auto_fd fd = -1;

	if (!str_equal(save->given->format, "oci-dir")) {
		if (session_piece(save->session, &piece, &fd, err) < 0)
			return -1;
		return save_archive(save, fd, err);
	}
	for (int i = 0; i < save->argc; i++) {
		if (add_image(save, save->argv[i], save->output_fd, err) < 0)
			return -1;
	}
	return 0;
}

static int open_output(const struct save_options *given, const char *partial, int *ret_fd,
	struct error *err)
{
	int fd;

	if (str_equal(given->format, "oci-dir")) {
		if (!given->output)
			return fail(err, "--format oci-dir needs --output DIR");
		if (mkdir(given->output, 0755) < 0 && errno != EEXIST)
			return fail_errno(err, "making %s", given->output);
		fd = open(given->output, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	} else if (given->output) {
		fd = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	} else {
		if (isatty(STDOUT_FILENO))
			return fail(err, "an archive does not go to a terminal; give "
					 "--output FILE");
		fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	}
	if (fd < 0)
		return fail_errno(err, "opening %s",
			given->output ? given->output : "standard output");
	*ret_fd = fd;
	return 0;
}

/* An archive appears under its name when it is whole. */
static int finish(const struct save_options *given, const char *partial, int result,
	struct error *err)
{
	if (!given->output || str_equal(given->format, "oci-dir"))
		return result;
	if (result == 0 && rename(partial, given->output) < 0)
		result = fail_errno(err, "naming %s", given->output);
	if (result < 0)
		(void)unlink(partial);
	return result;
}

static int run(const struct command_call *call, struct error *err)
{
	const struct builder_options *global = call->global;
	const struct save_options *given = call->options;
	auto_free char *partial =
		str_format("%s.partial", given->output ? given->output : "");
	auto_interrupt interrupt = INTERRUPT_NONE;
	auto_store store = STORE_CLOSED;
	auto_session session = SESSION_NONE;
	auto_fd output = -1;
	struct save save = {
		.given = given,
		.session = &session,
		.store = &store,
		.argc = call->argc,
		.argv = call->argv,
	};
	struct worker worker = { .work = do_save, .argument = &save };

	if (call->argc > 1 && str_equal(given->format, "docker-archive"))
		return fail(err, "a docker-archive takes one image here");
	if (store_open(global->root, LOCK_SH, &store, err) < 0 ||
		interrupt_begin(&interrupt, err) < 0 ||
		session_begin(&store, &session, err) < 0 ||
		open_output(given, partial, &output, err) < 0)
		return -1;
	save.output_fd = output;
	worker.signal_fd = interrupt.fd;
	return finish(given, partial, worker_run(&worker, err), err);
}

const struct command command_save = {
	.name = "save",
	.operands = "IMAGE...",
	.summary = "write images as an OCI layout or an archive that others read",
	.options = options,
	.options_size = sizeof(struct save_options),
	.operands_min = 1,
	.operands_max = -1,
	.permute = true,
	.run = run,
};
