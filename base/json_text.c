/* What a JSON string may hold: UTF-8 as RFC 3629 has it (no overlong forms, no
 * surrogates), and escapes that name whole characters. yajl looks less closely. */
#include <string.h>

#include "base/json_private.h"

#define HIGH_BITS UINT64_C(0x8080808080808080)

static bool continues(unsigned char byte)
{
	return (byte & 0xc0) == 0x80;
}

size_t json_utf8_sequence(const char *text, size_t length)
{
	const unsigned char *s = (const unsigned char *)text;

	if (length > 0 && s[0] < 0x80)
		return 1;
	if (length > 1 && s[0] >= 0xc2 && s[0] <= 0xdf && continues(s[1]))
		return 2;
	if (length > 2 && (s[0] & 0xf0) == 0xe0 && continues(s[1]) && continues(s[2])) {
		bool overlong = s[0] == 0xe0 && s[1] < 0xa0;
		bool surrogate = s[0] == 0xed && s[1] >= 0xa0;

		return overlong || surrogate ? 0 : 3;
	}
	if (length > 3 && s[0] >= 0xf0 && s[0] <= 0xf4 && continues(s[1]) &&
		continues(s[2]) && continues(s[3])) {
		bool overlong = s[0] == 0xf0 && s[1] < 0x90;
		bool beyond = s[0] == 0xf4 && s[1] > 0x8f;

		return overlong || beyond ? 0 : 4;
	}
	return 0;
}

size_t json_utf8_valid(const char *text, size_t length)
{
	size_t i = 0;

	while (i < length) {
		uint64_t eight;
		size_t step;

		if (length - i >= sizeof(eight)) {
			memcpy(&eight, text + i, sizeof(eight));
			if (!(eight & HIGH_BITS)) {
				i += sizeof(eight);
				continue;
			}
		}
		step = json_utf8_sequence(text + i, length - i);
		if (!step)
			return i;
		i += step;
	}
	return length;
}

size_t json_string_start(const char *text, size_t end)
{
	size_t i = end - 1; /* the closing quote */

	while (i-- > 0) {
		size_t backslashes = 0;

		if (text[i] != '"')
			continue;
		while (backslashes < i && text[i - backslashes - 1] == '\\')
			backslashes++;
		if (backslashes % 2 == 0)
			break;
	}
	return i;
}

/* The number in the four digits after \u, which yajl has found to be there. */
static unsigned escaped_unit(const char *digits)
{
	char copy[5] = { 0 };

	memcpy(copy, digits, 4);
	return (unsigned)strtoul(copy, NULL, 16);
}

bool json_escapes_valid(const char *text, size_t length)
{
	size_t i = 0;

	while (i + 1 < length) {
		unsigned unit;

		if (text[i] != '\\') {
			i++;
			continue;
		}
		if (text[i + 1] != 'u' || length - i < 6) {
			i += 2;
			continue;
		}
		unit = escaped_unit(text + i + 2);
		i += 6;
		if ((unit & 0xf800) != 0xd800)
			continue;
		if (unit >= 0xdc00 || length - i < 6 || text[i] != '\\' ||
			text[i + 1] != 'u' ||
			(escaped_unit(text + i + 2) & 0xfc00) != 0xdc00)
			return false;
		i += 6;
	}
	return true;
}

static void append_escaped(struct str *str, unsigned char c)
{
	static const char letters[] = "\"\"\\\\\bb\ff\nn\rr\tt";

	for (const char *letter = letters; *letter; letter += 2) {
		if (*letter == (char)c) {
			str_append_char(str, '\\');
			str_append_char(str, letter[1]);
			return;
		}
	}
	str_appendf(str, "\\u%04x", c);
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

void json_append_string(struct str *str, const char *text)
{
	size_t left = strlen(text);

	str_append_char(str, '"');
	while (left) {
		size_t run = 0;
		size_t step;

		while (run < left && is_plain((unsigned char)text[run]))
			run++;
		str_append_n(str, text, run);
		text += run;
		left -= run;
		if (!left)
			break;
		step = json_utf8_sequence(text, left);
		if (step > 1)
			str_append_n(str, text, step);
		else if (step == 1)
			append_escaped(str, (unsigned char)*text);
		else
			str_append(str, "\xef\xbf\xbd"); /* U+FFFD */
		text += step ? step : 1;
		left -= step ? step : 1;
	}
	str_append_char(str, '"');
}
