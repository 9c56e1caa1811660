/* Reading --secret and --ssh, and the secrets themselves. */
#include "builder/secrets.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

#define SECRET_MAX (500u << 10)

static void free_secret(struct build_secret *secret)
{
	free(secret->id);
	free(secret->path);
	free(secret->variable);
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

int secrets_add_ssh(struct build_secrets *secrets, const char *text, struct error *err)
{
	const char *equals = strchr(text, '=');
	const char *socket = equals ? equals + 1 : getenv("SSH_AUTH_SOCK");
	struct build_secret secret = { 0 };
	struct stat st;

	if (!*text || equals == text)
		return fail(err, "--ssh %s: expected ID[=SOCKET]", text);
	if (!socket || stat(socket, &st) < 0)
		return fail(err, "--ssh %s: no agent's socket at %s", text,
			socket ? socket : "$SSH_AUTH_SOCK");
	if (!S_ISSOCK(st.st_mode))
		return fail(err,
			"--ssh %s: %s is no socket; a key is given by an agent that has it "
			"(ssh-agent, ssh-add)",
			text, socket);
	secret.id = equals ? str_dup_n(text, (size_t)(equals - text)) : str_dup(text);
	secret.path = realpath(socket, NULL);
	if (!secret.path)
		str_out_of_memory();
	append(secrets, &secret);
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
