/*
 * A container made of a checkpoint's images, instead of by an init of ours.
 *
 *	we                                    criu
 *	plan       bundle, options, images
 *	make       state, cgroup
 *	targets    what mounts are put on
 *	                                      enters the cgroup, a mount namespace of its
 *	                                      own with the root in it
 *	                                      makes namespaces, mounts, processes
 *	           ◀── setup-namespaces ────
 *	hooks      prestart, createRuntime
 *	           ◀── orphan-pts-master ───
 *	terminal
 *	           ◀── post-restore ────────
 *	record     pid, pid file
 *	                                      lets the processes go on; ends
 *
 * The restored process is our child, as an init would be. What criu mounts to begin with
 * is in a mount namespace that ends with it, so that nothing of it is left anywhere.
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "runtime/create.h"
#include "runtime/criu/options.h"

struct restore_request {
	const struct create_request *create; /* start is set */
	const struct criu_options *options;
	const char *criu;
};

/* On failure nothing is left but criu's log. On success as create_container(). */
int restore_container(const struct restore_request *request, struct creation *ret,
	struct error *err) must_check;
