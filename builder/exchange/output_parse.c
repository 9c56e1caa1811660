/* KEY=VALUE between commas; every key and value is checked before anything is built. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "builder/exchange/output.h"

static const struct word kinds[] = {
	{ "bundle", OUTPUT_BUNDLE },
	{ "local", OUTPUT_LOCAL },
	{ "rootfs", OUTPUT_LOCAL },
	{ "tar", OUTPUT_TAR },
	{ "oci", OUTPUT_OCI },
	{ "oci-archive", OUTPUT_OCI_ARCHIVE },
	{ "docker", OUTPUT_DOCKER_ARCHIVE },
	{ "docker-archive", OUTPUT_DOCKER_ARCHIVE },
	{ "registry", OUTPUT_REGISTRY },
	{ "image", OUTPUT_REGISTRY },
	{ NULL, 0 },
};

struct parsing {
	char *type;
	char *dest;
	char *name;
	char *compression;
	char *push;
};

static void parsing_free(struct parsing *parsing)
{
	free(parsing->type);
	free(parsing->dest);
	free(parsing->name);
	free(parsing->compression);
	free(parsing->push);
}

#define auto_parsing __attribute__((cleanup(parsing_free))) struct parsing

void output_free(struct output *output)
{
	free(output->dest);
	free(output->name);
	*output = (struct output){ 0 };
}

static int set(struct parsing *parsing, const char *item, struct error *err)
{
	const struct {
		const char *key;
		char **to;
	} keys[] = {
		{ "type=", &parsing->type },
		{ "dest=", &parsing->dest },
		{ "name=", &parsing->name },
		{ "compression=", &parsing->compression },
		{ "push=", &parsing->push },
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const char *value = str_after(item, keys[i].key);

		if (!value)
			continue;
		if (*keys[i].to)
			return fail(
				err, "%.*s stands twice", (int)strcspn(item, "="), item);
		*keys[i].to = str_dup(value);
		return 0;
	}
	return fail(
		err, "\"%s\" is none of type=, dest=, name=, compression=, push=", item);
}

static bool wants_file(enum output_kind kind)
{
	return kind == OUTPUT_TAR || kind == OUTPUT_OCI_ARCHIVE ||
	       kind == OUTPUT_DOCKER_ARCHIVE;
}

bool output_is_standard(const struct output *output)
{
	return wants_file(output->kind) && !output->dest;
}

static int check_dest(
	const struct output *output, const struct parsing *parsing, struct error *err)
{
	if (output->kind == OUTPUT_REGISTRY) {
		if (output->dest)
			return fail(err, "a registry has no dest=; name=NAME says where");
		if (str_equal(parsing->type, "image") &&
			!str_equal(parsing->push, "true"))
			return fail(err, "type=image is what the store gets anyway; "
					 "push=true pushes it");
		return 0;
	}
	if (parsing->push)
		return fail(err, "push= is for type=image");
	if (!wants_file(output->kind) && (!output->dest || !*output->dest))
		return fail(err, "type=%s needs dest=DIR", parsing->type);
	return 0;
}

static int complete(struct parsing *parsing, struct output *output, struct error *err)
{
	enum tar_compression compression;
	int64_t kind;

	if (!parsing->type)
		return fail(err, "type= is missing");
	if (!word_to_number(kinds, parsing->type, &kind))
		return word_fail(kinds, "type", parsing->type, err);
	if (tar_compression_parse(parsing->compression, &compression, err) < 0)
		return -1;
	*output = (struct output){
		.kind = (enum output_kind)kind,
		.dest = take_ptr(&parsing->dest),
		.name = take_ptr(&parsing->name),
		.compression = compression,
	};
	if (check_dest(output, parsing, err) < 0) {
		output_free(output);
		return -1;
	}
	if (wants_file(output->kind) && str_equal(output->dest, "-"))
		free(take_ptr(&output->dest));
	return 0;
}

int output_parse(const char *text, struct output *ret, struct error *err)
{
	auto_parsing parsing = { 0 };
	auto_strings items = { 0 };

	if (!strchr(text, '=')) { /* as BuildKit has it */
		bool standard = strcmp(text, "-") == 0;

		if (!*text)
			return fail(err, "--output is empty");
		*ret = (struct output){
			.kind = standard ? OUTPUT_TAR : OUTPUT_LOCAL,
			.dest = standard ? NULL : str_dup(text),
		};
		return 0;
	}
	strings_split(&items, text, ',');
	strings_each (item, &items) {
		if (set(&parsing, *item, err) < 0)
			return fail_while(err, "--output %s", text);
	}
	if (complete(&parsing, ret, err) < 0)
		return fail_while(err, "--output %s", text);
	return 0;
}
