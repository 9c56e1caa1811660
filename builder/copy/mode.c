/* Source: chmod(1), POSIX. */
#include "builder/copy/mode.h"

#include <string.h>
#include <sys/stat.h>

#define ALL_BITS 07777

static int refuse(const char *text, struct error *err)
{
	return fail(err, "a mode is octal as 755, or symbolic as u=rwX,go=rX, not \"%s\"",
		text);
}

static int parse_octal(const char *text, struct mode_change *ret, struct error *err)
{
	mode_t mode = 0;

	if (strlen(text) > 5)
		return refuse(text, err);
	for (const char *c = text; *c; c++) {
		if (*c < '0' || *c > '7')
			return refuse(text, err);
		mode = mode * 8 + (mode_t)(*c - '0');
	}
	if (mode > ALL_BITS)
		return refuse(text, err);
	*ret = (struct mode_change){ .octal = true, .mode = mode };
	return 0;
}

static mode_t parse_who(const char **at)
{
	mode_t who = 0;

	for (;; (*at)++) {
		switch (**at) {
		case 'u':
			who |= S_ISUID | S_IRWXU;
			break;
		case 'g':
			who |= S_ISGID | S_IRWXG;
			break;
		case 'o':
			who |= S_IRWXO;
			break;
		case 'a':
			who |= ALL_BITS;
			break;
		default:
			return who ? who : ALL_BITS;
		}
	}
}

static void parse_bits(const char **at, struct mode_clause *clause)
{
	if (**at && strchr("ugo", **at)) {
		clause->copy = *(*at)++;
		return;
	}
	for (;; (*at)++) {
		switch (**at) {
		case 'r':
			clause->bits |= 0444;
			break;
		case 'w':
			clause->bits |= 0222;
			break;
		case 'x':
			clause->bits |= 0111;
			break;
		case 'X':
			clause->execute_if = true;
			break;
		case 's':
			clause->bits |= S_ISUID | S_ISGID;
			break;
		case 't':
			clause->bits |= S_ISVTX;
			break;
		default:
			return;
		}
	}
}

int mode_parse(const char *text, struct mode_change *ret, struct error *err)
{
	struct mode_change change = { 0 };
	const char *at = text;

	if (*text >= '0' && *text <= '9')
		return parse_octal(text, ret, err);
	do {
		mode_t who = parse_who(&at);

		if (!*at || !strchr("+-=", *at))
			return refuse(text, err);
		while (*at && strchr("+-=", *at)) {
			struct mode_clause clause = { .who = who, .operation = *at++ };

			parse_bits(&at, &clause);
			/* The sticky bit is everybody's. */
			if (clause.bits & S_ISVTX)
				clause.who |= S_ISVTX;
			if (change.count == ARRAY_SIZE(change.clauses))
				return refuse(text, err);
			change.clauses[change.count++] = clause;
		}
	} while (*at++ == ',');
	if (at[-1])
		return refuse(text, err);
	*ret = change;
	return 0;
}

static mode_t spread(mode_t rwx)
{
	return rwx << 6 | rwx << 3 | rwx;
}

static mode_t bits_of(const struct mode_clause *clause, mode_t mode, bool directory)
{
	mode_t bits = clause->bits;

	if (clause->copy)
		bits = spread(mode >> (clause->copy == 'u'          ? 6
					      : clause->copy == 'g' ? 3
								    : 0) &
			      7);
	if (clause->execute_if && (directory || (mode & 0111)))
		bits |= 0111;
	return bits & clause->who;
}

mode_t mode_apply(const struct mode_change *change, mode_t mode)
{
	bool directory = S_ISDIR(mode);

	if (change->octal)
		return change->mode;
	mode &= ALL_BITS;
	for (size_t i = 0; i < change->count; i++) {
		const struct mode_clause *clause = &change->clauses[i];
		mode_t bits = bits_of(clause, mode, directory);

		if (clause->operation == '+')
			mode |= bits;
		else if (clause->operation == '-')
			mode &= ~bits;
		else
			mode = (mode & ~clause->who) | bits;
	}
	return mode;
}
