/* Word ↔ number tables and "did you mean". */
#include <string.h>

#include "base/str.h"

#define NEAREST_MAX 64 /* bytes; longer words are not compared */

/* Edits (insert, delete, replace, exchange of neighbours) between two words. */
static unsigned distance(const char *a, const char *b)
{
	size_t columns = strlen(b);
	unsigned before[NEAREST_MAX + 1];
	unsigned last[NEAREST_MAX + 1];
	unsigned row[NEAREST_MAX + 1];

	for (size_t j = 0; j <= columns; j++)
		last[j] = (unsigned)j;
	memcpy(before, last, sizeof(last));
	for (size_t i = 0; a[i]; i++) {
		row[0] = (unsigned)i + 1;
		for (size_t j = 0; j < columns; j++) {
			unsigned replace = last[j] + (a[i] != b[j]);

			row[j + 1] = MIN(MIN(row[j], last[j + 1]) + 1, replace);
			if (i && j && a[i] == b[j - 1] && a[i - 1] == b[j])
				row[j + 1] = MIN(row[j + 1], before[j - 1] + 1);
		}
		memcpy(before, last, sizeof(last));
		memcpy(last, row, sizeof(row));
	}
	return last[columns];
}

const char *str_nearest(const char *typed, const char *(*next)(void *state), void *state)
{
	size_t length = strlen(typed);
	unsigned best = (unsigned)(length / 3 + 1);
	const char *nearest = NULL;
	const char *candidate;

	if (length > NEAREST_MAX)
		return NULL;
	while ((candidate = next(state))) {
		unsigned edits;

		if (strlen(candidate) > NEAREST_MAX)
			continue;
		if (strcasecmp(typed, candidate) == 0)
			return candidate;
		edits = distance(typed, candidate);
		if (edits <= best && edits < MAX(length, strlen(candidate)) &&
			(edits < best || !nearest)) {
			best = edits;
			nearest = candidate;
		}
	}
	return nearest;
}

bool word_to_number(const struct word *table, const char *word, int64_t *ret)
{
	for (; table->word; table++) {
		if (strcmp(table->word, word) == 0) {
			*ret = table->number;
			return true;
		}
	}
	return false;
}

const char *word_of_number(const struct word *table, int64_t number)
{
	for (; table->word; table++) {
		if (table->number == number)
			return table->word;
	}
	return NULL;
}

static const char *next_word(void *state)
{
	const struct word **table = state;

	return (*table)->word ? (*table)++->word : NULL;
}

int word_fail(
	const struct word *table, const char *what, const char *found, struct error *err)
{
	const struct word *candidates = table;
	const char *nearest = str_nearest(found, next_word, &candidates);
	auto_str all = { 0 };

	if (nearest)
		return fail_code(err, EINVAL,
			"%s: unknown word \"%s\"; did you mean \"%s\"?", what, found,
			nearest);
	for (const struct word *word = table; word->word; word++)
		str_appendf(&all, "%s%s", all.length ? ", " : "", word->word);
	return fail_code(err, EINVAL, "%s: unknown word \"%s\", expected one of %s", what,
		found, all.data ? all.data : "none");
}
