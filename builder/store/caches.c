/* Directories of caches: found, listed, removed. */
#include "builder/store/caches.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "builder/store/layer.h"

#define ID_MAX 4096

/* A cache without namespace and base is found by its ID alone. */
static struct digest key_of(const struct cache_name *name)
{
	auto_str text = { 0 };

	str_append(&text, name->id);
	if (name->namespace && *name->namespace)
		str_appendf(&text, "\nnamespace %s", name->namespace);
	if (name->base)
		str_appendf(&text, "\nbase %s", name->base);
	return digest_of(text.data ? text.data : "", text.length);
}

static int write_id(int fd, const char *id, struct error *err)
{
	struct file_replace_options options = { .mode = 0644 };

	if (faccessat(fd, "id", F_OK, 0) == 0)
		return 0;
	return file_replace_at(fd, "id", id, strlen(id), options, err);
}

int cache_open(const struct store *store, const struct cache_name *name, char **ret_path,
	int *ret_fd, struct error *err)
{
	struct digest key = key_of(name);
	auto_free char *directory = store_path(store, "caches", key.hex);
	auto_fd fd = -1;

	if (path_mkdirs(directory, 0755, err) < 0)
		return -1;
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(err, "opening the cache %s", name->id);
	if (write_id(fd, name->id, err) < 0)
		return -1;
	(void)futimens(fd, NULL); /* when it was used last: nothing depends on it */
	*ret_path = path_join(directory, "data");
	*ret_fd = take_fd(&fd);
	return 0;
}

int cache_lock(int fd, int operation, const char *id, bool *ret_gone, struct error *err)
{
	struct stat st;

	if (fd_lock(fd, operation, id, err) < 0)
		return -1;
	if (fstat(fd, &st) < 0)
		return fail_errno(err, "locking the cache %s", id);
	*ret_gone = st.st_nlink == 0 || faccessat(fd, "id", F_OK, 0) < 0;
	return 0;
}

void cache_list_free(struct cache_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].key);
		free(list->items[i].id);
	}
	free(list->items);
	*list = (struct cache_list){ 0 };
}

static int add_cache(
	int caches_fd, const char *key, struct cache_list *list, struct error *err)
{
	auto_fd fd = openat(caches_fd, key, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct cache_info info = { 0 };
	auto_free char *id = NULL;
	struct error ignored;
	struct stat st;

	if (fd < 0 || fstatat(fd, "data", &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0; /* removed meanwhile, or never used */
	if (layer_measure(fd, "data", &info.size, err) < 0)
		return -1;
	if (file_read_at(fd, "id", ID_MAX, &id, NULL, &ignored) < 0)
		id = str_dup("?"); /* made by a builder that kept none */
	info.key = str_dup(key);
	info.id = take_ptr(&id);
	info.used = fstat(fd, &st) == 0 ? st.st_mtime : 0;
	list->items = str_realloc(list->items, list->count + 1, sizeof(*list->items));
	list->items[list->count++] = info;
	return 0;
}

static int compare(const void *left, const void *right)
{
	const struct cache_info *a = left, *b = right;
	int order = strcmp(a->id, b->id);

	return order ? order : strcmp(a->key, b->key);
}

int cache_list(const struct store *store, struct cache_list *ret, struct error *err)
{
	auto_cache_list list = { 0 };
	auto_fd fd = openat(store->root_fd, "caches", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_strings names = { 0 };

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return fail_errno(err, "opening %s/caches", store->root);
	if (path_names(fd, "caches", &names, err) < 0)
		return -1;
	strings_each (name, &names) {
		if (digest_is_hex(*name) && add_cache(fd, *name, &list, err) < 0)
			return -1;
	}
	if (list.count)
		qsort(list.items, list.count, sizeof(*list.items), compare);
	*ret = list;
	list = (struct cache_list){ 0 };
	return 0;
}

int cache_find(const struct cache_list *list, const char *text,
	const struct cache_info **ret, struct error *err)
{
	size_t found = 0;

	for (size_t i = 0; i < list->count; i++) {
		bool by_id = strcmp(list->items[i].id, text) == 0;

		if (!by_id && (strlen(text) < 4 || !str_after(list->items[i].key, text)))
			continue;
		*ret = &list->items[i];
		found++;
	}
	if (found == 0)
		return fail_code(err, ENOENT,
			"there is no cache \"%s\"; `cache ls` shows those that are",
			text);
	if (found > 1)
		return fail(err,
			"%zu caches are called \"%s\"; name one by its key, which `cache ls` "
			"shows",
			found, text);
	return 0;
}

int cache_remove(
	const struct store *store, const struct cache_info *info, struct error *err)
{
	auto_free char *path = store_path(store, "caches", info->key);
	auto_free char *gone = str_format("cache-%s", info->key);
	auto_fd fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return fail_errno(err, "opening the cache %s", info->id);
	if (fd_lock(fd, LOCK_EX | LOCK_NB, info->id, err) < 0)
		return err->errnum == EWOULDBLOCK
			       ? fail_code(err, EWOULDBLOCK,
					 "the cache %s is in use by a build", info->id)
			       : -1;
	/* Who waits for its lock sees by the missing file that it is gone. */
	if (unlinkat(fd, "id", 0) < 0 && errno != ENOENT)
		return fail_errno(err, "removing the cache %s", info->id);
	if (renameat(AT_FDCWD, path, store->temp_fd, gone) < 0)
		return fail_errno(err, "removing the cache %s", info->id);
	return path_remove_tree(store->temp_fd, gone, err);
}
