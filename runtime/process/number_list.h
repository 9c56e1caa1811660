/* Lists such as "0-3,7", the kernel's names of CPUs and memory nodes, as bit masks. */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"

#define NUMBER_LIST_MAX   8192 /* the kernel's own limit of CPUs (NR_CPUS) */
#define NUMBER_LIST_LONGS (NUMBER_LIST_MAX / (8 * sizeof(unsigned long)))

struct number_list {
	unsigned long bits[NUMBER_LIST_LONGS]; /* as cpu_set_t and node masks have them */
	size_t last;                           /* the highest number */
};

/* `field` is the JSON pointer for the error. An empty list is an error. */
int number_list_parse(const char *text, const char *field, struct number_list *ret,
	struct error *err) must_check;
