/* One run of git, between what is asked of it (git.c) and what it is asked with. */
#pragma once

#include "builder/git/git.h"

struct git_call {
	const struct git_source *source;
	const struct git_options *options;
	int directory_fd; /* where it runs; -1: anywhere */
	int timeout_ms;
};

/* Its standard output into *ret, which may be NULL. The error is git's last line. */
int git_run(const struct git_call *call, const char *const *arguments, char **ret,
	struct error *err) must_check;
