/* builder/cache, builder/digest, builder/tree: keys, memos, and copies that lose nothing. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "builder/build/cache.h"
#include "builder/rootfs/tree.h"
#include "tests/unit/test.h"

static struct error err;

static char *make_place(void)
{
	char name[] = "/tmp/mocker-test-cache.XXXXXX";

	if (!mkdtemp(name))
		abort();
	return str_dup(name);
}

static struct digest key_of(
	const char *kind, const char *parent, const char *a, const char *b)
{
	struct digest_state state;

	cache_key_begin(&state, kind, parent);
	digest_add_text(&state, a);
	digest_add_text(&state, b);
	return digest_end(&state);
}

static void every_part_counts(void)
{
	struct digest key = key_of("RUN", "parent", "ab", "c");

	CHECK_STR(key_of("RUN", "parent", "ab", "c").hex, key.hex);
	CHECK(strcmp(key_of("COPY", "parent", "ab", "c").hex, key.hex) != 0);
	CHECK(strcmp(key_of("RUN", "other", "ab", "c").hex, key.hex) != 0);
	CHECK(strcmp(key_of("RUN", "parent", "a", "bc").hex, key.hex) != 0);
	CHECK(strcmp(key_of("RUN", "parent", "ab", NULL).hex, key.hex) != 0);
	CHECK(strcmp(key_of("RUN", "parent", "ab", "").hex,
		      key_of("RUN", "parent", "ab", NULL).hex) != 0);
}

static void digests_are_parsed_strictly(void)
{
	static const char good[] =
		"sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
	struct digest digest;

	CHECK(digest_parse(good, &digest));
	CHECK_STR(digest.hex, good + 7);
	CHECK(!digest_parse(good + 7, &digest));
	CHECK(!digest_parse("sha256:2CF24DBA", &digest));
	CHECK(!digest_parse("sha256:../../etc/passwd", &digest));
	CHECK(!digest_parse("md5:d41d8cd98f00b204e9800998ecf8427e", &digest));
}

static void memos_are_kept(void)
{
	auto_free char *place = make_place();
	struct digest key = key_of("memo", "", "", "");
	struct store store = STORE_CLOSED;
	char *text = NULL;

	CHECK_OK(store_open(place, LOCK_SH, &store, &err), &err);
	CHECK_OK(cache_recall(&store, key.hex, &text, &err), &err);
	CHECK(text == NULL);
	CHECK_OK(cache_remember(&store, key.hex, "once", &err), &err);
	CHECK_OK(cache_recall(&store, key.hex, &text, &err), &err);
	CHECK_STR(text, "once");
	free(text);
	store_close(&store);
	CHECK_OK(path_remove_tree(AT_FDCWD, place, &err), &err);
}

/* A file, a second name of it, a link, a directory with set-id bits, a FIFO. */
static void fill(const char *place)
{
	const struct timespec times[] = { { .tv_sec = 1000 }, { .tv_sec = 2000 } };
	auto_fd dir = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_fd fd = openat(dir, "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0640);

	CHECK_OK(fd_write_all(fd, "content", 7), &err);
	CHECK_INT(fsetxattr(fd, "user.colour", "red", 3, 0), 0);
	CHECK_INT(linkat(dir, "file", dir, "second", 0), 0);
	CHECK_INT(symlinkat("/etc/passwd", dir, "link"), 0);
	CHECK_INT(mkdirat(dir, "sub", 0755), 0);
	CHECK_INT(fchmodat(dir, "sub", 03711, 0), 0);
	CHECK_INT(mkfifoat(dir, "sub/fifo", 0600), 0);
	CHECK_INT(utimensat(dir, "file", times, 0), 0);
}

static void trees_are_copied_as_they_are(void)
{
	auto_free char *from = make_place();
	auto_free char *to = make_place();
	auto_fd from_fd = open(from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_fd to_fd = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char value[8] = "";
	char target[32] = "";
	struct stat file, second, other;

	fill(from);
	CHECK_OK(tree_copy(from_fd, to_fd, from, &err), &err);
	CHECK_INT(fstatat(to_fd, "file", &file, AT_SYMLINK_NOFOLLOW), 0);
	CHECK_INT(fstatat(to_fd, "second", &second, AT_SYMLINK_NOFOLLOW), 0);
	CHECK_INT(file.st_ino, second.st_ino);
	CHECK_INT(file.st_mode & 07777, 0640);
	CHECK_INT(file.st_mtim.tv_sec, 2000);
	CHECK_INT(file.st_size, 7);
	CHECK_INT(fstatat(to_fd, "sub", &other, AT_SYMLINK_NOFOLLOW), 0);
	CHECK_INT(other.st_mode & 07777, 03711);
	CHECK_INT(fstatat(to_fd, "sub/fifo", &other, AT_SYMLINK_NOFOLLOW), 0);
	CHECK(S_ISFIFO(other.st_mode));
	CHECK_INT(readlinkat(to_fd, "link", target, sizeof(target) - 1), 11);
	CHECK_STR(target, "/etc/passwd");
	{
		auto_free char *path = path_join(to, "file");

		CHECK_INT(getxattr(path, "user.colour", value, sizeof(value)), 3);
	}
	CHECK_OK(path_remove_tree(AT_FDCWD, from, &err), &err);
	CHECK_OK(path_remove_tree(AT_FDCWD, to, &err), &err);
}

static const struct test tests[] = {
	{ "every part of a key makes it another", every_part_counts },
	{ "a digest is sha256 and 64 digits, nothing else", digests_are_parsed_strictly },
	{ "memos are kept", memos_are_kept },
	{ "a tree is copied with links, attributes and times",
		trees_are_copied_as_they_are },
};

TEST_MAIN(tests)
