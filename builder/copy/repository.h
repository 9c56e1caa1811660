/*
 * The git repositories among ADD's sources. In the downloads directory, by the digest of
 * the source's text and of what the request says of it:
 *
 *	HEX.commit   the commit that it is for the time of the build
 *	HEX.tree     its files, once they are needed
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "builder/copy/copy.h"
#include "builder/git/git.h"

/* Asks for the commit of each repository of the request that is not known yet. */
int repository_resolve(const struct copy_request *request,
	const struct copy_source *source, struct error *err) must_check;

/* What was resolved. */
int repository_commit(const struct copy_request *request,
	const struct copy_source *source, const char *text,
	char ret_commit[GIT_COMMIT_MAX], struct error *err) must_check;

/* The directory of its files, fetched if they are not there yet. */
int repository_open(const struct copy_request *request, const struct copy_source *source,
	const char *text, int *ret_fd, struct error *err) must_check;
