/* builder/bundle/: users of an image, the default profile, config.json of an image. */
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "builder/bundle/config.h"
#include "builder/bundle/profile.h"
#include "builder/bundle/user.h"
#include "spec/names.h"
#include "spec/validate.h"
#include "tests/unit/test.h"

static struct error err;

static const char passwd_text[] = "root:x:0:0:root:/root:/bin/sh\n"
				  "app:x:1000:1001::/srv/app:/bin/sh\n"
				  "broken\n"
				  "1x:x:7:7::/:/bin/sh\n";
static const char group_text[] = "root:x:0:\n"
				 "wheel:x:10:root,app\n"
				 "video:x:44:other,app\n"
				 "app:x:1001:\n";

static void write_file(int dir_fd, const char *name, const char *text)
{
	struct file_replace_options options = { .mode = 0644 };

	CHECK_OK(file_replace_at(dir_fd, name, text, strlen(text), options, &err), &err);
}

/* A root with the two files; *ret_name is the caller's. */
static int make_root(char **ret_name)
{
	char name[] = "/tmp/mocker-test-bundle.XXXXXX";
	int fd;

	if (!mkdtemp(name))
		abort();
	*ret_name = str_dup(name);
	fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK_INT(mkdirat(fd, "etc", 0755), 0);
	write_file(fd, "etc/passwd", passwd_text);
	write_file(fd, "etc/group", group_text);
	return fd;
}

static void remove_root(const char *name)
{
	CHECK_OK(path_remove_tree(AT_FDCWD, name, &err), &err);
}

static void users_are_resolved(void)
{
	static const struct {
		const char *text;
		const char *fails; /* NULL: the rest holds */
		uint32_t uid;
		uint32_t gid;
		uint32_t groups;
		const char *home;
	} table[] = {
		{ NULL, NULL, 0, 0, 1, "/root" },
		{ "", NULL, 0, 0, 1, "/root" },
		{ "root", NULL, 0, 0, 1, "/root" },
		{ "app", NULL, 1000, 1001, 2, "/srv/app" },
		{ "1000", NULL, 1000, 1001, 2, "/srv/app" },
		{ "app:video", NULL, 1000, 44, 0, "/srv/app" },
		{ "app:5", NULL, 1000, 5, 0, "/srv/app" },
		{ "4242", NULL, 4242, 0, 0, "" },
		{ "4242:4243", NULL, 4242, 4243, 0, "" },
		{ "1x", NULL, 7, 7, 0, "/" },
		{ "nobody", "not in the image's /etc/passwd" },
		{ "app:nogroup", "not in the image's /etc/group" },
		{ "2x", "not in the image's /etc/passwd" },
		{ "+1", "not in the image's /etc/passwd" },
		{ ":video", NULL, 0, 44, 0, "/root" },
		{ "app:", NULL, 1000, 1001, 2, "/srv/app" },
		{ ":", NULL, 0, 0, 1, "/root" },
		{ "4294967295", "not a possible number" },
		{ "4294967296", "user" },
		{ "1:4294967295", "not a possible number" },
	};
	auto_free char *name = NULL;
	auto_fd root = make_root(&name);

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct user user = { 0 };

		if (table[i].fails) {
			CHECK_FAILS(user_resolve(root, table[i].text, &user, &err), &err,
				table[i].fails);
			continue;
		}
		CHECK_OK(user_resolve(root, table[i].text, &user, &err), &err);
		CHECK_INT(user.uid, table[i].uid);
		CHECK_INT(user.gid, table[i].gid);
		CHECK_INT(user.group_count, table[i].groups);
		CHECK_STR(user.home, table[i].home);
	}
	remove_root(name);
}

static void passwd_must_be_a_file(void)
{
	auto_free char *name = NULL;
	auto_fd root = make_root(&name);
	struct user user;

	CHECK_INT(unlinkat(root, "etc/passwd", 0), 0);
	CHECK_INT(mkfifoat(root, "etc/passwd", 0644), 0);
	CHECK_FAILS(user_resolve(root, "app", &user, &err), &err, "/etc/passwd");
	CHECK_INT(unlinkat(root, "etc/passwd", 0), 0);
	CHECK_INT(symlinkat("/../../../../etc/hostname", root, "etc/passwd"), 0);
	CHECK_FAILS(user_resolve(root, "app", &user, &err), &err, "not in the image's");
	remove_root(name);
}

static void capabilities_are_added_and_dropped(void)
{
	auto_strings add = { 0 };
	auto_strings drop = { 0 };
	auto_strings set = { 0 };
	auto_strings few = { 0 };

	strings_add(&add, "net_admin");
	strings_add(&drop, "CAP_KILL");
	CHECK_OK(profile_capabilities(&add, &drop, &set, &err), &err);
	CHECK(strings_contain(&set, "CAP_NET_ADMIN"));
	CHECK(!strings_contain(&set, "CAP_KILL"));
	CHECK(!strings_contain(&set, "CAP_SYS_ADMIN"));
	strings_add(&drop, "all");
	CHECK_OK(profile_capabilities(&add, &drop, &few, &err), &err);
	CHECK_INT(few.count, 1);
	strings_add(&add, "CAP_NET_ADMINN");
	CHECK_FAILS(profile_capabilities(&add, &drop, &few, &err), &err, "NET_ADMIN");
}

/* The one rule that is about a system call with this value as its first argument. */
static bool is_allowed(
	const struct oci_seccomp *seccomp, const char *name, uint64_t value)
{
	for (size_t i = 0; i < seccomp->syscalls_count; i++) {
		const struct oci_syscall *rule = &seccomp->syscalls[i];

		if (!strings_contain(&rule->names, name) ||
			rule->action != 0x7fff0000) /* SECCOMP_RET_ALLOW */
			continue;
		if (rule->args_count == 0 || rule->args[0].value == value)
			return true;
	}
	return false;
}

static void filter_is_closed(void)
{
	auto_strings none = { 0 };
	auto_strings all = { 0 };
	auto_strings capabilities = { 0 };
	struct oci_seccomp *seccomp;

	CHECK_OK(profile_capabilities(&none, &none, &capabilities, &err), &err);
	seccomp = profile_seccomp(&capabilities);
	CHECK(is_allowed(seccomp, "openat", 0));
	CHECK(is_allowed(seccomp, "chroot", 0));
	CHECK(is_allowed(seccomp, "socket", 2));
	CHECK(!is_allowed(seccomp, "socket", 38)); /* AF_ALG */
	CHECK(!is_allowed(seccomp, "socket", 40)); /* AF_VSOCK */
	CHECK(!is_allowed(seccomp, "mount", 0));
	CHECK(!is_allowed(seccomp, "bpf", 0));
	CHECK(!is_allowed(seccomp, "io_uring_setup", 0));
	CHECK(!is_allowed(seccomp, "keyctl", 0));
	json_free(&oci_seccomp_type, seccomp);
	free(seccomp);
	profile_all_capabilities(&all);
	seccomp = profile_seccomp(&all);
	CHECK(is_allowed(seccomp, "mount", 0));
	json_free(&oci_seccomp_type, seccomp);
	free(seccomp);
}

static void fill_image(struct image *image)
{
	struct image_run_config *config = &image->config.config;

	image_init(image);
	strings_add(&config->entrypoint, "/bin/app");
	strings_add(&config->cmd, "serve");
	strings_add(&config->env, "A=image");
	strings_add(&config->env, "PATH=/bin");
	strings_add(&config->exposed_ports, "80/tcp");
	strings_add(&config->volumes, "/data");
	pairs_set(&config->labels, "org.example", "yes");
	config->working_dir = str_dup("/srv");
	config->stop_signal = str_dup("SIGQUIT");
}

static int make_config(const struct bundle_request *request, struct oci_config *ret)
{
	static const struct user user = { .uid = 5, .gid = 6, .home = "/home/x" };
	auto_image image = { 0 };
	struct bundle_input input = {
		.request = request,
		.image = &image,
		.user = &user,
		.bundle = "/nowhere",
	};

	fill_image(&image);
	return bundle_make_config(&input, ret, &err);
}

static void image_becomes_config(void)
{
	struct bundle_request request = { .name = "web" };
	auto_oci_config config = { 0 };

	CHECK_OK(make_config(&request, &config), &err);
	CHECK_OK(config_validate(&config, NULL, &err), &err);
	CHECK_STR(config.process->args.items[0], "/bin/app");
	CHECK_STR(config.process->args.items[1], "serve");
	CHECK_STR(strings_env(&config.process->env, "A"), "image");
	CHECK_STR(strings_env(&config.process->env, "HOME"), "/home/x");
	CHECK_STR(config.process->cwd, "/srv");
	CHECK_INT(config.process->user.uid, 5);
	CHECK_STR(config.hostname, "web");
	CHECK_STR(pairs_get(&config.annotations, "org.example"), "yes");
	CHECK_STR(pairs_get(&config.annotations, "org.opencontainers.image.exposedPorts"),
		"80/tcp");
	CHECK_STR(pairs_get(&config.annotations, "org.opencontainers.image.stopSignal"),
		"SIGQUIT");
	CHECK_STR(config_mount_at(&config, "/data")->source, "volumes/0");
	CHECK(config_makes_namespace(&config, CLONE_NEWNET));
}

static void request_wins(void)
{
	auto_bundle_request request = {
		.network = "host", .has_memory = true, .memory = 1 << 20, .cpus = "1.5"
	};
	auto_oci_config config = { 0 };

	strings_add(&request.args, "other");
	strings_add(&request.env, "A=asked");
	strings_add(&request.env, "MOCKER_TEST_UNSET_VARIABLE");
	strings_add(&request.volumes, "/tmp:/data:ro");
	CHECK_OK(make_config(&request, &config), &err);
	CHECK_STR(config.process->args.items[1], "other");
	CHECK_STR(strings_env(&config.process->env, "A"), "asked");
	CHECK(!strings_env(&config.process->env, "MOCKER_TEST_UNSET_VARIABLE"));
	CHECK_STR(config_mount_at(&config, "/data")->source, "/tmp");
	CHECK(mount_has_option(config_mount_at(&config, "/data"), "ro"));
	CHECK(!config_namespace(&config, CLONE_NEWNET));
	CHECK_INT(config.linux.resources.memory.limit, 1 << 20);
	CHECK_INT(config.linux.resources.cpu.quota, 150000);
}

#define DIGITS_13 "0123456789abc"
#define DIGITS_65 DIGITS_13 DIGITS_13 DIGITS_13 DIGITS_13 DIGITS_13

static void bad_requests_are_refused(void)
{
	static const struct {
		struct bundle_request request;
		const char *volume;
		const char *mount;
		const char *part;
	} table[] = {
		{ { .cpus = "0" }, NULL, NULL, "--cpus \"0\"" },
		{ { .cpus = "1x" }, NULL, NULL, "--cpus \"1x\"" },
		{ { .workdir = "rel" }, NULL, NULL, "--workdir \"rel\"" },
		{ { .netns = "x" }, NULL, NULL, "--netns \"x\"" },
		{ { .cpuset = "" }, NULL, NULL, "--cpuset-cpus \"\"" },
		{ { .cpuset = "5-3" }, NULL, NULL, "--cpuset-cpus \"5-3\"" },
		{ { .cpuset = "0,,1" }, NULL, NULL, "--cpuset-cpus" },
		{ { .cpuset = "0-" }, NULL, NULL, "--cpuset-cpus" },
		{ { .cpuset = "1x" }, NULL, NULL, "--cpuset-cpus" },
		{ { .cpuset = "99999999999999999999" }, NULL, NULL, "--cpuset-cpus" },
		{ { .has_shm_size = true, .shm_size = -1 }, NULL, NULL, "--shm-size -1" },
		{ { .has_shm_size = true }, NULL, NULL, "--shm-size 0" },
		{ { .has_pids_limit = true, .pids_limit = -2 }, NULL, NULL,
			"--pids-limit -2" },
		{ { .oom_score_adj = 5000 }, NULL, NULL, "--oom-score-adj 5000" },
		{ { .oom_score_adj = INT64_MIN }, NULL, NULL, "--oom-score-adj" },
		{ { .has_memory = true,
			  .memory = -1,
			  .has_memory_swap = true,
			  .memory_swap = 5 },
			NULL, NULL, "--memory-swap" },
		{ { .name = "../x" }, NULL, NULL, "--name \"../x\"" },
		{ { .name = "" }, NULL, NULL, "--name \"\"" },
		{ { .name = "a b" }, NULL, NULL, "--name" },
		{ { .name = DIGITS_65 }, NULL, NULL, "--name" },
		{ { .hostname = "" }, NULL, NULL, "--hostname \"\"" },
		{ { .hostname = "a\n1.2.3.4 b" }, NULL, NULL, "--hostname" },
		{ { .hostname = "a #" }, NULL, NULL, "--hostname" },
		{ { .hostname = DIGITS_65 }, NULL, NULL, "--hostname" },
		{ { .netns = "/x", .network = "y" }, NULL, NULL, "exclude" },
		{ { 0 }, "/tmp", NULL, "SOURCE:DESTINATION" },
		{ { 0 }, "data:/data", NULL, "./data" },
		{ { 0 }, "/nowhere/at/all:/data", NULL, "/nowhere/at/all" },
		{ { 0 }, "/tmp:/", NULL, "not \"/\"" },
		{ { 0 }, NULL, "type=nfs,source=/tmp,target=/x", "nfs" },
		{ { 0 }, NULL, "type=bind,target=/x", "source=PATH" },
		{ { 0 }, NULL, "type=bind,sorce=/x", "sorce" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct bundle_request request = table[i].request;
		auto_oci_config config = { 0 };

		if (table[i].volume)
			strings_add(&request.volumes, table[i].volume);
		if (table[i].mount)
			strings_add(&request.mounts, table[i].mount);
		CHECK_FAILS(make_config(&request, &config), &err, table[i].part);
		bundle_request_free(&request);
	}
}

static const struct test tests[] = {
	{ "users and groups are the image's own", users_are_resolved },
	{ "the image's passwd is a regular file inside the image",
		passwd_must_be_a_file },
	{ "capabilities are added and dropped by name",
		capabilities_are_added_and_dropped },
	{ "the default filter lets nothing dangerous through", filter_is_closed },
	{ "an image becomes config.json by the specification's rules",
		image_becomes_config },
	{ "a request wins over the image", request_wins },
	{ "a request that cannot be is refused with its words",
		bad_requests_are_refused },
};

TEST_MAIN(tests)
