/*
 * Paths that the container must not see (maskedPaths) or not change (readonlyPaths). The
 * cost of each is the same few calls however many there are: all masked directories share
 * one empty tmpfs, all masked files one bind of /dev/null.
 * Source: OCI runtime-spec 1.3.0, config-linux.md: Masked Paths, Readonly Paths.
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

/* Before the pivot: with the creator's /dev/null and /proc in sight. Paths that do not
 * exist are nothing to mask. `label`: SELinux context or NULL. */
int masks_hide(int root_fd, const struct strings *paths, const char *label,
	struct error *err) must_check;
int masks_make_read_only(
	int root_fd, const struct strings *paths, struct error *err) must_check;
