/* base/: strings, numbers, words, files and paths. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/path_walk.h"
#include "base/str.h"
#include "tests/unit/test.h"

static struct error err;

static int temp_dir(char **ret_name)
{
	static char name[64];

	strcpy(name, "/tmp/mocker-test-base.XXXXXX");
	if (!mkdtemp(name))
		abort();
	if (ret_name)
		*ret_name = name;
	return open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void remove_temp(const char *name)
{
	CHECK_OK(path_remove_tree(AT_FDCWD, name, &err), &err);
	CHECK_INT(access(name, F_OK), -1);
}

static void numbers_are_strict(void)
{
	static const struct {
		const char *text;
		bool good;
		uint64_t value;
	} cases[] = {
		{ "0", true, 0 },
		{ "18446744073709551615", true, UINT64_MAX },
		{ "18446744073709551616", false, 0 },
		{ "", false, 0 },
		{ "-1", false, 0 },
		{ "+1", false, 0 },
		{ " 1", false, 0 },
		{ "1x", false, 0 },
		{ "0x10", false, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t value = 0;
		int result = str_to_u64(cases[i].text, "n", &value, &err);

		CHECK_INT(result == 0, cases[i].good);
		CHECK(value == cases[i].value);
	}
}

static void signed_numbers_reach_their_ends(void)
{
	int64_t value;

	CHECK_OK(str_to_i64("-9223372036854775808", "n", &value, &err), &err);
	CHECK_INT(value, INT64_MIN);
	CHECK_OK(str_to_i64("9223372036854775807", "n", &value, &err), &err);
	CHECK_INT(value, INT64_MAX);
	CHECK_FAILS(str_to_i64("9223372036854775808", "pids", &value, &err), &err,
		"pids: expected an integer, found \"9223372036854775808\"");
	CHECK_FAILS(str_to_i64("--1", "n", &value, &err), &err, "expected an integer");
}

static void sizes_have_suffixes(void)
{
	static const struct {
		const char *text;
		int64_t value; /* -2: refused */
	} cases[] = {
		{ "1", 1 },
		{ "1b", 1 },
		{ "2k", 2048 },
		{ "2K", 2048 },
		{ "2kb", 2048 },
		{ "2KiB", 2048 },
		{ "1m", 1048576 },
		{ "1g", 1073741824 },
		{ "1.5k", 1536 },
		{ "0.25g", 268435456 },
		{ "2.9", 2 },
		{ "1.", -2 },
		{ ".5m", -2 },
		{ "1.5.5m", -2 },
		{ "-1", -1 },
		{ "8388607t", 8388607LL << 40 },
		{ "8388608t", -2 },
		{ "1q", -2 },
		{ "k", -2 },
		{ "1kk", -2 },
		{ "1bb", -2 },
		{ "-2", -2 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t value = -2;

		(void)!str_to_bytes(cases[i].text, cases[i].text, &value, &err);
		CHECK_INT(value, cases[i].value);
	}
}

static void durations_are_as_go_writes_them(void)
{
	static const struct {
		const char *text;
		int64_t ns; /* -1: refused */
	} cases[] = {
		{ "0", 0 },
		{ "300ms", 300000000 },
		{ "1m30s", 90000000000 },
		{ "1.5h", 5400000000000 },
		{ "2us", 2000 },
		{ "1h1ns", 3600000000001 },
		{ "2000000h", 7200000000000000000 },
		{ "3000000h", -1 },
		{ "", -1 },
		{ "5", -1 },
		{ "-5s", -1 },
		{ "1.2.3s", -1 },
		{ ".s", -1 },
		{ "5 s", -1 },
		{ "5d", -1 },
		{ "s", -1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t ns = -1;

		(void)duration_parse(cases[i].text, &ns);
		if (!CHECK_INT(ns, cases[i].ns))
			printf("# \"%s\"\n", cases[i].text);
	}
}

static void lists_split_and_join(void)
{
	auto_strings list = { 0 };
	auto_free char *joined = NULL;

	strings_split(&list, "a,,b,", ',');
	CHECK_INT(list.count, 4);
	CHECK(list.items[list.count] == NULL);
	joined = strings_join(&list, "|");
	CHECK_STR(joined, "a||b|");
	for (int i = 0; i < 1000; i++)
		strings_addf(&list, "%d", i);
	CHECK_INT(list.count, 1004);
	CHECK_STR(list.items[1003], "999");
	CHECK(list.items[1004] == NULL);
}

static void environments_replace_by_whole_name(void)
{
	auto_strings env = { 0 };

	strings_env_set(&env, "PATH", "/bin");
	strings_env_set(&env, "PATHX", "1");
	strings_env_set(&env, "PATH", "/sbin");
	CHECK_INT(env.count, 2);
	CHECK_STR(strings_env(&env, "PATH"), "/sbin");
	strings_add(&env, "PATHX=2");
	strings_add(&env, "PATH=/usr");
	strings_add(&env, "PATHX=3");
	strings_env_unique(&env);
	CHECK_INT(env.count, 2);
	CHECK_STR(strings_env(&env, "PATH"), "/usr");
	CHECK_STR(strings_env(&env, "PATHX"), "3");
	CHECK(!env.items[2]);
	CHECK(strings_env(&env, "PAT") == NULL);
}

static const struct word colours[] = {
	{ "red", 1 },
	{ "green", 2 },
	{ "magenta", 3 },
	{ NULL, 0 },
};

static void words_suggest(void)
{
	CHECK_FAILS(word_fail(colours, "/colour", "gren", &err), &err,
		"/colour: unknown word \"gren\"; did you mean \"green\"?");
	CHECK_FAILS(word_fail(colours, "/colour", "magnetA", &err), &err,
		"did you mean \"magenta\"?");
	CHECK_FAILS(word_fail(colours, "/colour", "xyz", &err), &err,
		"expected one of red, green, magenta");
}

static void files_are_replaced_whole(void)
{
	char *name;
	auto_fd dir = temp_dir(&name);
	auto_free char *text = NULL;
	struct file_replace_options options = { .mode = 0600 };
	struct stat st;

	CHECK_OK(file_replace_at(dir, "f", "one", 3, options, &err), &err);
	CHECK_OK(file_replace_at(dir, "f", "two", 3, options, &err), &err);
	CHECK_OK(file_read_at(dir, "f", 100, &text, NULL, &err), &err);
	CHECK_STR(text, "two");
	CHECK_INT(fstatat(dir, "f", &st, 0), 0);
	CHECK_INT(st.st_mode & 07777, 0600);
	CHECK_FAILS(file_replace_at(dir, "no/f", "x", 1, options, &err), &err,
		"creating no/f.");
	remove_temp(name);
}

static void reads_are_bounded(void)
{
	char *name;
	auto_fd dir = temp_dir(&name);
	auto_fd fifo = -1;
	char *text = NULL;

	CHECK_OK(file_replace_at(dir, "f", "12345", 5,
			 (struct file_replace_options){ .mode = 0600 }, &err),
		&err);
	CHECK_FAILS(file_read_at(dir, "f", 4, &text, NULL, &err), &err,
		"f: is larger than the 4 bytes allowed");
	CHECK_FAILS(file_read_at(dir, ".", 4, &text, NULL, &err), &err, "is a directory");
	CHECK_FAILS(file_read_at(AT_FDCWD, "/dev/zero", 4096, &text, NULL, &err), &err,
		"is larger");
	CHECK_INT(mkfifoat(dir, "fifo", 0600), 0);
	fifo = openat(dir, "fifo", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	CHECK_FAILS(fd_read_all(fifo, "fifo",
			    (struct fd_read_options){ .limit = 1, .regular_only = true },
			    &text, NULL, &err),
		&err, "fifo: is not a regular file");
	CHECK(text == NULL);
	remove_temp(name);
}

static void copies_are_equal(void)
{
	char *name;
	auto_fd dir = temp_dir(&name);
	auto_free char *text = NULL;
	auto_fd from = -1;
	auto_fd to = openat(dir, "to", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	auto_fd proc = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

	CHECK_OK(file_replace_at(dir, "from", "copied", 6,
			 (struct file_replace_options){ .mode = 0600 }, &err),
		&err);
	from = openat(dir, "from", O_RDONLY | O_CLOEXEC);
	CHECK_OK(fd_copy(from, to, "from", &err), &err);
	CHECK_OK(file_read_at(dir, "to", 100, &text, NULL, &err), &err);
	CHECK_STR(text, "copied");
	CHECK_INT(ftruncate(to, 0), 0);
	CHECK_INT(lseek(to, 0, SEEK_SET), 0);
	CHECK_OK(fd_copy(proc, to, "/proc/self/status", &err), &err);
	CHECK(lseek(to, 0, SEEK_END) > 100);
	remove_temp(name);
}

/* What cannot be read is no end of a list. */
static void lists_break_off(void)
{
	char *name;
	auto_fd dir_fd = temp_dir(&name);
	auto_fd file = openat(dir_fd, "file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	auto_dir whole = path_list(dir_fd);
	auto_dir broken = path_list(dir_fd);

	CHECK_STR(path_next(whole)->d_name, "file");
	CHECK(!path_next(whole));
	CHECK_INT(errno, 0);
	CHECK(dup3(file, dirfd(broken), O_CLOEXEC) >= 0);
	CHECK(!path_next(broken));
	CHECK_INT(errno, ENOTDIR);
	remove_temp(name);
}

static void short_writes_are_told(void)
{
	struct rlimit limit;
	struct rlimit low;
	char *name;
	auto_fd dir_fd = temp_dir(&name);
	auto_fd file = openat(dir_fd, "file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	CHECK_INT(getrlimit(RLIMIT_FSIZE, &limit), 0);
	low = (struct rlimit){ .rlim_cur = 3, .rlim_max = limit.rlim_max };
	CHECK_INT(setrlimit(RLIMIT_FSIZE, &low), 0);
	errno = 0;
	CHECK_FAILS(file_write_at(dir_fd, "file", "12345", &err), &err,
		"writing \"12345\" to file: only 3 of 5 bytes were taken");
	CHECK_INT(setrlimit(RLIMIT_FSIZE, &limit), 0);
	remove_temp(name);
}

static void paths_are_cleaned(void)
{
	static const char *const cases[][2] = {
		{ "/a/./b//../c", "/a/c" },
		{ "/..", "/" },
		{ "/../../a", "/a" },
		{ "a/..", "." },
		{ "../a", "../a" },
		{ "a/../../b", "../b" },
		{ "", "." },
		{ "/", "/" },
		{ "a/", "a" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_free char *clean = path_clean(cases[i][0]);

		CHECK_STR(clean, cases[i][1]);
	}
}

static void parents_and_bases(void)
{
	static const char *const cases[][3] = {
		{ "/a/b", "/a", "b" },
		{ "/a", "/", "a" },
		{ "a", ".", "a" },
		{ "a//b", "a", "b" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_free char *parent = path_parent(cases[i][0]);

		CHECK_STR(parent, cases[i][1]);
		CHECK_STR(path_base(cases[i][0]), cases[i][2]);
	}
}

/* A root that tries to lead outside: what each name must resolve to inside. */
static void make_hostile_root(int dir)
{
	CHECK_INT(mkdirat(dir, "in", 0755), 0);
	CHECK_INT(mkdirat(dir, "in/sub", 0755), 0);
	CHECK_OK(file_replace_at(dir, "etc-passwd", "inside", 6,
			 (struct file_replace_options){ .mode = 0644 }, &err),
		&err);
	CHECK_INT(mkdirat(dir, "etc", 0755), 0);
	CHECK_INT(renameat(dir, "etc-passwd", dir, "etc/passwd"), 0);
	CHECK_INT(symlinkat("/etc/passwd", dir, "absolute"), 0);
	CHECK_INT(symlinkat("../../../../etc/passwd", dir, "in/up"), 0);
	CHECK_INT(symlinkat("/", dir, "in/root"), 0);
	CHECK_INT(symlinkat("loop2", dir, "loop1"), 0);
	CHECK_INT(symlinkat("loop1", dir, "loop2"), 0);
	CHECK_INT(symlinkat("/missing", dir, "dangling"), 0);
}

static void names_stay_beneath_the_root(void)
{
	static const struct {
		const char *path;
		int flags;
		int errnum; /* 0: opens the root's own /etc/passwd */
	} cases[] = {
		{ "/etc/passwd", O_RDONLY, 0 },
		{ "etc/passwd", O_RDONLY, 0 },
		{ "absolute", O_RDONLY, 0 },
		{ "in/up", O_RDONLY, 0 },
		{ "in/root/etc/passwd", O_RDONLY, 0 },
		{ "../../etc/passwd", O_RDONLY, 0 },
		{ "in/sub/../../../etc/./passwd", O_RDONLY, 0 },
		{ "absolute", O_RDONLY | O_NOFOLLOW, ELOOP },
		{ "loop1", O_RDONLY, ELOOP },
		{ "dangling", O_RDONLY, ENOENT },
		{ "etc/passwd/x", O_RDONLY, ENOTDIR },
		{ "etc/passwd/", O_RDONLY, ENOTDIR },
		{ "missing/../etc/passwd", O_RDONLY, ENOENT },
		{ "", O_RDONLY, ENOENT },
	};
	char *name;
	auto_fd dir = temp_dir(&name);

	make_hostile_root(dir);
	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		const char *path = cases[i / 2].path;
		int flags = cases[i / 2].flags;
		char text[16] = "";
		auto_fd fd = i % 2 ? path_walk_open(dir, path, flags, 0)
				   : path_try_open_in_root(dir, path, flags, 0);

		if (!cases[i / 2].errnum && fd >= 0)
			CHECK_INT(read(fd, text, sizeof(text) - 1), 6);
		if (!CHECK_STR(text, cases[i / 2].errnum ? "" : "inside") ||
			(cases[i / 2].errnum && !CHECK_INT(errno, cases[i / 2].errnum)))
			printf("# path %s, %s\n", path, i % 2 ? "walk" : "openat2");
	}
	remove_temp(name);
}

static void directories_are_made_beneath_the_root(void)
{
	struct path_mkdir_options options = { .mode = 0751, .uid = (uid_t)-1 };
	char *name;
	auto_fd dir = temp_dir(&name);
	auto_fd made = -1;
	auto_fd linked = -1;
	struct stat st;

	make_hostile_root(dir);
	CHECK_OK(path_mkdirs_in_root(dir, "/a/../b/c", options, &made, &err), &err);
	CHECK_INT(fstatat(dir, "b/c", &st, 0), 0);
	CHECK_INT(st.st_mode & 07777, 0751);
	CHECK_OK(path_mkdirs_in_root(dir, "/dangling/x", options, &linked, &err), &err);
	CHECK_INT(fstatat(dir, "missing/x", &st, 0), 0);
	CHECK_FAILS(path_mkdirs_in_root(dir, "/etc/passwd/x", options, &linked, &err),
		&err, "making the directory /etc/passwd/x");
	CHECK_FAILS(path_mkdirs_in_root(dir, "/loop1/x", options, &linked, &err), &err,
		"loop1/x");
	remove_temp(name);
}

static void deep_trees_are_removed(void)
{
	char *name;
	auto_fd dir = temp_dir(&name);
	int at = dup(dir);

	for (int depth = 0; depth < 1500; depth++) {
		int next;

		if (mkdirat(at, "d", 0700) < 0)
			abort();
		next = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(at);
		at = next;
	}
	close(at);
	CHECK_INT(symlinkat("/etc", dir, "link"), 0);
	remove_temp(name);
	CHECK_INT(access("/etc", F_OK), 0);
	CHECK_OK(path_remove_tree(AT_FDCWD, name, &err), &err);
}

static const struct test tests[] = {
	{ "an unsigned number is digits only, in range", numbers_are_strict },
	{ "a signed number reaches both ends", signed_numbers_reach_their_ends },
	{ "a size takes the usual suffixes", sizes_have_suffixes },
	{ "a duration is read as Go writes it", durations_are_as_go_writes_them },
	{ "a list splits, joins and grows", lists_split_and_join },
	{ "an environment is replaced by whole names",
		environments_replace_by_whole_name },
	{ "an unknown word gets a suggestion", words_suggest },
	{ "a file is replaced as a whole", files_are_replaced_whole },
	{ "a read is bounded and refuses what is no file", reads_are_bounded },
	{ "a copy is equal, also of a file without a size", copies_are_equal },
	{ "a list that breaks off is told from its end", lists_break_off },
	{ "a write that is cut short is an error", short_writes_are_told },
	{ "a path is cleaned lexically", paths_are_cleaned },
	{ "a path has a parent and a base", parents_and_bases },
	{ "no name leads out of a root, by openat2 and by hand",
		names_stay_beneath_the_root },
	{ "directories are made inside a root, through links too",
		directories_are_made_beneath_the_root },
	{ "a tree deeper than the descriptor limit is removed", deep_trees_are_removed },
};

TEST_MAIN(tests)
