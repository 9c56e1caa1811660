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

struct docker_manifests {
	struct docker_manifest *items;
	size_t items_count;
};

void docker_manifests_free(struct docker_manifests *manifests);

#define auto_docker_manifests \
	__attribute__((cleanup(docker_manifests_free))) struct docker_manifests

/* One more, empty. */
struct docker_manifest *docker_manifests_add(struct docker_manifests *manifests);
/* The text of the file. */
void docker_manifests_write(struct str *str, const struct docker_manifests *manifests);
/* directory/manifest.json, which has at least one image. errnum ENOENT: there is none. */
int docker_manifests_read(
	int directory_fd, struct docker_manifests *ret, struct error *err) must_check;
