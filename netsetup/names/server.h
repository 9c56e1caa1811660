/* Programs of others that go on running for us: dnsmasq, pasta. Each goes to the background
 * by itself once it is ready and writes its number into a file. */
#pragma once

#include "base/error.h"
#include "base/macros.h"

struct server {
	const char *name;
	char *const *argv; /* after the name; NULL-terminated */
	const char *pid_file;
	/* One of its arguments, that no other process has: a number alone may be
	 * another's by now. */
	const char *mark;
	/* Of what it says when it fails: no line with it; NULL: none. */
	const char *noise;
};

/* Its pidfd (owned by the caller), or -1: it does not run. */
int server_find(
	const struct server *server, int *ret_pidfd, struct error *err) must_check;
/* Runs it; returns when it is in the background. errnum ENOENT: it is not installed. */
int server_start(const struct server *server, struct error *err) must_check;
/* Returns when it has ended; who does not when asked to is made to. */
int server_stop(const struct server *server, struct error *err) must_check;
