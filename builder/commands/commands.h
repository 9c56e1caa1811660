/* The sub-commands of mocker-builder: one cmd_NAME.c each, and a row in main.c's table. */
#pragma once

#include <stdbool.h>

#include "base/command.h"

struct builder_options {
	const char *root; /* of the store */
	const char *log;
	bool debug;
};

extern const struct command command_build;
extern const struct command command_bundle;
extern const struct command command_cache;
extern const struct command command_du;
extern const struct command command_history;
extern const struct command command_images;
extern const struct command command_inspect;
extern const struct command command_lint;
extern const struct command command_parse;
extern const struct command command_login;
extern const struct command command_logout;
extern const struct command command_load;
extern const struct command command_prune;
extern const struct command command_pull;
extern const struct command command_push;
extern const struct command command_rmi;
extern const struct command command_save;
extern const struct command command_tag;
extern const struct command command_unbundle;
extern const struct command command_unshare;
