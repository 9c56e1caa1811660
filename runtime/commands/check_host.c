/* What this machine and this user have to say to a config.json: each rule is a function
 * that reports what it finds. */
#include "runtime/commands/check_host.h"

#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "runtime/namespaces/namespaces.h"
#include "runtime/namespaces/net_devices.h"
#include "runtime/process/caps.h"
#include "runtime/process/labels.h"
#include "runtime/process/number_list.h"
#include "runtime/resctrl.h"
#include "runtime/rootfs/rootfs.h"
#include "runtime/seccomp/compile.h"
#include "runtime/seccomp/seccomp.h"
#include "spec/config.h"
#include "spec/names.h"

void check_report(
	const struct check_host_request *request, bool warning, const char *format, ...)
{
	auto_str line = { 0 };
	va_list arguments;

	va_start(arguments, format);
	str_vappendf(&line, format, arguments);
	va_end(arguments);
	request->report(request->argument, warning, line.data);
}

#define problem(request, ...) check_report(request, false, __VA_ARGS__)
#define warning(request, ...) check_report(request, true, __VA_ARGS__)

/* ---- privilege and namespaces ------------------------------------------------------- */

static void check_user(const struct check_host_request *request)
{
	if (geteuid() != 0 && !config_namespace(request->config, CLONE_NEWUSER))
		problem(request,
			"/linux/namespaces: without root's privileges a container needs a namespace of type \"user\"; `spec --rootless` shows one");
}

static void check_namespaces(const struct check_host_request *request)
{
	auto_namespaces namespaces = { 0 };
	const struct oci_linux *linux = &request->config->linux;
	struct error err;

	if (access("/proc/self/ns", F_OK) < 0) {
		problem(request,
			"/linux/namespaces: nothing is known of them without /proc; "
			"is it mounted?");
		return;
	}
	for (size_t i = 0; i < linux->namespaces_count; i++) {
		const char *name = namespace_file(linux->namespaces[i].type);
		auto_free char *file = str_format("/proc/self/ns/%s", name);

		if (access(file, F_OK) < 0)
			problem(request,
				"/linux/namespaces/%zu: this kernel has no namespaces of type \"%s\"",
				i,
				word_of_number(
					namespace_words, linux->namespaces[i].type));
	}
	if (namespaces_plan(request->config, &namespaces, &err) < 0)
		problem(request, "%s", err.text);
}

static void check_net_devices(const struct check_host_request *request)
{
	struct net_devices devices = NET_DEVICES_NONE;
	struct error err;

	if (net_devices_plan(request->config, &devices, &err) < 0)
		problem(request, "%s", err.text);
	net_devices_free(&devices);
}

/* ---- the bundle and the file systems ------------------------------------------------ */

static void check_root(const struct check_host_request *request)
{
	const char *path = request->config->root->path;
	struct stat status;

	if (fstatat(request->bundle_fd, path, &status, 0) < 0)
		problem(request, "/root/path: %s: %s", path, strerror(errno));
	else if (!S_ISDIR(status.st_mode))
		problem(request, "/root/path: %s is no directory", path);
}

/* A line of /proc/filesystems ends with the name. */
static bool kernel_has_filesystem(const char *filesystems, const char *type)
{
	auto_free char *line = str_format("\t%s\n", type);

	return strstr(filesystems, line) != NULL;
}

static void check_mount(const struct check_host_request *request, const char *filesystems,
	const struct oci_mount *mount, size_t i)
{
	struct stat status;

	if (mount_is_bind(mount)) {
		if (fstatat(request->bundle_fd, mount->source, &status,
			    AT_SYMLINK_NOFOLLOW) < 0)
			problem(request, "/mounts/%zu/source: %s: %s", i, mount->source,
				strerror(errno));
		return;
	}
	/* A module may bring it when it is asked for. */
	if (mount->type && *mount->type && strcmp(mount->type, "cgroup") != 0 &&
		!kernel_has_filesystem(filesystems, mount->type))
		warning(request,
			"/mounts/%zu/type: this kernel has no file system \"%s\", unless a module brings it",
			i, mount->type);
}

static void check_mounts(const struct check_host_request *request)
{
	const struct oci_config *config = request->config;
	struct rootfs_request plan = { .config = config, .bundle = request->bundle };
	auto_rootfs rootfs = NULL;
	auto_free char *filesystems = NULL;
	struct error err;

	if (rootfs_plan(&plan, &rootfs, &err) < 0)
		problem(request, "%s", err.text);
	if (file_read_at(AT_FDCWD, "/proc/filesystems", 1 << 16, &filesystems, NULL,
		    &err) < 0) {
		warning(request, "%s", err.text);
		return;
	}
	for (size_t i = 0; i < config->mounts_count; i++)
		check_mount(request, filesystems, &config->mounts[i], i);
}

/* ---- the process -------------------------------------------------------------------- */

static void check_names(const struct check_host_request *request,
	const struct strings *names, const char *set, const struct strings *held)
{
	for (size_t i = 0; i < names->count; i++) {
		int number = capability_number(names->items[i]);

		if (number < 0 || number > caps_last())
			warning(request,
				"/process/capabilities/%s/%zu: %s has no capability %s; it is left out",
				set, i, number < 0 ? "Linux" : "this kernel",
				names->items[i]);
		else if (!strings_contain(held, word_of_number(capability_words, number)))
			warning(request,
				"/process/capabilities/%s/%zu: the runtime itself does not have %s; it is left out",
				set, i, names->items[i]);
	}
}

static void check_capabilities(const struct check_host_request *request)
{
	const struct oci_capabilities *sets = request->config->process->capabilities;

	auto_strings held = { 0 };

	if (!sets)
		return;
	caps_held(config_namespace(request->config, CLONE_NEWUSER), &held);
	check_names(request, &sets->bounding, "bounding", &held);
	check_names(request, &sets->effective, "effective", &held);
	check_names(request, &sets->inheritable, "inheritable", &held);
	check_names(request, &sets->permitted, "permitted", &held);
	check_names(request, &sets->ambient, "ambient", &held);
}

/* Raising a hard limit needs CAP_SYS_RESOURCE, which root may lack too: a trial shows it,
 * setting the limit that we have. */
static void check_rlimits(const struct check_host_request *request)
{
	const struct oci_process *process = request->config->process;

	for (size_t i = 0; i < process->rlimits_count; i++) {
		const struct oci_rlimit *wanted = &process->rlimits[i];
		int resource = (int)wanted->type;
		struct rlimit own;
		struct rlimit more;

		if (getrlimit((__rlimit_resource_t)resource, &own) < 0 ||
			wanted->hard <= own.rlim_max)
			continue;
		more = (struct rlimit){ own.rlim_cur, wanted->hard };
		if (setrlimit((__rlimit_resource_t)resource, &more) < 0)
			problem(request,
				"/process/rlimits/%zu/hard: above ours (%llu), which takes CAP_SYS_RESOURCE to raise",
				i, (unsigned long long)own.rlim_max);
		else
			(void)setrlimit(
				(__rlimit_resource_t)resource, &own); /* ours again */
	}
}

static void check_hooks(const struct check_host_request *request)
{
	for (enum hook_kind kind = 0; kind < HOOK_KINDS; kind++) {
		struct hook_list list = hooks_of_kind(&request->config->hooks, kind);

		/* This one is a path in the container. */
		if (kind == HOOK_START_CONTAINER)
			continue;
		for (size_t i = 0; i < list.count; i++) {
			if (access(list.items[i].path, X_OK) < 0)
				problem(request, "/hooks/%s/%zu/path: %s: %s",
					hook_kind_name(kind), i, list.items[i].path,
					strerror(errno));
		}
	}
}

static void check_seccomp(const struct check_host_request *request)
{
	const struct oci_seccomp *profile = request->config->linux.seccomp;
	struct stat status;
	struct error err;

	if (!profile)
		return;
	if (seccomp_try(profile, &err) < 0) {
		problem(request, "%s", err.text);
		return;
	}
	/* It is not connected to: it would wait for a container. */
	if (seccomp_notifies(profile) &&
		(stat(profile->listener_path, &status) < 0 || !S_ISSOCK(status.st_mode)))
		problem(request, "/linux/seccomp/listenerPath: %s is no socket",
			profile->listener_path);
}

/* ---- limits ------------------------------------------------------------------------- */

/* A list such as "0-3", of CPUs or of memory nodes. */
struct places {
	const char *text;
	const char *field;
	const char *file; /* where the kernel lists those that it has */
	bool some;        /* one of them is enough for it */
};

static bool has_places(
	const struct number_list *wanted, const struct number_list *present, bool some)
{
	bool any = false, all = true;

	for (size_t i = 0; i < ARRAY_SIZE(wanted->bits); i++) {
		any = any || wanted->bits[i] & present->bits[i];
		all = all && !(wanted->bits[i] & ~present->bits[i]);
	}
	return some ? any : all;
}

static void check_list(
	const struct check_host_request *request, const struct places *places)
{
	auto_free char *text = NULL;
	struct number_list wanted, present;
	struct error err;

	/* Without the file (no NUMA) there is nothing to compare with. */
	if (!places->text || !*places->text ||
		file_read_at(AT_FDCWD, places->file, 4096, &text, NULL, &err) < 0)
		return;
	text[strcspn(text, "\n")] = '\0';
	if (number_list_parse(text, places->file, &present, &err) < 0)
		return;
	if (number_list_parse(places->text, places->field, &wanted, &err) < 0)
		problem(request, "%s", err.text);
	else if (!has_places(&wanted, &present, places->some))
		problem(request, "%s: \"%s\": this machine has only %s", places->field,
			places->text, text);
}

static void check_places(const struct check_host_request *request)
{
	const struct oci_linux *linux = &request->config->linux;
	const struct oci_memory_policy *policy = linux->memory_policy;
	const struct places all[] = {
		{ linux->resources.cpu.cpus, "/linux/resources/cpu/cpus",
			"/sys/devices/system/cpu/possible", false },
		{ linux->resources.cpu.mems, "/linux/resources/cpu/mems",
			"/sys/devices/system/node/online", false },
		{ policy ? policy->nodes : NULL, "/linux/memoryPolicy/nodes",
			"/sys/devices/system/node/online", true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		check_list(request, &all[i]);
}

static void check_resctrl(const struct check_host_request *request)
{
	struct resctrl resctrl = { 0 };
	struct error err;

	if (resctrl_plan(request->config, "check", &resctrl, &err) < 0)
		problem(request, "%s", err.text);
	json_free(&resctrl_type, &resctrl);
}

static void check_cgroups(const struct check_host_request *request)
{
	struct cgroup_request wanted = {
		.id = "check",
		.driver = request->driver,
		.rootless = request->rootless,
	};
	auto_cgroup_plan plan = NULL;
	struct error err;

	if (cgroup_plan(request->config, &wanted, &plan, &err) < 0)
		problem(request, "%s", err.text);
}

void check_host(const struct check_host_request *request)
{
	struct error err;

	check_user(request);
	check_root(request);
	check_namespaces(request);
	check_net_devices(request);
	check_mounts(request);
	check_capabilities(request);
	check_rlimits(request);
	if (labels_check(request->config->process, &err) < 0)
		problem(request, "%s", err.text);
	check_hooks(request);
	check_programs(request);
	check_seccomp(request);
	check_cgroups(request);
	check_places(request);
	check_resctrl(request);
}
