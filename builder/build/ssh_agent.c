/*
 *	builder                 keeper                    ssh-agent
 *	ssh_agent_begin() ----> makes a directory ------> listens in it
 *	                        ssh-add, key by key
 *	                <------ what came of it
 *	ssh_agent_end(), or
 *	its death       ----> sees the end of the file -> ends
 *	                        removes the directory
 */
#include "builder/build/ssh_agent.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "base/socket.h"

#define KEY_MAX    (100u << 10)
#define ADD_MS     (30 * 1000)
#define SOCKET_MAX 108 /* of sockaddr_un */

/* ---- keys ---------------------------------------------------------------------------- */

void ssh_keys_free(struct ssh_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++) {
		free(keys->items[i].path);
		free(keys->items[i].text);
	}
	free(keys->items);
	*keys = (struct ssh_keys){ 0 };
}

/* PEM says so in its first lines. OpenSSH's own form begins with its name and that of the
 * cipher, which is "none" in no other encoding than this one. */
static bool is_encrypted(const char *text)
{
	const char *openssh = strstr(text, "BEGIN OPENSSH PRIVATE KEY-----");

	if (openssh)
		return !strstr(openssh, "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU");
	return strstr(text, "BEGIN ENCRYPTED PRIVATE KEY-----") ||
	       strstr(text, "Proc-Type: 4,ENCRYPTED");
}

int ssh_keys_add(struct ssh_keys *keys, const char *path, struct error *err)
{
	auto_free char *text = NULL;

	if (file_read_at(AT_FDCWD, path, KEY_MAX, &text, NULL, err) < 0)
		return -1;
	if (!strstr(text, "PRIVATE KEY-----"))
		return fail(
			err, "%s is neither an agent's socket nor a private key", path);
	if (is_encrypted(text))
		return fail(err,
			"the key %s is encrypted, and a build asks nobody: add it to an "
			"agent (ssh-agent, ssh-add) and give that",
			path);
	keys->items = str_realloc(keys->items, keys->count + 1, sizeof(*keys->items));
	keys->items[keys->count++] =
		(struct ssh_key){ .path = str_dup(path), .text = take_ptr(&text) };
	return 0;
}

/* ---- in the keeper ------------------------------------------------------------------- */

struct kept {
	char directory[SOCKET_MAX];
	char socket[SOCKET_MAX];
	pid_t agent;
};

/* What goes over the socket. */
struct report {
	bool failed;
	struct error error;
	char socket[SOCKET_MAX];
};

static int make_place(struct kept *kept, struct error *err)
{
	const char *temporary = getenv("TMPDIR");
	const char *parent = temporary && *temporary == '/' ? temporary : "/tmp";
	int length = snprintf(
		kept->socket, sizeof(kept->socket), "%s/mocker-ssh.XXXXXX/agent", parent);

	if (length >= SOCKET_MAX)
		return fail(
			err, "$TMPDIR is too long for a socket's address: %s", parent);
	memcpy(kept->directory, kept->socket, (size_t)length - strlen("/agent"));
	if (!mkdtemp(kept->directory)) {
		*kept->directory = '\0';
		return fail_errno(
			err, "making a directory for an agent's socket in %s", parent);
	}
	memcpy(kept->socket, kept->directory, strlen(kept->directory));
	return 0;
}

/* It may be setgid, as Debian has it, and such a program would lose the signal by which it
 * ends with us: hence no new privileges. */
static no_return void become_agent(const char *program, char *socket, int output)
{
	char name[] = "ssh-agent", foreground[] = "-D", at[] = "-a";
	char *const arguments[] = { name, foreground, at, socket, NULL };
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
		prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && dup2(null, STDIN_FILENO) >= 0 &&
		dup2(output, STDOUT_FILENO) >= 0 && dup2(output, STDERR_FILENO) >= 0)
		execv(program, arguments);
	_exit(127);
}

/* It listens once it has told where. */
static int await_agent(int output, struct error *err)
{
	char said[512] = "";
	size_t length = 0;
	ssize_t got;

	while (!memchr(said, '\n', length) && length < sizeof(said) - 1) {
		got = read(output, said + length, sizeof(said) - 1 - length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		length += (size_t)got;
	}
	said[strcspn(said, "\n")] = '\0';
	return str_after(said, "SSH_AUTH_SOCK=")
		       ? 0
		       : fail(err, "ssh-agent did not begin: %s", said);
}

static int find_program(const char *name, char **ret, struct error *err)
{
	*ret = path_of_program(name);
	if (!*ret)
		return fail_code(err, ENOENT,
			"%s is not installed, and a key is given by it (package "
			"openssh-client)",
			name);
	return 0;
}

static int start_agent(struct kept *kept, struct error *err)
{
	auto_free char *program = NULL;
	auto_fd output = -1, input = -1;
	int ends[2];

	if (find_program("ssh-agent", &program, err) < 0)
		return -1;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return fail_errno(err, "making a pipe to ssh-agent");
	output = ends[0];
	input = ends[1];
	kept->agent = fork();
	if (kept->agent < 0)
		return fail_errno(err, "starting ssh-agent");
	if (kept->agent == 0)
		become_agent(program, kept->socket, input);
	close(take_fd(&input));
	return await_agent(output, err);
}

static int add_key(const struct kept *kept, const struct ssh_key *key, struct error *err)
{
	char name[] = "ssh-add", quiet[] = "-q", from_input[] = "-";
	auto_free char *program = NULL;
	auto_strings environment = { 0 };
	auto_str errors = { 0 };
	struct process_run run = {
		.argv = (char *const[]){ name, quiet, from_input, NULL },
		.input = key->text,
		.input_length = strlen(key->text),
		.errors = &errors,
		.timeout_ms = ADD_MS,
		.new_session = true,
	};
	int status = 0;

	if (find_program(name, &program, err) < 0)
		return -1;
	strings_addf(&environment, "SSH_AUTH_SOCK=%s", kept->socket);
	strings_add(&environment, "SSH_ASKPASS_REQUIRE=never");
	strings_add(&environment, "HOME=/nonexistent");
	strings_add(&environment, "LC_ALL=C");
	run.path = program;
	run.envp = environment.items;
	if (process_run(&run, &status, err) < 0)
		return -1;
	str_flatten(&errors);
	if (status != 0)
		return fail(err, "the key %s: ssh-add: %s", key->path,
			errors.data ? errors.data : "no reason given");
	return 0;
}

static int begin(const struct ssh_keys *keys, struct kept *kept, struct error *err)
{
	if (make_place(kept, err) < 0 || start_agent(kept, err) < 0)
		return -1;
	for (size_t i = 0; i < keys->count; i++) {
		if (add_key(kept, &keys->items[i], err) < 0)
			return -1;
	}
	return 0;
}

static void end(const struct kept *kept)
{
	struct error ignored;
	int status;

	if (kept->agent > 0) {
		kill(kept->agent, SIGTERM);
		(void)!process_wait(kept->agent, &status, &ignored); /* as it likes */
	}
	if (*kept->directory) {
		(void)unlink(kept->socket); /* the agent did, if it could */
		(void)rmdir(kept->directory);
	}
}

/* In a session of its own: who interrupts the builder does not end what clears up. */
static no_return void keep(int sock, const struct ssh_keys *keys)
{
	struct report report = { 0 };
	struct kept kept = { 0 };
	char byte;

	(void)setsid(); /* fails only for a group leader, which a fresh fork is not */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	report.failed = begin(keys, &kept, &report.error) < 0;
	memcpy(report.socket, kept.socket, sizeof(report.socket));
	if (socket_send(sock, &report, sizeof(report), -1) == (ssize_t)sizeof(report) &&
		!report.failed)
		while (read(sock, &byte, 1) < 0 && errno == EINTR)
			;
	end(&kept);
	_exit(0);
}

/* ---- in the builder ------------------------------------------------------------------ */

int ssh_agent_begin(const struct ssh_keys *keys, struct ssh_agent *ret, char **ret_socket,
	struct error *err)
{
	struct ssh_agent agent = { 0 };
	struct report report;
	int ends[2], no_fd;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return fail_errno(err, "making a socket to the keeper of an agent");
	agent = (struct ssh_agent){ .keeper = fork(), .sock = ends[0] };
	if (agent.keeper == 0) {
		close(ends[0]);
		keep(ends[1], keys);
	}
	close(ends[1]);
	if (agent.keeper < 0) {
		close(ends[0]);
		return fail_errno(err, "starting the keeper of an agent");
	}
	if (socket_receive(agent.sock, &report, sizeof(report), &no_fd) !=
		(ssize_t)sizeof(report)) {
		report.failed = true;
		error_set(&report.error, "the keeper of an agent ended early");
	}
	if (report.failed) {
		ssh_agent_end(&agent);
		*err = report.error;
		return -1;
	}
	*ret = agent;
	*ret_socket = str_dup(report.socket);
	return 0;
}

/* By shutdown(): processes of ours may still have the socket too. */
void ssh_agent_end(struct ssh_agent *agent)
{
	struct error ignored;
	int status;

	if (agent->keeper <= 0)
		return;
	shutdown(agent->sock, SHUT_RDWR);
	close(agent->sock);
	(void)!process_wait(agent->keeper, &status, &ignored); /* it tells nothing */
	*agent = (struct ssh_agent){ 0 };
}
