/* login, logout: credentials of a registry in the auth file that podman reads too. */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "builder/build/worker.h"
#include "builder/commands/commands.h"
#include "builder/commands/registry_options.h"
#include "builder/registry/pull.h"

#define PASSWORD_MAX 65536

struct login_options {
	const char *username;
	bool password_stdin;
	struct registry_flags registry;
};

/* clang-format off */
static const struct option_spec login_options[] = {
	OPTION_STRING(struct login_options, username, "username", 'u', "NAME", "who logs in"),
	OPTION_FLAG(struct login_options, password_stdin, "password-stdin", 0,
		"read the password from standard input (otherwise from the terminal)"),
	REGISTRY_OPTIONS(struct login_options),
	OPTION_END,
};

static const struct option_spec logout_options[] = {
	OPTION_STRING(struct login_options, registry.authfile, "authfile", 0, "FILE",
		"the file of credentials (otherwise $REGISTRY_AUTH_FILE, else podman's)"),
	OPTION_END,
};
/* clang-format on */

static int read_line(char **ret, struct error *err)
{
	struct fd_read_options read = { .limit = PASSWORD_MAX };

	if (fd_read_all(STDIN_FILENO, "the password", read, ret, NULL, err) < 0)
		return -1;
	(*ret)[strcspn(*ret, "\r\n")] = '\0';
	return 0;
}

/* A signal must not leave the terminal silent. */
static int wait_for_line(const struct interrupt *interrupt, struct error *err)
{
	struct pollfd fds[] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = interrupt->fd, .events = POLLIN },
	};

	do {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			return fail_errno(err, "waiting for the password");
		if (interrupt_check(interrupt, err) < 0)
			return -1;
	} while (!fds[0].revents);
	return 0;
}

/* A terminal's line ends the reading, and is not shown. */
static int ask(const struct interrupt *interrupt, char **ret, struct error *err)
{
	struct termios old, silent;
	char line[4096];
	bool read_it;
	int waited;

	if (tcgetattr(STDIN_FILENO, &old) < 0)
		return fail(err, "no terminal to ask for the password; "
				 "--password-stdin reads it from standard input");
	silent = old;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	fputs("Password: ", stderr);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
	waited = wait_for_line(interrupt, err);
	read_it = waited == 0 && fgets(line, sizeof(line), stdin) != NULL;
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
	fputs("\n", stderr);
	if (waited < 0)
		return -1;
	if (!read_it)
		return fail(err, "no password was given");
	line[strcspn(line, "\r\n")] = '\0';
	*ret = str_dup(line);
	return 0;
}

struct attempt {
	const char *host;
	const struct registry_options *options;
};

/* In a worker: libcurl stays there. */
static int check(void *argument, int output, struct error *err)
{
	const struct attempt *attempt = argument;

	return registry_check_login(attempt->host, attempt->options, err);
}

static int login(const struct command_call *call, struct error *err)
{
	const struct login_options *given = call->options;
	auto_interrupt interrupt = INTERRUPT_NONE;
	auto_credentials credentials = { .user = str_dup(given->username) };
	struct registry_options options = {
		.client = registry_client(&given->registry),
		.output = -1,
	};
	struct attempt attempt = { .host = call->argv[0], .options = &options };
	struct worker worker = { .work = check, .argument = &attempt };

	if (!given->username || !*given->username)
		return fail(err, "login needs --username NAME");
	if (given->password_stdin && read_line(&credentials.password, err) < 0)
		return -1;
	if (interrupt_begin(&interrupt, err) < 0)
		return -1;
	if (!given->password_stdin && ask(&interrupt, &credentials.password, err) < 0)
		return -1;
	options.client.credentials = &credentials;
	worker.signal_fd = interrupt.fd;
	if (worker_run(&worker, err) < 0)
		return fail_while(err, "logging in to %s", call->argv[0]);
	return credentials_store(
		given->registry.authfile, call->argv[0], &credentials, err);
}

static int logout(const struct command_call *call, struct error *err)
{
	const struct login_options *given = call->options;

	return credentials_remove(given->registry.authfile, call->argv[0], err);
}

const struct command command_login = {
	.name = "login",
	.operands = "HOST[:PORT]",
	.summary = "store credentials for a registry",
	.details = "They are checked, and written to the file that podman login writes.",
	.options = login_options,
	.options_size = sizeof(struct login_options),
	.operands_min = 1,
	.operands_max = 1,
	.permute = true,
	.run = login,
};

const struct command command_logout = {
	.name = "logout",
	.operands = "HOST[:PORT]",
	.summary = "forget the credentials for a registry",
	.options = logout_options,
	.options_size = sizeof(struct login_options),
	.operands_min = 1,
	.operands_max = 1,
	.permute = true,
	.run = logout,
};
