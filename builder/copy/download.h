/* The URLs among ADD's sources: each is fetched once a build, into a directory of it. */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "builder/copy/copy.h"

/* Fetches it, or opens what was fetched before; verifies request->checksum. The file's
 * time is what the server said. */
int download_open(const struct copy_request *request, const struct copy_source *source,
	const char *url, int *ret_fd, struct error *err) must_check;

/* The last component of its path, decoded; owned by the caller. */
char *download_name(const char *url);
