/*
 * A strict JSON reader (RFC 8259) that keeps the strings of one array and merely checks
 * everything else.
 */
#include "builder/language/exec_form.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#define DEPTH_MAX 64

struct reader {
	const char *at;
	unsigned depth;
	bool has_zero;
};

static bool read_value(struct reader *reader);

static void skip_space(struct reader *reader)
{
	reader->at += strspn(reader->at, " \t\r\n");
}

static bool take(struct reader *reader, char c)
{
	if (*reader->at != c)
		return false;
	reader->at++;
	return true;
}

static bool read_hex4(struct reader *reader, uint32_t *ret)
{
	*ret = 0;
	for (int i = 0; i < 4; i++) {
		char c = *reader->at;

		if (!isxdigit((unsigned char)c))
			return false;
		*ret = *ret * 16 + (uint32_t)(isdigit((unsigned char)c)
						      ? c - '0'
						      : (c | 32) - 'a' + 10);
		reader->at++;
	}
	return true;
}

static void append_character(struct str *str, uint32_t code)
{
	if (code < 0x80) {
		str_append_char(str, (char)code);
		return;
	}
	if (code < 0x800) {
		str_append_char(str, (char)(0xC0 | code >> 6));
	} else if (code < 0x10000) {
		str_append_char(str, (char)(0xE0 | code >> 12));
		str_append_char(str, (char)(0x80 | (code >> 6 & 0x3F)));
	} else {
		str_append_char(str, (char)(0xF0 | code >> 18));
		str_append_char(str, (char)(0x80 | (code >> 12 & 0x3F)));
		str_append_char(str, (char)(0x80 | (code >> 6 & 0x3F)));
	}
	str_append_char(str, (char)(0x80 | (code & 0x3F)));
}

/* \uXXXX: two surrogates make one character, a lone one becomes U+FFFD. */
static bool read_unicode(struct reader *reader, struct str *ret)
{
	const char *behind;
	uint32_t code, low;

	if (!read_hex4(reader, &code))
		return false;
	behind = reader->at;
	if (code >= 0xD800 && code < 0xDC00 && take(reader, '\\') && take(reader, 'u') &&
		read_hex4(reader, &low) && low >= 0xDC00 && low < 0xE000) {
		code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
	} else {
		reader->at = behind;
		if (code >= 0xD800 && code < 0xE000)
			code = 0xFFFD;
	}
	reader->has_zero |= code == 0;
	append_character(ret, code);
	return true;
}

static bool read_escape(struct reader *reader, struct str *ret)
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	char c = *reader->at;
	const char *found;

	if (c == 'u') {
		reader->at++;
		return read_unicode(reader, ret);
	}
	found = c ? strchr(names, c) : NULL;
	if (!found)
		return false;
	str_append_char(ret, values[found - names]);
	reader->at++;
	return true;
}

static bool read_string(struct reader *reader, struct str *ret)
{
	if (!take(reader, '"'))
		return false;
	while (*reader->at != '"') {
		if ((unsigned char)*reader->at < ' ')
			return false; /* the end of the text, too */
		if (!take(reader, '\\'))
			str_append_char(ret, *reader->at++);
		else if (!read_escape(reader, ret))
			return false;
	}
	reader->at++;
	return true;
}

static bool skip_string(struct reader *reader)
{
	auto_str ignored = { 0 };

	return read_string(reader, &ignored);
}

static bool skip_digits(struct reader *reader)
{
	size_t count = strspn(reader->at, "0123456789");

	reader->at += count;
	return count > 0;
}

static bool read_number(struct reader *reader)
{
	(void)take(reader, '-'); /* may be absent, as the other parts */
	if (!take(reader, '0') && !skip_digits(reader))
		return false;
	if (take(reader, '.') && !skip_digits(reader))
		return false;
	if (!take(reader, 'e') && !take(reader, 'E'))
		return true;
	if (!take(reader, '+'))
		(void)take(reader, '-');
	return skip_digits(reader);
}

static bool read_word(struct reader *reader, const char *word)
{
	const char *rest = str_after(reader->at, word);

	if (rest)
		reader->at = rest;
	return rest != NULL;
}

static bool read_members(struct reader *reader, bool object, char end)
{
	reader->at++;
	skip_space(reader);
	if (take(reader, end))
		return true;
	for (;;) {
		skip_space(reader);
		if (object) {
			if (!skip_string(reader))
				return false;
			skip_space(reader);
			if (!take(reader, ':'))
				return false;
		}
		if (!read_value(reader))
			return false;
		if (take(reader, end))
			return true;
		if (!take(reader, ','))
			return false;
	}
}

/* Any value with the blanks around it. */
static bool read_value(struct reader *reader)
{
	bool valid;

	if (++reader->depth > DEPTH_MAX)
		return false;
	skip_space(reader);
	switch (*reader->at) {
	case '{':
		valid = read_members(reader, true, '}');
		break;
	case '[':
		valid = read_members(reader, false, ']');
		break;
	case '"':
		valid = skip_string(reader);
		break;
	case 't':
		valid = read_word(reader, "true");
		break;
	case 'f':
		valid = read_word(reader, "false");
		break;
	case 'n':
		valid = read_word(reader, "null");
		break;
	default:
		valid = read_number(reader);
	}
	skip_space(reader);
	reader->depth--;
	return valid;
}

/* The array is known to be valid JSON. */
static bool read_strings(struct reader *reader, struct strings *ret)
{
	do {
		auto_str text = { 0 };

		skip_space(reader);
		if (*reader->at == ']' && ret->count == 0)
			return true;
		if (!read_string(reader, &text))
			return false;
		strings_add_take(ret, str_take(&text));
		skip_space(reader);
	} while (take(reader, ','));
	return true;
}

enum exec_form exec_form_parse(const char *text, struct strings *ret)
{
	struct reader reader = { .at = text };
	auto_strings items = { 0 };

	skip_space(&reader);
	text = reader.at;
	if (*text != '[' || !read_value(&reader) || *reader.at)
		return EXEC_FORM_NO;
	reader = (struct reader){ .at = text + 1 };
	if (!read_strings(&reader, &items))
		return EXEC_FORM_INVALID;
	if (reader.has_zero)
		return EXEC_FORM_ZERO;
	strings_copy(ret, &items);
	return EXEC_FORM_YES;
}
