/* prune: removes what no image and no bundle uses, and what killed builds left. */
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>

#include "base/cleanup.h"
#include "builder/commands.h"
#include "builder/size.h"
#include "builder/store/prune.h"

struct prune_command_options {
	bool all;
	bool dry_run;
	bool quiet;
	int64_t keep;
};

/* clang-format off */
static const struct option_spec options[] = {
	OPTION_FLAG(struct prune_command_options, all, "all", 'a',
		"also images that have a name"),
	OPTION_FLAG(struct prune_command_options, dry_run, "dry-run", 'n',
		"say what would go, remove nothing"),
	OPTION_FLAG(struct prune_command_options, quiet, "quiet", 'q',
		"print the sum only"),
	OPTION_BYTES(struct prune_command_options, keep, "keep-storage", 0, "BYTES",
		"keep as much of the cache, the most recently used layers"),
	OPTION_END,
};
/* clang-format on */

static void print_removed(
	void *argument, const char *what, const char *name, uint64_t size)
{
	const struct prune_command_options *given = argument;
	struct size_text text = size_text(size);

	if (!given->quiet)
		printf("%s %.32s %s\n", what, name, size ? text.text : "");
}

static int run(const struct command_call *call, struct error *err)
{
	const struct builder_options *global = call->global;
	struct prune_command_options given =
		*(const struct prune_command_options *)call->options;
	struct prune_options prune = {
		.all_images = given.all,
		.dry_run = given.dry_run,
		.keep_bytes = given.keep,
		.removed = print_removed,
		.argument = &given,
	};
	auto_store store = STORE_CLOSED;
	struct pruned pruned;
	struct size_text size;

	if (store_open(global->root, LOCK_EX, &store, err) < 0 ||
		store_prune(&store, &prune, &pruned, err) < 0)
		return -1;
	size = size_text(pruned.bytes);
	printf("%s %" PRIu64 " images, %" PRIu64 " layers, %" PRIu64 " records, %" PRIu64
	       " unfinished builds: %s\n",
		given.dry_run ? "would remove" : "removed", pruned.images, pruned.layers,
		pruned.blobs, pruned.sessions, size.text);
	return 0;
}

const struct command command_prune = {
	.name = "prune",
	.summary = "remove cached layers that no image uses, and unnamed images",
	.details =
		"Also removes what killed builds left: containers of their RUN steps and "
		"temporary files. Waits for nothing: while a build runs it refuses.",
	.options = options,
	.options_size = sizeof(struct prune_command_options),
	.run = run,
};
