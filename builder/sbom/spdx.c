/* Written member by member: it is never read here. */
#include "builder/sbom/spdx.h"

#include <ctype.h>

#include "base/cleanup.h"
#include "base/json.h"

static void member(struct str *text, const char *name, const char *value)
{
	str_appendf(text, "\"%s\":", name);
	json_append_string(text, value);
}

/* Letters, digits, "." and "-"; the number keeps it apart from others. */
static char *element_id(const struct package *package, size_t index)
{
	auto_str id = { 0 };

	str_appendf(&id, "SPDXRef-Package-%zu-", index + 1);
	for (const char *c = package->name; *c; c++)
		str_append_char(&id, isalnum((unsigned char)*c) || *c == '.' ? *c : '-');
	return str_take(&id);
}

static void append_coded(struct str *text, const char *value)
{
	for (; *value; value++) {
		if (isalnum((unsigned char)*value) || *value == '.' || *value == '-' ||
			*value == '_' || *value == '~' || *value == ':')
			str_append_char(text, *value);
		else
			str_appendf(text, "%%%02X", (unsigned char)*value);
	}
}

/* pkg:deb/debian/bash@5.2.15-2%2Bb2?arch=amd64&distro=debian-12 */
static char *package_url(const struct packages *packages, const struct package *package)
{
	auto_str url = { 0 };

	str_appendf(&url, "pkg:%s/", package->kind);
	append_coded(&url, packages->distribution ? packages->distribution : "unknown");
	str_append_char(&url, '/');
	append_coded(&url, package->name);
	str_append_char(&url, '@');
	append_coded(&url, package->version);
	if (package->architecture) {
		str_append(&url, "?arch=");
		append_coded(&url, package->architecture);
	}
	if (packages->distribution && packages->release) {
		str_append(&url, package->architecture ? "&distro=" : "?distro=");
		append_coded(&url, packages->distribution);
		str_append_char(&url, '-');
		append_coded(&url, packages->release);
	}
	return str_take(&url);
}

static void write_package(struct str *text, const struct packages *packages, size_t index)
{
	const struct package *package = &packages->items[index];
	auto_free char *id = element_id(package, index);
	auto_free char *url = package_url(packages, package);
	auto_free char *supplier =
		package->maintainer ? str_format("Organization: %s", package->maintainer)
				    : str_dup("NOASSERTION");

	str_append(text, index ? ",{" : "{");
	member(text, "SPDXID", id);
	str_append_char(text, ',');
	member(text, "name", package->name);
	str_append_char(text, ',');
	member(text, "versionInfo", package->version);
	str_append_char(text, ',');
	member(text, "supplier", supplier);
	str_append(text, ",\"downloadLocation\":\"NOASSERTION\",\"filesAnalyzed\":false,"
			 "\"licenseConcluded\":\"NOASSERTION\",");
	/* A field of words that need not be SPDX's is a comment, not a claim. */
	str_append(text, "\"licenseDeclared\":\"NOASSERTION\",");
	if (package->license) {
		member(text, "licenseComments", package->license);
		str_append_char(text, ',');
	}
	str_append(text, "\"copyrightText\":\"NOASSERTION\",\"externalRefs\":[{"
			 "\"referenceCategory\":\"PACKAGE-MANAGER\","
			 "\"referenceType\":\"purl\",");
	member(text, "referenceLocator", url);
	str_append(text, "}]}");
}

static void write_relationship(
	struct str *text, const struct packages *packages, size_t index)
{
	auto_free char *id = element_id(&packages->items[index], index);

	str_append(text, index ? ",{" : "{");
	str_append(text, "\"spdxElementId\":\"SPDXRef-DOCUMENT\","
			 "\"relationshipType\":\"DESCRIBES\",");
	member(text, "relatedSpdxElement", id);
	str_append_char(text, '}');
}

void spdx_write(
	struct str *ret, const struct packages *packages, const struct spdx_about *about)
{
	auto_free char *name_space =
		str_format("https://spdx.org/spdxdocs/sha256-%s", about->digest);

	str_append(ret, "{\"spdxVersion\":\"SPDX-2.3\",\"dataLicense\":\"CC0-1.0\","
			"\"SPDXID\":\"SPDXRef-DOCUMENT\",");
	member(ret, "name", about->name);
	str_append_char(ret, ',');
	member(ret, "documentNamespace", name_space);
	str_append(ret, ",\"creationInfo\":{");
	member(ret, "created", about->created);
	str_append(ret, ",\"creators\":[\"Tool: mocker-builder-" VERSION "\"]},"
			"\"packages\":[");
	for (size_t i = 0; i < packages->count; i++)
		write_package(ret, packages, i);
	str_append(ret, "],\"relationships\":[");
	for (size_t i = 0; i < packages->count; i++)
		write_relationship(ret, packages, i);
	str_append(ret, "]}");
}
