/*
 * A memory limit that is too small to start: recognised, and the smallest that is not,
 * measured. For that the container is made again up to where its program would begin,
 * under other limits and another id, without its hooks, terminal and program.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "runtime/create.h"

/* After the end of init's socket, which an execve causes, and a death too: whether init died
 * before it was the program. Costs nothing where there is no memory limit. */
bool memory_ended_init(const struct creation *creation);

/* Of the init that has died: fails with errnum ENOMEM if the kernel killed it so. */
int memory_blame_limit(const struct creation *creation, struct error *err) must_check;

/* Appends the smallest limit to such an error, once everything is undone. */
void memory_floor_tell(const struct creation *creation, struct error *err);

/* A measurement's config: only the limit stays of what it does to others. */
void memory_floor_adapt(struct oci_config *config, int64_t limit);
