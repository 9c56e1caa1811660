/* save: images as others read them. */
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "builder/build/worker.h"
#include "builder/commands/commands.h"
#include "builder/exchange/output.h"
#include "builder/rootless.h"
#include "builder/store/refs.h"

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
	OPTION_STRING(struct save_options, compression, "compression", 0, "gzip|zstd|none",
		"of the layers of an OCI layout", .values = "gzip|zstd|none", .initial = "gzip"),
	OPTION_I64(struct save_options, epoch, "source-date-epoch", 0, "SECONDS",
		"file times that are later become this",
		OPTION_HAS(struct save_options, epoch)),
	OPTION_END,
};
/* clang-format on */

static const struct word formats[] = {
	{ "oci-archive", OUTPUT_OCI_ARCHIVE },
	{ "oci-dir", OUTPUT_OCI },
	{ "docker-archive", OUTPUT_DOCKER_ARCHIVE },
	{ NULL, 0 },
};

/* The images that are saved, and what they were called. */
struct saved {
	struct image *images;
	struct strings names; /* "" where it was called by its ID */
	struct export_image *exports;
	size_t count;
};

static void saved_free(struct saved *saved)
{
	for (size_t i = 0; i < saved->count; i++)
		image_free(&saved->images[i]);
	free(saved->images);
	free(saved->exports);
	strings_free(&saved->names);
}

#define auto_saved __attribute__((cleanup(saved_free))) struct saved

static int find(const struct store *store, const char *text, struct saved *saved,
	struct error *err)
{
	auto_free char *name = NULL;
	struct digest id;

	if (refs_find_named(store, text, &id, &name, err) < 0 ||
		image_load(store, &id, &saved->images[saved->count], err) < 0)
		return -1;
	saved->count++;
	strings_add(&saved->names, name ? name : "");
	return 0;
}

static int find_all(const struct command_call *call, const struct store *store,
	struct saved *saved, struct error *err)
{
	saved->images = str_alloc((size_t)call->argc * sizeof(*saved->images));
	saved->exports = str_alloc((size_t)call->argc * sizeof(*saved->exports));
	for (int i = 0; i < call->argc; i++) {
		if (find(store, call->argv[i], saved, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < saved->count; i++) {
		const char *name = saved->names.items[i];

		saved->exports[i] = (struct export_image){
			.image = &saved->images[i],
			.name = *name ? name : NULL,
		};
	}
	return 0;
}

static int check(const struct output *output, struct error *err)
{
	return output->kind == OUTPUT_OCI && !output->dest
		       ? fail(err, "--format oci-dir needs --output DIR")
		       : 0;
}

static int run(const struct command_call *call, struct error *err)
{
	const struct builder_options *global = call->global;
	const struct save_options *given = call->options;
	auto_interrupt interrupt = INTERRUPT_NONE;
	auto_store store = STORE_CLOSED;
	auto_session session = SESSION_NONE;
	auto_saved saved = { 0 };
	auto_output output = {
		.dest = str_dup(given->output),
	};
	struct output_job job = {
		.session = &session,
		.standard_fd = STDOUT_FILENO,
		.epoch = given->has_epoch ? given->epoch : -1,
		.report = -1,
	};
	int64_t kind = OUTPUT_OCI_ARCHIVE;

	if (rootless_enter(err) < 0)
		return -1;
	(void)word_to_number(formats, given->format, &kind); /* one of its values */
	output.kind = (enum output_kind)kind;
	if (tar_compression_parse(given->compression, &output.compression, err) < 0 ||
		check(&output, err) < 0 ||
		store_open(global->root, LOCK_SH, &store, err) < 0 ||
		find_all(call, &store, &saved, err) < 0 ||
		interrupt_begin(&interrupt, err) < 0 ||
		session_begin(&store, &session, err) < 0)
		return -1;
	job.signal_fd = interrupt.fd;
	job.images = saved.exports;
	job.count = saved.count;
	return output_write(&output, &job, err);
}

const struct command command_save = {
	.name = "save",
	.operands = "IMAGE...",
	.summary = "write images as an OCI layout or an archive that others read",
	.details =
		"An image that came from elsewhere and was not changed leaves with the "
		"digest that it had.",
	.options = options,
	.options_size = sizeof(struct save_options),
	.operands_min = 1,
	.operands_max = -1,
	.permute = true,
	.run = run,
};
