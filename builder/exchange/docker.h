/*
 * manifest.json of a docker-archive: an array with one entry per image.
 * Source: what `docker save` writes and `docker load`, podman and skopeo read.
 */
#pragma once

#include "base/json.h"
#include "base/macros.h"
#include "base/str.h"

struct docker_manifest {
	char *config;             /* file name */
	struct strings repo_tags; /* "NAME:TAG" */
	struct strings layers;    /* file names, lowest first */
};

void docker_manifest_free(struct docker_manifest *manifest);

#define auto_docker_manifest \
	__attribute__((cleanup(docker_manifest_free))) struct docker_manifest

void docker_manifest_write(struct str *str, const struct docker_manifest *manifest);
/* The first image of the file at directory/manifest.json. errnum ENOENT: there is none. */
int docker_manifest_read(
	int directory_fd, struct docker_manifest *ret, struct error *err) must_check;
