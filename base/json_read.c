/* Reading a document: what it must be before yajl sees it, yajl's run, and what it says
 * when it finds no JSON. */
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/json_events.h"

int json_charge(struct json_reader *reader, size_t bytes)
{
	reader->memory += bytes;
	if (reader->memory > JSON_MEMORY_MAX)
		return json_fail_at(reader, yajl_get_bytes_consumed(reader->handle),
			"the document would take more than %u MiB of memory",
			JSON_MEMORY_MAX >> 20);
	return 0;
}

/* yajl does not look at what malloc() returns. */
static void *allocate(void *context, size_t size)
{
	return str_realloc(NULL, size, 1);
}

static void *reallocate(void *context, void *pointer, size_t size)
{
	return str_realloc(pointer, size, 1);
}

static void release(void *context, void *pointer)
{
	free(pointer);
}

static int check_bytes(struct json_reader *reader)
{
	size_t valid;

	if (reader->length >= 3 && memcmp(reader->text, "\xef\xbb\xbf", 3) == 0)
		return json_fail_at(reader, 0,
			"the file begins with a byte order mark; save it without");
	valid = json_utf8_valid(reader->text, reader->length);
	if (valid < reader->length)
		return json_fail_at(reader, valid, "invalid UTF-8: byte 0x%02x",
			(unsigned char)reader->text[valid]);
	for (size_t i = 0; i < reader->length; i++) {
		if (!strchr(" \t\r\n", reader->text[i]) || !reader->text[i])
			return 0;
	}
	return json_fail_at(
		reader, 0, "expected an object, found nothing: the file is empty");
}

/* yajl counts up to the end of the token that it could not use: back to its start. After
 * a member it goes back itself, by the token's length without quotes. */
static size_t token_start(
	const struct json_reader *reader, size_t end, const char *message)
{
	static const char word[] = "abcdefghijklmnopqrstuvwxyz0123456789+-.E";
	size_t start = end;

	if (strstr(message, "after key and value"))
		return end > 1 && reader->text[end - 2] == '"' &&
				       !strchr(" \t\r\n", reader->text[end - 1])
			       ? end - 2
			       : end;
	if (end > 0 && reader->text[end - 1] == '"')
		return json_string_start(reader->text, end);
	while (start > 0 && reader->text[start - 1] &&
		strchr(word, reader->text[start - 1]))
		start--;
	return start == end && end > 0 ? end - 1 : start;
}

/* yajl's words for what people get wrong most, put as what to mend. */
static const struct {
	const char *yajl;
	const char *ours;
} syntax_words[] = {
	{ "premature EOF", "the document ends before it is complete" },
	{ "trailing garbage", "text after the end of the document" },
	{ "invalid object key (must be a string)", "expected a member's name in quotes" },
	{ "object key and value must be separated by a colon (':')", "expected a colon" },
	{ "after key and value, inside map, I expect ',' or '}'", "expected ',' or '}'" },
	{ "after array element, I expect ',' or ']'", "expected ',' or ']'" },
	{ "unallowed token at this point in JSON text", "expected a value" },
	{ "invalid string in json text", "expected true, false, null or quotes" },
};

/* "parse error: trailing garbage\n" → "trailing garbage" → our words, if we have some */
static const char *syntax_message(unsigned char *message)
{
	char *words = strstr((char *)message, ": ");

	if (!words)
		return "";
	words += strlen(": ");
	words[strcspn(words, "\n")] = '\0';
	if (*words && words[strlen(words) - 1] == '.')
		words[strlen(words) - 1] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(syntax_words); i++) {
		if (strcmp(words, syntax_words[i].yajl) == 0)
			return syntax_words[i].ours;
	}
	return words;
}

static int fail_syntax(struct json_reader *reader, bool at_end)
{
	const unsigned char *text = (const unsigned char *)reader->text;
	unsigned char *message = yajl_get_error(reader->handle, 0, text, reader->length);
	size_t at = yajl_get_bytes_consumed(reader->handle);

	if (at_end)
		at = reader->length;
	else if (str_after((const char *)message, "parse error"))
		at = token_start(reader, at, (const char *)message);
	(void)json_fail_at(reader, at, "invalid JSON: %s", syntax_message(message));
	yajl_free_error(reader->handle, message);
	return -1;
}

static int parse(struct json_reader *reader)
{
	const unsigned char *text = (const unsigned char *)reader->text;
	yajl_alloc_funcs memory = { allocate, reallocate, release, NULL };
	yajl_status status;
	bool at_end = false;
	int result = 0;

	reader->handle = yajl_alloc(&json_events, &memory, reader);
	yajl_config(
		reader->handle, yajl_dont_validate_strings, 1); /* check_bytes() did */
	status = yajl_parse(reader->handle, text, reader->length);
	if (status == yajl_status_ok) {
		at_end = true;
		status = yajl_complete_parse(reader->handle);
	}
	if (status == yajl_status_error)
		result = fail_syntax(reader, at_end);
	else if (status != yajl_status_ok)
		result = -1; /* one of our events has said why */
	yajl_free(reader->handle);
	return result;
}

int json_read(const struct json_type *type, void *object, const char *text, size_t length,
	const struct json_options *options, struct error *err)
{
	struct json_reader reader = {
		.options = options,
		.name = options && options->name ? options->name : "JSON",
		.text = text,
		.length = length,
		.type = type,
		.object = object,
		.err = err,
	};
	size_t limit = options && options->size_max ? options->size_max : JSON_SIZE_MAX;
	int result;

	if (length > limit)
		return fail_code(
			err, EFBIG, "%s: larger than %zu bytes", reader.name, limit);
	result = check_bytes(&reader);
	if (result == 0)
		result = parse(&reader);
	while (reader.depth)
		json_keys_free(&reader.frames[--reader.depth].keys);
	strings_free(&reader.decoded);
	if (result < 0)
		json_free(type, object);
	return result;
}

static int read_fd(const struct json_type *type, void *object, int fd,
	const struct json_options *options, bool regular_only, struct error *err)
{
	struct fd_read_options reading = {
		.limit = options->size_max ? options->size_max : JSON_SIZE_MAX,
		.regular_only = regular_only,
	};
	auto_free char *text = NULL;
	size_t length;

	if (fd_read_all(fd, options->name, reading, &text, &length, err) < 0)
		return -1;
	return json_read(type, object, text, length, options, err);
}

int json_read_fd(const struct json_type *type, void *object, int fd,
	const struct json_options *options, struct error *err)
{
	struct json_options named = options ? *options : (struct json_options){ 0 };

	if (!named.name)
		named.name = "standard input";
	return read_fd(type, object, fd, &named, false, err);
}

int json_read_file(const struct json_type *type, void *object, int dir_fd,
	const char *path, const struct json_options *options, struct error *err)
{
	struct json_options named = options ? *options : (struct json_options){ 0 };
	/* A FIFO would keep open() waiting. */
	auto_fd fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (!named.name)
		named.name = path;
	if (fd < 0)
		return fail_errno(err, "opening %s", named.name);
	return read_fd(type, object, fd, &named, true, err);
}
