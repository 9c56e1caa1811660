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

/* Whether each port can lead to an address of the ranges: one of the host's addresses leads to
 * one of its family. */
int publish_check_families(const struct attachment *record,
	const struct pool_range *ranges, size_t count, struct error *err) must_check;
