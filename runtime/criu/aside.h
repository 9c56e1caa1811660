/* Work in a process of its own, whose mount namespace may change and end with it. */
#pragma once

#include "base/error.h"
#include "base/macros.h"

struct aside {
	int (*work)(void *argument, struct error *err);
	void *argument;
	const char *what; /* "making mount points", for the error where it just died */
};

/* The work's error arrives as our own. */
int aside_run(const struct aside *aside, struct error *err) must_check;
