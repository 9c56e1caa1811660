/*
 * What the command lines of checkpoint and restore have in common: their options, the
 * directories that they name, and the part of criu's request that follows from them.
 */
#pragma once

#include <stdbool.h>

#include "base/command.h"
#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

/* A file for criu to read its own options from. */
#define CRIU_CONFIG_ANNOTATION "org.criu.config"

struct criu_options {
	const char *image_path;
	const char *work_path;
	bool tcp_established;
	bool ext_unix_sk;
	bool shell_job;
	bool file_locks;
	bool auto_dedup;
	bool lazy_pages;
	const char *cgroups_mode;
	struct strings empty_ns;
	/* checkpoint's */
	const char *parent_path;
	const char *page_server;
	bool leave_running;
	bool pre_dump;
	bool link_remap;
	bool tcp_skip_in_flight;
	bool has_status_fd;
	int64_t status_fd;
	/* restore's */
	const char *bundle;
	const char *pid_file;
	const char *console_socket;
	const char *lsm_profile;
	const char *lsm_mount_context;
	bool detach;
	bool keep;
	bool no_subreaper;
	bool no_pivot;
};

/* clang-format off */
#define CRIU_OPTIONS                                                                     \
	OPTION_STRING(struct criu_options, image_path, "image-path", 0, "DIRECTORY",     \
		"where the images are; \"checkpoint\" in the current directory if not "  \
		"given"),                                                                \
	OPTION_STRING(struct criu_options, work_path, "work-path", 0, "DIRECTORY",       \
		"where criu writes its log and what it needs meanwhile; the images' "    \
		"directory if not given"),                                               \
	OPTION_FLAG(struct criu_options, tcp_established, "tcp-established", 0,          \
		"allow open TCP connections"),                                           \
	OPTION_FLAG(struct criu_options, ext_unix_sk, "ext-unix-sk", 0,                  \
		"allow Unix sockets whose other end is outside"),                        \
	OPTION_FLAG(struct criu_options, shell_job, "shell-job", 0,                      \
		"allow a terminal that is the caller's"),                                \
	OPTION_FLAG(struct criu_options, file_locks, "file-locks", 0,                    \
		"allow file locks; nobody outside may hold them meanwhile"),             \
	OPTION_FLAG(struct criu_options, auto_dedup, "auto-dedup", 0,                    \
		"drop memory from the parent images that newer ones have"),              \
	OPTION_STRING(struct criu_options, cgroups_mode, "manage-cgroups-mode", 0,       \
		"MODE", "what criu does of cgroups: soft, full, strict or ignore",       \
		.values = "soft|full|strict|ignore"),                                    \
	OPTION_STRINGS(struct criu_options, empty_ns, "empty-ns", 0, "NAMESPACE",        \
		"leave the namespace's content to others: network")
/* clang-format on */

/* Open directories, and their names for errors. */
struct criu_places {
	int images;
	int work; /* == images where no other is named; not owned then */
	char *images_path;
	char *work_path;
	bool images_made; /* by us */
	bool work_made;
};

#define CRIU_PLACES_NONE                 \
	{                                \
		.images = -1, .work = -1 \
	}
#define auto_criu_places __attribute__((cleanup(criu_places_free))) struct criu_places
void criu_places_free(struct criu_places *places);

/* Opens them; `make`: makes those that are missing. */
int criu_places_open(const struct criu_options *options, bool make,
	struct criu_places *ret, struct error *err) must_check;

/* Numbers of fields in criu_opts. */
enum criu_field {
	CRIU_IMAGES_DIR_FD = 1,
	CRIU_PID = 2,
	CRIU_LEAVE_RUNNING = 3,
	CRIU_EXT_UNIX_SK = 4,
	CRIU_TCP_ESTABLISHED = 5,
	CRIU_EVASIVE_DEVICES = 6,
	CRIU_SHELL_JOB = 7,
	CRIU_FILE_LOCKS = 8,
	CRIU_LOG_LEVEL = 9,
	CRIU_LOG_FILE = 10,
	CRIU_PAGE_SERVER = 11,
	CRIU_NOTIFY_SCRIPTS = 12,
	CRIU_ROOT = 13,
	CRIU_PARENT_IMG = 14,
	CRIU_TRACK_MEM = 15,
	CRIU_AUTO_DEDUP = 16,
	CRIU_WORK_DIR_FD = 17,
	CRIU_LINK_REMAP = 18,
	CRIU_EXT_MNT = 23,
	CRIU_MANAGE_CGROUPS = 24,
	CRIU_CG_ROOT = 25,
	CRIU_RST_SIBLING = 26,
	CRIU_INHERIT_FD = 27,
	CRIU_MANAGE_CGROUPS_MODE = 34,
	CRIU_EXTERNAL = 37,
	CRIU_EMPTY_NS = 38,
	CRIU_JOIN_NS = 39,
	CRIU_FREEZE_CGROUP = 44,
	CRIU_TCP_SKIP_IN_FLIGHT = 46,
	CRIU_LAZY = 48,
	CRIU_ORPHAN_PTS_MASTER = 50,
	CRIU_CONFIG_FILE = 51,
	CRIU_LSM_PROFILE = 53,
	CRIU_LSM_MOUNT_CONTEXT = 63,
};

struct oci_config;

/* What both requests begin with. */
int criu_put_common(struct str *to, const struct criu_options *options,
	const struct oci_config *config, const struct criu_places *places,
	const char *log_file, struct error *err) must_check;

/* restore's --lsm- options: well-formed, and of a module that is active. */
int criu_check_labels(const struct criu_options *options, struct error *err) must_check;

/* A message of two texts, as criu has several: a key and what it stands for. */
void criu_put_pair(
	struct str *to, enum criu_field field, const char *key, const char *value);

#define CRIU_DESCRIPTORS "descriptors.json" /* in the images: what 0, 1 and 2 were */
