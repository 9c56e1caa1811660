/*
 * What a person asks of a container beyond what its image says: the options that `bundle`
 * reads and that a RUN step fills in.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"
#include "base/str.h"

#define NETWORK_HOST "host"
#define NETWORK_NONE "none"

struct bundle_request {
	/* "copy", "overlay", "mounted"; NULL: as the image needs it */
	const char *rootfs;

	const char *name;     /* of the container; NULL: the runtime's ID tells */
	const char *hostname; /* NULL: the name */

	const char *network; /* "host", "none", or a network of mocker-netsetup */
	const char *netns;   /* an existing network namespace to join, by path */
	struct strings publish;
	struct strings dns;
	struct strings hosts; /* NAME:ADDRESS, for /etc/hosts */

	const char *userns;    /* "host", or whose subordinate ids it has; NULL: host */
	struct strings uidmap; /* CONTAINER:HOST:COUNT, in place of a user's */
	struct strings gidmap; /* none: as uidmap */

	const char *user;    /* NULL: the image's */
	const char *workdir; /* NULL: the image's */
	const char *entrypoint;
	bool has_entrypoint;      /* "" removes the image's */
	struct strings env;       /* NAME=VALUE, or NAME for the caller's value */
	struct strings env_files; /* files of such lines; env wins over them */
	struct strings args;      /* replace the image's command */
	bool terminal;

	struct strings mounts;  /* --mount's form */
	struct strings volumes; /* --volume's form */
	struct strings tmpfs;   /* PATH[:OPTIONS] */
	struct strings devices; /* SOURCE[:TARGET][:rwm], or VENDOR/CLASS=NAME by CDI */
	struct strings cdi_directories; /* none: CDI's own */
	bool has_shm_size;
	int64_t shm_size; /* bytes, of /dev/shm */
	bool read_only;
	bool for_step; /* a RUN: no volumes of the image, no cgroup file system */

	struct strings cap_add;
	struct strings cap_drop;
	struct strings sysctl; /* NAME=VALUE */
	struct strings annotations;
	struct strings labels;
	bool privileged;
	bool no_new_privileges;
	struct strings security; /* seccomp=FILE and the like; see security.c */

	bool has_memory;
	int64_t memory; /* bytes */
	bool has_memory_swap;
	int64_t memory_swap; /* bytes, with memory itself; -1: no limit */
	const char *cpus;    /* "1.5" */
	const char *cpuset;  /* "0-3,7" */
	bool has_cpu_shares;
	int64_t cpu_shares;
	bool has_pids_limit;
	int64_t pids_limit;
	const char *cgroups_path; /* NULL: the runtime's default */
	struct strings ulimits;   /* NAME=SOFT[:HARD] */
	bool has_oom_score_adj;
	int64_t oom_score_adj;

	const char *stop_signal; /* NULL: the image's */

	bool verify; /* the runtime's check has the last word */
};

void bundle_request_free(struct bundle_request *request);

#define auto_bundle_request \
	__attribute__((cleanup(bundle_request_free))) struct bundle_request
