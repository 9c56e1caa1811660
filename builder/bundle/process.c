/* The process: what to execute, with which environment, as whom, with which capabilities.
 */
#include "builder/bundle/config.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/str.h"
#include "builder/bundle/profile.h"
#include "spec/names.h"

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

static int add_cwd(
	const struct bundle_input *input, struct oci_process *process, struct error *err)
{
	const char *image = input->image->config.config.working_dir;
	const char *asked = input->request->workdir;

	if (asked && *asked != '/')
		return fail(err, "--workdir \"%s\": expected an absolute path", asked);
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

static int parse_limit(
	const char *option, const char *text, uint64_t *ret, struct error *err)
{
	if (strcmp(text, "-1") == 0 || strcmp(text, "unlimited") == 0) {
		*ret = UINT64_MAX; /* RLIM_INFINITY */
		return 0;
	}
	return str_to_u64(text, option, ret, err);
}

/* NAME=SOFT[:HARD] */
static int add_ulimit(const char *text, struct oci_process *process, struct error *err)
{
	auto_free char *option = str_format("--ulimit %s", text);
	const char *equals = strchr(text, '=');
	auto_free char *name =
		str_dup_n(text, equals ? (size_t)(equals - text) : strlen(text));
	auto_free char *word = str_format("RLIMIT_%s", name);
	struct oci_rlimit limit = { 0 };
	auto_strings values = { 0 };

	for (char *c = word; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	strings_split(&values, equals ? equals + 1 : "", ':');
	if (values.count < 1 || values.count > 2)
		return fail(err,
			"%s: expected NAME=SOFT[:HARD], such as nofile=1024:4096",
			option);
	if (!word_to_number(rlimit_words, word, &limit.type))
		return word_fail(rlimit_words, option, word, err);
	if (parse_limit(option, values.items[0], &limit.soft, err) < 0 ||
		parse_limit(option, values.items[values.count - 1], &limit.hard, err) < 0)
		return -1;
	if (limit.soft > limit.hard)
		return fail(err, "%s: the soft limit is above the hard one", option);
	process->rlimits = str_grow(
		process->rlimits, process->rlimits_count, sizeof(*process->rlimits));
	process->rlimits[process->rlimits_count++] = limit;
	return 0;
}

static int add_ulimits(const struct bundle_request *request, struct oci_process *process,
	struct error *err)
{
	strings_each (item, &request->ulimits) {
		if (add_ulimit(*item, process, err) < 0)
			return -1;
	}
	return 0;
}

int bundle_add_process(
	const struct bundle_input *input, struct oci_config *config, struct error *err)
{
	struct oci_process *process = str_alloc(sizeof(*process));

	config->process = process;
	process->terminal = input->request->terminal;
	process->no_new_privileges = input->request->no_new_privileges;
	if (input->request->oom_score_adj < -1000 || input->request->oom_score_adj > 1000)
		return fail(err, "--oom-score-adj %" PRId64 ": expected -1000 to 1000",
			input->request->oom_score_adj);
	process->has_oom_score_adj = input->request->has_oom_score_adj;
	process->oom_score_adj = (int32_t)input->request->oom_score_adj;
	add_user(input->user, process);
	if (add_args(input, &process->args, err) < 0 ||
		bundle_add_env(input, &process->env, err) < 0 ||
		add_ulimits(input->request, process, err) < 0 ||
		add_cwd(input, process, err) < 0)
		return -1;
	return add_capabilities(input->request, process, err);
}
