/* bundle: an image becomes a directory that any OCI runtime runs. */
#include <sys/file.h>

#include "base/log.h"
#include "builder/build/worker.h"
#include "builder/bundle/bundle.h"
#include "builder/bundle/verify.h"
#include "builder/commands/commands.h"
#include "builder/rootless.h"
#include "builder/store/image.h"
#include "builder/store/refs.h"

static const struct word root_words[] = {
	{ "copy", BUNDLE_ROOT_COPY },
	{ "overlay", BUNDLE_ROOT_OVERLAY },
	{ "mounted", BUNDLE_ROOT_MOUNTED },
	{ NULL, 0 },
};

/* clang-format off */
static const struct option_spec options[] = {
	OPTION_STRING(struct bundle_request, rootfs, "rootfs", 0, "copy|overlay|mounted",
		"a copy of the image's files, or an overlay of its layers (instant; these stay "
		"in the store) that the runtime mounts, or that is mounted at DIR/rootfs for "
		"any runtime (otherwise copy, for images made without FROM overlay)", .values = "copy|overlay|mounted"),
	OPTION_STRING(struct bundle_request, name, "name", 0, "NAME",
		"the container's name: its host name, and its name on the network"),
	OPTION_STRING(struct bundle_request, hostname, "hostname", 0, "NAME",
		"its host name (otherwise the name)"),
	OPTION_STRING(struct bundle_request, network, "net", 0, "NAME|host|none",
		"a network of mocker-netsetup, wired by hooks; the host's own; none but "
		"loopback (the default)"),
	OPTION_STRING(struct bundle_request, netns, "netns", 0, "PATH",
		"join the network namespace at the path, as the containers of a pod do"),
	OPTION_STRINGS(struct bundle_request, publish, "publish", 'p', "[IP:]HOSTPORT:PORT[/PROTOCOL]",
		"forward a port of the host, or a range (8000-8009:80-89), over tcp, udp or sctp; "
		"an IPv6 address stands in brackets; needs --net NAME"),
	OPTION_STRINGS(struct bundle_request, dns, "dns", 0, "ADDRESS",
		"a name server for /etc/resolv.conf instead of the host's"),
	OPTION_STRINGS(struct bundle_request, hosts, "add-host", 0, "NAME:ADDRESS",
		"a line for /etc/hosts"),
	OPTION_STRING(struct bundle_request, userns, "userns", 0, "USER|host",
		"a user namespace with the subordinate ids that /etc/subuid and /etc/subgid give "
		"the user; the host's ids (the default). The files are copied, for they belong "
		"to these ids"),
	OPTION_STRINGS(struct bundle_request, uidmap, "uidmap", 0, "CONTAINER:HOST:COUNT",
		"a user namespace with these users, range by range (0:100000:65536)"),
	OPTION_STRINGS(struct bundle_request, gidmap, "gidmap", 0, "CONTAINER:HOST:COUNT",
		"its groups (otherwise as its users)"),
	OPTION_STRING(struct bundle_request, user, "user", 'u', "USER[:GROUP]",
		"run as this user of the image, by name or number"),
	OPTION_STRING(struct bundle_request, workdir, "workdir", 'w', "PATH", "begin in this directory"),
	OPTION_STRING(struct bundle_request, entrypoint, "entrypoint", 0, "PROGRAM",
		"instead of the image's entrypoint and command; \"\" for none",
		OPTION_HAS(struct bundle_request, entrypoint)),
	OPTION_STRINGS(struct bundle_request, env, "env", 'e', "NAME[=VALUE]",
		"a variable; without value, the caller's"),
	OPTION_STRINGS(struct bundle_request, env_files, "env-file", 0, "FILE",
		"variables from a file, a line each, # for comments; --env wins"),
	OPTION_FLAG(struct bundle_request, terminal, "tty", 't', "the process gets a terminal"),
	OPTION_STRINGS(struct bundle_request, mounts, "mount", 0,
		"type=bind|tmpfs,source=PATH,target=PATH[,readonly]",
		"a bind mount of a path of the host, or a tmpfs"),
	OPTION_STRINGS(struct bundle_request, volumes, "volume", 'v', "SOURCE:TARGET[:ro]",
		"a bind mount, in short"),
	OPTION_STRINGS(struct bundle_request, tmpfs, "tmpfs", 0, "PATH[:OPTIONS]", "a tmpfs, in short"),
	OPTION_BYTES(struct bundle_request, shm_size, "shm-size", 0, "BYTES",
		"size of /dev/shm (otherwise 64m)", OPTION_HAS(struct bundle_request, shm_size)),
	OPTION_STRINGS(struct bundle_request, devices, "device", 0,
		"SOURCE[:TARGET][:rwm]|VENDOR/CLASS=NAME",
		"a device of the host, to read, write and make nodes of; or one with all that "
		"its vendor's CDI specification says"),
	OPTION_STRINGS(struct bundle_request, cdi_directories, "cdi-spec-dir", 0, "DIRECTORY",
		"where CDI specifications are, instead of /etc/cdi, /etc/buildkit/cdi and "
		"/var/run/cdi; the last that has a device counts"),
	OPTION_FLAG(struct bundle_request, read_only, "read-only", 0,
		"the root file system cannot be written to"),
	OPTION_BYTES(struct bundle_request, memory, "memory", 'm', "BYTES",
		"limit of memory, such as 512m", OPTION_HAS(struct bundle_request, memory)),
	OPTION_BYTES(struct bundle_request, memory_swap, "memory-swap", 0, "BYTES",
		"limit of memory and swap together; -1 for none",
		OPTION_HAS(struct bundle_request, memory_swap)),
	OPTION_STRING(struct bundle_request, cpus, "cpus", 0, "NUMBER",
		"limit of processor time, such as 1.5"),
	OPTION_STRING(struct bundle_request, cpuset, "cpuset-cpus", 0, "LIST",
		"the processors it may use, such as 0-3,7"),
	OPTION_I64(struct bundle_request, cpu_shares, "cpu-shares", 0, "NUMBER",
		"its weight against others, of 1024", OPTION_HAS(struct bundle_request, cpu_shares)),
	OPTION_I64(struct bundle_request, pids_limit, "pids-limit", 0, "NUMBER",
		"limit of processes and threads; -1 for none", OPTION_HAS(struct bundle_request, pids_limit)),
	OPTION_STRING(struct bundle_request, cgroups_path, "cgroup", 0, "PATH",
		"linux.cgroupsPath (otherwise the runtime's default)"),
	OPTION_STRINGS(struct bundle_request, ulimits, "ulimit", 0, "NAME=SOFT[:HARD]",
		"a limit of the process, such as nofile=1024:4096; -1 for none"),
	OPTION_I64(struct bundle_request, oom_score_adj, "oom-score-adj", 0, "NUMBER",
		"how soon the kernel kills it for memory, -1000 to 1000",
		OPTION_HAS(struct bundle_request, oom_score_adj)),
	OPTION_STRINGS(struct bundle_request, cap_add, "cap-add", 0, "CAPABILITY",
		"one capability more, or ALL"),
	OPTION_STRINGS(struct bundle_request, cap_drop, "cap-drop", 0, "CAPABILITY",
		"one capability less, or ALL"),
	OPTION_FLAG(struct bundle_request, privileged, "privileged", 0,
		"all capabilities and devices, no filter of system calls, nothing masked"),
	OPTION_FLAG(struct bundle_request, no_new_privileges, "no-new-privileges", 0,
		"set-id programs and file capabilities have no effect"),
	OPTION_STRINGS(struct bundle_request, security, "security-opt", 0, "NAME[=VALUE]",
		"seccomp=FILE|unconfined (a profile as Docker and podman read it, or "
		"linux.seccomp), apparmor=PROFILE, no-new-privileges, mask=PATHS, "
		"unmask=ALL|PATHS, systempaths=unconfined"),
	OPTION_STRINGS(struct bundle_request, sysctl, "sysctl", 0, "NAME=VALUE",
		"a kernel parameter of the container's namespaces"),
	OPTION_STRINGS(struct bundle_request, labels, "label", 0, "NAME=VALUE",
		"an annotation of the bundle, as the image's labels become"),
	OPTION_STRINGS(struct bundle_request, annotations, "annotation", 0, "NAME=VALUE",
		"an annotation of the bundle"),
	OPTION_STRING(struct bundle_request, stop_signal, "stop-signal", 0, "SIGNAL",
		"instead of the image's, as an annotation"),
	OPTION_FLAG(struct bundle_request, verify, "verify", 0,
		"let mocker-runtime check the bundle; one that it finds wrong is not kept"),
	OPTION_END,
};
/* clang-format on */

static int choose_root(const struct bundle_request *request, const struct store *store,
	const struct image *image, enum bundle_root *ret, struct error *err)
{
	int64_t root = image->on_host ? BUNDLE_ROOT_OVERLAY : BUNDLE_ROOT_COPY;

	if (request->rootfs)
		(void)word_to_number(
			root_words, request->rootfs, &root); /* one of them */
	if (root == BUNDLE_ROOT_MOUNTED && rootless_here())
		return fail(err,
			"--rootfs mounted: only root can mount it for others; use "
			"copy or overlay");
	if (root != BUNDLE_ROOT_COPY && store->copies) {
		log_warning("overlayfs is refused here: the bundle gets a copy");
		root = BUNDLE_ROOT_COPY;
	}
	*ret = (enum bundle_root)root;
	return 0;
}

static int make(const struct command_call *call, const struct bundle_request *request,
	struct error *err)
{
	const struct builder_options *global = call->global;
	auto_interrupt interrupt = INTERRUPT_NONE;
	auto_store store = STORE_CLOSED;
	auto_image image = { 0 };
	struct bundle_place place = {
		.store = &store,
		.directory = call->argv[1],
	};
	struct digest id;

	if (store_open(global->root, LOCK_SH, &store, err) < 0 ||
		refs_find(&store, call->argv[0], &id, err) < 0 ||
		image_load(&store, &id, &image, err) < 0 ||
		interrupt_begin(&interrupt, err) < 0)
		return -1;
	place.signal_fd = interrupt.fd;
	if (choose_root(request, &store, &image, &place.root, err) < 0)
		return -1;
	if (bundle_make(&place, &image, request, err) < 0)
		return -1;
	return request->verify ? bundle_verify(&store, place.directory, err) : 0;
}

static int run(const struct command_call *call, struct error *err)
{
	const struct bundle_request *given = call->options;
	struct bundle_request request = *given; /* its lists stay the options' */
	auto_strings args = { 0 };

	if (rootless_enter(err) < 0)
		return -1;
	for (int i = 2; i < call->argc; i++)
		strings_add(&args, call->argv[i]);
	request.args = args;
	if (make(call, &request, err) < 0)
		return fail_while(err, "bundling %s", call->argv[0]);
	return 0;
}

const struct command command_bundle = {
	.name = "bundle",
	.operands = "IMAGE DIR [-- COMMAND...]",
	.summary = "write a bundle (rootfs and config.json) that any OCI runtime runs",
	.details =
		"DIR is made, or is empty. What follows -- replaces the image's command. "
		"With --rootfs overlay, config.json begins with mounts of type overlay "
		"at \"/\", which mocker-runtime and runc stack on the root; nothing is "
		"mounted on the host, and DIR is removed like any directory. With --rootfs "
		"mounted the same overlay is mounted at DIR/rootfs, for other runtimes, "
		"until `unbundle` or the next boot.\n\n"
		"The default profile: a few capabilities, a filter of system calls, "
		"sockets of the families UNIX, IP, netlink and packet, and parts of /proc "
		"and /sys masked or read-only.",
	.options = options,
	.options_size = sizeof(struct bundle_request),
	.operands_min = 2,
	.operands_max = -1,
	.permute = true,
	.run = run,
};
