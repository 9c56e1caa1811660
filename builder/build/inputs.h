/*
 * What makes a step's result: one list, of which the cache key is the hash, and which
 * `build --why` compares with that of the build before (why.h). What is added counts in
 * the key; what is noted only says more closely what something added is made of.
 */
#pragma once

#include <stdint.h>

#include "base/macros.h"
#include "base/str.h"
#include "builder/digest.h"

/* The letters that kinds have in the list. */
enum input_kind {
	INPUT_PARENT = 'p',   /* what it stands on */
	INPUT_WORDS = 'w',    /* the instruction as expanded */
	INPUT_SETTING = 's',  /* user, working directory and so on */
	INPUT_VARIABLE = 'v', /* of the environment that it sees */
	INPUT_SOURCE = 'i',   /* another stage or image */
	INPUT_CONTENT = 'c',  /* files that are copied, as a whole */
	INPUT_FILE = 'f',     /* noted: each of them */
	INPUT_DIGEST = 'q',   /* noted: of an image that came from elsewhere */
};

struct inputs {
	struct digest_state key;
	/* Lines "KIND 16-HEX-DIGITS NAME": no values, which may be secret. */
	struct str list;
};

#define auto_inputs __attribute__((cleanup(inputs_free))) struct inputs
void inputs_free(struct inputs *inputs);

/* Anew, on what was all zero or begun before. instruction: "RUN" and the like, not copied. */
void inputs_begin(struct inputs *inputs, const char *instruction, const char *parent);
void inputs_add(
	struct inputs *inputs, enum input_kind kind, const char *name, const char *value);
void inputs_note(
	struct inputs *inputs, enum input_kind kind, const char *name, uint64_t mark);
/* The image's digest, which may be NULL: then nothing. */
void inputs_note_digest(struct inputs *inputs, const char *name, const char *digest);
/* The key of all that was added. */
struct digest inputs_end(struct inputs *inputs);
