/* One file over HTTP or HTTPS. */
#pragma once

#include <stdint.h>
#include <time.h>

#include "base/error.h"
#include "base/macros.h"

struct fetch_result {
	int64_t size;
	time_t modified; /* Last-Modified; -1 if the server does not say */
};

/* Writes the body into the file, which is empty. Redirects are followed, to HTTP and HTTPS
 * only; whatever else than success the server answers is an error. `authorization`: the
 * value of the header of this name, for the URL's own server, or NULL. */
int fetch_url(const char *url, int fd, const char *authorization,
	struct fetch_result *ret, struct error *err) must_check;
