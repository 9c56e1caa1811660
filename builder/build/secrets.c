/* Reading --secret and --ssh, and the secrets themselves. */
#include "builder/build/secrets.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

#define SECRET_MAX (500u << 10)

static void free_secret(struct build_secret *secret)
{
	free(secret->id);
	free(secret->path);
	free(secret->variable);
	ssh_keys_free(&secret->keys);
	ssh_agent_end(&secret->agent);
	*secret = (struct build_secret){ 0 };
}

void secrets_free(struct build_secrets *secrets)
{
	for (size_t i = 0; i < secrets->count; i++)
		free_secret(&secrets->items[i]);
	free(secrets->items);
	*secrets = (struct build_secrets){ 0 };
}

const struct build_secret *secrets_find(
	const struct build_secrets *secrets, const char *id)
{
	for (size_t i = 0; i < secrets->count; i++) {
		if (strcmp(secrets->items[i].id, id) == 0)
			return &secrets->items[i];
	}
	return NULL;
}

static void append(struct build_secrets *secrets, struct build_secret *secret)
{
	secrets->items =
		str_realloc(secrets->items, secrets->count + 1, sizeof(*secrets->items));
	secrets->items[secrets->count++] = *secret;
	*secret = (struct build_secret){ 0 };
}

static int read_word(struct build_secret *secret, const char *word, const char *text,
	struct error *err)
{
	const struct {
		const char *prefix;
		char **value;
	} table[] = {
		{ "id=", &secret->id },
		{ "src=", &secret->path },
		{ "source=", &secret->path },
		{ "env=", &secret->variable },
	};

	if (strcmp(word, "type=file") == 0 || strcmp(word, "type=env") == 0)
		return 0; /* the other words say it */
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		const char *value = str_after(word, table[i].prefix);

		if (!value)
			continue;
		free(*table[i].value);
		*table[i].value = str_dup(value);
		return 0;
	}
	return fail(err,
		"--secret %s: \"%s\" is not known; expected id=, src= or env=", text,
		word);
}

int secrets_add(struct build_secrets *secrets, const char *text, struct error *err)
{
	struct build_secret secret = { 0 };
	auto_strings words = { 0 };
	int result = 0;

	strings_split(&words, text, ',');
	strings_each (word, &words) {
		if (result == 0)
			result = read_word(&secret, *word, text, err);
	}
	if (result == 0 && (!secret.id || !*secret.id))
		result = fail(err, "--secret %s: expected id=ID", text);
	if (result == 0 && !secret.path && !secret.variable)
		*(getenv(secret.id) ? &secret.variable : &secret.path) =
			str_dup(secret.id);
	if (result == 0 && secret.variable && !getenv(secret.variable))
		result = fail(err, "--secret %s: the variable %s is not set", text,
			secret.variable);
	if (result == 0 && secret.path && access(secret.path, R_OK) < 0)
		result = fail_errno(err, "--secret %s: the file %s", text, secret.path);
	if (result == 0)
		append(secrets, &secret);
	free_secret(&secret);
	return result;
}

/* A list, or one file that is no socket, is of keys. */
static int read_agent(struct build_secret *secret, const char *text, const char *value,
	struct error *err)
{
	auto_strings paths = { 0 };
	struct stat st;

	strings_split(&paths, value, ',');
	if (paths.count <= 1) {
		if (stat(value, &st) < 0)
			return fail_errno(err, "--ssh %s: %s", text, value);
		if (S_ISSOCK(st.st_mode)) {
			secret->path = realpath(value, NULL);
			return secret->path ? 0 : fail_errno(err, "--ssh %s", text);
		}
	}
	strings_each (path, &paths) {
		if (ssh_keys_add(&secret->keys, *path, err) < 0)
			return fail_while(err, "--ssh %s", text);
	}
	return 0;
}

int secrets_add_ssh(struct build_secrets *secrets, const char *text, struct error *err)
{
	const char *equals = strchr(text, '=');
	const char *value = equals ? equals + 1 : getenv("SSH_AUTH_SOCK");
	struct build_secret secret = { 0 };

	if (!*text || equals == text)
		return fail(err, "--ssh %s: expected ID[=SOCKET|KEY[,KEY]]", text);
	if (!value || !*value)
		return fail(err,
			"--ssh %s: no agent's socket at $SSH_AUTH_SOCK; start one "
			"(ssh-agent), or give a key: --ssh %.*s=FILE",
			text, (int)(equals ? equals - text : (ptrdiff_t)strlen(text)),
			text);
	secret.id = equals ? str_dup_n(text, (size_t)(equals - text)) : str_dup(text);
	if (read_agent(&secret, text, value, err) < 0) {
		free_secret(&secret);
		return -1;
	}
	append(secrets, &secret);
	return 0;
}

int secrets_begin_agents(struct build_secrets *secrets, struct error *err)
{
	for (size_t i = 0; i < secrets->count; i++) {
		struct build_secret *secret = &secrets->items[i];

		if (secret->keys.count == 0)
			continue;
		if (ssh_agent_begin(&secret->keys, &secret->agent, &secret->path, err) <
			0)
			return fail_while(err, "--ssh %s", secret->id);
		ssh_keys_free(&secret->keys);
	}
	return 0;
}

int secret_read(const struct build_secret *secret, char **ret, size_t *ret_length,
	struct error *err)
{
	const char *value;

	if (secret->path)
		return file_read_at(
			AT_FDCWD, secret->path, SECRET_MAX, ret, ret_length, err);
	value = getenv(secret->variable);
	if (!value)
		return fail(err, "the variable %s is not set", secret->variable);
	*ret = str_dup(value);
	*ret_length = strlen(value);
	return 0;
}

int secrets_text(const struct build_secrets *secrets, const char *id, char **ret,
	struct error *err)
{
	const struct build_secret *secret = secrets ? secrets_find(secrets, id) : NULL;
	size_t length;

	*ret = NULL;
	if (!secret)
		return 0;
	if (secret_read(secret, ret, &length, err) < 0)
		return fail_while(err, "secret \"%s\"", id);
	while (length > 0 && strchr(" \t\r\n", (*ret)[length - 1]))
		(*ret)[--length] = '\0';
	return 0;
}
