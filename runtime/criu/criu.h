/*
 * criu as a worker: `criu swrk FD` serves one request over a socket pair and ends. It tells
 * on the way what it has come to (a notice), and goes on once it is answered.
 *
 *	we                                   criu
 *	clone
 *	                                     (in_child) socket pair, execve
 *	(begun) request   ────────────────▶
 *	                  ◀────────────────  notice: "setup-namespaces", "post-restore" ...
 *	(notice) answer   ────────────────▶
 *	                  ◀────────────────  response
 *	wait for its end
 *
 * Descriptors that a request names are criu's own, which has opened its socket itself: it
 * opens them again by way of /proc, and works in their directories, which must therefore
 * be of its mount namespace.
 * Source: criu.org, "RPC"; criu's images/rpc.proto.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

/* criu_req_type */
enum criu_kind {
	CRIU_DUMP = 1,
	CRIU_RESTORE = 2,
	CRIU_PRE_DUMP = 4,
	CRIU_NOTIFY = 6,
	CRIU_FEATURE_CHECK = 9,
};

struct criu_notice {
	char script[32]; /* what it has come to */
	pid_t pid;       /* that it is about; 0 */
	int fd;          /* that came with it; -1. Owned by who is told */
	bool abandon; /* set by who is told, beside an error: criu is to end at once, for
			  * it would wait for what is no more */
};

struct criu_call {
	const char *program; /* searched in PATH unless it has a "/" */
	enum criu_kind kind;
	struct str *options;  /* a criu_opts message */
	int log_dir;          /* where its log is; -1: there is none */
	const char *log_path; /* of the same, for the error */
	const char *log_file;
	const int *inherited; /* descriptors that criu gets under the same numbers */
	size_t inherited_count;
	/* Each may be NULL; each failure is the call's. in_child runs in criu's process
	 * before its execve; begun may append to the options. */
	int (*in_child)(void *argument, struct error *err);
	int (*begun)(void *argument, pid_t pid, struct str *options, struct error *err);
	int (*notice)(void *argument, struct criu_notice *notice, struct error *err);
	void *argument;
};

/* Comes back once criu has ended. Its own errors are told by its log's words. */
int criu_call(const struct criu_call *call, struct error *err) must_check;

/* Fails, naming the option, where criu says that this kernel has not got the feature. */
enum criu_feature { CRIU_MEM_TRACK = 1, CRIU_LAZY_PAGES = 2 };
int criu_expect(const char *program, enum criu_feature feature, const char *option,
	struct error *err) must_check;
