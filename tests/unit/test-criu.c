/* runtime/criu: the wire format, and what is told of a log. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "runtime/criu/descriptors.h"
#include "runtime/criu/log.h"
#include "runtime/criu/wire.h"
#include "tests/unit/test.h"

static void messages_are_encoded(void)
{
	/* As protoc encodes { 1: 5, 2: 300, 3: -1, 4: "web", 5: { 1: 1 } }. */
	static const unsigned char expected[] = { 0x08, 5, 0x10, 0xac, 0x02, 0x18, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x22, 3, 'w', 'e',
		'b', 0x2a, 2, 0x08, 1 };
	auto_str message = { 0 };
	auto_str inner = { 0 };

	wire_put_flag(&inner, 1, true);
	wire_put_flag(&inner, 2, false);
	wire_put_number(&message, 1, 5);
	wire_put_number(&message, 2, 300);
	wire_put_number(&message, 3, -1);
	wire_put_text(&message, 4, "web");
	wire_put_text(&message, 6, NULL);
	wire_put_message(&message, 5, &inner);
	CHECK_INT(message.length, sizeof(expected));
	CHECK(memcmp(message.data, expected, sizeof(expected)) == 0);
}

static void messages_are_decoded(void)
{
	auto_str message = { 0 };
	struct wire_field field;
	struct wire wire;
	struct error err;

	wire_put_number(&message, 1, -7);
	wire_put_number(&message, 536870911, INT64_MAX);
	wire_put_text(&message, 5, "restored");
	str_append_n(&message, "\x35\1\2\3\4", 5); /* field 6: four bytes */
	wire = (struct wire){ message.data, message.length };
	CHECK_OK(wire_next(&wire, &field, &err), &err);
	CHECK_INT(field.number, 1);
	CHECK_INT(field.value, -7);
	CHECK_OK(wire_next(&wire, &field, &err), &err);
	CHECK_INT(field.number, 536870911);
	CHECK(field.value == INT64_MAX);
	CHECK_OK(wire_next(&wire, &field, &err), &err);
	CHECK_INT(field.bytes.length, 8);
	CHECK(memcmp(field.bytes.data, "restored", 8) == 0);
	CHECK_OK(wire_next(&wire, &field, &err), &err);
	CHECK_INT(field.number, 6);
	CHECK_INT(field.bytes.length, 4);
	CHECK_OK(wire_next(&wire, &field, &err), &err);
	CHECK_INT(field.number, 0);
}

static void broken_messages_are_refused(void)
{
	static const struct {
		const char *data;
		size_t length;
	} cases[] = {
		{ "\x08", 1 },         /* a number that is missing */
		{ "\x08\xff\xff", 3 }, /* and one that does not end */
		{ "\x22\x05web", 5 },  /* a text that is shorter than it says */
		{ "\x22\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 10 },
		{ "\x0b", 1 },     /* a group */
		{ "\x00\x01", 2 }, /* field 0 */
		{ "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct wire wire = { cases[i].data, cases[i].length };
		struct wire_field field;
		struct error err;

		CHECK_FAILS(wire_next(&wire, &field, &err), &err,
			"no message of its protocol");
	}
}

/* A directory of this test, open; removed by drop_directory(). */
static int make_directory(char *path)
{
	CHECK(mkdtemp(path));
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static void write_file(int dir_fd, const char *name, const char *text)
{
	auto_fd fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	CHECK(fd >= 0 && fd_write_all(fd, text, strlen(text)) == 0);
}

static void logs_are_excerpted(void)
{
	char path[] = "/tmp/mocker-criu.XXXXXX";
	auto_fd dir = make_directory(path);
	struct error err;

	write_file(dir, "dump.log",
		"(00.000001) Version: 3.17\n"
		"(00.004) Warn  (criu/a.c:1): not this\n"
		"(00.012345) Error (criu/mount.c:1): first\twith a tab\n"
		"(00.012346)     42: Error (criu/x.c:2): second\n"
		"Error (criu/y.c:3): third\n"
		"(00.02) Error (criu/z.c:4): fourth\n");
	error_set(&err, "criu could not dump it");
	criu_log_excerpt(dir, "/images", "dump.log", &err);
	CHECK_STR(err.text,
		"criu could not dump it; Error (criu/mount.c:1): first with a tab; "
		"42: Error (criu/x.c:2): second; Error (criu/y.c:3): third; its whole "
		"log is /images/dump.log");
	error_set(&err, "criu could not dump it");
	criu_log_excerpt(dir, "/images", "other.log", &err);
	CHECK_STR(err.text, "criu could not dump it");
	CHECK(unlinkat(dir, "dump.log", 0) == 0);
	CHECK(rmdir(path) == 0);
}

static void descriptors_are_kept(void)
{
	char path[] = "/tmp/mocker-criu.XXXXXX";
	auto_fd dir = make_directory(path);
	auto_strings names = { 0 };
	auto_str message = { 0 };
	auto_str expected = { 0 };
	auto_str pair = { 0 };
	struct error err;

	strings_add(&names, "/dev/\"null\"");
	strings_add(&names, "pipe:[42]");
	CHECK_OK(descriptors_save(&names, dir, &err), &err);
	CHECK_OK(descriptors_put(&message, dir, &err), &err);
	wire_put_text(&pair, 1, "pipe:[42]");
	wire_put_number(&pair, 2, 1);
	wire_put_message(&expected, 27, &pair);
	CHECK_INT(message.length, expected.length);
	CHECK(memcmp(message.data, expected.data, expected.length) == 0);
	write_file(dir, "descriptors.json", "[\"pipe:[1]\", 5]");
	CHECK_FAILS(descriptors_put(&message, dir, &err), &err, "descriptors.json");
	CHECK(unlinkat(dir, "descriptors.json", 0) == 0);
	CHECK_FAILS(descriptors_put(&message, dir, &err), &err, "images");
	CHECK(rmdir(path) == 0);
}

static const struct test tests[] = {
	{ "requests to criu are encoded", messages_are_encoded },
	{ "answers of criu are decoded", messages_are_decoded },
	{ "what is no message is refused", broken_messages_are_refused },
	{ "the first errors of criu's log are told", logs_are_excerpted },
	{ "pipes of the standard descriptors are remembered", descriptors_are_kept },
};

TEST_MAIN(tests)
