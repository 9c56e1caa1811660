/* plan: what the options say, checked; dump: criu's part; forget: what a failed dump has
 * left. */
#include "runtime/criu/checkpoint.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "runtime/criu/amend.h"
#include "runtime/criu/criu.h"
#include "runtime/criu/descriptors.h"
#include "runtime/criu/external.h"
#include "runtime/criu/strays.h"
#include "runtime/criu/wire.h"

#define LOG_FILE "dump.log"

struct checkpoint {
	const struct checkpoint_request *request;
	struct criu_places places;
	struct str options;
	int status_fd; /* -1 once it is told */
};

/* ---- plan --------------------------------------------------------------------------- */

static int check_parent(const struct checkpoint *checkpoint, struct error *err)
{
	const char *parent = checkpoint->request->options->parent_path;
	struct stat status;

	if (!parent)
		return 0;
	if (parent[0] == '/')
		return fail(err,
			"--parent-path: expected a path relative to the images, found %s",
			parent);
	if (fstatat(checkpoint->places.images, parent, &status, 0) < 0)
		return fail_errno(err, "--parent-path: %s in %s", parent,
			checkpoint->places.images_path);
	if (!S_ISDIR(status.st_mode))
		return fail(err, "--parent-path: %s in %s is no directory", parent,
			checkpoint->places.images_path);
	return 0;
}

static int check_status_fd(struct checkpoint *checkpoint, struct error *err)
{
	const struct criu_options *options = checkpoint->request->options;
	int flags;

	checkpoint->status_fd = -1;
	if (!options->has_status_fd || options->status_fd == -1)
		return 0;
	if (options->status_fd < 0 || options->status_fd > INT32_MAX)
		return fail(err, "--status-fd: %lld is no descriptor",
			(long long)options->status_fd);
	flags = fcntl((int)options->status_fd, F_GETFL);
	if (flags < 0)
		return fail_errno(
			err, "--status-fd: descriptor %d", (int)options->status_fd);
	if ((flags & O_ACCMODE) == O_RDONLY)
		return fail(err, "--status-fd: descriptor %d cannot be written to",
			(int)options->status_fd);
	checkpoint->status_fd = (int)options->status_fd;
	return 0;
}

/* "ADDRESS:PORT", of which the address may have colons between brackets. */
static int put_page_server(struct str *to, const char *text, struct error *err)
{
	const char *colon = text ? strrchr(text, ':') : NULL;
	auto_free char *address = NULL;
	auto_str server = { 0 };
	uint32_t port;

	if (!text)
		return 0;
	if (!colon || colon == text ||
		str_to_u32(colon + 1, "--page-server", &port, err) < 0 || port == 0 ||
		port > 65535)
		return fail(
			err, "--page-server: expected ADDRESS:PORT, found \"%s\"", text);
	address = text[0] == '[' && colon[-1] == ']'
			  ? str_dup_n(text + 1, (size_t)(colon - text) - 2)
			  : str_dup_n(text, (size_t)(colon - text));
	wire_put_text(&server, 1, address);
	wire_put_number(&server, 2, port);
	wire_put_message(to, CRIU_PAGE_SERVER, &server);
	return 0;
}

/* Stopping all by the freezer is quicker than one by one, and no fork slips through. */
static void put_freezer(struct str *to, const struct cgroup *cgroup)
{
	wire_put_text(to, CRIU_FREEZE_CGROUP, cgroup_freezer(cgroup));
}

static int put_dump(struct checkpoint *checkpoint, struct error *err)
{
	const struct checkpoint_request *request = checkpoint->request;
	const struct criu_options *options = request->options;
	const struct container_state *state = &request->container->state;
	struct str *to = &checkpoint->options;

	if (criu_put_common(
		    to, options, request->config, &checkpoint->places, LOG_FILE, err) < 0)
		return -1;
	wire_put_number(to, CRIU_PID, state->pid);
	wire_put_text(to, CRIU_ROOT, state->rootfs);
	wire_put_flag(to, CRIU_LEAVE_RUNNING, options->leave_running);
	wire_put_text(to, CRIU_PARENT_IMG, options->parent_path);
	wire_put_flag(to, CRIU_LINK_REMAP, options->link_remap);
	wire_put_flag(to, CRIU_TCP_SKIP_IN_FLIGHT, options->tcp_skip_in_flight);
	wire_put_flag(to, CRIU_TRACK_MEM, options->parent_path || options->pre_dump);
	put_freezer(to, &state->cgroup);
	if (put_page_server(to, options->page_server, err) < 0)
		return -1;
	return external_put_dump(to, request->container, request->config, err);
}

static int check_features(const struct checkpoint_request *request, struct error *err)
{
	const struct criu_options *options = request->options;

	if (options->pre_dump &&
		criu_expect(request->criu, CRIU_MEM_TRACK, "--pre-dump", err) < 0)
		return -1;
	if (options->lazy_pages &&
		criu_expect(request->criu, CRIU_LAZY_PAGES, "--lazy-pages", err) < 0)
		return -1;
	return 0;
}

/* ---- dump --------------------------------------------------------------------------- */

/* Whoever is to fetch the pages waits for this one byte. */
static int take_notice(void *argument, struct criu_notice *notice, struct error *err)
{
	struct checkpoint *checkpoint = argument;
	int fd = checkpoint->status_fd;

	if (!str_equal(notice->script, "status-ready") || fd < 0)
		return 0;
	checkpoint->status_fd = -1;
	if (fd_write_all(fd, "", 1) < 0)
		return fail_errno(err, "--status-fd: writing to descriptor %d", fd);
	close(fd);
	return 0;
}

static int dump(struct checkpoint *checkpoint, struct error *err)
{
	const struct checkpoint_request *request = checkpoint->request;
	const int inherited[] = { checkpoint->places.images, checkpoint->places.work };
	const struct criu_call call = {
		.program = request->criu,
		.kind = request->options->pre_dump ? CRIU_PRE_DUMP : CRIU_DUMP,
		.options = &checkpoint->options,
		.log_dir = checkpoint->places.work,
		.log_path = checkpoint->places.work_path,
		.log_file = LOG_FILE,
		.inherited = inherited,
		.inherited_count = ARRAY_SIZE(inherited),
		.notice = take_notice,
		.argument = checkpoint,
	};

	if (!request->options->pre_dump &&
		descriptors_save(&request->container->state.descriptors,
			checkpoint->places.images, err) < 0)
		return -1;
	return criu_call(&call, err);
}

/* ---- after a failure ---------------------------------------------------------------- */

/* What we made, but for the log, which is what a person wants now. */
static void forget_images(const struct checkpoint *checkpoint)
{
	const struct criu_places *places = &checkpoint->places;
	auto_dir directory = places->images_made ? path_list(places->images) : NULL;
	struct dirent *entry;

	if (!directory)
		return;
	while ((entry = path_next(directory))) {
		if (!str_equal(entry->d_name, LOG_FILE))
			(void)unlinkat(
				places->images, entry->d_name, 0); /* what can be */
	}
	(void)rmdir(places->images_path); /* with the log in it, it stays */
}

/* criu lets go what it has stopped; if it was killed, nobody else would. */
static void let_go(const struct checkpoint_request *request, bool was_frozen)
{
	const struct cgroup *cgroup = &request->container->state.cgroup;
	struct error err;

	if (was_frozen || !cgroup_exists(cgroup) || !cgroup_is_frozen(cgroup))
		return;
	if (cgroup_thaw(cgroup, &err) < 0)
		log_warning("after a failure: %s", err.text);
}

static int act(struct checkpoint *checkpoint, struct error *err)
{
	const struct checkpoint_request *request = checkpoint->request;
	bool was_frozen = cgroup_is_frozen(&request->container->state.cgroup);

	if (check_parent(checkpoint, err) == 0 && put_dump(checkpoint, err) == 0 &&
		check_features(request, err) == 0) {
		strays_tell(request->container);
		if (dump(checkpoint, err) == 0)
			return 0;
	}
	let_go(request, was_frozen);
	forget_images(checkpoint);
	return -1;
}

int checkpoint_container(const struct checkpoint_request *request, struct error *err)
{
	struct checkpoint checkpoint = {
		.request = request,
		.places = CRIU_PLACES_NONE,
		.status_fd = -1,
	};
	int result = -1;

	if (external_check(request->config, request->container->state.bundle, err) == 0 &&
		amend_check(request->config, err) == 0 &&
		check_status_fd(&checkpoint, err) == 0 &&
		criu_places_open(request->options, true, &checkpoint.places, err) == 0)
		result = act(&checkpoint, err);
	criu_places_free(&checkpoint.places);
	str_free(&checkpoint.options);
	return result;
}
