/* The mounts of one RUN step, type by type. */
#include "builder/build/run_mounts.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "builder/build/find_image.h"
#include "builder/bundle/config.h"
#include "builder/rootless.h"
#include "builder/store/caches.h"

void run_mounts_free(struct run_mounts *mounts)
{
	for (size_t i = 0; i < mounts->cache_count; i++) {
		free(mounts->caches[i].path);
		if (mounts->caches[i].fd >= 0)
			close(mounts->caches[i].fd);
	}
	free(mounts->caches);
	run_binds_free(&mounts->binds);
	run_secrets_free(&mounts->secrets);
	*mounts = (struct run_mounts){ 0 };
}

static void add_tmpfs(const struct run_mount *mount, struct oci_config *config)
{
	struct oci_mount *added = bundle_add_mount(
		config, mount->target, "tmpfs", "tmpfs", "nosuid,nodev,mode=1777");

	if (mount->size > 0)
		strings_addf(&added->options, "size=%lld", (long long)mount->size);
}

/* ---- caches ---- */

struct cache_use {
	struct stage_process *process;
	const struct run_mount *mount;
	const struct layer_draft *draft;
	size_t number; /* of the caches of this step */
	enum run_mount_sharing sharing;
};

/* What the cache begins with, by the layers that it is in. */
static int name_base(const struct cache_use *use, char **ret, struct error *err)
{
	const struct run_mount *mount = use->mount;
	auto_image image = { 0 };
	auto_str text = { 0 };

	if (!mount->from)
		return 0;
	if (!build_find_context(use->process->build, mount->from)) {
		if (build_find_source(use->process, mount->from, &image, err) < 0)
			return -1;
		for (size_t i = 0; i < image.layers_count; i++)
			str_appendf(&text, "%s ", image.layers[i].key);
	}
	str_appendf(&text, "%s %s", mount->from, mount->source);
	*ret = str_take(&text);
	return 0;
}

static int set_attributes(
	const struct run_mount *mount, int fd, const char *name, struct error *err)
{
	if (fchownat(fd, name, mount->uid, mount->gid, 0) < 0 ||
		fchmodat(fd, name, mount->mode, 0) < 0) {
		(void)!fail_errno(err, "making the cache %s", mount->id);
		return rootless_fail_owner(mount->uid, mount->gid, err);
	}
	return 0;
}

/* The new directory is filled under a name of its own, so that a half one is never used. */
static int fill(const struct cache_use *use, int fd, const char *name, struct error *err)
{
	const struct run_mount *mount = use->mount;
	auto_free char *place =
		str_format("%s/cache-from-%zu", use->draft->path, use->number);
	auto_fd to = -1;

	if (path_remove_tree(fd, name, err) < 0)
		return -1;
	if (mkdirat(fd, name, 0700) < 0)
		return fail_errno(err, "making the cache %s", mount->id);
	if (!mount->from)
		return set_attributes(mount, fd, name, err);
	to = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (to < 0)
		return fail_errno(err, "opening the cache %s", mount->id);
	return run_binds_copy(use->process, mount, place, to, err);
}

/* Under the lock, which is exclusive for that moment. */
static int make_data(const struct cache_use *use, int fd, struct error *err)
{
	struct error ignored;
	bool gone;

	if (faccessat(fd, "data", F_OK, 0) == 0)
		return 0;
	if (cache_lock(fd, LOCK_EX, use->mount->id, &gone, err) < 0)
		return -1;
	if (gone || faccessat(fd, "data", F_OK, 0) == 0)
		return 0; /* the lock that follows tells again */
	if (fill(use, fd, "new", err) < 0) {
		(void)!path_remove_tree(fd, "new", &ignored); /* else by the next */
		return -1;
	}
	if (renameat(fd, "new", fd, "data") < 0)
		return fail_errno(err, "making the cache %s", use->mount->id);
	return 0;
}

/* private: a directory of the step's own, since another step has the cache. */
static int make_private(const struct cache_use *use, char **path, struct error *err)
{
	auto_free char *name = str_format("cache-%zu", use->number);

	free(*path);
	*path = path_join(use->draft->path, name);
	return fill(use, use->draft->fd, name, err);
}

static int lock_of(enum run_mount_sharing sharing)
{
	switch (sharing) {
	case RUN_SHARING_PRIVATE:
		return LOCK_EX | LOCK_NB;
	case RUN_SHARING_LOCKED:
		return LOCK_EX;
	case RUN_SHARING_SHARED:
		break;
	}
	return LOCK_SH;
}

/* Opened anew as long as another removes it between opening and locking. */
static int open_cache(const struct cache_use *use, const struct cache_name *name,
	char **ret_path, int *ret_fd, struct error *err)
{
	for (bool gone = true; gone;) {
		auto_fd fd = -1;
		auto_free char *path = NULL;

		if (cache_open(use->process->build->store, name, &path, &fd, err) < 0 ||
			make_data(use, fd, err) < 0)
			return -1;
		if (cache_lock(fd, lock_of(use->sharing), name->id, &gone, err) < 0) {
			if (err->errnum != EWOULDBLOCK)
				return -1;
			gone = false;
			if (make_private(use, &path, err) < 0)
				return -1;
		}
		if (gone)
			continue;
		*ret_path = take_ptr(&path);
		*ret_fd = take_fd(&fd);
	}
	return 0;
}

static int open_one(const struct cache_use *use, struct run_cache *ret, struct error *err)
{
	auto_free char *base = NULL;
	struct cache_name name = {
		.id = use->mount->id,
		.namespace = pairs_get(&use->process->build->request->build_args,
			"BUILDKIT_CACHE_MOUNT_NS"),
	};

	if (name_base(use, &base, err) < 0)
		return -1;
	name.base = base;
	return open_cache(use, &name, &ret->path, &ret->fd, err);
}

static int compare_text(const char *a, const char *b)
{
	return strcmp(a ? a : "", b ? b : "");
}

/* 0: mounts of the same cache. */
static int compare_mounts(const struct run_mount *a, const struct run_mount *b)
{
	int order = strcmp(a->id, b->id);

	if (order == 0)
		order = compare_text(a->from, b->from);
	return order == 0 ? compare_text(a->source, b->source) : order;
}

static int compare_caches(const void *left, const void *right)
{
	const struct run_cache *a = left, *b = right;

	return compare_mounts(a->mount, b->mount);
}

/* What the strictest of the mounts wants, of those from the index on that are of the same
 * cache. */
static enum run_mount_sharing sharing_of(const struct run_mounts *mounts, size_t index)
{
	const struct run_cache *cache = &mounts->caches[index];
	enum run_mount_sharing result = RUN_SHARING_SHARED;

	for (size_t i = index; i < mounts->cache_count; i++) {
		if (compare_caches(&mounts->caches[i], cache) != 0)
			break;
		if (mounts->caches[i].mount->sharing == RUN_SHARING_LOCKED ||
			result == RUN_SHARING_SHARED)
			result = (enum run_mount_sharing)mounts->caches[i].mount->sharing;
	}
	return result;
}

static void find_caches(struct run_mounts *mounts, const struct step *step)
{
	mounts->caches = str_alloc((step->run.mount_count + 1) * sizeof(*mounts->caches));
	for (size_t i = 0; i < step->run.mount_count; i++) {
		const struct run_mount *mount = &step->run.mounts[i];

		if (mount->type == RUN_MOUNT_CACHE)
			mounts->caches[mounts->cache_count++] =
				(struct run_cache){ .mount = mount, .fd = -1 };
	}
}

/* In one order whatever the Mockerfile's, or two steps could wait for each other. */
static int open_caches(struct run_mounts *mounts, struct stage_process *process,
	const struct step *step, const struct layer_draft *draft, struct error *err)
{
	find_caches(mounts, step);
	qsort(mounts->caches, mounts->cache_count, sizeof(*mounts->caches),
		compare_caches);
	for (size_t i = 0; i < mounts->cache_count; i++) {
		struct run_cache *cache = &mounts->caches[i];
		struct cache_use use = { process, cache->mount, draft, i,
			sharing_of(mounts, i) };

		if (i > 0 && compare_caches(cache - 1, cache) == 0)
			cache->path = str_dup(cache[-1].path);
		else if (open_one(&use, cache, err) < 0)
			return -1;
	}
	return 0;
}

static void add_cache(const struct run_mounts *mounts, const struct run_mount *mount,
	struct oci_config *config)
{
	for (size_t i = 0; i < mounts->cache_count; i++) {
		if (mounts->caches[i].mount == mount)
			bundle_add_mount(config, mount->target, "bind",
				mounts->caches[i].path,
				mount->read_only ? "rbind,rprivate,ro"
						 : "rbind,rprivate");
	}
}

/* ---- all ---- */

static int add_one(struct run_mounts *mounts, struct stage_process *process,
	const struct run_mount *mount, const struct layer_draft *draft,
	struct oci_config *config, struct error *err)
{
	switch ((enum run_mount_type)mount->type) {
	case RUN_MOUNT_TMPFS:
		add_tmpfs(mount, config);
		return 0;
	case RUN_MOUNT_CACHE:
		add_cache(mounts, mount, config);
		return 0;
	case RUN_MOUNT_BIND:
		return run_binds_add(&mounts->binds, process, mount, draft, config, err);
	case RUN_MOUNT_SECRET:
		return run_secrets_add(
			&mounts->secrets, process->build->request, mount, config, err);
	case RUN_MOUNT_SSH:
		return run_secrets_add_agent(
			&mounts->secrets, process->build->request, mount, config, err);
	}
	return 0;
}

int run_mounts_add(struct run_mounts *mounts, struct stage_process *process,
	const struct step *step, const struct layer_draft *draft,
	struct oci_config *config, struct error *err)
{
	if (open_caches(mounts, process, step, draft, err) < 0)
		return -1;
	for (size_t i = 0; i < step->run.mount_count; i++) {
		if (add_one(mounts, process, &step->run.mounts[i], draft, config, err) <
			0)
			return -1;
	}
	return 0;
}

int run_mounts_prepare(struct run_mounts *mounts, const char *draft, const char *record,
	struct error *err)
{
	if (mounts->binds.count == 0 && mounts->secrets.count == 0)
		return 0;
	if (worker_isolate_mounts(err) < 0 || run_binds_mount(&mounts->binds, err) < 0)
		return -1;
	return run_secrets_write(&mounts->secrets, draft, record, err);
}
