/* Auth files are read as tables; helpers are run with the host on their standard input. */
#include "builder/registry/credentials.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/path.h"
#include "base/process.h"
#include "base/str.h"
#include "builder/rootless.h"

#define FILE_LIMIT     (1u << 20)
#define HELPER_MS      60000
#define DOCKER_HUB     "docker.io"
#define DOCKER_HUB_KEY "https://index.docker.io/v1/"

struct auth_entry {
	char *key;
	char *auth; /* base64 of USER:PASSWORD */
	char *username;
	char *password;
	char *identity_token;
};

struct auth_file {
	struct auth_entry *auths;
	size_t auths_count;
	struct pairs helpers; /* host → NAME of docker-credential-NAME */
	char *store;          /* the helper for all others */
};

static const struct json_field entry_fields[] = {
	JSON_STRING(struct auth_entry, auth, "auth"),
	JSON_STRING(struct auth_entry, username, "username"),
	JSON_STRING(struct auth_entry, password, "password"),
	JSON_STRING(struct auth_entry, identity_token, "identitytoken"),
	JSON_END,
};
static const struct json_type entry_type = JSON_TYPE(struct auth_entry, entry_fields);

static const struct json_field file_fields[] = {
	JSON_MAP(struct auth_file, auths, "auths", &entry_type, .always = true),
	JSON_PAIRS(struct auth_file, helpers, "credHelpers"),
	JSON_STRING(struct auth_file, store, "credsStore"),
	JSON_END,
};
static const struct json_type file_type = JSON_TYPE(struct auth_file, file_fields);

/* What a helper prints. */
struct secret {
	char *user;
	char *secret;
};

static const struct json_field secret_fields[] = {
	JSON_STRING(struct secret, user, "Username"),
	JSON_STRING(struct secret, secret, "Secret"),
	JSON_END,
};
static const struct json_type secret_type = JSON_TYPE(struct secret, secret_fields);

static void auth_file_free(struct auth_file *file)
{
	json_free(&file_type, file);
}

#define auto_auth_file __attribute__((cleanup(auth_file_free))) struct auth_file

static void secret_free(struct secret *secret)
{
	json_free(&secret_type, secret);
}

#define auto_secret __attribute__((cleanup(secret_free))) struct secret

void credentials_free(struct credentials *credentials)
{
	free(credentials->user);
	free(credentials->password);
	free(credentials->identity_token);
	*credentials = (struct credentials){ 0 };
}

char *credentials_basic(const struct credentials *credentials)
{
	auto_free char *plain = str_format("%s:%s", credentials->user,
		credentials->password ? credentials->password : "");
	size_t length = strlen(plain);
	unsigned char *coded = str_alloc(length / 3 * 4 + 5);

	EVP_EncodeBlock(coded, (const unsigned char *)plain, (int)length);
	return (char *)coded;
}

static int decode(
	const char *key, const char *coded, struct credentials *ret, struct error *err)
{
	size_t length = strlen(coded);
	auto_free char *plain = str_alloc(length + 1);
	char *colon = NULL;

	if (length % 4 == 0 && length < FILE_LIMIT &&
		EVP_DecodeBlock((unsigned char *)plain, (const unsigned char *)coded,
			(int)length) >= 0)
		colon = strchr(plain, ':');
	if (!colon)
		return fail(err, "the entry of %s is not USER:PASSWORD in base64", key);
	ret->user = str_dup_n(plain, (size_t)(colon - plain));
	ret->password = str_dup(colon + 1);
	return 0;
}

/* "https://index.docker.io/v1/" is docker.io; "https://HOST/v2/" is HOST. */
static char *plain_key(const char *key)
{
	const char *scheme = strstr(key, "://");
	const char *from = scheme ? scheme + 3 : key;
	size_t length = strlen(from);
	auto_free char *plain = NULL;

	if (str_ends_with(from, "/v1/") || str_ends_with(from, "/v2/"))
		length -= 4;
	else if (str_ends_with(from, "/"))
		length--;
	plain = str_dup_n(from, length);
	if (str_equal(plain, "index.docker.io") ||
		str_equal(plain, "registry-1.docker.io"))
		return str_dup(DOCKER_HUB);
	return take_ptr(&plain);
}

/* Whether the key is the name or begins it at a component's end. */
static bool covers(const char *key, const char *name)
{
	const char *rest = str_after(name, key);

	return *key && rest && (*rest == '\0' || *rest == '/');
}

/* The docker-credential-helpers protocol: a verb, what it is about on standard input. Of a
 * verb that fails the status is not 0, and the output says why. */
static int call_helper(const char *helper, const char *verb, const char *input,
	struct str *output, int *ret_status, struct error *err)
{
	auto_free char *program = str_format("docker-credential-%s", helper);
	auto_free char *word = str_dup(verb);
	char *argv[] = { program, word, NULL };
	struct process_run run = {
		.path = program,
		.argv = argv,
		.cwd_fd = -1,
		.input = input,
		.input_length = strlen(input),
		.output = output,
		.timeout_ms = HELPER_MS,
		.new_session = true,
	};

	if (strchr(helper, '/'))
		return fail(err, "the credential helper \"%s\" is no plain name", helper);
	if (process_run(&run, ret_status, err) < 0)
		return fail_while(err, "running the credential helper %s", program);
	return 0;
}

static int fail_helper(
	const char *helper, const struct str *output, int status, struct error *err)
{
	auto_free char *program = str_format("docker-credential-%s", helper);

	return process_fail_status(program, status, output, err);
}

static int run_helper(const char *helper, const char *server, struct credentials *ret,
	struct error *err)
{
	struct json_options options = { .name = helper };
	auto_str output = { 0 };
	auto_secret secret = { 0 };
	int status = 0;

	if (call_helper(helper, "get", server, &output, &status, err) < 0)
		return -1;
	if (status != 0 && output.data && strstr(output.data, "credentials not found"))
		return 0;
	if (status != 0)
		return fail_helper(helper, &output, status, err);
	if (json_read(&secret_type, &secret, output.data ? output.data : "",
		    output.length, &options, err) < 0)
		return -1;
	if (str_equal(secret.user, "<token>")) {
		ret->identity_token = take_ptr(&secret.secret);
	} else if (secret.user && *secret.user) {
		ret->user = take_ptr(&secret.user);
		ret->password = take_ptr(&secret.secret);
	}
	return 0;
}

static bool found(const struct credentials *credentials)
{
	return credentials->user || credentials->identity_token;
}

static int take_entry(
	const struct auth_entry *entry, struct credentials *ret, struct error *err)
{
	if (entry->identity_token && *entry->identity_token) {
		ret->identity_token = str_dup(entry->identity_token);
	} else if (entry->auth && *entry->auth) {
		return decode(entry->key, entry->auth, ret, err);
	} else if (entry->username && *entry->username) {
		ret->user = str_dup(entry->username);
		ret->password = str_dup(entry->password);
	}
	return 0;
}

static int find_auth(const struct auth_file *file, const char *name,
	struct credentials *ret, struct error *err)
{
	const struct auth_entry *best = NULL;
	size_t best_length = 0;

	for (size_t i = 0; i < file->auths_count; i++) {
		auto_free char *key = plain_key(file->auths[i].key);

		if (covers(key, name) && strlen(key) > best_length) {
			best = &file->auths[i];
			best_length = strlen(key);
		}
	}
	return best ? take_entry(best, ret, err) : 0;
}

/* What helpers know the host by. */
static const char *server_of(const char *host)
{
	return str_equal(host, DOCKER_HUB) ? DOCKER_HUB_KEY : host;
}

/* The one that is there for the name, a host or HOST/REPOSITORY; NULL: none is. */
static const char *own_helper(const struct auth_file *file, const char *name)
{
	for (size_t i = 0; i < file->helpers.count; i++) {
		auto_free char *key = plain_key(file->helpers.items[i].key);

		if (covers(key, name))
			return file->helpers.items[i].value;
	}
	return NULL;
}

/* What a helper of its own has not, nobody has. */
static int find_in(const struct auth_file *file, const char *host, const char *repository,
	struct credentials *ret, struct error *err)
{
	auto_free char *name = str_format("%s/%s", host, repository);
	const char *server = server_of(host);
	const char *own = own_helper(file, name);

	if (own)
		return run_helper(own, server, ret, err);
	if (file->store && *file->store && run_helper(file->store, server, ret, err) < 0)
		return -1;
	return found(ret) ? 0 : find_auth(file, name, ret, err);
}

/* A file that is not there has nothing. */
static int read_auth_file(const char *path, struct auth_file *ret,
	void (*unknown)(void *, const char *), void *argument, struct error *err)
{
	struct json_options options = {
		.size_max = FILE_LIMIT,
		.unknown = unknown,
		.argument = argument,
	};
	struct error first = { 0 };

	if (json_read_file(&file_type, ret, AT_FDCWD, path, &options, &first) == 0)
		return 0;
	if (first.errnum == ENOENT || first.errnum == ENOTDIR)
		return 0;
	*err = first;
	return -1;
}

static char *runtime_file(void)
{
	const char *directory = getenv("XDG_RUNTIME_DIR");

	if (directory && *directory == '/')
		return path_join(directory, "containers/auth.json");
	return str_format("/run/containers/%u/auth.json", rootless_user());
}

static void list_files(const char *authfile, struct strings *ret)
{
	const char *named = authfile ? authfile : getenv("REGISTRY_AUTH_FILE");
	const char *docker = getenv("DOCKER_CONFIG");
	const char *home = getenv("HOME");

	if (named && *named) {
		strings_add(ret, named);
		return;
	}
	strings_add_take(ret, runtime_file());
	if (home && *home == '/')
		strings_add_take(ret, path_join(home, ".config/containers/auth.json"));
	if (docker && *docker == '/')
		strings_add_take(ret, path_join(docker, "config.json"));
	else if (home && *home == '/')
		strings_add_take(ret, path_join(home, ".docker/config.json"));
}

int credentials_find(const char *authfile, const char *host, const char *repository,
	struct credentials *ret, struct error *err)
{
	auto_credentials credentials = { 0 };
	auto_strings files = { 0 };

	list_files(authfile, &files);
	strings_each (path, &files) {
		auto_auth_file file = { 0 };

		if (read_auth_file(*path, &file, NULL, NULL, err) < 0)
			return -1;
		if (find_in(&file, host, repository, &credentials, err) < 0)
			return fail_while(err, "%s", *path);
		if (found(&credentials))
			break;
	}
	*ret = credentials;
	credentials = (struct credentials){ 0 };
	return 0;
}

/* ---- login, logout ----------------------------------------------------------------- */

static void note_unknown(void *argument, const char *line)
{
	*(bool *)argument = true;
}

/* A file with members that the table does not have would lose them. */
static int read_to_change(const char *path, struct auth_file *ret, struct error *err)
{
	bool unknown = false;

	if (read_auth_file(path, ret, note_unknown, &unknown, err) < 0)
		return -1;
	if (!unknown)
		return 0;
	return fail(err,
		"%s holds more than credentials and is not changed; name another file "
		"with --authfile",
		path);
}

static void drop_host(struct auth_file *file, const char *host, bool *ret_dropped)
{
	for (size_t i = file->auths_count; i-- > 0;) {
		auto_free char *key = plain_key(file->auths[i].key);

		if (!str_equal(key, host))
			continue;
		*ret_dropped = true;
		free(file->auths[i].key);
		json_free(&entry_type, &file->auths[i]);
		memmove(&file->auths[i], &file->auths[i + 1],
			(file->auths_count - i - 1) * sizeof(*file->auths));
		file->auths_count--;
	}
}

static int write_auth_file(
	const char *path, const struct auth_file *file, struct error *err)
{
	struct file_replace_options replace = { .mode = 0600 };
	struct json_write_options pretty = { .pretty = true };
	auto_free char *parent = path_parent(path);
	auto_str text = { 0 };

	json_write(&text, &file_type, file, pretty);
	if (path_mkdirs(parent, 0700, err) < 0)
		return -1;
	return file_replace_at(AT_FDCWD, path, text.data, text.length, replace, err);
}

static char *file_to_write(const char *authfile)
{
	const char *named = authfile ? authfile : getenv("REGISTRY_AUTH_FILE");

	return named && *named ? str_dup(named) : runtime_file();
}

/* NULL: the file itself has the host's credentials. */
static const char *helper_of(const struct auth_file *file, const char *host)
{
	const char *own = own_helper(file, host);

	if (own)
		return own;
	return file->store && *file->store ? file->store : NULL;
}

static int change_by_helper(
	const char *helper, const char *verb, const char *input, struct error *err)
{
	auto_str output = { 0 };
	int status = 0;

	if (call_helper(helper, verb, input, &output, &status, err) < 0)
		return -1;
	return status == 0 ? 0 : fail_helper(helper, &output, status, err);
}

static int store_by_helper(const char *helper, const char *host,
	const struct credentials *credentials, struct error *err)
{
	auto_str input = { 0 };

	str_append(&input, "{\"ServerURL\":");
	json_append_string(&input, server_of(host));
	str_append(&input, ",\"Username\":");
	json_append_string(&input, credentials->user);
	str_append(&input, ",\"Secret\":");
	json_append_string(&input, credentials->password);
	str_append_char(&input, '}');
	return change_by_helper(helper, "store", input.data, err);
}

int credentials_store(const char *authfile, const char *host,
	const struct credentials *credentials, struct error *err)
{
	auto_free char *path = file_to_write(authfile);
	auto_auth_file file = { 0 };
	const char *helper;
	bool dropped = false;

	if (read_to_change(path, &file, err) < 0)
		return -1;
	helper = helper_of(&file, host);
	if (helper)
		return store_by_helper(helper, host, credentials, err);
	drop_host(&file, host, &dropped);
	file.auths = str_realloc(file.auths, file.auths_count + 1, sizeof(*file.auths));
	file.auths[file.auths_count++] = (struct auth_entry){
		.key = str_dup(host),
		.auth = credentials_basic(credentials),
	};
	return write_auth_file(path, &file, err);
}

int credentials_remove(const char *authfile, const char *host, struct error *err)
{
	auto_free char *path = file_to_write(authfile);
	auto_auth_file file = { 0 };
	const char *helper;
	bool dropped = false;

	if (read_to_change(path, &file, err) < 0)
		return -1;
	helper = helper_of(&file, host);
	if (helper)
		return change_by_helper(helper, "erase", server_of(host), err);
	drop_host(&file, host, &dropped);
	if (!dropped)
		return fail_code(err, ENOENT, "%s has no entry for %s", path, host);
	return write_auth_file(path, &file, err);
}
