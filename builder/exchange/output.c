/* One output, written by a worker so that a signal ends it; undone if it fails. */
#include "builder/exchange/output.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "builder/archive/tar_write.h"
#include "builder/build/worker.h"
#include "builder/bundle/bundle.h"
#include "builder/destination.h"
#include "builder/exchange/layout_stage.h"
#include "builder/registry/pull.h"
#include "builder/rootfs/overlay.h"
#include "builder/rootfs/tree.h"

struct writing {
	const struct output *output;
	const struct output_job *job;
	int fd;    /* of the file or directory; -1 for a registry */
	bool made; /* the directory is ours to remove */
	struct digest digest;
};

/* ---- in the worker ------------------------------------------------------------------ */

static struct export_options export_options(const struct writing *writing)
{
	return (struct export_options){
		.compression = writing->output->compression,
		.epoch = writing->job->epoch,
	};
}

static int write_layout(
	const struct writing *writing, int directory_fd, struct error *err)
{
	const struct output_job *job = writing->job;
	struct export_options options = export_options(writing);

	return export_layout(
		job->session, directory_fd, job->images, job->count, &options, err);
}

/* The archive's own files were made just now: their times say nothing, and are 0. */
static int write_archive(const struct writing *writing, struct error *err)
{
	struct tar_write_options how = { .name = "the image" };
	struct export_options options = export_options(writing);
	const struct output_job *job = writing->job;
	struct tar_written written;
	auto_free char *piece = NULL;
	auto_fd fd = -1;

	if (session_piece(job->session, &piece, &fd, err) < 0)
		return -1;
	if (writing->output->kind == OUTPUT_DOCKER_ARCHIVE
			? export_docker(job->session, fd, job->images, job->count,
				  &options, err)
			: write_layout(writing, fd, err))
		return -1;
	return tar_write(fd, writing->fd, &how, &written, err);
}

/* All names are of one image, whose attestations tell the first. */
static int push(struct writing *writing, struct error *err)
{
	const struct output_job *job = writing->job;
	struct export_options options = export_options(writing);
	struct registry_options registry = {
		.client = job->client,
		.output = job->report,
	};
	auto_free char *piece = NULL;
	auto_fd fd = -1;

	if (!job->images[0].name)
		return fail(err, "a push needs a name: --tag NAME, or name=NAME");
	if (session_piece(job->session, &piece, &fd, err) < 0 ||
		export_layout(job->session, fd, job->images, 1, &options, err) < 0)
		return -1;
	for (size_t i = 0; i < job->count; i++) {
		if (registry_push(fd, job->images[i].name, &registry, &writing->digest,
			    err) < 0)
			return -1;
	}
	return 0;
}

/* The image's files, merged. */
static int write_files(const struct writing *writing, struct error *err)
{
	const struct output_job *job = writing->job;
	struct tar_write_options how = { .name = "the image", .epoch = job->epoch };
	struct tar_written written;
	auto_overlay overlay = { 0 };
	auto_free char *piece = NULL;
	auto_fd piece_fd = -1;
	auto_fd root = -1;

	umask(0);
	if (session_piece(job->session, &piece, &piece_fd, err) < 0 ||
		overlay_of_image(job->session->store, job->images[0].image, piece,
			&overlay, err) < 0 ||
		worker_isolate_mounts(err) < 0 || overlay_mount(&overlay, piece, err) < 0)
		return -1;
	root = open(piece, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return fail_errno(err, "opening %s", piece);
	if (writing->output->kind == OUTPUT_TAR)
		return tar_write(root, writing->fd, &how, &written, err);
	return tree_copy(root, writing->fd, "/", err);
}

static int work(void *argument, int message, struct error *err)
{
	struct writing *writing = argument;

	switch (writing->output->kind) {
	case OUTPUT_LOCAL:
	case OUTPUT_TAR:
		return write_files(writing, err);
	case OUTPUT_OCI:
		return write_layout(writing, writing->fd, err);
	case OUTPUT_OCI_ARCHIVE:
	case OUTPUT_DOCKER_ARCHIVE:
		return write_archive(writing, err);
	case OUTPUT_REGISTRY:
		return push(writing, err);
	case OUTPUT_BUNDLE:
		break; /* made by bundle_make() */
	}
	return 0;
}

/* ---- around it ---------------------------------------------------------------------- */

/* Files of an image go where there are no others. */
static int check_empty(const struct writing *writing, struct error *err)
{
	bool empty = false;

	if (path_is_empty(writing->fd, writing->output->dest, &empty, err) < 0)
		return -1;
	return empty ? 0
		     : fail(err,
			       "%s is not empty; files of an image go into a new or "
			       "an empty directory",
			       writing->output->dest);
}

static int open_directory(struct writing *writing, struct error *err)
{
	const char *dest = writing->output->dest;

	writing->made = mkdir(dest, 0755) == 0;
	if (!writing->made && errno != EEXIST)
		return fail_errno(err, "making %s", dest);
	writing->fd = open(dest, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (writing->fd < 0)
		return fail_errno(err, "opening %s", dest);
	return !writing->made && writing->output->kind == OUTPUT_LOCAL
		       ? check_empty(writing, err)
		       : 0;
}

/* Back to what it was: not there, or empty. */
static void undo_directory(const struct writing *writing)
{
	const char *dest = writing->output->dest;
	struct error ignored;

	if (writing->made)
		(void)!path_remove_tree(AT_FDCWD, dest, &ignored);
	else if (writing->output->kind == OUTPUT_LOCAL)
		(void)!path_remove_children(writing->fd, dest, &ignored);
}

static int run_worker(struct writing *writing, struct error *err)
{
	struct worker worker = {
		.work = work,
		.argument = writing,
		.result = &writing->digest,
		.result_size = sizeof(writing->digest),
		.signal_fd = writing->job->signal_fd,
	};

	return worker_run(&worker, err);
}

static int write_file(struct writing *writing, struct error *err)
{
	struct destination destination = DESTINATION_NONE;
	int result;

	if (writing->output->dest ? destination_open(writing->output->dest, 0644,
					    writing->job->signal_fd, &destination, err)
				  : destination_standard(
					    writing->job->standard_fd, &destination, err))
		return -1;
	writing->fd = destination.fd;
	result = run_worker(writing, err);
	writing->fd = -1;
	return destination_close(&destination, result, err);
}

/* Its other images stay, whatever happens. */
static int add_to_layout(struct writing *writing, struct error *err)
{
	int layout_fd = writing->fd;
	auto_fd stage_fd = -1;
	int result;

	if (layout_stage_begin(layout_fd, &stage_fd, err) < 0)
		return -1;
	writing->fd = stage_fd;
	result = run_worker(writing, err);
	writing->fd = layout_fd;
	if (result == 0)
		result = layout_stage_commit(layout_fd, stage_fd, err);
	layout_stage_remove(layout_fd);
	return result;
}

static int write_directory(struct writing *writing, struct error *err)
{
	int result = open_directory(writing, err);

	if (result == 0)
		result = writing->output->kind == OUTPUT_OCI && !writing->made
				 ? add_to_layout(writing, err)
				 : run_worker(writing, err);
	else if (!writing->made)
		return -1; /* nothing is ours */
	if (result < 0)
		undo_directory(writing);
	return result;
}

static int write_bundle(
	const struct output *output, const struct output_job *job, struct error *err)
{
	struct bundle_request request = { 0 };
	struct bundle_place place = {
		.store = job->session->store,
		.directory = output->dest,
		.root = job->images[0].image->on_host ? BUNDLE_ROOT_OVERLAY
						      : BUNDLE_ROOT_COPY,
		.signal_fd = job->signal_fd,
	};

	return bundle_make(&place, job->images[0].image, &request, err);
}

int output_write(
	const struct output *output, const struct output_job *given, struct error *err)
{
	struct output_job job = *given;
	struct export_image renamed = { .image = given->images[0].image };
	struct writing writing = { .output = output, .job = &job, .fd = -1 };
	int result;

	if (output->name) {
		renamed.name = output->name;
		job.images = &renamed;
		job.count = 1;
	}
	if (output->kind == OUTPUT_BUNDLE)
		return write_bundle(output, &job, err);
	if (output->kind == OUTPUT_LOCAL || output->kind == OUTPUT_OCI)
		result = write_directory(&writing, err);
	else if (output->kind == OUTPUT_REGISTRY)
		result = run_worker(&writing, err);
	else
		result = write_file(&writing, err);
	if (writing.fd >= 0)
		close(writing.fd);
	if (result < 0 && output->dest && !strstr(err->text, output->dest))
		return fail_while(err, "%s", output->dest);
	if (result == 0 && job.ret_digest)
		*job.ret_digest = writing.digest;
	return result;
}
