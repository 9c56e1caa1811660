/* One string, number or boolean into the member that its row describes. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/json_private.h"

int json_list_grow(
	struct json_reader *reader, void **items, size_t *count, size_t size, void **ret)
{
	/* Room for powers of two, so that the count alone tells when it is used up. */
	if (!*items || (*count & (*count - 1)) == 0) {
		size_t room = *count ? 2 * *count : 1;

		if (json_charge(reader, (room - *count) * size) < 0)
			return -1;
		*items = str_realloc(*items, room, size);
	}
	*ret = (char *)*items + *count * size;
	memset(*ret, 0, size);
	(*count)++;
	return 0;
}

static void put_has(const struct json_target *target)
{
	if (target->has)
		*target->has = true;
}

static int put_word(struct json_reader *reader, const struct json_target *target,
	const char *text, size_t length, size_t at)
{
	auto_free char *word = str_dup_n(text, length);
	auto_str found = { 0 };
	struct error unknown;

	if (!length && target->field->kind == JSON_KIND_WORD && !target->field->required)
		return 0; /* as good as absent: writers in Go leave it so */
	if (word_to_number(
		    target->field->words, word, (int64_t *)(void *)target->address)) {
		put_has(target);
		return 0;
	}
	json_append_quoted(&found, text, length);
	(void)word_fail(target->field->words, "", found.data ? found.data : "", &unknown);
	return json_fail_at(reader, at, "%s",
		str_after(unknown.text, ": ") ? str_after(unknown.text, ": ")
					      : unknown.text);
}

int json_put_string(struct json_reader *reader, const struct json_target *target,
	const char *text, size_t length, size_t at)
{
	char **member = (char **)(void *)target->address;

	if (target->kind == JSON_KIND_WORD)
		return put_word(reader, target, text, length, at);
	if (json_charge(reader, length + JSON_BLOCK) < 0)
		return -1;
	*member = str_dup_n(text, length);
	put_has(target);
	return 0;
}

void json_put_bool(const struct json_target *target, bool value)
{
	*(bool *)(void *)target->address = value;
	put_has(target);
}

/* What fits into the integer kinds. */
static const struct range {
	int64_t min;
	uint64_t max;
} ranges[] = {
	[JSON_KIND_U16] = { 0, UINT16_MAX },
	[JSON_KIND_U32] = { 0, UINT32_MAX },
	[JSON_KIND_U64] = { 0, UINT64_MAX },
	[JSON_KIND_I32] = { INT32_MIN, INT32_MAX },
	[JSON_KIND_I64] = { INT64_MIN, INT64_MAX },
};

/* Little more than strtoull: yajl has seen that these are digits of one JSON number. */
static bool parse_integer(
	const char *text, size_t length, const struct range *range, uint64_t *ret)
{
	bool negative = length && text[0] == '-';
	uint64_t limit = negative ? 0 - (uint64_t)range->min : range->max;
	uint64_t value = 0;

	for (size_t i = negative; i < length; i++) {
		if (__builtin_mul_overflow(value, 10u, &value) ||
			__builtin_add_overflow(value, (uint64_t)(text[i] - '0'), &value))
			return false;
	}
	*ret = negative ? 0 - value : value;
	return value <= limit && !(negative && !range->min);
}

static bool is_integer(const char *text, size_t length)
{
	return !memchr(text, '.', length) && !memchr(text, 'e', length) &&
	       !memchr(text, 'E', length);
}

static int put_integer(struct json_reader *reader, const struct json_target *target,
	const char *text, size_t length, size_t at)
{
	const struct range *range = &ranges[target->kind];
	int shown = (int)MIN(length, 40);
	uint64_t value;

	if (!is_integer(text, length)) {
		auto_free char *found = str_format("%.*s", shown, text);

		return json_fail_kind(reader, target, at, found);
	}
	if (!parse_integer(text, length, range, &value))
		return json_fail_at(reader, at,
			"expected an integer from %" PRId64 " to %" PRIu64 ", found %.*s",
			range->min, range->max, shown, text);
	if (target->kind == JSON_KIND_U16)
		*(uint16_t *)(void *)target->address = (uint16_t)value;
	else if (target->kind == JSON_KIND_U32 || target->kind == JSON_KIND_I32)
		*(uint32_t *)(void *)target->address = (uint32_t)value;
	else
		*(uint64_t *)(void *)target->address = value;
	put_has(target);
	return 0;
}

static int put_double(struct json_reader *reader, const struct json_target *target,
	const char *text, size_t length, size_t at)
{
	auto_free char *copy = str_dup_n(text, length);
	double value = strtod(copy, NULL);

	if (!isfinite(value))
		return json_fail_at(reader, at,
			"expected a number, found one too large: %.40s", copy);
	*(double *)(void *)target->address = value;
	put_has(target);
	return 0;
}

int json_put_number(struct json_reader *reader, const struct json_target *target,
	const char *text, size_t length, size_t at)
{
	if (target->kind == JSON_KIND_DOUBLE)
		return put_double(reader, target, text, length, at);
	return put_integer(reader, target, text, length, at);
}
