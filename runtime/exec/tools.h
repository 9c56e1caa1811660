/*
 * exec --tools: a program that the container's image lacks, in some of its namespaces.
 *
 *	parent                            the new process
 *	tools_prepare   which namespaces, whose files
 *	tools_process   who it is
 *	tools_check     what the container could see of it
 *	                                  (joins the namespaces)
 *	                                  tools_enter   a mount namespace of its own
 *
 * Without the container's mount namespace the tool keeps the host's files, or has those of
 * another bundle, in a private mount namespace in which /proc and /sys show the namespaces
 * that it has joined. With it the tool is a process like exec's, and only its program
 * comes from the host.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "runtime/bundle.h"
#include "runtime/container.h"
#include "runtime/rootfs/rootfs.h"

struct tools_request {
	const struct container *container; /* borrowed, all of these */
	const struct oci_config *config;   /* the container's */
	const char *namespaces;            /* "net,pid"; NULL: net, pid, ipc, uts */
	const char *bundle;                /* whose files it sees; NULL: the host's */
	const char *rootfs;                /* the same of a bare directory */
	bool outside;                      /* stays in the caller's cgroup */
};

struct tools {
	const struct tools_request *request;
	uint64_t kinds;       /* CLONE_NEW* to join: those that differ from ours */
	bool joins_mounts;    /* the container's files, and who its process is */
	struct bundle bundle; /* of --bundle, or made of --rootfs */
	struct rootfs *rootfs;
	int program_fd; /* the host's program, where it will be out of sight; -1 */
};

#define TOOLS_NONE                                      \
	{                                               \
		.bundle = BUNDLE_NONE, .program_fd = -1 \
	}
#define auto_tools __attribute__((cleanup(tools_free))) struct tools
void tools_free(struct tools *tools);

int tools_prepare(const struct tools_request *request, struct tools *ret,
	struct error *err) must_check;

/* Fills a zeroed struct but for its args: root with all that the caller holds; with the
 * container's mounts its own process. */
int tools_process(
	const struct tools *tools, struct oci_process *ret, struct error *err) must_check;

/* With all that the command line said. Refuses what would let the container look through
 * the tool at the host's files, and opens the program if it must be. */
int tools_check(struct tools *tools, const struct oci_process *process,
	struct error *err) must_check;

/* In the new process, once it is in the namespaces. */
int tools_enter(const struct tools *tools, struct error *err) must_check;
