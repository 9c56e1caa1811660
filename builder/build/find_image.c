/*
 * Where the images come from that FROM, COPY --from and mounts name: a stage, --build-context,
 * the store, a registry, a file.
 */
#include "base/cleanup.h"
#include "builder/build/build.h"
#include "builder/exchange/import.h"
#include "builder/platform.h"
#include "builder/store/refs.h"

/* From elsewhere, by a source's words: into the store. */
static int import(struct build *build, const char *source, const char *platform,
	struct image *ret, struct error *err)
{
	struct import_options options = {
		.platform = platform,
		.print = progress_output,
		.print_argument = &build->progress,
		.client = build->request->client,
		.live = view_is_live(build->request->view),
		.signal_fd = build->interrupt.fd,
	};

	return import_image(&build->session, source, &options, ret, err);
}

/* A name that the store does not have is one of a registry; pulled, it is in the store
 * under that name, and the next build asks nobody. */
static int pull(struct build *build, const char *name, const char *platform,
	struct image *ret, struct error *err)
{
	auto_free char *source = str_format("docker://%s", name);
	auto_free char *ref = NULL;
	auto_image image = { 0 };
	struct digest id;
	uint64_t size;

	if (ref_normalize(name, &ref, err) < 0 ||
		import(build, source, platform, &image, err) < 0 ||
		image_save(build->store, &image, &id, &size, err) < 0 ||
		refs_set(build->store, ref, &id, size, err) < 0)
		return -1;
	strings_add(&build->pulled, name);
	*ret = image;
	image = (struct image){ 0 };
	return 0;
}

int build_find_stored(struct build *build, const char *name, const char *platform,
	struct image *ret, struct error *err)
{
	struct image_platform own = { 0 };
	auto_platform wanted = { 0 };
	auto_image image = { 0 };
	struct digest id;

	if (platform_parse(platform, &wanted, err) < 0 ||
		refs_find(build->store, name, &id, err) < 0 ||
		image_load(build->store, &id, &image, err) < 0)
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

int build_find_image(struct build *build, const char *name, const char *platform,
	struct image *ret, struct error *err)
{
	enum pull_policy policy = build->request->pull;
	struct error pulling;

	if (import_is_source(name))
		return import(build, name, platform, ret, err);
	if (policy == PULL_ALWAYS && !strings_contain(&build->pulled, name))
		return pull(build, name, platform, ret, err);
	if (build_find_stored(build, name, platform, ret, err) == 0)
		return 0;
	if (policy == PULL_NEVER || err->errnum != ENOENT)
		return -1;
	if (pull(build, name, platform, ret, &pulling) == 0)
		return 0;
	*err = pulling;
	return fail_while(err, "%s is not in the store; pulling it", name);
}

int build_find_source(struct build *build, const struct stage_state *state,
	const char *from, struct image *ret, struct error *err)
{
	const struct context *named = build_named_context(build, from);
	size_t index;

	if (named && named->fd >= 0)
		return fail(err, "%s is a directory, no image", named->what);
	if (named)
		return build_find_image(
			build, named->image, build->request->platform, ret, err);
	if (plan_find_stage(&build->plan, from, state->stage->index, &index))
		return image_copy(ret, &build->states[index].image, err);
	return build_find_image(build, from, build->request->platform, ret, err);
}
