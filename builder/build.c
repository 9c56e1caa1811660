/* What a build stands on, opened in order and closed in reverse. */
#include "builder/build.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "builder/store/refs.h"

#define BUILD_NONE                                                             \
	{                                                                      \
		.context_fd = -1, .downloads_fd = -1, .session = SESSION_NONE, \
		.interrupt = INTERRUPT_NONE                                    \
	}

static void build_free(struct build *build)
{
	for (size_t i = 0; build->states && i < build->plan.stage_count; i++)
		stage_state_free(&build->states[i]);
	free(build->states);
	free(build->place);
	ignore_free(&build->ignore);
	plan_free(&build->plan);
	mockerfile_free(&build->file);
	session_end(&build->session);
	interrupt_end(&build->interrupt);
	if (build->context_fd >= 0)
		close(build->context_fd);
	if (build->downloads_fd >= 0)
		close(build->downloads_fd);
}

#define auto_build __attribute__((cleanup(build_free))) struct build

/* The file that --file names, else the context's Mockerfile or Dockerfile. */
static int read_file(struct build *build, struct error *err)
{
	static const char *const names[] = { "Mockerfile", "Dockerfile" };
	const char *asked = build->request->file;

	if (asked)
		return mockerfile_read(
			AT_FDCWD, asked, build->context_fd, &build->file, err);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (faccessat(build->context_fd, names[i], F_OK, 0) == 0)
			return mockerfile_read(build->context_fd, names[i],
				build->context_fd, &build->file, err);
	}
	return fail_code(err, ENOENT,
		"%s has neither a Mockerfile nor a Dockerfile; name one with --file",
		build->request->context);
}

/* The Mockerfile's path beneath the context, for FILE.dockerignore. */
static char *path_in_context(const struct build *build)
{
	auto_free char *context = realpath(build->request->context, NULL);
	auto_free char *file =
		build->request->file ? realpath(build->request->file, NULL) : NULL;
	const char *rest = context && file ? str_after(file, context) : NULL;

	if (!build->request->file) /* it was found in the context by its name */
		return str_dup(build->file.sources[0]->name);
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

static int open_inputs(struct build *build, struct error *err)
{
	auto_free char *inside = NULL;

	build->context_fd =
		open(build->request->context, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (build->context_fd < 0)
		return fail_errno(
			err, "opening the build context %s", build->request->context);
	if (read_file(build, err) < 0)
		return -1;
	build->place = name_place(build);
	inside = path_in_context(build);
	return ignore_read(&build->ignore, build->context_fd, inside, err);
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
	struct plan_options options = {
		.target = build->request->target,
		.build_args = &build->request->build_args,
	};

	if (plan_make(&build->file, &options, &build->plan, err) < 0)
		return -1;
	strings_each (name, &build->plan.unused_args) {
		auto_free char *text = str_format(
			"--build-arg %s: the file has no ARG of that name", *name);

		view_build_event(build->request->view, PROGRESS_WARNING, text);
	}
	build->states = str_alloc(build->plan.stage_count * sizeof(*build->states));
	list_stages(build);
	return 0;
}

static void list_materials(const struct build *build, struct pairs *ret)
{
	for (size_t i = 0; ret && i < build->plan.order_count; i++) {
		const struct stage *stage = &build->plan.stages[build->plan.order[i]];
		const char *digest = build->states[stage->index].base_digest;

		if (stage->base == STAGE_BASE_IMAGE)
			pairs_set(ret, stage->base_name, digest ? digest : "");
	}
}

int build_run(const struct build_request *request, const struct store *store,
	struct image *ret, struct error *err)
{
	auto_build build = BUILD_NONE;
	struct image *target;

	build.request = request;
	build.store = store;
	view_build_event(request->view, PROGRESS_BUILD_BEGIN, "");
	if (open_inputs(&build, err) < 0 || make_plan(&build, err) < 0 ||
		interrupt_begin(&build.interrupt, err) < 0 ||
		session_begin(store, &build.session, err) < 0 ||
		schedule_run(&build, err) < 0)
		return -1;
	target = &build.states[build.plan.target].image;
	for (size_t i = 0; i < request->labels.count; i++)
		pairs_set(&target->config.config.labels, request->labels.items[i].key,
			request->labels.items[i].value);
	list_materials(&build, request->materials);
	*ret = *target;
	*target = (struct image){ 0 };
	return 0;
}
