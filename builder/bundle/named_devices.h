/* Devices by CDI's names, and how any device is added. */
#pragma once

#include <sys/stat.h>

#include "builder/bundle/config.h"

/* What the container becomes by these devices, whose names are full ones. */
int bundle_add_named_devices(const struct cdi *cdi, const struct strings *names,
	struct oci_config *config, struct error *err) must_check;

/* Takes what is in the device, which replaces another at its path. access: of r, w and m;
 * NULL: what the cgroup lets through stays as it is. */
void bundle_add_device_node(
	struct oci_linux *platform, const struct oci_device *device, const char *access);

/* All but the path, of a device on the host. */
void bundle_describe_device(const struct stat *stat, struct oci_device *ret);
