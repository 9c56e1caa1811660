/*
 * Writing a layer as a tar archive: the form that image-spec, layer.md, wants, from the
 * upper directory that overlayfs left. Same files, same bytes: entries are sorted, and
 * nothing of this machine goes in but what the files say.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "builder/digest.h"

enum tar_compression { TAR_PLAIN, TAR_GZIP, TAR_ZSTD };

/* Of "gzip", "zstd", "none" and "uncompressed"; NULL: gzip. */
int tar_compression_parse(
	const char *text, enum tar_compression *ret, struct error *err) must_check;

struct tar_write_options {
	const char *name; /* of the tree, for errors */
	bool layer;       /* overlayfs's marks become .wh.NAME and .wh..wh..opq */
	enum tar_compression compression;
	int64_t epoch; /* later times become this; -1: none */
};

struct tar_written {
	struct digest diff_id; /* of the tar */
	struct digest digest;  /* of what was written: the same unless compressed */
	int64_t size;          /* of what was written */
};

int tar_write(int root_fd, int archive_fd, const struct tar_write_options *options,
	struct tar_written *ret, struct error *err) must_check;
