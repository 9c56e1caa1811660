/*
 * What the standard descriptors of a container were when it began: "pipe:[123]" of a pipe,
 * else a path. The other end of such a pipe is outside: a restored container gets the pipe
 * that its creator has then. In a file of the images, as runc has it.
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

/* Ours, which a container that is about to be made will have. */
void descriptors_note(struct strings *to);

int descriptors_save(
	const struct strings *names, int images_fd, struct error *err) must_check;
/* Appends to the request: pipes of then are ours of the same number. */
int descriptors_put(struct str *to, int images_fd, struct error *err) must_check;
