/* The process: what to execute, with which environment, as whom, with which capabilities.
 */
#include "builder/bundle/config.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/str.h"
#include "builder/bundle/profile.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* conversion.md: Entrypoint followed by Cmd. An entrypoint that the request sets takes the
 * image's Cmd away; arguments of the request stand in for Cmd. */
static int add_args(
	const struct bundle_input *input, struct strings *args, struct error *err)
{
	const struct bundle_request *request = input->request;
	const struct image_run_config *image = &input->image->config.config;

	if (request->has_entrypoint && request->entrypoint && *request->entrypoint)
		strings_add(args, request->entrypoint);
	else if (!request->has_entrypoint)
		strings_copy(args, &image->entrypoint);
	if (request->args.count > 0)
		strings_copy(args, &request->args);
	else if (!request->has_entrypoint)
		strings_copy(args, &image->cmd);
	if (args->count == 0)
		return fail(err,
			"the image names no command; give one after --, or put CMD or "
			"ENTRYPOINT into the Mockerfile");
	return 0;
}

/* A name without "=" takes the caller's value, and nothing where there is none: it must
 * never reach the container as it stands. */
static int add_requested_env(
	const struct strings *list, struct strings *env, struct error *err)
{
	strings_each (item, list) {
		const char *equals = strchr(*item, '=');
		auto_free char *name = str_dup_n(
			*item, equals ? (size_t)(equals - *item) : strlen(*item));
		const char *value = equals ? equals + 1 : getenv(name);

		if (!*name)
			return fail(err, "--env %s: expected NAME=VALUE or NAME", *item);
		if (value)
			strings_env_set(env, name, value);
	}
	return 0;
}

static int add_env(
	const struct bundle_input *input, struct strings *env, struct error *err)
{
	const struct user *user = input->user;

	strings_each (item, &input->image->config.config.env) {
		const char *equals = strchr(*item, '=');

		if (!equals || equals == *item) /* it would import the host's variable */
			return fail(err,
				"the image's Env has \"%s\": expected NAME=VALUE", *item);
		strings_add(env, *item);
	}
	if (add_requested_env(&input->request->env, env, err) < 0)
		return -1;
	if (!strings_env(env, "PATH"))
		strings_env_set(env, "PATH", DEFAULT_PATH);
	if (!strings_env(env, "HOME"))
		strings_env_set(env, "HOME",
			user->home[0]    ? user->home
			: user->uid == 0 ? "/root"
					 : "/");
	if (input->request->terminal && !strings_env(env, "TERM"))
		strings_env_set(env, "TERM", "xterm");
	return 0;
}

static int add_cwd(
	const struct bundle_input *input, struct oci_process *process, struct error *err)
{
	const char *image = input->image->config.config.working_dir;
	const char *asked = input->request->workdir;

	if (asked && *asked != '/')
		return fail(err, "--workdir %s: expected an absolute path", asked);
	if (!asked && image && *image && *image != '/')
		return fail(err,
			"the image's WorkingDir is \"%s\": expected an absolute path",
			image);
	process->cwd = path_clean(asked ? asked : image && *image ? image : "/");
	return 0;
}

/* No inheritable and no ambient ones: a program without file capabilities that an
 * unprivileged user starts gets none. */
static int add_capabilities(const struct bundle_request *request,
	struct oci_process *process, struct error *err)
{
	struct oci_capabilities *capabilities = str_alloc(sizeof(*capabilities));
	struct strings *set = &capabilities->bounding;

	process->capabilities = capabilities;
	if (request->privileged)
		profile_all_capabilities(set);
	else if (profile_capabilities(&request->cap_add, &request->cap_drop, set, err) <
		 0)
		return -1;
	strings_copy(&capabilities->permitted, set);
	strings_copy(&capabilities->effective, set);
	return 0;
}

static void add_user(const struct user *user, struct oci_process *process)
{
	struct json_u32s *groups = &process->user.additional_gids;

	process->user.uid = user->uid;
	process->user.gid = user->gid;
	if (user->group_count == 0)
		return;
	groups->items = str_realloc(NULL, user->group_count, sizeof(*groups->items));
	memcpy(groups->items, user->groups, user->group_count * sizeof(*groups->items));
	groups->count = user->group_count;
}

int bundle_add_process(
	const struct bundle_input *input, struct oci_config *config, struct error *err)
{
	struct oci_process *process = str_alloc(sizeof(*process));

	config->process = process;
	process->terminal = input->request->terminal;
	process->no_new_privileges = input->request->no_new_privileges;
	add_user(input->user, process);
	if (add_args(input, &process->args, err) < 0 ||
		add_env(input, &process->env, err) < 0 ||
		add_cwd(input, process, err) < 0)
		return -1;
	return add_capabilities(input->request, process, err);
}
