/*
 * Where a finished image goes besides the store: what -o of build says, and save.
 *
 *	type=bundle,dest=DIR          rootfs/ and config.json, for a runtime
 *	type=local,dest=DIR           its files (also type=rootfs, or DIR alone)
 *	type=tar,dest=FILE            its files as one tar
 *	type=oci,dest=DIR             an OCI image layout
 *	type=oci-archive,dest=FILE    the same in an archive
 *	type=docker-archive,dest=FILE what docker load reads (also type=docker)
 *	type=registry[,name=NAME]     pushed (also type=image,push=true)
 *
 * A FILE of "-" is standard output. Directories and files appear whole or not at all.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "builder/exchange/export.h"
#include "builder/registry/client.h"
#include "builder/store/session.h"

enum output_kind {
	OUTPUT_BUNDLE,
	OUTPUT_LOCAL,
	OUTPUT_TAR,
	OUTPUT_OCI,
	OUTPUT_OCI_ARCHIVE,
	OUTPUT_DOCKER_ARCHIVE,
	OUTPUT_REGISTRY,
};

struct output {
	enum output_kind kind;
	char *dest;                       /* NULL: standard output, or the registry */
	char *name;                       /* instead of the image's, of one */
	enum tar_compression compression; /* of layers */
};

int output_parse(const char *text, struct output *ret, struct error *err) must_check;
bool output_is_standard(const struct output *output); /* goes to standard output */
void output_free(struct output *output);

#define auto_output __attribute__((cleanup(output_free))) struct output

struct output_job {
	struct session *session;
	int signal_fd;
	/* Of several, archives and layouts get all; a registry, all names of the first; what
	 * holds an image's files, the first. */
	const struct export_image *images;
	size_t count;
	int standard_fd; /* standard output, for what goes there */
	int64_t epoch;   /* later file times become this; -1: none */
	struct client_options client;
	int report;                /* lines on what is pushed; -1: none */
	struct digest *ret_digest; /* of a push: the name's; may be NULL */
};

int output_write(const struct output *output, const struct output_job *job,
	struct error *err) must_check;
