/* inspect: an image's record (its OCI config and its layers) as JSON. */
#include <stdio.h>
#include <sys/file.h>

#include "builder/commands/commands.h"
#include "builder/store/image.h"
#include "builder/store/refs.h"

/* What is printed for one image: the record and what is outside of it. */
struct inspected {
	char *id;
	struct strings names;
	uint64_t size;
	struct image image;
};

static const struct json_field inspected_fields[] = {
	JSON_STRING(struct inspected, id, "id", .required = true),
	JSON_STRINGS(struct inspected, names, "names", .required = true),
	JSON_U64(struct inspected, size, "size", .required = true),
	JSON_STRUCT(struct inspected, image, "image", &image_type),
	JSON_END,
};
static const struct json_type inspected_type =
	JSON_TYPE(struct inspected, inspected_fields);

static void inspected_free(struct inspected *inspected)
{
	json_free(&inspected_type, inspected);
}

#define auto_inspected __attribute__((cleanup(inspected_free))) struct inspected

static int find_names(const struct store *store, const struct digest *id,
	struct strings *ret, struct error *err)
{
	auto_image_index index = { 0 };

	if (refs_read(store, &index, err) < 0)
		return -1;
	for (size_t i = 0; i < index.manifests_count; i++) {
		const struct image_descriptor *entry = &index.manifests[i];
		struct digest found;

		if (ref_name(entry) && digest_parse(entry->digest, &found) &&
			str_equal(found.hex, id->hex))
			strings_add(ret, ref_name(entry));
	}
	return 0;
}

static int inspect(const struct store *store, const char *text, struct str *output,
	struct error *err)
{
	struct json_write_options options = { .pretty = true };
	auto_inspected inspected = { 0 };
	struct digest id;

	if (refs_find(store, text, &id, err) < 0 ||
		image_load(store, &id, &inspected.image, err) < 0 ||
		find_names(store, &id, &inspected.names, err) < 0)
		return -1;
	inspected.id = str_format(DIGEST_PREFIX "%s", id.hex);
	inspected.size = image_size(&inspected.image);
	json_write(output, &inspected_type, &inspected, options);
	return 0;
}

static int run(const struct command_call *call, struct error *err)
{
	const struct builder_options *global = call->global;
	auto_store store = STORE_CLOSED;
	auto_str output = { 0 };

	if (store_open(global->root, LOCK_SH, &store, err) < 0)
		return -1;
	str_append(&output, "[\n");
	for (int i = 0; i < call->argc; i++) {
		str_append(&output, i ? ",\n" : "");
		if (inspect(&store, call->argv[i], &output, err) < 0)
			return -1;
	}
	str_append(&output, "]\n");
	fwrite(output.data, 1, output.length, stdout);
	return 0;
}

const struct command command_inspect = {
	.name = "inspect",
	.operands = "IMAGE...",
	.summary = "print an image's configuration and layers as JSON",
	.operands_min = 1,
	.operands_max = -1,
	.run = run,
};
