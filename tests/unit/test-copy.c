/* COPY and ADD on real trees in a temporary directory, hostile ones among them. */
#include "builder/copy/copy.h"
#include "builder/copy/mode.h"
#include "builder/copy/owner.h"
#include "tests/unit/test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"

/* A context and a root, made by a shell script, and what `find` says of the root after. */
struct place {
	char directory[64];
	int context;
	int root;
};

static void shell(const struct place *place, const char *script)
{
	auto_free char *command =
		str_format("cd '%s' && { %s; }", place->directory, script);

	CHECK_INT(system(command), 0);
}

static struct place place_make(const char *script)
{
	struct place place = { .directory = "/tmp/test-copy-XXXXXX" };

	CHECK(mkdtemp(place.directory) != NULL);
	shell(&place, "umask 022; mkdir context root");
	if (script)
		shell(&place, script);
	auto_free char *context = str_format("%s/context", place.directory);
	auto_free char *root = str_format("%s/root", place.directory);

	place.context = open(context, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	place.root = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return place;
}

static void place_free(struct place *place)
{
	struct error err;

	close(place->context);
	close(place->root);
	CHECK_OK(path_remove_tree(AT_FDCWD, place->directory, &err), &err);
}

#define auto_place __attribute__((cleanup(place_free))) struct place

static char *output_of(const struct place *place, const char *script)
{
	auto_free char *command =
		str_format("cd '%s' && { %s; } 2>&1", place->directory, script);
	auto_str text = { 0 };
	FILE *pipe = popen(command, "re");
	int c;

	while (pipe && (c = getc(pipe)) != EOF)
		str_append_char(&text, (char)c);
	if (pipe)
		pclose(pipe);
	while (text.length && text.data[text.length - 1] == '\n')
		text.data[--text.length] = '\0';
	return str_take(&text);
}

/* All names of the root but the directories, with their contents. */
#define LIST                                                                          \
	"cd root; find . -type f | LC_ALL=C sort | while read f; do printf '%s=%s ' " \
	"\"${f#./}\" \"$(cat \"$f\")\"; done | sed 's/ $//'"

struct copy_row {
	const char *setup; /* in the directory that has context/ and root/ */
	const char *sources;
	const char *destination;
	const char *expected; /* of LIST; "!" and a part of the error */
	const char *ignore;
	const char *exclude;
	bool parents;
	bool link;
};

/* clang-format off */
static const struct copy_row copy_rows[] = {
	/* where a file goes */
	{ "echo 1 >context/a", "a", "/b", "b=1" },
	{ "echo 1 >context/a", "a", "/b/", "b/a=1" },
	{ "echo 1 >context/a", "a", "/x/y/b", "x/y/b=1" },
	{ "echo 1 >context/a; mkdir root/b", "a", "/b", "b/a=1" },
	{ "echo 1 >context/a; echo 2 >root/b", "a", "/b", "b=1" },
	{ "echo 1 >context/a; echo 2 >context/b", "a b", "/d/", "d/a=1 d/b=2" },
	{ "echo 1 >context/a", "./a", "/b", "b=1" },
	{ "echo 1 >context/a", "/a", "/b", "b=1" },
	{ "echo 1 >context/a", "../a", "/b", "b=1" },
	{ "echo 1 >context/a", "../../../../a", "/", "a=1" },
	{ "echo 1 >context/a; echo 2 >root/f", "a", "/f/x", "!is a file" },
	{ "echo 1 >context/a; echo 2 >root/f", "a", "/f/", "!is a file" },
	{ "echo 1 >context/a", "nope", "/b", "!\"nope\" is not in the build context" },
	{ "echo 1 >context/a", "a/b", "/b", "!\"a/b\" is not in the build context" },

	/* directories */
	{ "mkdir -p context/d/e; echo 1 >context/d/a; echo 2 >context/d/e/b", "d", "/x", "x/a=1 x/e/b=2" },
	{ "mkdir -p context/d/e; echo 1 >context/d/a; echo 2 >context/d/e/b", ".", "/", "d/a=1 d/e/b=2" },
	{ "mkdir -p context/d root/x; echo 1 >context/d/a; echo 2 >root/x/b", "d", "/x", "x/a=1 x/b=2" },
	{ "mkdir -p context/d root/x/e; echo 1 >context/d/e", "d", "/x", "!is a directory in the image" },
	{ "mkdir -p context/d/e root/x; echo 1 >root/x/e; echo 1 >context/d/e/f", "d", "/x", "!is no directory in the image" },

	/* wildcards */
	{ "touch context/b.c; echo 1 >context/a.txt; echo 2 >context/b.txt", "*.txt", "/d/", "d/a.txt=1 d/b.txt=2" },
	{ "mkdir context/d context/e; echo 1 >context/d/f; echo 2 >context/e/f", "?/f", "/o", "!several files cannot become the one file" },
	{ "mkdir context/d context/e; echo 1 >context/d/a; echo 2 >context/e/b", "[de]", "/o", "o/a=1 o/b=2" },
	{ "echo 1 >context/a", "x* a", "/d/", "d/a=1" },
	{ "mkdir -p context/d/e; echo 1 >context/a.c; echo 2 >context/d/e/b.c", "**/*.c", "/o/", "o/a.c=1 o/b.c=2" },
	{ "echo 1 >'context/a[1'", "a\\[1", "/o/", "o/a[1=1" },

	/* --parents */
	{ "mkdir -p context/d/e; echo 1 >context/d/e/a", "d/e/a", "/o", "o/d/e/a=1", .parents = true },
	{ "mkdir -p context/d/e/f; echo 1 >context/d/e/f/a", "d/./e/f/a", "/o/", "o/e/f/a=1", .parents = true },
	{ "mkdir -p context/d/e; echo 1 >context/d/e/a; echo 2 >context/d/b", "d", "/o/", "o/d/b=2 o/d/e/a=1", .parents = true },
	{ "mkdir -p context/x/d context/y; echo 1 >context/x/d/a; echo 2 >context/y/a", "*/a */*/a", "/o/", "o/x/d/a=1 o/y/a=2", .parents = true },

	/* ignore files and --exclude */
	{ "mkdir context/d; echo 1 >context/d/a; echo 2 >context/d/b.md", ".", "/", "d/a=1", .ignore = "**/*.md" },
	{ "mkdir context/d; echo 1 >context/d/a", "d", "/", "!the ignore file leaves it out", .ignore = "d" },
	{ "mkdir context/d; echo 1 >context/d/a", "d/a", "/", "!the ignore file leaves it out", .ignore = "d" },
	{ "mkdir context/d; echo 1 >context/d/a; echo 2 >context/d/b", "d", "/o", "o/b=2", .ignore = "d\n!d/b" },
	{ "mkdir context/d; echo 1 >context/d/a; ln -s d context/l", "l", "/o", "!the ignore file leaves it out", .ignore = "d" },
	{ "mkdir context/d; echo 1 >context/d/a; ln -s d/a context/l", "l", "/o", "!the ignore file leaves it out", .ignore = "d" },
	{ "mkdir context/d; echo 1 >context/d/a; echo 2 >context/d/b.md", "d", "/o", "o/a=1", .exclude = "*.md" },
	{ "echo 1 >context/a.c; echo 2 >context/b.c", "*.c", "/o/", "o/b.c=2", .exclude = "a.*" },

	/* links: what a source names is followed, what lies below one is copied as it is */
	{ "echo 1 >context/a; ln -s a context/l", "l", "/o", "o=1" },
	{ "mkdir context/d; echo 1 >context/d/a; ln -s d context/l", "l", "/o", "o/a=1" },
	{ "mkdir context/d; ln -s ../a context/d/l; echo 1 >context/a", "d", "/o", "" },
	{ "mkdir root/real; ln -s real root/l; echo 1 >context/a", "a", "/l/", "real/a=1" },
	{ "mkdir root/real; ln -s /real root/l; echo 1 >context/a", "a", "/l", "real/a=1" },
	{ "mkdir -p root/usr/lib context/lib; ln -s usr/lib root/lib; echo 1 >context/lib/a", ".", "/", "usr/lib/a=1" },
	{ "echo 1 >context/a; echo 2 >root/t; ln -s t root/l", "a", "/l", "t=1" },
	{ "echo 1 >context/a; mkdir -p root/d/e; ln -s ../x/t/ root/d/m; ln -s d/m root/l", "a", "/l", "x/t=1" },
	{ "echo 1 >context/a; mkdir root/d; ln -s nowhere root/d/a", "a", "/d", "d/a=1" },
	{ "mkdir context/d; echo 1 >context/d/a; mkdir root/x; ln -s nowhere root/x/a", "d", "/x", "x/a=1" },
	{ "echo 1 >context/a; ln -s l root/l", "a", "/l", "!lead nowhere" },
	{ "echo 1 >context/a; echo 2 >root/t; ln -s t root/l", "a", "/l", "l=1 t=2", .link = true },

	/* hostile: links that lead out of the context or the root */
	{ "echo secret >outside; ln -s ../outside context/l", "l", "/o", "!is not in the build context" },
	{ "echo secret >outside; ln -s \"$PWD/outside\" context/l", "l", "/o", "!is not in the build context" },
	{ "mkdir outside; echo secret >outside/s; ln -s ../outside context/l", "l/s", "/o", "!is not in the build context" },
	{ "mkdir outside; ln -s \"$PWD/outside\" root/l; echo 1 >context/a", "a", "/l/", "!" },
	{ "mkdir outside; ln -s ../outside root/l; echo 1 >context/a", "a", "/l/f", "!" },
	{ "echo secret >outside; ln -s ../../outside root/l; echo 1 >context/a", "a", "/l", "outside=1" },
	{ "mkfifo context/p", "p", "/o", "!is no file and no directory" },
	{ "mkdir context/d; mkfifo context/d/p; echo 1 >context/d/a", "d", "/o", "o/a=1" },
};
/* clang-format on */

static void run_row(const struct copy_row *row)
{
	auto_place place = place_make(row->setup);
	auto_ignore ignore = { 0 };
	struct copy_source source = {
		.root_fd = place.context,
		.ignore = &ignore,
		.what = "the build context",
		.downloads_fd = -1,
		.epoch = -1,
	};
	struct copy_request request = { .parents = row->parents, .link = row->link };
	struct copy_destination destination = { place.root, -1 };
	auto_free char *list = NULL;
	struct digest first, second;
	struct error err = { 0 };
	int result;

	if (row->ignore)
		CHECK_OK(ignore_parse(
				 &ignore, "f", row->ignore, strlen(row->ignore), &err),
			&err);
	if (row->exclude)
		strings_add(&request.exclude, row->exclude);
	strings_split(&request.sources, row->sources, ' ');
	request.destination = str_dup(row->destination);
	result = copy_perform(&request, &source, &destination, &err);
	list = result < 0 ? str_format("!%s", err.text) : output_of(&place, LIST);
	if (*row->expected == '!')
		test_check_has(__FILE__, __LINE__, row->setup, list, row->expected + 1);
	else
		test_check_str(__FILE__, __LINE__, row->setup, list, row->expected);
	if (result == 0) {
		CHECK_OK(copy_compute_digest(&request, &source, &first, &err), &err);
		CHECK_OK(copy_compute_digest(&request, &source, &second, &err), &err);
		CHECK_STR(first.hex, second.hex);
	}
	auto_free char *outside =
		output_of(&place, "find outside -type f 2>/dev/null | grep -v '/s$'");

	CHECK(strcmp(outside, "") == 0 || strcmp(outside, "outside") == 0);
	copy_request_free(&request);
}

static void sources_and_destinations(void)
{
	if (geteuid() != 0)
		SKIP("needs root");

	for (size_t i = 0; i < ARRAY_SIZE(copy_rows); i++)
		run_row(&copy_rows[i]);
}

static int copy(struct place *place, struct copy_request *request, bool keep_owner,
	struct error *err)
{
	struct copy_source source = {
		.root_fd = place->context,
		.what = "the build context",
		.keep_owner = keep_owner,
		.downloads_fd = -1,
		.epoch = -1,
	};
	struct copy_destination destination = { place->root, -1 };
	int result = copy_perform(request, &source, &destination, err);

	copy_request_free(request);
	return result;
}

static struct copy_request request_of(const char *sources, const char *destination)
{
	struct copy_request request = { .destination = str_dup(destination) };

	strings_split(&request.sources, sources, ' ');
	return request;
}

static void check_output(
	const struct place *place, const char *script, const char *expected)
{
	auto_free char *output = output_of(place, script);

	test_check_str(__FILE__, __LINE__, script, output, expected);
}

static void metadata_is_kept(void)
{
	if (geteuid() != 0)
		SKIP("needs root");

	auto_place place = place_make(
		"cd context; mkdir d; echo 1 >d/a; chmod 4751 d/a; touch -d @1000000001.5 d/a;"
		"ln -s nowhere d/l; ln d/a d/hard; mkdir d/sub; chmod 1777 d/sub; touch -d @77 d/sub");
	struct copy_request request = request_of("d", "/o");
	struct error err;

	CHECK_OK(copy(&place, &request, false, &err), &err);
	check_output(&place, "stat -c '%a %Y %h' root/o/a", "4751 1000000001 2");
	check_output(&place, "stat -c '%a %Y' root/o/sub", "1777 77");
	check_output(&place, "readlink root/o/l", "nowhere");
	check_output(&place, "[ root/o/a -ef root/o/hard ] && echo same", "same");
}

static void owners_are_those_that_are_due(void)
{
	auto_place place = place_make(
		"cd context; mkdir d; echo 1 >d/a; mkdir ../root/etc;"
		"printf 'root:x:0:0::/:/bin/sh\\nweb:x:33:44::/:/bin/sh\\n' >../root/etc/passwd;"
		"printf 'staff:x:50:\\n' >../root/etc/group");
	struct copy_request request;
	struct error err;

	if (geteuid() != 0)
		SKIP("needs root");
	shell(&place, "chown -R 7:8 context/d");
	request = request_of("d", "/plain");
	CHECK_OK(copy(&place, &request, false, &err), &err);
	request = request_of("d", "/kept");
	CHECK_OK(copy(&place, &request, true, &err), &err);
	request = request_of("d", "/named");
	request.chown = str_dup("web");
	CHECK_OK(copy(&place, &request, false, &err), &err);
	request = request_of("d", "/both");
	request.chown = str_dup("9:staff");
	CHECK_OK(copy(&place, &request, false, &err), &err);
	request = request_of("d", "/missing");
	request.chown = str_dup("nobody");
	CHECK_FAILS(copy(&place, &request, false, &err), &err,
		"--chown=nobody: the image's /etc/passwd has no user \"nobody\"");
	check_output(&place,
		"cd root; stat -c '%u:%g' plain/a kept/a named/a both/a both | tr '\\n' ' '",
		"0:0 7:8 33:44 9:50 9:50 ");
}

/* What is copied is the content of a directory: one that is made for it is like others that
 * are made, and one that is there stays as it is. */
static void a_destination_is_no_copy_of_its_source(void)
{
	auto_place place = place_make(
		"mkdir -p context/d/sub root/there; chmod 700 context/d context/d/sub;"
		"chmod 711 root/there");
	struct copy_request request;
	struct error err;

	if (geteuid() != 0)
		SKIP("needs root");
	shell(&place, "chown -R 7:8 context/d");
	request = request_of("d", "/made");
	CHECK_OK(copy(&place, &request, true, &err), &err);
	request = request_of("d", "/changed");
	request.chmod = str_dup("750");
	CHECK_OK(copy(&place, &request, true, &err), &err);
	request = request_of("d", "/there");
	CHECK_OK(copy(&place, &request, true, &err), &err);
	request = request_of("d", "/parents");
	request.parents = true;
	CHECK_OK(copy(&place, &request, true, &err), &err);
	check_output(&place,
		"cd root; stat -c '%n %a %u' made made/sub changed changed/sub",
		"made 755 0\nmade/sub 700 7\nchanged 755 0\nchanged/sub 750 7");
	check_output(&place, "cd root; stat -c '%n %a %u' there parents parents/d",
		"there 711 0\nparents 755 0\nparents/d 700 7");
}

static void an_image_passwd_may_be_anything(void)
{
	auto_place place = place_make("mkdir root/etc; mkfifo root/etc/passwd;"
				      "truncate -s 1G root/etc/group");
	struct owner owner;
	struct error err;

	CHECK_FAILS(owner_resolve(place.root, "web", &owner, &err), &err, "web");
	CHECK_FAILS(owner_resolve(place.root, "1:staff", &owner, &err), &err, "staff");
	CHECK_FAILS(owner_resolve(place.root, "4294967295", &owner, &err), &err, "no id");
	CHECK_FAILS(
		owner_resolve(place.root, "4294967296", &owner, &err), &err, "user id");
	CHECK_FAILS(owner_resolve(place.root, "", &owner, &err), &err, "USER");
	CHECK_FAILS(owner_resolve(place.root, "a:", &owner, &err), &err, "USER");
	CHECK_FAILS(owner_resolve(place.root, ":", &owner, &err), &err, "USER");
	CHECK_FAILS(owner_resolve(place.root, "1:2:3", &owner, &err), &err, "USER");
	CHECK_OK(owner_resolve(place.root, "5", &owner, &err), &err);
	CHECK_INT(owner.gid, 5);
	CHECK_OK(owner_resolve(place.root, ":7", &owner, &err), &err);
	CHECK_INT(owner.uid, 0);
	CHECK_INT(owner.gid, 7);
	shell(&place,
		"rm root/etc/passwd; ln -s /../../../../../etc/passwd root/etc/passwd");
	CHECK_FAILS(owner_resolve(place.root, "root", &owner, &err), &err, "root");
}

static void modes_are_changed(void)
{
	static const struct {
		const char *text;
		mode_t before, after;
	} rows[] = {
		{ "755", S_IFREG | 0600, 0755 },
		{ "0644", S_IFREG | 0600, 0644 },
		{ "4755", S_IFREG | 0600, 04755 },
		{ "u=rwX,go=rX", S_IFREG | 0600, 0644 },
		{ "u=rwX,go=rX", S_IFREG | 0700, 0755 },
		{ "u=rwX,go=rX", S_IFDIR | 0600, 0755 },
		{ "a+x", S_IFREG | 0644, 0755 },
		{ "+x", S_IFREG | 0644, 0755 },
		{ "go-rwx", S_IFREG | 0777, 0700 },
		{ "g=u", S_IFREG | 0740, 0770 },
		{ "o=", S_IFREG | 0777, 0770 },
		{ "u+s,g+s,+t", S_IFREG | 0755, 07755 },
		{ "u+w-x", S_IFREG | 0500, 0600 },
	};
	static const char *const bad[] = { "", "8", "77777", "u", "u+q", "z=r", "u=r,",
		"17777" };
	struct mode_change change;
	struct error err;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CHECK_OK(mode_parse(rows[i].text, &change, &err), &err);
		test_check_int(__FILE__, __LINE__, rows[i].text,
			mode_apply(&change, rows[i].before), rows[i].after);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_FAILS(mode_parse(bad[i], &change, &err), &err, "a mode is octal");
}

static void holes_stay_holes(void)
{
	if (geteuid() != 0)
		SKIP("needs root");

	auto_place place = place_make(
		"cd context; truncate -s 64M h; echo end >>h;"
		"printf x | dd of=h bs=1 seek=20000000 conv=notrunc status=none;"
		"head -c 3000000 /dev/urandom >big");
	struct copy_request request = request_of("h big", "/o/");
	struct error err;

	CHECK_OK(copy(&place, &request, false, &err), &err);
	check_output(&place,
		"cmp context/h root/o/h && cmp context/big root/o/big && echo same",
		"same");
	check_output(
		&place, "[ $(stat -c %b root/o/h) -lt 2000 ] && echo sparse", "sparse");
}

static void attributes_travel(void)
{
	auto_place place = place_make("echo 1 >context/a");
	auto_free char *from = str_format("%s/context/a", place.directory);
	auto_free char *to = str_format("%s/root/a", place.directory);
	struct copy_request request = request_of("a", "/");
	char value[8] = "";
	struct error err;

	if (geteuid() != 0)
		SKIP("needs root");
	if (setxattr(from, "user.key", "value", 5, 0) < 0)
		SKIP("the file system has no extended attributes");
	CHECK_OK(copy(&place, &request, false, &err), &err);
	CHECK_INT(getxattr(to, "user.key", value, sizeof(value)), 5);
}

static void heredocs_become_files(void)
{
	auto_place place = place_make(NULL);
	struct copy_request request = request_of("", "/etc/motd");
	struct error err;

	if (geteuid() != 0)
		SKIP("needs root");
	request.texts = str_alloc(sizeof(*request.texts));
	request.texts[0] = (struct copy_text){ str_dup("EOF"), str_dup("hello\n") };
	request.text_count = 1;
	request.chmod = str_dup("600");
	CHECK_OK(copy(&place, &request, false, &err), &err);
	check_output(&place, "cat root/etc/motd; stat -c %a root/etc/motd", "hello\n600");
}

/* ---- digests ---- */

static char *digest(struct place *place, struct copy_digest_cache *cache)
{
	struct copy_source source = {
		.root_fd = place->context,
		.what = "the build context",
		.digests = cache,
		.downloads_fd = -1,
		.epoch = -1,
	};
	struct copy_request request = request_of(".", "/");
	struct digest digest = { 0 };
	struct error err;

	CHECK_OK(copy_compute_digest(&request, &source, &digest, &err), &err);
	copy_request_free(&request);
	return str_dup(digest.hex);
}

static void digests_see_what_is_copied(void)
{
	static const char *const changes[] = {
		"echo 2 >context/d/a",
		"mv context/d/a context/d/b",
		"chmod 600 context/d/b",
		"ln -sfn other context/l",
		"mkdir context/e",
		"rmdir context/e; touch context/e",
	};
	auto_place place =
		place_make("mkdir context/d; echo 1 >context/d/a; ln -s x context/l");
	auto_free char *before = digest(&place, NULL);

	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		char *after;

		shell(&place, changes[i]);
		after = digest(&place, NULL);
		if (!CHECK(strcmp(before, after) != 0))
			test_check(__FILE__, __LINE__, changes[i], false);
		free(before);
		before = after;
	}
	shell(&place, "touch -d @5 context/d/b; chown 5:5 context/d/b 2>/dev/null || :");
	auto_free char *same = digest(&place, NULL);

	CHECK_STR(same, before);
}

static void the_digest_cache_is_right(void)
{
	auto_place place = place_make(
		"cd context; for i in 1 2 3 4 5; do echo $i >f$i; done; sleep 0.1");
	auto_free char *path = str_format("%s", place.directory);
	auto_fd dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct copy_digest_cache *cache;
	auto_free char *plain = digest(&place, NULL);
	struct error err;

	for (int i = 0; i < 3; i++) {
		CHECK_OK(copy_digest_cache_open(dir, "cache", &cache, &err), &err);
		auto_free char *cached = digest(&place, cache);

		CHECK_STR(cached, plain);
		CHECK_OK(copy_digest_cache_save(cache, &err), &err);
		copy_digest_cache_free(cache);
	}
	/* Same size, mtime set back: ctime tells. */
	shell(&place,
		"touch -r context/f1 ref; echo 9 >context/f1; touch -r ref context/f1");
	CHECK_OK(copy_digest_cache_open(dir, "cache", &cache, &err), &err);
	auto_free char *changed = digest(&place, cache);
	auto_free char *expected = digest(&place, NULL);

	CHECK_STR(changed, expected);
	CHECK(strcmp(changed, plain) != 0);
	copy_digest_cache_free(cache);
	shell(&place, "head -c 100 /dev/urandom >cache");
	CHECK_OK(copy_digest_cache_open(dir, "cache", &cache, &err), &err);
	auto_free char *after = digest(&place, cache);

	CHECK_STR(after, expected);
	copy_digest_cache_free(cache);
}

static const struct test tests[] = {
	{ "sources, destinations, patterns, links: each ends where it should",
		sources_and_destinations },
	{ "mode, time, links and hard links are kept", metadata_is_kept },
	{ "owners are those that are due", owners_are_those_that_are_due },
	{ "a destination is no copy of its source",
		a_destination_is_no_copy_of_its_source },
	{ "an image's passwd may be anything", an_image_passwd_may_be_anything },
	{ "--chmod takes octal and symbolic modes", modes_are_changed },
	{ "holes stay holes", holes_stay_holes },
	{ "extended attributes travel", attributes_travel },
	{ "heredocs become files", heredocs_become_files },
	{ "digests see what is copied, and nothing else", digests_see_what_is_copied },
	{ "the digest cache is right, also when it is damaged",
		the_digest_cache_is_right },
};

TEST_MAIN(tests)
