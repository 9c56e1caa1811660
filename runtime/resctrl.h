/*
 * linux.intelRdt: cache and memory bandwidth of the container, as a directory ("class of
 * service") of the resctrl file system. state.json keeps struct resctrl.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/json.h"
#include "base/macros.h"

struct oci_config;

struct resctrl {
	char *path;    /* of the class; NULL: intelRdt was not asked for */
	char *monitor; /* its monitoring group, or NULL */
	bool made;     /* the class is ours to remove: while it is being made, and after
			* that if closID does not name it */
};

extern const struct json_type resctrl_type;

/* What there will be, for state.json to name before it is made. Fails where resctrl is
 * asked for and not mounted, and where a class that exists is another than asked for. */
int resctrl_plan(const struct oci_config *config, const char *id, struct resctrl *ret,
	struct error *err) must_check;
/* Makes the class, its schemata and monitoring group; resctrl_remove() undoes it. */
int resctrl_create(const struct oci_config *config, struct resctrl *resctrl,
	struct error *err) must_check;
/* After success of the create a class that closID names stays; true if this is one. */
bool resctrl_keep_named(const struct oci_config *config, struct resctrl *resctrl);
/* Parent, after clone; also of a process that joins. */
int resctrl_add(const struct resctrl *resctrl, pid_t pid, struct error *err) must_check;
int resctrl_remove(const struct resctrl *resctrl, struct error *err) must_check;
/* For update: either schema may be NULL. Fails where the container has no class. */
int resctrl_update(const struct resctrl *resctrl, const char *l3_cache_schema,
	const char *mem_bw_schema, struct error *err) must_check;
