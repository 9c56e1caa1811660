/* The mounts of one RUN step. A cache is a directory of the store, STORE/caches/HEX. */
#include "builder/run_mounts.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "builder/bundle/config.h"

void run_mounts_free(struct run_mounts *mounts)
{
	for (size_t i = 0; i < mounts->lock_count; i++)
		close(mounts->locks[i]);
	free(mounts->locks);
	free(mounts->secrets);
	*mounts = (struct run_mounts){ 0 };
}

static void add_tmpfs(const struct run_mount *mount, struct oci_config *config)
{
	struct oci_mount *added = bundle_add_mount(
		config, mount->target, "tmpfs", "tmpfs", "nosuid,nodev,mode=1777");

	if (mount->size > 0)
		strings_addf(&added->options, "size=%lld", (long long)mount->size);
}

static int open_cache(struct build *build, const struct run_mount *mount, char **ret_path,
	int *ret_fd, struct error *err)
{
	struct digest name = digest_of(mount->id, strlen(mount->id));
	auto_free char *directory = store_path(build->store, "caches", name.hex);
	auto_fd fd = -1;

	if (path_mkdirs(directory, 0755, err) < 0)
		return -1;
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(err, "opening the cache %s", mount->id);
	if (mkdirat(fd, "data", mount->mode) == 0) {
		if (fchmodat(fd, "data", mount->mode, 0) < 0 ||
			fchownat(fd, "data", mount->uid, mount->gid, 0) < 0)
			return fail_errno(err, "making the cache %s", mount->id);
	} else if (errno != EEXIST) {
		return fail_errno(err, "making the cache %s", mount->id);
	}
	*ret_path = path_join(directory, "data");
	*ret_fd = take_fd(&fd);
	return 0;
}

static void keep_lock(struct run_mounts *mounts, int fd)
{
	mounts->locks = str_realloc(
		mounts->locks, mounts->lock_count + 1, sizeof(*mounts->locks));
	mounts->locks[mounts->lock_count++] = fd;
}

/* locked waits for its turn; private takes a directory of its own where another has it. */
static int add_cache(struct run_mounts *mounts, struct build *build,
	const struct run_mount *mount, const struct layer_draft *draft,
	struct oci_config *config, struct error *err)
{
	auto_free char *path = NULL;
	auto_fd fd = -1;
	int lock = mount->sharing == RUN_SHARING_SHARED    ? LOCK_SH
		   : mount->sharing == RUN_SHARING_PRIVATE ? LOCK_EX | LOCK_NB
							   : LOCK_EX;

	if (open_cache(build, mount, &path, &fd, err) < 0)
		return -1;
	if (fd_lock(fd, lock, mount->id, err) < 0) {
		if (err->errnum != EWOULDBLOCK)
			return -1;
		free(path);
		path = str_format("%s/cache-%zu", draft->path, mounts->lock_count);
		if (path_mkdirs(path, mount->mode, err) < 0)
			return -1;
	}
	keep_lock(mounts, take_fd(&fd));
	bundle_add_mount(config, mount->target, "bind", path,
		mount->read_only ? "rbind,rprivate,ro" : "rbind,rprivate");
	return 0;
}

/* Of the build context: the file or directory itself, read-only. */
static int add_context_bind(struct build *build, const struct run_mount *mount,
	struct oci_config *config, struct error *err)
{
	auto_fd fd = -1;
	auto_free char *path = NULL;

	if (!mount->read_only)
		return fail(err,
			"--mount=type=bind,rw of the build context is not possible: it would "
			"change the context; COPY the files instead");
	if (path_open_in_root(build->context_fd, mount->source, O_PATH, 0, &fd, err) < 0)
		return fail_while(err, "--mount=type=bind");
	path = realpath(fd_path(fd).text, NULL);
	if (!path)
		return fail_errno(err, "--mount=type=bind,source=%s", mount->source);
	bundle_add_mount(config, mount->target, "bind", path, "rbind,rprivate,ro");
	return 0;
}

/* Of a stage or an image as a whole: an overlay of its layers. */
static int add_image_bind(struct build *build, const struct stage_state *state,
	const struct run_mount *mount, struct oci_config *config, struct error *err)
{
	auto_image image = { 0 };
	auto_overlay overlay = { 0 };
	auto_free char *lowers = NULL;
	struct oci_mount *added;

	if (build_find_source(build, state, mount->from, &image, err) < 0)
		return -1;
	if (image.on_host || strcmp(mount->source, "/") != 0)
		return fail(err,
			"--mount=type=bind,from=%s: only source=/ of an image with FROM is "
			"possible; COPY --from what the step needs",
			mount->from);
	if (overlay_of_image(build->store, &image, build->session.path, &overlay, err) <
		0)
		return -1;
	lowers = strings_join(&overlay.lowers, ":");
	added = bundle_add_mount(config, mount->target, "overlay", "overlay", "ro");
	strings_addf(&added->options, "lowerdir=%s", lowers);
	return 0;
}

/* The reference: one that is not given is no error unless it is required. */
static int missing(const struct run_mount *mount, const char *option, struct error *err)
{
	if (!mount->required)
		return 0;
	return fail(err, "the step requires the %s \"%s\"; give it with --%s", option,
		mount->id, option);
}

static int add_secret(struct run_mounts *mounts, struct build *build,
	const struct run_mount *mount, struct oci_config *config, struct error *err)
{
	const struct build_secret *secret =
		secrets_find(&build->request->secrets, mount->id);
	auto_free char *target = NULL;
	auto_free char *source = NULL;

	if (!secret)
		return missing(mount, "secret", err);
	if (mount->env)
		return fail(err,
			"--mount=type=secret,env=%s is not possible: the value would "
			"be written to disk; mount it as a file",
			mount->env);
	target = mount->target ? str_dup(mount->target)
			       : str_format("/run/secrets/%s", mount->id);
	source = str_format("secrets/%zu", mounts->secret_count);
	bundle_add_mount(config, target, "bind", source, "bind,rprivate,ro");
	mounts->secrets = str_realloc(
		mounts->secrets, mounts->secret_count + 1, sizeof(*mounts->secrets));
	mounts->secrets[mounts->secret_count++] = (struct run_secret){
		.secret = secret,
		.mode = mount->mode,
		.uid = mount->uid,
		.gid = mount->gid,
	};
	return 0;
}

static int add_agent(struct build *build, const struct run_mount *mount,
	struct oci_config *config, struct error *err)
{
	const struct build_secret *agent =
		secrets_find(&build->request->agents, mount->id ? mount->id : "default");
	const char *target = mount->target ? mount->target : "/run/mocker-ssh-agent";

	if (!agent)
		return missing(mount, "ssh", err);
	bundle_add_mount(config, target, "bind", agent->path, "bind,rprivate");
	strings_env_set(&config->process->env, "SSH_AUTH_SOCK", target);
	return 0;
}

int run_mounts_write_secrets(
	const struct run_mounts *mounts, const char *draft, struct error *err)
{
	auto_free char *place = path_join(draft, "secrets");
	struct file_replace_options options = { .mode = 0600 };
	auto_fd fd = -1;

	if (mounts->secret_count == 0)
		return 0;
	if (mkdir(place, 0700) < 0)
		return fail_errno(err, "making %s", place);
	if (worker_isolate_mounts(err) < 0)
		return -1;
	if (mount("tmpfs", place, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0700") < 0)
		return fail_errno(err, "mounting a tmpfs for secrets");
	fd = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(err, "opening %s", place);
	for (size_t i = 0; i < mounts->secret_count; i++) {
		const struct run_secret *secret = &mounts->secrets[i];
		auto_free char *name = str_format("%zu", i);
		auto_free char *value = NULL;
		size_t length = 0;

		if (secret_read(secret->secret, &value, &length, err) < 0 ||
			file_replace_at(fd, name, value, length, options, err) < 0)
			return fail_while(err, "secret \"%s\"", secret->secret->id);
		if (fchownat(fd, name, secret->uid, secret->gid, 0) < 0 ||
			fchmodat(fd, name, secret->mode, 0) < 0)
			return fail_errno(err, "secret \"%s\"", secret->secret->id);
	}
	return 0;
}

static int add_one(struct run_mounts *mounts, struct build *build,
	struct stage_state *state, const struct run_mount *mount,
	const struct layer_draft *draft, struct oci_config *config, struct error *err)
{
	switch ((enum run_mount_type)mount->type) {
	case RUN_MOUNT_TMPFS:
		add_tmpfs(mount, config);
		return 0;
	case RUN_MOUNT_CACHE:
		return add_cache(mounts, build, mount, draft, config, err);
	case RUN_MOUNT_BIND:
		return mount->from ? add_image_bind(build, state, mount, config, err)
				   : add_context_bind(build, mount, config, err);
	case RUN_MOUNT_SECRET:
		return add_secret(mounts, build, mount, config, err);
	case RUN_MOUNT_SSH:
		return add_agent(build, mount, config, err);
	}
	return 0;
}

int run_mounts_add(struct run_mounts *mounts, struct build *build,
	struct stage_state *state, const struct step *step,
	const struct layer_draft *draft, struct oci_config *config, struct error *err)
{
	for (size_t i = 0; i < step->run.mount_count; i++) {
		if (add_one(mounts, build, state, &step->run.mounts[i], draft, config,
			    err) < 0)
			return -1;
	}
	return 0;
}
