/* nft's language given to the kernel, one transaction a call: for firewall.c and the rooms
 * that ask. */
#pragma once

#include "netsetup/firewall.h"

/* errnum ENOENT: something named is not there; EEXIST: is there with another value. */
int nft_run(
	struct firewall *firewall, const char *commands, struct error *err) must_check;
/* What `list` and its like print goes to ret_output. */
int nft_ask(struct firewall *firewall, const char *commands, struct str *ret_output,
	struct error *err) must_check;
