/*
 * /dev of the container: the devices that every container has, those of config.json, the
 * links that programs expect, and the console. Nodes are made beneath verified
 * descriptors; in a user namespace, where nobody may make nodes, they are bind mounts of
 * those that its creator made for it, or of the host's where it could not.
 * Source: OCI runtime-spec 1.3.0, config-linux.md: Devices, Default Devices; runtime-linux.md:
 * Dev symbolic links.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"

struct oci_config;
struct oci_device;

struct device_node {
	const char *path; /* in the container, and on the host where it is bound */
	mode_t type;      /* S_IFCHR, S_IFBLK, S_IFIFO */
	dev_t device;
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

struct device_node device_node_of(const struct oci_device *device);

struct devices_request {
	const struct oci_config *config;
	int root_fd;
	bool bind;   /* instead of mknod: in a user namespace */
	int tree_fd; /* of device_tree.h, or -1: of the host's files */
};

/* The paths of those that every container has; NULL at their end. */
const char *devices_default_path(size_t index);

/* To be called with umask 0. */
int devices_create(const struct devices_request *request, struct error *err) must_check;

/* Binds an open terminal (the slave) to /dev/console. Before the pivot: init calls it
 * once it has the terminal. */
int devices_bind_console(int root_fd, int terminal_fd, struct error *err) must_check;
