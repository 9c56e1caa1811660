/* Cut from both ends: digest and tag behind, the host in front, the rest is checked. */
#include "builder/registry/reference.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "builder/digest.h"

#define NAME_MAX_LENGTH 255
#define TAG_MAX_LENGTH  128
#define PORT_DIGITS     5
#define OLD_HUB         "index.docker.io"

#define LOWER           "abcdefghijklmnopqrstuvwxyz"
#define UPPER           "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS          "0123456789"

void reference_free(struct reference *reference)
{
	free(reference->host);
	free(reference->repository);
	free(reference->tag);
	free(reference->digest);
	*reference = (struct reference){ 0 };
}

const char *reference_version(const struct reference *reference)
{
	if (reference->digest)
		return reference->digest;
	return reference->tag ? reference->tag : "latest";
}

/* Behind a component of a path: words joined by one dot, one or two "_", or dashes. NULL: it
 * is none. */
static const char *skip_component(const char *text)
{
	for (;;) {
		size_t word = strspn(text, LOWER DIGITS);
		size_t between;

		if (word == 0)
			return NULL;
		text += word;
		between = *text == '.'   ? 1
			  : *text == '_' ? 1 + (text[1] == '_')
					 : strspn(text, "-");
		if (between == 0)
			return text;
		text += between;
	}
}

static bool is_repository(const char *text)
{
	while ((text = skip_component(text)) && *text == '/')
		text++;
	return text && !*text;
}

/* Behind a name of DNS, or an address of IPv6 in brackets; NULL: it is none. */
static const char *skip_host(const char *text)
{
	if (*text == '[') {
		size_t length = strspn(text + 1, DIGITS "abcdefABCDEF:");

		return length && text[1 + length] == ']' ? text + length + 2 : NULL;
	}
	for (;; text++) {
		size_t length = strspn(text, LOWER UPPER DIGITS "-");

		if (length == 0 || *text == '-' || text[length - 1] == '-')
			return NULL;
		text += length;
		if (*text != '.')
			return text;
	}
}

static bool is_port(const char *text)
{
	size_t length = strspn(text, DIGITS);

	return length > 0 && length <= PORT_DIGITS && !text[length] &&
	       strtoul(text, NULL, 10) <= UINT16_MAX;
}

static bool is_host(const char *text)
{
	text = skip_host(text);
	return text && (!*text || (*text == ':' && is_port(text + 1)));
}

static bool is_tag(const char *text)
{
	size_t length = strlen(text);

	for (const char *c = text; *c; c++) {
		if (!isalnum((unsigned char)*c) && *c != '_' && *c != '.' && *c != '-')
			return false;
	}
	return length > 0 && length <= TAG_MAX_LENGTH && *text != '.' && *text != '-';
}

static int cut_digest(char *rest, struct reference *reference, struct error *err)
{
	char *at = strchr(rest, '@');
	struct digest digest;

	if (!at)
		return 0;
	if (!digest_parse(at + 1, &digest))
		return fail_code(err, EINVAL,
			"\"%s\" is no digest; sha256: and 64 digits are", at + 1);
	reference->digest = str_dup(at + 1);
	*at = '\0';
	return 0;
}

static int cut_tag(char *rest, struct reference *reference, struct error *err)
{
	char *slash = strrchr(rest, '/');
	char *colon = strchr(slash ? slash : rest, ':');

	if (!colon)
		return 0;
	if (!is_tag(colon + 1))
		return fail_code(err, EINVAL,
			"\"%s\" is no tag; up to %d letters, digits and . _ - are",
			colon + 1, TAG_MAX_LENGTH);
	reference->tag = str_dup(colon + 1);
	*colon = '\0';
	return 0;
}

/* Of a path's first component. */
static bool names_host(const char *first)
{
	return strpbrk(first, ".:[" UPPER) || str_equal(first, "localhost");
}

static int take_names(const char *rest, struct reference *reference, struct error *err)
{
	const char *slash = strchr(rest, '/');
	auto_free char *first = str_dup_n(rest, slash ? (size_t)(slash - rest) : 0);

	if (slash && names_host(first)) {
		if (!is_host(first))
			return fail_code(
				err, EINVAL, "\"%s\" is no host of a registry", first);
		reference->host =
			str_dup(str_equal(first, OLD_HUB) ? REFERENCE_HUB : first);
		rest = slash + 1;
	}
	if (strpbrk(rest, UPPER))
		return fail_code(err, EINVAL, "expected lower case before the tag");
	if (!is_repository(rest) || strlen(rest) > NAME_MAX_LENGTH)
		return fail_code(err, EINVAL,
			"\"%s\" is no repository; lower-case letters and digits are, with "
			"one of . _ - / between them",
			rest);
	reference->repository = str_dup(rest);
	return 0;
}

char *reference_familiar(const struct reference *reference)
{
	const char *repository = reference->repository;
	const char *below = str_after(repository, "library/");
	const char *slash = strchr(repository, '/');
	auto_free char *first =
		str_dup_n(repository, slash ? (size_t)(slash - repository) : 0);

	if (reference->host &&
		(!str_equal(reference->host, REFERENCE_HUB) || names_host(first)))
		return str_format("%s/%s", reference->host, repository);
	return str_dup(below && !strchr(below, '/') ? below : repository);
}

char *reference_place(const struct reference *reference, const char *host)
{
	bool official =
		str_equal(host, REFERENCE_HUB) && !strchr(reference->repository, '/');

	return str_format(
		"%s/%s%s", host, official ? "library/" : "", reference->repository);
}

char *reference_full(const struct reference *reference)
{
	auto_free char *place = reference_place(
		reference, reference->host ? reference->host : REFERENCE_HUB);

	return str_format("%s:%s", place, reference->tag ? reference->tag : "latest");
}

int reference_parse(const char *text, struct reference *ret, struct error *err)
{
	auto_reference reference = { 0 };
	auto_free char *rest = str_dup(text);

	if (cut_digest(rest, &reference, err) < 0 || cut_tag(rest, &reference, err) < 0 ||
		take_names(rest, &reference, err) < 0)
		return fail_while(err, "image name \"%s\"", text);
	*ret = reference;
	reference = (struct reference){ 0 };
	return 0;
}
