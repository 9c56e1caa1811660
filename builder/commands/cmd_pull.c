/* pull: an image of a registry into the store. */
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "builder/build/worker.h"
#include "builder/commands/commands.h"
#include "builder/commands/registry_options.h"
#include "builder/exchange/import.h"
#include "builder/rootless.h"
#include "builder/store/refs.h"

struct pull_options {
	const char *platform;
	bool quiet;
	struct registry_flags registry;
};

/* clang-format off */
static const struct option_spec options[] = {
	OPTION_STRING(struct pull_options, platform, "platform", 0, "OS/ARCHITECTURE[/VARIANT]",
		"of an index of platforms, this one instead of this machine's"),
	REGISTRY_OPTIONS(struct pull_options),
	OPTION_FLAG(struct pull_options, quiet, "quiet", 'q', "print nothing but the image's ID"),
	OPTION_END,
};
/* clang-format on */

static int save(const struct pull_options *given, const struct store *store,
	const struct image *image, const char *name, struct error *err)
{
	struct digest id;
	uint64_t size;

	if (image_save(store, image, &id, &size, err) < 0 ||
		refs_set(store, name, &id, size, err) < 0)
		return -1;
	if (given->quiet)
		printf(DIGEST_PREFIX "%s\n", id.hex);
	else
		printf("image %.12s is %s\ndigest %s\n", id.hex, name,
			image->manifest->digest);
	return 0;
}

static int run(const struct command_call *call, struct error *err)
{
	const struct builder_options *global = call->global;
	const struct pull_options *given = call->options;
	const char *rest = str_after(call->argv[0], "docker://");
	const char *asked = rest ? rest : call->argv[0];
	auto_free char *source = str_format("docker://%s", asked);
	auto_interrupt interrupt = INTERRUPT_NONE;
	auto_store store = STORE_CLOSED;
	auto_session session = SESSION_NONE;
	auto_free char *name = NULL;
	auto_image image = { 0 };
	struct import_options how = {
		.platform = given->platform,
		.client = registry_client(&given->registry),
		.output = given->quiet ? -1 : STDERR_FILENO,
		.live = isatty(STDERR_FILENO),
	};

	if (rootless_enter(err) < 0)
		return -1;
	if (ref_normalize_pulled(asked, &name, err) < 0 ||
		store_open(global->root, LOCK_SH, &store, err) < 0 ||
		interrupt_begin(&interrupt, err) < 0 ||
		session_begin(&store, &session, err) < 0)
		return -1;
	how.signal_fd = interrupt.fd;
	if (import_image(&session, source, &how, &image, err) < 0)
		return fail_while(err, "pulling");
	return save(given, &store, &image, name, err);
}

const struct command command_pull = {
	.name = "pull",
	.operands = "IMAGE",
	.summary = "fetch an image from a registry",
	.details =
		"IMAGE is [HOST[:PORT]/]NAME[:TAG][@sha256:HEX]; without a host, the "
		"unqualified-search-registries of registries.conf are asked, else docker.io. "
		"Layers that the store has are not fetched again; a transfer that breaks "
		"goes on from where it stood. build pulls what FROM names and the store "
		"does not have.",
	.options = options,
	.options_size = sizeof(struct pull_options),
	.operands_min = 1,
	.operands_max = 1,
	.permute = true,
	.run = run,
};
