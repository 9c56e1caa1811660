/*
 * What of a container is not its own, and which criu therefore neither saves nor makes:
 * mounts whose source is the host's, and namespaces joined by path. The images have a
 * name for each; restore says what stands for it then, which may be another directory or
 * namespace.
 *
 *	mount                         name               at restore
 *	a bind of config.json         its destination    its source
 *	cgroups without a namespace   their place        the container's cgroup
 *	a masked file                 /dev/null          /dev/null
 *	a device, in a user namespace its path           the host's
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "runtime/container.h"

struct namespaces;

/* Refuses what would silently be something else after a restore. */
int external_check(const struct oci_config *config, const char *bundle,
	struct error *err) must_check;

int external_put_dump(struct str *to, const struct container *container,
	const struct oci_config *config, struct error *err) must_check;

/* ret_inherited: NAMESPACE_KINDS descriptors of `namespaces`, for criu to have. */
int external_put_restore(struct str *to, const struct container *container,
	const struct oci_config *config, struct error *err) must_check;
int external_put_namespaces(struct str *to, const struct oci_config *config,
	const struct namespaces *namespaces, int *ret_inherited, size_t *ret_count,
	struct error *err) must_check;
