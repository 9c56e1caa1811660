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
	bool made;     /* the class is ours to remove */
};

extern const struct json_type resctrl_type;

/* Parent, before clone: makes the class and writes the schemata. Fails where resctrl is
 * asked for and not mounted. On failure nothing is left. */
int resctrl_create(const struct oci_config *config, const char *id, struct resctrl *ret,
	struct error *err) must_check;
/* Parent, after clone. */
int resctrl_add(const struct resctrl *resctrl, pid_t pid, struct error *err) must_check;
int resctrl_remove(const struct resctrl *resctrl, struct error *err) must_check;
/* For update: either schema may be NULL. Fails where the container has no class. */
int resctrl_update(const struct resctrl *resctrl, const char *l3_cache_schema,
	const char *mem_bw_schema, struct error *err) must_check;
