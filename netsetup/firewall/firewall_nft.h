/* The kernel's side of the firewall: nft's language, one transaction a call, and the socket
 * for elements. For firewall.c and the rooms that ask. */
#pragma once

#include "netsetup/firewall/firewall.h"

/* errnum ENOENT: something named is not there; EEXIST: is there with another value. */
int nft_run(
	struct firewall *firewall, const char *commands, struct error *err) must_check;
/* What `list` and its like print goes to ret_output. */
int nft_ask(struct firewall *firewall, const char *commands, struct str *ret_output,
	struct error *err) must_check;
/* Opens firewall->netlink, if it is not open. */
int firewall_socket(struct firewall *firewall, struct error *err) must_check;
/* With the socket open: those of the elements that are there; who else takes them away
 * meanwhile is welcome to them. */
int firewall_remove_present(struct firewall *firewall, const struct elements *elements,
	struct error *err) must_check;
