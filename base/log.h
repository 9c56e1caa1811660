/*
 * The log: lines beside the result, on standard error or in the file of --log, as text or
 * as JSON in the form that containerd and podman read ({"level":…,"msg":…,"time":…}).
 * Configured once by main; the only other mutable file-scope state than main's options.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

struct log_options {
	const char *program; /* prefix of text lines; borrowed */
	const char *file;    /* appended to; NULL: standard error */
	bool json;
	bool debug; /* otherwise debug lines are not even formatted */
};

/* Opens the file. On failure the log goes on to standard error. */
int log_open(const struct log_options *options, struct error *err) must_check;

/* A process that keeps only chosen descriptors keeps this one too; -1 before log_open(),
 * 2 for standard error. */
int log_fd(void);
bool log_debug_enabled(void);

void log_line(enum log_level level, const char *format, ...) printf_like(2, 3);
/* Why the program fails. A log file hides it from whoever typed the command, so both are
 * told. */
void log_failure(const struct error *err);

#define log_error(...)   log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)    log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)                                          \
	do {                                                    \
		if (log_debug_enabled())                        \
			log_line(LOG_LEVEL_DEBUG, __VA_ARGS__); \
	} while (0)
