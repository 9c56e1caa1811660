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

/* Components of a-z and 0-9, with single separators between them. */
static bool is_repository(const char *text)
{
	char before = '/';

	for (const char *c = text; *c; before = *c, c++) {
		bool word = islower((unsigned char)*c) || isdigit((unsigned char)*c);
		bool between =
			isalnum((unsigned char)before) && isalnum((unsigned char)c[1]);

		if (word || ((*c == '/' || *c == '.') && between))
			continue;
		if ((*c == '-' || *c == '_') && before != '/' && before != '.' && c[1] &&
			c[1] != '/')
			continue;
		return false;
	}
	return *text != '\0';
}

static bool is_host(const char *text)
{
	const char *port = strrchr(text, ':');
	size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789"
				     "ABCDEFGHIJKLMNOPQRSTUVWXYZ.-");

	if (*text == '[') { /* [::1]:5000 */
		length = strspn(text, "[]0123456789abcdefABCDEF:.");
		return !text[length] && strchr(text, ']');
	}
	if (length == 0 || *text == '-' || *text == '.')
		return false;
	return !text[length] || (text + length == port && port[1] &&
					port[1 + strspn(port + 1, "0123456789")] == '\0');
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

static int take_names(const char *rest, struct reference *reference, struct error *err)
{
	const char *slash = strchr(rest, '/');
	auto_free char *first = str_dup_n(rest, slash ? (size_t)(slash - rest) : 0);

	if (slash && (strpbrk(first, ".:[") || str_equal(first, "localhost"))) {
		if (!is_host(first))
			return fail_code(
				err, EINVAL, "\"%s\" is no host of a registry", first);
		reference->host = take_ptr(&first);
		rest = slash + 1;
	}
	if (!is_repository(rest) || strlen(rest) > NAME_MAX_LENGTH)
		return fail_code(err, EINVAL,
			"\"%s\" is no repository; lower-case letters, digits and . _ - "
			"between slashes are",
			rest);
	reference->repository = str_dup(rest);
	return 0;
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
