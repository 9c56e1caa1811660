/*
 * COPY, ADD and WORKDIR: their keys, and their work on the stage's merged files, which a
 * worker mounts in a mount namespace of its own.
 */
#include "builder/build/effects.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "builder/build/cache.h"
#include "builder/build/find_image.h"
#include "builder/build/run.h"
#include "builder/build/run_devices.h"
#include "builder/copy/glob.h"
#include "builder/copy/owner.h"
#include "builder/copy/repository.h"
#include "builder/rootfs/overlay.h"
#include "builder/rootless.h"

#define FILES_MAX (1u << 20) /* of what a memo tells */

bool effect_is_needed(const struct step *step)
{
	switch (step->kind) {
	case INSTRUCTION_ADD:
	case INSTRUCTION_COPY:
	case INSTRUCTION_RUN:
		return true;
	case INSTRUCTION_WORKDIR:
		return step->words.count > 0 && strcmp(step->words.items[0], "/") != 0;
	default:
		return false;
	}
}

bool effect_is_linked(const struct step *step)
{
	bool copies = step->kind == INSTRUCTION_COPY || step->kind == INSTRUCTION_ADD;

	return copies && step->copy.link;
}

/* What a worker copies from: the build context, or the files of another image. */
struct source_work {
	struct stage_process *process;
	const struct step *step;
	const struct context *context; /* NULL: the overlay */
	const struct overlay *overlay; /* of an image that --from names */
	const char *mount_at;
	struct digest digest; /* the result of hashing */
	struct str *files;    /* of an image: what was hashed, as lines of inputs */
};

static int open_source(const struct source_work *work, struct copy_source *ret,
	int *ret_fd, struct error *err)
{
	struct stage_process *process = work->process;

	*ret = (struct copy_source){
		.root_fd = -1,
		.downloads_fd = process->downloads_fd,
		.git = { &process->build->request->secrets,
			&process->build->request->agents },
		.epoch = process->build->request->epoch,
	};
	if (work->context) {
		ret->root_fd = work->context->fd;
		ret->ignore = &work->context->ignore;
		ret->digests = work->context->unpacked ? NULL : process->digests;
		ret->what = work->context->what;
		return 0;
	}
	if (overlay_mount(work->overlay, work->mount_at, err) < 0)
		return -1;
	*ret_fd = open(work->mount_at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*ret_fd < 0)
		return fail_errno(err, "opening %s", work->mount_at);
	ret->root_fd = *ret_fd;
	ret->keep_owner = true;
	ret->what = work->step->copy.from;
	return 0;
}

struct noting {
	struct inputs noted;
	const char *from;
};

static void note_image_file(void *argument, const char *path, uint64_t mark)
{
	struct noting *noting = argument;
	auto_free char *name = str_format("%s of %s", path, noting->from);

	if (noting->noted.list.length < FILES_MAX)
		inputs_note(&noting->noted, INPUT_FILE, name, mark);
}

/* In a worker, in a mount namespace of its own. */
static int hash_image_files(void *argument, int output, struct error *err)
{
	struct source_work *work = argument;
	struct noting noting = { .from = work->step->copy.from };
	struct copy_source source;
	auto_fd fd = -1;

	if (worker_isolate_mounts(err) < 0 || open_source(work, &source, &fd, err) < 0)
		return -1;
	source.note = note_image_file;
	source.note_argument = &noting;
	if (copy_compute_digest(&work->step->copy, &source, &work->digest, err) < 0)
		return -1;
	*work->files = noting.noted.list;
	return 0;
}

/* The overlay of the image that --from names, and a place to mount it at. */
static int prepare_image_source(struct stage_process *process, const char *from,
	struct overlay *ret, char **ret_place, struct error *err)
{
	auto_image image = { 0 };
	auto_free char *piece = NULL;
	auto_fd fd = -1;

	if (build_find_source(process, from, &image, err) < 0 ||
		session_piece(process->session, &piece, &fd, err) < 0)
		return -1;
	if (mkdirat(fd, "source", 0755) < 0)
		return fail_errno(err, "making %s/source", piece);
	if (overlay_of_image(process->build->store, &image, piece, ret, err) < 0)
		return -1;
	*ret_place = path_join(piece, "source");
	return 0;
}

/* Its copies, where it is no overlay, would add up from step to step. */
static void drop_image_source(struct stage_process *process, const char *place)
{
	auto_free char *piece = path_parent(place);

	session_drop_piece(process->session, piece);
}

static int hash_by_worker(struct stage_process *process, const struct step *step,
	struct digest *ret, struct str *ret_files, struct error *err)
{
	auto_overlay overlay = { 0 };
	auto_free char *place = NULL;
	struct source_work work = {
		.process = process, .step = step, .files = ret_files
	};
	struct worker worker = {
		.work = hash_image_files,
		.argument = &work,
		.text = ret_files,
		.result = &work.digest,
		.result_size = sizeof(work.digest),
	};
	int result;

	if (prepare_image_source(process, step->copy.from, &overlay, &place, err) < 0)
		return -1;
	work.overlay = &overlay;
	work.mount_at = place;
	worker.signal_fd = process->interrupt.fd;
	result = worker_run(&worker, err);
	drop_image_source(process, place);
	if (result == 0)
		*ret = work.digest;
	return result;
}

/* For the record of the build; a stage is none. */
static void note_image(
	struct stage_process *process, const char *from, const struct image *image)
{
	size_t index;

	if (!plan_find_stage(
		    &process->build->plan, from, process->state->stage->index, &index))
		pairs_set(&process->state->images, from,
			image->manifest ? image->manifest->digest : "");
}

/* A memo is the digest, and in the lines below it what it is of. */
static bool read_memo(const char *memo, struct digest *ret, struct str *ret_files)
{
	auto_free char *hex = str_dup_n(memo, strcspn(memo, "\n"));

	if (!digest_is_hex(hex))
		return false;
	memcpy(ret->hex, hex, sizeof(ret->hex));
	str_append(ret_files, memo + strlen(hex) + (memo[strlen(hex)] == '\n'));
	return true;
}

/* What a step reads of an image never changes: the image's layers are its name. */
static int hash_image_source(struct stage_process *process, const struct step *step,
	struct inputs *inputs, struct digest *ret, struct error *err)
{
	auto_image image = { 0 };
	auto_free char *known = NULL;
	auto_free char *memo = NULL;
	auto_free char *name = str_format("the digest of %s", step->copy.from);
	auto_digest key = { 0 };
	auto_str files = { 0 };
	struct digest digest;

	if (build_find_source(process, step->copy.from, &image, err) < 0)
		return -1;
	inputs_note_digest(inputs, name, image.manifest ? image.manifest->digest : NULL);
	note_image(process, step->copy.from, &image);
	cache_key_begin(&key, "source", step->key);
	for (size_t i = 0; i < image.layers_count; i++)
		digest_add_text(&key, image.layers[i].key);
	digest_add_text(&key, image.on_host ? "host" : "");
	digest = digest_end(&key);
	if (!image.on_host &&
		cache_recall(process->build->store, digest.hex, &known, err) < 0)
		return -1;
	if (!known || !read_memo(known, ret, &files)) {
		if (hash_by_worker(process, step, ret, &files, err) < 0)
			return -1;
		memo = str_format("%s\n%s", ret->hex, files.data ? files.data : "");
		if (!image.on_host &&
			cache_remember(process->build->store, digest.hex, memo, err) < 0)
			return -1;
	}
	str_append_n(&inputs->list, files.data ? files.data : "", files.length);
	return 0;
}

static int ask_repositories(void *argument, int output, struct error *err)
{
	const struct source_work *work = argument;
	struct copy_source source;
	int fd = -1;

	if (open_source(work, &source, &fd, err) < 0)
		return -1;
	return repository_resolve(&work->step->copy, &source, err);
}

/* What URLs send is kept for the time of the build; which commits the refs of
 * repositories are, too. */
static int prepare_downloads(
	struct stage_process *process, const struct step *step, struct error *err)
{
	struct source_work work = {
		.process = process, .step = step, .context = &process->build->context
	};
	struct worker worker = { .work = ask_repositories, .argument = &work };
	auto_free char *piece = NULL;
	bool urls = false, repositories = false;

	strings_each (source, &step->copy.sources) {
		urls |= copy_source_is_url(*source);
		repositories |= copy_source_is_git(*source);
	}
	if (!urls && !repositories)
		return 0;
	if (process->downloads_fd < 0 &&
		session_piece(process->session, &piece, &process->downloads_fd, err) < 0)
		return -1;
	worker.signal_fd = process->interrupt.fd;
	return repositories ? worker_run(&worker, err) : 0;
}

static void note_file(void *argument, const char *path, uint64_t mark)
{
	inputs_note(argument, INPUT_FILE, path, mark);
}

static void note_fetched(void *argument, const char *url, const char *digest)
{
	struct stage_state *state = argument;

	pairs_set(&state->fetched, url, digest);
}

/* The process itself reads; a signal ends it. */
static int hash_context(struct stage_process *process, const struct step *step,
	const struct context *context, struct inputs *inputs, struct digest *ret,
	struct error *err)
{
	struct source_work work = {
		.process = process, .step = step, .context = context
	};
	struct copy_source source;
	int fd = -1;
	int result = open_source(&work, &source, &fd, err);

	source.note = note_file;
	source.note_argument = inputs;
	source.fetched = note_fetched;
	source.fetched_argument = process->state;
	interrupt_let_in(&process->interrupt);
	if (result == 0)
		result = copy_compute_digest(&step->copy, &source, ret, err);
	interrupt_hold(&process->interrupt);
	return result;
}

static int copy_inputs(struct stage_process *process, const struct step *step,
	struct inputs *inputs, struct error *err)
{
	const struct context *context =
		build_find_context(process->build, step->copy.from);
	auto_free char *what =
		context ? str_dup("what it copies")
			: str_format("what it reads of %s", step->copy.from);
	struct digest digest;

	if (prepare_downloads(process, step, err) < 0)
		return -1;
	if ((context ? hash_context(process, step, context, inputs, &digest, err)
		     : hash_image_source(process, step, inputs, &digest, err)) < 0)
		return -1;
	/* WORKDIR is in it */
	inputs_add(inputs, INPUT_SETTING, "the destination", step->copy.destination);
	inputs_add(inputs, INPUT_CONTENT, what, digest.hex);
	return 0;
}

/* All of an image, which its layers tell. */
static int whole_image_inputs(struct stage_process *process, const char *from,
	struct inputs *inputs, struct error *err)
{
	auto_strings layers = { 0 };
	auto_free char *joined = NULL;
	auto_image image = { 0 };

	if (build_find_source(process, from, &image, err) < 0)
		return -1;
	note_image(process, from, &image);
	for (size_t i = 0; i < image.layers_count; i++)
		strings_add(&layers, image.layers[i].key);
	joined = strings_join(&layers, " ");
	inputs_add(inputs, INPUT_SOURCE, from, joined);
	return 0;
}

/* Of a bind mount's files the bytes count, as of those that COPY reads. An image that is
 * mounted whole is not read for that, nor one that may be written to, which is there with
 * all its layers. A source is no pattern. */
static int mount_inputs(struct stage_process *process, const struct run_mount *mount,
	struct inputs *inputs, struct error *err)
{
	bool whole = strcmp(mount->source, "/") == 0;
	auto_free char *source = whole ? str_dup(".") : glob_escape(mount->source);
	struct step step = {
		.key = source,
		.copy = { .destination = mount->target, .from = mount->from },
	};
	int result;

	if (!build_find_context(process->build, mount->from) &&
		(whole || !mount->read_only))
		return whole_image_inputs(process, mount->from, inputs, err);
	strings_add(&step.copy.sources, source);
	result = copy_inputs(process, &step, inputs, err);
	strings_free(&step.copy.sources);
	if (result < 0 && err->errnum != EINTR)
		return fail_while(err, "--mount=%s%s%ssource=%s",
			mount->from ? "from=" : "", mount->from ? mount->from : "",
			mount->from ? "," : "", mount->source);
	return result;
}

static int all_mount_inputs(struct stage_process *process, const struct step *step,
	struct inputs *inputs, struct error *err)
{
	for (size_t i = 0; i < step->run.mount_count; i++) {
		const struct run_mount *mount = &step->run.mounts[i];

		if (mount->type == RUN_MOUNT_BIND &&
			mount_inputs(process, mount, inputs, err) < 0)
			return -1;
	}
	return 0;
}

int effect_inputs(struct stage_process *process, const struct step *step,
	struct inputs *inputs, struct error *err)
{
	inputs_begin(inputs, step->instruction->rule->name,
		process->state->on_nothing ? "nothing" : process->state->layer);
	inputs_add(inputs, INPUT_WORDS, "the instruction as expanded", step->key);
	switch (step->kind) {
	case INSTRUCTION_RUN:
		if (run_check(process, step, err) < 0)
			return -1;
		run_inputs(process, step, inputs);
		if (run_devices_inputs(process, step, inputs, err) < 0)
			return -1;
		return all_mount_inputs(process, step, inputs, err);
	case INSTRUCTION_WORKDIR: /* its words, and whose the directory is */
		inputs_add(inputs, INPUT_SETTING, "the user",
			process->state->image.config.config.user);
		return 0;
	default:
		return copy_inputs(process, step, inputs, err);
	}
}

struct effect_work {
	const struct step *step;
	const struct overlay *target;
	const char *target_at;
	const char *user; /* of the image so far, for WORKDIR */
	struct source_work source;
};

/* WORKDIR: what is missing of the path, for the user of the moment, as BuildKit makes it. */
static int make_directory(
	int root_fd, const char *path, const char *user, struct error *err)
{
	struct path_mkdir_options options = { .mode = 0755 };
	struct owner owner = { 0 };
	auto_fd fd = -1;

	if (user && *user && owner_resolve(root_fd, user, &owner, err) < 0)
		return fail_while(err, "USER %s", user);
	options.uid = owner.uid;
	options.gid = owner.gid;
	if (path_mkdirs_in_root(root_fd, path, options, &fd, err) < 0)
		return rootless_fail_owner(owner.uid, owner.gid, err);
	return 0;
}

static int change_files(struct effect_work *work, int target_fd, struct error *err)
{
	struct copy_destination destination;
	struct copy_source source;
	auto_fd source_fd = -1;
	auto_fd upper_fd = -1;

	if (work->step->kind == INSTRUCTION_WORKDIR)
		return make_directory(
			target_fd, work->step->words.items[0], work->user, err);
	if (open_source(&work->source, &source, &source_fd, err) < 0)
		return -1;
	if (!work->target->copies) {
		upper_fd = open(work->target->upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (upper_fd < 0)
			return fail_errno(err, "opening %s", work->target->upper);
	}
	destination = (struct copy_destination){ target_fd, upper_fd };
	return copy_perform(&work->step->copy, &source, &destination, err);
}

/* In a worker: mounts the stage's files (and those of --from), changes them. The mounts
 * end with it. */
static int perform(void *argument, int output, struct error *err)
{
	struct effect_work *work = argument;
	auto_tree_listing before = NULL;
	auto_fd fd = -1;

	umask(0);
	if (worker_isolate_mounts(err) < 0 ||
		overlay_mount(work->target, work->target_at, err) < 0 ||
		overlay_watch(work->target, work->target_at, &before, err) < 0)
		return -1;
	fd = open(work->target_at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(err, "opening %s", work->target_at);
	if (change_files(work, fd, err) < 0)
		return -1;
	return overlay_keep(work->target, work->target_at, before, err);
}

static int perform_by_worker(struct stage_process *process, const struct step *step,
	const struct layer_draft *draft, struct error *err)
{
	const struct image nothing = { 0 };
	const struct image *below =
		process->state->on_nothing ? &nothing : &process->state->image;
	auto_overlay target = { 0 };
	auto_overlay from = { 0 };
	auto_free char *place = NULL;
	struct effect_work work = {
		.step = step,
		.target = &target,
		.target_at = draft->rootfs,
		.user = process->state->image.config.config.user,
		.source = {
			.process = process,
			.step = step,
			.context = build_find_context(process->build, step->copy.from),
		},
	};
	struct worker worker = {
		.work = perform,
		.argument = &work,
		.signal_fd = process->interrupt.fd,
	};
	int result;

	if (overlay_of_image(process->build->store, below, draft->path, &target, err) < 0)
		return -1;
	overlay_set_upper(&target, draft->fs, draft->work);
	if (step->kind != INSTRUCTION_WORKDIR && !work.source.context) {
		if (prepare_image_source(process, step->copy.from, &from, &place, err) <
			0)
			return -1;
		work.source.overlay = &from;
		work.source.mount_at = place;
	}
	result = worker_run(&worker, err);
	if (place)
		drop_image_source(process, place);
	return result;
}

int effect_perform(struct stage_process *process, const struct step *step,
	const struct layer_draft *draft, struct error *err)
{
	if (step->kind == INSTRUCTION_RUN)
		return run_perform(process, step, draft, err);
	return perform_by_worker(process, step, draft, err);
}
