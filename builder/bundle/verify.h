/* The last word on a bundle: what mocker-runtime's check says. */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "builder/store/store.h"

/* Fails, and removes the bundle, if the check finds it wrong; its lines go to standard
 * error. */
int bundle_verify(
	const struct store *store, const char *directory, struct error *err) must_check;
