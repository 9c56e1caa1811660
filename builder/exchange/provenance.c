/*
 * How an image was built, in SLSA's words of two versions. Values of build arguments are
 * left out of both, as they may be secrets: so the parameters are not complete.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "builder/exchange/attest.h"
#include "spec/platform.h"

#define BUILD_TYPE "urn:mocker:builder:v1"
#define BUILDER    "urn:mocker:mocker-builder:" VERSION

/* {"KIND":"HEX"}, of KIND:HEX. */
static void append_digest(struct str *text, const char *digest)
{
	size_t kind = strcspn(digest, ":");

	if (digest[kind])
		str_appendf(text, ",\"digest\":{\"%.*s\":\"%s\"}", (int)kind, digest,
			digest + kind + 1);
}

/* Who opened a URL, and by which password, is nobody else's matter. */
static void append_uri(struct str *text, const char *url)
{
	const char *host = strstr(url, "://");
	size_t length = host ? strcspn(host + 3, "/?#") : 0;
	const char *user = host ? memrchr(host + 3, '@', length) : NULL;
	auto_free char *shown =
		user && str_after(url, "http")
			? str_format("%.*s%s", (int)(host + 3 - url), url, user + 1)
			: str_dup(url);

	str_append(text, "{\"uri\":");
	json_append_string(text, shown);
}

/* What it was built of, as objects of an array. */
static void append_materials(struct str *text, const struct attest_build *build)
{
	const char *architecture = platform_architecture();
	const char *separator = "";

	str_append_char(text, '[');
	for (size_t i = 0; i < build->images->count; i++, separator = ",") {
		const struct pair *image = &build->images->items[i];
		auto_free char *url =
			attest_package_url(image->key, "linux", architecture);

		str_append(text, separator);
		append_uri(text, url);
		append_digest(text, image->value);
		str_append_char(text, '}');
	}
	for (size_t i = 0; i < build->fetched->count; i++, separator = ",") {
		str_append(text, separator);
		append_uri(text, build->fetched->items[i].key);
		append_digest(text, build->fetched->items[i].value);
		str_append_char(text, '}');
	}
	str_append_char(text, ']');
}

/* `path`: what the member is called that names the file. */
static void append_source(
	struct str *text, const struct attest_build *build, const char *path)
{
	str_append(text, "\"configSource\":");
	append_uri(text, build->repository);
	append_digest(text, build->source);
	str_appendf(text, ",\"%s\":", path);
	json_append_string(text, build->file);
	str_append_char(text, '}');
}

static void append_parameters(
	struct str *text, const struct attest_build *build, const char *name)
{
	str_appendf(text, ",\"%s\":{\"frontend\":\"mockerfile\",\"args\":{", name);
	if (build->target) {
		str_append(text, "\"target\":");
		json_append_string(text, build->target);
	}
	str_append(text, "}}");
}

static char *write_v02(const struct attest_build *build)
{
	auto_str text = { 0 };

	str_append(&text, "{\"builder\":{\"id\":\"" BUILDER "\"},"
			  "\"buildType\":\"" BUILD_TYPE "\",\"materials\":");
	append_materials(&text, build);
	str_append(&text, ",\"invocation\":{");
	append_source(&text, build, "entryPoint");
	append_parameters(&text, build, "parameters");
	str_appendf(&text, ",\"environment\":{\"platform\":\"linux/%s\"}},\"metadata\":{",
		platform_architecture());
	if (build->started)
		str_appendf(&text,
			"\"buildStartedOn\":\"%s\",\"buildFinishedOn\":\"%s\",",
			build->started, build->finished);
	str_append(&text, "\"completeness\":{\"parameters\":false,\"environment\":true,"
			  "\"materials\":false},\"reproducible\":false}}");
	return str_take(&text);
}

static char *write_v1(const struct attest_build *build)
{
	auto_str text = { 0 };

	str_append(&text, "{\"buildDefinition\":{\"buildType\":\"" BUILD_TYPE "\","
			  "\"externalParameters\":{");
	append_source(&text, build, "path");
	append_parameters(&text, build, "request");
	str_appendf(&text,
		"},\"internalParameters\":{\"builderPlatform\":\"linux/%s\"},"
		"\"resolvedDependencies\":",
		platform_architecture());
	append_materials(&text, build);
	str_append(&text, "},\"runDetails\":{\"builder\":{\"id\":\"" BUILDER "\"}");
	if (build->started)
		str_appendf(&text,
			",\"metadata\":{\"startedOn\":\"%s\",\"finishedOn\":\"%s\"}",
			build->started, build->finished);
	str_append(&text, "}}");
	return str_take(&text);
}

char *attest_provenance(const struct attest_build *build, enum attest_version version)
{
	return version == ATTEST_V1 ? write_v1(build) : write_v02(build);
}

const char *attest_predicate_type(enum attest_version version)
{
	return version == ATTEST_V1 ? "https://slsa.dev/provenance/v1"
				    : "https://slsa.dev/provenance/v0.2";
}
