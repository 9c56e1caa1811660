/* push: an image of the store to a registry. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "builder/build/worker.h"
#include "builder/commands/commands.h"
#include "builder/commands/registry_options.h"
#include "builder/destination.h"
#include "builder/exchange/output.h"
#include "builder/rootless.h"
#include "builder/store/refs.h"

struct push_options {
	const char *compression;
	const char *digestfile;
	bool quiet;
	struct registry_flags registry;
};

/* clang-format off */
static const struct option_spec options[] = {
	OPTION_STRING(struct push_options, compression, "compression", 0, "gzip|zstd|none",
		"of layers that were made here; what came from elsewhere leaves as it came",
		.values = "gzip|zstd|none", .initial = "gzip"),
	OPTION_STRING(struct push_options, digestfile, "digestfile", 0, "FILE",
		"write the digest that the name has in the registry to the file"),
	REGISTRY_OPTIONS(struct push_options),
	OPTION_FLAG(struct push_options, quiet, "quiet", 'q', "print nothing but the digest"),
	OPTION_END,
};
/* clang-format on */

static int tell(const struct push_options *given, const char *name,
	const struct digest *digest, struct error *err)
{
	auto_free char *text = str_format(DIGEST_PREFIX "%s", digest->hex);

	if (given->digestfile && destination_write(given->digestfile, text, err) < 0)
		return -1;
	if (given->quiet)
		printf("%s\n", text);
	else
		printf("pushed %s\ndigest %s\n", name, text);
	return 0;
}

static int push(const struct command_call *call, const struct store *store,
	struct session *session, int signal_fd, struct error *err)
{
	const struct push_options *given = call->options;
	char *name = call->argv[call->argc - 1];
	auto_image image = { 0 };
	struct export_image exported = { .image = &image };
	struct digest id, digest = { 0 };
	struct output output = {
		.kind = OUTPUT_REGISTRY,
		.name = name + (str_after(name, "docker://") ? strlen("docker://") : 0),
	};
	struct output_job job = {
		.session = session,
		.signal_fd = signal_fd,
		.images = &exported,
		.count = 1,
		.epoch = -1,
		.client = registry_client(&given->registry),
		.report = given->quiet ? -1 : STDERR_FILENO,
		.ret_digest = &digest,
	};

	if (tar_compression_parse(given->compression, &output.compression, err) < 0 ||
		refs_find(store, call->argv[0], &id, err) < 0 ||
		image_load(store, &id, &image, err) < 0)
		return -1;
	if (output_write(&output, &job, err) < 0)
		return fail_while(err, "pushing %s", output.name);
	return tell(given, output.name, &digest, err);
}

static int run(const struct command_call *call, struct error *err)
{
	const struct builder_options *global = call->global;
	auto_interrupt interrupt = INTERRUPT_NONE;
	auto_store store = STORE_CLOSED;
	auto_session session = SESSION_NONE;

	if (rootless_enter(err) < 0)
		return -1;
	if (store_open(global->root, LOCK_SH, &store, err) < 0 ||
		interrupt_begin(&interrupt, err) < 0 ||
		session_begin(&store, &session, err) < 0)
		return -1;
	return push(call, &store, &session, interrupt.fd, err);
}

const struct command command_push = {
	.name = "push",
	.operands = "IMAGE [NAME]",
	.summary = "send an image to a registry",
	.details =
		"NAME is what it is called there ([HOST[:PORT]/]NAME[:TAG]), otherwise "
		"IMAGE is. Blobs that the registry has are not sent again.",
	.options = options,
	.options_size = sizeof(struct push_options),
	.operands_min = 1,
	.operands_max = 2,
	.permute = true,
	.run = run,
};
