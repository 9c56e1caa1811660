/* features: what this runtime can do, for engines to ask before they rely on it. All of it
 * comes from the tables that the runtime itself works by. */
#include "runtime/commands/commands.h"
#include "runtime/criu/options.h"
#include "runtime/process/execute.h"
#include "runtime/seccomp/compile.h"
#include "runtime/seccomp/library.h"
#include "runtime/seccomp/seccomp.h"
#include "spec/features.h"
#include "spec/names.h"

#define YES(name)        .has_##name = true, .name = true
#define HAS(name, value) .has_##name = true, .name = (value)

static void add_words(struct strings *list, const struct word *words)
{
	for (; words->word; words++)
		strings_add(list, words->word);
}

/* Those that change what the runtime does. */
static void describe_annotations(struct strings *list)
{
	/* Properties of the systemd unit that the container becomes. */
	if (cgroup_has_systemd())
		strings_add(list, "org.systemd.property.");
	strings_add(list, CRIU_CONFIG_ANNOTATION);
	strings_add(list, EXECUTE_GROUPS_ANNOTATION);
}

static void describe_common(struct oci_features *features)
{
	features->oci_version_min = str_dup("1.0.0");
	features->oci_version_max = str_dup(OCI_VERSION);
	for (enum hook_kind kind = 0; kind < HOOK_KINDS; kind++)
		strings_add(&features->hooks, hook_kind_name(kind));
	for (const struct mount_option *option = mount_options; option->word; option++)
		strings_add(&features->mount_options, option->word);
	pairs_set(&features->annotations, "mocker.version", VERSION);
	/* The name by which engines ask. */
	pairs_set(&features->annotations, "org.opencontainers.runc.checkpoint.enabled",
		"true");
	describe_annotations(&features->potentially_unsafe_config_annotations);
}

/* By the name that runc gave it. */
static void describe_libseccomp(struct oci_features *features)
{
	auto_seccomp_library library = { 0 };
	const struct scmp_version *version;
	auto_free char *text = NULL;
	struct error missing;

	if (seccomp_library_open(&library, &missing) < 0)
		return;
	version = library.version();
	text = str_format("%u.%u.%u", version->major, version->minor, version->micro);
	pairs_set(&features->annotations, "io.github.seccomp.libseccomp.version", text);
}

static void describe_seccomp(struct oci_features_seccomp *seccomp)
{
	seccomp->has_enabled = true;
	seccomp->enabled = seccomp_architectures(&seccomp->archs);
	add_words(&seccomp->actions, seccomp_action_words);
	add_words(&seccomp->operators, seccomp_operator_words);
	add_words(&seccomp->known_flags, seccomp_flag_words);
	for (const struct word *flag = seccomp_flag_words; flag->word; flag++) {
		if (seccomp_kernel_has_flag((uint32_t)flag->number))
			strings_add(&seccomp->supported_flags, flag->word);
	}
}

static void describe_linux(struct oci_features_linux *linux)
{
	add_words(&linux->namespaces, namespace_words);
	add_words(&linux->capabilities, capability_words);
	linux->cgroup = (struct oci_features_cgroup){
		YES(v1),
		YES(v2),
		HAS(systemd, cgroup_has_systemd()),
		HAS(systemd_user, cgroup_has_systemd()),
		YES(rdma),
	};
	describe_seccomp(&linux->seccomp);
	linux->apparmor = (struct oci_feature){ YES(enabled) };
	linux->selinux = (struct oci_feature){ YES(enabled) };
	linux->intel_rdt = (struct oci_features_intel_rdt){
		YES(enabled),
		YES(schemata),
		YES(monitoring),
	};
	add_words(&linux->memory_policy.modes, memory_policy_words);
	add_words(&linux->memory_policy.flags, memory_policy_flag_words);
	linux->mount_extensions.idmap = (struct oci_feature){ YES(enabled) };
	linux->net_devices = (struct oci_feature){ HAS(enabled, true) };
}

static int features_command(const struct command_call *call, struct error *err)
{
	auto_oci_features features = { 0 };
	auto_str text = { 0 };

	describe_common(&features);
	describe_libseccomp(&features);
	describe_linux(&features.linux);
	json_write(&text, &oci_features_type, &features,
		(struct json_write_options){ .pretty = true });
	return call_print(&text, err);
}

const struct command command_features = {
	.name = "features",
	.summary = "print what this runtime can do, as JSON",
	.run = features_command,
};
