/* From version 1's figures, in which config.json speaks, to version 2's. */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"

/* cpu.shares (2 to 262144) to cpu.weight (1 to 10000); 0 stays 0. */
uint64_t cgroup_weight_of_shares(uint64_t shares);

/* blkio.weight (10 to 1000) to io.weight (1 to 10000); 0 stays 0. */
uint64_t cgroup_io_weight(uint64_t weight);

/* memory.memsw.limit_in_bytes (memory and swap) to memory.swap.max (swap alone); -1 is
 * unlimited. `prefix` goes before the field's name in errors. */
int cgroup_swap_of_memsw(int64_t memsw, int64_t limit, const char *prefix, int64_t *ret,
	struct error *err) must_check;
