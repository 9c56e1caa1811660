/*
 * The program of a container: found in its PATH before anything waits for it, and when
 * execve(2) says no, why.
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

/* As execvp(3) would, in the caller's root, with the caller's fsuid; relative names are
 * taken from cwd. Owned by the caller. */
int program_find(const char *name, const struct strings *env, const char *cwd, char **ret,
	struct error *err) must_check;

/* Fails with what is wrong with `path`, of which execve has just said `errnum`: itself, a
 * directory on the way, the interpreter of its first line, or its ELF loader. program_fd
 * > 0: the file, where the path does not lead to it. */
int program_explain(const char *name, const char *path, int program_fd, int errnum,
	struct error *err) must_check;
