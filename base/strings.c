/* Lists of strings and of pairs. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"

void strings_free(struct strings *list)
{
	strings_each (item, list)
		free(*item);
	free(list->items);
	*list = (struct strings){ 0 };
}

void strings_add_take(struct strings *list, char *text)
{
	/* Grows at the powers of two; count + 1 for the NULL that ends it. */
	if (!list->items || (list->count & (list->count + 1)) == 0)
		list->items = str_realloc(
			list->items, 2 * (list->count + 1), sizeof(*list->items));
	list->items[list->count++] = text;
	list->items[list->count] = NULL;
}

void strings_add(struct strings *list, const char *text)
{
	strings_add_take(list, str_dup(text));
}

void strings_addf(struct strings *list, const char *format, ...)
{
	struct str str = { 0 };
	va_list arguments;

	va_start(arguments, format);
	str_vappendf(&str, format, arguments);
	va_end(arguments);
	strings_add_take(list, str_take(&str));
}

void strings_copy(struct strings *to, const struct strings *from)
{
	strings_each (item, from)
		strings_add(to, *item);
}

bool strings_contain(const struct strings *list, const char *text)
{
	strings_each (item, list) {
		if (strcmp(*item, text) == 0)
			return true;
	}
	return false;
}

void strings_split(struct strings *list, const char *text, char separator)
{
	const char *end;

	if (!*text)
		return;
	for (; (end = strchr(text, separator)); text = end + 1)
		strings_add_take(list, str_dup_n(text, (size_t)(end - text)));
	strings_add(list, text);
}

char *strings_join(const struct strings *list, const char *separator)
{
	struct str joined = { 0 };

	strings_each (item, list) {
		if (item != list->items)
			str_append(&joined, separator);
		str_append(&joined, *item);
	}
	return str_take(&joined);
}

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void strings_sort(struct strings *list)
{
	if (list->count > 1)
		qsort(list->items, list->count, sizeof(*list->items), compare_strings);
}

static char **find_env(const struct strings *list, const char *name)
{
	size_t length = strlen(name);

	strings_each (item, list) {
		if (strncmp(*item, name, length) == 0 && (*item)[length] == '=')
			return item;
	}
	return NULL;
}

const char *strings_env(const struct strings *list, const char *name)
{
	char **item = find_env(list, name);

	return item ? *item + strlen(name) + 1 : NULL;
}

void strings_env_set(struct strings *list, const char *name, const char *value)
{
	char **item = find_env(list, name);

	if (!item) {
		strings_addf(list, "%s=%s", name, value);
		return;
	}
	char *replaced = str_format("%s=%s", name, value);

	free(*item);
	*item = replaced;
}

struct entry {
	char **item; /* in the list, whose order decides between equals */
	size_t name_length;
};

static int compare_entries(const void *left, const void *right)
{
	const struct entry *a = left;
	const struct entry *b = right;
	int order = memcmp(*a->item, *b->item, MIN(a->name_length, b->name_length));

	if (order)
		return order;
	if (a->name_length != b->name_length)
		return a->name_length < b->name_length ? -1 : 1;
	return a->item < b->item ? -1 : 1;
}

static bool same_name(const struct entry *a, const struct entry *b)
{
	return a->name_length == b->name_length &&
	       memcmp(*a->item, *b->item, a->name_length) == 0;
}

void strings_env_unique(struct strings *list)
{
	struct entry *entries = str_alloc((list->count + 1) * sizeof(*entries));
	struct entry *last = NULL;
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++)
		entries[i] =
			(struct entry){ &list->items[i], strcspn(list->items[i], "=") };
	qsort(entries, list->count, sizeof(*entries), compare_entries);
	for (struct entry *entry = entries; entry < entries + list->count; entry++) {
		if (last && same_name(last, entry))
			last->name_length = SIZE_MAX;
		last = entry;
	}
	for (size_t i = 0; i < list->count; i++) {
		if (entries[i].name_length == SIZE_MAX)
			free(take_ptr(entries[i].item));
	}
	free(entries);
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i])
			list->items[kept++] = list->items[i];
	}
	list->count = kept;
	if (list->items)
		list->items[kept] = NULL;
}

void pairs_free(struct pairs *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].key);
		free(list->items[i].value);
	}
	free(list->items);
	*list = (struct pairs){ 0 };
}

static struct pair *find_pair(const struct pairs *list, const char *key)
{
	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(list->items[i].key, key) == 0)
			return &list->items[i];
	}
	return NULL;
}

const char *pairs_get(const struct pairs *list, const char *key)
{
	const struct pair *pair = find_pair(list, key);

	return pair ? pair->value : NULL;
}

void pairs_set(struct pairs *list, const char *key, const char *value)
{
	struct pair *pair = find_pair(list, key);
	char *copy = str_dup(value);

	if (!pair) {
		list->items =
			str_realloc(list->items, list->count + 1, sizeof(*list->items));
		pair = &list->items[list->count++];
		*pair = (struct pair){ .key = str_dup(key) };
	}
	free(pair->value);
	pair->value = copy;
}

void pairs_remove(struct pairs *list, const char *key)
{
	struct pair *pair = find_pair(list, key);

	if (!pair)
		return;
	free(pair->key);
	free(pair->value);
	list->count--;
	memmove(pair, pair + 1,
		(size_t)(list->items + list->count - pair) * sizeof(*pair));
}
