/*
 * Matching by sets of states: one pass over the value, however many stars there are, so
 * that no pattern of an unknown author takes more than value × pattern steps. Suffixes
 * are prefixes of the value and the pattern read backwards.
 */
#include "builder/language/pattern.h"

#include <stdint.h>
#include <string.h>

#include "base/str.h"

/* Text as characters: of valid UTF-8, or single bytes. */
struct characters {
	const char *text;
	size_t *starts; /* count + 1 */
	size_t count;
};

enum piece_kind { PIECE_CHARACTER, PIECE_ANY, PIECE_STAR };

struct piece {
	enum piece_kind kind;
	const char *text;
	size_t length;
};

struct pattern {
	struct characters characters;
	struct piece *pieces;
	size_t count;
	bool has_star;
	bool backwards;
	uint8_t *states; /* two sets of count + 1 */
};

static void characters_free(struct characters *characters)
{
	free(characters->starts);
}

static void pattern_free(struct pattern *pattern)
{
	characters_free(&pattern->characters);
	free(pattern->pieces);
	free(pattern->states);
}

#define auto_characters __attribute__((cleanup(characters_free))) struct characters
#define auto_pattern    __attribute__((cleanup(pattern_free))) struct pattern

static bool continues_character(char c)
{
	return ((unsigned char)c & 0xC0) == 0x80;
}

static struct characters split(const char *text)
{
	struct characters ret = { .text = text };
	size_t i = 0;

	ret.starts = str_alloc((strlen(text) + 1) * sizeof(*ret.starts));
	while (text[i]) {
		ret.starts[ret.count++] = i++;
		while (continues_character(text[i]))
			i++;
	}
	ret.starts[ret.count] = i;
	return ret;
}

static void add(struct pattern *pattern, enum piece_kind kind, size_t character)
{
	const size_t *starts = pattern->characters.starts;

	pattern->pieces[pattern->count++] = (struct piece){
		.kind = kind,
		.text = pattern->characters.text + starts[character],
		.length = starts[character + 1] - starts[character],
	};
	pattern->has_star |= kind == PIECE_STAR;
}

static void reverse(struct pattern *pattern)
{
	for (size_t i = 0; i < pattern->count / 2; i++) {
		struct piece *left = &pattern->pieces[i];
		struct piece *right = &pattern->pieces[pattern->count - 1 - i];
		struct piece kept = *left;

		*left = *right;
		*right = kept;
	}
}

static int compile(
	const char *text, bool backwards, struct pattern *ret, struct error *err)
{
	ret->characters = split(text);
	ret->pieces = str_alloc((ret->characters.count + 1) * sizeof(*ret->pieces));
	for (size_t i = 0; i < ret->characters.count; i++) {
		char c = text[ret->characters.starts[i]];

		if (c == '*')
			add(ret, PIECE_STAR, i);
		else if (c == '?')
			add(ret, PIECE_ANY, i);
		else if (c != '\\')
			add(ret, PIECE_CHARACTER, i);
		else if (++i < ret->characters.count &&
			 strchr("*?\\}/", text[ret->characters.starts[i]]))
			add(ret, PIECE_CHARACTER, i);
		else
			return fail(err,
				"in the pattern \"%s\", \\ stands before something else than * ? \\ } /",
				text);
	}
	ret->backwards = backwards;
	if (backwards)
		reverse(ret);
	ret->states = str_alloc(2 * (ret->count + 1));
	return 0;
}

/* Stars match nothing, too: their successors belong to the set. */
static void enter(const struct pattern *pattern, uint8_t *set, size_t state)
{
	set[state] = 1;
	while (state < pattern->count && pattern->pieces[state].kind == PIECE_STAR)
		set[++state] = 1;
}

/* One character onward; false when no state is left. */
static bool step(const struct pattern *pattern, const uint8_t *from, uint8_t *to,
	const char *text, size_t length)
{
	bool alive = false;

	memset(to, 0, pattern->count + 1);
	for (size_t state = 0; state < pattern->count; state++) {
		const struct piece *piece = &pattern->pieces[state];

		if (!from[state])
			continue;
		if (piece->kind == PIECE_STAR)
			enter(pattern, to, state);
		else if (piece->kind == PIECE_ANY ||
			 (piece->length == length &&
				 memcmp(piece->text, text, length) == 0))
			enter(pattern, to, state + 1);
		else
			continue;
		alive = true;
	}
	return alive;
}

/* How many characters from `start` on the pattern matches, the fewest or the most; -1 if
 * it does not. ret_starved: the value ended while a star still hoped for more. */
static ptrdiff_t match(const struct pattern *pattern, const struct characters *value,
	size_t start, bool longest, bool *ret_starved)
{
	uint8_t *now = pattern->states, *next = now + pattern->count + 1, *other;
	ptrdiff_t length = -1;

	*ret_starved = false;
	memset(now, 0, pattern->count + 1);
	enter(pattern, now, 0);
	for (size_t i = start;; i++) {
		size_t at = pattern->backwards ? value->count - 1 - i : i;

		if (now[pattern->count])
			length = (ptrdiff_t)(i - start);
		if (length >= 0 && !longest)
			return length;
		if (i == value->count)
			break;
		if (!step(pattern, now, next, value->text + value->starts[at],
			    value->starts[at + 1] - value->starts[at]))
			return length;
		other = now;
		now = next;
		next = other;
	}
	*ret_starved = pattern->has_star;
	return length;
}

int pattern_trim(const char *pattern, const char *value, struct pattern_options options,
	char **ret, struct error *err)
{
	auto_pattern compiled = { 0 };
	auto_characters characters = split(value);
	bool starved;
	ptrdiff_t length;

	if (compile(pattern, options.suffix, &compiled, err) < 0)
		return -1;
	length = match(&compiled, &characters, 0, options.longest, &starved);
	if (length < 0)
		*ret = str_dup(value);
	else if (options.suffix)
		*ret = str_dup_n(
			value, characters.starts[characters.count - (size_t)length]);
	else
		*ret = str_dup(value + characters.starts[length]);
	return 0;
}

int pattern_replace(const char *pattern, const char *value, const char *replacement,
	struct pattern_options options, char **ret, struct error *err)
{
	auto_pattern compiled = { 0 };
	auto_characters characters = split(value);
	auto_str result = { 0 };
	bool starved = false;
	size_t i = 0;

	if (compile(pattern, false, &compiled, err) < 0)
		return -1;
	/* Once a star has seen the whole rest in vain, it would do so from everywhere. */
	while (i < characters.count && !starved) {
		ptrdiff_t length = match(&compiled, &characters, i, true, &starved);

		if (length > 0) {
			str_append(&result, replacement);
			i += (size_t)length;
			starved = false;
			if (!options.all)
				break;
			continue;
		}
		if (starved)
			break;
		str_append_n(&result, value + characters.starts[i],
			characters.starts[i + 1] - characters.starts[i]);
		i++;
	}
	str_append(&result, value + characters.starts[i]);
	*ret = str_take(&result);
	return 0;
}
