/* The best of what there is, or an error that lists it. */
#include "builder/platform.h"

#include "base/cleanup.h"

bool platform_matches(
	const struct image_platform *wanted, const struct image_platform *platform)
{
	return platform_rank(wanted, platform) >= 0;
}

static void list(const struct image_index *index, struct strings *ret)
{
	for (size_t i = 0; i < index->manifests_count; i++) {
		const struct image_platform *platform = index->manifests[i].platform;

		if (platform && !str_equal(platform->os, "unknown"))
			strings_add_take(ret, platform_text(platform));
	}
}

int platform_choose(const struct image_index *index, const char *name,
	const struct image_platform *wanted, const struct image_descriptor **ret,
	struct error *err)
{
	auto_strings names = { 0 };
	auto_free char *joined = NULL;
	auto_free char *text = NULL;
	int best = -1;

	for (size_t i = 0; i < index->manifests_count; i++) {
		int rank = platform_rank(wanted, index->manifests[i].platform);

		if (rank < 0 || (best >= 0 && rank >= best))
			continue;
		*ret = &index->manifests[i];
		best = rank;
	}
	if (best >= 0)
		return 0;
	list(index, &names);
	joined = strings_join(&names, ", ");
	text = platform_text(wanted);
	return fail_code(err, ENOENT, "%s has no image for %s; it has %s", name, text,
		*joined ? joined : "none");
}
