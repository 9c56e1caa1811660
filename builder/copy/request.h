/* What a COPY or ADD asks for, as expanded. The effect is copy.h's. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/* A heredoc among the sources: a file of this name and content. */
struct copy_text {
	char *name;
	char *content;
};

struct copy_request {
	bool add;               /* ADD: URLs, git, archives unpacked */
	struct strings sources; /* as written: paths, globs, URLs; without heredocs */
	struct copy_text *texts;
	size_t text_count;
	char *destination; /* absolute (WORKDIR applied); "/" at its end as written */
	char *from;        /* stage, image or NULL: the build context */
	char *chown;       /* "USER[:GROUP]" or NULL: 0:0 */
	char *chmod;       /* octal or symbolic, or NULL: as the source has it */
	char *checksum;    /* "sha256:..." of a URL, begin of a commit, or NULL */
	struct strings exclude;
	bool link;
	bool parents;
	bool keep_git_dir;
	bool unpack;     /* --unpack=true, and of ADD for local archives unless =false */
	bool has_unpack; /* the flag was given */
};

void copy_request_free(struct copy_request *request);

/* A file of a server; a repository (see git/git.h). All else is a path. */
bool copy_source_is_url(const char *source);
bool copy_source_is_git(const char *source);
