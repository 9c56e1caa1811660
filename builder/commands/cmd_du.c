/* du: where the store's bytes are. */
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>

#include "base/json.h"
#include "builder/commands/commands.h"
#include "builder/size.h"
#include "builder/store/caches.h"
#include "builder/store/prune.h"

static void print_line(const char *what, uint64_t count, uint64_t bytes)
{
	struct size_text size = size_text(bytes);

	printf("%-24s %8" PRIu64 " %10s\n", what, count, size.text);
}

struct du_options {
	const char *format;
};

/* clang-format off */
static const struct option_spec options[] = {
	OPTION_STRING(struct du_options, format, "format", 0, "table|json",
		"the form of the answer", .values = "table|json", .initial = "table"),
	OPTION_END,
};
/* clang-format on */

static const struct json_field usage_fields[] = {
	JSON_U64(struct usage, images, "images", .required = true),
	JSON_U64(struct usage, image_bytes, "imageBytes", .required = true),
	JSON_U64(struct usage, layers, "layers", .required = true),
	JSON_U64(struct usage, layer_bytes, "layerBytes", .required = true),
	JSON_U64(struct usage, cache_layers, "cacheLayers", .required = true),
	JSON_U64(struct usage, cache_bytes, "cacheBytes", .required = true),
	JSON_U64(struct usage, cache_mounts, "cacheMounts", .required = true),
	JSON_U64(struct usage, cache_mount_bytes, "cacheMountBytes", .required = true),
	JSON_U64(struct usage, leases, "leasedLayers", .required = true),
	JSON_U64(struct usage, blob_bytes, "blobBytes", .required = true),
	JSON_END,
};
static const struct json_type usage_type = JSON_TYPE(struct usage, usage_fields);

static void print_json(const struct usage *usage)
{
	struct json_write_options pretty = { .pretty = true };
	auto_str text = { 0 };

	json_write(&text, &usage_type, usage, pretty);
	fputs(text.data, stdout);
}

static void print_table(const struct usage *usage)
{
	struct size_text blobs = size_text(usage->blob_bytes);

	printf("%-24s %8s %10s\n", "TYPE", "COUNT", "SIZE");
	print_line("images", usage->images, usage->image_bytes);
	print_line("layers", usage->layers, usage->layer_bytes);
	print_line("cache (can be pruned)", usage->cache_layers, usage->cache_bytes);
	print_line(
		"cache mounts (cache rm)", usage->cache_mounts, usage->cache_mount_bytes);
	printf("%-24s %8s %10s\n", "blobs", "", blobs.text);
}

static int run(const struct command_call *call, struct error *err)
{
	const struct builder_options *global = call->global;
	const struct du_options *given = call->options;
	auto_store store = STORE_CLOSED;
	auto_cache_list caches = { 0 };
	struct usage usage;

	if (store_open(global->root, LOCK_SH, &store, err) < 0 ||
		store_usage(&store, &usage, err) < 0 ||
		cache_list(&store, &caches, err) < 0)
		return -1;
	usage.cache_mounts = caches.count;
	for (size_t i = 0; i < caches.count; i++)
		usage.cache_mount_bytes += caches.items[i].size;
	if (str_equal(given->format, "json"))
		print_json(&usage);
	else
		print_table(&usage);
	return 0;
}

const struct command command_du = {
	.name = "du",
	.summary = "show what the store takes",
	.options = options,
	.options_size = sizeof(struct du_options),
	.run = run,
};
