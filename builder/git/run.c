/*
 * git as a program: its whole environment is made here, so that nothing of the user's or
 * of the host's configuration counts.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/process.h"
#include "builder/git/git_internal.h"
#include "builder/registry/credentials.h"

#define OUTPUT_MAX (4u << 20)

/* ssh with no key but those of the agent that was given, asking nobody. A host has to be
 * known to the caller, whose home is not what ssh would take for it in a user namespace;
 * the variable is ssh's own to expand. */
#define KNOWN_HOSTS "MOCKER_KNOWN_HOSTS"
#define SSH                                                                     \
	"ssh -F none -o BatchMode=yes -o IdentityFile=none -o ForwardAgent=no " \
	"-o StrictHostKeyChecking=yes -o 'UserKnownHostsFile=${" KNOWN_HOSTS "}'"

/* clang-format off */
static const char *const settings[][2] = {
	{ "core.hooksPath", "/dev/null" },
	{ "core.fsmonitor", "false" },
	{ "core.attributesFile", "/dev/null" },
	{ "core.autocrlf", "false" },
	{ "core.protectHFS", "true" },
	{ "core.protectNTFS", "true" },
	{ "init.templateDir", "" },
	{ "init.defaultBranch", "main" },
	{ "credential.helper", "" },
	{ "protocol.allow", "never" },
	{ "protocol.https.allow", "always" },
	{ "protocol.http.allow", "always" },
	{ "protocol.ssh.allow", "always" },
	{ "protocol.git.allow", "always" },
	{ "http.lowSpeedLimit", "1" },
	{ "http.lowSpeedTime", "60" },
	{ "gc.auto", "0" },
	{ "maintenance.auto", "false" },
	{ "advice.detachedHead", "false" },
};
/* clang-format on */

/* What a way out to the network may need. */
static const char *const passed[] = { "PATH", "http_proxy", "https_proxy", "HTTPS_PROXY",
	"all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY", "GIT_SSL_CAINFO" };

struct configuration {
	struct strings *environment;
	unsigned int count;
};

static void configure(struct configuration *to, const char *key, const char *value)
{
	strings_addf(to->environment, "GIT_CONFIG_KEY_%u=%s", to->count, key);
	strings_addf(to->environment, "GIT_CONFIG_VALUE_%u=%s", to->count, value);
	to->count++;
}

/* "https://host:port/" and "host:port"; NULL for what is not http. */
static char *server_of(const char *url, char **ret_host)
{
	const char *host = strstr(url, "://");
	const char *user;
	size_t length;

	if (!host || !str_after(url, "http"))
		return NULL;
	host += 3;
	length = strcspn(host, "/");
	user = memchr(host, '@', length);
	if (user) {
		length -= (size_t)(user + 1 - host);
		host = user + 1;
	}
	*ret_host = str_dup_n(host, length);
	return str_format("%.*s://%s/", (int)(strchr(url, ':') - url), url, *ret_host);
}

/* The secret NAME.HOST, else NAME. NULL where neither is there. */
static int find_secret(const struct git_options *options, const char *name,
	const char *host, char **ret, struct error *err)
{
	auto_free char *own = str_format("%s.%s", name, host);

	if (secrets_text(options->secrets, own, ret, err) < 0)
		return -1;
	return *ret ? 0 : secrets_text(options->secrets, name, ret, err);
}

static char *basic(char *token)
{
	char user[] = "x-access-token";
	struct credentials credentials = { .user = user, .password = token };
	auto_free char *coded = credentials_basic(&credentials);

	return str_format("basic %s", coded);
}

/* A header for the repository's own server, not for those of its submodules. */
static int add_authorization(
	struct configuration *to, const struct git_call *call, struct error *err)
{
	auto_free char *host = NULL;
	auto_free char *server = server_of(call->source->url, &host);
	auto_free char *header = NULL;
	auto_free char *token = NULL;
	auto_free char *key = NULL;
	auto_free char *value = NULL;

	if (!server)
		return 0;
	if (find_secret(call->options, "GIT_AUTH_HEADER", host, &header, err) < 0 ||
		find_secret(call->options, "GIT_AUTH_TOKEN", host, &token, err) < 0)
		return -1;
	if (!header && token)
		header = basic(token);
	if (!header)
		return 0;
	key = str_format("http.%s.extraHeader", server);
	value = str_format("Authorization: %s", header);
	configure(to, key, value);
	return 0;
}

static void add_ssh(const struct git_call *call, struct strings *environment)
{
	const char *home = getenv("HOME");
	const struct build_secret *agent =
		call->options->agents ? secrets_find(call->options->agents, "default")
				      : NULL;

	strings_add(environment, "GIT_SSH_COMMAND=" SSH);
	strings_addf(environment, KNOWN_HOSTS "=%s/.ssh/known_hosts",
		home ? home : "/nonexistent");
	if (agent)
		strings_addf(environment, "SSH_AUTH_SOCK=%s", agent->path);
}

static int make_environment(
	const struct git_call *call, struct strings *ret, struct error *err)
{
	struct configuration to = { .environment = ret };

	for (size_t i = 0; i < ARRAY_SIZE(passed); i++) {
		const char *value = getenv(passed[i]);

		if (value)
			strings_addf(ret, "%s=%s", passed[i], value);
	}
	strings_add(ret, "HOME=/nonexistent");
	strings_add(ret, "LC_ALL=C");
	strings_add(ret, "GIT_CONFIG_NOSYSTEM=1");
	strings_add(ret, "GIT_CONFIG_GLOBAL=/dev/null");
	strings_add(ret, "GIT_ATTR_NOSYSTEM=1");
	strings_add(ret, "GIT_TERMINAL_PROMPT=0");
	strings_add(ret, "GIT_ALLOW_PROTOCOL=https:http:ssh:git");
	add_ssh(call, ret);
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
		configure(&to, settings[i][0], settings[i][1]);
	if (add_authorization(&to, call, err) < 0)
		return -1;
	strings_addf(ret, "GIT_CONFIG_COUNT=%u", to.count);
	return 0;
}

/* Whoever called may have set another; files are 644 or 755. */
static void set_mask(void *argument)
{
	umask(022);
}

/* The first line that says what is wrong, else the last: what follows is what came of it.
 * Where ssh failed, what it said itself. */
static const char *reason(char *said)
{
	const char *last = "no reason given";

	for (char *line = strtok(said, "\r\n"); line; line = strtok(NULL, "\r\n")) {
		if (str_after(line, "fatal: Could not read from remote repository"))
			break;
		last = line;
		if (str_after(line, "fatal: "))
			break;
	}
	return last;
}

static int fail_git(
	const struct git_call *call, const char *command, char *said, struct error *err)
{
	const char *why = said ? reason(said) : "no reason given";

	fail(err, "%s: git %s: %s", call->source->url, command, why);
	if (str_after(why, "Host key verification failed"))
		return fail_hint(err, "the host's key must be in ~/.ssh/known_hosts or "
				      "/etc/ssh/ssh_known_hosts (ssh-keyscan)");
	if (strstr(why, "Permission denied (publickey"))
		return fail_hint(err, "give an agent or a key with --ssh default");
	return -1;
}

int git_run(const struct git_call *call, const char *const *arguments, char **ret,
	struct error *err)
{
	auto_strings environment = { 0 };
	auto_str output = { 0 };
	auto_str errors = { 0 };
	struct process_run run = {
		.path = "git",
		.argv = (char *const *)arguments,
		.cwd_fd = call->directory_fd,
		.output = &output,
		.errors = &errors,
		.keep = OUTPUT_MAX,
		.timeout_ms = call->timeout_ms,
		.in_child = set_mask,
	};
	int status = 0;

	if (make_environment(call, &environment, err) < 0)
		return -1;
	run.envp = environment.items;
	if (process_run(&run, &status, err) < 0)
		return fail_while(err, "%s", call->source->url);
	if (status != 0)
		return fail_git(call, arguments[1], errors.data, err);
	if (ret)
		*ret = str_take(&output);
	return 0;
}
