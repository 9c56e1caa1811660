/* Names of entries, made safe. */
#pragma once

#include "base/error.h"
#include "base/macros.h"

/* Without ".", empty components and leading slashes; ".." is refused. `archive` is for the
 * error; name may be NULL. *ret is owned by the caller; "" is the root. */
int tar_clean_name(
	const char *archive, const char *name, char **ret, struct error *err) must_check;
