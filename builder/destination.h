/*
 * A file that a person names to be written: an archive, an image's ID. A regular one gets
 * its name when it is whole, behind links where these lead to it; a pipe or a device stays
 * what it is and is written as it comes.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"

struct destination {
	int fd;
	char *path; /* NULL: standard output */
	char *partial; /* what the file is called until it is whole; NULL: nothing to rename */
};

#define DESTINATION_NONE \
	{                \
		.fd = -1 \
	}

/* A pipe is waited for until somebody reads it, or until signal_fd (-1: none) has a
 * signal. */
int destination_open(const char *path, mode_t mode, int signal_fd,
	struct destination *ret, struct error *err) must_check;

/* An archive to standard output, which is fd here and no terminal. */
int destination_standard(int fd, struct destination *ret, struct error *err) must_check;

/* Ends it: `result` is how writing went, 0 or -1 with the error in *err. What is not whole
 * is taken away. Returns the result of both. */
int destination_close(
	struct destination *destination, int result, struct error *err) must_check;

/* Writes a whole text. */
int destination_write(const char *path, const char *text, struct error *err) must_check;
