/* What stands in the address of a repository. */
#include <ctype.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "builder/git/git.h"

void git_source_free(struct git_source *source)
{
	free(source->url);
	free(source->ref);
	free(source->subdir);
	free(source->checksum);
	*source = (struct git_source){ 0 };
}

char *git_commit_digest(const char *commit)
{
	return str_format("%s:%s", strlen(commit) == 40 ? "sha1" : "sha256", commit);
}

/* USER@HOST:PATH, as scp has it. */
static bool is_scp_form(const char *text)
{
	size_t user = 0, host;

	while (isalnum((unsigned char)text[user]) || strchr("_-.", text[user])) {
		if (!text[user])
			return false;
		user++;
	}
	if (user == 0 || text[user] != '@' || *text == '-')
		return false;
	text += user + 1;
	host = strcspn(text, ":/");
	return host > 0 && *text != '-' && text[host] == ':' && text[host + 1] != '\0';
}

static bool is_http(const char *text)
{
	return str_after(text, "http://") || str_after(text, "https://");
}

bool git_source_is(const char *text)
{
	auto_free char *path = str_dup_n(text, strcspn(text, "?#"));

	if (str_after(text, "git://") || str_after(text, "ssh://"))
		return true;
	return is_http(text) ? str_ends_with(path, ".git") : is_scp_form(text);
}

static int set(char **slot, const char *what, const char *text, const char *value,
	struct error *err)
{
	if (*slot)
		return fail(err, "%s names the %s twice", text, what);
	if (*value)
		*slot = str_dup(value);
	return 0;
}

static bool is_true(const char *value)
{
	return !*value || strcmp(value, "1") == 0 || strcmp(value, "true") == 0;
}

static int read_query_field(
	struct git_source *source, const char *text, const char *field, struct error *err)
{
	const struct {
		const char *key, *what, *prefix;
		char **slot;
	} table[] = {
		{ "ref", "ref", "", &source->ref },
		{ "branch", "ref", "refs/heads/", &source->ref },
		{ "tag", "ref", "refs/tags/", &source->ref },
		{ "commit", "checksum", "", &source->checksum },
		{ "checksum", "checksum", "", &source->checksum },
		{ "subdir", "directory", "", &source->subdir },
	};
	auto_free char *key = str_dup_n(field, strcspn(field, "="));
	const char *value = field + strlen(key) + (field[strlen(key)] == '=');

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		auto_free char *whole = str_format("%s%s", table[i].prefix, value);

		if (strcmp(table[i].key, key) == 0)
			return set(table[i].slot, table[i].what, text, whole, err);
	}
	if (strcmp(key, "keep-git-dir") == 0)
		return source->keep_git_dir = is_true(value), 0;
	if (strcmp(key, "submodules") == 0)
		return source->no_submodules = !is_true(value), 0;
	return fail(
		err, "%s: \"%s\" is not known in the address of a repository", text, key);
}

static int read_query(struct git_source *source, const char *text, const char *query,
	size_t length, struct error *err)
{
	auto_free char *copy = str_dup_n(query, length);
	auto_strings fields = { 0 };

	strings_split(&fields, copy, '&');
	strings_each (field, &fields) {
		if (**field && read_query_field(source, text, *field, err) < 0)
			return -1;
	}
	return 0;
}

static int read_fragment(struct git_source *source, const char *text,
	const char *fragment, struct error *err)
{
	size_t length = strcspn(fragment, ":");
	auto_free char *ref = str_dup_n(fragment, length);

	if (set(&source->ref, "ref", text, ref, err) < 0)
		return -1;
	return fragment[length] ? set(&source->subdir, "directory", text,
					  fragment + length + 1, err)
				: 0;
}

/* What git would take for an option, or a place outside; and what no ref can be. */
static int check(const struct git_source *source, const char *text, struct error *err)
{
	const char *ref = source->ref ? source->ref : "HEAD";

	if (*ref == '-' || strstr(ref, "..") || strpbrk(ref, " \t~^:?*[\\"))
		return fail(err, "%s: \"%s\" is no branch, tag or commit", text, ref);
	for (const char *c = text; *c; c++)
		if (iscntrl((unsigned char)*c))
			return fail(err, "the address of a repository holds a control "
					 "character");
	return 0;
}

int git_source_parse(const char *text, struct git_source *ret, struct error *err)
{
	auto_git_source source = { 0 };
	size_t length = strcspn(text, "#");
	const char *query =
		is_http(text) || strstr(text, "://") ? memchr(text, '?', length) : NULL;
	size_t url = query ? (size_t)(query - text) : length;

	source.url = str_dup_n(text, url);
	if (text[length] && read_fragment(&source, text, text + length + 1, err) < 0)
		return -1;
	if (query && read_query(&source, text, query + 1, length - url - 1, err) < 0)
		return -1;
	if (check(&source, text, err) < 0)
		return -1;
	*ret = source;
	source = (struct git_source){ 0 };
	return 0;
}
