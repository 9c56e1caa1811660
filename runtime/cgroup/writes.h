/*
 * Limits as a list: which value goes into which file for which member of config.json.
 * The list is made without side effects, so that it can be checked, shown and tested.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"
#include "runtime/cgroup/cgroup.h"

enum cgroup_write_flags {
	WRITE_OPTIONAL = 1 << 0, /* a file that is absent is no failure */
	WRITE_ELSE_NEXT =
		1 << 1, /* absent: the next entry stands in; else it is skipped */
	WRITE_AFTER_NEXT = 1 << 2,   /* EINVAL: write the next entry, then this again */
	WRITE_CHECK_USAGE = 1 << 3,  /* refuse what is below memory.current */
	WRITE_NO_RIGHTS_OK = 1 << 4, /* rootless: permission denied is no failure */
	WRITE_NO_LIMIT = 1 << 5,     /* "none": true already without the controller */
};

struct cgroup_write {
	size_t dir; /* index into struct cgroup's dirs */
	char *file;
	char *value;
	char *field; /* JSON pointer, for errors */
	unsigned flags;
};

struct cgroup_writes {
	struct cgroup_write *items;
	size_t count;
};

#define auto_cgroup_writes \
	__attribute__((cleanup(cgroup_writes_free))) struct cgroup_writes

void cgroup_writes_free(struct cgroup_writes *writes);

/* Where the entries of one controller go. */
struct cgroup_emit {
	struct cgroup_writes *writes;
	const char *prefix; /* of JSON pointers: "/linux/resources", "" in update */
	size_t dir;
	bool update; /* the cgroup is in use: what a new one has anyway must be written */
};

void cgroup_emit(const struct cgroup_emit *to, unsigned flags, const char *field,
	const char *file, const char *format, ...) printf_like(5, 6);

/* Before anything is changed: what an entry refuses by itself. */
int cgroup_writes_check(const struct cgroup_writes *writes, const struct cgroup *cgroup,
	struct error *err) must_check;
int cgroup_writes_apply(const struct cgroup_writes *writes, const struct cgroup *cgroup,
	bool rootless, struct error *err) must_check;

/* Lists the writes of all resources but devices for these directories. `controllers` are
 * those that version 2's directory has. What no hierarchy here can limit is an error. */
struct oci_resources;
struct cgroup_limits_request {
	const struct oci_resources *resources;
	const struct cgroup *cgroup;
	const struct strings *controllers;
	const char *prefix;
	bool update;
};
int cgroup_limits(const struct cgroup_limits_request *request, struct cgroup_writes *ret,
	struct error *err) must_check;

/* One function for each controller and version. */
typedef int cgroup_emit_function(const struct cgroup_emit *to,
	const struct oci_resources *resources, struct error *err);
cgroup_emit_function cgroup_v1_memory, cgroup_v1_cpu, cgroup_v1_cpuset, cgroup_v1_pids,
	cgroup_v1_blkio, cgroup_v1_hugetlb, cgroup_v1_net_cls, cgroup_v1_net_prio,
	cgroup_v2_memory, cgroup_v2_cpu, cgroup_v2_cpuset, cgroup_v2_pids, cgroup_v2_io,
	cgroup_v2_hugetlb, cgroup_rdma;
