/* rmi: takes a name away, or with an ID the image. Layers go with prune, or stay as the
 * cache of later builds. */
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "base/cleanup.h"
#include "builder/commands/commands.h"
#include "builder/store/refs.h"

struct rmi_options {
	bool force;
};

/* clang-format off */
static const struct option_spec options[] = {
	OPTION_FLAG(struct rmi_options, force, "force", 'f',
		"an image that does not exist is no error; an ID takes all of its names"),
	OPTION_END,
};
/* clang-format on */

/* Who gives an ID may not know of every name. */
static int remove_all_names(
	const struct store *store, const struct digest *id, bool force, struct error *err)
{
	auto_free char *digest = str_format(DIGEST_PREFIX "%s", id->hex);
	auto_image_index index = { 0 };
	auto_free char *joined = NULL;
	auto_strings names = { 0 };

	if (refs_read(store, &index, err) < 0)
		return -1;
	for (size_t i = 0; i < index.manifests_count; i++) {
		const char *name = ref_name(&index.manifests[i]);

		if (name && str_equal(index.manifests[i].digest, digest))
			strings_add(&names, name);
	}
	joined = strings_join(&names, ", ");
	if (names.count > 1 && !force)
		return fail(err, "%.12s has several names: %s; give these, or --force",
			id->hex, joined);
	if (refs_remove_image(store, id, err) < 0)
		return -1;
	strings_each (name, &names)
		printf("untagged %s\n", *name);
	printf("removed %.12s\n", id->hex);
	return 0;
}

/* As it is listed, also where older versions took what is no name. */
static int remove_name(const struct store *store, const char *name, struct error *err)
{
	struct digest id;
	bool last = false;

	if (refs_remove_name(store, name, &id, &last, err) < 0)
		return -1;
	printf("untagged %s\n", name);
	if (last)
		printf("removed %.12s\n", id.hex);
	return 0;
}

static int remove_one(
	const struct store *store, const char *text, bool force, struct error *err)
{
	auto_free char *name = NULL;
	struct digest id;

	if (remove_name(store, text, err) == 0)
		return 0;
	if (err->errnum != ENOENT || refs_find_named(store, text, &id, &name, err) < 0)
		return -1;
	return name ? remove_name(store, name, err)
		    : remove_all_names(store, &id, force, err);
}

static int run(const struct command_call *call, struct error *err)
{
	const struct builder_options *global = call->global;
	const struct rmi_options *given = call->options;
	auto_store store = STORE_CLOSED;

	if (store_open(global->root, LOCK_SH, &store, err) < 0)
		return -1;
	for (int i = 0; i < call->argc; i++) {
		if (remove_one(&store, call->argv[i], given->force, err) < 0 &&
			!(given->force && err->errnum == ENOENT))
			return -1;
	}
	return 0;
}

const struct command command_rmi = {
	.name = "rmi",
	.operands = "IMAGE...",
	.summary = "remove images by name or ID",
	.details = "The layers stay as the cache of later builds; prune removes them. "
		   "Bundles that stand on them keep theirs.",
	.options = options,
	.options_size = sizeof(struct rmi_options),
	.operands_min = 1,
	.operands_max = -1,
	.permute = true,
	.run = run,
};
