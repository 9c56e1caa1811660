/* Memory, the growing buffer and strict numbers. Lists are in strings.c, words and
 * suggestions in words.c. */
#include "base/str.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

no_return void str_out_of_memory(void)
{
	static const char text[] = "mocker: out of memory\n";

	(void)!write(STDERR_FILENO, text, sizeof(text) - 1); /* nothing else to try */
	_exit(1);
}

void *str_alloc(size_t size)
{
	void *pointer = calloc(1, size ? size : 1);

	if (!pointer)
		str_out_of_memory();
	return pointer;
}

void *str_realloc(void *pointer, size_t count, size_t size)
{
	void *grown = reallocarray(pointer, count ? count : 1, size ? size : 1);

	if (!grown)
		str_out_of_memory();
	return grown;
}

void *str_grow(void *array, size_t count, size_t size)
{
	bool full = (count & (count - 1)) == 0; /* 0 too */

	return full ? str_realloc(array, count ? 2 * count : 1, size) : array;
}

char *str_dup(const char *text)
{
	return text ? str_dup_n(text, strlen(text)) : NULL;
}

char *str_dup_n(const char *text, size_t length)
{
	char *copy = str_realloc(NULL, length + 1, 1);

	memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

char *str_format(const char *format, ...)
{
	struct str str = { 0 };
	va_list arguments;

	va_start(arguments, format);
	str_vappendf(&str, format, arguments);
	va_end(arguments);
	return str_take(&str);
}

void str_free(struct str *str)
{
	free(str->data);
	*str = (struct str){ 0 };
}

/* Room for `more` bytes and the terminator. */
static void reserve(struct str *str, size_t more)
{
	size_t capacity = str->capacity ? str->capacity : 64;

	if (more >= SIZE_MAX / 4 - str->length)
		str_out_of_memory();
	while (capacity < str->length + more + 1)
		capacity *= 2;
	if (capacity == str->capacity)
		return;
	str->data = str_realloc(str->data, capacity, 1);
	str->capacity = capacity;
}

void str_append_n(struct str *str, const char *text, size_t length)
{
	reserve(str, length);
	memcpy(str->data + str->length, text, length);
	str->length += length;
	str->data[str->length] = '\0';
}

void str_append(struct str *str, const char *text)
{
	str_append_n(str, text, strlen(text));
}

void str_flatten(struct str *str)
{
	while (str->length && str->data[str->length - 1] == '\n')
		str->data[--str->length] = '\0';
	for (size_t i = 0; i < str->length; i++) {
		if ((unsigned char)str->data[i] < ' ')
			str->data[i] = ' ';
	}
}

void str_append_char(struct str *str, char c)
{
	str_append_n(str, &c, 1);
}

void str_vappendf(struct str *str, const char *format, va_list arguments)
{
	va_list again;
	int length;

	va_copy(again, arguments);
	length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (length < 0)
		length = 0;
	reserve(str, (size_t)length);
	vsnprintf(str->data + str->length, (size_t)length + 1, format, arguments);
	str->length += (size_t)length;
}

void str_appendf(struct str *str, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	str_vappendf(str, format, arguments);
	va_end(arguments);
}

char *str_take(struct str *str)
{
	char *text;

	reserve(str, 0);
	str->data[str->length] = '\0';
	text = str->data;
	*str = (struct str){ 0 };
	return text;
}

bool str_equal(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool str_is_among(const char *text, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(text, words[i]) == 0)
			return true;
	}
	return false;
}

const char *str_after(const char *text, const char *prefix)
{
	size_t length = strlen(prefix);

	return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

bool str_ends_with(const char *text, const char *suffix)
{
	size_t text_length = strlen(text);
	size_t suffix_length = strlen(suffix);

	return text_length >= suffix_length &&
	       strcmp(text + text_length - suffix_length, suffix) == 0;
}

/* Digits from *text on; what is left after them stays for the caller. */
static bool take_digits(const char **text, uint64_t *ret)
{
	uint64_t value = 0;
	const char *start = *text;

	for (; isdigit((unsigned char)**text); (*text)++) {
		if (__builtin_mul_overflow(value, 10u, &value) ||
			__builtin_add_overflow(value, (uint64_t)(**text - '0'), &value))
			return false;
	}
	*ret = value;
	return *text != start;
}

int str_to_u64(const char *text, const char *what, uint64_t *ret, struct error *err)
{
	const char *rest = text;
	uint64_t value;

	if (!take_digits(&rest, &value) || *rest)
		return fail_code(err, EINVAL,
			"%s: expected an unsigned integer, found \"%s\"", what, text);
	*ret = value;
	return 0;
}

int str_to_i64(const char *text, const char *what, int64_t *ret, struct error *err)
{
	bool negative = *text == '-';
	const char *rest = text + (negative || *text == '+');
	uint64_t limit = (uint64_t)INT64_MAX + negative;
	uint64_t value;

	if (!take_digits(&rest, &value) || *rest || value > limit)
		return fail_code(
			err, EINVAL, "%s: expected an integer, found \"%s\"", what, text);
	*ret = negative ? (int64_t)(0 - value) : (int64_t)value;
	return 0;
}

int str_to_u32(const char *text, const char *what, uint32_t *ret, struct error *err)
{
	uint64_t value;

	if (str_to_u64(text, what, &value, err) < 0)
		return -1;
	if (value > UINT32_MAX)
		return fail_code(err, ERANGE, "%s: %" PRIu64 " is over %" PRIu32, what,
			value, UINT32_MAX);
	*ret = (uint32_t)value;
	return 0;
}

/* The power of two that a size's suffix stands for, or -1. */
static int suffix_shift(const char *suffix)
{
	static const char letters[] = "bkmgtp";
	const char *letter = strchr(letters, tolower((unsigned char)*suffix));

	if (!*suffix)
		return 0;
	if (!letter)
		return -1;
	suffix++;
	if (letter != letters && (*suffix == 'i' || *suffix == 'I'))
		suffix++;
	if (letter != letters && (*suffix == 'b' || *suffix == 'B'))
		suffix++;
	return *suffix ? -1 : 10 * (int)(letter - letters);
}

static int fail_size(const char *text, const char *what, struct error *err)
{
	return fail_code(err, EINVAL,
		"%s: expected a size such as 1048576 or 512m, found \"%s\"", what, text);
}

/* Of digits behind a point, as many of a unit of 1 << shift. */
static uint64_t fraction_of(const char *digits, const char *end, int shift)
{
	double unit = (double)(UINT64_C(1) << shift);
	double value = 0;

	while (digits < end)
		value += (unit /= 10) * (*digits++ - '0');
	return (uint64_t)value;
}

int str_to_bytes(const char *text, const char *what, int64_t *ret, struct error *err)
{
	const char *point = text;
	const char *suffix; /* behind what follows the point, where there is one */
	uint64_t value;
	int shift;

	if (strcmp(text, "-1") == 0) {
		*ret = -1;
		return 0;
	}
	if (!take_digits(&point, &value))
		return fail_size(text, what, err);
	suffix = point;
	if (*point == '.')
		suffix += 1 + strspn(point + 1, "0123456789");
	shift = suffix_shift(suffix);
	if (shift < 0 || suffix == point + 1) /* a point, and no digits */
		return fail_size(text, what, err);
	if (value > ((uint64_t)INT64_MAX >> shift))
		return fail_code(err, ERANGE, "%s: %s is too large", what, text);
	*ret = (int64_t)(value << shift) + (int64_t)fraction_of(point + 1, suffix, shift);
	return 0;
}
