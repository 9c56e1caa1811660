/* The tables of a profile, and from it the filter for one machine and one container. */
#include "builder/bundle/seccomp_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "spec/names.h"
#include "spec/platform.h"

/* Where a rule holds; what is empty says nothing. */
struct condition {
	struct strings caps;
	struct strings arches; /* Go's names */
	char *min_kernel;      /* "4.8" */
};

struct rule {
	struct oci_syscall syscall; /* its names may be the old single one */
	char *name;
	struct condition includes;
	struct condition excludes;
};

struct arch_map {
	int64_t architecture;
	struct json_words sub_architectures;
};

struct profile {
	struct oci_seccomp seccomp; /* without its rules */
	struct arch_map *arch_map;
	size_t arch_map_count;
	struct rule *rules;
	size_t rules_count;
};

static const struct json_field condition_fields[] = {
	JSON_STRINGS(struct condition, caps, "caps"),
	JSON_STRINGS(struct condition, arches, "arches"),
	JSON_STRING(struct condition, min_kernel, "minKernel"),
	JSON_END,
};
static const struct json_type condition_type =
	JSON_TYPE(struct condition, condition_fields);

static const struct json_field argument_fields[] = {
	JSON_U32(struct oci_syscall_argument, index, "index", .required = true),
	JSON_U64(struct oci_syscall_argument, value, "value", .required = true),
	JSON_U64(struct oci_syscall_argument, value_two, "valueTwo"),
	JSON_WORD(struct oci_syscall_argument, op, "op", seccomp_operator_words,
		.required = true),
	JSON_END,
};
static const struct json_type argument_type =
	JSON_TYPE(struct oci_syscall_argument, argument_fields);

static const struct json_field rule_fields[] = {
	JSON_STRINGS(struct rule, syscall.names, "names"),
	JSON_STRING(struct rule, name, "name"),
	JSON_WORD(struct rule, syscall.action, "action", seccomp_action_words,
		.required = true),
	{ .name = "errnoRet",
		.kind = JSON_KIND_U32,
		.offset = JSON_OFFSET(struct rule, syscall.errno_ret, uint32_t),
		.optional = true,
		.has = JSON_OFFSET(struct rule, syscall.has_errno_ret, bool) },
	JSON_ARRAY(struct rule, syscall.args, "args", &argument_type),
	JSON_STRUCT(struct rule, includes, "includes", &condition_type),
	JSON_STRUCT(struct rule, excludes, "excludes", &condition_type),
	JSON_END,
};
static const struct json_type rule_type = JSON_TYPE(struct rule, rule_fields);

static const struct json_field arch_map_fields[] = {
	JSON_WORD(struct arch_map, architecture, "architecture", seccomp_arch_words,
		.required = true),
	JSON_WORDS(struct arch_map, sub_architectures, "subArchitectures",
		seccomp_arch_words),
	JSON_END,
};
static const struct json_type arch_map_type = JSON_TYPE(struct arch_map, arch_map_fields);

static const struct json_field profile_fields[] = {
	JSON_WORD(struct profile, seccomp.default_action, "defaultAction",
		seccomp_action_words, .required = true),
	{ .name = "defaultErrnoRet",
		.kind = JSON_KIND_U32,
		.offset =
			JSON_OFFSET(struct profile, seccomp.default_errno_ret, uint32_t),
		.optional = true,
		.has = JSON_OFFSET(struct profile, seccomp.has_default_errno_ret, bool) },
	JSON_WORDS(struct profile, seccomp.architectures, "architectures",
		seccomp_arch_words),
	JSON_WORDS(struct profile, seccomp.flags, "flags", seccomp_flag_words),
	JSON_STRING(struct profile, seccomp.listener_path, "listenerPath"),
	JSON_STRING(struct profile, seccomp.listener_metadata, "listenerMetadata"),
	JSON_ARRAY(struct profile, arch_map, "archMap", &arch_map_type),
	JSON_ARRAY(struct profile, rules, "syscalls", &rule_type),
	JSON_END,
};
static const struct json_type profile_type = JSON_TYPE(struct profile, profile_fields);

static void profile_free(struct profile *profile)
{
	json_free(&profile_type, profile);
}

/* ---- conditions ---------------------------------------------------------------------- */

/* "4.8" or newer; what cannot be read is taken as older than any kernel. */
static bool is_kernel(const char *wanted)
{
	unsigned int major = 0, minor = 0, our_major = 0, our_minor = 0;
	struct utsname host;

	if (uname(&host) < 0 || sscanf(host.release, "%u.%u", &our_major, &our_minor) < 2)
		return true;
	(void)sscanf(wanted, "%u.%u", &major, &minor);
	return our_major != major ? our_major > major : our_minor >= minor;
}

static bool all_there(const struct strings *wanted, const struct strings *capabilities)
{
	strings_each (item, wanted) {
		if (!strings_contain(capabilities, *item))
			return false;
	}
	return true;
}

static bool any_there(const struct strings *unwanted, const struct strings *capabilities)
{
	strings_each (item, unwanted) {
		if (strings_contain(capabilities, *item))
			return true;
	}
	return false;
}

static bool holds(const struct rule *rule, const struct strings *capabilities)
{
	const struct condition *in = &rule->includes;
	const struct condition *out = &rule->excludes;
	const char *here = platform_architecture();

	if (in->arches.count > 0 && !strings_contain(&in->arches, here))
		return false;
	if (in->min_kernel && !is_kernel(in->min_kernel))
		return false;
	if (strings_contain(&out->arches, here) ||
		(out->min_kernel && is_kernel(out->min_kernel)))
		return false;
	return all_there(&in->caps, capabilities) && !any_there(&out->caps, capabilities);
}

/* ---- the filter ---------------------------------------------------------------------- */

static void append_word(struct json_words *list, int64_t number)
{
	list->items = str_realloc(list->items, list->count + 1, sizeof(*list->items));
	list->items[list->count++] = number;
}

/* The word of libseccomp for the machine that the image's word is of. */
static const char *native_arch(void)
{
	static const char *const names[][2] = {
		{ "amd64", "SCMP_ARCH_X86_64" },
		{ "386", "SCMP_ARCH_X86" },
		{ "arm64", "SCMP_ARCH_AARCH64" },
		{ "arm", "SCMP_ARCH_ARM" },
		{ "ppc64le", "SCMP_ARCH_PPC64LE" },
		{ "riscv64", "SCMP_ARCH_RISCV64" },
		{ "s390x", "SCMP_ARCH_S390X" },
		{ "loong64", "SCMP_ARCH_LOONGARCH64" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (str_equal(names[i][0], platform_architecture()))
			return names[i][1];
	}
	return NULL;
}

static void take_architectures(struct profile *profile, struct oci_seccomp *seccomp)
{
	const char *word = native_arch();
	int64_t native;

	if (!word || !word_to_number(seccomp_arch_words, word, &native))
		return;
	for (size_t i = 0; i < profile->arch_map_count; i++) {
		const struct arch_map *map = &profile->arch_map[i];

		if (map->architecture != native)
			continue;
		append_word(&seccomp->architectures, native);
		for (size_t j = 0; j < map->sub_architectures.count; j++)
			append_word(
				&seccomp->architectures, map->sub_architectures.items[j]);
	}
}

static void take_rules(struct profile *profile, const struct strings *capabilities,
	struct oci_seccomp *seccomp)
{
	seccomp->syscalls =
		str_alloc((profile->rules_count + 1) * sizeof(*seccomp->syscalls));
	for (size_t i = 0; i < profile->rules_count; i++) {
		struct rule *rule = &profile->rules[i];

		if (!holds(rule, capabilities))
			continue;
		if (rule->name)
			strings_add(&rule->syscall.names, rule->name);
		seccomp->syscalls[seccomp->syscalls_count++] = rule->syscall;
		rule->syscall = (struct oci_syscall){ 0 };
	}
}

int seccomp_file_read(const char *path, const struct strings *capabilities,
	struct oci_seccomp **ret, struct error *err)
{
	__attribute__((cleanup(profile_free))) struct profile profile = { 0 };
	struct json_options options = { .name = path };
	struct oci_seccomp *seccomp;

	if (json_read_file(&profile_type, &profile, AT_FDCWD, path, &options, err) < 0)
		return -1;
	if (profile.seccomp.architectures.count > 0 && profile.arch_map_count > 0)
		return fail(
			err, "%s: architectures and archMap exclude each other", path);
	seccomp = str_alloc(sizeof(*seccomp));
	*seccomp = profile.seccomp;
	profile.seccomp = (struct oci_seccomp){ 0 };
	take_architectures(&profile, seccomp);
	take_rules(&profile, capabilities, seccomp);
	*ret = seccomp;
	return 0;
}
