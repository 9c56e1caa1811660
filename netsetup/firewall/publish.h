/* Published ports: what --publish says. */
#pragma once

#include "netsetup/attachment.h"

/* What spec/ports.h reads; appends to the record, a mapping for each port of a range. */
int publish_parse(
	struct attachment *record, const char *text, struct error *err) must_check;
/* Ports are not 0, no two mappings are of the same host port, addresses are addresses; they
 * are written in one way from then on, for they become names and keys. */
int publish_check(struct attachment *record, struct error *err) must_check;
void publish_add(struct attachment *record, const struct attachment_port *port);
/* "0.0.0.0:80->8080/tcp, …"; owned by the caller. */
char *publish_text(const struct attachment *record);

/* Whether the port leads to a container's address of this family: one of the host's
 * addresses leads to one of its own. */
bool publish_leads(const struct attachment_port *port, int family);
/* Whether each port can lead to an address of the ranges. */
int publish_check_families(const struct attachment *record,
	const struct pool_range *ranges, size_t count, struct error *err) must_check;
/* Names in the log those that lead to none of the container's addresses. */
void publish_warn(const struct attachment *record);
