/* Leases as symbolic links; see pool.h. pool_take() is the only one that gives. */
#include "netsetup/addresses/pool.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"

#define BOOT_ID      "/proc/sys/kernel/random/boot_id"
#define LAST_PREFIX  "last-"  /* last-SET: the address given last; no address begins so */
#define PORTS        "@ports" /* beside the networks' pools; no network's name */
#define OWNER_LENGTH 512

/* ---- opening ------------------------------------------------------------------------- */

static int read_boot_id(char **ret, struct error *err)
{
	auto_free char *text = NULL;

	if (file_read_at(AT_FDCWD, BOOT_ID, 64, &text, NULL, err) < 0)
		return -1;
	text[strcspn(text, "\n")] = '\0';
	*ret = take_ptr(&text);
	return 0;
}

/* What another boot left: nobody has those addresses now. */
static int remove_other_boots(int parent, const char *boot, struct error *err)
{
	auto_dir directory = path_list(parent);

	if (!directory)
		return fail_errno(err, "listing a pool");
	for (const struct dirent *entry; (entry = path_next(directory));) {
		if (entry->d_name[0] == '.' || str_equal(entry->d_name, boot))
			continue;
		if (path_remove_tree(parent, entry->d_name, err) < 0)
			return -1;
	}
	return errno ? fail_errno(err, "listing a pool") : 0;
}

static int open_directory(int at, const char *path, int *ret_fd, struct error *err)
{
	auto_fd fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return fail_errno(err, "opening the pool %s", path);
	*ret_fd = take_fd(&fd);
	return 0;
}

/* The first taker after a boot makes the directory and sweeps, under the parent's lock. */
static int make_boot(int parent, const char *boot, struct error *err)
{
	if (fd_lock(parent, LOCK_EX, "the pool", err) < 0 ||
		remove_other_boots(parent, boot, err) < 0)
		return -1;
	if (mkdirat(parent, boot, 0755) < 0 && errno != EEXIST)
		return fail_errno(err, "making the pool's directory %s", boot);
	return 0;
}

static int open_boot(int parent, bool make, int *ret_fd, struct error *err)
{
	auto_free char *boot = NULL;

	if (read_boot_id(&boot, err) < 0)
		return -1;
	if (open_directory(parent, boot, ret_fd, err) == 0)
		return 0;
	if (err->errnum != ENOENT || !make)
		return -1;
	if (make_boot(parent, boot, err) < 0)
		return -1;
	return open_directory(parent, boot, ret_fd, err);
}

static int open_pool(const struct places *places, const char *network, bool make,
	struct pool *ret, struct error *err)
{
	auto_free char *path = path_join(places->pools, network);
	auto_fd parent = -1;
	auto_fd directory = -1;

	if (open_directory(AT_FDCWD, path, &parent, err) < 0) {
		if (err->errnum != ENOENT || !make)
			return -1;
		if (path_mkdirs(path, 0755, err) < 0 ||
			open_directory(AT_FDCWD, path, &parent, err) < 0)
			return -1;
	}
	if (open_boot(parent, make, &directory, err) < 0 ||
		fd_lock(directory, LOCK_EX, path, err) < 0)
		return -1;
	ret->directory = take_fd(&directory);
	ret->network = str_dup(network);
	return 0;
}

int pool_open(const struct places *places, const char *network, struct pool *ret,
	struct error *err)
{
	if (places_check_name(network, "network", err) < 0)
		return -1;
	return open_pool(places, network, true, ret, err);
}

int pool_open_existing(const struct places *places, const char *network, struct pool *ret,
	struct error *err)
{
	if (places_check_name(network, "network", err) < 0)
		return -1;
	return open_pool(places, network, false, ret, err);
}

int pool_open_ports(const struct places *places, struct pool *ret, struct error *err)
{
	return open_pool(places, PORTS, true, ret, err);
}

void pool_close(struct pool *pool)
{
	if (pool->network)
		close(pool->directory);
	free(pool->network);
	*pool = (struct pool){ 0 };
}

int pool_remove(const struct places *places, const char *network, struct error *err)
{
	auto_fd parent =
		open(places->pools, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (parent < 0 && errno == ENOENT)
		return 0;
	if (parent < 0)
		return fail_errno(err, "opening %s", places->pools);
	return path_remove_tree(parent, network, err);
}

/* ---- looking ------------------------------------------------------------------------- */

/* The text of a link; false where there is none. */
static bool read_link_at(int directory, const char *name, char *text, size_t size)
{
	ssize_t length = readlinkat(directory, name, text, size - 1);

	if (length < 0)
		return false;
	text[length] = '\0';
	return true;
}

int pool_each(struct pool *pool,
	int (*each)(void *argument, const char *address, const char *owner,
		struct error *err),
	void *argument, struct error *err)
{
	auto_dir directory = path_list(pool->directory);
	char owner[OWNER_LENGTH];

	if (!directory)
		return fail_errno(err, "listing the pool of \"%s\"", pool->network);
	for (const struct dirent *entry; (entry = path_next(directory));) {
		if (entry->d_name[0] == '.' || str_after(entry->d_name, LAST_PREFIX) ||
			!read_link_at(
				pool->directory, entry->d_name, owner, sizeof(owner)))
			continue;
		if (each(argument, entry->d_name, owner, err) < 0)
			return -1;
	}
	return errno ? fail_errno(err, "listing the pool of \"%s\"", pool->network) : 0;
}

static bool in_range(const struct pool_range *range, const struct address *address)
{
	return address_compare(address, &range->first) >= 0 &&
	       address_compare(address, &range->last) <= 0;
}

/* The range of the set that the address is in, or NULL. */
static const struct pool_range *range_of(
	const struct pool_request *request, const struct address *address)
{
	for (size_t i = 0; i < request->count; i++)
		if (request->ranges[i].set == request->set &&
			request->ranges[i].subnet.family == address->family &&
			in_range(&request->ranges[i], address))
			return &request->ranges[i];
	return NULL;
}

/* ---- giving -------------------------------------------------------------------------- */

static bool is_taken_elsewhere(
	const struct pool_request *request, const struct address *address)
{
	auto_free char *path = NULL;

	if (!request->other_leases)
		return false;
	path = path_join(request->other_leases, address_text(address).text);
	return access(path, F_OK) == 0;
}

/* 1: it is the owner's now; 0: another has it. */
static int try_lease(struct pool *pool, const struct address *address,
	const struct pool_request *request, struct error *err)
{
	if (is_taken_elsewhere(request, address))
		return 0;
	if (symlinkat(request->owner, pool->directory, address_text(address).text) == 0)
		return 1;
	if (errno == EEXIST)
		return 0;
	return fail_errno(
		err, "leasing %s of \"%s\"", address_text(address).text, pool->network);
}

static void remember_last(struct pool *pool, uint32_t set, const struct address *address)
{
	auto_free char *name = str_format(LAST_PREFIX "%u", set);
	static const char next[] = LAST_PREFIX "next";

	/* Lost, it only costs the round robin its place. */
	(void)unlinkat(pool->directory, next, 0);
	if (symlinkat(address_text(address).text, pool->directory, next) == 0)
		(void)renameat(pool->directory, next, pool->directory, name);
}

/* Where the search begins: after the address given last, or at the set's first. */
static const struct pool_range *start(
	struct pool *pool, const struct pool_request *request, struct address *ret)
{
	auto_free char *name = str_format(LAST_PREFIX "%u", request->set);
	const struct pool_range *range = NULL;
	struct error ignored;
	char text[64];

	if (read_link_at(pool->directory, name, text, sizeof(text)) &&
		address_parse(text, name, ret, &ignored) == 0)
		range = range_of(request, ret);
	if (range)
		return range;
	for (size_t i = 0; i < request->count; i++)
		if (request->ranges[i].set == request->set) {
			*ret = request->ranges[i].last; /* the next one wraps */
			range = &request->ranges[i];
		}
	return range;
}

/* The set's range after this one, and again the first. */
static const struct pool_range *next_range(
	const struct pool_request *request, const struct pool_range *range)
{
	size_t at = (size_t)(range - request->ranges);

	do
		at = (at + 1) % request->count;
	while (request->ranges[at].set != request->set);
	return &request->ranges[at];
}

static void finish(const struct pool_range *range, struct address *address,
	struct address *ret_address, const struct pool_range **ret_range)
{
	address->prefix = range->subnet.prefix;
	*ret_address = *address;
	*ret_range = range;
}

struct holders {
	const struct pool_request *request;
	struct str text;
	size_t count;
	size_t shown;
};

static int add_holder(
	void *argument, const char *address, const char *owner, struct error *err)
{
	struct holders *holders = argument;
	struct address parsed;

	if (address_parse(address, "lease", &parsed, err) < 0)
		return -1;
	if (!range_of(holders->request, &parsed))
		return 0;
	holders->count++;
	if (holders->text.length < 600) {
		str_appendf(&holders->text, "%s%s %.48s", holders->shown ? ", " : "",
			address, owner);
		holders->shown++;
	}
	return 0;
}

static int fail_exhausted(
	struct pool *pool, const struct pool_request *request, struct error *err)
{
	struct holders holders = { .request = request };
	struct error unlisted;
	uint64_t size;
	uint64_t taken;

	if (pool_usage(pool, request, &size, &taken, &unlisted) == 0 && size == 0)
		return fail_code(err, ENOSPC,
			"network \"%s\" has no address for containers beside the gateway's",
			pool->network);
	if (pool_each(pool, add_holder, &holders, &unlisted) < 0)
		holders.count++; /* "and more" */
	error_set_code(err, ENOSPC,
		"the addresses of network \"%s\" are exhausted: %s%s; mocker-netsetup gc "
		"releases those of containers that are gone",
		pool->network, holders.text.data ? holders.text.data : "",
		holders.count > holders.shown ? " and more" : "");
	str_free(&holders.text);
	return -1;
}

static int take_wanted(struct pool *pool, const struct pool_request *request,
	struct address *ret_address, const struct pool_range **ret_range,
	struct error *err)
{
	struct address address = *request->wanted;
	const struct pool_range *range = range_of(request, &address);
	char owner[OWNER_LENGTH] = "another";
	int result;

	if (!range)
		return fail_code(err, EINVAL,
			"%s is not among the addresses of network \"%s\"",
			address_text(&address).text, pool->network);
	if (range->gateway.family && address_compare(&address, &range->gateway) == 0)
		return fail_code(err, EADDRINUSE, "%s is the gateway of network \"%s\"",
			address_text(&address).text, pool->network);
	result = try_lease(pool, &address, request, err);
	if (result < 0)
		return -1;
	(void)read_link_at(pool->directory, address_text(&address).text, owner,
		sizeof(owner)); /* only words */
	if (result == 0)
		return fail_code(err, EADDRINUSE,
			"the address %s of network \"%s\" is taken by %s",
			address_text(&address).text, pool->network, owner);
	finish(range, &address, ret_address, ret_range);
	return 0;
}

int pool_take(struct pool *pool, const struct pool_request *request,
	struct address *ret_address, const struct pool_range **ret_range,
	struct error *err)
{
	struct address address;
	struct address began;
	const struct pool_range *range;

	if (request->wanted)
		return take_wanted(pool, request, ret_address, ret_range, err);
	range = start(pool, request, &began);
	if (!range)
		return fail(err, "network \"%s\" has no addresses", pool->network);
	address = began;
	do {
		int result = 0;

		if (address_compare(&address, &range->last) >= 0) {
			range = next_range(request, range);
			address = range->first;
		} else {
			address = address_next(&address);
		}
		if (!range->gateway.family ||
			address_compare(&address, &range->gateway) != 0)
			result = try_lease(pool, &address, request, err);
		if (result < 0)
			return -1;
		if (result > 0) {
			remember_last(pool, request->set, &address);
			finish(range, &address, ret_address, ret_range);
			return 0;
		}
	} while (address_compare(&address, &began) != 0);
	return fail_exhausted(pool, request, err);
}

/* ---- taking back --------------------------------------------------------------------- */

struct release {
	struct pool *pool;
	const char *owner;
};

static int release_if_own(
	void *argument, const char *address, const char *owner, struct error *err)
{
	const struct release *release = argument;

	if (!str_equal(owner, release->owner))
		return 0;
	if (unlinkat(release->pool->directory, address, 0) < 0 && errno != ENOENT)
		return fail_errno(
			err, "releasing %s of \"%s\"", address, release->pool->network);
	return 0;
}

int pool_release(struct pool *pool, const char *owner, struct error *err)
{
	struct release release = { pool, owner };

	return pool_each(pool, release_if_own, &release, err);
}

bool pool_holds(struct pool *pool, const char *name, const char *owner)
{
	char holder[OWNER_LENGTH];

	return read_link_at(pool->directory, name, holder, sizeof(holder)) &&
	       str_equal(holder, owner);
}

int pool_lease(struct pool *pool, const char *name, const char *owner, struct error *err)
{
	char holder[OWNER_LENGTH] = "another";

	if (symlinkat(owner, pool->directory, name) == 0)
		return 0;
	if (errno != EEXIST)
		return fail_errno(err, "leasing %s", name);
	(void)read_link_at(pool->directory, name, holder, sizeof(holder)); /* for words */
	if (str_equal(holder, owner))
		return 0;
	return fail_code(err, EADDRINUSE, "%s is taken by %s", name, holder);
}

int pool_release_name(
	struct pool *pool, const char *name, const char *owner, struct error *err)
{
	if (!pool_holds(pool, name, owner))
		return 0;
	if (unlinkat(pool->directory, name, 0) < 0 && errno != ENOENT)
		return fail_errno(err, "releasing %s", name);
	return 0;
}

int pool_release_address(struct pool *pool, const struct address *address,
	const char *owner, struct error *err)
{
	return pool_release_name(pool, address_text(address).text, owner, err);
}

/* ---- counting ------------------------------------------------------------------------ */

/* The distance, saturated: IPv6 ranges are wider than any counter. */
static uint64_t range_size(const struct pool_range *range)
{
	size_t length = address_length(&range->first);
	uint64_t first = 0;
	uint64_t last = 0;
	uint64_t size;

	for (size_t i = 0; i < length; i++) {
		if (i + 8 < length && range->first.bytes[i] != range->last.bytes[i])
			return UINT64_MAX;
		first = first << 8 | range->first.bytes[i];
		last = last << 8 | range->last.bytes[i];
	}
	size = last - first;
	if (!range->gateway.family || !in_range(range, &range->gateway))
		size = size == UINT64_MAX ? size : size + 1;
	return size;
}

int pool_usage(struct pool *pool, const struct pool_request *request, uint64_t *ret_size,
	uint64_t *ret_taken, struct error *err)
{
	struct holders holders = { .request = request };
	uint64_t size = 0;
	int result = pool_each(pool, add_holder, &holders, err);

	str_free(&holders.text);
	for (size_t i = 0; i < request->count; i++) {
		if (request->ranges[i].set == request->set)
			size = size + range_size(&request->ranges[i]) < size
				       ? UINT64_MAX
				       : size + range_size(&request->ranges[i]);
	}
	*ret_size = size;
	*ret_taken = holders.count;
	return result;
}
