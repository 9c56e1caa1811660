/*
 * The effect of COPY and ADD on the mounted root of a stage, and the digest of the bytes
 * that it reads.
 *
 * Sources are resolved strictly beneath the source root, destinations strictly beneath
 * the target root, links of an image included. Nothing is synced to disk here.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "builder/copy/ignore.h"
#include "builder/copy/request.h"
#include "builder/digest.h"
#include "builder/git/git.h"

struct copy_digest_cache;

struct copy_source {
	int root_fd;                 /* of the build context, stage or image */
	const struct ignore *ignore; /* NULL: none (--from has none) */
	/* Digests of files by identity (device, inode, size, times), so that an unchanged
	 * context is not read again; NULL: always read. */
	struct copy_digest_cache *digests;
	const char *what; /* "the build context", "stage \"build\"": for errors */
	bool keep_owner;  /* of a stage or image; what a context holds belongs to 0:0 */
	int downloads_fd; /* a directory for what URLs send; -1: none may be fetched */
	struct git_options git; /* secrets and agents, for URLs and repositories */
	int64_t epoch; /* SOURCE_DATE_EPOCH: later file times become this; -1: none */
	/* Is told each file that copy_compute_digest() hashes, with a mark that is another
	 * one where the file is (but by accident); or NULL. */
	void (*note)(void *argument, const char *path, uint64_t mark);
	void *note_argument;
	/* Is told each URL and repository with its digest ("sha256:HEX", "sha1:HEX"), or
	 * NULL. */
	void (*fetched)(void *argument, const char *url, const char *digest);
	void *fetched_argument;
};

/* What COPY would read: names, types, modes, link targets and contents, in a fixed order.
 * Owners and times are left out, as BuildKit leaves them out. Fails, as copy_perform()
 * would, where a source matches nothing. */
int copy_compute_digest(const struct copy_request *request,
	const struct copy_source *source, struct digest *ret,
	struct error *err) must_check;

struct copy_destination {
	int root_fd; /* of the stage; --chown names are looked up in its /etc/passwd */
	/* If the root is an overlay: the directory that takes its changes, into which new
	 * directories are filled directly; else -1. Afterwards the overlay may show old
	 * attributes of them: unmount it. */
	int upper_fd;
};

int copy_perform(const struct copy_request *request, const struct copy_source *source,
	const struct copy_destination *destination, struct error *err) must_check;

/* The digest cache is one file, read whole and replaced whole; a damaged or foreign one
 * counts as empty. */
int copy_digest_cache_open(int dir_fd, const char *name, struct copy_digest_cache **ret,
	struct error *err) must_check;
/* Writes it if something was added; NULL allowed. */
int copy_digest_cache_save(struct copy_digest_cache *cache, struct error *err) must_check;
void copy_digest_cache_free(struct copy_digest_cache *cache);
