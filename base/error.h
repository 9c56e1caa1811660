/*
 * struct error: what went wrong, as one line for a person and one errno for code.
 *
 * Plain bytes: it lives on the stack, survives fork and travels over a socket as it is.
 * A failing function fills it and returns -1; its caller returns -1 too, and adds words
 * with fail_while() only where it knows something that the callee did not.
 */
#pragma once

#include <errno.h>
#include <stdbool.h>

#include "base/macros.h"

struct error {
	int errnum; /* of <errno.h>; 0 where no system call failed */
	bool lines; /* the text has several, and what they quote is made printable */
	/* What code may act on beside errnum: a number of the room that sets it; 0: none.
	 * Words that are added keep it. */
	unsigned char kind;
	/* One line, lower case, no full stop, always terminated. Of what is too long for it
	 * the middle is left out. */
	char text[1018];
};

/*
 * All of these are -1, so that a failure is one return statement; as macros, so that the
 * compiler knows it too and sees that an output is set wherever there was none.
 */
/* clang-format off */

/* A failure that is no system call's: bad input, a broken promise of another process. */
#define fail(...)       ({ error_set(__VA_ARGS__); -1; })

/* (err, errnum, format…): the same with an errno that callers may act on; its strerror()
 * is not appended. */
#define fail_code(...)  ({ error_set_code(__VA_ARGS__); -1; })

/* A failed system call: appends ": " and the text of errno, which it keeps. */
#define fail_errno(...) ({ error_set_errno(__VA_ARGS__); -1; })

/* Puts the words and ": " before what err already says. */
#define fail_while(...) ({ error_prepend(__VA_ARGS__); -1; })

/* Appends "; " and a remedy. */
#define fail_hint(...)  ({ error_append(__VA_ARGS__); -1; })
/* clang-format on */

void error_set(struct error *err, const char *format, ...) printf_like(2, 3);
void error_set_code(struct error *err, int errnum, const char *format, ...)
	printf_like(3, 4);
void error_set_errno(struct error *err, const char *format, ...) printf_like(2, 3);
void error_prepend(struct error *err, const char *format, ...) printf_like(2, 3);
void error_append(struct error *err, const char *format, ...) printf_like(2, 3);
