/*
 * reprint [--compact] [--validate] KIND FILE: reads a document of a kind and prints it as
 * we write it; unknown members and broken rules go to standard error. Exit status 1 where
 * the document cannot be read or breaks a rule. Tests compare what it prints.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "spec/config.h"
#include "spec/features.h"
#include "spec/image_config.h"
#include "spec/image_index.h"
#include "spec/image_manifest.h"
#include "spec/state.h"
#include "spec/validate.h"

static const struct kind {
	const char *name;
	const struct json_type *type;
} kinds[] = {
	{ "config", &oci_config_type },
	{ "process", &oci_process_type },
	{ "resources", &oci_resources_type },
	{ "state", &oci_state_type },
	{ "features", &oci_features_type },
	{ "image-config", &image_config_type },
	{ "image-index", &image_index_type },
	{ "image-manifest", &image_manifest_type },
	{ "image-layout", &image_layout_type },
	{ "descriptor", &image_descriptor_type },
};

static void print_unknown(void *argument, const char *line)
{
	fprintf(stderr, "%s\n", line);
}

static void print_problem(void *argument, const char *pointer, const char *text)
{
	fprintf(stderr, "%s: %s\n", pointer, text);
}

static int validate(const struct kind *kind, const void *object, struct error *err)
{
	static const struct validate_options options = { .problem = print_problem };

	if (kind->type == &oci_config_type)
		return config_validate(object, &options, err);
	if (kind->type == &oci_process_type)
		return process_validate(object, &options, err);
	if (kind->type == &oci_resources_type)
		return resources_validate(object, &options, err);
	return 0;
}

static int reprint(const struct kind *kind, const char *path, bool rules, bool pretty)
{
	struct json_options options = { .name = path, .unknown = print_unknown };
	struct json_write_options writing = { .pretty = pretty };
	auto_free void *object = str_alloc(kind->type->size);
	auto_str text = { 0 };
	struct error err;
	int status = 0;

	if (json_read_file(kind->type, object, AT_FDCWD, path, &options, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	if (rules && validate(kind, object, &err) < 0)
		status = 1;
	json_write(&text, kind->type, object, writing);
	fputs(text.data, stdout);
	json_free(kind->type, object);
	return status;
}

int main(int argc, char **argv)
{
	bool rules = false;
	bool pretty = true;

	for (; argc > 1 && str_after(argv[1], "--"); argc--, argv++) {
		rules |= strcmp(argv[1], "--validate") == 0;
		pretty &= strcmp(argv[1], "--compact") != 0;
	}
	for (size_t i = 0; argc == 3 && i < ARRAY_SIZE(kinds); i++) {
		if (strcmp(argv[1], kinds[i].name) == 0)
			return reprint(&kinds[i], argv[2], rules, pretty);
	}
	fprintf(stderr, "usage: reprint [--compact] [--validate] KIND FILE\n");
	return 2;
}
