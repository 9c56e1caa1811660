/*
 * An image's configuration: platform, how to run it, its layers' diff IDs and history.
 * Source: OCI image-spec, config.md; Healthcheck, OnBuild, Shell and StopTimeout are
 * Docker's. Read with json_options.any_case, as Go's readers do.
 */
#pragma once

#include "base/json.h"

/* Times in nanoseconds; 0: inherit or default. */
struct image_healthcheck {
	struct strings test; /* "NONE"; "CMD", args ...; "CMD-SHELL", command */
	int64_t interval;
	int64_t timeout;
	int64_t start_period;
	int64_t start_interval;
	int64_t retries;
};

/* How a container of the image runs. An empty list that the document has (Cmd: []) is
 * kept apart from an absent one: its items are not NULL. */
struct image_run_config {
	char *user;
	struct strings exposed_ports; /* "80/tcp", "53/udp" */
	struct strings env;
	struct strings entrypoint;
	struct strings cmd;
	struct strings volumes;
	char *working_dir;
	struct pairs labels;
	char *stop_signal;
	bool args_escaped; /* Windows */
	struct image_healthcheck *healthcheck;
	struct strings on_build;
	struct strings shell;
	bool has_stop_timeout;
	int32_t stop_timeout; /* seconds */
};

struct image_rootfs {
	char *type; /* "layers" */
	struct strings diff_ids;
};

struct image_history {
	char *created;
	char *author;
	char *created_by;
	char *comment;
	bool empty_layer;
};

struct image_config {
	char *created; /* RFC 3339 */
	char *author;
	char *architecture; /* Go's names: amd64, arm64 */
	char *variant;
	char *os;
	char *os_version;
	struct strings os_features;
	struct image_run_config config;
	struct image_rootfs rootfs;
	struct image_history *history;
	size_t history_count;
};

extern const struct json_type image_config_type;

#define auto_image_config __attribute__((cleanup(image_config_free))) struct image_config
void image_config_free(struct image_config *config);
