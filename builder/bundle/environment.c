/* The environment: the image's, that of --env-file, that of --env, and what every program
 * expects. */
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/process.h"
#include "builder/bundle/config.h"

#define FILE_MAX (1u << 20)

/* A name without "=" takes the caller's value, and nothing where there is none: it must
 * never reach the container as it stands. */
static int add_item(
	const char *place, const char *item, struct strings *env, struct error *err)
{
	const char *equals = strchr(item, '=');
	auto_free char *name =
		str_dup_n(item, equals ? (size_t)(equals - item) : strlen(item));
	const char *value = equals ? equals + 1 : getenv(name);

	if (!*name || strpbrk(name, " \t\r"))
		return fail(err, "%s \"%s\": expected NAME=VALUE or NAME", place, item);
	if (value)
		strings_env_set(env, name, value);
	return 0;
}

/* Docker's form: lines, "#" comments, no quotes. */
static int add_file(const char *path, struct strings *env, struct error *err)
{
	auto_free char *text = NULL;
	auto_strings lines = { 0 };
	struct fd_read_options options = { .limit = FILE_MAX };
	size_t length = 0, number = 0;
	auto_fd fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY); /* may be a pipe */

	if (fd < 0)
		return fail_errno(err, "--env-file %s", path);
	if (fd_read_all(fd, path, options, &text, &length, err) < 0)
		return fail_while(err, "--env-file");
	if (memchr(text, '\0', length))
		return fail(err, "--env-file %s: it is no text", path);
	strings_split(&lines, text, '\n');
	strings_each (line, &lines) {
		auto_free char *place = str_format("--env-file %s:%zu:", path, ++number);
		char *begin = *line + strspn(*line, " \t");
		size_t end = strlen(begin);

		if (end > 0 && begin[end - 1] == '\r')
			begin[end - 1] = '\0';
		if (!*begin || *begin == '#')
			continue;
		if (add_item(place, begin, env, err) < 0)
			return -1;
	}
	return 0;
}

static int add_image_env(
	const struct strings *list, struct strings *env, struct error *err)
{
	strings_each (item, list) {
		const char *equals = strchr(*item, '=');

		if (!equals || equals == *item) /* it would import the host's variable */
			return fail(err,
				"the image's Env has \"%s\": expected NAME=VALUE", *item);
		strings_add(env, *item);
	}
	return 0;
}

static const char *home_of(const struct user *user)
{
	if (user->home[0])
		return user->home;
	return user->uid == 0 ? "/root" : "/";
}

int bundle_add_env(
	const struct bundle_input *input, struct strings *env, struct error *err)
{
	if (add_image_env(&input->image->config.config.env, env, err) < 0)
		return -1;
	strings_each (path, &input->request->env_files) {
		if (add_file(*path, env, err) < 0)
			return -1;
	}
	strings_each (item, &input->request->env) {
		if (add_item("--env", *item, env, err) < 0)
			return -1;
	}
	if (!strings_env(env, "PATH"))
		strings_env_set(env, "PATH", PROCESS_PATH_DEFAULT);
	if (!strings_env(env, "HOME"))
		strings_env_set(env, "HOME", home_of(input->user));
	if (input->request->terminal && !strings_env(env, "TERM"))
		strings_env_set(env, "TERM", "xterm");
	return 0;
}
