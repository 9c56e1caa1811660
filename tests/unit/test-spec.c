/* Words and numbers, mount options, finders, digests: what is in spec/ beside tables. */
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>

#include "spec/config.h"
#include "spec/image_config.h"
#include "spec/image_manifest.h"
#include "spec/names.h"
#include "spec/platform.h"
#include "spec/ports.h"
#include "tests/unit/test.h"

static int read_config(const char *text, struct oci_config *ret, struct error *err)
{
	struct json_options options = { .name = "config.json" };

	*ret = (struct oci_config){ 0 };
	return json_read(&oci_config_type, ret, text, strlen(text), &options, err);
}

/* ---- names -------------------------------------------------------------------------- */

static const struct {
	const char *text;
	int number; /* 0: refused */
} signals[] = {
	{ "TERM", SIGTERM },
	{ "SIGTERM", SIGTERM },
	{ "sigterm", SIGTERM },
	{ "Kill", SIGKILL },
	{ "9", 9 },
	{ "64", 64 },
	{ "65", 0 },
	{ "-9", 0 },
	{ "9x", 0 },
	{ "", 0 },
	{ "SIG", 0 },
	{ "IOT", SIGABRT },
	{ "RTMIN", 34 },
	{ "SIGRTMIN+3", 37 },
	{ "rtmin+30", 64 },
	{ "RTMIN+31", 0 },
	{ "RTMIN+", 0 },
	{ "RTMIN-1", 0 },
	{ "RTMAX", 64 },
	{ "RTMAX-14", 50 },
	{ "RTMAX+1", 0 },
	{ "NOSUCH", 0 },
};

static void parses_signals(void)
{
	struct error err;
	int number;

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		number = 0;
		if (signals[i].number)
			CHECK_OK(signal_parse(signals[i].text, &number, &err), &err);
		else
			CHECK_FAILS(signal_parse(signals[i].text, &number, &err), &err,
				"signal");
		CHECK_INT(number, signals[i].number);
	}
	CHECK_FAILS(signal_parse("TREM", &number, &err), &err, "did you mean \"TERM\"?");
	CHECK_OK(signal_parse("0", &number, &err), &err);
}

static void names_every_signal(void)
{
	struct error err;

	for (int number = 1; number <= 64; number++) {
		auto_free char *name = signal_name(number);
		int back = 0;

		CHECK_OK(signal_parse(name, &back, &err), &err);
		CHECK_INT(back, number);
	}
}

static void knows_every_capability(void)
{
	for (int number = 0; number <= CAP_LAST_CAP; number++) {
		const char *word = word_of_number(capability_words, number);

		if (!CHECK(word != NULL))
			continue;
		CHECK_INT(capability_number(word), number);
	}
	CHECK_INT(capability_number("net_admin"), CAP_NET_ADMIN);
	CHECK_INT(capability_number("CAP_NOSUCH"), -1);
}

static void names_namespace_files(void)
{
	CHECK_STR(namespace_file(CLONE_NEWNS), "mnt");
	CHECK_STR(namespace_file(CLONE_NEWNET), "net");
	CHECK_STR(namespace_file(CLONE_NEWPID), "pid");
	CHECK_STR(namespace_file(5), NULL);
}

/* libseccomp has the same numbers; what links it need not translate. */
static void has_the_kernels_seccomp_numbers(void)
{
	int64_t number = 0;

	CHECK(word_to_number(seccomp_action_words, "SCMP_ACT_KILL", &number));
	CHECK_INT((uint32_t)number, SECCOMP_RET_KILL_THREAD);
	CHECK_STR(word_of_number(seccomp_action_words, number), "SCMP_ACT_KILL");
	CHECK_STR(word_of_number(seccomp_action_words, SECCOMP_RET_KILL_THREAD),
		"SCMP_ACT_KILL_THREAD");
	CHECK(word_to_number(seccomp_arch_words, "SCMP_ARCH_X86_64", &number));
	CHECK_INT(number, AUDIT_ARCH_X86_64);
	CHECK(word_to_number(seccomp_arch_words, "SCMP_ARCH_X32", &number));
	CHECK_INT(number, 0x4000003e);
}

/* ---- mount options ------------------------------------------------------------------ */

static void finds_every_mount_option(void)
{
	for (const struct mount_option *option = mount_options; option->word; option++) {
		CHECK(mount_option_find(option->word) == option);
		if (option[1].word)
			CHECK(strcmp(option->word, option[1].word) < 0);
	}
	CHECK(!mount_option_find("size=64m"));
	CHECK(!mount_option_find(""));
}

static void describes_mount_options(void)
{
	const struct mount_option *rro = mount_option_find("rro");
	const struct mount_option *atime = mount_option_find("noatime");
	const struct mount_option *exec = mount_option_find("exec");

	CHECK(rro && rro->recursive && rro->flag == MS_RDONLY && rro->attr_set == 1);
	CHECK(atime && atime->attr_set == 0x10 && atime->attr_clear == 0x70);
	CHECK(exec && exec->clear && exec->attr_clear == 8 && !exec->attr_set);
}

/* ---- config ------------------------------------------------------------------------- */

static void finds_in_config(void)
{
	static const char text[] =
		"{\"ociVersion\":\"1.3.0\",\"linux\":{\"namespaces\":["
		"{\"type\":\"pid\"},{\"type\":\"network\",\"path\":\"/run/netns/a\"},"
		"{\"type\":\"ipc\",\"path\":\"\"}]},\"mounts\":["
		"{\"destination\":\"/a\",\"type\":\"tmpfs\"},"
		"{\"destination\":\"/a\",\"source\":\"x\",\"options\":[\"rbind\"]}]}";
	struct oci_config config;
	struct error err;

	CHECK_OK(read_config(text, &config, &err), &err);
	CHECK(config_namespace(&config, CLONE_NEWPID) != NULL);
	CHECK(config_namespace(&config, CLONE_NEWUSER) == NULL);
	CHECK(config_makes_namespace(&config, CLONE_NEWPID));
	CHECK(config_makes_namespace(&config, CLONE_NEWIPC));
	CHECK(!config_makes_namespace(&config, CLONE_NEWNET));
	CHECK(config_mount_at(&config, "/a") == &config.mounts[1]);
	CHECK(config_mount_at(&config, "/b") == NULL);
	CHECK(mount_is_bind(&config.mounts[1]) && !mount_is_bind(&config.mounts[0]));
	config_free(&config);
}

static void keeps_kinds_of_hooks_apart(void)
{
	static const char text[] =
		"{\"ociVersion\":\"1.3.0\",\"hooks\":{"
		"\"createRuntime\":[{\"path\":\"/a\"},{\"path\":\"/b\",\"timeout\":5}],"
		"\"poststop\":[{\"path\":\"/c\"}]}}";
	struct oci_config config;
	struct error err;

	CHECK_OK(read_config(text, &config, &err), &err);
	CHECK_INT(hooks_of_kind(&config.hooks, HOOK_CREATE_RUNTIME).count, 2);
	CHECK_STR(hooks_of_kind(&config.hooks, HOOK_CREATE_RUNTIME).items[1].path, "/b");
	CHECK_INT(hooks_of_kind(&config.hooks, HOOK_POSTSTOP).count, 1);
	CHECK_INT(hooks_of_kind(&config.hooks, HOOK_PRESTART).count, 0);
	CHECK_STR(hook_kind_name(HOOK_START_CONTAINER), "startContainer");
	config_free(&config);
}

/* ---- images ------------------------------------------------------------------------- */

static void accepts_only_digests(void)
{
	auto_str digest = { 0 };

	str_append(&digest, "sha256:");
	for (int i = 0; i < 8; i++)
		str_append(&digest, "0123abcd");
	CHECK(image_digest_valid(digest.data));
	digest.data[10] = 'A';
	CHECK(!image_digest_valid(digest.data));
	digest.data[10] = '/';
	CHECK(!image_digest_valid(digest.data));
	digest.data[10] = '0';
	str_append(&digest, "0");
	CHECK(!image_digest_valid(digest.data));
	CHECK(!image_digest_valid("sha256:"));
	CHECK(!image_digest_valid("md5:0123"));
	CHECK(!image_digest_valid(""));
}

/* Go's readers take "cmd" for "Cmd", and so images rely on it. */
static void reads_image_configs_in_any_case(void)
{
	static const char text[] =
		"{\"Architecture\":\"amd64\",\"OS\":\"linux\",\"rootfs\":{\"type\":\"layers\","
		"\"Diff_IDs\":[]},\"config\":{\"entrypoint\":[\"a\"],\"Cmd\":[],\"USER\":\"7\"}}";
	struct json_options options = { .name = "image", .any_case = true };
	struct image_config config = { 0 };
	struct error err;

	CHECK_OK(json_read(
			 &image_config_type, &config, text, strlen(text), &options, &err),
		&err);
	CHECK_STR(config.os, "linux");
	CHECK_INT(config.config.entrypoint.count, 1);
	CHECK(config.config.cmd.items && !config.config.cmd.count);
	CHECK_STR(config.config.user, "7");
	CHECK(!config.config.env.items);
	image_config_free(&config);
}

/* As engines in Go write an image without layers. */
static void reads_images_without_layers(void)
{
	static const char manifest_text[] =
		"{\"schemaVersion\":2,\"layers\":null,\"config\":{\"mediaType\":\"a/b\","
		"\"digest\":\"x\",\"size\":1}}";
	static const char config_text[] =
		"{\"architecture\":\"amd64\",\"os\":\"linux\",\"history\":null,"
		"\"rootfs\":{\"type\":\"layers\"},\"config\":{\"ExposedPorts\":{\"1\":null}}}";
	struct image_manifest manifest = { 0 };
	struct image_config config = { 0 };
	auto_str text = { 0 };
	struct error err;

	CHECK_OK(json_read(&image_manifest_type, &manifest, manifest_text,
			 strlen(manifest_text), NULL, &err),
		&err);
	CHECK_INT(manifest.layers_count, 0);
	json_write(
		&text, &image_manifest_type, &manifest, (struct json_write_options){ 0 });
	CHECK_HAS(text.data, "\"layers\":[]");
	CHECK_OK(json_read(&image_config_type, &config, config_text, strlen(config_text),
			 NULL, &err),
		&err);
	CHECK_INT(config.rootfs.diff_ids.count, 0);
	CHECK_INT(config.config.exposed_ports.count, 1);
	image_manifest_free(&manifest);
	image_config_free(&config);
}

/* As containerd matches: what runs, and of that the nearest. */
static void platforms_match(void)
{
	struct error err;
	static const struct {
		const char *wanted;
		const char *offered;
		int rank;
	} table[] = {
		{ "linux/amd64", "linux/amd64", 0 },
		{ "linux/x86_64", "linux/amd64", 0 },
		{ "linux/amd64", "linux/amd64/v1", 0 },
		{ "linux/amd64", "linux/amd64/v2", -1 },
		{ "linux/amd64/v3", "linux/amd64/v2", 1 },
		{ "linux/amd64/v3", "linux/amd64", 2 },
		{ "linux/amd64", "linux/386", 100 },
		{ "linux/386", "linux/amd64", -1 },
		{ "linux/arm64", "linux/arm64/v8", 0 },
		{ "linux/arm64/v8", "linux/arm64", 0 },
		{ "linux/aarch64", "linux/arm64/v8", 0 },
		{ "linux/arm64", "linux/arm64/v9", -1 },
		{ "linux/arm64/v9", "linux/arm64", 1 },
		{ "linux/arm64", "linux/arm/v7", 101 },
		{ "linux/arm64", "linux/arm/v5", 103 },
		{ "linux/arm64", "linux/arm", 101 },
		{ "linux/arm", "linux/arm/v7", 0 },
		{ "linux/arm/v7", "linux/arm", 0 },
		{ "linux/arm/v7", "linux/arm/v6", 1 },
		{ "linux/arm/v6", "linux/arm/v7", -1 },
		{ "linux/arm/7", "linux/arm/v7", 0 },
		{ "linux/armhf", "linux/arm/v7", 0 },
		{ "linux/armel", "linux/arm/v7", -1 },
		{ "linux/arm", "linux/arm64", -1 },
		{ "linux/ppc64le", "linux/ppc64le", 0 },
		{ "linux/ppc64le/power9", "linux/ppc64le/power9", 0 },
		{ "linux/ppc64le/power9", "linux/ppc64le", -1 },
		{ "linux/amd64", "windows/amd64", -1 },
		{ "linux/amd64", "linux/sparc64", -1 },
		{ "linux/sparc64", "linux/sparc64", 0 },
		{ "linux/amd64", "unknown/unknown", -1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		auto_platform wanted = { 0 };
		auto_platform offered = { 0 };

		CHECK_OK(platform_parse(table[i].wanted, &wanted, &err), &err);
		CHECK_OK(platform_parse(table[i].offered, &offered, &err), &err);
		if (platform_rank(&wanted, &offered) != table[i].rank)
			printf("# %s for %s\n", table[i].offered, table[i].wanted);
		CHECK_INT(platform_rank(&wanted, &offered), table[i].rank);
	}
}

static void platforms_are_read(void)
{
	struct error err;
	static const char *const bad[] = { "", "nonsense", "linux/", "/amd64", "a/b/c/d",
		"linux/arm/", "linux/arm v7", "linux/*" };
	auto_platform ours = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		auto_platform platform = { 0 };

		CHECK_FAILS(platform_parse(bad[i], &platform, &err), &err,
			"expected OS/ARCHITECTURE[/VARIANT]");
	}
	CHECK_OK(platform_parse(NULL, &ours, &err), &err);
	CHECK_STR(ours.os, "linux");
	CHECK_STR(ours.architecture, platform_architecture());
	CHECK_INT(platform_rank(&ours, NULL), 0);
}

static void platforms_have_one_form(void)
{
	auto_free char *ours = str_format("linux/%s%s%s", platform_architecture(),
		*platform_variant() ? "/" : "", platform_variant());
	const struct {
		const char *text;
		const char *form;
	} table[] = {
		{ "linux/arm", "linux/arm/v7" },
		{ "linux/arm/7", "linux/arm/v7" },
		{ "linux/arm/6", "linux/arm/v6" },
		{ "linux/arm/v5", "linux/arm/v5" },
		{ "linux/armv7l", "linux/arm/v7" },
		{ "linux/armhf", "linux/arm/v7" },
		{ "linux/armel", "linux/arm/v6" },
		{ "linux/arm64/v8", "linux/arm64" },
		{ "linux/arm64/8", "linux/arm64" },
		{ "linux/arm64/v9", "linux/arm64/v9" },
		{ "linux/aarch64/v8", "linux/arm64" },
		{ "linux/amd64/v1", "linux/amd64" },
		{ "linux/amd64/v3", "linux/amd64/v3" },
		{ "linux/i386", "linux/386" },
		{ "Linux/AMD64/V2", "linux/amd64/v2" },
		{ "windows/amd64", "windows/amd64" },
		{ "arm64", "linux/arm64" },
		{ "amd64", "linux/amd64" },
		{ "aarch64", "linux/arm64" },
		{ "x86_64", "linux/amd64" },
		{ "X86-64", "linux/amd64" },
		{ "arm", "linux/arm/v7" },
		{ "armhf", "linux/arm/v7" },
		{ "armel", "linux/arm/v6" },
		{ "s390x", "linux/s390x" },
		{ "linux", ours },
		{ "local", ours },
		{ NULL, ours },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		auto_platform platform = { 0 };
		auto_free char *text = NULL;
		struct error err;

		CHECK_OK(platform_parse(table[i].text, &platform, &err), &err);
		text = platform_text(&platform);
		CHECK_STR(text, table[i].form);
	}
}

static void ports_are_mapped(void)
{
	static const struct {
		const char *text;
		struct port_mapping mapping;
	} cases[] = {
		{ "80:8080", { NULL, 80, 8080, 0, IPPROTO_TCP } },
		{ "1.2.3.4:53:54/udp", { (char *)"1.2.3.4", 53, 54, 0, IPPROTO_UDP } },
		{ "[0:0::1]:1-65535:1-65535/sctp",
			{ (char *)"::1", 1, 1, 65534, IPPROTO_SCTP } },
		{ "::1:80:81", { (char *)"::1", 80, 81, 0, IPPROTO_TCP } },
	};
	static const char *const bad[] = { "", ":", "80", "80:", ":80", ":80:80",
		"[]:80:80", "[1.2.3.4]:80:80", "[::1:80:80", "::1]:80:80", "1.2.3:80:80",
		"1.2.3.4::80", "a:80", "80:80/", "80:80/TCP", "80:80/tcp/udp", "2-1:2-1",
		"1-:1-", "1-2-3:1-3", "0:1", "+1:1", " 1:1", "65536:1", "4294967377:81" };
	struct error err;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct port_mapping *expected = &cases[i].mapping;
		auto_port_mapping found = { 0 };

		CHECK_OK(port_mapping_parse(cases[i].text, &found, &err), &err);
		CHECK_STR(found.host_ip, expected->host_ip);
		CHECK_INT(found.host_port, expected->host_port);
		CHECK_INT(found.container_port, expected->container_port);
		CHECK_INT(found.more, expected->more);
		CHECK_INT(found.protocol, expected->protocol);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		auto_port_mapping found = { 0 };

		CHECK_FAILS(port_mapping_parse(bad[i], &found, &err), &err, "");
	}
}

static void ports_collide(void)
{
	static const struct {
		const char *a;
		const char *b;
		bool collide;
	} cases[] = {
		{ "80:1", "80:2", true },
		{ "80:1", "81:1", false },
		{ "80:1", "80:1/udp", false },
		{ "80:1", "127.0.0.1:80:1", true },
		{ "10.0.0.1:80:1", "127.0.0.1:80:1", false },
		{ "0.0.0.0:80:1", "127.0.0.1:80:1", true },
		{ "0.0.0.0:80:1", "[::1]:80:1", false },
		{ "[::]:80:1", "[::1]:80:1", true },
		{ "[::1]:80:1", "[0:0::1]:80:1", true },
		{ "80-90:80-90", "90-99:90-99", true },
		{ "80-90:80-90", "91-99:91-99", false },
		{ "1-65535:1-65535", "65535:1", true },
	};
	struct error err;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_port_mapping a = { 0 };
		auto_port_mapping b = { 0 };

		CHECK_OK(port_mapping_parse(cases[i].a, &a, &err), &err);
		CHECK_OK(port_mapping_parse(cases[i].b, &b, &err), &err);
		CHECK_INT(port_mapping_collides(&a, &b), cases[i].collide);
		CHECK_INT(port_mapping_collides(&b, &a), cases[i].collide);
	}
}

static const struct test tests[] = {
	{ "published ports are read, or refused", ports_are_mapped },
	{ "published ports of one port of the host's collide", ports_collide },
	{ "platforms match as containerd's do", platforms_match },
	{ "platforms are read, or refused", platforms_are_read },
	{ "a platform has one form", platforms_have_one_form },
	{ "signals are read by name and number", parses_signals },
	{ "every signal has a name that is read again", names_every_signal },
	{ "every capability has its number", knows_every_capability },
	{ "namespaces have their files", names_namespace_files },
	{ "seccomp's words are the kernel's numbers", has_the_kernels_seccomp_numbers },
	{ "every mount option is found", finds_every_mount_option },
	{ "mount options say what they set and clear", describes_mount_options },
	{ "namespaces and mounts are found in a config", finds_in_config },
	{ "hooks are kept by kind", keeps_kinds_of_hooks_apart },
	{ "a digest is nothing but a digest", accepts_only_digests },
	{ "images without layers are read", reads_images_without_layers },
	{ "image configurations are read in any case", reads_image_configs_in_any_case },
};

TEST_MAIN(tests)
