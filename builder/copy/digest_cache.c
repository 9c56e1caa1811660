/*
 * The file is a header and entries, sorted by inode, mapped as it is. What this build
 * used goes into the next file, and so does what it did not see, up to a limit: several
 * contexts share one cache. Whoever writes it holds a lock on its directory.
 */
#include "builder/copy/digest_cache.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <time.h>

#include "base/fd.h"
#include "base/str.h"

#define MAGIC       "mocker digests 1\n"
#define ENTRIES_MAX 500000
#define RACY_NS     INT64_C(50000000)

struct header {
	char magic[24];
	uint64_t count;
};

struct copy_digest_cache {
	int dir_fd;
	char *name;
	struct digest_cache_entry *old; /* mapped */
	size_t old_count;
	void *map;
	size_t map_size;
	struct digest_cache_entry *added;
	size_t added_count;
	size_t added_capacity;
};

static int64_t nanoseconds(struct timespec time)
{
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int compare(const void *left, const void *right)
{
	const struct digest_cache_entry *a = left, *b = right;

	if (a->inode != b->inode)
		return a->inode < b->inode ? -1 : 1;
	if (a->device != b->device)
		return a->device < b->device ? -1 : 1;
	return 0;
}

static struct digest_cache_entry key_of(const struct stat *st)
{
	return (struct digest_cache_entry){
		.device = st->st_dev,
		.inode = st->st_ino,
		.size = st->st_size,
		.mtime = nanoseconds(st->st_mtim),
		.ctime = nanoseconds(st->st_ctim),
	};
}

bool digest_cache_find(
	struct copy_digest_cache *cache, const struct stat *st, uint8_t ret_digest[32])
{
	struct digest_cache_entry key = key_of(st), *found;

	if (!cache || !cache->old)
		return false;
	found = bsearch(&key, cache->old, cache->old_count, sizeof(key), compare);
	if (!found || found->size != key.size || found->mtime != key.mtime ||
		found->ctime != key.ctime)
		return false;
	memcpy(ret_digest, found->digest, sizeof(found->digest));
	return true;
}

void digest_cache_add(
	struct copy_digest_cache *cache, const struct stat *st, const uint8_t digest[32])
{
	struct digest_cache_entry entry = key_of(st);
	struct timespec now;

	if (!cache || clock_gettime(CLOCK_REALTIME, &now) < 0)
		return;
	if (entry.ctime > nanoseconds(now) - RACY_NS ||
		entry.mtime > nanoseconds(now) - RACY_NS)
		return;
	memcpy(entry.digest, digest, sizeof(entry.digest));
	if (cache->added_count == cache->added_capacity) {
		cache->added_capacity = MAX(64u, cache->added_capacity * 2);
		cache->added = str_realloc(
			cache->added, cache->added_capacity, sizeof(*cache->added));
	}
	cache->added[cache->added_count++] = entry;
}

/* Whatever is not as expected leaves the cache empty. */
static void map_file(struct copy_digest_cache *cache, int fd)
{
	const struct header *header;
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
		(size_t)st.st_size < sizeof(struct header))
		return;
	cache->map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (cache->map == MAP_FAILED) {
		cache->map = NULL;
		return;
	}
	cache->map_size = (size_t)st.st_size;
	header = cache->map;
	if (memcmp(header->magic, MAGIC, sizeof(MAGIC)) != 0 ||
		header->count > ENTRIES_MAX ||
		cache->map_size !=
			sizeof(*header) +
				header->count * sizeof(struct digest_cache_entry))
		return;
	cache->old = (void *)(header + 1);
	cache->old_count = header->count;
}

int copy_digest_cache_open(
	int dir_fd, const char *name, struct copy_digest_cache **ret, struct error *err)
{
	struct copy_digest_cache *cache;
	auto_fd fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 && errno != ENOENT)
		return fail_errno(err, "opening %s", name);
	cache = str_alloc(sizeof(*cache));
	cache->name = str_dup(name);
	cache->dir_fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 3);
	if (cache->dir_fd < 0) {
		copy_digest_cache_free(cache);
		return fail_errno(err, "opening %s", name);
	}
	if (fd >= 0)
		map_file(cache, fd);
	*ret = cache;
	return 0;
}

static void unmap(struct copy_digest_cache *cache)
{
	if (cache->map)
		(void)munmap(
			cache->map, cache->map_size); /* cannot fail on a map of ours */
	cache->map = cache->old = NULL;
	cache->old_count = 0;
}

/* What others added since: stages that are built at the same time, other builds. */
static void map_again(struct copy_digest_cache *cache)
{
	auto_fd fd =
		openat(cache->dir_fd, cache->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	unmap(cache);
	if (fd >= 0)
		map_file(cache, fd);
}

/* Both sorted; the new entry of a file replaces its old one. */
static size_t merge(const struct copy_digest_cache *cache, struct digest_cache_entry *to)
{
	size_t i = 0, j = 0, count = 0;

	while (i < cache->old_count || j < cache->added_count) {
		int order = i == cache->old_count ? 1
			    : j == cache->added_count
				    ? -1
				    : compare(&cache->old[i], &cache->added[j]);

		if (order < 0) {
			to[count++] = cache->old[i++];
			continue;
		}
		i += order == 0;
		/* A file that was met twice stands here twice. */
		if (count == 0 || compare(&to[count - 1], &cache->added[j]) != 0)
			to[count++] = cache->added[j];
		j++;
	}
	return count;
}

int copy_digest_cache_save(struct copy_digest_cache *cache, struct error *err)
{
	struct file_replace_options options = { .mode = 0600 };
	auto_free struct header *header = NULL;
	auto_fd lock = -1;

	if (!cache || cache->added_count == 0)
		return 0;
	lock = openat(cache->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock < 0)
		return fail_errno(err, "opening the directory of %s", cache->name);
	if (fd_lock(lock, LOCK_EX, cache->name, err) < 0)
		return -1;
	map_again(cache);
	if (cache->old_count + cache->added_count > ENTRIES_MAX)
		cache->old_count = 0; /* begins anew */
	if (cache->added_count > ENTRIES_MAX)
		cache->added_count = ENTRIES_MAX;
	qsort(cache->added, cache->added_count, sizeof(*cache->added), compare);
	header = str_alloc(sizeof(*header) + (cache->old_count + cache->added_count) *
						     sizeof(struct digest_cache_entry));
	memcpy(header->magic, MAGIC, sizeof(MAGIC));
	header->count = merge(cache, (void *)(header + 1));
	return file_replace_at(cache->dir_fd, cache->name, header,
		sizeof(*header) + header->count * sizeof(struct digest_cache_entry),
		options, err);
}

void copy_digest_cache_free(struct copy_digest_cache *cache)
{
	if (!cache)
		return;
	unmap(cache);
	if (cache->dir_fd >= 0)
		close(cache->dir_fd);
	free(cache->name);
	free(cache->added);
	free(cache);
}
