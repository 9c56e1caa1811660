/* prune: removes what no image and no bundle uses, and what killed builds left. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "base/cleanup.h"
#include "builder/commands/commands.h"
#include "builder/digest.h"
#include "builder/rootless.h"
#include "builder/size.h"
#include "builder/store/prune.h"

struct prune_command_options {
	bool all;
	bool caches;
	bool dry_run;
	bool quiet;
	int64_t keep;
	const char *until;
	const char *format;
};

/* clang-format off */
static const struct option_spec options[] = {
	OPTION_FLAG(struct prune_command_options, all, "all", 'a',
		"also images that have a name"),
	OPTION_FLAG(struct prune_command_options, caches, "cache-mounts", 0,
		"also the directories of RUN --mount=type=cache, each told with its size"),
	OPTION_FLAG(struct prune_command_options, dry_run, "dry-run", 'n',
		"say what would go, remove nothing"),
	OPTION_FLAG(struct prune_command_options, quiet, "quiet", 'q',
		"print the sum only"),
	OPTION_BYTES(struct prune_command_options, keep, "keep-storage", 0, "BYTES",
		"keep as much of the cache, the most recently used layers"),
	OPTION_STRING(struct prune_command_options, until, "until", 0, "AGE",
		"keep of the cache what was used within the last AGE, such as 90s, 30m, 24h, 7d"),
	OPTION_STRING(struct prune_command_options, format, "format", 0, "text|json",
		"the form of the sum; json alone prints nothing else",
		.values = "text|json", .initial = "text"),
	OPTION_END,
};
/* clang-format on */

static void print_removed(
	void *argument, const char *what, const char *name, uint64_t size)
{
	const struct prune_command_options *given = argument;
	struct size_text text = size_text(size);

	int length = digest_is_hex(name) ? 32 : (int)strlen(name);

	if (!given->quiet)
		printf("%s %.*s %s\n", what, length, name, size ? text.text : "");
}

/* Seconds. */
static int parse_age(const char *text, int64_t *ret, struct error *err)
{
	static const struct word units[] = { { "s", 1 }, { "m", 60 }, { "h", 3600 },
		{ "d", 86400 }, { NULL, 0 } };
	size_t digits = strspn(text, "0123456789");
	auto_free char *number = str_dup_n(text, digits);
	int64_t unit, count;
	struct error ignored;

	if (!word_to_number(units, text + digits, &unit) ||
		str_to_i64(number, "age", &count, &ignored) < 0 || count > INT32_MAX)
		return fail(err,
			"--until \"%s\": expected an age such as 90s, 30m, 24h or 7d",
			text);
	*ret = count * unit;
	return 0;
}

static void print_sum(
	const struct prune_command_options *given, const struct pruned *pruned)
{
	struct size_text size = size_text(pruned->bytes);
	auto_free char *caches =
		given->caches ? str_format("%" PRIu64 " cache mounts, ", pruned->caches)
			      : str_dup("");

	if (str_equal(given->format, "json"))
		printf("{\"images\":%" PRIu64 ",\"layers\":%" PRIu64
		       ",\"records\":%" PRIu64 ",\"cacheMounts\":%" PRIu64
		       ",\"sessions\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"dryRun\":%s}\n",
			pruned->images, pruned->layers, pruned->blobs, pruned->caches,
			pruned->sessions, pruned->bytes,
			given->dry_run ? "true" : "false");
	else
		printf("%s %" PRIu64 " images, %" PRIu64 " layers, %" PRIu64
		       " records, %s%" PRIu64 " unfinished builds: %s\n",
			given->dry_run ? "would remove" : "removed", pruned->images,
			pruned->layers, pruned->blobs, caches, pruned->sessions,
			size.text);
}

static int run(const struct command_call *call, struct error *err)
{
	const struct builder_options *global = call->global;
	struct prune_command_options given =
		*(const struct prune_command_options *)call->options;
	struct prune_options prune = {
		.all_images = given.all,
		.caches = given.caches,
		.dry_run = given.dry_run,
		.keep_bytes = given.keep,
		.removed = print_removed,
		.argument = &given,
	};
	auto_store store = STORE_CLOSED;
	struct pruned pruned;

	if (given.keep < 0)
		return fail(err, "--keep-storage: expected a size such as 10g");
	if (rootless_enter(err) < 0)
		return -1;
	given.quiet = given.quiet || str_equal(given.format, "json");
	if (given.until && parse_age(given.until, &prune.keep_seconds, err) < 0)
		return -1;
	if (store_open(global->root, LOCK_EX, &store, err) < 0 ||
		store_prune(&store, &prune, &pruned, err) < 0)
		return -1;
	print_sum(&given, &pruned);
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
