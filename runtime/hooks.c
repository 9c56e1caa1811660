/* Hooks: running those of one kind, in order. */
#include "runtime/hooks.h"

#include <fcntl.h>
#include <string.h>

#include "base/log.h"
#include "base/process.h"

#define STDERR_KEPT 512
#define HOOK_FAILED 1 /* as kind of an error */

static char *const empty_environment[] = { NULL };

static int judge(
	const struct oci_hook *hook, int status, struct str *said, struct error *err)
{
	const char *colon = said->length ? ": " : "";

	if (status == 0)
		return 0;
	str_flatten(said);
	if (status > 128)
		return fail(err, "%s was killed by signal %d%s%s", hook->path,
			status - 128, colon, said->length ? said->data : "");
	return fail(err, "%s exited with status %d%s%s", hook->path, status, colon,
		said->length ? said->data : "");
}

static char *const *environment_of(
	const struct hooks_call *call, const struct oci_hook *hook)
{
	if (hook->env.count)
		return hook->env.items;
	if (!call->env)
		return NULL;
	return call->env->count ? call->env->items : empty_environment;
}

static int run_one(const struct hooks_call *call, const struct oci_hook *hook,
	const struct str *input, struct error *err)
{
	auto_str said = { 0 };
	char *path_only[] = { hook->path, NULL };
	struct process_run run = {
		.path = hook->path,
		.argv = hook->args.count ? hook->args.items : path_only,
		.envp = environment_of(call, hook),
		.cwd_fd = call->cwd_fd,
		.input = input->data,
		.input_length = input->length,
		.output = &said, /* ours is the container's */
		.errors = &said,
		.keep = STDERR_KEPT,
		.timeout_ms =
			hook->has_timeout ? (int)MIN(hook->timeout, 2000000u) * 1000 : 0,
		.until_fd = call->until_fd,
	};
	int status;

	if (process_run(&run, &status, err) < 0)
		return -1;
	return judge(hook, status, &said, err);
}

static void state_text(const struct hooks_call *call, struct str *to)
{
	json_write(to, &oci_state_type, call->state, (struct json_write_options){ 0 });
}

int hooks_open_bundle(const struct oci_state *state)
{
	return open(state->bundle, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

int hooks_run(const struct hooks_call *call, enum hook_kind kind, struct error *err)
{
	struct hook_list list = hooks_of_kind(call->hooks, kind);
	auto_str input = { 0 };

	if (list.count == 0)
		return 0;
	state_text(call, &input);
	for (size_t i = 0; i < list.count; i++) {
		log_debug("hook %s/%zu: %s", hook_kind_name(kind), i, list.items[i].path);
		if (run_one(call, &list.items[i], &input, err) < 0) {
			err->kind = HOOK_FAILED;
			return fail_while(err, "/hooks/%s/%zu", hook_kind_name(kind), i);
		}
	}
	return 0;
}

bool hooks_failed(const struct error *err)
{
	return err->kind == HOOK_FAILED;
}

void hooks_run_all(const struct hooks_call *call, enum hook_kind kind)
{
	struct hook_list list = hooks_of_kind(call->hooks, kind);
	auto_str input = { 0 };
	struct error err;

	if (list.count == 0)
		return;
	state_text(call, &input);
	for (size_t i = 0; i < list.count; i++) {
		if (run_one(call, &list.items[i], &input, &err) < 0)
			log_warning(
				"/hooks/%s/%zu: %s", hook_kind_name(kind), i, err.text);
	}
}
