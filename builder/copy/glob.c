/*
 * Matching by sets of states, so that the time is pattern × path at most, whatever the
 * number of stars.
 */
#include "builder/copy/glob.h"

#include <stdint.h>
#include <string.h>

#include "base/str.h"

#define SIZE_MAX_PATTERN 4096

enum piece_kind {
	PIECE_CHARACTER,
	PIECE_ANY,        /* one character, no slash */
	PIECE_CLASS,      /* one of a set, no slash */
	PIECE_STAR,       /* any number of characters, no slash */
	PIECE_GLOBSTAR,   /* anything, to the end */
	PIECE_DIRECTORIES /* any number of components with their slashes */
};

struct glob_piece {
	enum piece_kind kind;
	bool negated;
	const char *text; /* the character, or what stands in a class's brackets */
	size_t length;
};

struct compiler {
	const char *at;
	struct glob *glob;
};

#define SPECIAL "*?[\\"

bool glob_is_special(const char *text)
{
	return strpbrk(text, SPECIAL) != NULL;
}

char *glob_escape(const char *text)
{
	auto_str escaped = { 0 };

	for (; *text; text++) {
		if (strchr(SPECIAL, *text))
			str_append_char(&escaped, '\\');
		str_append_char(&escaped, *text);
	}
	return str_take(&escaped);
}

static void add(struct glob *glob, struct glob_piece piece)
{
	glob->pieces[glob->count++] = piece;
}

static size_t character_length(const char *text)
{
	size_t length = 1;

	while (((unsigned char)text[length] & 0xC0) == 0x80)
		length++;
	return length;
}

static void add_character(struct compiler *compiler)
{
	struct glob_piece piece = {
		.text = compiler->at,
		.length = character_length(compiler->at),
	};

	add(compiler->glob, piece);
	compiler->at += piece.length;
}

/* "[" stands at `at`. A class ends at the first "]" that is not its first character. */
static bool compile_class(struct compiler *compiler)
{
	struct glob_piece piece = { .kind = PIECE_CLASS };
	const char *c = compiler->at + 1;

	if (*c == '^') {
		piece.negated = true;
		c++;
	}
	piece.text = c;
	while (*c && (*c != ']' || c == piece.text))
		c += *c == '\\' && c[1] ? 2 : 1;
	if (*c != ']')
		return false;
	piece.length = (size_t)(c - piece.text);
	add(compiler->glob, piece);
	compiler->at = c + 1;
	return true;
}

static void compile_stars(struct compiler *compiler)
{
	if (compiler->at[1] != '*') {
		add(compiler->glob, (struct glob_piece){ .kind = PIECE_STAR });
		compiler->at++;
		return;
	}
	while (*compiler->at == '*')
		compiler->at++;
	if (*compiler->at == '/')
		compiler->at++;
	add(compiler->glob,
		(struct glob_piece){
			.kind = *compiler->at ? PIECE_DIRECTORIES : PIECE_GLOBSTAR });
}

static bool compile_next(struct compiler *compiler)
{
	switch (*compiler->at) {
	case '*':
		compile_stars(compiler);
		return true;
	case '?':
		add(compiler->glob, (struct glob_piece){ .kind = PIECE_ANY });
		compiler->at++;
		return true;
	case '[':
		return compile_class(compiler);
	case '\\':
		if (!*++compiler->at)
			return false;
		/* fall through */
	default:
		add_character(compiler);
		return true;
	}
}

int glob_compile(const char *pattern, struct glob *ret, struct error *err)
{
	struct glob glob = { .prefix = str_dup_n(pattern, strcspn(pattern, "*?[\\")) };
	struct compiler compiler = { .glob = &glob };

	if (!glob_is_special(pattern)) {
		glob.literal = str_dup(pattern);
		*ret = glob;
		return 0;
	}
	if (strlen(pattern) > SIZE_MAX_PATTERN) {
		glob_free(&glob);
		return fail(err, "a pattern is longer than %d bytes", SIZE_MAX_PATTERN);
	}
	glob.literal = NULL;
	glob.pieces = str_alloc(
		(strlen(pattern) + 1) * sizeof(*glob.pieces) + strlen(pattern) + 1);
	/* The text stands behind the pieces: classes point into it. */
	compiler.at = strcpy((char *)&glob.pieces[strlen(pattern) + 1], pattern);
	while (*compiler.at)
		if (!compile_next(&compiler)) {
			glob_free(&glob);
			return fail(err, "the pattern \"%s\" has an error in its syntax",
				pattern);
		}
	*ret = glob;
	return 0;
}

void glob_free(struct glob *glob)
{
	free(glob->literal);
	free(glob->prefix);
	free(glob->pieces);
	*glob = (struct glob){ 0 };
}

/* ---- matching ---- */

static uint32_t character(const char *text, size_t length)
{
	uint32_t code = (unsigned char)*text;

	for (size_t i = 1; i < length; i++)
		code = code << 8 | (unsigned char)text[i];
	return code;
}

/* One end of a range; UTF-8's bytes sort as its characters do. */
static uint32_t set_next(const char **at, const char *end)
{
	size_t length;
	uint32_t code;

	if (**at == '\\' && *at + 1 < end)
		++*at;
	length = MIN(character_length(*at), (size_t)(end - *at));
	code = character(*at, length);
	*at += length;
	return code;
}

static bool in_set(const struct glob_piece *piece, uint32_t code)
{
	const char *at = piece->text, *end = piece->text + piece->length;
	bool found = false;

	while (at < end) {
		uint32_t low = set_next(&at, end), high = low;

		if (at + 1 < end && *at == '-') {
			at++;
			high = set_next(&at, end);
		}
		found |= low <= code && code <= high;
	}
	return found != piece->negated;
}

/* Pieces that may match nothing let their successors into the set, too. */
static void enter(const struct glob *glob, uint8_t *set, size_t state)
{
	set[state] = 1;
	while (state < glob->count && glob->pieces[state].kind >= PIECE_STAR)
		set[++state] = 1;
}

static void step_one(const struct glob *glob, uint8_t *to, size_t state, const char *text,
	size_t length)
{
	const struct glob_piece *piece = &glob->pieces[state];
	bool slash = *text == '/';

	switch (piece->kind) {
	case PIECE_CHARACTER:
		if (length == piece->length && memcmp(piece->text, text, length) == 0)
			enter(glob, to, state + 1);
		break;
	case PIECE_ANY:
		if (!slash)
			enter(glob, to, state + 1);
		break;
	case PIECE_CLASS:
		if (!slash && in_set(piece, character(text, length)))
			enter(glob, to, state + 1);
		break;
	case PIECE_STAR:
		if (!slash)
			enter(glob, to, state);
		break;
	case PIECE_GLOBSTAR:
		enter(glob, to, state);
		break;
	case PIECE_DIRECTORIES:
		/* Between two slashes it has not matched. */
		to[state] = 1;
		if (slash)
			enter(glob, to, state + 1);
		break;
	}
}

bool glob_matches(const struct glob *glob, const char *path)
{
	uint8_t sets[2][SIZE_MAX_PATTERN + 2];
	uint8_t *now = sets[0], *next = sets[1], *other;

	if (glob->literal)
		return strcmp(glob->literal, path) == 0;
	if (strncmp(path, glob->prefix, strlen(glob->prefix)) != 0)
		return false;
	memset(now, 0, glob->count + 1);
	enter(glob, now, 0);
	while (*path) {
		size_t length = character_length(path);
		bool alive = false;

		memset(next, 0, glob->count + 1);
		for (size_t state = 0; state < glob->count; state++)
			if (now[state])
				step_one(glob, next, state, path, length);
		for (size_t state = 0; state <= glob->count && !alive; state++)
			alive = next[state];
		if (!alive)
			return false;
		other = now;
		now = next;
		next = other;
		path += length;
	}
	return now[glob->count];
}
