/* The program's global options, as every command sees them. */
#pragma once

#include <stdbool.h>

struct settings {
	const char *root;
	const char *log;
	const char *log_format;
	bool debug;
};
