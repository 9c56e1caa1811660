/*
 * What a container may see and do beyond its capabilities: the filter of system calls,
 * masked and read-only paths, the profile of AppArmor. The default profile, changed by
 * --security-opt and lifted by --privileged.
 */
#include <string.h>

#include "base/cleanup.h"
#include "builder/bundle/config.h"
#include "builder/bundle/profile.h"
#include "builder/bundle/seccomp_file.h"

#define UNCONFINED "unconfined"

/* What the options say; borrowed from them. */
struct wishes {
	const char *seccomp; /* a file, "unconfined"; NULL: the default */
	const char *apparmor;
	bool no_new_privileges;
	struct strings mask;
	struct strings unmask; /* "ALL" or paths */
};

#define auto_wishes __attribute__((cleanup(wishes_free))) struct wishes

static void wishes_free(struct wishes *wishes)
{
	strings_free(&wishes->mask);
	strings_free(&wishes->unmask);
}

static int wish_seccomp(
	const char *option, const char *value, struct wishes *wishes, struct error *err)
{
	wishes->seccomp = value;
	return 0;
}

static int wish_apparmor(
	const char *option, const char *value, struct wishes *wishes, struct error *err)
{
	wishes->apparmor = value;
	return 0;
}

static int wish_no_new_privileges(
	const char *option, const char *value, struct wishes *wishes, struct error *err)
{
	if (*value && strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
		return fail(
			err, "%s: expected true or false, found \"%s\"", option, value);
	wishes->no_new_privileges = strcmp(value, "false") != 0;
	return 0;
}

static int add_paths(
	const char *option, const char *value, struct strings *list, struct error *err)
{
	size_t first = list->count;

	strings_split(list, value, ':');
	for (size_t i = first; i < list->count; i++) {
		if (*list->items[i] != '/')
			return fail(
				err, "%s: expected absolute paths between \":\"", option);
	}
	return 0;
}

static int wish_mask(
	const char *option, const char *value, struct wishes *wishes, struct error *err)
{
	return add_paths(option, value, &wishes->mask, err);
}

static int wish_unmask(
	const char *option, const char *value, struct wishes *wishes, struct error *err)
{
	if (strcasecmp(value, "all") != 0)
		return add_paths(option, value, &wishes->unmask, err);
	strings_add(&wishes->unmask, "ALL");
	return 0;
}

static int wish_system_paths(
	const char *option, const char *value, struct wishes *wishes, struct error *err)
{
	if (strcmp(value, UNCONFINED) != 0)
		return fail(err, "%s: expected systempaths=unconfined", option);
	strings_add(&wishes->unmask, "ALL");
	return 0;
}

/* NAME=VALUE, or Docker's older NAME:VALUE. */
static int read_option(const char *text, struct wishes *wishes, struct error *err)
{
	static const struct {
		const char *name;
		bool needs_value;
		int (*wish)(const char *option, const char *value, struct wishes *wishes,
			struct error *err);
	} table[] = {
		{ "seccomp", true, wish_seccomp },
		{ "apparmor", true, wish_apparmor },
		{ "no-new-privileges", false, wish_no_new_privileges },
		{ "mask", true, wish_mask },
		{ "unmask", true, wish_unmask },
		{ "systempaths", true, wish_system_paths },
	};
	auto_free char *option = str_format("--security-opt %s", text);
	size_t length = strcspn(text, "=:");
	const char *value = text + length + (text[length] != '\0');

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (strlen(table[i].name) != length ||
			strncmp(text, table[i].name, length) != 0)
			continue;
		if (table[i].needs_value && !*value)
			return fail(err, "%s: %s needs a value", option, table[i].name);
		return table[i].wish(option, value, wishes, err);
	}
	return fail(err,
		"%s: it is not known; expected seccomp=FILE|unconfined, apparmor=PROFILE, "
		"no-new-privileges, mask=PATHS, unmask=ALL|PATHS or systempaths=unconfined",
		option);
}

static void remove_paths(struct strings *list, const struct strings *unwanted)
{
	struct strings kept = { 0 };

	strings_each (item, list) {
		if (!strings_contain(unwanted, "ALL") &&
			!strings_contain(unwanted, *item))
			strings_add(&kept, *item);
	}
	strings_free(list);
	*list = kept;
}

static int add_filter(
	const struct wishes *wishes, struct oci_config *config, struct error *err)
{
	const struct strings *capabilities = &config->process->capabilities->bounding;

	if (str_equal(wishes->seccomp, UNCONFINED))
		return 0;
	if (wishes->seccomp) {
		if (seccomp_file_read(wishes->seccomp, capabilities,
			    &config->linux.seccomp, err) < 0)
			return fail_while(err, "--security-opt seccomp");
		return 0;
	}
	config->linux.seccomp = profile_seccomp(capabilities);
	return 0;
}

int bundle_add_security(
	const struct bundle_input *input, struct oci_config *config, struct error *err)
{
	const struct bundle_request *request = input->request;
	auto_wishes wishes = { 0 };

	strings_each (item, &request->security) {
		if (read_option(*item, &wishes, err) < 0)
			return -1;
	}
	config->process->no_new_privileges |= wishes.no_new_privileges;
	config->process->apparmor_profile = str_dup(wishes.apparmor);
	if (!request->privileged) {
		profile_masked_paths(&config->linux.masked_paths);
		profile_readonly_paths(&config->linux.readonly_paths);
		remove_paths(&config->linux.masked_paths, &wishes.unmask);
		remove_paths(&config->linux.readonly_paths, &wishes.unmask);
	}
	strings_copy(&config->linux.masked_paths, &wishes.mask);
	if (request->privileged && !wishes.seccomp)
		return 0;
	return add_filter(&wishes, config, err);
}
