/* The runtime's pure parts, and those that need no more than a pair of processes: ids,
 * users, the program's path, the stage socket, the state directory. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "runtime/container.h"
#include "runtime/mounts/mountinfo.h"
#include "runtime/process/identity.h"
#include "runtime/process/program.h"
#include "runtime/stage.h"
#include "runtime/steps.h"
#include "spec/process.h"
#include "tests/unit/test.h"

static void ids_are_checked(void)
{
	static const char *const good[] = { "a", "web", "A-1_2.3+4", "...", "-" };
	static const char *const bad[] = { "", ".", "..", "a/b", "a b", "../x",
		"\xc3\xa4", "a\n" };
	char longest[1026];
	struct error err;

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		CHECK_OK(container_check_id(good[i], &err), &err);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_FAILS(container_check_id(bad[i], &err), &err, "container id");
	memset(longest, 'x', sizeof(longest));
	longest[255] = '\0';
	CHECK_OK(container_check_id(longest, &err), &err);
	longest[255] = 'x';
	longest[1025] = '\0';
	CHECK_FAILS(container_check_id(longest, &err), &err, "container id");
}

static void users_are_numbers(void)
{
	static const char *const bad[] = { "", ":", "1:", ":1", "root", "1x", "1:2:3",
		"-1", " 1", "4294967295", "4294967296", "1:4294967295", "0x1" };
	struct oci_user user = { .uid = 7, .gid = 8 };
	struct error err;

	CHECK_OK(identity_parse("12", &user, &err), &err);
	CHECK_INT(user.uid, 12);
	CHECK_INT(user.gid, 8);
	CHECK_OK(identity_parse("0:4294967294", &user, &err), &err);
	CHECK_INT(user.uid, 0);
	CHECK_INT(user.gid, 4294967294u);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK_FAILS(identity_parse(bad[i], &user, &err), &err, "--user");
}

static void home_stays_where_it_is_set(void)
{
	auto_strings env = { 0 };
	auto_strings none = { 0 };

	strings_add(&env, "HOME=/there");
	identity_set_home(0, &env);
	CHECK_STR(strings_env(&env, "HOME"), "/there");
	identity_set_home(4000000000u, &none);
	CHECK_STR(strings_env(&none, "HOME"), "/");
}

/* A directory of programs that are none; its path is the caller's to free. */
static char *programs(void)
{
	char *directory = str_dup("/tmp/test-runtime.XXXXXX");
	static const char *const names[] = { "good", "plain", "orphan", "garbage" };
	static const char *const texts[] = { "#!/bin/sh\n", "text", "#!/no/such x\n",
		"garbage" };

	if (!mkdtemp(directory))
		abort();
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		auto_free char *path = path_join(directory, names[i]);
		auto_fd fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);

		if (fd_write_all(fd, texts[i], strlen(texts[i])) < 0 ||
			fchmod(fd, strcmp(names[i], "plain") == 0 ? 0644 : 0755) < 0)
			abort();
	}
	return directory;
}

static void programs_are_found(void)
{
	auto_free char *directory = programs();
	auto_free char *path = str_format("PATH=/none:%s:/bin", directory);
	auto_strings env = { 0 };
	auto_free char *found = NULL;
	auto_free char *relative = NULL;
	auto_free char *expected = path_join(directory, "good");
	struct error err;

	strings_add(&env, path);
	CHECK_OK(program_find("good", &env, "/", &found, &err), &err);
	CHECK_STR(found, expected);
	CHECK_OK(program_find("./good", &env, directory, &relative, &err), &err);
	free(take_ptr(&found));
	CHECK_FAILS(program_find("none", &env, "/", &found, &err), &err,
		"exec: \"none\": executable file not found in $PATH");
	CHECK_INT(err.errnum, ENOENT);
	CHECK_FAILS(program_find("plain", &env, "/", &found, &err), &err,
		"exec: \"plain\": permission denied");
	CHECK_FAILS(
		program_find("", &env, "/", &found, &err), &err, "not found in $PATH");
	CHECK_FAILS(program_find("/none", &env, "/", &found, &err), &err,
		"no such file or directory");
	CHECK_FAILS(
		program_find("/etc", &env, "/", &found, &err), &err, "is a directory");
	CHECK_OK(path_remove_tree(AT_FDCWD, directory, &err), &err);
}

static void refusals_are_explained(void)
{
	auto_free char *directory = programs();
	auto_free char *orphan = path_join(directory, "orphan");
	auto_free char *garbage = path_join(directory, "garbage");
	struct error err;

	CHECK_FAILS(program_explain("orphan", orphan, -1, ENOENT, &err), &err,
		"interpreter /no/such");
	CHECK_FAILS(program_explain("garbage", garbage, -1, ENOEXEC, &err), &err,
		"exec format error");
	CHECK_FAILS(program_explain("garbage", garbage, -1, E2BIG, &err), &err,
		"Argument list too long");
	CHECK_OK(path_remove_tree(AT_FDCWD, directory, &err), &err);
}

static void stages_are_awaited_by_name(void)
{
	int ends[2];
	struct error err;
	auto_fd parent = -1;
	auto_fd init = -1;

	CHECK_OK(stage_pair(ends, &err), &err);
	parent = ends[0];
	init = ends[1];
	CHECK_OK(stage_send(init, STAGE_READY, &err), &err);
	CHECK_OK(stage_await(parent, STAGE_READY, &err), &err);
	CHECK_OK(stage_send(init, STAGE_MOUNTED, &err), &err);
	CHECK_FAILS(stage_await(parent, STAGE_READY, &err), &err, "another message");
}

static void descriptors_travel(void)
{
	int ends[2];
	int received = -1;
	struct error err;
	auto_fd parent = -1;
	auto_fd init = -1;

	CHECK_OK(stage_pair(ends, &err), &err);
	parent = ends[0];
	init = ends[1];
	CHECK_OK(stage_send_fd(init, STAGE_TERMINAL, 1, &err), &err);
	CHECK_OK(stage_await_fd(parent, STAGE_TERMINAL, &received, &err), &err);
	CHECK(fcntl(received, F_GETFD) == FD_CLOEXEC);
	close(received);
	CHECK_OK(stage_send(init, STAGE_TERMINAL, &err), &err);
	CHECK_FAILS(stage_await_fd(parent, STAGE_TERMINAL, &received, &err), &err,
		"without its descriptor");
}

/* Also where the other end had not read all that was said to it. */
static void last_words_are_heard(void)
{
	const struct error reason = { .errnum = ENOSPC, .text = "the reason" };
	int ends[2];
	struct error err;
	auto_fd parent = -1;

	CHECK_OK(stage_pair(ends, &err), &err);
	parent = ends[0];
	CHECK_OK(stage_send(parent, STAGE_RECORDED, &err), &err);
	stage_send_error(ends[1], &reason);
	close(ends[1]);
	CHECK_FAILS(stage_await(parent, STAGE_READY, &err), &err, "the reason");
	CHECK_INT(err.errnum, ENOSPC);
	CHECK_OK(stage_await(parent, STAGE_END, &err), &err);
}

static void a_reason_goes_before_a_broken_pipe(void)
{
	const struct error reason = { .text = "the reason" };
	int ends[2];
	struct error err;
	auto_fd parent = -1;

	CHECK_OK(stage_pair(ends, &err), &err);
	parent = ends[0];
	CHECK_OK(stage_send(ends[1], STAGE_MOUNTED, &err), &err);
	stage_send_error(ends[1], &reason);
	close(ends[1]);
	CHECK_FAILS(stage_send(parent, STAGE_HOOKED, &err), &err, "the reason");
	CHECK_FAILS(stage_send(parent, STAGE_HOOKED, &err), &err, "ended before");
	CHECK_INT(err.errnum, STAGE_PEER_ENDED);
}

static void one_directory_one_container(void)
{
	char root[] = "/tmp/test-runtime.XXXXXX";
	auto_strings ids = { 0 };
	struct error err;
	struct container first = CONTAINER_NONE;
	struct container second = CONTAINER_NONE;

	CHECK(mkdtemp(root));
	CHECK_FAILS(container_open(root, "a", CONTAINER_READ, &second, &err), &err,
		"container does not exist");
	CHECK_INT(err.errnum, ENOENT);
	CHECK_OK(container_make(root, "a", &first, &err), &err);
	CHECK_FAILS(container_make(root, "a", &second, &err), &err,
		"container with given ID already exists");
	CHECK_FAILS(container_open(root, "a", CONTAINER_READ, &second, &err), &err,
		"container does not exist");
	first.state.oci_version = str_dup("1.3.0");
	first.state.bundle = str_dup("/b");
	CHECK_OK(container_save(&first, &err), &err);
	CHECK_OK(container_open(root, "a", CONTAINER_READ, &second, &err), &err);
	CHECK_STR(second.state.bundle, "/b");
	CHECK_INT(container_status(&second), CONTAINER_CREATING);
	second.state.pid = getpid(); /* with another start time: not the same process */
	CHECK_INT(container_status(&second), CONTAINER_STOPPED);
	CHECK_OK(container_ids(root, &ids, &err), &err);
	CHECK_INT(ids.count, 1);
	CHECK_OK(container_remove(&first, &err), &err);
	container_free(&first);
	container_free(&second);
	CHECK_INT(rmdir(root), 0);
}

static void steps_have_names(void)
{
	for (int step = 0; step < STEP_COUNT; step++) {
		CHECK(step_words((enum step)step)->name != NULL);
		CHECK(step_words((enum step)step)->words != NULL);
		CHECK(step_words((enum step)step)->calls != NULL);
	}
}

static void mountinfo_is_read(void)
{
	auto_mountinfo mount = { 0 };

	CHECK(mountinfo_parse(
		"36 35 98:0 /a\\040b /d\\134e rw,noatime shared:1 master:2 - "
		"ext4 /dev/s\\011a rw,x=\\054",
		&mount));
	CHECK_INT(mount.id, 36);
	CHECK_STR(mount.root, "/a b");
	CHECK_STR(mount.destination, "/d\\e");
	CHECK_STR(mount.options, "rw,noatime");
	CHECK_INT(mount.propagation.count, 2);
	CHECK_STR(mount.propagation.items[1], "master:2");
	CHECK_STR(mount.type, "ext4");
	CHECK_STR(mount.source, "/dev/s\ta");
	CHECK_STR(mount.superoptions, "rw,x=\\054"); /* split first */
	CHECK(!mountinfo_parse("36 35 98:0 / / rw - ext4 /dev/sda", &mount));
	CHECK(!mountinfo_parse("", &mount));
}

static const struct test tests[] = {
	{ "mountinfo is read, with what is escaped in it", mountinfo_is_read },
	{ "container ids are checked", ids_are_checked },
	{ "users are numbers and nothing else", users_are_numbers },
	{ "HOME stays where it is set", home_stays_where_it_is_set },
	{ "programs are found in PATH", programs_are_found },
	{ "a refused execve is explained", refusals_are_explained },
	{ "stages are awaited by name", stages_are_awaited_by_name },
	{ "descriptors travel with stages", descriptors_travel },
	{ "last words are heard", last_words_are_heard },
	{ "a reason goes before a broken pipe", a_reason_goes_before_a_broken_pipe },
	{ "one directory, one container", one_directory_one_container },
	{ "steps have names", steps_have_names },
};

TEST_MAIN(tests)
