/*
 * Published ports as people write them: [HOSTIP:]PORT[-PORT]:PORT[-PORT][/PROTOCOL], an IPv6
 * HOSTIP in brackets. Source: docker-run(1), podman-run(1): --publish. What these leave
 * open, a port of the host's that they choose, is refused.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

struct port_mapping {
	char *host_ip; /* as inet_ntop(3) writes it; NULL: every address of the host */
	uint16_t host_port;
	uint16_t container_port;
	uint16_t more;    /* ports that follow, of both */
	int64_t protocol; /* IPPROTO_… */
};

extern const struct word port_protocol_words[];

#define auto_port_mapping __attribute__((cleanup(port_mapping_free))) struct port_mapping
void port_mapping_free(struct port_mapping *mapping);

int port_mapping_parse(
	const char *text, struct port_mapping *ret, struct error *err) must_check;

/* Whether both would have the same port of the host. */
bool port_mapping_collides(const struct port_mapping *a, const struct port_mapping *b);
