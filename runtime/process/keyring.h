/* The session keyring of a container: one of its own, shared by all that is executed in
 * it, so that the caller's keys stay the caller's. */
#pragma once

#include "base/error.h"
#include "base/macros.h"

int keyring_join(const char *id, struct error *err) must_check;
