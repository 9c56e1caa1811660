/*
 * SHA-256, the only digest of the builder: of blobs, of cache keys, of what COPY reads.
 *
 * A digest is written as 64 lower-case hexadecimal digits; OCI's text form puts "sha256:"
 * in front. Fields that are hashed one after another carry their length, so that "ab","c"
 * and "a","bc" differ.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"

#define DIGEST_PREFIX "sha256:"

struct digest {
	char hex[65];
};

struct digest_state {
	void *context; /* of libcrypto */
};

#define auto_digest __attribute__((cleanup(digest_free))) struct digest_state

void digest_init(struct digest_state *state);
void digest_free(struct digest_state *state);
void digest_add(struct digest_state *state, const void *data, size_t length);
/* The length, then the text; NULL differs from "". */
void digest_add_text(struct digest_state *state, const char *text);
void digest_add_number(struct digest_state *state, uint64_t number);
/* Ends the state; it can be freed or initialised again. */
struct digest digest_end(struct digest_state *state);

/* Before processes are forked that hash: libcrypto's start, which reads its configuration,
 * is then theirs, too. */
void digest_prepare(void);

struct digest digest_of(const void *data, size_t length);

/* From the file's offset to its end. */
int digest_of_fd(int fd, const char *name, struct digest *ret, int64_t *ret_size,
	struct error *err) must_check;

/* Accepts "sha256:HEX" only. */
bool digest_parse(const char *text, struct digest *ret);
bool digest_is_hex(const char *text); /* 64 lower-case digits */

/* As bytes, for where many are kept. */
void digest_to_bytes(const struct digest *digest, uint8_t ret[32]);
struct digest digest_of_bytes(const uint8_t bytes[32]);
