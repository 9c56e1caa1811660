/* What a document may cost: depth, memory, time, and which files are read at all. */
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "tests/unit/test.h"

struct inner {
	uint32_t id;
};

struct outer {
	uint16_t u16;
	struct strings strings;
	struct pairs pairs;
	char *raw;
	struct inner *array;
	size_t array_count;
};

static const struct json_field inner_fields[] = {
	JSON_U32(struct inner, id, "id", .required = true),
	JSON_END,
};
static const struct json_type inner_type = JSON_TYPE(struct inner, inner_fields);

static const struct json_field outer_fields[] = {
	JSON_U16(struct outer, u16, "u16"),
	JSON_STRINGS(struct outer, strings, "strings"),
	JSON_PAIRS(struct outer, pairs, "pairs"),
	JSON_RAW(struct outer, raw, "raw"),
	JSON_ARRAY(struct outer, array, "array", &inner_type),
	JSON_END,
};
static const struct json_type outer_type = JSON_TYPE(struct outer, outer_fields);

static int read_text(const char *text, struct outer *ret, struct error *err)
{
	struct json_options options = { .name = "doc" };

	*ret = (struct outer){ 0 };
	return json_read(&outer_type, ret, text, strlen(text), &options, err);
}

static char *repeated(const char *start, const char *part, size_t count, const char *end)
{
	struct str str = { 0 };

	str_append(&str, start);
	for (size_t i = 0; i < count; i++)
		str_append(&str, part);
	str_append(&str, end);
	return str_take(&str);
}

static void refuses_deep_nesting(void)
{
	auto_free char *allowed = repeated("{\"raw\":", "[", 63, "");
	auto_free char *deep = repeated("{\"raw\":", "[", 64, "");
	auto_free char *deepest = repeated("{\"x\":", "{\"x\":", 1000000, "");
	struct outer object;
	struct error err;

	CHECK_FAILS(read_text(allowed, &object, &err), &err, "ends before");
	CHECK_FAILS(
		read_text(deep, &object, &err), &err, "nested more than 64 levels deep");
	CHECK_FAILS(
		read_text(deepest, &object, &err), &err, "nested more than 64 levels");
}

static void keeps_long_names_out_of_errors(void)
{
	auto_free char *name = repeated("", "0123456789", 1000, "");
	auto_free char *document = str_format("{\"pairs\":{\"%s\":1}}", name);
	struct outer object;
	struct error err;

	CHECK_FAILS(read_text(document, &object, &err), &err,
		"123...: expected a string, found a number");
	CHECK(strlen(err.text) < 200);
}

/* Of this process: what else the machine does counts little. */
static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The fastest of a few. */
static double seconds_for_map(size_t size)
{
	auto_str document = { 0 };
	double fastest = 1000;

	str_append(&document, "{\"pairs\":{\"first\":\"\"");
	for (int i = 0; document.length < size; i++)
		str_appendf(&document, ",\"k%d\":\"v\"", i);
	str_append(&document, "}}");
	for (int i = 0; i < 5; i++) {
		double start = seconds();
		struct outer object;
		struct error err;

		CHECK_OK(read_text(document.data, &object, &err), &err);
		fastest = MIN(fastest, seconds() - start);
		json_free(&outer_type, &object);
	}
	return fastest;
}

/* 16 times the size, 256 times the time if it were quadratic. */
static void reads_large_maps_quickly(void)
{
	CHECK(seconds_for_map(1 << 20) < 64 * seconds_for_map(1 << 16));
}

/* In a child of its own, whose peak is the document's. */
static long peak_kilobytes(const char *document, const char *error)
{
	struct rusage usage = { 0 };
	int status = -1;
	pid_t child = fork();

	if (child == 0) {
		struct outer object;
		struct error err;
		int result = read_text(document, &object, &err);

		_exit(result < 0 && strstr(err.text, error) ? 0 : 1);
	}
	CHECK(wait4(child, &status, 0, &usage) == child);
	CHECK_INT(status, 0);
	return usage.ru_maxrss;
}

static void bounds_memory(void)
{
	static const char part[] = "{\"id\":1},";
	auto_free char *document = repeated("{\"array\":[", part,
		(JSON_SIZE_MAX - 100) / strlen(part), "{\"id\":1}]}");
	auto_free char *strings =
		repeated("{\"strings\":[", "\"\",", (JSON_SIZE_MAX - 100) / 3, "\"\"]}");
	long large = peak_kilobytes(strings, "take more than 128 MiB of memory");
	struct outer object;
	struct error err;

	CHECK_OK(read_text(document, &object, &err), &err);
	json_free(&outer_type, &object);
#if !defined(__SANITIZE_ADDRESS__)
	CHECK(large < 512 * 1024);
#else
	(void)large;
#endif
}

/* ---- files -------------------------------------------------------------------------- */

static int read_file(const char *path, struct error *err)
{
	struct outer object = { 0 };
	int result = json_read_file(&outer_type, &object, AT_FDCWD, path, NULL, err);

	if (result == 0)
		json_free(&outer_type, &object);
	return result;
}

static void reads_only_reasonable_files(void)
{
	char directory[] = "/tmp/test-json.XXXXXX";
	auto_free char *large = NULL;
	auto_free char *fifo = NULL;
	auto_free char *missing = NULL;
	struct error err;
	int fd;

	CHECK(mkdtemp(directory) != NULL);
	large = str_format("%s/large", directory);
	fifo = str_format("%s/fifo", directory);
	missing = str_format("%s/missing", directory);
	fd = open(large, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	CHECK(ftruncate(fd, 100 << 20) == 0);
	close(fd);
	CHECK(mkfifo(fifo, 0600) == 0);
	CHECK_FAILS(read_file(large, &err), &err, large);
	CHECK_INT(err.errnum, EFBIG);
	CHECK_FAILS(read_file(fifo, &err), &err, fifo);
	CHECK_FAILS(read_file("/dev/zero", &err), &err, "/dev/zero");
	CHECK_FAILS(read_file(directory, &err), &err, directory);
	CHECK_FAILS(read_file(missing, &err), &err, "No such file");
	CHECK_INT(err.errnum, ENOENT);
	unlink(large);
	unlink(fifo);
	rmdir(directory);
}

static void reads_pipes_when_told(void)
{
	static const char document[] = "{\"u16\":9}";
	struct outer object = { 0 };
	struct error err;
	int ends[2];

	CHECK(pipe2(ends, O_CLOEXEC) == 0);
	CHECK(write(ends[1], document, strlen(document)) == (ssize_t)strlen(document));
	close(ends[1]);
	CHECK_OK(json_read_fd(&outer_type, &object, ends[0], NULL, &err), &err);
	CHECK_INT(object.u16, 9);
	close(ends[0]);
	json_free(&outer_type, &object);
}

static const struct test tests[] = {
	{ "deep nesting is refused", refuses_deep_nesting },
	{ "long names do not crowd out the message", keeps_long_names_out_of_errors },
	{ "a map of a megabyte is read at once", reads_large_maps_quickly },
	{ "no document costs more than its bound", bounds_memory },
	{ "a huge file, a FIFO, a device, a directory are refused",
		reads_only_reasonable_files },
	{ "a pipe is read when told to", reads_pipes_when_told },
};

TEST_MAIN(tests)
