/* The table of a mount, and the words of its options. */
#include "spec/mounts.h"

#include <string.h>
#include <sys/mount.h>

/* mount_setattr(2), for C libraries that lack it */
#ifndef MOUNT_ATTR_RDONLY
#define MOUNT_ATTR_RDONLY      0x00000001
#define MOUNT_ATTR_NOSUID      0x00000002
#define MOUNT_ATTR_NODEV       0x00000004
#define MOUNT_ATTR_NOEXEC      0x00000008
#define MOUNT_ATTR__ATIME      0x00000070
#define MOUNT_ATTR_RELATIME    0x00000000
#define MOUNT_ATTR_NOATIME     0x00000010
#define MOUNT_ATTR_STRICTATIME 0x00000020
#define MOUNT_ATTR_NODIRATIME  0x00000080
#endif
#ifndef MOUNT_ATTR_NOSYMFOLLOW
#define MOUNT_ATTR_NOSYMFOLLOW 0x00200000
#endif
#ifndef MS_NOSYMFOLLOW
#define MS_NOSYMFOLLOW 256
#endif

static const struct json_field id_mapping_fields[] = {
	JSON_U32(struct oci_id_mapping, container_id, "containerID", .required = true),
	JSON_U32(struct oci_id_mapping, host_id, "hostID", .required = true),
	JSON_U32(struct oci_id_mapping, size, "size", .required = true),
	JSON_END,
};
const struct json_type oci_id_mapping_type =
	JSON_TYPE(struct oci_id_mapping, id_mapping_fields);

static const struct json_field mount_fields[] = {
	JSON_STRING(struct oci_mount, destination, "destination", .required = true),
	JSON_STRING(struct oci_mount, type, "type"),
	JSON_STRING(struct oci_mount, source, "source"),
	JSON_STRINGS(struct oci_mount, options, "options"),
	JSON_ARRAY(struct oci_mount, uid_mappings, "uidMappings", &oci_id_mapping_type),
	JSON_ARRAY(struct oci_mount, gid_mappings, "gidMappings", &oci_id_mapping_type),
	JSON_END,
};
const struct json_type oci_mount_type = JSON_TYPE(struct oci_mount, mount_fields);

/* clang-format off */

#define ONE .recursive = false
#define ALL .recursive = true
#define SET(name, which, F)                                                              \
	{ .word = (name), .kind = MOUNT_OPTION_ATTRIBUTE, which, .flag = MS_##F,         \
	  .attr_set = MOUNT_ATTR_##F }
#define CLEAR(name, which, F)                                                            \
	{ .word = (name), .kind = MOUNT_OPTION_ATTRIBUTE, which, .clear = true,          \
	  .flag = MS_##F, .attr_clear = MOUNT_ATTR_##F }
/* Access times are one field of three values, not three bits. */
#define SET_ATIME(name, which, F)                                                        \
	{ .word = (name), .kind = MOUNT_OPTION_ATTRIBUTE, which, .flag = MS_##F,         \
	  .attr_set = MOUNT_ATTR_##F, .attr_clear = MOUNT_ATTR__ATIME }
#define CLEAR_ATIME(name, which, F)                                                      \
	{ .word = (name), .kind = MOUNT_OPTION_ATTRIBUTE, which, .clear = true,          \
	  .flag = MS_##F, .attr_clear = MOUNT_ATTR__ATIME }
#define SUPERBLOCK(name, F) { .word = (name), .kind = MOUNT_OPTION_SUPERBLOCK, .flag = MS_##F }
#define NOT_SUPERBLOCK(name, F)                                                          \
	{ .word = (name), .kind = MOUNT_OPTION_SUPERBLOCK, .clear = true, .flag = MS_##F }
#define PROPAGATION(name, which, flags)                                                  \
	{ .word = (name), .kind = MOUNT_OPTION_PROPAGATION, which, .flag = (flags) }
#define OTHER(name, which, k, flags)                                                     \
	{ .word = (name), .kind = MOUNT_OPTION_##k, which, .flag = (flags) }

/* Whatever takes an access time mode back leaves relatime, the kernel's own choice. */
const struct mount_option mount_options[] = {
	SUPERBLOCK("acl", POSIXACL),
	NOT_SUPERBLOCK("async", SYNCHRONOUS),
	CLEAR_ATIME("atime", ONE, NOATIME),
	OTHER("bind", ONE, BIND, MS_BIND),
	OTHER("copy-symlink", ONE, COPY_SYMLINK, 0),
	OTHER("defaults", ONE, DEFAULTS, 0),
	OTHER("dest-nofollow", ONE, DESTINATION_NOFOLLOW, 0),
	CLEAR("dev", ONE, NODEV),
	CLEAR("diratime", ONE, NODIRATIME),
	SUPERBLOCK("dirsync", DIRSYNC),
	CLEAR("exec", ONE, NOEXEC),
	OTHER("idmap", ONE, IDMAP, 0),
	SUPERBLOCK("iversion", I_VERSION),
	SUPERBLOCK("lazytime", LAZYTIME),
	NOT_SUPERBLOCK("loud", SILENT),
	SUPERBLOCK("mand", MANDLOCK),
	NOT_SUPERBLOCK("noacl", POSIXACL),
	SET_ATIME("noatime", ONE, NOATIME),
	SET("nodev", ONE, NODEV),
	SET("nodiratime", ONE, NODIRATIME),
	SET("noexec", ONE, NOEXEC),
	NOT_SUPERBLOCK("noiversion", I_VERSION),
	NOT_SUPERBLOCK("nolazytime", LAZYTIME),
	NOT_SUPERBLOCK("nomand", MANDLOCK),
	CLEAR_ATIME("norelatime", ONE, RELATIME),
	CLEAR_ATIME("nostrictatime", ONE, STRICTATIME),
	SET("nosuid", ONE, NOSUID),
	SET("nosymfollow", ONE, NOSYMFOLLOW),
	PROPAGATION("private", ONE, MS_PRIVATE),
	CLEAR_ATIME("ratime", ALL, NOATIME),
	OTHER("rbind", ALL, BIND, MS_BIND | MS_REC),
	CLEAR("rdev", ALL, NODEV),
	CLEAR("rdiratime", ALL, NODIRATIME),
	SET_ATIME("relatime", ONE, RELATIME),
	OTHER("remount", ONE, REMOUNT, MS_REMOUNT),
	CLEAR("rexec", ALL, NOEXEC),
	OTHER("ridmap", ALL, IDMAP, 0),
	SET_ATIME("rnoatime", ALL, NOATIME),
	SET("rnodev", ALL, NODEV),
	SET("rnodiratime", ALL, NODIRATIME),
	SET("rnoexec", ALL, NOEXEC),
	CLEAR_ATIME("rnorelatime", ALL, RELATIME),
	CLEAR_ATIME("rnostrictatime", ALL, STRICTATIME),
	SET("rnosuid", ALL, NOSUID),
	SET("rnosymfollow", ALL, NOSYMFOLLOW),
	SET("ro", ONE, RDONLY),
	PROPAGATION("rprivate", ALL, MS_PRIVATE | MS_REC),
	SET_ATIME("rrelatime", ALL, RELATIME),
	SET("rro", ALL, RDONLY),
	CLEAR("rrw", ALL, RDONLY),
	PROPAGATION("rshared", ALL, MS_SHARED | MS_REC),
	PROPAGATION("rslave", ALL, MS_SLAVE | MS_REC),
	SET_ATIME("rstrictatime", ALL, STRICTATIME),
	CLEAR("rsuid", ALL, NOSUID),
	CLEAR("rsymfollow", ALL, NOSYMFOLLOW),
	PROPAGATION("runbindable", ALL, MS_UNBINDABLE | MS_REC),
	CLEAR("rw", ONE, RDONLY),
	PROPAGATION("shared", ONE, MS_SHARED),
	SUPERBLOCK("silent", SILENT),
	PROPAGATION("slave", ONE, MS_SLAVE),
	OTHER("src-nofollow", ONE, SOURCE_NOFOLLOW, 0),
	SET_ATIME("strictatime", ONE, STRICTATIME),
	CLEAR("suid", ONE, NOSUID),
	CLEAR("symfollow", ONE, NOSYMFOLLOW),
	SUPERBLOCK("sync", SYNCHRONOUS),
	OTHER("tmpcopyup", ONE, COPY_UP, 0),
	PROPAGATION("unbindable", ONE, MS_UNBINDABLE),
	{ NULL, MOUNT_OPTION_DEFAULTS },
};

/* clang-format on */

static int compare(const void *word, const void *option)
{
	return strcmp(word, ((const struct mount_option *)option)->word);
}

const struct mount_option *mount_option_find(const char *word)
{
	return bsearch(word, mount_options, ARRAY_SIZE(mount_options) - 1,
		sizeof(mount_options[0]), compare);
}

bool mount_has_option(const struct oci_mount *mount, const char *word)
{
	return strings_contain(&mount->options, word);
}

bool mount_is_bind(const struct oci_mount *mount)
{
	return str_equal(mount->type, "bind") || mount_has_option(mount, "bind") ||
	       mount_has_option(mount, "rbind");
}
