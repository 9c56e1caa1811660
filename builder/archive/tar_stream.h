/*
 * The bytes of an archive, uncompressed, read ahead by a thread of their own: reading,
 * decompressing and hashing go on while the files are made. Which bytes are compressed is
 * told by content; nothing but libraries decompresses.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"
#include "builder/digest.h"

struct tar_stream;

/* What was read, to its end. */
struct tar_digests {
	struct digest digest;  /* of the file's bytes */
	struct digest diff_id; /* of the tar: the same unless compressed */
};

/* `fd` is borrowed until tar_stream_free(). `hash`: digests are wanted. */
int tar_stream_begin(
	int fd, bool hash, struct tar_stream **ret, struct error *err) must_check;

/* The next bytes, valid until the next call; 0 at the end, -1 with tar_stream_error(). */
ssize_t tar_stream_next(struct tar_stream *stream, const void **ret);
const char *tar_stream_error(const struct tar_stream *stream);

/* Reads what follows the last entry, `limit` bytes at most. */
int tar_stream_end(struct tar_stream *stream, int64_t limit, struct tar_digests *ret,
	struct error *err) must_check;

void tar_stream_free(struct tar_stream *stream);
