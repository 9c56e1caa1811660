/*
 * Files of a git repository, by Debian's git as a program: what ADD and the build context
 * take from https://HOST/REPOSITORY.git#REF:DIRECTORY and the like.
 *
 * A repository is hostile: git runs without any configuration of this host or its user,
 * without hooks, filters, credential helpers and terminal; over https, http, ssh and git
 * only (its submodules too), never from files of this host; with the agent and the tokens
 * that the command line gave, and with no key of the user's own.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "builder/build/secrets.h"

struct git_source {
	char *url;      /* as git takes it */
	char *ref;      /* branch, tag, commit; NULL: HEAD */
	char *subdir;   /* beneath the work tree; NULL: all of it */
	char *checksum; /* the commit begins with it; NULL: any does */
	bool keep_git_dir;
	bool no_submodules;
};

#define auto_git_source __attribute__((cleanup(git_source_free))) struct git_source
void git_source_free(struct git_source *source);

/* Whether the text names a repository: git://, ssh://, USER@HOST:PATH, and http:// and
 * https:// where the path ends in ".git". */
bool git_source_is(const char *text);

/* URL[#REF[:SUBDIR]], or ?ref= ?branch= ?tag= ?commit= ?subdir= ?checksum= ?keep-git-dir=
 * ?submodules= behind the URL. */
int git_source_parse(
	const char *text, struct git_source *ret, struct error *err) must_check;

struct git_options {
	const struct build_secrets *secrets; /* GIT_AUTH_TOKEN and such; may be NULL */
	const struct build_secrets *agents;  /* "default" is that of ssh; may be NULL */
};

#define GIT_COMMIT_MAX 65 /* SHA-256's digits and their end */

/* "sha1:HEX" or "sha256:HEX", by its length; owned by the caller. */
char *git_commit_digest(const char *commit);

/* The commit that the source means now: one look at the server unless the ref is one. */
int git_resolve(const struct git_source *source, const struct git_options *options,
	char ret_commit[GIT_COMMIT_MAX], struct error *err) must_check;

/* The commit's files into an empty directory, with the commit's time; ret_fd: the
 * directory, or the subdirectory that the source names. */
int git_checkout(const struct git_source *source, const char *commit,
	const struct git_options *options, int directory_fd, int *ret_fd,
	struct error *err) must_check;

/* The same of what was checked out before. */
int git_open_subdir(const struct git_source *source, int directory_fd, int *ret_fd,
	struct error *err) must_check;
