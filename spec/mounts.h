/*
 * Mounts and their options.
 * Source: OCI runtime-spec 1.3.0, config.md: Mounts and Linux mount options.
 */
#pragma once

#include <stdint.h>

#include "base/json.h"

/* Of user namespaces and of id-mapped mounts. */
struct oci_id_mapping {
	uint32_t container_id;
	uint32_t host_id;
	uint32_t size;
};

extern const struct json_type oci_id_mapping_type;

struct oci_mount {
	char *destination; /* a relative one is relative to "/" */
	char *type;
	char *source; /* of a bind mount: relative to the bundle */
	struct strings options;
	struct oci_id_mapping *uid_mappings;
	size_t uid_mappings_count;
	struct oci_id_mapping *gid_mappings;
	size_t gid_mappings_count;
};

extern const struct json_type oci_mount_type;

enum mount_option_kind {
	MOUNT_OPTION_DEFAULTS,    /* changes nothing: defaults, loud, norelatime */
	MOUNT_OPTION_ATTRIBUTE,   /* of one mount: attr_set, attr_clear, flag */
	MOUNT_OPTION_SUPERBLOCK,  /* of the file system: flag, or its name for fsconfig */
	MOUNT_OPTION_PROPAGATION, /* flag is MS_SHARED, MS_SLAVE ... */
	MOUNT_OPTION_BIND,        /* bind, rbind */
	MOUNT_OPTION_REMOUNT,     /* change what is mounted there already */
	MOUNT_OPTION_IDMAP,       /* idmap, ridmap */
	MOUNT_OPTION_COPY_UP,     /* tmpcopyup: fill a tmpfs with what it hides */
	MOUNT_OPTION_COPY_SYMLINK, /* copy-symlink: a source that is a link is copied */
	MOUNT_OPTION_SOURCE_NOFOLLOW,      /* src-nofollow: bind the link itself */
	MOUNT_OPTION_DESTINATION_NOFOLLOW, /* dest-nofollow: mount on the link itself */
};

/* One word of a mount's options. A word that is in no row is the file system's own
 * ("size=64m") and goes to it as it stands. */
struct mount_option {
	const char *word;
	enum mount_option_kind kind;
	bool recursive;      /* rro, rbind, rprivate, ridmap: the whole tree below */
	bool clear;          /* takes the flag away: rw, exec, async */
	unsigned long flag;  /* MS_* of mount(2) */
	uint64_t attr_set;   /* MOUNT_ATTR_* of mount_setattr(2) */
	uint64_t attr_clear; /* the whole of MOUNT_ATTR__ATIME for access times */
};

/* Every option that we know, sorted by word, ended by a NULL word. */
extern const struct mount_option mount_options[];

const struct mount_option *mount_option_find(const char *word); /* or NULL */

/* Whether one of the options is exactly this word. */
bool mount_has_option(const struct oci_mount *mount, const char *word);

/* Whether this is a bind mount: by option, or by the type "bind". */
bool mount_is_bind(const struct oci_mount *mount);
