/*
 * What mocker-runtime said of a step's container: its log beside the bundle, a line of JSON
 * for each message.
 */
#pragma once

#include "base/macros.h"

#define RUNTIME_LOG "runtime.log"

struct runtime_said {
	char *error;   /* why the command did not begin; NULL: it did */
	char *warning; /* the last one about the container itself, or NULL */
};

/* Of the directory of the bundle. A log that cannot be read says nothing. */
void runtime_log_read(int directory_fd, struct runtime_said *ret);
void runtime_said_free(struct runtime_said *said);

#define auto_runtime_said __attribute__((cleanup(runtime_said_free))) struct runtime_said
