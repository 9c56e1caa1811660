/*
 * What an image in a registry is called: [HOST[:PORT]/]REPOSITORY[:TAG][@sha256:HEX].
 * A first component with a dot, a colon or upper case, or "localhost", is a host; without one the
 * registries of registries.conf are searched, else docker.io, whose images without a
 * "/" are below library/.
 * Source: distribution/reference (grammar, familiar names), as docker and podman read names.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"

#define REFERENCE_HUB "docker.io"

struct reference {
	char *host; /* NULL: none was named; index.docker.io is docker.io */
	char *repository;
	char *tag;    /* NULL: none was named */
	char *digest; /* "sha256:HEX"; NULL: not pinned */
};

/* Refuses what no registry would take, so that nothing of it can be a path or an option. */
int reference_parse(
	const char *text, struct reference *ret, struct error *err) must_check;
void reference_free(struct reference *reference);

#define auto_reference __attribute__((cleanup(reference_free))) struct reference

/* What stands in the address of its manifest: the digest, else the tag, else "latest". */
const char *reference_version(const struct reference *reference);

/* [HOST/]REPOSITORY in the shortest form, which is one for all: "x" for docker.io/library/x,
 * docker.io/x and library/x. Owned by the caller. */
char *reference_familiar(const struct reference *reference);
/* The longest at that host, without its tag: "docker.io/library/x". Owned by the caller. */
char *reference_place(const struct reference *reference, const char *host);
/* The same at its own, with its tag: "docker.io/library/x:latest". Owned by the caller. */
char *reference_full(const struct reference *reference);
