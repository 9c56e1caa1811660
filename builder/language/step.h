/*
 * A step: one instruction with its variables expanded and its words understood, ready to
 * be executed. Which members hold something depends on the kind, as their comments say.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"
#include "builder/copy/request.h"
#include "builder/language/instruction.h"
#include "builder/language/scope.h"

/* RUN --mount=... */
enum run_mount_type {
	RUN_MOUNT_BIND,
	RUN_MOUNT_CACHE,
	RUN_MOUNT_TMPFS,
	RUN_MOUNT_SECRET,
	RUN_MOUNT_SSH,
};

enum run_mount_sharing { RUN_SHARING_SHARED, RUN_SHARING_PRIVATE, RUN_SHARING_LOCKED };

struct run_mount {
	int64_t type;    /* enum run_mount_type */
	int64_t sharing; /* enum run_mount_sharing, of a cache */
	char *from;      /* stage, image or NULL: the build context */
	char *source;    /* "/" if not given; of a secret NULL */
	char *target;    /* absolute; of a secret or ssh NULL if not given */
	char *id;        /* of cache (its target if not given), secret, ssh */
	char *env;       /* of a secret: the variable that holds it, or NULL */
	bool read_only;
	bool required;
	int64_t size;  /* of a tmpfs, in bytes; 0: no limit */
	uint32_t mode; /* of cache (0755), secret (0400), ssh (0600) */
	uint32_t uid;
	uint32_t gid;
};

enum run_network { RUN_NETWORK_DEFAULT, RUN_NETWORK_NONE, RUN_NETWORK_HOST };
enum run_security { RUN_SECURITY_SANDBOX, RUN_SECURITY_INSECURE };

/* RUN --device=... */
struct run_device {
	char *pattern; /* as cdi_find() has it */
	bool required;
};

struct run_request {
	struct run_mount *mounts;
	size_t mount_count;
	struct run_device *devices;
	size_t device_count;
	int64_t network;  /* enum run_network */
	int64_t security; /* enum run_security */
	/* A heredoc that begins with "#!": written to /dev/pipes/NAME (mode 0755), which
	 * is then what argv names. NULL otherwise. */
	char *script;
	char *script_path;
};

/* Times in nanoseconds, as the image config has them; 0: not given. */
struct health_check {
	struct strings test; /* "NONE", or "CMD" or "CMD-SHELL" and what follows */
	int64_t interval;
	int64_t timeout;
	int64_t start_period;
	int64_t start_interval;
	int64_t retries;
};

enum unset_kind { UNSET_ENV, UNSET_VOLUME, UNSET_EXPOSE, UNSET_LABEL };

struct step {
	const struct instruction *instruction;
	enum instruction_kind kind;

	/* The instruction as expanded, on one line per heredoc line: what the cache key
	 * hashes. Flags are in a fixed order. */
	char *key;
	char *display; /* one line for progress and history */

	/* RUN, CMD, ENTRYPOINT, SHELL: in shell form one item, to which the executor puts
	 * the stage's shell in front. */
	struct strings argv;
	bool shell_form;

	/* ENV, LABEL: in order. ARG: those that have a value. */
	struct pairs pairs;

	/* EXPOSE ("80/tcp", ranges resolved), VOLUME, UNSET (names); one item: USER,
	 * WORKDIR (absolute), STOPSIGNAL, MAINTAINER, ONBUILD (the trigger's source). */
	struct strings words;

	int64_t unset; /* enum unset_kind */
	struct run_request run;
	struct copy_request copy; /* COPY, ADD */
	struct health_check health;
};

/* Expands the instruction in the scope and lets it act on the scope (ENV, ARG, WORKDIR,
 * UNSET). Errors show the line. */
int step_make(const struct instruction *instruction, struct scope *scope,
	struct step *ret, struct error *err) must_check;
void step_free(struct step *step);

#define auto_step __attribute__((cleanup(step_free))) struct step
