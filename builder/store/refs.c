/* index.json: read as a whole, changed as a whole under index.lock. */
#include "builder/store/refs.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/str.h"
#include "builder/store/image.h"

#define REF_MAX   255
#define ID_DIGITS 4

const char *ref_name(const struct image_descriptor *entry)
{
	return pairs_get(&entry->annotations, IMAGE_REF_NAME);
}

static bool is_name_character(char c)
{
	return isalnum((unsigned char)c) || (c && strchr("._-/:", c));
}

static int check_characters(const char *text, const char *tag, struct error *err)
{
	for (const char *c = text; *c; c++) {
		if (isupper((unsigned char)*c) && (!tag || c < tag))
			return fail_code(err, EINVAL,
				"image name \"%s\": expected lower case before the tag",
				text);
		if (!is_name_character(*c))
			return fail_code(err, EINVAL,
				"image name \"%s\": the character \"%c\" is not possible; "
				"letters, digits and . _ - / : are",
				text, *c);
	}
	return 0;
}

static int check_name(const char *text, const char *tag, struct error *err)
{
	size_t length = strlen(text);

	if (length == 0 || length > REF_MAX || !isalnum((unsigned char)text[0]))
		return fail_code(err, EINVAL,
			"image name \"%s\": expected NAME[:TAG], begun by a letter or digit",
			text);
	if (check_characters(text, tag, err) < 0)
		return -1;
	if (strstr(text, "//") || strstr(text, "/.") || text[length - 1] == '/' ||
		(tag && (tag[1] == '\0' || strchr(tag + 1, ':'))))
		return fail_code(
			err, EINVAL, "image name \"%s\": expected NAME[:TAG]", text);
	return 0;
}

int ref_normalize(const char *text, char **ret, struct error *err)
{
	const char *at = strchr(text, '@');
	auto_free char *name = at ? str_dup_n(text, (size_t)(at - text)) : str_dup(text);
	const char *slash = strrchr(name, '/');
	const char *tag = strchr(slash ? slash : name, ':');
	struct digest pinned;

	if (check_name(name, tag, err) < 0)
		return -1;
	if (at && !digest_parse(at + 1, &pinned))
		return fail_code(err, EINVAL,
			"image name \"%s\": expected @sha256: and 64 digits", text);
	/* A digest says all: the tag beside it is for people. */
	if (at)
		*ret = str_format(
			"%.*s%s", (int)(tag ? tag - name : at - text), name, at);
	else
		*ret = tag ? str_dup(name) : str_format("%s:latest", name);
	return 0;
}

int refs_read(const struct store *store, struct image_index *ret, struct error *err)
{
	struct json_options options = { .name = "index.json" };
	struct error first = { 0 };

	if (json_read_file(&image_index_type, ret, store->root_fd, "index.json", &options,
		    &first) == 0)
		return 0;
	if (first.errnum != ENOENT) {
		*err = first;
		return fail_while(err, "reading the store %s", store->root);
	}
	*ret = (struct image_index){ .schema_version = 2 };
	return 0;
}

static int find_by_id(const struct image_index *index, const char *digits,
	bool *ret_found, struct digest *ret, struct error *err)
{
	struct digest found = { 0 };

	for (size_t i = 0; i < index->manifests_count; i++) {
		struct digest id;

		if (!digest_parse(index->manifests[i].digest, &id) ||
			!str_after(id.hex, digits) || strcmp(id.hex, found.hex) == 0)
			continue;
		if (found.hex[0])
			return fail_code(err, EINVAL,
				"several images have an ID that begins with %s; give more "
				"of its digits",
				digits);
		found = id;
	}
	*ret_found = found.hex[0] != '\0';
	if (*ret_found)
		*ret = found;
	return 0;
}

static bool find_by_name(
	const struct image_index *index, const char *name, struct digest *ret)
{
	for (size_t i = 0; i < index->manifests_count; i++) {
		if (str_equal(ref_name(&index->manifests[i]), name))
			return digest_parse(index->manifests[i].digest, ret);
	}
	return false;
}

/* Names before IDs, so that an image called "cafe" can be had. */
int refs_find(const struct store *store, const char *text, struct digest *ret,
	struct error *err)
{
	const char *after = str_after(text, DIGEST_PREFIX);
	const char *digits = after ? after : text;
	size_t length = strlen(digits);
	auto_image_index index = { 0 };
	auto_free char *name = NULL;
	bool found = false;

	if (!after && ref_normalize(text, &name, err) < 0)
		return -1;
	if (refs_read(store, &index, err) < 0)
		return -1;
	if (name && find_by_name(&index, name, ret))
		return 0;
	if (length >= ID_DIGITS && length <= 64 &&
		strspn(digits, "0123456789abcdef") == length) {
		if (find_by_id(&index, digits, &found, ret, err) < 0)
			return -1;
		if (found)
			return 0;
	}
	return fail_code(err, ENOENT,
		"no image \"%s\" in the store %s; `mocker-builder images` lists them",
		text, store->root);
}

static int lock_index(const struct store *store, int *ret_fd, struct error *err)
{
	auto_fd fd =
		openat(store->root_fd, "index.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return fail_errno(err, "opening %s/index.lock", store->root);
	if (fd_lock(fd, LOCK_EX, "index.lock", err) < 0)
		return -1;
	*ret_fd = take_fd(&fd);
	return 0;
}

static int write_index(
	const struct store *store, const struct image_index *index, struct error *err)
{
	struct file_replace_options replace = { .mode = 0644, .sync = true };
	struct json_write_options options = { .pretty = true };
	auto_str text = { 0 };

	json_write(&text, &image_index_type, index, options);
	return file_replace_at(
		store->root_fd, "index.json", text.data, text.length, replace, err);
}

static void drop_entry(struct image_index *index, size_t at)
{
	json_free(&image_descriptor_type, &index->manifests[at]);
	memmove(&index->manifests[at], &index->manifests[at + 1],
		(index->manifests_count - at - 1) * sizeof(*index->manifests));
	index->manifests_count--;
}

static void add_entry(struct image_index *index, const char *ref, const struct digest *id,
	uint64_t size)
{
	struct image_descriptor entry = {
		.media_type = str_dup(IMAGE_MEDIA_RECORD),
		.digest = str_format(DIGEST_PREFIX "%s", id->hex),
		.size = size,
	};

	if (ref)
		pairs_set(&entry.annotations, IMAGE_REF_NAME, ref);
	index->manifests = str_realloc(
		index->manifests, index->manifests_count + 1, sizeof(*index->manifests));
	index->manifests[index->manifests_count++] = entry;
}

static bool is_image(const struct image_descriptor *entry, const struct digest *id)
{
	struct digest found;

	return digest_parse(entry->digest, &found) && strcmp(found.hex, id->hex) == 0;
}

/* The name moves to its new image; an entry without name goes once its image has one. */
static bool apply_set(struct image_index *index, const char *ref, const struct digest *id,
	uint64_t size)
{
	for (size_t i = index->manifests_count; i-- > 0;) {
		const struct image_descriptor *entry = &index->manifests[i];
		const char *name = ref_name(entry);

		if (is_image(entry, id) && (str_equal(name, ref) || (!ref && name)))
			return false;
		if (name ? str_equal(name, ref) : is_image(entry, id))
			drop_entry(index, i);
	}
	add_entry(index, ref, id, size);
	return true;
}

int refs_set_names(const struct store *store, const struct strings *names,
	const struct digest *id, uint64_t size, struct error *err)
{
	auto_image_index index = { 0 };
	bool changed = false;
	auto_fd lock = -1;

	if (lock_index(store, &lock, err) < 0 || refs_read(store, &index, err) < 0)
		return -1;
	strings_each (name, names)
		changed = apply_set(&index, *name, id, size) || changed;
	if (names->count == 0)
		changed = apply_set(&index, NULL, id, size);
	if (!changed)
		return 0;
	/* What the index names is on the disk before the index is. */
	if (store_sync_blob(store, id, err) < 0)
		return -1;
	return write_index(store, &index, err);
}

int refs_set(const struct store *store, const char *ref, const struct digest *id,
	uint64_t size, struct error *err)
{
	auto_strings names = { 0 };

	if (ref)
		strings_add(&names, ref);
	return refs_set_names(store, &names, id, size, err);
}

int refs_remove_name(const struct store *store, const char *ref, struct digest *ret_id,
	bool *ret_last, struct error *err)
{
	auto_image_index index = { 0 };
	auto_fd lock = -1;
	bool found = false;

	if (lock_index(store, &lock, err) < 0 || refs_read(store, &index, err) < 0)
		return -1;
	for (size_t i = index.manifests_count; i-- > 0;) {
		if (!str_equal(ref_name(&index.manifests[i]), ref))
			continue;
		found = digest_parse(index.manifests[i].digest, ret_id);
		drop_entry(&index, i);
	}
	if (!found)
		return fail_code(
			err, ENOENT, "no image \"%s\" in the store %s", ref, store->root);
	*ret_last = true;
	for (size_t i = 0; i < index.manifests_count; i++)
		*ret_last = *ret_last && !is_image(&index.manifests[i], ret_id);
	return write_index(store, &index, err);
}

int refs_remove_image(
	const struct store *store, const struct digest *id, struct error *err)
{
	auto_image_index index = { 0 };
	auto_fd lock = -1;

	if (lock_index(store, &lock, err) < 0 || refs_read(store, &index, err) < 0)
		return -1;
	for (size_t i = index.manifests_count; i-- > 0;) {
		if (is_image(&index.manifests[i], id))
			drop_entry(&index, i);
	}
	return write_index(store, &index, err);
}
