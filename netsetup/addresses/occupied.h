/* The subnets that the host has already, on its own interfaces or by its routes. */
#pragma once

#include <net/if.h>

#include "netsetup/addresses/address.h"

struct occupied_subnet {
	struct address subnet;
	char interface[IFNAMSIZ];
};

struct occupied {
	struct occupied_subnet *items;
	size_t count;
};
#define auto_occupied __attribute__((cleanup(occupied_free))) struct occupied
void occupied_free(struct occupied *list);

/* All but those of one interface. `routed`: also what is not on an interface, but behind it. */
int occupied_load(
	const char *but, bool routed, struct occupied *ret, struct error *err) must_check;
/* The first that overlaps, or NULL. */
const struct occupied_subnet *occupied_find(
	const struct occupied *list, const struct address *subnet);
