/* Whether an attachment is still as it was made. */
#pragma once

#include "netsetup/attachment.h"

/* Fails with what is damaged first: namespace, host's end, bridge, the interface inside,
 * its state, MAC address, addresses, routes. */
int verify_attachment(const struct places *places, const struct attachment *record,
	struct error *err) must_check;
