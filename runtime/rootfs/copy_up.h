/*
 * tmpcopyup: a new tmpfs begins with a copy of what it will hide.
 * Source: OCI runtime-spec 1.3.0, config.md: tmpcopyup.
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"

/* Copies what is in the directory `from_fd` into the empty directory `to_fd`; both may be
 * O_PATH. Links are copied as links; what is mounted below is
 * copied as it is seen. */
int copy_up(int from_fd, int to_fd, struct error *err) must_check;
