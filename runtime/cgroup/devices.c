/* The allow-list of devices in its normal form, and as version 1 writes. */
#include "runtime/cgroup/devices.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/str.h"
#include "spec/resources.h"

/* clang-format off */
static const struct cgroup_device_rule built_in[] = {
	/* Nodes may be made, which does not let anybody open them. */
	{ true, 'c', DEVICE_ANY, DEVICE_ANY, DEVICE_MKNOD, true, 0 },
	{ true, 'b', DEVICE_ANY, DEVICE_ANY, DEVICE_MKNOD, true, 0 },
	{ true, 'c',   1,          3,        DEVICE_ALL,   true, 0 }, /* null */
	{ true, 'c',   1,          5,        DEVICE_ALL,   true, 0 }, /* zero */
	{ true, 'c',   1,          7,        DEVICE_ALL,   true, 0 }, /* full */
	{ true, 'c',   1,          8,        DEVICE_ALL,   true, 0 }, /* random */
	{ true, 'c',   1,          9,        DEVICE_ALL,   true, 0 }, /* urandom */
	{ true, 'c',   5,          0,        DEVICE_ALL,   true, 0 }, /* tty */
	{ true, 'c',   5,          2,        DEVICE_ALL,   true, 0 }, /* ptmx */
	{ true, 'c',  10,        200,        DEVICE_ALL,   true, 0 }, /* net/tun */
	{ true, 'c', 136,        DEVICE_ANY, DEVICE_ALL,   true, 0 }, /* pts/N */
};
/* clang-format on */

void cgroup_devices_free(struct cgroup_devices *devices)
{
	free(devices->rules);
	*devices = (struct cgroup_devices){ 0 };
}

static bool same_device(
	const struct cgroup_device_rule *a, const struct cgroup_device_rule *b)
{
	return a->type == b->type && a->major == b->major && a->minor == b->minor;
}

static void add(struct cgroup_devices *devices, const struct cgroup_device_rule *rule)
{
	/* What callers list is mostly built in: as long as all rules say the same, one
	 * more that says it again changes nothing. */
	for (size_t i = devices->count; i-- > 0;) {
		const struct cgroup_device_rule *before = &devices->rules[i];

		if (before->allow != rule->allow)
			break;
		if (same_device(before, rule) && before->access == rule->access)
			return;
	}
	devices->rules = str_realloc(
		devices->rules, devices->count + 1, sizeof(devices->rules[0]));
	devices->rules[devices->count++] = *rule;
}

static int parse_access(const char *text, unsigned *ret)
{
	unsigned access = 0;

	if (!text || !*text) {
		*ret = DEVICE_ALL;
		return 0;
	}
	for (; *text; text++) {
		if (*text == 'r')
			access |= DEVICE_READ;
		else if (*text == 'w')
			access |= DEVICE_WRITE;
		else if (*text == 'm')
			access |= DEVICE_MKNOD;
		else
			return -1;
	}
	*ret = access;
	return 0;
}

static int parse_number(bool has, int64_t value, int64_t *ret)
{
	*ret = has ? value : DEVICE_ANY;
	return *ret < DEVICE_ANY || *ret > UINT32_MAX ? -1 : 0;
}

static int parse(const struct oci_device_rule *asked, size_t index, const char *prefix,
	struct cgroup_device_rule *ret, struct error *err)
{
	*ret = (struct cgroup_device_rule){
		.allow = asked->allow,
		.type = asked->type ? (char)asked->type : 'a',
		.index = index,
	};
	if (parse_access(asked->access, &ret->access) < 0)
		return fail(err,
			"%s/devices/%zu/access: expected letters of \"rwm\", found \"%s\"",
			prefix, index, asked->access);
	if (parse_number(asked->has_major, asked->major, &ret->major) < 0 ||
		parse_number(asked->has_minor, asked->minor, &ret->minor) < 0)
		return fail(err,
			"%s/devices/%zu: %" PRId64 ":%" PRId64 " is no device's number",
			prefix, index, asked->major, asked->minor);
	return 0;
}

static void restart(struct cgroup_devices *devices, bool allow_all)
{
	devices->count = 0;
	devices->allow_all = allow_all;
	for (size_t i = 0; !allow_all && i < ARRAY_SIZE(built_in); i++)
		add(devices, &built_in[i]);
}

int cgroup_devices_plan(const struct oci_resources *resources, const char *prefix,
	struct cgroup_devices *ret, struct error *err)
{
	auto_cgroup_devices devices = { 0 };

	restart(&devices, false);
	for (size_t i = 0; i < resources->devices_count; i++) {
		struct cgroup_device_rule rule;

		if (parse(&resources->devices[i], i, prefix, &rule, err) < 0)
			return -1;
		if (rule.type != 'a') {
			add(&devices, &rule);
		} else if (rule.major == DEVICE_ANY && rule.minor == DEVICE_ANY &&
			   rule.access == DEVICE_ALL) {
			restart(&devices, rule.allow);
		} else {
			/* The kernel's "a" would mean all numbers and accesses. */
			rule.type = 'b';
			add(&devices, &rule);
			rule.type = 'c';
			add(&devices, &rule);
		}
	}
	*ret = devices;
	devices = (struct cgroup_devices){ 0 };
	return 0;
}

static bool numbers_meet(int64_t a, int64_t b)
{
	return a == b || a == DEVICE_ANY || b == DEVICE_ANY;
}

/* Does this rule take back a part of that one? */
static bool overlap(
	const struct cgroup_device_rule *a, const struct cgroup_device_rule *b)
{
	return a->allow != b->allow && a->type == b->type && (a->access & b->access) &&
	       numbers_meet(a->major, b->major) && numbers_meet(a->minor, b->minor);
}

/* Version 1 keeps a set of exceptions and only finds the very same device in it: taking
 * 10:229 from 10:* does nothing there, silently. Built-in rules give way: what is taken
 * from them is only the right to make a node. */
static int check_v1(const struct cgroup_devices *devices, size_t at, const char *prefix,
	bool *ret_needed, struct error *err)
{
	const struct cgroup_device_rule *rule = &devices->rules[at];

	*ret_needed = rule->allow != devices->allow_all;
	for (size_t i = 0; i < at; i++) {
		const struct cgroup_device_rule *before = &devices->rules[i];

		if (!overlap(before, rule))
			continue;
		if (same_device(before, rule))
			*ret_needed = true;
		else if (!before->built_in)
			return fail(err,
				"%s/devices/%zu: it changes a part of what /devices/%zu says, "
				"which cgroup v1 cannot express",
				prefix, rule->index, before->index);
	}
	return 0;
}

static void number_text(char text[16], int64_t number)
{
	if (number == DEVICE_ANY)
		(void)snprintf(text, 16, "*");
	else
		(void)snprintf(text, 16, "%" PRId64, number);
}

static void emit_v1(const struct cgroup_device_rule *rule, const char *field,
	const struct cgroup_emit *to)
{
	char major[16], minor[16];

	number_text(major, rule->major);
	number_text(minor, rule->minor);
	cgroup_emit(to, WRITE_NO_RIGHTS_OK, field,
		rule->allow ? "devices.allow" : "devices.deny", "%c %s:%s %s%s%s",
		rule->type, major, minor, rule->access & DEVICE_READ ? "r" : "",
		rule->access & DEVICE_WRITE ? "w" : "",
		rule->access & DEVICE_MKNOD ? "m" : "");
}

static int emit_rules_v1(const struct cgroup_devices *devices,
	const struct cgroup_emit *to, struct error *err)
{
	for (size_t i = 0; i < devices->count; i++) {
		const struct cgroup_device_rule *rule = &devices->rules[i];
		auto_free char *field = rule->built_in
						? str_dup("devices")
						: str_format("devices/%zu", rule->index);
		bool needed;

		if (check_v1(devices, i, to->prefix, &needed, err) < 0)
			return -1;
		if (needed)
			emit_v1(rule, field, to);
	}
	return 0;
}

int cgroup_devices_v1(const struct cgroup_devices *devices, const struct cgroup_emit *to,
	struct error *err)
{
	/* A new cgroup has what its parent has. */
	if (!devices->allow_all)
		cgroup_emit(to, WRITE_NO_RIGHTS_OK, "devices", "devices.deny", "a");
	else if (to->update)
		cgroup_emit(to, WRITE_NO_RIGHTS_OK, "devices", "devices.allow", "a");
	return emit_rules_v1(devices, to, err);
}

/* Of number_text(). */
static int64_t number_of(const char *text)
{
	struct error ignored;
	uint32_t number;

	return str_to_u32(text, "number", &number, &ignored) < 0 ? DEVICE_ANY : number;
}

/* A line of devices.list: "c 10:* rwm". */
static bool read_line_v1(const char *line, struct cgroup_device_rule *ret)
{
	char major[16], minor[16], access[8];

	if (sscanf(line, "%c %15[^:]:%15s %7s", &ret->type, major, minor, access) != 4 ||
		parse_access(access, &ret->access) < 0)
		return false;
	ret->major = number_of(major);
	ret->minor = number_of(minor);
	return true;
}

/* What of this device is allowed once all rules are written. */
static unsigned allowed_v1(
	const struct cgroup_devices *devices, const struct cgroup_device_rule *device)
{
	unsigned access = 0;

	for (size_t i = 0; i < devices->count; i++) {
		const struct cgroup_device_rule *rule = &devices->rules[i];

		if (same_device(rule, device))
			access = rule->allow ? access | rule->access
					     : access & ~rule->access;
	}
	return access;
}

int cgroup_devices_v1_change(const struct cgroup_devices *devices, const char *present,
	const struct cgroup_emit *to, struct error *err)
{
	auto_strings lines = { 0 };

	strings_split(&lines, present, '\n');
	if (devices->allow_all || (lines.count && lines.items[0][0] == 'a'))
		return cgroup_devices_v1(devices, to, err);
	if (emit_rules_v1(devices, to, err) < 0)
		return -1;
	strings_each (line, &lines) {
		struct cgroup_device_rule rule = { 0 };

		if (!read_line_v1(*line, &rule))
			continue;
		rule.access &= ~allowed_v1(devices, &rule);
		if (rule.access)
			emit_v1(&rule, "devices", to);
	}
	return 0;
}
