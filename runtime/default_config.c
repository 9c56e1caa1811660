/* The config.json that `spec` writes: a shell on a terminal, in a read-only root file
 * system, with few capabilities. What it isolates and mounts is what runc's has. */
#include "runtime/default_config.h"

#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/process.h"

static const char *const capabilities[] = {
	"CAP_AUDIT_WRITE",
	"CAP_KILL",
	"CAP_NET_BIND_SERVICE",
};

static const char *const masked_paths[] = {
	"/proc/acpi",
	"/proc/asound",
	"/proc/kcore",
	"/proc/keys",
	"/proc/latency_stats",
	"/proc/timer_list",
	"/proc/timer_stats",
	"/proc/sched_debug",
	"/sys/firmware",
	"/proc/scsi",
};

static const char *const readonly_paths[] = {
	"/proc/bus",
	"/proc/fs",
	"/proc/irq",
	"/proc/sys",
	"/proc/sysrq-trigger",
};

struct default_mount {
	const char *destination;
	const char *type;
	const char *source;
	const char *options; /* separated by commas */
};

/* clang-format off */
static const struct default_mount mounts[] = {
	{ "/proc", "proc", "proc", NULL },
	{ "/dev", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k" },
	{ "/dev/pts", "devpts", "devpts",
		"nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5" },
	{ "/dev/shm", "tmpfs", "shm", "nosuid,noexec,nodev,mode=1777,size=65536k" },
	{ "/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev" },
	{ "/sys", "sysfs", "sysfs", "nosuid,noexec,nodev,ro" },
	{ "/sys/fs/cgroup", "cgroup", "cgroup", "nosuid,noexec,nodev,relatime,ro" },
};

/* Only one id is mapped, so that there is no group 5; and a sysfs may be mounted only by
 * who owns the network namespace, which is the host's. */
static const struct default_mount rootless_mounts[] = {
	{ "/proc", "proc", "proc", NULL },
	{ "/dev", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k" },
	{ "/dev/pts", "devpts", "devpts", "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620" },
	{ "/dev/shm", "tmpfs", "shm", "nosuid,noexec,nodev,mode=1777,size=65536k" },
	{ "/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev" },
	{ "/sys", "none", "/sys", "rbind,nosuid,noexec,nodev,ro" },
	{ "/sys/fs/cgroup", "cgroup", "cgroup", "nosuid,noexec,nodev,relatime,ro" },
};
/* clang-format on */

static void add_all(struct strings *list, const char *const *items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		strings_add(list, items[i]);
}

static struct oci_process *default_process(void)
{
	struct oci_process *process = str_alloc(sizeof(*process));
	struct oci_capabilities *sets = str_alloc(sizeof(*sets));

	process->terminal = true;
	strings_add(&process->args, "sh");
	strings_add(&process->env, "PATH=" PROCESS_PATH_DEFAULT);
	strings_add(&process->env, "TERM=xterm");
	process->cwd = str_dup("/");
	add_all(&sets->bounding, capabilities, ARRAY_SIZE(capabilities));
	add_all(&sets->effective, capabilities, ARRAY_SIZE(capabilities));
	add_all(&sets->permitted, capabilities, ARRAY_SIZE(capabilities));
	process->capabilities = sets;
	process->rlimits = str_alloc(sizeof(*process->rlimits));
	process->rlimits_count = 1;
	process->rlimits[0] = (struct oci_rlimit){ RLIMIT_NOFILE, 1024, 1024 };
	process->no_new_privileges = true;
	return process;
}

static void add_mounts(
	struct oci_config *config, const struct default_mount *items, size_t count)
{
	config->mounts = str_alloc(count * sizeof(*config->mounts));
	config->mounts_count = count;
	for (size_t i = 0; i < count; i++) {
		struct oci_mount *mount = &config->mounts[i];

		mount->destination = str_dup(items[i].destination);
		mount->type = str_dup(items[i].type);
		mount->source = str_dup(items[i].source);
		if (items[i].options)
			strings_split(&mount->options, items[i].options, ',');
	}
}

static void add_namespace(struct oci_linux *linux, int64_t type)
{
	linux->namespaces = str_realloc(linux->namespaces, linux->namespaces_count + 1,
		sizeof(*linux->namespaces));
	linux->namespaces[linux->namespaces_count++] =
		(struct oci_namespace){ .type = type };
}

static void map_own_id(struct oci_id_mapping **mappings, size_t *count, uint32_t own)
{
	*mappings = str_alloc(sizeof(**mappings));
	**mappings = (struct oci_id_mapping){ .host_id = own, .size = 1 };
	*count = 1;
}

/* For root: limits. For others: what replaces root's privilege. */
static void add_privilege(struct oci_linux *linux, bool rootless)
{
	if (rootless) {
		add_namespace(linux, CLONE_NEWUSER);
		map_own_id(&linux->uid_mappings, &linux->uid_mappings_count, geteuid());
		map_own_id(&linux->gid_mappings, &linux->gid_mappings_count, getegid());
		return;
	}
	linux->resources.devices = str_alloc(sizeof(*linux->resources.devices));
	linux->resources.devices[0].access = str_dup("rwm");
	linux->resources.devices_count = 1;
}

void default_config(const struct default_config_options *options, struct oci_config *ret)
{
	struct oci_linux *linux = &ret->linux;

	ret->oci_version = str_dup(OCI_VERSION);
	ret->process = default_process();
	ret->root = str_alloc(sizeof(*ret->root));
	*ret->root = (struct oci_root){ .path = str_dup("rootfs"), .readonly = true };
	ret->hostname = str_dup("mocker");
	if (options->rootless)
		add_mounts(ret, rootless_mounts, ARRAY_SIZE(rootless_mounts));
	else
		add_mounts(ret, mounts, ARRAY_SIZE(mounts));
	add_namespace(linux, CLONE_NEWPID);
	if (!options->rootless)
		add_namespace(linux, CLONE_NEWNET);
	add_namespace(linux, CLONE_NEWIPC);
	add_namespace(linux, CLONE_NEWUTS);
	add_namespace(linux, CLONE_NEWNS);
	if (options->cgroup_namespace)
		add_namespace(linux, CLONE_NEWCGROUP);
	add_privilege(linux, options->rootless);
	add_all(&linux->masked_paths, masked_paths, ARRAY_SIZE(masked_paths));
	add_all(&linux->readonly_paths, readonly_paths, ARRAY_SIZE(readonly_paths));
}
