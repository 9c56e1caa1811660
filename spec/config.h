/*
 * config.json, the root of it: what a bundle asks for. Each chapter of the specification
 * has a header of its own; this one holds what config.md says outside its chapters.
 * Source: OCI runtime-spec 1.3.0, config.md.
 *
 * Reading: json_read_file(&oci_config_type, &config, ...). Whether the members fit
 * together is asked of spec/validate.h. Everything is owned by the struct and released by
 * json_free(&oci_config_type, &config).
 *
 * Optional parts without meaning of their own when empty (linux, hooks, resources) are
 * embedded, so that no reader needs to ask for them; the others are pointers, NULL where
 * the document has none.
 */
#pragma once

#include "base/json.h"
#include "spec/hooks.h"
#include "spec/linux.h"
#include "spec/mounts.h"
#include "spec/process.h"

#define OCI_VERSION "1.3.0" /* what we write into documents of our own */

struct oci_root {
	char *path; /* absolute, or relative to the bundle */
	bool readonly;
};

struct oci_config {
	char *oci_version;
	struct oci_process *process;
	struct oci_root *root;
	char *hostname;
	char *domainname;
	struct oci_mount *mounts;
	size_t mounts_count;
	struct oci_hooks hooks;
	struct pairs annotations;
	struct oci_linux linux;
	/* Other platforms' chapters: kept as they stand and written again. */
	char *solaris;
	char *windows;
	char *vm;
	char *zos;
	char *freebsd;
};

extern const struct json_type oci_config_type;

#define auto_oci_config __attribute__((cleanup(config_free))) struct oci_config
void config_free(struct oci_config *config);

/* The entry of linux.namespaces of one kind (CLONE_NEWNET ...); NULL: the container
 * shares the runtime's. A path in it means an existing namespace to join. */
const struct oci_namespace *config_namespace(
	const struct oci_config *config, int64_t type);

/* Whether the container gets a namespace of this kind that is made for it. */
bool config_makes_namespace(const struct oci_config *config, int64_t type);

/* The mount whose destination is `path`, the last of them; NULL where there is none.
 * Compares text: "/proc/" is not "/proc". */
const struct oci_mount *config_mount_at(
	const struct oci_config *config, const char *path);
