/* criu's log: what of it a person should read first. */
#pragma once

#include "base/error.h"
#include "base/macros.h"

/* Puts the first lines of the log that tell of an error behind what err says, and where
 * all of it is. Keeps err where there is no log. */
void criu_log_excerpt(int dir_fd, const char *dir, const char *file, struct error *err);
