/*
 * What a COPY reads, one entry after the other: globs resolved, ignore rules and --exclude
 * applied, names in order. copy_compute_digest() and copy_perform() are its two visitors,
 * so that what is hashed is what is copied.
 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/macros.h"
#include "builder/copy/copy.h"

struct copy_entry {
	int parent_fd;    /* of the directory that holds it, -1 for what a source names */
	const char *name; /* in it */
	const char *path; /* beneath the source's root, for errors */
	const char *target; /* beneath the destination; "" is the destination itself */
	struct stat st;
	int fd;          /* of a directory, and of a regular file that a source names */
	bool named;      /* by a source, not found below one */
	bool ancestor;   /* --parents: a directory on the way to what is copied */
	bool only_match; /* `named`: no other file can come to the same destination */
};

struct copy_visitor {
	/* Before and after a directory's entries. */
	int (*enter)(void *argument, const struct copy_entry *entry, struct error *err);
	int (*leave)(void *argument, const struct copy_entry *entry, struct error *err);
	/* Everything else. */
	int (*file)(void *argument, const struct copy_entry *entry, struct error *err);
	bool warns; /* of what matches nothing: one of several walks */
	void *argument;
};

/* Walks the sources that are paths; heredocs and URLs are the visitors' own. */
int copy_walk(const struct copy_request *request, const struct copy_source *source,
	const struct copy_visitor *visitor, struct error *err) must_check;

/* Opens a regular file for reading and checks that it is one still; `st` is refreshed. */
int copy_entry_open(struct copy_entry *entry, int *ret_fd, struct error *err) must_check;
