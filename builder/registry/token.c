/* A challenge is read, its server is asked, the answer becomes the next header. */
#include "builder/registry/token.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/json.h"

#define TOKEN_LIMIT (256u << 10)
#define CLIENT_ID   "mocker-builder"

struct challenge {
	char *realm;
	char *service;
	char *scope;
};

struct token {
	char *token;
	char *access_token;
};

static const struct json_field token_fields[] = {
	JSON_STRING(struct token, token, "token"),
	JSON_STRING(struct token, access_token, "access_token"),
	JSON_END,
};
static const struct json_type token_type = JSON_TYPE(struct token, token_fields);

static void challenge_free(struct challenge *challenge)
{
	free(challenge->realm);
	free(challenge->service);
	free(challenge->scope);
}

#define auto_challenge __attribute__((cleanup(challenge_free))) struct challenge

static void set_parameter(
	struct challenge *challenge, const char *name, size_t length, char *value)
{
	const struct {
		const char *name;
		char **to;
	} known[] = {
		{ "realm", &challenge->realm },
		{ "service", &challenge->service },
		{ "scope", &challenge->scope },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (strlen(known[i].name) == length &&
			strncasecmp(known[i].name, name, length) == 0) {
			free(*known[i].to);
			*known[i].to = value;
			return;
		}
	}
	free(value);
}

/* NAME="VALUE" or NAME=VALUE, between commas. */
static void read_parameters(const char *at, struct challenge *ret)
{
	while (*at) {
		size_t length;
		const char *name;
		auto_str value = { 0 };

		at += strspn(at, " \t,");
		name = at;
		length = strcspn(at, "=, ");
		at += length;
		if (*at != '=')
			continue;
		if (*++at == '"') {
			for (at++; *at && *at != '"'; at++) {
				if (*at == '\\' && at[1])
					at++;
				str_append_char(&value, *at);
			}
			at += *at == '"';
		} else {
			size_t plain = strcspn(at, ", ");

			str_append_n(&value, at, plain);
			at += plain;
		}
		set_parameter(ret, name, length, str_take(&value));
	}
}

static void append_coded(struct str *url, const char *name, const char *value)
{
	str_appendf(url, "%c%s=", url->data && strchr(url->data, '?') ? '&' : '?', name);
	for (; *value; value++) {
		if (isalnum((unsigned char)*value) || strchr("-._~", *value))
			str_append_char(url, *value);
		else
			str_appendf(url, "%%%02X", (unsigned char)*value);
	}
}

/* What we mean to do; a scope that the challenge names is the registry's own wording. */
static char *wanted_scope(const struct client *client, const struct challenge *challenge)
{
	if (challenge->scope && strchr(challenge->scope, ':'))
		return str_dup(challenge->scope);
	if (!client->repository)
		return NULL;
	return str_format(
		"repository:%s:pull%s", client->repository, client->push ? ",push" : "");
}

/* By GET, as anonymous or with Basic; with an identity token by POST, as OAuth2 has it. */
static int ask(struct client *client, const struct challenge *challenge,
	struct http_response *ret, struct error *err)
{
	auto_free char *scope = wanted_scope(client, challenge);
	const char *identity = client->credentials.identity_token;
	auto_free char *basic = NULL;
	auto_free char *authorization = NULL;
	auto_str query = { 0 };
	auto_str url = { 0 };
	struct http_request request = {
		.method = identity ? "POST" : "GET",
		.trust = &client->trust,
		.limit = TOKEN_LIMIT,
	};

	str_append(&url, challenge->realm);
	if (challenge->service)
		append_coded(identity ? &query : &url, "service", challenge->service);
	if (scope)
		append_coded(identity ? &query : &url, "scope", scope);
	if (identity) {
		append_coded(&query, "grant_type", "refresh_token");
		append_coded(&query, "client_id", CLIENT_ID);
		append_coded(&query, "refresh_token", identity);
		request.data = query.data + 1; /* without its "?" */
		request.length = query.length - 1;
	} else if (client->credentials.user) {
		basic = credentials_basic(&client->credentials);
		authorization = str_format("Basic %s", basic);
		request.authorization = authorization;
	}
	request.url = url.data;
	return http_perform(&client->http, &request, ret, err);
}

/* Where the token server may be: encrypted, unless the registry itself is not. */
static int check_realm(
	const struct client *client, const struct challenge *challenge, struct error *err)
{
	bool plain;

	if (!challenge->realm)
		return fail(err, "%s asks for a token and does not say whose",
			client->origin);
	plain = strncasecmp(challenge->realm, "http://", 7) == 0;
	if (!plain && strncasecmp(challenge->realm, "https://", 8) != 0)
		return fail(err, "%s names the token server \"%s\", which is no address",
			client->origin, challenge->realm);
	if (plain && !client->insecure)
		return fail(err,
			"%s names the token server %s, to which credentials would go "
			"unencrypted",
			client->origin, challenge->realm);
	return 0;
}

static int get_token(
	struct client *client, const struct challenge *challenge, struct error *err)
{
	struct json_options options = { .name = "token" };
	auto_http_response response = { 0 };
	struct token token = { 0 };
	const char *text;

	if (check_realm(client, challenge, err) < 0 ||
		ask(client, challenge, &response, err) < 0)
		return -1;
	if (response.status == 401 || response.status == 403)
		return fail_code(err, EACCES, "the token server %s refused %s (%ld)",
			challenge->realm,
			client->credentials.user || client->credentials.identity_token
				? "the credentials"
				: "an anonymous request; log in first",
			response.status);
	if (response.status != 200 || response.too_large)
		return fail(err, "the token server %s answers %ld", challenge->realm,
			response.status);
	options.name = challenge->realm;
	if (json_read(&token_type, &token, response.body.data ? response.body.data : "",
		    response.body.length, &options, err) < 0)
		return -1;
	text = token.token && *token.token ? token.token : token.access_token;
	if (text && *text && !strpbrk(text, "\r\n")) {
		free(client->authorization);
		client->authorization = str_format("Bearer %s", text);
		json_free(&token_type, &token);
		return 0;
	}
	json_free(&token_type, &token);
	return fail(err, "the token server %s gave no token", challenge->realm);
}

static int use_basic(struct client *client, struct error *err)
{
	auto_free char *basic = NULL;

	if (!client->credentials.user)
		return fail_code(err, EACCES,
			"%s asks for a user and a password; `mocker-builder login %s` "
			"stores them",
			client->origin, client->host);
	if (strncasecmp(client->origin, "https:", 6) != 0 && !client->insecure)
		return fail(err, "%s would get a password unencrypted", client->origin);
	basic = credentials_basic(&client->credentials);
	free(client->authorization);
	client->authorization = str_format("Basic %s", basic);
	return 0;
}

int token_negotiate(
	struct client *client, const struct strings *challenges, struct error *err)
{
	bool basic = false;

	strings_each (text, challenges) {
		auto_challenge challenge = { 0 };

		if (strncasecmp(*text, "Bearer ", 7) == 0) {
			read_parameters(*text + 7, &challenge);
			return get_token(client, &challenge, err);
		}
		basic = basic || strncasecmp(*text, "Basic", 5) == 0;
	}
	if (basic)
		return use_basic(client, err);
	return fail(err, "%s asks for an authentication that is neither Basic nor Bearer",
		client->origin);
}
