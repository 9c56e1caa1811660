/* The rules between the members of config.json: for each, a config that breaks it. A
 * variant is a config that breaks none, with one member replaced. */
#include <string.h>

#include "spec/validate.h"
#include "tests/unit/test.h"

/* Replaced are: process members after cwd, the root's members, linux members. */
#define CONFIG(process, root, linux_members)                                             \
	"{\"ociVersion\":\"1.2.0\",\"root\":{\"path\":\"rootfs\"},\"process\":{\"cwd\":" \
	"\"/\",\"args\":[\"sh\"]" process "}" root ",\"linux\":{" linux_members "}}"
#define PROCESS(members) CONFIG("," members, "", "")
#define ROOT(members)    CONFIG("", "," members, "")
#define LINUX(members)   CONFIG("", "", members)
#define OWN(types)       "\"namespaces\":[" types "]"
#define NS(type)         "{\"type\":\"" type "\"}"
#define NOTIFY(names)                                                                              \
	"\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"/x\",\"syscalls\":[" \
	"{\"names\":[" names "],\"action\":\"SCMP_ACT_NOTIFY\"}]}"
#define MAPPINGS                                                                 \
	"\"uidMappings\":[{\"containerID\":0,\"hostID\":100000,\"size\":1000}]," \
	"\"gidMappings\":[{\"containerID\":0,\"hostID\":100000,\"size\":1000}]"

/* clang-format off */
static const struct {
	const char *config;
	const char *problem; /* the first; NULL: none */
} variants[] = {
	{ CONFIG("", "", ""), NULL },
	{ "{\"ociVersion\":\"1\"}", "/ociVersion: expected a semantic version" },
	{ "{\"ociVersion\":\"1.0.02\"}", "/ociVersion: expected a semantic version" },
	{ "{\"ociVersion\":\"1.0.2-\"}", "/ociVersion: expected a semantic version" },
	{ "{\"ociVersion\":\"2.0.0\"}", "/ociVersion: version 2.0.0 of the specification" },
	{ "{\"ociVersion\":\"1.0.2-dev\"}", "/root: the required member is missing" },
	{ "{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"\"}}", "/root/path: expected a path" },
	{ "{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"r\"}}", "/process: the required" },

	{ "{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"r\"},\"process\":{\"cwd\":\"/\"}}",
		"/process/args: expected a program to run" },
	{ "{\"ociVersion\":\"1.0.2\",\"root\":{\"path\":\"r\"},\"process\":{\"cwd\":\"a\",\"args\":[\"x\"]}}",
		"/process/cwd: expected an absolute path, found \"a\"" },
	{ PROCESS("\"env\":[\"A=b\",\"PATH\"]"), "/process/env/1: expected NAME=value, found \"PATH\"" },
	{ PROCESS("\"env\":[\"=b\"]"), "/process/env/0" },
	{ PROCESS("\"user\":{\"uid\":4294967295}"), "/process/user/uid: 4294967295 is no user" },
	{ PROCESS("\"user\":{\"additionalGids\":[1,4294967295]}"), "/process/user/additionalGids/1" },
	{ PROCESS("\"user\":{\"umask\":512}"), "/process/user/umask: expected at most 511" },
	{ PROCESS("\"rlimits\":[{\"type\":\"RLIMIT_CPU\",\"soft\":2,\"hard\":1}]"),
		"/process/rlimits/0: the soft limit (2) is above the hard limit (1)" },
	{ PROCESS("\"rlimits\":[{\"type\":\"RLIMIT_CPU\",\"soft\":1,\"hard\":1},"
		"{\"type\":\"RLIMIT_CPU\",\"soft\":1,\"hard\":1}]"),
		"/process/rlimits/1: a second limit of type RLIMIT_CPU" },
	{ PROCESS("\"scheduler\":{\"policy\":\"SCHED_FIFO\"}"), "needs a priority from 1 to 99" },
	{ PROCESS("\"scheduler\":{\"policy\":\"SCHED_FIFO\",\"priority\":99}"), NULL },
	{ PROCESS("\"scheduler\":{\"policy\":\"SCHED_OTHER\",\"priority\":1}"), "has no priority" },
	{ PROCESS("\"scheduler\":{\"policy\":\"SCHED_OTHER\",\"nice\":20}"), "from -20 to 19" },
	{ PROCESS("\"scheduler\":{\"policy\":\"SCHED_OTHER\",\"runtime\":1}"), "SCHED_DEADLINE" },
	{ PROCESS("\"scheduler\":{\"policy\":\"SCHED_DEADLINE\",\"runtime\":9,\"deadline\":5}"), "runtime <= deadline" },
	{ PROCESS("\"scheduler\":{\"policy\":\"SCHED_DEADLINE\",\"runtime\":1,\"deadline\":5}"), NULL },
	{ PROCESS("\"ioPriority\":{\"class\":\"IOPRIO_CLASS_BE\",\"priority\":8}"), "/process/ioPriority/priority" },
	{ PROCESS("\"oomScoreAdj\":-1001"), "/process/oomScoreAdj: expected a value from -1000" },
	{ PROCESS("\"execCPUAffinity\":{\"initial\":\"0-3,7\",\"final\":\"1-\"}"),
		"/process/execCPUAffinity/final: expected a list of numbers" },

	{ ROOT("\"hostname\":\"a\""), "/hostname: it would be the host's too; add a namespace of type \"uts\"" },
	{ ROOT("\"domainname\":\"a\""), "/domainname" },
	{ CONFIG("", ",\"hostname\":\"a\"", OWN(NS("uts"))), NULL },
	{ ROOT("\"mounts\":[{\"destination\":\"/a\",\"type\":\"tmpfs\"}]"), "/mounts: they would be the host's" },
	{ CONFIG("", ",\"mounts\":[{\"destination\":\"a\",\"type\":\"tmpfs\"}]", OWN(NS("mount"))), NULL },
	{ CONFIG("", ",\"mounts\":[{\"destination\":\"\",\"type\":\"tmpfs\"}]", OWN(NS("mount"))), "/mounts/0/destination" },
	{ CONFIG("", ",\"mounts\":[{\"destination\":\"/a\"}]", OWN(NS("mount"))), "/mounts/0: expected a type" },
	{ CONFIG("", ",\"mounts\":[{\"destination\":\"/a\",\"options\":[\"bind\"]}]", OWN(NS("mount"))), "/mounts/0: a bind mount needs a source" },
	{ CONFIG("", ",\"mounts\":[{\"destination\":\"/a\",\"source\":\"/\",\"options\":[\"bind\",\"idmap\"]}]", OWN(NS("mount"))),
		"/mounts/0: idmap needs uidMappings" },
	{ CONFIG("", ",\"mounts\":[{\"destination\":\"/a\",\"source\":\"/\",\"options\":[\"bind\"],"
		"\"uidMappings\":[{\"containerID\":0,\"hostID\":1,\"size\":1}]}]", OWN(NS("mount"))),
		"/mounts/0: uidMappings and gidMappings need each other" },
	{ ROOT("\"hooks\":{\"poststop\":[{\"path\":\"rm\"}]}"), "/hooks/poststop/0/path: expected an absolute path" },
	{ ROOT("\"hooks\":{\"prestart\":[{\"path\":\"/a\",\"timeout\":0}]}"), "/hooks/prestart/0/timeout" },
	{ ROOT("\"hooks\":{\"prestart\":[{\"path\":\"/a\",\"env\":[\"A\"]}]}"), "/hooks/prestart/0/env/0" },
	{ ROOT("\"annotations\":{\"\":\"x\"}"), "/annotations/: an annotation must have a name" },

	{ LINUX(OWN(NS("pid") "," NS("ipc") "," NS("pid"))), "/linux/namespaces/2: a second namespace of type \"pid\"" },
	{ LINUX(OWN(NS("pid") "," NS("ipc") "," NS("uts") "," NS("mount") "," NS("network") "," NS("time") ","
		NS("cgroup") "," NS("pid") "," NS("pid"))), "/linux/namespaces/7: a second" },
	{ LINUX(OWN("{\"type\":\"pid\",\"path\":\"proc/1/ns/pid\"}")), "/linux/namespaces/0/path: expected an absolute path" },
	{ LINUX(MAPPINGS), "/linux/uidMappings: mappings belong to a user namespace" },
	{ LINUX(OWN(NS("user"))), "/linux/uidMappings: a new user namespace needs mappings" },
	{ LINUX(OWN(NS("user")) "," MAPPINGS), NULL },
	{ LINUX(OWN("{\"type\":\"user\",\"path\":\"/proc/1/ns/user\"}")), NULL },
	{ CONFIG(",\"user\":{\"uid\":1000}", "", OWN(NS("user")) "," MAPPINGS),
		"/process/user/uid: user 1000 is in no range of /linux/uidMappings" },
	{ CONFIG(",\"user\":{\"additionalGids\":[1000]}", "", OWN(NS("user")) "," MAPPINGS),
		"/process/user/additionalGids/0: group 1000" },
	{ LINUX(OWN(NS("user")) ",\"uidMappings\":[{\"containerID\":0,\"hostID\":0,\"size\":0}]"), "maps nothing" },
	{ LINUX(OWN(NS("user")) ",\"uidMappings\":[{\"containerID\":0,\"hostID\":4294967295,\"size\":1}]"), "above 4294967294" },
	{ LINUX(OWN(NS("user")) ",\"uidMappings\":[{\"containerID\":0,\"hostID\":10,\"size\":5},"
		"{\"containerID\":4,\"hostID\":100,\"size\":1}]"), "/linux/uidMappings/1: the range overlaps that of entry 0" },
	{ LINUX("\"timeOffsets\":{\"boottime\":{\"secs\":1}}"), "/linux/timeOffsets: offsets belong to a new time" },
	{ LINUX(OWN(NS("time")) ",\"timeOffsets\":{\"boottime\":{\"secs\":1},\"monotonic\":{}}"), NULL },
	{ LINUX(OWN(NS("time")) ",\"timeOffsets\":{\"realtime\":{\"secs\":1}}"), "/linux/timeOffsets/realtime: unknown clock" },
	{ LINUX(OWN(NS("time")) ",\"timeOffsets\":{\"boottime\":{\"nanosecs\":1000000000}}"), "less than 1000000000" },

	{ LINUX("\"sysctl\":{\"net.ipv4.ip_forward\":\"1\"}"),
		"/linux/sysctl/net.ipv4.ip_forward: it would change the host; add a namespace of type \"network\"" },
	{ LINUX(OWN(NS("network")) ",\"sysctl\":{\"net.ipv4.ip_forward\":\"1\",\"net/ipv4/conf/eth0.1/x\":\"\"}"), NULL },
	{ LINUX(OWN(NS("network")) ",\"sysctl\":{\"net/../kernel/panic\":\"1\"}"), "not a kernel parameter's name" },
	{ LINUX(OWN(NS("network")) ",\"sysctl\":{\"net..kernel\":\"1\"}"), "not a kernel parameter's name" },
	{ LINUX(OWN(NS("network")) ",\"sysctl\":{\"net.//kernel.panic\":\"1\"}"), "not a kernel parameter's name" },
	{ LINUX("\"sysctl\":{\"kernel.msgmax\":\"1\"}"), "type \"ipc\"" },
	{ LINUX("\"sysctl\":{\"fs.mqueue.msg_max\":\"1\"}"), "type \"ipc\"" },
	{ LINUX("\"sysctl\":{\"kernel.domainname\":\"1\"}"), "type \"uts\"" },
	{ LINUX(OWN(NS("ipc")) ",\"sysctl\":{\"kernel.panic\":\"1\"}"), "/linux/sysctl/kernel.panic: no namespace has" },
	{ LINUX(OWN(NS("ipc")) ",\"sysctl\":{\"kernel.semx\":\"1\"}"), "no namespace has" },
	{ CONFIG("", ",\"hostname\":\"a\"", OWN(NS("uts")) ",\"sysctl\":{\"kernel.hostname\":\"b\"}"), "/hostname says so already" },

	{ LINUX("\"devices\":[{\"path\":\"dev/a\",\"type\":\"p\"}]"), "/linux/devices/0/path" },
	{ LINUX("\"devices\":[{\"path\":\"/dev/a\",\"type\":\"c\",\"major\":1}]"), "needs major and minor" },
	{ LINUX("\"devices\":[{\"path\":\"/dev/a\",\"type\":\"c\",\"major\":4096,\"minor\":0}]"), "found 4096:0" },
	{ LINUX("\"netDevices\":{\"eth0\":{}}"), "/linux/netDevices: there is nowhere" },
	{ LINUX(OWN(NS("network")) ",\"netDevices\":{\"a\":{\"name\":\"b\"},\"b\":{}}"), "/linux/netDevices/b: a second interface called \"b\"" },
	{ LINUX(OWN(NS("network")) ",\"netDevices\":{\"a/b\":{}}"), "/linux/netDevices/a~1b: an interface's name" },
	{ LINUX(OWN(NS("network")) ",\"netDevices\":{\"a\":{\"name\":\"0123456789abcdef\"}}"), "an interface's name" },
	{ LINUX("\"maskedPaths\":[\"/proc/kcore\"]"), "/linux/maskedPaths: it would change the host" },
	{ LINUX(OWN(NS("mount")) ",\"readonlyPaths\":[\"proc\"]"), "/linux/readonlyPaths/0: expected an absolute path" },
	{ LINUX("\"cgroupsPath\":\"/a/../b\""), "/linux/cgroupsPath" },
	{ LINUX("\"cgroupsPath\":\"a.slice:b:c..d\""), NULL },

	{ LINUX("\"resources\":{\"memory\":{\"limit\":-2}}"), "/linux/resources/memory/limit" },
	{ LINUX("\"resources\":{\"memory\":{\"limit\":10,\"swap\":5}}"), "/linux/resources/memory/swap" },
	{ LINUX("\"resources\":{\"memory\":{\"limit\":10,\"swap\":-1}}"), NULL },
	{ LINUX("\"resources\":{\"memory\":{\"swappiness\":101}}"), "from 0 to 100" },
	{ LINUX("\"resources\":{\"cpu\":{\"quota\":10,\"burst\":11}}"), "/linux/resources/cpu/burst" },
	{ LINUX("\"resources\":{\"cpu\":{\"idle\":2}}"), "/linux/resources/cpu/idle" },
	{ LINUX("\"resources\":{\"cpu\":{\"cpus\":\"3-1\"}}"), "/linux/resources/cpu/cpus" },
	{ LINUX("\"resources\":{\"cpu\":{\"mems\":\"0,\"}}"), "/linux/resources/cpu/mems" },
	{ LINUX("\"resources\":{\"blockIO\":{\"weight\":9}}"), "/linux/resources/blockIO/weight" },
	{ LINUX("\"resources\":{\"blockIO\":{\"weight\":0}}"), NULL },
	{ LINUX("\"resources\":{\"blockIO\":{\"weightDevice\":[{\"major\":1,\"minor\":1}]}}"), "expected a weight" },
	{ LINUX("\"resources\":{\"hugepageLimits\":[{\"pageSize\":\"64kB\",\"limit\":1}]}"), "/linux/resources/hugepageLimits/0/pageSize" },
	{ LINUX("\"resources\":{\"rdma\":{\"a/b\":{}}}"), "/linux/resources/rdma/a~1b: expected hcaHandles" },
	{ LINUX("\"resources\":{\"unified\":{\"../x\":\"1\"}}"), "/linux/resources/unified/..~1x" },
	{ LINUX("\"resources\":{\"devices\":[{\"allow\":true,\"access\":\"rx\"}]}"), "/linux/resources/devices/0/access" },
	{ LINUX("\"resources\":{\"devices\":[{\"allow\":true,\"major\":-2}]}"), "/linux/resources/devices/0" },
	{ LINUX("\"resources\":{\"pids\":{\"limit\":-2}}"), "/linux/resources/pids/limit" },

	{ LINUX("\"seccomp\":{\"defaultAction\":\"SCMP_ACT_NOTIFY\"}"), "/linux/seccomp/listenerPath" },
	{ LINUX("\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"defaultErrnoRet\":1}"), "SCMP_ACT_ALLOW returns no errno" },
	{ LINUX("\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":38}"), NULL },
	{ LINUX("\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":4096}"), "up to 4095, found 4096" },
	{ LINUX("\"seccomp\":{\"defaultAction\":\"SCMP_ACT_TRACE\",\"defaultErrnoRet\":4096}"), NULL },
	{ LINUX("\"seccomp\":{\"defaultAction\":\"SCMP_ACT_TRACE\",\"defaultErrnoRet\":65536}"), "up to 65535, found 65536" },
	{ LINUX("\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"mkdir\"],\"action\":\"SCMP_ACT_KILL\",\"errnoRet\":1}]}"),
		"/linux/seccomp/syscalls/0/errnoRet" },
	{ LINUX(NOTIFY("\"sendmsg\",\"close\"")), NULL },
	{ LINUX("\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerMetadata\":\"x\"}"), "/linux/seccomp/listenerMetadata" },
	{ LINUX("\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[],\"action\":\"SCMP_ACT_LOG\"}]}"), "/linux/seccomp/syscalls/0/names" },
	{ LINUX("\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"a\"],\"action\":\"SCMP_ACT_NOTIFY\"}]}"), "/linux/seccomp/listenerPath" },
	{ LINUX("\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"a\"],\"action\":\"SCMP_ACT_LOG\","
		"\"args\":[{\"index\":6,\"value\":0,\"op\":\"SCMP_CMP_EQ\"}]}]}"), "/linux/seccomp/syscalls/0/args/0/index" },

	{ LINUX("\"intelRdt\":{\"closID\":\"../x\"}"), "/linux/intelRdt/closID" },
	{ LINUX("\"intelRdt\":{\"closID\":\"/\"}"), NULL },
	{ LINUX("\"intelRdt\":{\"memBwSchema\":\"L3:0=f\"}"), "/linux/intelRdt/memBwSchema" },
	{ LINUX("\"memoryPolicy\":{\"mode\":\"MPOL_BIND\"}"), "MPOL_BIND needs nodes" },
	{ LINUX("\"memoryPolicy\":{\"mode\":\"MPOL_LOCAL\",\"nodes\":\"0\"}"), "MPOL_LOCAL takes no nodes" },
	{ LINUX("\"memoryPolicy\":{\"mode\":\"MPOL_BIND\",\"nodes\":\"0\",\"flags\":[\"MPOL_F_STATIC_NODES\",\"MPOL_F_RELATIVE_NODES\"]}"), "exclude each other" },
	{ LINUX("\"memoryPolicy\":{\"mode\":\"MPOL_DEFAULT\"}"), NULL },
};
/* clang-format on */

static int validate(
	const char *text, const struct validate_options *options, struct error *err)
{
	struct json_options reading = { .name = "config.json" };
	struct oci_config config = { 0 };
	int result;

	if (!CHECK_OK(json_read(&oci_config_type, &config, text, strlen(text), &reading,
			      err),
		    err))
		return -1;
	result = config_validate(&config, options, err);
	config_free(&config);
	return result;
}

static void finds_each_problem(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(variants); i++) {
		struct error err = { 0 };

		if (variants[i].problem)
			CHECK_FAILS(validate(variants[i].config, NULL, &err), &err,
				variants[i].problem);
		else
			CHECK_OK(validate(variants[i].config, NULL, &err), &err);
	}
}

static void count(void *argument, const char *pointer, const char *text)
{
	CHECK(*pointer == '/' && *text);
	++*(int *)argument;
}

static void tells_all_problems(void)
{
	int problems = 0;
	struct validate_options options = { .problem = count, .argument = &problems };
	struct error err;

	CHECK_FAILS(validate("{\"ociVersion\":\"x\",\"hostname\":\"a\",\"process\":"
			     "{\"cwd\":\"\",\"env\":[\"A\"]}}",
			    &options, &err),
		&err, "/ociVersion: ");
	CHECK_INT(problems, 6);
}

static void validates_a_process_alone(void)
{
	struct oci_process process = { .cwd = (char *)"/" };
	struct oci_resources resources = { .pids = { .has_limit = true, .limit = -5 } };
	struct error err;

	CHECK_FAILS(process_validate(&process, NULL, &err), &err, "/args: expected a");
	CHECK_FAILS(resources_validate(&resources, NULL, &err), &err, "/pids/limit: ");
}

static const struct test tests[] = {
	{ "each broken rule is told with its place", finds_each_problem },
	{ "all problems of a document are told", tells_all_problems },
	{ "a process and resources are validated alone", validates_a_process_alone },
};

TEST_MAIN(tests)
