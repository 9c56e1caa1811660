/*
 * The kernel lays the words out one after the other at the end of the stack, the environment
 * behind them, and then the name that was executed:
 *
 *	argv[0] \0 argv[1] \0 ... environ[0] \0 environ[1] \0 ... name \0
 *
 * and shows to others what is there when they look.
 */
#include "base/process.h"

#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/str.h"

/* A process has one such place. */
static char *shown; /* where they are; NULL: not known */
static size_t shown_length;

static void move(char **words, ptrdiff_t distance)
{
	for (; *words; words++)
		if (*words >= shown && *words < shown + shown_length)
			*words += distance;
}

void process_own_words(char **argv)
{
	char *start = argv[0];
	char *end = (char *)(uintptr_t)getauxval(AT_EXECFN);
	char *copy;

	if (!start || end <= start)
		return;
	shown = start;
	shown_length = (size_t)(end - start);
	copy = str_alloc(shown_length); /* for as long as we live */
	memcpy(copy, shown, shown_length);
	move(argv, copy - shown);
	move(environ, copy - shown);
}

void process_set_title(const char *title)
{
	if (!shown)
		return;
	memset(shown, 0, shown_length);
	memcpy(shown, title, strnlen(title, shown_length - 1));
}
