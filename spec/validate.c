/* The rules for the root of config.json, for mounts, hooks and annotations; and how a
 * problem is reported. */
#include "spec/validate.h"

#include <ctype.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "spec/validate_private.h"

/* ---- reporting --------------------------------------------------------------------- */

struct place at(const char *format, ...)
{
	struct place place;
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(place.text, sizeof(place.text), format, arguments);
	va_end(arguments);
	return place;
}

struct place at_key(const char *parent, const char *key)
{
	auto_str text = { 0 };

	str_appendf(&text, "%s/", parent);
	for (; *key && text.length < sizeof(struct place) - 8; key++) {
		if (*key == '~' || *key == '/')
			str_append(&text, *key == '~' ? "~0" : "~1");
		else
			str_append_char(&text, iscntrl((unsigned char)*key) ? '?' : *key);
	}
	return at("%s", text.data);
}

void problem(struct validation *validation, struct place place, const char *format, ...)
{
	const struct validate_options *options = validation->options;
	struct error found;
	auto_str text = { 0 };
	va_list arguments;

	va_start(arguments, format);
	str_vappendf(&text, format, arguments);
	va_end(arguments);
	/* By way of an error: one line, of a length that fits. */
	(void)fail_code(&found, EINVAL, "%s", text.data);
	if (options && options->problem)
		options->problem(options->argument, place.text, found.text);
	if (!validation->failed)
		(void)fail_code(validation->err, EINVAL, "%s: %s", place.text, text.data);
	validation->failed = true;
}

/* ---- shared rules ------------------------------------------------------------------ */

void validate_env(
	struct validation *validation, const struct strings *env, const char *pointer)
{
	for (size_t i = 0; i < env->count; i++) {
		if (!strchr(env->items[i], '=') || env->items[i][0] == '=')
			problem(validation, at("%s/%zu", pointer, i),
				"expected NAME=value, found \"%.60s\"", env->items[i]);
	}
}

static bool ranges_meet(uint32_t a, uint32_t a_size, uint32_t b, uint32_t b_size)
{
	return (uint64_t)a + a_size > b && (uint64_t)b + b_size > a;
}

static void validate_mapping(struct validation *validation,
	const struct oci_id_mapping *mappings, size_t i, const char *pointer)
{
	const struct oci_id_mapping *new = &mappings[i];
	struct place place = at("%s/%zu", pointer, i);

	if (!new->size)
		problem(validation, place, "a size of 0 maps nothing");
	if ((uint64_t) new->container_id + new->size > UINT32_MAX ||
		(uint64_t) new->host_id + new->size > UINT32_MAX)
		problem(validation, place, "the range ends above 4294967294");
	for (size_t k = 0; k < i; k++) {
		const struct oci_id_mapping *old = &mappings[k];

		if (ranges_meet(
			    new->container_id, new->size, old->container_id, old->size) ||
			ranges_meet(new->host_id, new->size, old->host_id, old->size))
			problem(validation, place, "the range overlaps that of entry %zu",
				k);
	}
}

void validate_id_mappings(struct validation *validation,
	const struct oci_id_mapping *mappings, size_t count, const char *pointer)
{
	if (count > ID_MAPPINGS_MAX) {
		problem(validation, at("%s", pointer),
			"%zu entries; the kernel takes at most %d", count,
			ID_MAPPINGS_MAX);
		return;
	}
	for (size_t i = 0; i < count; i++)
		validate_mapping(validation, mappings, i, pointer);
}

void validate_number_list(
	struct validation *validation, const char *list, struct place place)
{
	const char *c = list;

	while (*c) {
		unsigned long first;
		unsigned long last;
		char *end;

		if (!isdigit((unsigned char)*c))
			break;
		last = first = strtoul(c, &end, 10);
		if (*end == '-' && isdigit((unsigned char)end[1]))
			last = strtoul(end + 1, &end, 10);
		if (last < first || last > UINT16_MAX)
			break;
		c = *end == ',' && end[1] ? end + 1 : end;
		if (c == end && *c)
			break;
	}
	if (*c || !*list)
		problem(validation, place,
			"expected a list of numbers such as \"0-3,7\", found \"%.60s\"",
			list);
}

/* ---- the root ---------------------------------------------------------------------- */

/* A run of digits without leading zeros, as semantic versions have it. */
static const char *skip_number(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits && (digits == 1 || *text != '0') ? text + digits : NULL;
}

static bool is_semantic_version(const char *text)
{
	for (int i = 0; i < 3; i++) {
		text = skip_number(text);
		if (!text || (i < 2 && *text++ != '.'))
			return false;
	}
	return !*text || ((*text == '-' || *text == '+') && text[1]);
}

static void check_version(struct validation *validation, const char *version)
{
	if (!is_semantic_version(version))
		problem(validation, at("/ociVersion"),
			"expected a semantic version such as " OCI_VERSION
			", found \"%.40s\"",
			version);
	else if (!str_after(version, "1."))
		problem(validation, at("/ociVersion"),
			"version %.40s of the specification is not supported, only 1.x",
			version);
}

static void check_root(struct validation *validation, const struct oci_config *config)
{
	if (!config->root)
		problem(validation, at("/root"), "the required member is missing");
	else if (!*config->root->path)
		problem(validation, at("/root/path"), "expected a path, found \"\"");
	if (!config->process)
		problem(validation, at("/process"),
			"the required member is missing; there is nothing to start");
}

static void check_uts_name(struct validation *validation, const struct oci_config *config,
	const char *name, const char *pointer)
{
	if (!name || !*name)
		return;
	if (!config_namespace(config, CLONE_NEWUTS))
		problem(validation, at("%s", pointer),
			"it would be the host's too; add a namespace of type \"uts\"");
	if (strlen(name) > 64)
		problem(validation, at("%s", pointer), "longer than 64 bytes");
}

static void check_annotations(
	struct validation *validation, const struct pairs *annotations)
{
	for (size_t i = 0; i < annotations->count; i++) {
		if (!*annotations->items[i].key)
			problem(validation, at("/annotations/"),
				"an annotation must have a name");
	}
}

/* ---- mounts ------------------------------------------------------------------------ */

static void check_mount_idmap(struct validation *validation,
	const struct oci_config *config, const struct oci_mount *mount,
	struct place place)
{
	bool asked =
		mount_has_option(mount, "idmap") || mount_has_option(mount, "ridmap");

	validate_id_mappings(validation, mount->uid_mappings, mount->uid_mappings_count,
		at("%.160s/uidMappings", place.text).text);
	validate_id_mappings(validation, mount->gid_mappings, mount->gid_mappings_count,
		at("%.160s/gidMappings", place.text).text);
	if (!mount->uid_mappings_count != !mount->gid_mappings_count)
		problem(validation, place, "uidMappings and gidMappings need each other");
	if (asked && !mount->uid_mappings_count &&
		!config_namespace(config, CLONE_NEWUSER))
		problem(validation, place,
			"idmap needs uidMappings and gidMappings, here or of a user namespace");
}

static void check_mount(
	struct validation *validation, const struct oci_config *config, size_t i)
{
	const struct oci_mount *mount = &config->mounts[i];
	struct place place = at("/mounts/%zu", i);
	bool bind = mount_is_bind(mount);
	bool has_source = mount->source && *mount->source;
	bool has_type = mount->type && *mount->type;

	if (!*mount->destination)
		problem(validation, at("/mounts/%zu/destination", i),
			"expected a path, found \"\"");
	if (bind && !has_source)
		problem(validation, place, "a bind mount needs a source");
	if (!bind && !has_type && !mount_has_option(mount, "remount"))
		problem(validation, place,
			"expected a type, or one of the options bind and rbind");
	check_mount_idmap(validation, config, mount, place);
}

static void check_mounts(struct validation *validation, const struct oci_config *config)
{
	for (size_t i = 0; i < config->mounts_count; i++)
		check_mount(validation, config, i);
	if (config->mounts_count && !config_namespace(config, CLONE_NEWNS))
		problem(validation, at("/mounts"),
			"they would be the host's too; add a namespace of type \"mount\"");
}

/* ---- hooks ------------------------------------------------------------------------- */

static void check_hook(
	struct validation *validation, const struct oci_hook *hook, struct place place)
{
	if (*hook->path != '/')
		problem(validation, at("%.180s/path", place.text),
			"expected an absolute path, found \"%.60s\"", hook->path);
	if (hook->has_timeout && !hook->timeout)
		problem(validation, at("%.180s/timeout", place.text),
			"expected at least 1 second, found 0");
	validate_env(validation, &hook->env, at("%.180s/env", place.text).text);
}

static void check_hooks(struct validation *validation, const struct oci_hooks *hooks)
{
	for (enum hook_kind kind = 0; kind < HOOK_KINDS; kind++) {
		struct hook_list list = hooks_of_kind(hooks, kind);

		for (size_t i = 0; i < list.count; i++)
			check_hook(validation, &list.items[i],
				at("/hooks/%s/%zu", hook_kind_name(kind), i));
	}
}

/* ------------------------------------------------------------------------------------ */

int config_validate(const struct oci_config *config,
	const struct validate_options *options, struct error *err)
{
	struct validation validation = { .options = options, .err = err };

	validate_namespaces(&validation, &config->linux);
	if (config->linux.namespaces_count > NAMESPACE_KINDS)
		return -1; /* doubles; other rules look through the list each time */
	check_version(&validation, config->oci_version);
	check_root(&validation, config);
	if (config->process)
		validate_process(&validation, config->process, "/process");
	check_uts_name(&validation, config, config->hostname, "/hostname");
	check_uts_name(&validation, config, config->domainname, "/domainname");
	check_mounts(&validation, config);
	check_hooks(&validation, &config->hooks);
	check_annotations(&validation, &config->annotations);
	validate_linux(&validation, config);
	return validation.failed ? -1 : 0;
}

int process_validate(const struct oci_process *process,
	const struct validate_options *options, struct error *err)
{
	struct validation validation = { .options = options, .err = err };

	validate_process(&validation, process, "");
	return validation.failed ? -1 : 0;
}

int resources_validate(const struct oci_resources *resources,
	const struct validate_options *options, struct error *err)
{
	struct validation validation = { .options = options, .err = err };

	validate_resources(&validation, resources, "");
	return validation.failed ? -1 : 0;
}
