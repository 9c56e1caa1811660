/* Layers on disk: found, drafted, committed, removed. */
#include "builder/store/layer.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/descent.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"

static const struct json_field info_fields[] = {
	JSON_STRING(struct layer_info, created, "created"),
	JSON_STRING(struct layer_info, created_by, "createdBy"),
	JSON_STRING(struct layer_info, parent, "parent"),
	JSON_STRING(struct layer_info, diff_id, "diffID"),
	JSON_U64(struct layer_info, size, "size"),
	JSON_END,
};
static const struct json_type info_type = JSON_TYPE(struct layer_info, info_fields);

void layer_info_free(struct layer_info *info)
{
	json_free(&info_type, info);
}

char *layer_path(const struct store *store, const char *key)
{
	return str_format("%s/layers/%s/fs", store->root, key);
}

int layer_read(const struct store *store, const char *key, struct layer_info *ret,
	struct error *err)
{
	struct json_options options = { 0 };
	auto_free char *name = str_format("%s/layer.json", key);

	return json_read_file(&info_type, ret, store->layers_fd, name, &options, err);
}

int layer_find(const struct store *store, const char *key, struct layer_info *ret,
	struct error *err)
{
	if (layer_read(store, key, ret, err) < 0)
		return -1;
	/* prune --keep-storage begins with the layers that nobody used for long */
	(void)utimensat(store->layers_fd, key, NULL, 0);
	return 0;
}

static int make_directories(int piece_fd, struct error *err)
{
	static const char *const names[] = { "layer", "layer/fs", "work", "rootfs" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (mkdirat(piece_fd, names[i], 0755) < 0)
			return fail_errno(err, "making the draft of a layer");
	}
	if (fchmodat(piece_fd, "layer/fs", 0755, 0) < 0) /* whatever the umask */
		return fail_errno(err, "making the draft of a layer");
	return 0;
}

/* The root directory of the uppermost layer is the root of the whole: it keeps what the
 * layer below says of it. */
static int take_over_root(
	const struct store *store, int piece_fd, const char *below, struct error *err)
{
	auto_free char *name = str_format("%s/fs", below);
	struct stat stat;

	if (fstatat(store->layers_fd, name, &stat, AT_SYMLINK_NOFOLLOW) < 0)
		return fail_errno(err, "reading layer %s", below);
	if (fchmodat(piece_fd, "layer/fs", stat.st_mode & 07777, 0) < 0 ||
		fchownat(piece_fd, "layer/fs", stat.st_uid, stat.st_gid, 0) < 0)
		return fail_errno(err, "making the draft of a layer");
	return 0;
}

int layer_begin(struct session *session, const char *below, struct layer_draft *ret,
	struct error *err)
{
	struct layer_draft draft = LAYER_DRAFT_NONE;

	if (session_piece(session, &draft.path, &draft.fd, err) < 0)
		return -1;
	draft.fs = path_join(draft.path, "layer/fs");
	draft.work = path_join(draft.path, "work");
	draft.rootfs = path_join(draft.path, "rootfs");
	if (make_directories(draft.fd, err) < 0 ||
		(below && take_over_root(session->store, draft.fd, below, err) < 0)) {
		layer_abandon(session, &draft);
		return -1;
	}
	*ret = draft;
	return 0;
}

void layer_abandon(struct session *session, struct layer_draft *draft)
{
	if (draft->fd < 0)
		return;
	close(draft->fd);
	session_drop_piece(session, draft->path);
	free(draft->path);
	free(draft->fs);
	free(draft->work);
	free(draft->rootfs);
	*draft = (struct layer_draft)LAYER_DRAFT_NONE;
}

static int measure(struct descent *descent, int dir_fd, const char *name, uint64_t *total,
	struct error *err);

static int measure_entry(struct descent *descent, int dir_fd, const char *name,
	uint64_t *total, struct error *err)
{
	struct stat stat;

	if (fstatat(dir_fd, name, &stat, AT_SYMLINK_NOFOLLOW) < 0)
		return fail_errno(err, "measuring %s", name);
	if (S_ISREG(stat.st_mode))
		*total += (uint64_t)stat.st_size / (stat.st_nlink ? stat.st_nlink : 1);
	if (S_ISDIR(stat.st_mode))
		return measure(descent, dir_fd, name, total, err);
	return 0;
}

static int measure(struct descent *descent, int dir_fd, const char *name, uint64_t *total,
	struct error *err)
{
	auto_dir dir = NULL;
	struct dirent *entry;
	auto_fd fd = -1;

	if (descent_open(descent, dir_fd, name, &fd, err) < 0)
		return -1;
	dir = fdopendir(fd);
	if (!dir)
		return fail_errno(err, "measuring %s", name);
	dir_fd = take_fd(&fd);
	while ((entry = path_next(dir))) {
		if ((entry->d_type == DT_REG || entry->d_type == DT_DIR ||
			    entry->d_type == DT_UNKNOWN) &&
			measure_entry(descent, dir_fd, entry->d_name, total, err) < 0)
			return -1;
	}
	if (errno)
		return fail_errno(err, "measuring %s", name);
	descent_back(descent);
	return 0;
}

int layer_measure(int dir_fd, const char *name, uint64_t *ret, struct error *err)
{
	auto_descent descent = descent_begin();

	return measure(&descent, dir_fd, name, ret, err);
}

static int write_info(int piece_fd, const struct layer_info *info, struct error *err)
{
	struct file_replace_options replace = { .mode = 0644 };
	struct json_write_options options = { 0 };
	auto_str text = { 0 };

	json_write(&text, &info_type, info, options);
	return file_replace_at(
		piece_fd, "layer/layer.json", text.data, text.length, replace, err);
}

int layer_commit(struct session *session, struct layer_draft *draft, const char *key,
	struct layer_info *info, struct error *err)
{
	const struct store *store = session->store;

	if ((info->size == 0 &&
		    layer_measure(draft->fd, "layer/fs", &info->size, err) < 0) ||
		write_info(draft->fd, info, err) < 0)
		return -1;
	if (renameat(draft->fd, "layer", store->layers_fd, key) < 0 && errno != EEXIST &&
		errno != ENOTEMPTY)
		return fail_errno(err, "moving a layer into %s/layers", store->root);
	layer_abandon(session, draft);
	return 0;
}

int layer_remove(const struct store *store, const char *key, struct error *err)
{
	auto_free char *name = str_format("removed-%s", key);

	if (renameat(store->layers_fd, key, store->temp_fd, name) < 0) {
		if (errno == ENOENT)
			return 0;
		return fail_errno(err, "removing layer %s", key);
	}
	return path_remove_tree(store->temp_fd, name, err);
}
