/* Words in Go's names; an entry without variant serves any. */
#include "builder/platform.h"

#include <string.h>

#include "base/cleanup.h"
#include "builder/store/image.h"

void platform_free(struct image_platform *platform)
{
	json_free(&image_platform_type, platform);
}

static const char *go_name(const char *architecture)
{
	static const char *const names[][2] = {
		{ "x86_64", "amd64" },
		{ "x86-64", "amd64" },
		{ "aarch64", "arm64" },
		{ "armhf", "arm" },
		{ "i386", "386" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(names[i][0], architecture) == 0)
			return names[i][1];
	}
	return architecture;
}

int platform_parse(const char *text, struct image_platform *ret, struct error *err)
{
	auto_strings parts = { 0 };

	*ret = (struct image_platform){ 0 };
	if (!text) {
		ret->os = str_dup("linux");
		ret->architecture = str_dup(image_architecture());
		return 0;
	}
	strings_split(&parts, text, '/');
	if (parts.count < 2 || parts.count > 3 || !*parts.items[0] || !*parts.items[1])
		return fail(err,
			"platform \"%s\": expected OS/ARCHITECTURE[/VARIANT], such as "
			"linux/arm64",
			text);
	ret->os = str_dup(parts.items[0]);
	ret->architecture = str_dup(go_name(parts.items[1]));
	if (parts.count == 3)
		ret->variant = str_dup(parts.items[2]);
	return 0;
}

char *platform_text(const struct image_platform *platform)
{
	const char *variant = platform->variant ? platform->variant : "";

	return str_format("%s/%s%s%s", platform->os, platform->architecture,
		*variant ? "/" : "", variant);
}

bool platform_matches(
	const struct image_platform *wanted, const struct image_platform *platform)
{
	if (!platform)
		return true;
	if (!str_equal(wanted->os, platform->os) ||
		!str_equal(wanted->architecture, platform->architecture))
		return false;
	return !wanted->variant || !platform->variant || !*platform->variant ||
	       str_equal(wanted->variant, platform->variant);
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
	auto_free char *text = platform_text(wanted);

	for (size_t i = 0; i < index->manifests_count; i++) {
		if (platform_matches(wanted, index->manifests[i].platform)) {
			*ret = &index->manifests[i];
			return 0;
		}
	}
	list(index, &names);
	joined = strings_join(&names, ", ");
	return fail_code(err, ENOENT, "%s has no image for %s; it has %s", name, text,
		*joined ? joined : "none");
}
