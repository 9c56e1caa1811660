/*
 * What a CNI plugin answers: results in the form of the version asked for, and errors.
 * Source: CNI specification 1.1.0, section 5.
 */
#pragma once

#include "base/json.h"
#include "netsetup/cni/config.h"

struct cni_interface {
	char *name;
	char *mac;
	uint32_t mtu;
	char *sandbox;
	char *socket_path;
	char *pci_id;
};

struct cni_ip {
	char *version; /* "4" or "6"; before 1.0.0 only */
	bool has_interface;
	uint32_t interface; /* index into interfaces */
	char *address;
	char *gateway;
};

struct cni_result {
	char *version;
	struct cni_interface *interfaces;
	size_t interfaces_count;
	struct cni_ip *ips;
	size_t ips_count;
	struct network_route *routes;
	size_t routes_count;
	struct cni_dns dns;
	uint32_t error_code; /* of an error object in the place of a result */
};

extern const struct json_type cni_result_type;

#define auto_cni_result __attribute__((cleanup(cni_result_free))) struct cni_result
void cni_result_free(struct cni_result *result);

/* Of the specification; what is of the plugin's own begins at 100. */
enum cni_code {
	CNI_INCOMPATIBLE_VERSION = 1,
	CNI_UNSUPPORTED_FIELD = 2,
	CNI_UNKNOWN_CONTAINER = 3,
	CNI_INVALID_ENVIRONMENT = 4,
	CNI_IO_FAILURE = 5,
	CNI_DECODING_FAILURE = 6,
	CNI_INVALID_CONFIG = 7,
	CNI_TRY_LATER = 11,
	CNI_NOT_AVAILABLE = 50,
	CNI_FAILED = 100,
};

/* A line of resolv.conf(5). */
void cni_dns_add_line(struct cni_dns *dns, const char *line);

/* 1.1.0 is 10100; 0 if we do not speak it. NULL and "" are the oldest, 0.1.0: no. */
unsigned cni_version(const char *text);
void cni_append_versions(struct str *out, const char *version);
void cni_append_error(
	struct str *out, const char *version, enum cni_code code, const char *text);

/* What attaching made, as a result of that version; a bridge without an index is none, dns
 * is the configuration's. */
void cni_append_result(struct str *out, const char *version,
	const struct attachment *record, const struct netlink_link *bridge,
	const char *host_mac, const struct cni_dns *dns);
