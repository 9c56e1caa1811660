/* A strict parser of "0-3,7": digits, ranges and commas, nothing else. */
#include "runtime/process/number_list.h"

#include <stdbool.h>

static bool number(const char **text, size_t *ret)
{
	size_t value = 0;
	const char *start = *text;

	for (; **text >= '0' && **text <= '9'; (*text)++) {
		value = value * 10 + (size_t)(**text - '0');
		if (value >= NUMBER_LIST_MAX)
			return false;
	}
	*ret = value;
	return *text != start;
}

/* One "N" or "N-M", up to the comma or the end. */
static bool range(const char **text, struct number_list *list)
{
	const size_t width = 8 * sizeof(list->bits[0]);
	size_t first, last;

	if (!number(text, &first))
		return false;
	last = first;
	if (**text == '-') {
		(*text)++;
		if (!number(text, &last) || last < first)
			return false;
	}
	for (size_t i = first; i <= last; i++)
		list->bits[i / width] |= 1ul << (i % width);
	if (last > list->last)
		list->last = last;
	return **text == ',' || **text == '\0';
}

int number_list_parse(
	const char *text, const char *field, struct number_list *ret, struct error *err)
{
	struct number_list list = { 0 };
	const char *at = text;

	for (;;) {
		if (!range(&at, &list))
			return fail(err,
				"%s: expected a list of numbers and ranges such as "
				"\"0-3,7\", each below %d, found \"%s\"",
				field, NUMBER_LIST_MAX, text);
		if (!*at)
			break;
		at++;
	}
	*ret = list;
	return 0;
}
