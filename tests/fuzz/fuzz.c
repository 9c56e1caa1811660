/* What all targets of documents ask. */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void ignore(void *argument, const char *line)
{
	if (strchr(line, '\n'))
		abort();
}

static void promise(bool kept, const char *what, const char *details)
{
	if (kept)
		return;
	fprintf(stderr, "%s: %s\n", what, details);
	abort();
}

static void read_again(const struct json_type *type, const struct str *text)
{
	auto_free void *object = str_alloc(type->size);
	auto_str again = { 0 };
	struct error err;

	promise(json_read(type, object, text->data, text->length, NULL, &err) == 0,
		"what we wrote is refused", err.text);
	json_write(&again, type, object, (struct json_write_options){ .pretty = true });
	promise(str_equal(text->data, again.data),
		"what we wrote reads as something else", again.data);
	json_free(type, object);
}

void fuzz_document(const struct json_type *type, const uint8_t *data, size_t size,
	void (*use)(const void *object))
{
	struct json_options options = { .name = "fuzz", .unknown = ignore };
	auto_free void *object = str_alloc(type->size);
	auto_str text = { 0 };
	struct error err;

	if (json_read(type, object, (const char *)data, size, &options, &err) < 0) {
		promise(strlen(err.text) && !strchr(err.text, '\n'), "not one line",
			err.text);
		return;
	}
	if (use)
		use(object);
	json_write(&text, type, object, (struct json_write_options){ .pretty = true });
	json_free(type, object);
	read_again(type, &text);
}
