/* tag: one more name for an image. */
#include <sys/file.h>

#include "base/cleanup.h"
#include "builder/commands/commands.h"
#include "builder/store/image.h"
#include "builder/store/refs.h"

static int run(const struct command_call *call, struct error *err)
{
	const struct builder_options *global = call->global;
	auto_store store = STORE_CLOSED;
	auto_free char *name = NULL;
	auto_image image = { 0 };
	struct digest id;
	uint64_t size;

	if (ref_normalize(call->argv[1], &name, err) < 0 ||
		store_open(global->root, LOCK_SH, &store, err) < 0 ||
		refs_find(&store, call->argv[0], &id, err) < 0 ||
		image_load(&store, &id, &image, err) < 0 ||
		image_save(&store, &image, &id, &size, err) < 0)
		return -1;
	return refs_set(&store, name, &id, size, err);
}

const struct command command_tag = {
	.name = "tag",
	.operands = "IMAGE NAME[:TAG]",
	.summary = "give an image one more name",
	.operands_min = 2,
	.operands_max = 2,
	.run = run,
};
