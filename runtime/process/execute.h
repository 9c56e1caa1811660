/*
 * From a process inside the container to the program of process.args: shared by init and
 * by exec, in three phases.
 *
 *	execute_settle    what may fail early: limits, scheduling, cwd, the program's path,
 *	                  labels
 *	(create waits here for `start`)
 *	execute_become    user, capabilities, filters: no way back
 *	(create runs the hooks startContainer here: whose program may be the image's)
 *	execute_program   execve
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "runtime/process/caps.h"
#include "runtime/seccomp/seccomp.h"

/* crun's annotation, with which podman asks for the groups of whoever calls. */
#define EXECUTE_GROUPS_ANNOTATION "run.oci.keep_original_groups"

struct oci_config;
struct oci_process;

struct execute {
	const struct oci_process *process; /* borrowed, all of these */
	const struct oci_config *config;   /* personality, memory policy */
	const struct seccomp_filter *filter;
	struct seccomp_subject subject;
	struct caps caps;
	int proc_fd;        /* a procfs in which "self" is us */
	int preserve_fds;   /* after the standard ones */
	struct strings env; /* owned: process->env completed */
	int program_fd;     /* > 0: executed instead of what args[0] names */
	char *program;      /* owned: its path in the container */
	bool cwd_pending;   /* root could not enter it; the user may */
};

void execute_free(struct execute *execute);

/* In the process that was executed, early: sockets of a service manager that were meant for
 * another process (LISTEN_PID) are not passed on, nor whatever has their numbers here. */
void execute_claim_listeners(void);

/* Strict about names and numbers of the environment: an entry without "=" would import
 * nothing here, but is refused, as it means nothing. */
int execute_check(const struct oci_process *process, struct error *err) must_check;

int execute_settle(struct execute *execute, struct error *err) must_check;
int execute_become(struct execute *execute, struct error *err) must_check;
int execute_program(struct execute *execute, struct error *err) must_check;
