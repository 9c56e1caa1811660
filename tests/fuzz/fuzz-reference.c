/* What names things on the command line and in FROM, COPY and ADD: image references, git
 * repositories, platforms. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "builder/git/git.h"
#include "builder/platform.h"
#include "builder/registry/reference.h"
#include "builder/store/refs.h"
#include "tests/fuzz/fuzz.h"

/* A name's one form is that of itself, and no ID. */
static void check_name(const char *text)
{
	auto_free char *name = NULL;
	auto_free char *again = NULL;
	struct error err;

	if (ref_normalize(text, &name, &err) < 0)
		return;
	if (ref_normalize(name, &again, &err) < 0 || strcmp(name, again) != 0 ||
		strchr(name, '@') || str_after(name, "sha256:"))
		abort();
}

/* Nothing of a reference can be a path that leads up, or an option. */
static void check_reference(const char *text)
{
	auto_reference reference = { 0 };
	struct error err;

	if (reference_parse(text, &reference, &err) < 0)
		return;
	if (*reference.repository == '/' || *reference.repository == '-' ||
		strstr(reference.repository, "..") ||
		strpbrk(reference_version(&reference), "/ "))
		abort();
}

static void check_git(const char *text)
{
	auto_git_source source = { 0 };
	struct error err;

	if (!git_source_is(text) || git_source_parse(text, &source, &err) < 0)
		return;
	if (*source.url == '-' || (source.ref && *source.ref == '-'))
		abort();
	for (const char *c = source.url; *c; c++)
		if (iscntrl((unsigned char)*c))
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = str_dup_n((const char *)data, size);
	auto_platform platform = { 0 };
	struct error err;

	if (size > 4096)
		return 0;
	check_name(text);
	check_reference(text);
	check_git(text);
	if (platform_parse(text, &platform, &err) == 0) {
		auto_free char *again = platform_text(&platform);

		if (!strchr(again, '/'))
			abort();
	}
	return 0;
}
