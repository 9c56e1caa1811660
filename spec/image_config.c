/* The table of an image's configuration. */
#include "spec/image_config.h"

static const struct json_field healthcheck_fields[] = {
	JSON_STRINGS(struct image_healthcheck, test, "Test"),
	JSON_I64(struct image_healthcheck, interval, "Interval"),
	JSON_I64(struct image_healthcheck, timeout, "Timeout"),
	JSON_I64(struct image_healthcheck, start_period, "StartPeriod"),
	JSON_I64(struct image_healthcheck, start_interval, "StartInterval"),
	JSON_I64(struct image_healthcheck, retries, "Retries"),
	JSON_END,
};
static const struct json_type healthcheck_type =
	JSON_TYPE(struct image_healthcheck, healthcheck_fields);

static const struct json_field run_config_fields[] = {
	JSON_STRING(struct image_run_config, user, "User"),
	JSON_SET(struct image_run_config, exposed_ports, "ExposedPorts"),
	JSON_STRINGS(struct image_run_config, env, "Env"),
	JSON_STRINGS(struct image_run_config, entrypoint, "Entrypoint"),
	JSON_STRINGS(struct image_run_config, cmd, "Cmd"),
	JSON_SET(struct image_run_config, volumes, "Volumes"),
	JSON_STRING(struct image_run_config, working_dir, "WorkingDir"),
	JSON_PAIRS(struct image_run_config, labels, "Labels"),
	JSON_STRING(struct image_run_config, stop_signal, "StopSignal"),
	JSON_BOOL(struct image_run_config, args_escaped, "ArgsEscaped"),
	JSON_POINTER(
		struct image_run_config, healthcheck, "Healthcheck", &healthcheck_type),
	JSON_STRINGS(struct image_run_config, on_build, "OnBuild"),
	JSON_STRINGS(struct image_run_config, shell, "Shell"),
	JSON_I32_OPT(struct image_run_config, stop_timeout, "StopTimeout"),
	JSON_END,
};
static const struct json_type run_config_type =
	JSON_TYPE(struct image_run_config, run_config_fields);

static const struct json_field rootfs_fields[] = {
	JSON_STRING(struct image_rootfs, type, "type", .required = true),
	/* Docker leaves it out of an image without layers. */
	JSON_STRINGS(struct image_rootfs, diff_ids, "diff_ids", .always = true),
	JSON_END,
};
static const struct json_type rootfs_type = JSON_TYPE(struct image_rootfs, rootfs_fields);

static const struct json_field history_fields[] = {
	JSON_STRING(struct image_history, created, "created"),
	JSON_STRING(struct image_history, created_by, "created_by"),
	JSON_STRING(struct image_history, author, "author"),
	JSON_STRING(struct image_history, comment, "comment"),
	JSON_BOOL(struct image_history, empty_layer, "empty_layer"),
	JSON_END,
};
static const struct json_type history_type =
	JSON_TYPE(struct image_history, history_fields);

static const struct json_field config_fields[] = {
	JSON_STRING(struct image_config, created, "created"),
	JSON_STRING(struct image_config, author, "author"),
	JSON_STRING(struct image_config, architecture, "architecture", .required = true),
	JSON_STRING(struct image_config, variant, "variant"),
	JSON_STRING(struct image_config, os, "os", .required = true),
	JSON_STRING(struct image_config, os_version, "os.version"),
	JSON_STRINGS(struct image_config, os_features, "os.features"),
	JSON_STRUCT(struct image_config, config, "config", &run_config_type),
	JSON_STRUCT(
		struct image_config, rootfs, "rootfs", &rootfs_type, .required = true),
	JSON_ARRAY(struct image_config, history, "history", &history_type),
	JSON_END,
};
const struct json_type image_config_type = JSON_TYPE(struct image_config, config_fields);

void image_config_free(struct image_config *config)
{
	json_free(&image_config_type, config);
}
