/* What create and run have in common: their options, and the request made of them. */
#pragma once

#include "base/command.h"
#include "runtime/create.h"

struct create_options {
	const char *bundle;
	const char *config;
	const char *pid_file;
	const char *console_socket;
	const char *pidfd_socket;
	uint32_t preserve_fds;
	bool no_pivot;
	bool no_new_keyring;
	bool explain;
	bool seccomp_log;
	bool detach; /* these three are run's */
	bool keep;
	bool no_subreaper;
};

/* clang-format off */
#define CREATE_OPTIONS                                                                   \
	OPTION_STRING(struct create_options, bundle, "bundle", 'b', "DIRECTORY",         \
		"the bundle: where config.json and usually the root file system are; "   \
		"the current directory if not given"),                                   \
	OPTION_STRING(struct create_options, config, "config", 'f', "FILE",              \
		"read this instead of the bundle's config.json"),                        \
	OPTION_STRING(struct create_options, pid_file, "pid-file", 0, "FILE",            \
		"write the pid of the container's process there"),                       \
	OPTION_STRING(struct create_options, console_socket, "console-socket", 0,        \
		"SOCKET", "send the terminal's master to this Unix socket"),             \
	OPTION_STRING(struct create_options, pidfd_socket, "pidfd-socket", 0, "SOCKET",  \
		"send a pidfd of the container's process to this Unix socket"),          \
	OPTION_U32(struct create_options, preserve_fds, "preserve-fds", 0, "NUMBER",     \
		"pass so many descriptors on, after the three standard ones"),           \
	OPTION_FLAG(struct create_options, no_pivot, "no-pivot", 0,                      \
		"move the root into place instead of pivot_root; for a root file "       \
		"system in an initial ramdisk"),                                         \
	OPTION_FLAG(struct create_options, no_new_keyring, "no-new-keyring", 0,          \
		"keep the caller's session keyring"),                                    \
	OPTION_FLAG(struct create_options, explain, "explain", 0,                        \
		"tell the plan step by step, and then the time of each step, on "        \
		"standard error"),                                                       \
	OPTION_FLAG(struct create_options, seccomp_log, "seccomp-log", 0,                \
		"tell each system call that the seccomp profile denies; of a container " \
		"in the background in the file of --log")
/* clang-format on */

/* The foreground: stays until its process ends, and then deletes the container unless it
 * is to be kept. */
int creation_stay(const struct command_call *call, struct creation *creation, bool keep,
	struct error *err) must_check;

/* root is options_root()'s; all is borrowed. ret->start and foreground are set already. */
int create_request_of(const struct command_call *call, const char *root,
	struct create_request *ret, struct error *err) must_check;
