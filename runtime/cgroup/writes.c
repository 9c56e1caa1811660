/* The list of limits, and its application with errors that name the member of
 * config.json which cannot be had. */
#include "runtime/cgroup/writes.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "runtime/cgroup/layout.h"

void cgroup_writes_free(struct cgroup_writes *writes)
{
	for (size_t i = 0; i < writes->count; i++) {
		free(writes->items[i].file);
		free(writes->items[i].value);
		free(writes->items[i].field);
	}
	free(writes->items);
	*writes = (struct cgroup_writes){ 0 };
}

void cgroup_emit(const struct cgroup_emit *to, unsigned flags, const char *field,
	const char *file, const char *format, ...)
{
	struct cgroup_writes *writes = to->writes;
	struct str value = { 0 };
	va_list arguments;

	va_start(arguments, format);
	str_vappendf(&value, format, arguments);
	va_end(arguments);
	writes->items =
		str_realloc(writes->items, writes->count + 1, sizeof(writes->items[0]));
	writes->items[writes->count++] = (struct cgroup_write){
		.dir = to->dir,
		.file = str_dup(file),
		.value = str_take(&value),
		.field = str_format("%s/%s", to->prefix, field),
		.flags = flags,
	};
}

/* The file that was written last: rules of devices go to one file, a dozen in a row. */
struct open_file {
	size_t dir;
	const char *file;
	int fd;
};

/* 0 or an errno. */
static int put(const struct cgroup_write *write, const struct cgroup *cgroup,
	struct open_file *last)
{
	if (!last->file || last->dir != write->dir ||
		!str_equal(last->file, write->file)) {
		auto_free char *path =
			path_join(cgroup->dirs[write->dir].path, write->file);

		cleanup_fd(&last->fd);
		*last = (struct open_file){ write->dir, write->file,
			open(path, O_WRONLY | O_CLOEXEC) };
		if (last->fd < 0) {
			last->file = NULL;
			return errno;
		}
	}
	return fd_write_all(last->fd, write->value, strlen(write->value)) < 0 ? errno : 0;
}

/* What the kernel's word means for a file whose name has the part. */
static const struct hint {
	int errnum;
	const char *file;
	const char *words;
} hints[] = {
	{ EBUSY, "memory", "more memory is in use than the new limit" },
	{ EINVAL, "cpu.weight", "an idle cgroup has no weight: is cpu.idle set?" },
	{ EINVAL, "cpu.shares", "an idle cgroup has no shares: is cpu.idle set?" },
	{ EINVAL, "memory.limit",
		"it may not be above the limit of memory and swap together (memory/swap, "
		"--memory-swap), which can be given with it" },
	{ EINVAL, "memory.memsw",
		"it may not be below the limit of memory alone (memory/limit, --memory), "
		"which can be given with it" },
	{ ENODEV, "rdma.max", "there is no such RDMA device" },
	{ ENODEV, "", "there is no such block device" },
	{ EOPNOTSUPP, "io.weight",
		"the device has no cost model: enable it in io.cost.qos of the root cgroup" },
	{ EACCES, "", "this user may not set limits here" },
	{ EPERM, "", "this user may not set limits here" },
};

static const char *find_hint(const struct cgroup_write *write, int errnum)
{
	for (size_t i = 0; i < ARRAY_SIZE(hints); i++) {
		if (errnum == hints[i].errnum && strstr(write->file, hints[i].file))
			return hints[i].words;
	}
	return NULL;
}

static int explain(const struct cgroup_write *write, const struct cgroup *cgroup,
	int errnum, struct error *err)
{
	const struct cgroup_dir *dir = &cgroup->dirs[write->dir];
	bool unified = str_equal(dir->hierarchy, CGROUP_UNIFIED);
	const char *hint = find_hint(write, errnum);

	if (errnum == ENOENT)
		return fail_code(err, errnum, "%s: this kernel's cgroup v%d has no %s",
			write->field, unified ? 2 : 1, write->file);
	errno = errnum;
	(void)fail_errno(err, "%s: writing \"%s\" to %s/%s", write->field, write->value,
		dir->path, write->file);
	return hint ? fail_hint(err, "%s", hint) : -1;
}

static int check_usage(
	const struct cgroup_write *write, const struct cgroup *cgroup, struct error *err)
{
	auto_free char *path = path_join(cgroup->dirs[write->dir].path, "memory.current");
	auto_free char *text = NULL;
	uint64_t usage, limit;
	struct error ignored;

	if (str_to_u64(write->value, "limit", &limit, &ignored) < 0)
		return 0; /* "max" */
	if (file_read_at(AT_FDCWD, path, 64, &text, NULL, err) < 0)
		return -1;
	text[strcspn(text, "\n")] = '\0';
	if (str_to_u64(text, "memory.current", &usage, err) < 0)
		return -1;
	if (limit < usage)
		return fail(err,
			"%s: the new limit %" PRIu64 " is below the %" PRIu64
			" bytes in use, and checkBeforeUpdate is set",
			write->field, limit, usage);
	return 0;
}

int cgroup_writes_check(const struct cgroup_writes *writes, const struct cgroup *cgroup,
	struct error *err)
{
	for (size_t i = 0; i < writes->count; i++) {
		const struct cgroup_write *write = &writes->items[i];

		if (write->flags & WRITE_CHECK_USAGE &&
			check_usage(write, cgroup, err) < 0)
			return -1;
	}
	return 0;
}

/* Writes the entry at *at, and steps over those that it dealt with. */
static int apply_at(const struct cgroup_writes *writes, size_t *at,
	const struct cgroup *cgroup, bool rootless, struct open_file *last,
	struct error *err)
{
	const struct cgroup_write *write = &writes->items[(*at)++];
	const struct cgroup_write *next = *at < writes->count ? write + 1 : NULL;
	int errnum;

	errnum = put(write, cgroup, last);
	if (errnum == EINVAL && (write->flags & WRITE_AFTER_NEXT) && next &&
		put(next, cgroup, last) == 0) {
		(*at)++;
		errnum = put(write, cgroup, last);
	}
	if ((write->flags & WRITE_ELSE_NEXT) && next) {
		if (errnum == ENOENT)
			return 0;
		(*at)++;
	}
	if (!errnum || (errnum == ENOENT && (write->flags & WRITE_OPTIONAL)))
		return 0;
	if (rootless && (write->flags & WRITE_NO_RIGHTS_OK) &&
		(errnum == EPERM || errnum == EACCES)) {
		log_debug("%s: not permitted, and left out", write->field);
		return 0;
	}
	return explain(write, cgroup, errnum, err);
}

int cgroup_writes_apply(const struct cgroup_writes *writes, const struct cgroup *cgroup,
	bool rootless, struct error *err)
{
	struct open_file last = { .fd = -1 };
	int result = 0;

	for (size_t i = 0; i < writes->count && result == 0;)
		result = apply_at(writes, &i, cgroup, rootless, &last, err);
	cleanup_fd(&last.fd);
	return result;
}
