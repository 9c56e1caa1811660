/*
 * copy_compute_digest(): what COPY would read, hashed entry by entry in the order of the
 * walk.
 */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "builder/copy/attributes.h"
#include "builder/copy/digest_cache.h"
#include "builder/copy/download.h"
#include "builder/copy/repository.h"
#include "builder/copy/walk.h"
#include "builder/digest.h"

struct hasher {
	struct digest_state state;
	const struct copy_source *source;
};

static void free_hasher(struct hasher *hasher)
{
	digest_free(&hasher->state);
}

/* FNV-1a: quick, and good enough for what is only told. */
static void note(const struct hasher *hasher, const struct copy_entry *entry,
	const void *content, size_t length)
{
	const unsigned char *bytes = content;
	uint64_t mark = 0xcbf29ce484222325u ^ entry->st.st_mode;

	if (!hasher->source->note)
		return;
	for (size_t i = 0; i < length; i++)
		mark = (mark ^ bytes[i]) * 0x100000001b3u;
	hasher->source->note(hasher->source->note_argument, entry->path, mark);
}

static void add_head(struct hasher *hasher, const struct copy_entry *entry)
{
	digest_add_text(&hasher->state, entry->target);
	digest_add_number(&hasher->state, entry->st.st_mode);
	if (hasher->source->keep_owner) {
		digest_add_number(&hasher->state, entry->st.st_uid);
		digest_add_number(&hasher->state, entry->st.st_gid);
	}
}

static int add_directory(
	void *argument, const struct copy_entry *entry, struct error *err)
{
	add_head(argument, entry);
	note(argument, entry, NULL, 0);
	return 0;
}

static int end_directory(
	void *argument, const struct copy_entry *entry, struct error *err)
{
	struct hasher *hasher = argument;

	digest_add_text(&hasher->state, NULL);
	return 0;
}

/* The content's digest, with the extended attributes where there are any. */
static int hash_content(
	const struct copy_entry *entry, int fd, uint8_t ret[32], struct error *err)
{
	struct digest_state state = { 0 };
	struct digest content;
	auto_str attributes = { 0 };
	int64_t size;

	if (digest_of_fd(fd, entry->path, &content, &size, err) < 0)
		return -1;
	attributes_describe(fd, &attributes);
	if (attributes.length > 0) {
		digest_init(&state);
		digest_add_text(&state, content.hex);
		digest_add(&state, attributes.data, attributes.length);
		content = digest_end(&state);
		digest_free(&state);
	}
	digest_to_bytes(&content, ret);
	return 0;
}

static int add_content(
	struct hasher *hasher, const struct copy_entry *entry, struct error *err)
{
	struct copy_entry opened = *entry;
	uint8_t digest[32];
	auto_fd fd = -1;
	struct stat after;

	if (!digest_cache_find(hasher->source->digests, &entry->st, digest)) {
		if (copy_entry_open(&opened, &fd, err) < 0 ||
			hash_content(&opened, fd, digest, err) < 0)
			return -1;
		if (fstat(fd, &after) == 0 && after.st_size == opened.st.st_size)
			digest_cache_add(hasher->source->digests, &opened.st, digest);
	}
	digest_add(&hasher->state, digest, sizeof(digest));
	note(hasher, entry, digest, sizeof(digest));
	return 0;
}

static int add_link(
	struct hasher *hasher, const struct copy_entry *entry, struct error *err)
{
	char target[PATH_MAX];
	ssize_t length =
		readlinkat(entry->parent_fd, entry->name, target, sizeof(target) - 1);

	if (length < 0)
		return fail_errno(err, "reading the link %s", entry->path);
	target[length] = '\0';
	digest_add_text(&hasher->state, target);
	note(hasher, entry, target, (size_t)length);
	return 0;
}

static int add_file(void *argument, const struct copy_entry *entry, struct error *err)
{
	struct hasher *hasher = argument;

	add_head(hasher, entry);
	if (S_ISREG(entry->st.st_mode))
		return add_content(hasher, entry, err);
	if (S_ISLNK(entry->st.st_mode))
		return add_link(hasher, entry, err);
	digest_add_number(&hasher->state, entry->st.st_rdev);
	note(hasher, entry, &entry->st.st_rdev, sizeof(entry->st.st_rdev));
	return 0;
}

static void tell(const struct hasher *hasher, const char *url, const char *digest)
{
	if (hasher->source->fetched)
		hasher->source->fetched(hasher->source->fetched_argument, url, digest);
}

/* Whoever names the checksum need not fetch the file to know it. */
static int add_urls(
	struct hasher *hasher, const struct copy_request *request, struct error *err)
{
	strings_each (url, &request->sources) {
		auto_free char *text = NULL;
		auto_fd fd = -1;
		struct digest digest;
		int64_t size;

		if (!copy_source_is_url(*url))
			continue;
		digest_add_text(&hasher->state, *url);
		if (request->checksum) {
			digest_add_text(&hasher->state, request->checksum);
			tell(hasher, *url, request->checksum);
			continue;
		}
		if (download_open(request, hasher->source, *url, &fd, err) < 0 ||
			digest_of_fd(fd, *url, &digest, &size, err) < 0)
			return -1;
		digest_add_text(&hasher->state, digest.hex);
		text = str_format(DIGEST_PREFIX "%s", digest.hex);
		tell(hasher, *url, text);
	}
	return 0;
}

/* What a repository holds at a commit never changes. */
static int add_repositories(
	struct hasher *hasher, const struct copy_request *request, struct error *err)
{
	strings_each (text, &request->sources) {
		auto_free char *digest = NULL;
		char commit[GIT_COMMIT_MAX];

		if (!copy_source_is_git(*text))
			continue;
		if (repository_commit(request, hasher->source, *text, commit, err) < 0)
			return -1;
		digest_add_text(&hasher->state, *text);
		digest_add_text(&hasher->state, commit);
		digest = git_commit_digest(commit);
		tell(hasher, *text, digest);
	}
	return 0;
}

int copy_compute_digest(const struct copy_request *request,
	const struct copy_source *source, struct digest *ret, struct error *err)
{
	__attribute__((cleanup(free_hasher))) struct hasher hasher = { .source = source };
	struct copy_visitor visitor = { add_directory, end_directory, add_file, true,
		&hasher };

	digest_init(&hasher.state);
	if (copy_walk(request, source, &visitor, err) < 0 ||
		add_urls(&hasher, request, err) < 0 ||
		add_repositories(&hasher, request, err) < 0)
		return -1;
	for (size_t i = 0; i < request->text_count; i++) {
		digest_add_text(&hasher.state, request->texts[i].name);
		digest_add_text(&hasher.state, request->texts[i].content);
	}
	*ret = digest_end(&hasher.state);
	return 0;
}
