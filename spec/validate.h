/*
 * The rules that no single member shows: what in config.json must fit together.
 * What it asks of this kernel, of this user and of the bundle's files is not asked here:
 * these rules need nothing but the document.
 * Source: the MUSTs of OCI runtime-spec 1.3.0, config.md and config-linux.md; where the
 * kernel would refuse later and less clearly, its rules too.
 */
#pragma once

#include "base/error.h"
#include "spec/config.h"

struct validate_options {
	/* Called with each problem: where (a JSON pointer) and what, without full stop.
	 * NULL: validation ends at the first. */
	void (*problem)(void *argument, const char *pointer, const char *text);
	void *argument;
};

/* 0 where nothing is wrong; else -1, and err tells the first problem as
 *	/linux/namespaces/3: a second namespace of type "network"
 * options may be NULL. */
int config_validate(const struct oci_config *config,
	const struct validate_options *options, struct error *err) must_check;

/* The same for a process alone (exec --process) and for resources alone (update). */
int process_validate(const struct oci_process *process,
	const struct validate_options *options, struct error *err) must_check;
int resources_validate(const struct oci_resources *resources,
	const struct validate_options *options, struct error *err) must_check;
