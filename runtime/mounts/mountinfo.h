/*
 * One line of /proc/PID/mountinfo, proc(5):
 * "36 35 98:0 /root /dest rw,noatime shared:1 - ext4 /dev/sda rw"
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* All owned; blanks and the like, which stand there as "\040", are themselves again: not
 * yet in the two lists of options, which have to be split at their commas first. */
struct mountinfo {
	uint64_t id;
	char *root; /* what of the file system is there */
	char *destination;
	char *options; /* of the mount */
	struct strings propagation;
	char *type;
	char *source;
	char *superoptions; /* of the file system */
};

#define auto_mountinfo __attribute__((cleanup(mountinfo_free))) struct mountinfo
void mountinfo_free(struct mountinfo *mount);

/* "\040" to " ", in place; returns text. */
char *mountinfo_unescape(char *text);

/* False, and nothing to free, for what is no such line. */
bool mountinfo_parse(const char *line, struct mountinfo *ret);
