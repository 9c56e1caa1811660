/*
 * runtime/cgroup without a cgroup: conversions, rules of paths, plans against trees made
 * in a temporary directory, and the device program run by an interpreter of our own.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "runtime/cgroup/cgroup.h"
#include "runtime/cgroup/convert.h"
#include "runtime/cgroup/devices.h"
#include "runtime/cgroup/layout.h"
#include "runtime/cgroup/path.h"
#include "spec/config.h"
#include "tests/unit/test.h"

static void shares_become_weights(void)
{
	static const struct {
		uint64_t shares, weight;
	} cases[] = { { 0, 0 }, { 1, 1 }, { 2, 1 }, { 3, 2 }, { 10, 4 }, { 100, 17 },
		{ 512, 59 }, { 1023, 100 }, { 1024, 100 }, { 1025, 101 }, { 2048, 174 },
		{ 10240, 639 }, { 65536, 3023 }, { 131072, 5478 }, { 262143, 10000 },
		{ 262144, 10000 }, { 1000000, 10000 } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (!CHECK_INT(cgroup_weight_of_shares(cases[i].shares), cases[i].weight))
			printf("# shares %" PRIu64 "\n", cases[i].shares);
	for (uint64_t shares = 2; shares < 262144; shares += 7)
		if (cgroup_weight_of_shares(shares) > cgroup_weight_of_shares(shares + 7))
			CHECK(!"more shares never weigh less");
}

static void io_weights_are_stretched(void)
{
	CHECK_INT(cgroup_io_weight(0), 0);
	CHECK_INT(cgroup_io_weight(10), 1);
	CHECK_INT(cgroup_io_weight(500), 4950);
	CHECK_INT(cgroup_io_weight(1000), 10000);
}

static void swap_is_told_apart_from_memory(void)
{
	struct error err;
	int64_t swap = 0;

	CHECK_OK(cgroup_swap_of_memsw(300, 100, "", &swap, &err), &err);
	CHECK_INT(swap, 200);
	CHECK_OK(cgroup_swap_of_memsw(-1, 100, "", &swap, &err), &err);
	CHECK_INT(swap, -1);
	CHECK_OK(cgroup_swap_of_memsw(100, 100, "", &swap, &err), &err);
	CHECK_INT(swap, 0);
	CHECK_FAILS(
		cgroup_swap_of_memsw(50, 100, "", &swap, &err), &err, "below the memory");
	CHECK_FAILS(cgroup_swap_of_memsw(50, 0, "", &swap, &err), &err,
		"needs a memory limit");
}

static void paths(void)
{
	static const struct {
		const char *asked, *own, *expected, *words;
	} cases[] = {
		{ NULL, "/", "/mocker/web", NULL },
		{ "", "/user.slice", "/mocker/web", NULL },
		{ "/a/b", "/user.slice", "/a/b", NULL },
		{ "/a//./b/", "/", "/a/b", NULL },
		{ "/../../a", "/", "/a", NULL },
		{ "a/b", "/user.slice", "/user.slice/a/b", NULL },
		{ "../../a", "/user.slice", "/user.slice/a", NULL },
		{ "/", "/", NULL, "top of the hierarchy" },
		{ "a/..", "/user.slice", NULL, "top of the hierarchy" },
		{ "system.slice:mocker:web", "/", NULL, "use --systemd-cgroup" },
		{ "/a\nb", "/", NULL, "newline" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_free char *path = NULL;
		struct error err;
		int result =
			cgroup_path(cases[i].asked, "web", cases[i].own, &path, &err);

		if (cases[i].words)
			CHECK_FAILS(result, &err, cases[i].words);
		else if (CHECK_OK(result, &err))
			CHECK_STR(path, cases[i].expected);
	}
}

/* ---- plans -------------------------------------------------------------------------- */

struct tree {
	char root[64];
};

static void put(const struct tree *tree, const char *path, const char *text)
{
	auto_free char *full = path_join(tree->root, path);
	auto_free char *parent = path_parent(full);
	struct error err;

	CHECK_OK(path_mkdirs(parent, 0755, &err), &err);
	CHECK_OK(file_replace_at(AT_FDCWD, full, text, strlen(text),
			 (struct file_replace_options){ .mode = 0644 }, &err),
		&err);
}

static struct tree make_tree(void)
{
	struct tree tree = { "/tmp/mocker-test-cgroup-XXXXXX" };

	CHECK(mkdtemp(tree.root) != NULL);
	put(&tree, "/proc/self/mountinfo", "");
	return tree;
}

static void remove_tree(const struct tree *tree)
{
	struct error err;

	CHECK_OK(path_remove_tree(AT_FDCWD, tree->root, &err), &err);
}

static struct tree make_v2(void)
{
	struct tree tree = make_tree();

	put(&tree, "/proc/self/cgroup", "0::/user.slice/me.scope\n");
	put(&tree, "/sys/fs/cgroup/cgroup.controllers",
		"cpuset cpu io memory pids hugetlb\n");
	put(&tree, "/sys/fs/cgroup/user.slice/me.scope/cgroup.procs", "");
	return tree;
}

static struct tree make_hybrid(void)
{
	struct tree tree = make_tree();

	put(&tree, "/proc/self/cgroup",
		"5:devices:/me\n4:memory:/me\n3:cpu,cpuacct:/me\n2:pids:/\n"
		"1:name=systemd:/me\n0::/\n");
	put(&tree, "/sys/fs/cgroup/devices/me/tasks", "");
	put(&tree, "/sys/fs/cgroup/memory/me/tasks", "");
	put(&tree, "/sys/fs/cgroup/cpu,cpuacct/tasks", "");
	put(&tree, "/sys/fs/cgroup/pids/tasks", "");
	put(&tree, "/sys/fs/cgroup/systemd/tasks", "");
	put(&tree, "/sys/fs/cgroup/unified/cgroup.controllers", "\n");
	return tree;
}

/* The plan's description, with the tree's own directory taken away; or the error. */
static int plan_text(const struct tree *tree, const char *chapter, bool rootless,
	struct str *ret, struct error *err)
{
	auto_free char *text =
		str_format("{\"ociVersion\":\"1.0.0\",\"linux\":%s}", chapter);
	struct json_options options = { .name = "config.json" };
	struct cgroup_request request = {
		.id = "web", .rootless = rootless, .root = tree->root
	};
	auto_oci_config config = { 0 };
	auto_cgroup_plan plan = NULL;
	char *at;

	if (json_read(&oci_config_type, &config, text, strlen(text), &options, err) < 0 ||
		cgroup_plan(&config, &request, &plan, err) < 0)
		return -1;
	cgroup_plan_describe(plan, ret);
	while ((at = strstr(ret->data, tree->root))) {
		size_t length = strlen(tree->root);

		memmove(at, at + length, strlen(at + length) + 1);
	}
	return 0;
}

struct plan_case {
	const char *chapter, *has, *lacks, *words;
};

static void check_plans(
	const struct tree *tree, const struct plan_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		auto_str text = { 0 };
		struct error err;
		int result = plan_text(tree, cases[i].chapter, false, &text, &err);

		if (cases[i].words) {
			CHECK_FAILS(result, &err, cases[i].words);
			continue;
		}
		if (!CHECK_OK(result, &err))
			continue;
		CHECK_HAS(text.data, cases[i].has);
		if (cases[i].lacks && !CHECK(!strstr(text.data, cases[i].lacks)))
			printf("# found \"%s\" in %s\n", cases[i].lacks, text.data);
	}
}

#define RESOURCES(text) "{\"resources\":{" text "}}"

static void plans_on_version_2(void)
{
	static const struct plan_case cases[] = {
		{ "{}", "make the cgroup /sys/fs/cgroup/mocker/web\n", "write", NULL },
		{ "{}", "attach an eBPF program that allows no devices", NULL, NULL },
		{ "{\"cgroupsPath\":\"a\"}", "/sys/fs/cgroup/user.slice/a\n", NULL,
			NULL },
		{ "{\"cgroupsPath\":\"/a/b\"}", "make the cgroup /sys/fs/cgroup/a/b\n",
			NULL, NULL },
		{ RESOURCES("\"memory\":{\"limit\":100,\"swap\":300,\"reservation\":50}"),
			"write \"200\" to memory.swap.max in /sys/fs/cgroup/mocker/web "
			"(/linux/resources/memory/swap)\n"
			"write \"100\" to memory.max in /sys/fs/cgroup/mocker/web "
			"(/linux/resources/memory/limit)\n"
			"write \"50\" to memory.low",
			NULL, NULL },
		{ RESOURCES("\"memory\":{\"limit\":-1}"), "write \"max\" to memory.max",
			NULL, NULL },
		{ RESOURCES("\"memory\":{\"limit\":0,\"swap\":0},\"cpu\":{\"shares\":0,"
			    "\"quota\":0},\"blockIO\":{\"weight\":0}"),
			"make the cgroup", "write", NULL },
		{ RESOURCES(
			  "\"cpu\":{\"shares\":1024,\"quota\":5,\"period\":10,\"burst\":3}"),
			"write \"100\" to cpu.weight", NULL, NULL },
		{ RESOURCES("\"cpu\":{\"quota\":5,\"period\":10,\"burst\":3}"),
			"write \"5 10\" to cpu.max", NULL, NULL },
		{ RESOURCES("\"cpu\":{\"quota\":-1}"), "write \"max\" to cpu.max", NULL,
			NULL },
		{ RESOURCES("\"cpu\":{\"idle\":1,\"shares\":5}"),
			"write \"1\" to cpu.idle", "cpu.weight", NULL },
		{ RESOURCES("\"cpu\":{\"cpus\":\"0-1\",\"mems\":\"0\"}"),
			"write \"0-1\" to cpuset.cpus", NULL, NULL },
		{ RESOURCES("\"pids\":{\"limit\":-1}"), "write \"max\" to pids.max", NULL,
			NULL },
		{ RESOURCES("\"pids\":{\"limit\":0}"), "write \"0\" to pids.max", NULL,
			NULL },
		{ RESOURCES(
			  "\"blockIO\":{\"weight\":500,\"throttleReadBpsDevice\":[{\"major\":8,"
			  "\"minor\":0,\"rate\":7}]}"),
			"write \"8:0 rbps=7\" to io.max", NULL, NULL },
		{ RESOURCES("\"hugepageLimits\":[{\"pageSize\":\"2MB\",\"limit\":4}]"),
			"write \"4\" to hugetlb.2MB.max", NULL, NULL },
		{ RESOURCES("\"unified\":{\"memory.high\":\"5\"}"),
			"write \"5\" to memory.high in /sys/fs/cgroup/mocker/web "
			"(/linux/resources/unified/memory.high)",
			NULL, NULL },
		{ RESOURCES("\"devices\":[{\"allow\":true,\"access\":\"rwm\"}]"),
			"allows all devices but for 0 rules", NULL, NULL },
		/* what cannot be had fails by name */
		{ RESOURCES("\"memory\":{\"swappiness\":5}"), NULL, NULL,
			"/linux/resources/memory/swappiness: cgroup v2 has no such setting" },
		{ RESOURCES("\"memory\":{\"disableOOMKiller\":true}"), NULL, NULL,
			"/linux/resources/memory/disableOOMKiller" },
		{ RESOURCES("\"memory\":{\"swap\":5}"), NULL, NULL,
			"needs a memory limit" },
		{ RESOURCES("\"memory\":{\"limit\":9,\"swap\":5}"), NULL, NULL,
			"below the memory limit 9" },
		{ RESOURCES("\"memory\":{\"limit\":-2}"), NULL, NULL, "or -1 for none" },
		{ RESOURCES("\"cpu\":{\"realtimeRuntime\":5}"), NULL, NULL,
			"/linux/resources/cpu/realtimeRuntime" },
		{ RESOURCES("\"cpu\":{\"quota\":5,\"burst\":9}"), NULL, NULL,
			"/linux/resources/cpu/burst: 9 is above the quota 5" },
		{ RESOURCES("\"network\":{\"classID\":5}"), NULL, NULL,
			"/linux/resources/network/classID: no cgroup hierarchy of this machine "
			"has the controller \"net_cls\"" },
		{ RESOURCES("\"rdma\":{\"mlx\":{\"hcaHandles\":1}}"), NULL, NULL,
			"the controller \"rdma\"" },
		{ RESOURCES("\"blockIO\":{\"weight\":5}"), NULL, NULL,
			"5 is not in 10 to 1000" },
		{ RESOURCES("\"blockIO\":{\"leafWeight\":50}"), NULL, NULL,
			"/linux/resources/blockIO/leafWeight" },
		{ RESOURCES("\"unified\":{\"../x.y\":\"5\"}"), NULL, NULL,
			"expected a file" },
		{ RESOURCES("\"hugepageLimits\":[{\"pageSize\":\"../x\",\"limit\":4}]"),
			NULL, NULL, "expected a size such as" },
		{ "{\"cgroupsPath\":\"/\"}", NULL, NULL, "top of the hierarchy" },
	};
	struct tree tree = make_v2();

	check_plans(&tree, cases, ARRAY_SIZE(cases));
	remove_tree(&tree);
}

static void plans_on_a_hybrid_machine(void)
{
	static const struct plan_case cases[] = {
		{ "{}", "make the cgroup /sys/fs/cgroup/memory/mocker/web\n", "eBPF",
			NULL },
		{ "{}", "make the cgroup /sys/fs/cgroup/cpu,cpuacct/mocker/web\n", NULL,
			NULL },
		{ "{}", "make the cgroup /sys/fs/cgroup/systemd/mocker/web\n", NULL,
			NULL },
		{ "{}", "make the cgroup /sys/fs/cgroup/unified/mocker/web\n", NULL,
			NULL },
		{ "{}", "write \"a\" to devices.deny in /sys/fs/cgroup/devices/mocker/web",
			NULL, NULL },
		{ "{}", "write \"c 1:3 rwm\" to devices.allow", NULL, NULL },
		{ "{\"cgroupsPath\":\"a\"}", "/sys/fs/cgroup/memory/me/a\n", NULL, NULL },
		{ RESOURCES("\"memory\":{\"limit\":100,\"swap\":300,\"kernel\":5}"),
			"write \"100\" to memory.limit_in_bytes in "
			"/sys/fs/cgroup/memory/mocker/web (/linux/resources/memory/limit)\n"
			"write \"300\" to memory.memsw.limit_in_bytes",
			"kmem", NULL },
		{ RESOURCES("\"memory\":{\"disableOOMKiller\":false}"), "make",
			"oom_control", NULL },
		{ RESOURCES("\"memory\":{\"disableOOMKiller\":true}"),
			"write \"1\" to memory.oom_control", NULL, NULL },
		{ RESOURCES("\"cpu\":{\"shares\":512,\"quota\":5,\"period\":10}"),
			"write \"512\" to cpu.shares in /sys/fs/cgroup/cpu,cpuacct/mocker/web",
			NULL, NULL },
		{ RESOURCES(
			  "\"devices\":[{\"allow\":false,\"access\":\"rwm\"},{\"allow\":false,"
			  "\"type\":\"c\",\"major\":10,\"minor\":229,\"access\":\"rwm\"}]"),
			"write \"a\"", "10:229", NULL },
		{ RESOURCES(
			  "\"devices\":[{\"allow\":false},{\"allow\":true,\"type\":\"c\","
			  "\"major\":10},{\"allow\":false,\"type\":\"c\",\"major\":10,"
			  "\"minor\":1}]"),
			NULL, NULL,
			"/linux/resources/devices/2: it changes a part of what" },
		{ RESOURCES("\"devices\":[{\"allow\":true}]"), "make", "write", NULL },
		{ RESOURCES("\"devices\":[{\"allow\":true,\"type\":\"a\",\"major\":7,"
			    "\"access\":\"r\"}]"),
			"write \"b 7:* r\" to devices.allow", "\"a\" to devices.allow",
			NULL },
		{ RESOURCES("\"devices\":[{\"allow\":true,\"access\":\"rx\"}]"), NULL,
			NULL, "/linux/resources/devices/0/access" },
		{ RESOURCES("\"cpu\":{\"cpus\":\"0\"}"), NULL, NULL,
			"the controller \"cpuset\"" },
	};
	struct tree tree = make_hybrid();

	check_plans(&tree, cases, ARRAY_SIZE(cases));
	remove_tree(&tree);
}

static void a_rootless_container_goes_where_its_user_may(void)
{
	struct tree tree = make_v2();
	auto_str text = { 0 };
	struct error err;

	CHECK_OK(plan_text(&tree, "{}", true, &text, &err), &err);
	CHECK_HAS(text.data, "make the cgroup /sys/fs/cgroup/user.slice/mocker/web\n");
	remove_tree(&tree);
}

static void unusual_mounts_are_found(void)
{
	struct tree tree = make_tree();
	auto_free char *line =
		str_format("30 20 0:27 / %s/dev/cg rw - cgroup cgroup rw,cpuacct,cpu\n"
			   "31 20 0:28 / %s/mnt/two rw shared:5 - cgroup2 none rw\n",
			tree.root, tree.root);
	auto_cgroup_layout layout = { 0 };
	struct error err;

	put(&tree, "/proc/self/cgroup", "3:cpu,cpuacct:/\n2:pids:/\n0::/\n");
	put(&tree, "/proc/self/mountinfo", line);
	put(&tree, "/mnt/two/cgroup.controllers", "pids\n");
	CHECK_OK(cgroup_layout_read(tree.root, &layout, &err), &err);
	CHECK_INT(layout.count, 2); /* pids is mounted nowhere */
	if (layout.count == 2) {
		CHECK_HAS(layout.mounts[0].path, "/dev/cg");
		CHECK_HAS(layout.mounts[1].path, "/mnt/two");
		CHECK(strings_contain(&layout.controllers, "pids"));
	}
	remove_tree(&tree);
}

/* ---- devices ------------------------------------------------------------------------ */

/* Runs the program as the kernel would, on one request. */
static int64_t interpret(const struct bpf_insn *program, size_t count,
	const struct bpf_cgroup_dev_ctx *context)
{
	uint64_t r[11] = { 0 };

	for (size_t at = 0, steps = 0; at < count && steps < 10000; at++, steps++) {
		const struct bpf_insn *i = &program[at];
		uint32_t low = (uint32_t)r[i->dst_reg];

		switch (i->code) {
		case BPF_LDX | BPF_W | BPF_MEM:
			r[i->dst_reg] =
				*(const uint32_t *)((const char *)context + i->off);
			break;
		case BPF_ALU64 | BPF_MOV | BPF_X:
			r[i->dst_reg] = r[i->src_reg];
			break;
		case BPF_ALU64 | BPF_MOV | BPF_K:
			r[i->dst_reg] = (uint64_t)i->imm;
			break;
		case BPF_ALU64 | BPF_AND | BPF_K:
			r[i->dst_reg] &= (uint64_t)i->imm;
			break;
		case BPF_ALU64 | BPF_RSH | BPF_K:
			r[i->dst_reg] >>= i->imm;
			break;
		case BPF_JMP32 | BPF_JNE | BPF_K:
			at += low != (uint32_t)i->imm ? (size_t)i->off : 0;
			break;
		case BPF_JMP32 | BPF_JSET | BPF_K:
			at += low & (uint32_t)i->imm ? (size_t)i->off : 0;
			break;
		case BPF_JMP | BPF_JA:
			at += (size_t)i->off;
			break;
		case BPF_JMP | BPF_EXIT:
			return (int64_t)r[0];
		default:
			return -1;
		}
	}
	return -2;
}

static void device_programs_decide(void)
{
	static const struct {
		const char *rules;
		char type;
		uint32_t major, minor, access;
		int allowed;
	} cases[] = {
		{ "[]", 'c', 1, 3, DEVICE_READ | DEVICE_WRITE, 1 },
		{ "[]", 'c', 1, 1, DEVICE_READ, 0 },
		{ "[]", 'c', 1, 1, DEVICE_MKNOD, 1 },
		{ "[]", 'c', 136, 77, DEVICE_ALL, 1 },
		{ "[]", 'b', 8, 0, DEVICE_READ, 0 },
		{ "[{\"allow\":true}]", 'b', 8, 0, DEVICE_ALL, 1 },
		{ "[{\"allow\":true},{\"allow\":false,\"type\":\"b\",\"major\":8}]", 'b',
			8, 1, DEVICE_READ, 0 },
		{ "[{\"allow\":true},{\"allow\":false,\"type\":\"b\",\"major\":8}]", 'c',
			8, 1, DEVICE_READ, 1 },
		{ "[{\"allow\":true},{\"allow\":false,\"type\":\"b\",\"access\":\"w\"}]",
			'b', 8, 1, DEVICE_READ, 1 },
		{ "[{\"allow\":true},{\"allow\":false,\"type\":\"b\",\"access\":\"w\"}]",
			'b', 8, 1, DEVICE_READ | DEVICE_WRITE, 0 },
		/* rights from several rules add up */
		{ "[{\"allow\":true,\"type\":\"b\",\"major\":8,\"access\":\"r\"},"
		  "{\"allow\":true,\"type\":\"b\",\"minor\":1,\"access\":\"w\"}]",
			'b', 8, 1, DEVICE_READ | DEVICE_WRITE, 1 },
		{ "[{\"allow\":true,\"type\":\"b\",\"major\":8,\"access\":\"r\"},"
		  "{\"allow\":true,\"type\":\"b\",\"minor\":1,\"access\":\"w\"}]",
			'b', 8, 2, DEVICE_READ | DEVICE_WRITE, 0 },
		/* the later rule decides, also about a part */
		{ "[{\"allow\":true,\"type\":\"c\",\"major\":10},"
		  "{\"allow\":false,\"type\":\"c\",\"major\":10,\"minor\":229}]",
			'c', 10, 229, DEVICE_READ, 0 },
		{ "[{\"allow\":true,\"type\":\"c\",\"major\":10},"
		  "{\"allow\":false,\"type\":\"c\",\"major\":10,\"minor\":229}]",
			'c', 10, 228, DEVICE_READ, 1 },
		/* a built-in device can be taken away */
		{ "[{\"allow\":false,\"type\":\"c\",\"major\":5,\"minor\":0}]", 'c', 5, 0,
			DEVICE_READ, 0 },
		{ "[{\"allow\":true,\"type\":\"c\",\"major\":4294967295}]", 'c',
			4294967295u, 1, DEVICE_READ, 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_free char *text = str_format("{\"devices\":%s}", cases[i].rules);
		struct json_options options = { .name = "resources.json" };
		struct bpf_cgroup_dev_ctx context = {
			.access_type = cases[i].access << 16 |
				       (cases[i].type == 'b' ? BPF_DEVCG_DEV_BLOCK
							     : BPF_DEVCG_DEV_CHAR),
			.major = cases[i].major,
			.minor = cases[i].minor,
		};
		auto_oci_resources resources = { 0 };
		auto_cgroup_devices devices = { 0 };
		auto_free struct bpf_insn *program = NULL;
		struct error err;
		size_t count;

		CHECK_OK(json_read(&oci_resources_type, &resources, text, strlen(text),
				 &options, &err),
			&err);
		CHECK_OK(cgroup_devices_plan(&resources, "", &devices, &err), &err);
		cgroup_devices_program(&devices, &program, &count);
		if (!CHECK_INT(interpret(program, count, &context), cases[i].allowed))
			printf("# %s: %c %u:%u %u\n", cases[i].rules, cases[i].type,
				cases[i].major, cases[i].minor, cases[i].access);
	}
}

static void state_is_written_and_read(void)
{
	static const char text[] =
		"{\"driver\":\"cgroupfs\",\"dirs\":[{\"hierarchy\":\"cpu,"
		"cpuacct\",\"path\":\"/no/such/cgroup\",\"made\":2}]}";
	struct json_options options = { .name = "state.json" };
	auto_cgroup cgroup = { 0 };
	auto_str again = { 0 };
	struct error err;

	CHECK_OK(json_read(&cgroup_type, &cgroup, text, strlen(text), &options, &err),
		&err);
	json_write(&again, &cgroup_type, &cgroup, (struct json_write_options){ 0 });
	CHECK_STR(again.data, text);
	CHECK(!cgroup_exists(&cgroup));
	CHECK_OK(cgroup_remove(&cgroup, 0, &err), &err); /* what is gone is no failure */
}

static const struct test tests[] = {
	{ "shares become weights on the curve", shares_become_weights },
	{ "I/O weights are stretched", io_weights_are_stretched },
	{ "swap is told apart from memory", swap_is_told_apart_from_memory },
	{ "cgroupsPath is absolute, relative or absent, and never the top", paths },
	{ "plans on cgroup v2", plans_on_version_2 },
	{ "plans on a hybrid machine", plans_on_a_hybrid_machine },
	{ "a rootless container goes where its user may make cgroups",
		a_rootless_container_goes_where_its_user_may },
	{ "hierarchies mounted at unusual places are found", unusual_mounts_are_found },
	{ "the program for devices decides by the last rule that fits",
		device_programs_decide },
	{ "the state is written and read", state_is_written_and_read },
};

TEST_MAIN(tests)
