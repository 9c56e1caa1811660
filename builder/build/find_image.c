/*
 * Where the images come from that FROM, COPY --from and mounts name: a stage, --build-context,
 * the store, a registry, a file.
 */
#include "builder/build/find_image.h"

#include "base/cleanup.h"
#include "builder/exchange/import.h"
#include "builder/platform.h"
#include "builder/store/refs.h"

/* From elsewhere, by a source's words: into the store. */
static int import(struct stage_process *process, const char *source, const char *platform,
	struct image *ret, struct error *err)
{
	struct import_options options = {
		.platform = platform,
		.print = progress_output,
		.print_argument = &process->progress,
		.client = process->build->request->client,
		.live = view_is_live(process->build->request->view),
		.signal_fd = process->interrupt.fd,
	};

	return import_image(process->session, source, &options, ret, err);
}

/* A name that the store does not have is one of a registry; pulled, it is in the store
 * under that name, and the next build asks nobody. */
static int pull(struct stage_process *process, const char *name, const char *platform,
	struct image *ret, struct error *err)
{
	auto_free char *source = str_format("docker://%s", name);
	auto_free char *ref = NULL;
	auto_image image = { 0 };
	struct digest id;
	uint64_t size;

	if (ref_normalize_pulled(name, &ref, err) < 0 ||
		import(process, source, platform, &image, err) < 0 ||
		image_save(process->build->store, &image, &id, &size, err) < 0 ||
		refs_set(process->build->store, ref, &id, size, err) < 0)
		return -1;
	strings_add(process->pulled, name);
	*ret = image;
	image = (struct image){ 0 };
	return 0;
}

int build_find_stored(struct stage_process *process, const char *name,
	const char *platform, struct image *ret, struct error *err)
{
	struct image_platform own = { 0 };
	auto_platform wanted = { 0 };
	auto_image image = { 0 };
	struct digest id;

	if (platform_parse(platform, &wanted, err) < 0 ||
		refs_find(process->build->store, name, &id, err) < 0 ||
		image_load(process->build->store, &id, &image, err) < 0)
		return -1;
	own.os = image.config.os;
	own.architecture = image.config.architecture;
	own.variant = image.config.variant;
	if (platform && !platform_matches(&wanted, &own))
		return fail_code(err, ENOENT, "%s is in the store for %s/%s alone", name,
			own.os, own.architecture);
	*ret = image;
	image = (struct image){ 0 };
	return 0;
}

int build_find_image(struct stage_process *process, const char *name,
	const char *platform, struct image *ret, struct error *err)
{
	enum pull_policy policy = process->build->request->pull;
	struct error pulling;

	if (import_is_source(name))
		return import(process, name, platform, ret, err);
	if (policy == PULL_ALWAYS && !strings_contain(process->pulled, name))
		return pull(process, name, platform, ret, err);
	if (build_find_stored(process, name, platform, ret, err) == 0)
		return 0;
	if (policy == PULL_NEVER || err->errnum != ENOENT)
		return -1;
	if (pull(process, name, platform, ret, &pulling) == 0)
		return 0;
	*err = pulling;
	return fail_while(err, "%s is not in the store; pulling it", name);
}

int build_find_source(struct stage_process *process, const char *from, struct image *ret,
	struct error *err)
{
	const struct context *named = build_named_context(process->build, from);
	size_t index;

	if (named && named->fd >= 0)
		return fail(err, "%s is a directory, no image", named->what);
	if (named)
		return build_find_image(process, named->image,
			process->build->request->platform, ret, err);
	if (plan_find_stage(
		    &process->build->plan, from, process->state->stage->index, &index))
		return image_copy(ret, &process->build->states[index].image, err);
	return build_find_image(
		process, from, process->build->request->platform, ret, err);
}
