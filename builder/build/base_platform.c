/* Its name and its wording are BuildKit's. */
#include "builder/build/base_platform.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "builder/platform.h"

#define RULE "InvalidBaseImagePlatform"

int base_platform_check(const struct build *build, const struct stage *stage,
	const struct image *image, const char *platform, struct error *err)
{
	struct span span = instruction_span(stage->from, NULL);
	struct image_platform found = {
		.os = image->config.os,
		.architecture = image->config.architecture,
		.variant = image->config.variant,
	};
	auto_platform wanted = { 0 };
	auto_free char *expected = NULL;
	auto_free char *actual = NULL;
	auto_free char *text = NULL;

	if (platform_parse(platform, &wanted, err) < 0)
		return -1;
	if (!found.os || !found.architecture || image->on_host ||
		platform_matches(&wanted, &found) ||
		check_lists(&build->file.check.skip, RULE))
		return 0;
	expected = platform_text(&wanted);
	actual = platform_text(&found);
	text = str_format(RULE
		": Base image %s was pulled with platform \"%s\", expected "
		"\"%s\" for current build",
		stage->base_name, actual, expected);
	if (build->file.check.fatal)
		return span_fail(span, err, "%s", text);
	log_warning("%s:%u: %s", span.source->name, span.line, text);
	return 0;
}
