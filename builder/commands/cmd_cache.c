/* cache: the directories of RUN --mount=type=cache, listed, exported, seeded, removed. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "builder/archive/tar.h"
#include "builder/archive/tar_write.h"
#include "builder/build/worker.h"
#include "builder/commands/commands.h"
#include "builder/destination.h"
#include "builder/rootless.h"
#include "builder/size.h"
#include "builder/store/caches.h"

struct cache_options {
	bool quiet;
	bool all;
};

/* clang-format off */
static const struct option_spec list_options[] = {
	OPTION_FLAG(struct cache_options, quiet, "quiet", 'q', "print the IDs only"),
	OPTION_END,
};

static const struct option_spec remove_options[] = {
	OPTION_FLAG(struct cache_options, all, "all", 'a', "all that no build uses"),
	OPTION_END,
};
/* clang-format on */

static int open_store(
	const struct command_call *call, struct store *ret, struct error *err)
{
	const struct builder_options *global = call->global;

	if (rootless_enter(err) < 0)
		return -1;
	return store_open(global->root, LOCK_SH, ret, err);
}

/* ---- ls ---- */

static void print_cache(const struct cache_info *info)
{
	struct size_text size = size_text(info->size);
	char used[64] = "";
	struct tm tm;

	if (localtime_r(&info->used, &tm))
		(void)strftime(used, sizeof(used), "%Y-%m-%d %H:%M", &tm);
	printf("%.12s  %10s  %-16s  %s\n", info->key, size.text, used, info->id);
}

static int run_list(const struct command_call *call, struct error *err)
{
	const struct cache_options *given = call->options;
	auto_store store = STORE_CLOSED;
	auto_cache_list list = { 0 };

	if (open_store(call, &store, err) < 0 || cache_list(&store, &list, err) < 0)
		return -1;
	if (!given->quiet)
		printf("%-12s  %10s  %-16s  %s\n", "KEY", "SIZE", "LAST USED", "ID");
	for (size_t i = 0; i < list.count; i++) {
		if (given->quiet)
			printf("%s\n", list.items[i].id);
		else
			print_cache(&list.items[i]);
	}
	return 0;
}

/* ---- export ---- */

static enum tar_compression compression_of(const char *path)
{
	if (str_ends_with(path, ".gz") || str_ends_with(path, ".tgz"))
		return TAR_GZIP;
	return str_ends_with(path, ".zst") ? TAR_ZSTD : TAR_PLAIN;
}

struct exporting {
	int data_fd;
	int archive_fd;
	struct tar_write_options options;
};

static int write_tar(void *argument, int output, struct error *err)
{
	const struct exporting *exporting = argument;
	struct tar_written written;

	return tar_write(exporting->data_fd, exporting->archive_fd, &exporting->options,
		&written, err);
}

/* "-" is standard output. By a worker, so that a signal leaves nothing. */
static int write_archive(int data_fd, const char *id, const char *path, struct error *err)
{
	struct exporting exporting = {
		.data_fd = data_fd,
		.options = {
			.name = id,
			.compression = compression_of(path),
			.epoch = -1,
		},
	};
	struct worker worker = { .work = write_tar, .argument = &exporting };
	struct destination destination = DESTINATION_NONE;
	auto_interrupt interrupt = INTERRUPT_NONE;

	if (interrupt_begin(&interrupt, err) < 0)
		return -1;
	if (strcmp(path, "-") == 0
			? destination_standard(STDOUT_FILENO, &destination, err)
			: destination_open(path, 0600, interrupt.fd, &destination, err))
		return -1;
	exporting.archive_fd = destination.fd;
	worker.signal_fd = interrupt.fd;
	return destination_close(&destination, worker_run(&worker, err), err);
}

static int run_export(const struct command_call *call, struct error *err)
{
	auto_store store = STORE_CLOSED;
	auto_cache_list list = { 0 };
	const struct cache_info *info;
	auto_free char *path = NULL;
	auto_fd fd = -1;
	auto_fd data = -1;

	if (open_store(call, &store, err) < 0 || cache_list(&store, &list, err) < 0 ||
		cache_find(&list, call->argv[0], &info, err) < 0)
		return -1;
	path = store_path(&store, "caches", info->key);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(err, "opening the cache %s", info->id);
	/* No step that writes to it is half-way. */
	if (fd_lock(fd, LOCK_EX, info->id, err) < 0)
		return -1;
	data = openat(fd, "data", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (data < 0)
		return fail_errno(err, "opening the cache %s", info->id);
	return write_archive(data, info->id, call->argv[1], err);
}

/* ---- import ---- */

struct importing {
	int archive_fd;
	int to_fd;
	const char *path;
};

static int read_tar(void *argument, int output, struct error *err)
{
	const struct importing *importing = argument;
	struct tar_extract_options options = {
		.name = importing->path, .keep_owner = true, .epoch = -1
	};

	return tar_extract(importing->archive_fd, importing->to_fd, &options, NULL, err);
}

/* "-" is standard input. */
static int open_archive(const char *path, int *ret_fd, struct error *err)
{
	bool piped = strcmp(path, "-") == 0;

	if (piped && isatty(STDIN_FILENO))
		return fail(err, "an archive does not come from a terminal; give a file");
	*ret_fd = piped ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
			: open(path, O_RDONLY | O_CLOEXEC);
	return *ret_fd < 0 ? fail_errno(err, "opening %s", path) : 0;
}

static int unpack(int fd, const char *path, int signal_fd, struct error *err)
{
	struct importing importing = { .path = path };
	struct worker worker = {
		.work = read_tar,
		.argument = &importing,
		.signal_fd = signal_fd,
	};
	struct error ignored;
	auto_fd archive = -1;
	auto_fd to = -1;

	if (open_archive(path, &archive, err) < 0 || path_remove_tree(fd, "new", err) < 0)
		return -1;
	if (mkdirat(fd, "new", 0755) < 0)
		return fail_errno(err, "making the cache");
	to = openat(fd, "new", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (to < 0)
		return fail_errno(err, "opening the cache");
	importing.archive_fd = archive;
	importing.to_fd = to;
	if (worker_run(&worker, err) == 0)
		return 0;
	(void)!path_remove_tree(fd, "new", &ignored);
	return -1;
}

/* What it held goes once the new is whole. */
static int replace(int fd, struct error *err)
{
	if (path_remove_tree(fd, "old", err) < 0)
		return -1;
	if (renameat(fd, "data", fd, "old") < 0 && errno != ENOENT)
		return fail_errno(err, "replacing the cache");
	if (renameat(fd, "new", fd, "data") < 0)
		return fail_errno(err, "replacing the cache");
	return path_remove_tree(fd, "old", err);
}

static int run_import(const struct command_call *call, struct error *err)
{
	struct cache_name name = { .id = call->argv[0] };
	auto_interrupt interrupt = INTERRUPT_NONE;
	auto_store store = STORE_CLOSED;
	auto_free char *path = NULL;
	auto_fd fd = -1;
	bool gone;

	if (open_store(call, &store, err) < 0 ||
		cache_open(&store, &name, &path, &fd, err) < 0 ||
		cache_lock(fd, LOCK_EX, name.id, &gone, err) < 0)
		return -1;
	if (gone)
		return fail(err, "the cache %s was removed at this moment", name.id);
	if (interrupt_begin(&interrupt, err) < 0 ||
		unpack(fd, call->argv[1], interrupt.fd, err) < 0)
		return fail_while(err, "cache %s", name.id);
	return replace(fd, err);
}

/* ---- rm ---- */

static int remove_all(
	const struct store *store, const struct cache_list *list, struct error *err)
{
	for (size_t i = 0; i < list->count; i++) {
		if (cache_remove(store, &list->items[i], err) < 0 &&
			err->errnum != EWOULDBLOCK)
			return -1;
	}
	return 0;
}

static int run_remove(const struct command_call *call, struct error *err)
{
	const struct cache_options *given = call->options;
	auto_store store = STORE_CLOSED;
	auto_cache_list list = { 0 };
	const struct cache_info *info;

	if ((call->argc > 0) == given->all)
		return fail(err, "expected IDs of caches, or --all");
	if (open_store(call, &store, err) < 0 || cache_list(&store, &list, err) < 0)
		return -1;
	if (given->all)
		return remove_all(&store, &list, err);
	for (int i = 0; i < call->argc; i++) {
		if (cache_find(&list, call->argv[i], &info, err) < 0 ||
			cache_remove(&store, info, err) < 0)
			return -1;
	}
	return 0;
}

static const struct command cache_commands[] = {
	{
		.name = "ls",
		.summary = "list them, with the space that they take",
		.options = list_options,
		.options_size = sizeof(struct cache_options),
		.run = run_list,
	},
	{
		.name = "export",
		.operands = "ID FILE",
		.summary = "write what one holds to a tar archive",
		.details =
			"FILE is compressed where its name ends in .gz, .tgz or .zst; \"-\" "
			"is standard output. Waits for the steps that use the cache.",
		.operands_min = 2,
		.operands_max = 2,
		.run = run_export,
	},
	{
		.name = "import",
		.operands = "ID FILE",
		.summary = "fill one with what a tar archive holds",
		.details =
			"The cache need not exist; what it held is replaced. FILE may be "
			"compressed by gzip, bzip2, xz or zstd; \"-\" is standard input.",
		.operands_min = 2,
		.operands_max = 2,
		.run = run_import,
	},
	{
		.name = "rm",
		.operands = "[ID...]",
		.summary = "remove them",
		.options = remove_options,
		.options_size = sizeof(struct cache_options),
		.operands_max = -1,
		.run = run_remove,
	},
	{ 0 },
};

const struct command command_cache = {
	.name = "cache",
	.summary = "the directories of RUN --mount=type=cache",
	.details =
		"ID is what the mount's id= says, otherwise its target; or the begin of "
		"the key that `cache ls` shows.",
	.commands = cache_commands,
};
