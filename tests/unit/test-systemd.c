/* runtime/cgroup: what the systemd driver makes of names, limits and annotations, without
 * a bus. Built only with the driver. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "runtime/cgroup/systemd_bus.h"
#include "runtime/cgroup/systemd_names.h"
#include "runtime/cgroup/systemd_properties.h"
#include "spec/resources.h"
#include "tests/unit/test.h"

static void units_are_named(void)
{
	static const struct {
		const char *asked;
		bool user;
		const char *slice, *unit, *words;
	} cases[] = {
		{ NULL, false, "system.slice", "mocker-web.scope", NULL },
		{ NULL, true, "user.slice", "mocker-web.scope", NULL },
		{ "a-b.slice:p:n", false, "a-b.slice", "p-n.scope", NULL },
		{ "a.slice::n", false, "a.slice", "n.scope", NULL },
		{ ":p:x.slice", false, "system.slice", "x.slice", NULL },
		{ "machine.slice:libpod:", false, "machine.slice", "libpod-web.scope",
			NULL },
		{ "/a/b", false, NULL, NULL, "expects \"slice:prefix:name\"" },
		{ "a:b:n", false, NULL, NULL, "\"a\" is no slice's name" },
		{ "-a.slice:b:n", false, NULL, NULL, "is no slice's name" },
		{ "a--b.slice:b:n", false, NULL, NULL, "is no slice's name" },
		{ "a.slice:b:n/m", false, NULL, NULL, "allows no '/'" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_free char *slice = NULL;
		auto_free char *unit = NULL;
		struct error err;
		int result = systemd_names(
			cases[i].asked, "web", cases[i].user, &slice, &unit, &err);

		if (cases[i].words) {
			CHECK_FAILS(result, &err, cases[i].words);
			continue;
		}
		CHECK_OK(result, &err);
		CHECK_STR(slice, cases[i].slice);
		CHECK_STR(unit, cases[i].unit);
	}
}

static void slices_are_expanded(void)
{
	static const char *const cases[][2] = {
		{ "-.slice", "/" },
		{ "a.slice", "/a.slice" },
		{ "a-b-c.slice", "/a.slice/a-b.slice/a-b-c.slice" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_free char *path = NULL;
		struct error err;

		CHECK_OK(systemd_slice_path(cases[i][0], &path, &err), &err);
		CHECK_STR(path, cases[i][1]);
	}
}

static const struct systemd_property *property(
	const struct systemd_properties *properties, const char *name)
{
	static const struct systemd_property none = { 0 };

	for (size_t i = 0; i < properties->count; i++)
		if (str_equal(properties->items[i].name, name))
			return &properties->items[i];
	CHECK(!name);
	return &none;
}

static void limits_become_properties(void)
{
	static const char text[] =
		"{\"memory\":{\"limit\":100,\"swap\":300},\"cpu\":{\"quota\":50001,"
		"\"period\":100000,\"shares\":1024,\"cpus\":\"0,9\"},"
		"\"pids\":{\"limit\":-1}}";
	struct json_options options = { .name = "resources.json" };
	auto_systemd_properties properties = { 0 };
	auto_oci_resources resources = { 0 };
	const struct systemd_property *cpus;
	struct error err;

	CHECK_OK(json_read(&oci_resources_type, &resources, text, strlen(text), &options,
			 &err),
		&err);
	CHECK_OK(systemd_add_limits(&properties, &resources, true, "", &err), &err);
	CHECK_INT(property(&properties, "MemoryMax")->number, 100);
	CHECK_INT(property(&properties, "MemorySwapMax")->number, 200);
	CHECK_INT(property(&properties, "CPUQuotaPerSecUSec")->number, 510000);
	CHECK_INT(property(&properties, "CPUQuotaPeriodUSec")->number, 100000);
	CHECK_INT(property(&properties, "CPUWeight")->number, 100);
	CHECK(property(&properties, "TasksMax")->number == UINT64_MAX);
	cpus = property(&properties, "AllowedCPUs");
	CHECK_INT(cpus->number, 2);
	CHECK(cpus->text && cpus->text[0] == 1 && cpus->text[1] == 2);
}

static void annotations_become_properties(void)
{
	static const struct {
		const char *name, *value, *becomes;
		enum systemd_kind kind;
		uint64_t number;
		const char *text;
	} cases[] = {
		{ "CollectMode", "'inactive-or-failed'", "CollectMode", SYSTEMD_STRING, 0,
			"inactive-or-failed" },
		{ "Description", "\"it's\"", "Description", SYSTEMD_STRING, 0, "it's" },
		{ "SendSIGHUP", "true", "SendSIGHUP", SYSTEMD_BOOL, 1, NULL },
		{ "TimeoutStopUSec", "uint64 5", "TimeoutStopUSec", SYSTEMD_U64, 5,
			NULL },
		{ "TimeoutStopSec", "2", "TimeoutStopUSec", SYSTEMD_U64, 2000000, NULL },
		{ "RuntimeMaxSec", "1.5", "RuntimeMaxUSec", SYSTEMD_U64, 1500000, NULL },
		{ "OOMScoreAdjust", "-5", "OOMScoreAdjust", SYSTEMD_I32, (uint64_t)-5,
			NULL },
		{ "After", "['a.service', 'b.service']", "After", SYSTEMD_STRINGS, 0,
			NULL },
		{ "After", "['a.service'", NULL, 0, 0, NULL },
		{ "Description", "plain", NULL, 0, 0, NULL },
		{ "X1", "1", NULL, 0, 0, NULL },
		{ "TimeoutStopSec", "'x'", NULL, 0, 0, NULL },
		{ "Number", "uint32 -1", NULL, 0, 0, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		auto_free char *key =
			str_format("org.systemd.property.%s", cases[i].name);
		auto_systemd_properties properties = { 0 };
		auto_pairs annotations = { 0 };
		const struct systemd_property *found;
		struct error err;
		int result;

		pairs_set(&annotations, "other", "x");
		pairs_set(&annotations, key, cases[i].value);
		result = systemd_add_annotations(&properties, &annotations, &err);
		if (!cases[i].becomes) {
			CHECK_FAILS(result, &err, key);
			continue;
		}
		CHECK_OK(result, &err);
		found = property(&properties, cases[i].becomes);
		CHECK_INT(found->kind, cases[i].kind);
		CHECK(found->number == cases[i].number);
		if (cases[i].text)
			CHECK_STR(found->text, cases[i].text);
		if (found->kind == SYSTEMD_STRINGS)
			CHECK_INT(found->list.count, 2);
	}
}

static void without_systemd_it_says_so(void)
{
	struct systemd_bus *bus = NULL;
	struct error err;

	if (access("/run/systemd/system", F_OK) == 0)
		SKIP("systemd is running");
	CHECK_FAILS(systemd_bus_open(false, &bus, &err), &err, "systemd is not running");
	CHECK_INT(err.errnum, ENOENT);
}

static const struct test tests[] = {
	{ "systemd's units are named by slice:prefix:name", units_are_named },
	{ "systemd's slices are expanded", slices_are_expanded },
	{ "limits become properties of units", limits_become_properties },
	{ "annotations become properties of units", annotations_become_properties },
	{ "without systemd its driver says so", without_systemd_it_says_so },
};

TEST_MAIN(tests)
