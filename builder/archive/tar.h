/*
 * Archives: unpacking beneath a root. Only tar*.c include libarchive.
 *
 * An archive is hostile: absolute names start at the root, ".." is refused, links are
 * never followed out of the root, hard links point only to what lies inside, device nodes
 * are the caller's choice, sizes and numbers are bounded, and nothing but libraries
 * decompresses.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "builder/archive/tar_stream.h"

struct tar_extract_options {
	const char *name; /* of the archive, for errors */
	bool layer;   /* .wh.NAME becomes overlayfs's whiteout (a 0/0 character device),
			     .wh..wh..opq its opaque attribute; the entry "." counts */
	bool devices; /* make device nodes; otherwise they are an error */
	bool keep_owner; /* else everything belongs to uid:gid */
	uid_t uid;
	gid_t gid;
	int64_t size_max;    /* unpacked bytes; 0: 1 TiB */
	int64_t entries_max; /* 0: ten million */
	int64_t epoch;       /* later times become this; -1: none */
	/* Of a layer: the roots of those below it, uppermost first. A directory that is
	 * there and has no entry here keeps its owner and mode. NULL: none. */
	const struct strings *below;
};

struct tar_extracted {
	struct tar_digests digests;
	uint64_t size; /* of the regular files */
};

/* Unpacks what is read from archive_fd (tar, or tar compressed by gzip, bzip2, xz or zstd:
 * told by content) beneath root_fd, where nobody else works. Partial work stays there on
 * failure: the caller throws its directory away. ret NULL: nothing of it is wanted, and
 * nothing is hashed. */
int tar_extract(int archive_fd, int root_fd, const struct tar_extract_options *options,
	struct tar_extracted *ret, struct error *err) must_check;

/* Whether the file is an archive that ADD unpacks. The offset is 0 before and after. */
bool tar_recognise(int fd);
