/* The verbs, one file each (cmd_VERB.c), and what several of them share. */
#pragma once

#include "base/command.h"
#include "runtime/commands/options.h"
#include "runtime/container.h"

extern const struct command command_check, command_checkpoint, command_create,
	command_delete, command_events, command_exec, command_explain, command_features,
	command_inspect, command_kill, command_list, command_mounts, command_pause,
	command_ps, command_restore, command_resume, command_run, command_spec,
	command_start, command_state, command_steps, command_update;

/* The container that the first operand names, or another of its --root. */
int call_container(const struct command_call *call, enum container_open how,
	struct container *ret, struct error *err) must_check;
int call_container_of(const struct command_call *call, const char *id,
	enum container_open how, struct container *ret, struct error *err) must_check;

/* The driver that the command line asks for, or that made the first operand's container: is
 * it one that this executable has not, then another is executed in its place (see
 * cgroup_need_systemd()). Before anything is read of standard input, locked or begun. */
int call_driver(const struct command_call *call, struct error *err) must_check;
int call_driver_of_container(
	const struct command_call *call, struct error *err) must_check;
/* The same of a container that is open: before its cgroup is changed or removed. */
int expect_driver_of(const struct container *container, struct error *err) must_check;

/* Writes to standard output; a closed pipe is an error like any other. */
int call_print(const struct str *text, struct error *err) must_check;

/* Reads a document that the command line names: a file, a pipe (a shell's <(...)), or "-"
 * for standard input. */
int call_read(const struct command_call *call, const struct json_type *type, void *object,
	const char *path, struct error *err) must_check;

/* --preserve-fds: what no process can have is a mistake, and would not fit an int. */
int check_preserve_fds(uint32_t count, struct error *err) must_check;

/* --regex: act() on each container whose id the extended regular expression matches. All
 * are tried; the first failure is the command's. */
int call_matching(const struct command_call *call,
	int (*act)(const struct command_call *call, const char *id, struct error *err),
	struct error *err) must_check;

/* Fails unless it is one of the two; `verb` is what was asked for: "pause". */
int expect_running(const struct container *container, const char *verb,
	struct error *err) must_check;
