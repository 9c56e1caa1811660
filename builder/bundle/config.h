/*
 * config.json of a container: an image's config and a request, by the rules of OCI
 * image-spec, conversion.md. Chapters: process.c (command, user), environment.c, mounts.c,
 * network.c (namespace, hooks, resolv.conf), user_namespace.c, limits.c, devices.c,
 * security.c (filter and masks); config.c puts them together.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/userns.h"
#include "builder/bundle/request.h"
#include "builder/bundle/user.h"
#include "builder/cdi/cdi.h"
#include "builder/rootfs/overlay.h"
#include "builder/store/image.h"
#include "spec/config.h"

struct bundle_input {
	const struct bundle_request *request;
	const struct image *image;
	const struct user *user;
	const struct userns_maps *maps; /* of bundle_read_maps(); NULL: none asked for */
	const struct overlay *overlay;  /* becomes mounts at "/"; NULL: rootfs/ is full */
	const char *bundle;             /* absolute path of the bundle's directory */
	const struct cdi *cdi; /* of the request's devices; NULL: in its directories */
};

/* Reads the host's resolv.conf, writes nothing. */
int bundle_make_config(const struct bundle_input *input, struct oci_config *ret,
	struct error *err) must_check;

/* Chapters. Each adds to the config what it is about. */
int bundle_add_env(const struct bundle_input *input, struct strings *env,
	struct error *err) must_check;
int bundle_add_devices(const struct bundle_input *input, struct oci_config *config,
	struct error *err) must_check;
/* After bundle_add_process(): which capabilities there are matters. */
int bundle_add_security(const struct bundle_input *input, struct oci_config *config,
	struct error *err) must_check;
int bundle_add_process(const struct bundle_input *input, struct oci_config *config,
	struct error *err) must_check;
int bundle_add_mounts(const struct bundle_input *input, struct oci_config *config,
	struct error *err) must_check;
int bundle_add_network(const struct bundle_input *input, struct oci_config *config,
	struct error *err) must_check;
int bundle_add_limits(const struct bundle_input *input, struct oci_config *config,
	struct error *err) must_check;

/* What --userns and its like say; no ranges where the container gets the host's ids. */
int bundle_read_maps(const struct bundle_request *request, struct userns_maps *ret,
	struct error *err) must_check;
/* After bundle_add_mounts(): what has no number in the namespace is left out of them. */
int bundle_add_user_namespace(const struct bundle_input *input, struct oci_config *config,
	struct error *err) must_check;

struct oci_mount *bundle_add_mount(struct oci_config *config, const char *destination,
	const char *type, const char *source, const char *options);
void bundle_add_namespace(struct oci_config *config, int64_t type, const char *path);

/* The files that are bind mounted into the container, in BUNDLE/etc: hosts, hostname,
 * resolv.conf. */
int bundle_write_etc(
	const struct bundle_input *input, int bundle_fd, struct error *err) must_check;

/* Writes BUNDLE/config.json. */
int bundle_write_config(
	int bundle_fd, const struct oci_config *config, struct error *err) must_check;
