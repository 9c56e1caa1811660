/* What an attachment's record asks of the firewall: elements of named sets and maps, and for
 * ports with conditions a chain of the attachment's own. */
#pragma once

#include "netsetup/attachment.h"
#include "netsetup/firewall/element.h"

/* Of the network: they stay when a container goes, and say nothing about it. */
void firewall_network_elements(const struct network *network, struct elements *elements);
/* All those that any network may have for this bridge. */
void firewall_bridge_elements(const char *bridge, struct elements *elements);
/* Appends those of the attachment alone. */
int firewall_record_elements(const struct attachment *record, struct elements *elements,
	struct error *err) must_check;
/* Whether its senders' MAC addresses are looked at, in the bridges' table. */
bool firewall_checks_mac(const struct attachment *record);

/* Commands of nft's that make the chains of conditions, or remove them; nothing for a record
 * without conditions. The chains must be there before an element leads to them, and as long
 * as one does. */
int firewall_append_chains(struct str *out, enum element_verb verb,
	const struct attachment *record, struct error *err) must_check;
