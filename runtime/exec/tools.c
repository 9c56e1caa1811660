/* exec --tools: planned by the parent, entered by the new process. */
#include "runtime/exec/tools.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/process.h"
#include "runtime/default_config.h"
#include "runtime/namespaces/namespaces.h"
#include "runtime/process/caps.h"
#include "runtime/process/procfs.h"
#include "runtime/process/program.h"
#include "runtime/process/protect.h"
#include "runtime/rootfs/mount_api.h"
#include "spec/names.h"

#define CAPABILITY(n) (UINT64_C(1) << (n))

void tools_free(struct tools *tools)
{
	bundle_free(&tools->bundle);
	rootfs_free(&tools->rootfs);
	cleanup_fd(&tools->program_fd);
}

/* ---- which namespaces --------------------------------------------------------------- */

/* By the kernel's file names or the specification's words. */
static uint64_t kind_of(const char *name)
{
	for (const struct word *word = namespace_words; word->word; word++) {
		if (str_equal(name, word->word) ||
			str_equal(name, namespace_file(word->number)))
			return (uint64_t)word->number;
	}
	return 0;
}

static int choose(struct tools *tools, struct error *err)
{
	const struct tools_request *request = tools->request;
	const char *asked = request->namespaces ? request->namespaces : "net,pid,ipc,uts";
	auto_strings names = { 0 };

	if (!*asked)
		return fail(err, "--ns: expected at least one namespace");
	strings_split(&names, asked, ',');
	strings_each (name, &names) {
		uint64_t kind = kind_of(*name);

		if (!kind)
			return fail(err,
				"--ns: \"%s\" is no namespace; expected some of cgroup, "
				"ipc, mnt, net, pid, time, user, uts",
				*name);
		tools->kinds |= kind;
	}
	/* What gives another user the right to enter the others. */
	if (geteuid() != 0)
		tools->kinds |= CLONE_NEWUSER;
	tools->joins_mounts = tools->kinds & CLONE_NEWNS;
	for (const struct word *word = namespace_words; word->word; word++) {
		if (namespaces_shared(request->container->state.pid, word->number))
			tools->kinds &= ~(uint64_t)word->number;
	}
	return 0;
}

/* ---- whose files -------------------------------------------------------------------- */

static int load_bundle(struct tools *tools, struct error *err)
{
	const struct bundle_request request = { .directory = tools->request->bundle };

	return bundle_load(&request, &tools->bundle, err);
}

/* A bare root file system gets the usual mounts. */
static int make_bundle(struct tools *tools, struct error *err)
{
	const struct default_config_options options = {
		.rootless = tools->kinds & CLONE_NEWUSER,
	};
	struct oci_config *config = &tools->bundle.config;
	auto_free char *path = realpath(tools->request->rootfs, NULL);

	if (!path)
		return fail_errno(err, "--rootfs %s", tools->request->rootfs);
	default_config(&options, config);
	free(config->root->path);
	config->root->path = take_ptr(&path);
	config->root->readonly = false;
	strings_free(&config->linux.masked_paths);
	strings_free(&config->linux.readonly_paths);
	tools->bundle.path = str_dup("/");
	return 0;
}

/* Its mounts see what the tool will be in; no other wish of it may touch the container. */
static void adapt_config(struct tools *tools)
{
	struct oci_linux *linux = &tools->bundle.config.linux;
	size_t count = 0;

	for (size_t i = 0; i < linux->namespaces_count; i++)
		free(linux->namespaces[i].path);
	linux->namespaces = str_realloc(
		linux->namespaces, NAMESPACE_KINDS + 1, sizeof(*linux->namespaces));
	linux->namespaces[count++] = (struct oci_namespace){ .type = CLONE_NEWNS };
	for (const struct word *word = namespace_words; word->word; word++) {
		if (tools->kinds & (uint64_t)word->number)
			linux->namespaces[count++] =
				(struct oci_namespace){ .type = word->number };
	}
	linux->namespaces_count = count;
	pairs_free(&linux->sysctl);
}

static int plan_rootfs(struct tools *tools, struct error *err)
{
	const struct tools_request *asked = tools->request;
	struct rootfs_request request = { .config = &tools->bundle.config };

	if (asked->bundle && asked->rootfs)
		return fail(err, "--bundle and --rootfs exclude each other");
	if (!asked->bundle && !asked->rootfs)
		return 0;
	if (tools->joins_mounts)
		return fail(err,
			"--%s: with the namespace mnt the tool has the container's files",
			asked->bundle ? "bundle" : "rootfs");
	if ((asked->bundle ? load_bundle : make_bundle)(tools, err) < 0)
		return -1;
	adapt_config(tools);
	request.bundle = tools->bundle.path;
	if (rootfs_plan(&request, &tools->rootfs, err) < 0)
		return -1;
	return rootfs_open(tools->rootfs, err);
}

int tools_prepare(
	const struct tools_request *request, struct tools *ret, struct error *err)
{
	auto_tools tools = TOOLS_NONE;

	tools.request = request;
	if (choose(&tools, err) < 0)
		return -1;
	*ret = tools;
	tools = (struct tools)TOOLS_NONE;
	/* The plan keeps the address of the configuration. */
	return plan_rootfs(ret, err);
}

/* ---- who it is ---------------------------------------------------------------------- */

/* Not all of the caller's environment, where a container may come near it. */
static void take_environment(struct strings *env)
{
	static const char *const names[] = { "PATH", "HOME", "USER", "LOGNAME", "SHELL",
		"TERM", "COLORTERM", "COLUMNS", "LINES", "LANG", "LC_ALL", "TZ" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *value = getenv(names[i]);

		if (value)
			strings_addf(env, "%s=%s", names[i], value);
	}
	if (!strings_env(env, "PATH"))
		strings_add(env, "PATH=" PROCESS_PATH_DEFAULT);
}

static void hold_all(const struct tools *tools, struct oci_process *process)
{
	struct oci_capabilities *sets = str_alloc(sizeof(*sets));

	caps_held(tools->kinds & CLONE_NEWUSER, &sets->bounding);
	strings_copy(&sets->permitted, &sets->bounding);
	strings_copy(&sets->effective, &sets->bounding);
	process->capabilities = sets;
}

int tools_process(const struct tools *tools, struct oci_process *ret, struct error *err)
{
	const struct oci_process *other = tools->bundle.config.process;
	auto_free char *cwd = NULL;

	if (tools->joins_mounts)
		return json_copy(
			&oci_process_type, ret, tools->request->config->process, err);
	hold_all(tools, ret);
	if (tools->rootfs) {
		strings_copy(&ret->env, &other->env);
		ret->cwd = str_dup(other->cwd);
		return 0;
	}
	take_environment(&ret->env);
	/* The container's user may not come to where the caller is. */
	cwd = tools->kinds & CLONE_NEWUSER ? NULL : getcwd(NULL, 0);
	ret->cwd = cwd && cwd[0] == '/' ? take_ptr(&cwd) : str_dup("/");
	return 0;
}

/* ---- what the container could see --------------------------------------------------- */

/* Who may trace a process may use its /proc/PID/root, which is the host's. That is who has
 * the same user and no fewer capabilities, or CAP_SYS_PTRACE over it (ptrace(2)). */
static int check_exposed(
	const struct tools *tools, const struct oci_process *process, struct error *err)
{
	pid_t pid = tools->request->container->state.pid;
	auto_free char *status = NULL;
	uint64_t caps;

	if (!(tools->kinds & CLONE_NEWPID) || tools->joins_mounts)
		return 0;
	if (!(tools->kinds & CLONE_NEWUSER) && !namespaces_shared(pid, CLONE_NEWUSER))
		return 0; /* its capabilities are none outside its user namespace */
	status = procfs_read(pid, "status");
	if (!status)
		return fail(err, "cannot exec in a stopped container");
	caps = procfs_number(status, "CapBnd", 16) | procfs_number(status, "CapPrm", 16);
	if (caps & CAPABILITY(CAP_SYS_PTRACE))
		return fail(err,
			"in the pid namespace of a container that has CAP_SYS_PTRACE a "
			"tool would show it the tool's own files; leave pid out of --ns, "
			"or add mnt");
	if (process->user.uid != 0)
		return fail(err,
			"user %u: in the pid namespace a tool without root's capabilities "
			"would show the container the tool's own files; leave pid out of "
			"--ns, or add mnt",
			process->user.uid);
	return 0;
}

/* In the container there is no path to it, and nobody there may write to it. */
static int open_program(
	struct tools *tools, const struct oci_process *process, struct error *err)
{
	auto_free char *cwd = getcwd(NULL, 0);
	auto_free char *path = NULL;
	auto_strings env = { 0 };
	auto_fd fd = -1;
	auto_fd safe = -1;

	take_environment(&env);
	if (program_find(process->args.items[0], &env, cwd ? cwd : "/", &path, err) < 0)
		return fail_hint(err, "it is looked for on the host");
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return fail_errno(err, "opening %s", path);
	if (protect_file(fd, path, &safe, err) < 0)
		return -1;
	/* Such that it can be read, too, for the words about its ELF loader. */
	tools->program_fd = open(fd_path(safe).text, O_RDONLY | O_CLOEXEC);
	return tools->program_fd < 0 ? fail_errno(err, "opening %s", path) : 0;
}

int tools_check(struct tools *tools, const struct oci_process *process, struct error *err)
{
	if (check_exposed(tools, process, err) < 0)
		return -1;
	if (!tools->joins_mounts || !process->args.count)
		return 0;
	return open_program(tools, process, err);
}

/* ---- the new process ---------------------------------------------------------------- */

static int mount_proc(struct error *err)
{
	if (mnt_mount_path(
		    "proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		return fail_errno(err, "mounting a /proc of the container's processes");
	return 0;
}

/* /sys/class/net is the network namespace's of whoever mounted it. The cgroups are kept
 * where the kernel can move a mount. */
static int mount_sys(struct error *err)
{
	auto_fd cgroups =
		mnt_open_tree(AT_FDCWD, "/sys/fs/cgroup", OPEN_TREE_CLONE | AT_RECURSIVE);
	auto_fd place = -1;

	if (mnt_mount_path(
		    "sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		return fail_errno(err, "mounting a /sys of the container's network");
	if (cgroups < 0)
		return 0;
	place = open("/sys/fs/cgroup", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (place < 0 || mnt_move(cgroups, place) < 0)
		return fail_errno(err, "keeping /sys/fs/cgroup");
	return 0;
}

static int enter_host(const struct tools *tools, struct error *err)
{
	if (mnt_mount_path(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		return fail_errno(err, "detaching the tool's mounts from the host's");
	if (tools->kinds & CLONE_NEWPID && mount_proc(err) < 0)
		return -1;
	return tools->kinds & CLONE_NEWNET ? mount_sys(err) : 0;
}

int tools_enter(const struct tools *tools, struct error *err)
{
	if (tools->joins_mounts)
		return 0;
	if (unshare(CLONE_NEWNS) < 0)
		return fail_errno(err, "making a mount namespace for the tool");
	if (!tools->rootfs)
		return enter_host(tools, err);
	if (rootfs_enter(tools->rootfs, err) < 0)
		return -1;
	return rootfs_pivot(tools->rootfs, err);
}
