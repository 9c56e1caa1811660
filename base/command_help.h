/* What is printed from the command table: help, the manual's sections, completions. Only
 * base/command.c calls these. */
#pragma once

#include "base/command.h"
#include "base/str.h"

/* `path` is the words before the command: "mocker-netsetup network". */
void command_help_program(struct str *out, const struct program *program);
void command_help_command(
	struct str *out, const char *path, const struct command *command);

/* format: bash, zsh, fish or mdoc. */
int command_help_format(struct str *out, const struct program *program,
	const char *format, struct error *err) must_check;

void command_complete_bash(struct str *out, const struct program *program);
void command_complete_zsh(struct str *out, const struct program *program);
void command_complete_fish(struct str *out, const struct program *program);
