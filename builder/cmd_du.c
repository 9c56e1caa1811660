/* du: where the store's bytes are. */
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>

#include "base/cleanup.h"
#include "builder/commands.h"
#include "builder/size.h"
#include "builder/store/caches.h"
#include "builder/store/prune.h"

static void print_line(const char *what, uint64_t count, uint64_t bytes)
{
	struct size_text size = size_text(bytes);

	printf("%-24s %8" PRIu64 " %10s\n", what, count, size.text);
}

static int run(const struct command_call *call, struct error *err)
{
	const struct builder_options *global = call->global;
	auto_store store = STORE_CLOSED;
	auto_cache_list caches = { 0 };
	uint64_t cache_bytes = 0;
	struct usage usage;

	if (store_open(global->root, LOCK_SH, &store, err) < 0 ||
		store_usage(&store, &usage, err) < 0 ||
		cache_list(&store, &caches, err) < 0)
		return -1;
	for (size_t i = 0; i < caches.count; i++)
		cache_bytes += caches.items[i].size;
	printf("%-24s %8s %10s\n", "TYPE", "COUNT", "SIZE");
	print_line("images", usage.images, usage.image_bytes);
	print_line("layers", usage.layers, usage.layer_bytes);
	print_line("cache (can be pruned)", usage.cache_layers, usage.cache_bytes);
	print_line("cache mounts (cache rm)", caches.count, cache_bytes);
	return 0;
}

const struct command command_du = {
	.name = "du",
	.summary = "show what the store takes",
	.run = run,
};
