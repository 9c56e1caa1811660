/*
 * Walks down a tree that hold each directory of the branch they are in open: nothing that
 * is exchanged meanwhile leads them elsewhere, but a tree that is deep takes as many
 * descriptors. Within a descent the soft limit of open files is the hard one; a program
 * that is started in it would inherit that, so none is.
 *
 * A tree that is deeper than that allows is told by its depth.
 */
#pragma once

#include <sys/resource.h>

#include "base/error.h"
#include "base/macros.h"

/* Deeper, a file of a name of one character has no path: PATH_MAX. It is also what keeps
 * the stack of a recursion small. */
#define DESCENT_MAX 2048

struct descent {
	unsigned depth; /* directories that are open below the first */
	rlim_t soft;    /* the limit before; 0: to be left as it is */
	rlim_t limit;   /* the limit now; 0: unknown */
};

#define auto_descent __attribute__((cleanup(descent_end))) struct descent

struct descent descent_begin(void);
void descent_end(struct descent *descent);

/* One level down, to a directory that is no link; back when its descriptor is closed. */
int descent_open(struct descent *descent, int dir_fd, const char *name, int *ret_fd,
	struct error *err) must_check;
void descent_back(struct descent *descent);
