/* Properties of a scope: from linux.resources, so that systemd does not undo our limits,
 * and from annotations "org.systemd.property.NAME". */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "runtime/cgroup/devices.h"

/* The letters are D-Bus signatures. */
enum systemd_kind {
	SYSTEMD_BOOL = 'b',
	SYSTEMD_U64 = 't',
	SYSTEMD_I64 = 'x',
	SYSTEMD_U32 = 'u',
	SYSTEMD_I32 = 'i',
	SYSTEMD_DOUBLE = 'd',
	SYSTEMD_STRING = 's',
	SYSTEMD_STRINGS = 'S', /* "as" */
	SYSTEMD_BYTES = 'y',   /* "ay" */
	SYSTEMD_DEVICES = 'D', /* "a(ss)": the list holds node and access in turn */
};

struct systemd_property {
	char *name;
	enum systemd_kind kind;
	uint64_t number; /* also of signed kinds, and the length of bytes */
	double real;
	char *text; /* a string, or bytes */
	struct strings list;
};

struct systemd_properties {
	struct systemd_property *items;
	size_t count;
};

#define auto_systemd_properties \
	__attribute__((cleanup(systemd_properties_free))) struct systemd_properties

void systemd_properties_free(struct systemd_properties *properties);

void systemd_add_bool(struct systemd_properties *to, const char *name, bool value);
void systemd_add_u64(struct systemd_properties *to, const char *name, uint64_t value);
void systemd_add_string(
	struct systemd_properties *to, const char *name, const char *value);

/* unified: version 2's names of limits. `prefix` of errors as in writes.h. */
struct oci_resources;
int systemd_add_limits(struct systemd_properties *to,
	const struct oci_resources *resources, bool unified, const char *prefix,
	struct error *err) must_check;
void systemd_add_devices(
	struct systemd_properties *to, const struct cgroup_devices *devices);

/* Values are written as busctl and GVariant do: true, 'text', uint64 5, ['a', 'b']. A
 * NAMESec in seconds becomes a NAMEUSec in microseconds. */
int systemd_add_annotations(struct systemd_properties *to,
	const struct pairs *annotations, struct error *err) must_check;
