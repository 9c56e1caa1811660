/*
 * The allow-list of devices: linux.resources.devices made into one normal form, then
 * written as version 1's devices.deny and devices.allow or as version 2's eBPF program.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "runtime/cgroup/writes.h"

#define DEVICE_ANY INT64_C(-1) /* of a major or minor number */

/* The kernel's bits (BPF_DEVCG_ACC_*). */
enum device_access {
	DEVICE_MKNOD = 1,
	DEVICE_READ = 2,
	DEVICE_WRITE = 4,
	DEVICE_ALL = DEVICE_MKNOD | DEVICE_READ | DEVICE_WRITE,
};

struct cgroup_device_rule {
	bool allow;
	char type; /* 'b' or 'c' */
	int64_t major;
	int64_t minor;
	unsigned access; /* enum device_access */
	bool built_in;   /* of the devices that every container has */
	size_t index;    /* in linux.resources.devices, unless built in */
};

/* All are allowed or none is, but for the rules, of which the last that fits decides. */
struct cgroup_devices {
	bool allow_all;
	struct cgroup_device_rule *rules;
	size_t count;
};

#define auto_cgroup_devices \
	__attribute__((cleanup(cgroup_devices_free))) struct cgroup_devices

void cgroup_devices_free(struct cgroup_devices *devices);

/* Adds the devices that every container has, unless all are allowed anyway: after the
 * last rule about all devices, so that a later rule can still take one away. */
int cgroup_devices_plan(const struct oci_resources *resources, const char *prefix,
	struct cgroup_devices *ret, struct error *err) must_check;

/* Version 1. Rules that overlap without being about the same device cannot be expressed
 * there and are an error. */
int cgroup_devices_v1(const struct cgroup_devices *devices, const struct cgroup_emit *to,
	struct error *err) must_check;

/* The same for a cgroup in use, from what its devices.list says: nothing is denied for a
 * moment that stays allowed, unless all was or is to be. */
int cgroup_devices_v1_change(const struct cgroup_devices *devices, const char *present,
	const struct cgroup_emit *to, struct error *err) must_check;

/* Version 2: an array of instructions, owned by the caller. */
struct bpf_insn;
void cgroup_devices_program(
	const struct cgroup_devices *devices, struct bpf_insn **ret, size_t *ret_count);

/* Loads the program and attaches it to the directory; with `update` in place of the one
 * that an earlier call attached. Does nothing where all devices are allowed and none was
 * attached. */
int cgroup_devices_attach(const struct cgroup_devices *devices, const char *directory,
	bool update, struct error *err) must_check;
