/*
 * Devices by the names that their vendors give them, VENDOR/CLASS=NAME. A file of the
 * host says what a container needs to use each: nodes, mounts, variables, hooks.
 *
 * Where two directories have a device the later one counts; two files of one directory
 * that have it are an error of whoever asks for it. A file that cannot be read is warned
 * of, and its devices are not known.
 * Source: Container Device Interface 1.1.0, SPEC.md.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/json.h"
#include "base/macros.h"
#include "base/str.h"
#include "spec/linux.h"

struct cdi_node {
	char *path;
	char *host_path; /* NULL: the same */
	char *type;      /* "c", "b", "u" (as "c"), "p"; NULL: the host's */
	bool has_major;
	int64_t major;
	bool has_minor;
	int64_t minor;
	bool has_file_mode;
	uint32_t file_mode;
	char *permissions; /* of r, w, m; "none"; NULL: rwm */
	bool has_uid;
	uint32_t uid;
	bool has_gid;
	uint32_t gid;
};

struct cdi_mount {
	char *host_path;
	char *container_path;
	char *type; /* NULL: a bind mount */
	struct strings options;
};

struct cdi_hook {
	char *hook_name;
	char *path;
	struct strings args;
	struct strings env;
	bool has_timeout;
	uint32_t timeout; /* seconds */
};

struct cdi_net_device {
	char *host_name;
	char *name;
};

struct cdi_edits {
	struct strings env;
	struct cdi_node *nodes;
	size_t nodes_count;
	struct cdi_net_device *net_devices;
	size_t net_devices_count;
	struct cdi_mount *mounts;
	size_t mounts_count;
	struct cdi_hook *hooks;
	size_t hooks_count;
	struct oci_intel_rdt *intel_rdt;
	struct json_u32s additional_gids;
};

/* As JSON text: people write true where a string is meant. */
struct cdi_annotations {
	char *class;
	char *auto_allow;
};

struct cdi_device {
	char *name;
	struct cdi_annotations annotations; /* go before the specification's */
	struct cdi_edits edits;
};

struct cdi_specification {
	char *path;       /* of the file */
	size_t directory; /* its place among those that were asked for */
	char *version;
	char *kind; /* VENDOR/CLASS */
	struct cdi_annotations annotations;
	struct cdi_device *devices;
	size_t devices_count;
	struct cdi_edits edits; /* made once where any of the devices is used */
};

struct cdi {
	struct cdi_specification *items; /* in the order of their directories */
	size_t count;
};

#define auto_cdi __attribute__((cleanup(cdi_close))) struct cdi
void cdi_close(struct cdi *cdi);

/* The files *.json, *.yaml and *.yml of the directories; of CDI's own ones if there are
 * none in the list. A directory that is not there has no devices. */
int cdi_open(
	const struct strings *directories, struct cdi *ret, struct error *err) must_check;

/* False for what can only be a path. */
bool cdi_is_name(const char *text);

/* Appends the full names that a pattern means, sorted; none where it means nothing:
 *	VENDOR/CLASS=NAME   that device
 *	VENDOR/CLASS        the first of these
 *	VENDOR/CLASS=*      all of these
 *	WORD                those with the annotation org.mobyproject.buildkit.device.class */
void cdi_find(const struct cdi *cdi, const char *pattern, struct strings *ret);

/* Whether its annotations let any build have it: org.mobyproject.buildkit.device.autoallow. */
bool cdi_is_open_to_all(const struct cdi *cdi, const char *name);

/* By its full name; an error if there is none, or if two files of one directory have it.
 * Both are borrowed. */
int cdi_lookup(const struct cdi *cdi, const char *name,
	const struct cdi_specification **ret_specification, const struct cdi_device **ret,
	struct error *err) must_check;
