/* Unpacking: ordinary archives, layers with whiteouts, and hostile archives that are made
 * here byte by byte. */
#include "builder/archive/tar.h"
#include "tests/unit/test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"

struct entry {
	char type; /* '0' file, '1' hard link, '2' link, '3' char, '5' directory, '6' FIFO */
	const char *name;
	const char *text; /* contents or link target */
	const char *size; /* octal, instead of the text's length */
	const char *uid;
};

static void append_entry(struct str *tar, const struct entry *entry)
{
	unsigned char block[512] = { 0 };
	bool file = entry->type == '0';
	const char *text = entry->text ? entry->text : "";
	size_t length = file ? strlen(text) : 0;
	unsigned sum = 0;

	memcpy(block, entry->name, strlen(entry->name));
	memcpy(block + 100, "0000755", 8);
	memcpy(block + 108, entry->uid ? entry->uid : "0000000", 8);
	memcpy(block + 116, "0000000", 8);
	snprintf((char *)block + 124, 12, "%011o", (unsigned int)length & 0777777777);
	if (entry->size)
		memcpy(block + 124, entry->size, 12);
	memcpy(block + 136, "00000000144", 12);
	memset(block + 148, ' ', 8);
	block[156] = (unsigned char)entry->type;
	if (!file)
		memcpy(block + 157, text, strlen(text));
	memcpy(block + 257, "ustar\00000", 8);
	for (size_t i = 0; i < sizeof(block); i++)
		sum += block[i];
	snprintf((char *)block + 148, 8, "%06o", sum);
	str_append_n(tar, (char *)block, sizeof(block));
	if (length) {
		memset(block, 0, sizeof(block));
		memcpy(block, text, length);
		str_append_n(tar, (char *)block, sizeof(block));
	}
}

struct row {
	const char *what;
	struct entry entries[5];
	const char *expected; /* of `find`, or "!" and a part of the error */
	bool layer;
};

/* clang-format off */
static const struct row rows[] = {
	{ "plain files and directories",
	  { { '5', "d/" }, { '0', "d/a", "1" }, { '0', "b", "2" } }, "b d d/a " },
	{ "parents that no entry names", { { '0', "x/y/z", "1" } }, "x x/y x/y/z " },
	{ "dots", { { '5', "./" }, { '0', "./a", "1" }, { '0', "b/./c", "2" } }, "a b b/c " },
	{ "absolute names start at the root", { { '0', "/etc/passwd", "1" } }, "etc etc/passwd " },
	{ "the last entry of a name counts", { { '0', "a", "1" }, { '5', "a" } }, "a " },
	{ "a file in place of a tree", { { '0', "a/b", "1" }, { '0', "a", "2" } }, "a " },
	{ "hard links", { { '0', "a", "1" }, { '1', "b", "a" }, { '1', "c", "/a" } }, "a b c " },
	{ "a FIFO", { { '6', "p" } }, "p " },

	{ "dots that lead out", { { '0', "../a", "1" } }, "!the entry \"../a\" leads out" },
	{ "dots in the middle", { { '0', "a/../../b", "1" } }, "!leads out" },
	{ "a link out, then a file through it",
	  { { '2', "l", "/tmp/test-tar-outside" }, { '0', "l/a", "1" } }, "l tmp tmp/test-tar-outside tmp/test-tar-outside/a " },
	{ "a link up, then a file through it",
	  { { '2', "l", "../../outside" }, { '0', "l/a", "1" } }, "l outside outside/a " },
	{ "a file over a link does not follow it",
	  { { '0', "t", "1" }, { '2', "l", "t" }, { '0', "l", "2" } }, "l t " },
	{ "the root as a link", { { '2', ".", "/tmp" } }, "!replace the root" },
	{ "the root as a file is a directory to libarchive", { { '0', "/", "" } }, "" },
	{ "a hard link to what is outside",
	  { { '1', "p", "../../../../../../etc/passwd" } }, "!leads out" },
	{ "a hard link through a link",
	  { { '2', "l", "/" }, { '1', "p", "l/etc/passwd" } }, "!which is not there" },
	{ "a hard link to a directory", { { '5', "d" }, { '1', "e", "d" } }, "!which is no file" },
	{ "a device", { { '3', "null" } }, "!is a device node" },
	{ "an owner beyond all ids", { { '0', "a", "1", NULL, "\200\0\0\1\0\0\0\0" } }, "!impossible owner" },
	{ "a negative size", { { '0', "a", "1", "\377\377\377\377\377\377\377\377\377\377\377\377" } }, "!" },
	{ "a size beyond the end", { { '0', "a", "1", "00000077777" } }, "!" },
	{ "a size beyond all limits", { { '0', "a", "1", "\200\0\0\0\0\7\377\377\377\377\377" } }, "!" },
	{ "a link that leads nowhere", { { '2', "l", "" } }, "!leads nowhere" },

	{ "a whiteout", { { '0', ".wh.gone", "" }, { '0', "d/.wh.x", "" } }, "d d/x gone ", true },
	{ "a whiteout and then its file", { { '0', ".wh.a", "" }, { '0', "a", "1" } }, "a ", true },
	{ "a file and then its whiteout", { { '0', "a", "1" }, { '0', ".wh.a", "" } }, "a ", true },
	{ "a whiteout of nothing", { { '0', ".wh.", "" } }, "!names nothing", true },
	{ "a whiteout of the directory above", { { '0', "d/.wh...", "" } }, "!names nothing", true },
	{ "a whiteout is a file to ADD", { { '0', ".wh.a", "" } }, ".wh.a " },
};
/* clang-format on */

static char directory[] = "/tmp/test-tar-XXXXXX";

static int make_root(const char *name)
{
	auto_free char *path = str_format("%s/%s", directory, name);

	CHECK_INT(mkdir(path, 0755), 0);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int make_archive(const char *data, size_t length)
{
	int fd = open(directory, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);

	CHECK(fd >= 0 && fd_write_all(fd, data, length) == 0);
	CHECK_INT(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static char *output_of(const char *script)
{
	auto_free char *command =
		str_format("cd '%s' && { %s; } 2>&1", directory, script);
	auto_str text = { 0 };
	FILE *pipe = popen(command, "re");
	int c;

	while (pipe && (c = getc(pipe)) != EOF)
		str_append_char(&text, (char)c);
	if (pipe)
		pclose(pipe);
	return str_take(&text);
}

static void check_row(const struct row *row)
{
	struct tar_extract_options options = {
		.name = "x.tar", .layer = row->layer, .keep_owner = true, .epoch = -1
	};
	auto_str tar = { 0 };
	auto_fd root = make_root("root");
	auto_fd archive = -1;
	struct error err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(row->entries) && row->entries[i].name; i++)
		append_entry(&tar, &row->entries[i]);
	for (int i = 0; i < 2; i++)
		str_append_n(&tar, (char[512]){ 0 }, 512);
	archive = make_archive(tar.data, tar.length);
	if (tar_extract(archive, root, &options, NULL, &err) < 0) {
		test_check_has(__FILE__, __LINE__, row->what,
			*row->expected == '!' ? err.text : "!",
			*row->expected == '!' ? row->expected + 1 : err.text);
	} else {
		auto_free char *list = output_of(
			"cd root; find . -mindepth 1 | cut -c3- | LC_ALL=C sort | tr '\\n' ' '");

		test_check_str(__FILE__, __LINE__, row->what, list, row->expected);
	}
	CHECK(access("/tmp/test-tar-outside", F_OK) < 0);
	CHECK_OK(path_remove_tree(AT_FDCWD, directory, &err), &err);
	CHECK_INT(mkdir(directory, 0700), 0);
}

static void archives_stay_inside(void)
{
	if (geteuid() != 0)
		SKIP("needs root");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_row(&rows[i]);
}

static void extract(const char *name, bool layer, int root)
{
	auto_free char *path = str_format("%s/%s", directory, name);
	struct tar_extract_options options = { .name = name,
		.layer = layer,
		.keep_owner = true,
		.devices = true,
		.epoch = -1 };
	auto_fd archive = open(path, O_RDONLY | O_CLOEXEC);
	struct error err;

	CHECK(tar_recognise(archive));
	CHECK_OK(tar_extract(archive, root, &options, NULL, &err), &err);
}

static void tar_and_we_agree(void)
{
	static const char *const packers[] = {
		"tar -cf ../a",
		"tar --format=gnu --sparse -czf ../a",
		"tar --format=pax --xattrs -cJf ../a",
		"tar --zstd -cf ../a",
		"tar -cjf ../a",
	};

	free(output_of(
		"mkdir in; cd in; mkdir -p d/e; echo hello >d/a; ln d/a d/b; ln -s a d/l;"
		"mkfifo p; chmod 4755 d/a; touch -d @1000 d/a d/e d; truncate -s 5M s;"
		"echo x >>s; touch \"$(printf 'a%.0s' $(seq 90))\"; echo 1 >\xC3\xA4;"
		"chmod 500 d/e"));
	for (size_t i = 0; i < ARRAY_SIZE(packers); i++) {
		auto_fd root = make_root("out");
		auto_free char *pack = str_format("cd in; %s .", packers[i]);
		auto_free char *difference = NULL;

		free(output_of(pack));
		extract("a", true, root);
		difference = output_of(
			"cd in; find . -printf '%P %y %m %s %l %n %T@\\n' | cut -d. -f1 | sort >../1;"
			"cd ../out; find . -printf '%P %y %m %s %l %n %T@\\n' | cut -d. -f1 | sort >../2;"
			"cd ..; grep -v '^ ' 1 >3; grep -v '^ ' 2 >4; diff 3 4; diff -r in/d out/d;"
			"cmp in/s out/s; rm -rf out a");
		test_check_str(__FILE__, __LINE__, packers[i], difference, "");
	}
	free(output_of("chmod -R u+w .; rm -rf in"));
}

static void overlay_marks_are_made(void)
{
	static const struct entry entries[] = {
		{ '5', "d" },
		{ '0', "d/.wh..wh..opq", "" },
		{ '0', ".wh.e", "" },
		{ '5', "e" },
	};
	struct tar_extract_options options = {
		.name = "x.tar", .layer = true, .epoch = -1
	};
	auto_fd root = make_root("opaque");
	auto_str tar = { 0 };
	auto_free char *d = str_format("%s/opaque/d", directory);
	auto_free char *e = str_format("%s/opaque/e", directory);
	char value[4] = "";
	struct error err;

	if (geteuid() != 0)
		SKIP("needs root");
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		append_entry(&tar, &entries[i]);
	auto_fd archive = make_archive(tar.data, tar.length);

	CHECK_OK(tar_extract(archive, root, &options, NULL, &err), &err);
	CHECK_INT(getxattr(d, "trusted.overlay.opaque", value, sizeof(value)), 1);
	CHECK_INT(getxattr(e, "trusted.overlay.opaque", value, sizeof(value)), 1);
}

static void bombs_are_stopped(void)
{
	struct tar_extract_options options = {
		.name = "x.tar", .epoch = -1, .size_max = 1 << 20, .entries_max = 50
	};
	auto_fd root = make_root("bomb");
	struct error err;

	if (geteuid() != 0)
		SKIP("needs root");
	free(output_of("truncate -s 4M zero; tar -czf big.tgz zero; mkdir many;"
		       "cd many; touch $(seq 100); tar -cf ../many.tar ."));
	auto_free char *big = str_format("%s/big.tgz", directory);
	auto_free char *many = str_format("%s/many.tar", directory);
	auto_fd big_fd = open(big, O_RDONLY | O_CLOEXEC);
	auto_fd many_fd = open(many, O_RDONLY | O_CLOEXEC);

	CHECK_FAILS(
		tar_extract(big_fd, root, &options, NULL, &err), &err, "size of 4194304");
	CHECK_FAILS(tar_extract(many_fd, root, &options, NULL, &err), &err,
		"more than 50 entries");
}

static void only_archives_are_recognised(void)
{
	static const struct {
		const char *make;
		bool archive;
	} files[] = {
		{ "echo hello", false },
		{ "true", false },
		{ "head -c 2000 /dev/zero", false },
		{ "head -c 2000 /dev/urandom", false },
		{ "echo hello | gzip", false },
		{ "printf '\\37\\213garbage'", false },
		{ "tar -c --files-from=/dev/null", false },
		{ "tar -c /etc/passwd", true },
		{ "tar -c /etc/passwd | gzip", true },
		{ "tar -c /etc/passwd | xz", true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		auto_free char *script = str_format("%s >f 2>/dev/null", files[i].make);
		auto_free char *path = str_format("%s/f", directory);
		auto_fd fd = -1;

		free(output_of(script));
		fd = open(path, O_RDONLY | O_CLOEXEC);
		test_check_int(__FILE__, __LINE__, files[i].make, tar_recognise(fd),
			files[i].archive);
		CHECK_INT(lseek(fd, 0, SEEK_CUR), 0);
	}
}

static const struct test tests[] = {
	{ "an archive stays inside, whatever it holds", archives_stay_inside },
	{ "tar and we agree on every form", tar_and_we_agree },
	{ "a layer's whiteouts become overlayfs's", overlay_marks_are_made },
	{ "bombs are stopped", bombs_are_stopped },
	{ "only archives are recognised", only_archives_are_recognised },
};

int main(int argc, char **argv)
{
	struct error err;
	int status;

	if (!mkdtemp(directory))
		return 1;
	status = test_main(tests, ARRAY_SIZE(tests), argc, argv);
	return path_remove_tree(AT_FDCWD, directory, &err) < 0 ? 1 : status;
}
