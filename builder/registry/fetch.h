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
 * only; whatever else than success the server answers is an error. */
int fetch_url(
	const char *url, int fd, struct fetch_result *ret, struct error *err) must_check;
