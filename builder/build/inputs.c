/* The list of a step's inputs, and its hash. */
#include "builder/build/inputs.h"

#include <ctype.h>
#include <string.h>

#include "builder/build/cache.h"

#define LIST_MAX (8u << 20) /* more is summed up by what was added */

void inputs_free(struct inputs *inputs)
{
	digest_free(&inputs->key);
	str_free(&inputs->list);
}

/* A line is a line, and does nothing to a terminal, whatever a file is called. */
static void append_name(struct str *list, const char *name)
{
	size_t begin = list->length;

	str_append(list, name);
	for (size_t i = begin; i < list->length; i++) {
		if (iscntrl((unsigned char)list->data[i]))
			list->data[i] = '?';
	}
	str_append_char(list, '\n');
}

void inputs_begin(struct inputs *inputs, const char *instruction, const char *parent)
{
	inputs_free(inputs);
	*inputs = (struct inputs){ 0 };
	cache_key_begin(&inputs->key, instruction, parent);
	inputs_add(inputs, INPUT_PARENT,
		strcmp(instruction, "FROM") == 0 ? "the base image"
						 : "what the steps before it made",
		parent);
}

void inputs_add(
	struct inputs *inputs, enum input_kind kind, const char *name, const char *value)
{
	struct digest digest = digest_of(value ? value : "", value ? strlen(value) : 0);

	digest_add_number(&inputs->key, (uint64_t)kind);
	digest_add_text(&inputs->key, name);
	digest_add_text(&inputs->key, value);
	str_appendf(&inputs->list, "%c %.16s ", (char)kind, digest.hex);
	append_name(&inputs->list, name);
}

void inputs_note(
	struct inputs *inputs, enum input_kind kind, const char *name, uint64_t mark)
{
	if (inputs->list.length > LIST_MAX)
		return;
	str_appendf(&inputs->list, "%c %016jx ", (char)kind, (uintmax_t)mark);
	append_name(&inputs->list, name);
}

/* Its first digits are the mark, so that they can be told. */
void inputs_note_digest(struct inputs *inputs, const char *name, const char *digest)
{
	const char *hex = digest ? str_after(digest, DIGEST_PREFIX) : NULL;

	if (!hex || !digest_is_hex(hex))
		return;
	str_appendf(&inputs->list, "%c %.16s ", (char)INPUT_DIGEST, hex);
	append_name(&inputs->list, name);
}

struct digest inputs_end(struct inputs *inputs)
{
	return digest_end(&inputs->key);
}
