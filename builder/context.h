/*
 * What COPY and ADD read: the build context, and what --build-context names. Each is a
 * directory of this host, or what a git repository, an archive of a URL or of standard
 * input held, unpacked into the session; or a name for an image.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "builder/copy/ignore.h"
#include "builder/git/git.h"
#include "builder/store/session.h"

struct context {
	char *name; /* of --build-context, as context_key() has it; NULL: the build's own */
	char *what;    /* "the build context": for errors */
	char *path;    /* of the directory */
	char *image;   /* instead of a directory: as FROM names it */
	int fd;        /* of the directory, else -1 */
	char *commit;  /* of a repository, else NULL */
	bool unpacked; /* in the session: its files are nothing to remember */
	/* What came was no archive, but one file: the Mockerfile, PATH/Mockerfile. */
	bool is_mockerfile;
	struct ignore ignore; /* the caller reads it: it depends on the Mockerfile */
};

#define CONTEXT_NONE     \
	{                \
		.fd = -1 \
	}

void context_free(struct context *context);

/* What a name of --build-context is compared by: of an image's, its one form without
 * ":latest", so that "alpine" is docker.io/library/alpine:latest too. Owned by the caller. */
char *context_key(const char *name);

/* Whether it is to be fetched or unpacked, for which context_open() wants a session. */
bool context_is_remote(const char *text);

struct context_options {
	const char *name;
	struct session *session; /* NULL: nothing can be fetched */
	int signal_fd;
	struct git_options git;
	bool keep_git_dir;
};

/* `text`: a directory, "-" (standard input), a URL, a repository; with a name also
 * docker-image://NAME, oci-layout://DIR and what else FROM takes. */
int context_open(const char *text, const struct context_options *options,
	struct context *ret, struct error *err) must_check;
