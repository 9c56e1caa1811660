/* history: the steps that an image was made of, the last first. */
#include <stdio.h>
#include <sys/file.h>

#include "base/cleanup.h"
#include "builder/commands.h"
#include "builder/size.h"
#include "builder/store/image.h"
#include "builder/store/refs.h"

static void print_entry(
	const struct image_history *entry, const struct image_layer *layer)
{
	struct size_text size = size_text(layer ? layer->size : 0);

	printf("%-20s %10s  %s\n", entry->created ? entry->created : "-",
		layer ? size.text : "-", entry->created_by ? entry->created_by : "");
}

static int run(const struct command_call *call, struct error *err)
{
	const struct builder_options *global = call->global;
	auto_store store = STORE_CLOSED;
	auto_image image = { 0 };
	struct digest id;
	size_t layer;

	if (store_open(global->root, LOCK_SH, &store, err) < 0 ||
		refs_find(&store, call->argv[0], &id, err) < 0 ||
		image_load(&store, &id, &image, err) < 0)
		return -1;
	printf("%-20s %10s  %s\n", "CREATED", "SIZE", "STEP");
	layer = image.layers_count;
	for (size_t i = image.config.history_count; i-- > 0;) {
		const struct image_history *entry = &image.config.history[i];
		bool has_layer = !entry->empty_layer && layer > 0;

		print_entry(entry, has_layer ? &image.layers[--layer] : NULL);
	}
	return 0;
}

const struct command command_history = {
	.name = "history",
	.operands = "IMAGE",
	.summary = "show the steps that an image was made of",
	.operands_min = 1,
	.operands_max = 1,
	.run = run,
};
