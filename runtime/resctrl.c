/*
 * linux.intelRdt by the resctrl file system: a directory below its mount point is a class
 * of service, its file "schemata" the limits, "tasks" the members; mon_groups/NAME in it
 * measures a part of them. Rules: config-linux.md, IntelRdt.
 */
#include "runtime/resctrl.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "spec/config.h"

#define PLACE    "/sys/fs/resctrl"
#define FILE_MAX (1u << 20)

/* clang-format off */
static const struct json_field fields[] = {
	JSON_STRING(struct resctrl, path, "path"),
	JSON_STRING(struct resctrl, monitor, "monitor"),
	JSON_BOOL(struct resctrl, made, "made"),
	JSON_END,
};
const struct json_type resctrl_type = JSON_TYPE(struct resctrl, fields);
/* clang-format on */

static bool is_mounted(void)
{
	struct statfs fs;

	return statfs(PLACE, &fs) == 0 && fs.f_type == RDTGROUP_SUPER_MAGIC;
}

/* The lines to write, in order. An "MB:" line belongs to memBwSchema alone, and schemata
 * goes last, so that it decides. */
static void lines_of(const struct oci_intel_rdt *asked, struct strings *ret)
{
	auto_strings cache = { 0 };

	if (asked->l3_cache_schema)
		strings_split(&cache, asked->l3_cache_schema, '\n');
	strings_each (line, &cache) {
		if (**line && (!asked->mem_bw_schema || !str_after(*line, "MB:")))
			strings_add(ret, *line);
	}
	if (asked->mem_bw_schema && *asked->mem_bw_schema)
		strings_add(ret, asked->mem_bw_schema);
	strings_copy(ret, &asked->schemata);
}

/* "L3:0=7f0;1=1f", with the kernel's blanks and leading zeros taken off. */
static char *normal(const char *line)
{
	struct str text = { 0 };

	for (; *line; line++) {
		bool leading = !text.length || strchr(":=", text.data[text.length - 1]);

		if (*line == ' ' ||
			(*line == '0' && leading &&
				strchr("0123456789abcdefABCDEF", line[1]) && line[1]))
			continue;
		str_append_char(&text, *line);
	}
	return str_take(&text);
}

static int compare(const char *path, const struct strings *lines, struct error *err)
{
	auto_free char *file = path_join(path, "schemata");
	auto_free char *text = NULL;
	auto_strings present = { 0 };
	auto_strings have = { 0 };

	if (file_read_at(AT_FDCWD, file, FILE_MAX, &text, NULL, err) < 0)
		return -1;
	strings_split(&present, text, '\n');
	strings_each (line, &present) {
		strings_add_take(&have, normal(*line));
	}
	strings_each (line, lines) {
		auto_free char *wanted = normal(*line);

		if (!strings_contain(&have, wanted))
			return fail(err,
				"/linux/intelRdt: the class %s exists, and its schemata have "
				"no line \"%s\"",
				path, *line);
	}
	return 0;
}

/* One write with all lines, then the reason of a refusal, which the kernel keeps. */
static int write_schemata(
	const char *path, const struct strings *lines, struct error *err)
{
	auto_free char *file = path_join(path, "schemata");
	auto_free char *joined = strings_join(lines, "\n");
	auto_free char *text = str_format("%s\n", joined);
	auto_free char *reason = NULL;
	struct error ignored;

	if (file_write_at(AT_FDCWD, file, text, err) == 0)
		return 0;
	(void)fail_while(err, "/linux/intelRdt");
	if (file_read_at(AT_FDCWD, PLACE "/info/last_cmd_status", 4096, &reason, NULL,
		    &ignored) == 0)
		return fail_hint(err, "%.*s", (int)strcspn(reason, "\n"), reason);
	return -1;
}

/* ---- plan --------------------------------------------------------------------------- */

/* Up to 1.2 of the specification, cache and bandwidth were monitored apart; to resctrl
 * they are one. */
static bool monitors(const struct oci_intel_rdt *asked)
{
	return asked->enable_monitoring || asked->enable_cmt || asked->enable_mbm;
}

static int plan_class(const struct oci_intel_rdt *asked, const struct strings *lines,
	struct resctrl *to, struct error *err)
{
	bool exists = access(to->path, F_OK) == 0;

	if (exists && !asked->clos_id)
		return fail(err,
			"/linux/intelRdt: the class %s exists already; closID would "
			"share it",
			to->path);
	if (!exists && asked->clos_id && !lines->count)
		return fail(err,
			"/linux/intelRdt/closID: there is no class %s, and no schemata to "
			"make one with",
			to->path);
	to->made = !exists;
	return exists && lines->count ? compare(to->path, lines, err) : 0;
}

int resctrl_plan(const struct oci_config *config, const char *id, struct resctrl *ret,
	struct error *err)
{
	const struct oci_intel_rdt *asked = config->linux.intel_rdt;
	const char *name = asked && asked->clos_id ? asked->clos_id : id;
	auto_strings lines = { 0 };
	struct resctrl plan = { 0 };

	*ret = plan;
	if (!asked)
		return 0;
	if (!is_mounted())
		return fail(err, "/linux/intelRdt: resctrl is not mounted on " PLACE);
	if (!str_equal(name, "/") && (strchr(name, '/') || name[0] == '.' || !*name))
		return fail(err, "/linux/intelRdt/closID: \"%s\" is no name of a class",
			name);
	lines_of(asked, &lines);
	plan.path = str_equal(name, "/") ? str_dup(PLACE) : path_join(PLACE, name);
	if (monitors(asked))
		plan.monitor = str_format("%s/mon_groups/%s", plan.path, id);
	if (plan_class(asked, &lines, &plan, err) < 0) {
		json_free(&resctrl_type, &plan);
		return -1;
	}
	*ret = plan;
	return 0;
}

/* ---- make --------------------------------------------------------------------------- */

/* What somebody else has made meanwhile is not ours to remove. */
static int make_class(struct resctrl *resctrl, struct error *err)
{
	if (mkdir(resctrl->path, 0755) == 0)
		return 0;
	(void)fail_errno(err, "/linux/intelRdt: making the class %s", resctrl->path);
	resctrl->made = false;
	return err->errnum == ENOSPC
		       ? fail_hint(err, "the processor has no more classes of service")
		       : -1;
}

static int make_monitor(struct resctrl *resctrl, struct error *err)
{
	if (mkdir(resctrl->monitor, 0755) == 0)
		return 0;
	(void)fail_errno(
		err, "/linux/intelRdt/enableMonitoring: making %s", resctrl->monitor);
	free(take_ptr(&resctrl->monitor));
	return -1;
}

int resctrl_create(
	const struct oci_config *config, struct resctrl *resctrl, struct error *err)
{
	auto_strings lines = { 0 };

	if (!resctrl->path)
		return 0;
	lines_of(config->linux.intel_rdt, &lines);
	if (resctrl->made) {
		if (make_class(resctrl, err) < 0)
			return -1;
		if (lines.count && write_schemata(resctrl->path, &lines, err) < 0)
			return -1;
	}
	return resctrl->monitor ? make_monitor(resctrl, err) : 0;
}

int resctrl_add(const struct resctrl *resctrl, pid_t pid, struct error *err)
{
	const char *const groups[] = { resctrl->path, resctrl->monitor };
	char text[16];

	(void)snprintf(text, sizeof(text), "%d", pid);
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		auto_free char *file = groups[i] ? path_join(groups[i], "tasks") : NULL;

		if (file && file_write_at(AT_FDCWD, file, text, err) < 0)
			return fail_while(err, "/linux/intelRdt");
	}
	return 0;
}

bool resctrl_keep_named(const struct oci_config *config, struct resctrl *resctrl)
{
	const struct oci_intel_rdt *asked = config->linux.intel_rdt;

	if (!resctrl->made || !asked || !asked->clos_id)
		return false;
	resctrl->made = false;
	return true;
}

int resctrl_remove(const struct resctrl *resctrl, struct error *err)
{
	if (resctrl->monitor && rmdir(resctrl->monitor) < 0 && errno != ENOENT)
		return fail_errno(err, "removing %s", resctrl->monitor);
	if (resctrl->made && rmdir(resctrl->path) < 0 && errno != ENOENT)
		return fail_errno(err, "removing %s", resctrl->path);
	return 0;
}

int resctrl_update(const struct resctrl *resctrl, const char *l3_cache_schema,
	const char *mem_bw_schema, struct error *err)
{
	auto_strings lines = { 0 };

	if (l3_cache_schema)
		strings_add(&lines, l3_cache_schema);
	if (mem_bw_schema)
		strings_add(&lines, mem_bw_schema);
	if (!lines.count)
		return 0;
	if (!resctrl->path)
		return fail(err, "the container was created without /linux/intelRdt");
	return write_schemata(resctrl->path, &lines, err);
}
