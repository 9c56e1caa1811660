/* What a build stands on, opened in order and closed in reverse. */
#include "builder/build/build.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "builder/build/rehearsal.h"
#include "builder/build/schedule.h"
#include "builder/build/stage.h"
#include "builder/language/lint.h"
#include "builder/platform.h"

#define BUILD_NONE                                                \
	{                                                         \
		.context = CONTEXT_NONE, .session = SESSION_NONE, \
		.interrupt = INTERRUPT_NONE                       \
	}

static void build_free(struct build *build)
{
	for (size_t i = 0; build->states && i < build->plan.stage_count; i++)
		stage_state_free(&build->states[i]);
	free(build->states);
	free(build->place);
	context_free(&build->context);
	for (size_t i = 0; i < build->named_count; i++)
		context_free(&build->named[i]);
	free(build->named);
	strings_free(&build->pulled);
	plan_free(&build->plan);
	mockerfile_free(&build->file);
	session_end(&build->session);
	interrupt_end(&build->interrupt);
}

#define auto_build __attribute__((cleanup(build_free))) struct build

/* Of a context that came from elsewhere: by a path in it, its links confined to it. */
static int read_file_of_others(struct build *build, const char *path, struct error *err)
{
	if (mockerfile_read_beneath(build->context.fd, path, &build->file, err) < 0)
		return -1;
	/* What was sent alone is no file that COPY could see. */
	if (build->context.is_mockerfile && unlinkat(build->context.fd, path, 0) < 0)
		return fail_errno(err, "removing %s from the context", path);
	return 0;
}

/* The file that --file names, else the context's Mockerfile or Dockerfile. */
static int read_file(struct build *build, struct error *err)
{
	static const char *const names[] = { "Mockerfile", "Dockerfile" };
	const char *asked = build->request->file;
	int context_fd = build->context.fd;

	if (asked && build->context.unpacked && strcmp(asked, "-") != 0)
		return read_file_of_others(build, asked, err);
	if (asked)
		return mockerfile_read(AT_FDCWD, asked, context_fd, &build->file, err);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (faccessat(context_fd, names[i], F_OK, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (build->context.unpacked)
			return read_file_of_others(build, names[i], err);
		return mockerfile_read(
			context_fd, names[i], context_fd, &build->file, err);
	}
	return fail_code(err, ENOENT,
		"%s has neither a Mockerfile nor a Dockerfile; name one with --file",
		build->request->context);
}

/* The Mockerfile's path beneath the context, for FILE.dockerignore. */
static char *path_in_context(const struct build *build)
{
	const char *asked = build->request->file;
	auto_free char *context = realpath(build->context.path, NULL);
	auto_free char *file = NULL;
	const char *rest;

	if (!asked || build->context.unpacked) /* it was found in the context */
		return str_dup(build->file.sources[0]->name);
	file = realpath(asked, NULL);
	rest = context && file ? str_after(file, context) : NULL;
	return rest && *rest == '/' ? str_dup(rest + 1) : NULL;
}

/* What the file is called in the records of its builds. */
static char *name_place(const struct build *build)
{
	const char *file = build->request->file;
	auto_free char *path = realpath(file ? file : build->request->context, NULL);
	auto_free char *context = realpath(build->request->context, NULL);

	return path ? str_dup(path)
		    : str_format("%s of %s", file ? file : "",
			      context ? context : build->request->context);
}

static int open_context(struct build *build, const char *name, const char *text,
	struct context *ret, struct error *err)
{
	const char *keep =
		pairs_get(&build->request->build_args, "BUILDKIT_CONTEXT_KEEP_GIT_DIR");
	struct context_options options = {
		.name = name,
		.git = { &build->request->secrets, &build->request->agents },
		.keep_git_dir = keep && *keep && strcmp(keep, "0") != 0,
	};

	if (context_is_remote(text))
		options.session = &build->session;
	options.signal_fd = build->interrupt.fd;
	return context_open(text, &options, ret, err);
}

static int open_named_contexts(struct build *build, struct error *err)
{
	const struct pairs *given = &build->request->contexts;

	build->named = str_alloc((given->count + 1) * sizeof(*build->named));
	for (size_t i = 0; i < given->count; i++) {
		struct context *context = &build->named[build->named_count];

		if (open_context(build, given->items[i].key, given->items[i].value,
			    context, err) < 0)
			return -1;
		build->named_count++;
		if (context->fd >= 0 &&
			ignore_read(&context->ignore, context->fd, NULL, err) < 0)
			return fail_while(err, "%s", context->what);
	}
	return 0;
}

const struct context *build_named_context(const struct build *build, const char *name)
{
	auto_free char *key = context_key(name);

	for (size_t i = 0; i < build->named_count; i++) {
		if (strcmp(build->named[i].name, key) == 0)
			return &build->named[i];
	}
	return NULL;
}

const struct context *build_find_context(const struct build *build, const char *from)
{
	const struct context *context =
		from ? build_named_context(build, from) : &build->context;

	return context && context->fd >= 0 ? context : NULL;
}

static int open_inputs(struct build *build, struct error *err)
{
	auto_free char *inside = NULL;

	if (str_equal(build->request->file, "-") &&
		strcmp(build->request->context, "-") == 0)
		return fail(err, "the build context and the Mockerfile cannot both come "
				 "from standard input");
	if (open_context(build, NULL, build->request->context, &build->context, err) <
			0 ||
		open_named_contexts(build, err) < 0 || read_file(build, err) < 0)
		return -1;
	build->place = name_place(build);
	inside = path_in_context(build);
	return ignore_read(&build->context.ignore, build->context.fd, inside, err);
}

/* Stages are called by their names where there are several. */
static void list_stages(const struct build *build)
{
	const struct plan *plan = &build->plan;

	for (size_t i = 0; i < plan->stage_count; i++) {
		const struct stage *stage = &plan->stages[i];
		auto_free char *name =
			stage->name ? str_dup(stage->name) : str_format("stage-%zu", i);

		view_add_stage(build->request->view, plan->stage_count > 1 ? name : NULL,
			stage_count_steps(stage));
	}
}

static int make_plan(struct build *build, struct error *err)
{
	auto_platform platform = { 0 };
	auto_free char *text = NULL;
	struct plan_options options = {
		.target = build->request->target,
		.build_args = &build->request->build_args,
		.contexts = &build->request->contexts,
	};

	if (platform_parse(build->request->platform, &platform, err) < 0)
		return fail_while(err, "--platform");
	text = platform_text(&platform);
	options.platform = build->request->platform ? text : NULL;
	if (plan_make(&build->file, &options, &build->plan, err) < 0)
		return -1;
	strings_each (name, &build->plan.unused_args) {
		auto_free char *warning = str_format(
			"--build-arg %s: the file has no ARG of that name", *name);

		view_build_event(build->request->view, PROGRESS_WARNING, warning);
	}
	build->states = str_alloc(build->plan.stage_count * sizeof(*build->states));
	list_stages(build);
	return 0;
}

/* "# check=error=true": what is doubtful is an error, and all of it is shown. */
static int check_lint(struct build *build, struct error *err)
{
	auto_lint_findings findings = { 0 };
	auto_strings rules = { 0 };
	auto_free char *joined = NULL;

	if (!build->file.check.fatal)
		return 0;
	if (lint_check(&build->file, &build->context.ignore, &findings, err) < 0)
		return -1;
	if (!findings.count)
		return 0;
	for (size_t i = 0; i < findings.count; i++) {
		auto_str text = { 0 };

		lint_describe(&text, &findings.items[i]);
		view_build_event(build->request->view, PROGRESS_WARNING, text.data);
		if (!strings_contain(&rules, findings.items[i].rule))
			strings_add(&rules, findings.items[i].rule);
	}
	joined = strings_join(&rules, ", ");
	return fail(err, "lint violation found for rules: %s", joined);
}

void build_record_free(struct build_record *record)
{
	free(record->source);
	pairs_free(&record->images);
	pairs_free(&record->fetched);
	*record = (struct build_record){ 0 };
}

static void set_all(struct pairs *to, const struct pairs *from)
{
	for (size_t i = 0; i < from->count; i++)
		pairs_set(to, from->items[i].key, from->items[i].value);
}

static void write_record(const struct build *build, struct build_record *ret)
{
	const struct source *source = build->file.sources[0];

	ret->source = build->context.commit
			      ? git_commit_digest(build->context.commit)
			      : str_format(DIGEST_PREFIX "%s",
					digest_of(source->text, source->length).hex);
	ret->from_repository = build->context.commit;
	for (size_t i = 0; i < build->plan.order_count; i++) {
		const struct stage_state *state = &build->states[build->plan.order[i]];

		set_all(&ret->images, &state->images);
		set_all(&ret->fetched, &state->fetched);
	}
}

int build_run(const struct build_request *request, const struct store *store,
	struct image *ret, struct build_record *ret_record, struct error *err)
{
	auto_build build = BUILD_NONE;
	struct image *target;

	build.request = request;
	build.store = store;
	view_build_event(request->view, PROGRESS_BUILD_BEGIN, "");
	if (interrupt_begin(&build.interrupt, err) < 0 ||
		session_begin(store, &build.session, err) < 0 ||
		open_inputs(&build, err) < 0 || make_plan(&build, err) < 0 ||
		check_lint(&build, err) < 0 || rehearsal_run(&build, err) < 0 ||
		schedule_run(&build, err) < 0)
		return -1;
	target = &build.states[build.plan.target].image;
	for (size_t i = 0; i < request->labels.count; i++)
		pairs_set(&target->config.config.labels, request->labels.items[i].key,
			request->labels.items[i].value);
	write_record(&build, ret_record);
	*ret = *target;
	*target = (struct image){ 0 };
	return 0;
}
