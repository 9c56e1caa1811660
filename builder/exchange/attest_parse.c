/* What --attest and its shorthand --provenance say, in BuildKit's words. */
#include <string.h>

#include "builder/exchange/attest.h"

static int set_version(
	const char *value, struct attest_options *options, struct error *err)
{
	static const struct word versions[] = {
		{ "v0.2", ATTEST_V02 },
		{ "v1", ATTEST_V1 },
		{ NULL, 0 },
	};
	int64_t version;

	if (!word_to_number(versions, value, &version))
		return word_fail(versions, "version", value, err);
	options->version = (enum attest_version)version;
	return 0;
}

/* mode=max tells the values of build arguments, and each step. */
static int check_mode(const char *value, struct error *err)
{
	if (strcmp(value, "min") == 0)
		return 0;
	return strcmp(value, "max") == 0
		       ? fail(err, "mode=max is not attested here; mode=min is")
		       : fail(err, "mode=%s: expected mode=min", value);
}

static int read_truth(const char *key, const char *value, bool *ret, struct error *err)
{
	*ret = strcmp(value, "true") == 0;
	return *ret || strcmp(value, "false") == 0
		       ? 0
		       : fail(err, "%s=%s: expected true or false", key, value);
}

/* One KEY=VALUE behind the type. */
static int set(const char *item, bool provenance, bool *wanted,
	struct attest_options *options, struct error *err)
{
	const char *disabled = str_after(item, "disabled=");
	const char *version = provenance ? str_after(item, "version=") : NULL;
	const char *mode = provenance ? str_after(item, "mode=") : NULL;
	bool off = false;

	if (version)
		return set_version(version, options, err);
	if (mode)
		return check_mode(mode, err);
	if (!disabled)
		return fail(err, "\"%s\" is none of %sdisabled=true", item,
			provenance ? "version=v0.2, version=v1, mode=min, " : "");
	if (read_truth("disabled", disabled, &off, err) < 0)
		return -1;
	*wanted = !off;
	return 0;
}

static int set_all(const struct strings *items, bool provenance, bool *wanted,
	struct attest_options *options, struct error *err)
{
	*wanted = true;
	strings_each (item, items) {
		if (!str_after(*item, "type=") &&
			set(*item, provenance, wanted, options, err) < 0)
			return -1;
	}
	return 0;
}

static int parse(const char *text, struct attest_options *options, struct error *err)
{
	auto_strings items = { 0 };
	const char *type = NULL;

	strings_split(&items, text, ',');
	strings_each (item, &items) {
		const char *value = str_after(*item, "type=");

		if (value && type)
			return fail(err, "type stands twice");
		type = value ? value : type;
	}
	if (str_equal(type, "provenance"))
		return set_all(&items, true, &options->provenance, options, err);
	if (str_equal(type, "sbom"))
		return set_all(&items, false, &options->sbom, options, err);
	return fail(err, "expected type=sbom or type=provenance");
}

int attest_parse(const char *text, struct attest_options *options, struct error *err)
{
	return parse(text, options, err) < 0 ? fail_while(err, "--attest %s", text) : 0;
}

int attest_parse_provenance(
	const char *text, struct attest_options *options, struct error *err)
{
	auto_strings items = { 0 };

	if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
		options->provenance = strcmp(text, "true") == 0;
		return 0;
	}
	strings_split(&items, text, ',');
	return set_all(&items, true, &options->provenance, options, err) < 0
		       ? fail_while(err, "--provenance=%s", text)
		       : 0;
}
