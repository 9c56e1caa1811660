/* macvlan and ipvlan: attachments on an interface of the host. */
#pragma once

#include "netsetup/attach.h"

int upper_create(struct attach *attach, struct error *err) must_check;
int upper_delete(struct attach *attach, struct error *err) must_check;
/* The number of the network's mode, the kind's usual one where it names none. */
int upper_mode(
	const struct network *network, uint32_t *ret, struct error *err) must_check;
