/* The directories, and what every request has. */
#include "runtime/criu/options.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "runtime/criu/wire.h"
#include "runtime/process/labels.h"
#include "spec/config.h"

#define LOG_LEVEL_ALL  4
#define CONFIG_FILE    "/etc/criu/runc.conf" /* where people have it */
#define DEFAULT_IMAGES "checkpoint"

/* criu_cg_mode */
static const struct word cgroup_modes[] = {
	{ "ignore", 0 },
	{ "soft", 3 },
	{ "full", 4 },
	{ "strict", 5 },
	{ NULL, 0 },
};
#define CGROUP_MODE_DEFAULT 6

void criu_places_free(struct criu_places *places)
{
	if (places->work != places->images)
		cleanup_fd(&places->work);
	cleanup_fd(&places->images);
	places->images = places->work = -1;
	free(take_ptr(&places->images_path));
	free(take_ptr(&places->work_path));
}

static int open_place(
	const char *option, const char *path, bool *made, int *ret_fd, struct error *err)
{
	bool make = *made;

	*made = make && mkdir(path, 0700) == 0;
	if (make && !*made && errno != EEXIST)
		return fail_errno(err, "%s: making %s", option, path);
	*ret_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*ret_fd < 0)
		return fail_errno(err, "%s: opening %s", option, path);
	return 0;
}

int criu_places_open(const struct criu_options *options, bool make,
	struct criu_places *ret, struct error *err)
{
	auto_criu_places places = CRIU_PLACES_NONE;
	const char *images = options->image_path ? options->image_path : DEFAULT_IMAGES;

	places.images_made = make;
	places.images_path = str_dup(images);
	if (open_place("--image-path", images, &places.images_made, &places.images, err) <
		0)
		return -1;
	places.work = places.images;
	places.work_path = str_dup(options->work_path ? options->work_path : images);
	if (options->work_path) {
		places.work_made = true; /* restore's log has to go somewhere too */
		if (open_place("--work-path", options->work_path, &places.work_made,
			    &places.work, err) < 0) {
			places.work = -1;
			if (places.images_made)
				(void)rmdir(images); /* not empty: not ours */
			return -1;
		}
	}
	*ret = places;
	places = (struct criu_places)CRIU_PLACES_NONE;
	return 0;
}

void criu_put_pair(
	struct str *to, enum criu_field field, const char *key, const char *value)
{
	auto_str pair = { 0 };

	wire_put_text(&pair, 1, key);
	wire_put_text(&pair, 2, value);
	wire_put_message(to, field, &pair);
}

int criu_check_labels(const struct criu_options *options, struct error *err)
{
	const char *profile = options->lsm_profile;
	const char *apparmor = profile ? str_after(profile, "apparmor:") : NULL;
	const char *selinux = profile ? str_after(profile, "selinux:") : NULL;

	if (profile && !(apparmor && *apparmor) && !(selinux && *selinux))
		return fail(err,
			"--lsm-profile: expected apparmor:NAME or selinux:LABEL, found "
			"\"%s\"",
			profile);
	if (labels_check_apparmor("--lsm-profile", apparmor, err) < 0 ||
		labels_check_selinux("--lsm-profile", selinux, err) < 0)
		return -1;
	return labels_check_selinux(
		"--lsm-mount-context", options->lsm_mount_context, err);
}

static int put_empty_namespaces(
	struct str *to, const struct strings *names, struct error *err)
{
	strings_each (name, names) {
		if (!str_equal(*name, "network"))
			return fail(
				err, "--empty-ns: expected network, found \"%s\"", *name);
		wire_put_number(to, CRIU_EMPTY_NS, CLONE_NEWNET);
	}
	return 0;
}

/* An empty annotation means no file at all. */
static void put_config_file(struct str *to, const struct oci_config *config)
{
	const char *file = pairs_get(&config->annotations, CRIU_CONFIG_ANNOTATION);

	if (!file)
		file = CONFIG_FILE;
	if (*file)
		wire_put_text(to, CRIU_CONFIG_FILE, file);
}

int criu_put_common(struct str *to, const struct criu_options *options,
	const struct oci_config *config, const struct criu_places *places,
	const char *log_file, struct error *err)
{
	int64_t mode = CGROUP_MODE_DEFAULT;

	if (options->cgroups_mode)
		(void)word_to_number(cgroup_modes, options->cgroups_mode,
			&mode); /* the option's values are these words */
	wire_put_number(to, CRIU_IMAGES_DIR_FD, places->images);
	if (places->work != places->images)
		wire_put_number(to, CRIU_WORK_DIR_FD, places->work);
	wire_put_number(to, CRIU_LOG_LEVEL, LOG_LEVEL_ALL);
	wire_put_text(to, CRIU_LOG_FILE, log_file);
	wire_put_flag(to, CRIU_NOTIFY_SCRIPTS, true);
	wire_put_flag(to, CRIU_MANAGE_CGROUPS, true);
	wire_put_number(to, CRIU_MANAGE_CGROUPS_MODE, mode);
	wire_put_flag(to, CRIU_ORPHAN_PTS_MASTER, true);
	wire_put_flag(to, CRIU_TCP_ESTABLISHED, options->tcp_established);
	wire_put_flag(to, CRIU_EXT_UNIX_SK, options->ext_unix_sk);
	wire_put_flag(to, CRIU_SHELL_JOB, options->shell_job);
	wire_put_flag(to, CRIU_FILE_LOCKS, options->file_locks);
	wire_put_flag(to, CRIU_AUTO_DEDUP, options->auto_dedup);
	wire_put_flag(to, CRIU_LAZY, options->lazy_pages);
	put_config_file(to, config);
	return put_empty_namespaces(to, &options->empty_ns, err);
}
