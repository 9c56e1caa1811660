/* --chmod: "755", "0755", "u=rwX,go=rX", "a+x": as chmod(1), without the umask. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"

struct mode_clause {
	mode_t who;      /* the bits of u, g, o that it concerns */
	char operation;  /* '+', '-', '=' */
	mode_t bits;     /* rwx of all, setuid, setgid, sticky */
	char copy;       /* 'u', 'g', 'o': takes the bits of these; 0 */
	bool execute_if; /* X */
};

struct mode_change {
	bool octal;
	mode_t mode;
	struct mode_clause clauses[32];
	size_t count;
};

int mode_parse(const char *text, struct mode_change *ret, struct error *err) must_check;

/* The permission bits that a file of `mode` (its type included) gets. */
mode_t mode_apply(const struct mode_change *change, mode_t mode);
