/* The sub-commands: one cmd_….c each, and one row in commands.c. */
#pragma once

#include "base/command.h"
#include "netsetup/places.h"

extern const struct program netsetup_program;

int cmd_add(const struct command_call *call, struct error *err) must_check;
int cmd_del(const struct command_call *call, struct error *err) must_check;
int cmd_list(const struct command_call *call, struct error *err) must_check;
int cmd_inspect(const struct command_call *call, struct error *err) must_check;
int cmd_check(const struct command_call *call, struct error *err) must_check;
int cmd_gc(const struct command_call *call, struct error *err) must_check;
int cmd_status(const struct command_call *call, struct error *err) must_check;
int cmd_reload(const struct command_call *call, struct error *err) must_check;
int cmd_trace(const struct command_call *call, struct error *err) must_check;
int cmd_hook(const struct command_call *call, struct error *err) must_check;
int cmd_network_create(const struct command_call *call, struct error *err) must_check;
int cmd_network_rm(const struct command_call *call, struct error *err) must_check;
int cmd_network_ls(const struct command_call *call, struct error *err) must_check;
int cmd_network_inspect(const struct command_call *call, struct error *err) must_check;
int cmd_network_prune(const struct command_call *call, struct error *err) must_check;

/* Where this call's state is: --root, else MOCKER_NETSETUP_ROOT, else the system's. */
int command_places(const struct command_call *call, struct places *ret,
	struct error *err) must_check;

/* The container that an operand means: "pid-7" for the process 7, as add calls it, unless
 * something attached is called "7". Owned by the caller. */
char *command_container(const struct places *places, const char *operand);
bool command_is_number(const char *text);
