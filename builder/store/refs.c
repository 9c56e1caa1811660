/* index.json: read as a whole, changed as a whole under index.lock. */
#include "builder/store/refs.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/str.h"
#include "builder/registry/reference.h"
#include "builder/store/image.h"

#define ID_DIGITS 4  /* no fewer */
#define ID_LISTED 12 /* as `images` shows them */

/* Of an entry NAME@DIGEST: the digest, which a pull has verified. Entries of older versions
 * lack it, for there an archive could call its image so. */
#define REF_VERIFIED "vnd.mocker.image.verified"

const char *ref_name(const struct image_descriptor *entry)
{
	return pairs_get(&entry->annotations, IMAGE_REF_NAME);
}

/* What cannot be told from an ID, or is no image. */
static int check_name(const char *text, const char *name, struct error *err)
{
	if (digest_is_hex(name) || str_equal(name, "sha256"))
		return fail_code(err, EINVAL,
			"image name \"%s\": 64 digits and sha256: are IDs, no names",
			text);
	if (str_equal(name, "scratch"))
		return fail_code(err, EINVAL,
			"image name \"%s\": scratch is what FROM begins with nothing by, "
			"and no image",
			text);
	return 0;
}

static int parse(
	const char *text, struct reference *reference, char **ret_name, struct error *err)
{
	auto_free char *name = NULL;

	if (reference_parse(text, reference, err) < 0)
		return -1;
	name = reference_familiar(reference);
	if (check_name(text, name, err) < 0)
		return -1;
	*ret_name = take_ptr(&name);
	return 0;
}

int ref_normalize(const char *text, char **ret, struct error *err)
{
	auto_reference reference = { 0 };
	auto_free char *name = NULL;

	if (parse(text, &reference, &name, err) < 0)
		return -1;
	if (reference.digest)
		return fail_code(err, EINVAL,
			"image name \"%s\": a digest is not given, it follows from the "
			"content; expected NAME[:TAG]",
			text);
	*ret = str_format("%s:%s", name, reference_version(&reference));
	return 0;
}

int ref_normalize_pulled(const char *text, char **ret, struct error *err)
{
	auto_reference reference = { 0 };
	auto_free char *name = NULL;

	if (parse(text, &reference, &name, err) < 0)
		return -1;
	*ret = str_format("%s%c%s", name, reference.digest ? '@' : ':',
		reference_version(&reference));
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

/* Older versions kept names as they were typed. One that now means what another one has
 * stays as it is: it is listed, and can be removed. */
static void normalize_names(struct image_index *index)
{
	for (size_t i = 0; i < index->manifests_count; i++) {
		struct image_descriptor *entry = &index->manifests[i];
		const char *text = ref_name(entry);
		auto_free char *name = NULL;
		struct error ignored;
		struct digest other;

		if (text && ref_normalize_pulled(text, &name, &ignored) == 0 &&
			strcmp(name, text) != 0 && !find_by_name(index, name, &other))
			pairs_set(&entry->annotations, IMAGE_REF_NAME, name);
	}
}

int refs_read(const struct store *store, struct image_index *ret, struct error *err)
{
	struct json_options options = { .name = "index.json" };
	struct error first = { 0 };

	if (json_read_file(&image_index_type, ret, store->root_fd, "index.json", &options,
		    &first) == 0) {
		normalize_names(ret);
		return 0;
	}
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

/* A digest is that content under whatever name: its manifest was checked against it when it
 * came in, or the index that it was pulled by. What a name claims is no proof. */
static bool has_digest(const struct store *store, const struct image_descriptor *entry,
	const struct digest *id, const char *digest)
{
	auto_image image = { 0 };
	struct error ignored;

	return str_equal(pairs_get(&entry->annotations, REF_VERIFIED), digest) ||
	       (image_load(store, id, &image, &ignored) == 0 && image.manifest &&
		       str_equal(image.manifest->digest, digest));
}

static int find_by_digest(const struct store *store, const struct image_index *index,
	const char *text, bool *ret_found, struct digest *ret, struct error *err)
{
	auto_reference reference = { 0 };
	auto_free char *name = NULL;

	if (parse(text, &reference, &name, err) < 0)
		return -1;
	for (size_t i = 0; i < index->manifests_count; i++) {
		const struct image_descriptor *entry = &index->manifests[i];
		struct digest id;

		if (!digest_parse(entry->digest, &id) ||
			!has_digest(store, entry, &id, reference.digest))
			continue;
		*ret = id;
		*ret_found = true;
		return 0;
	}
	return 0;
}

/* Where text can be the beginning of an ID: the digits. */
static const char *id_digits(const char *text)
{
	const char *after = str_after(text, DIGEST_PREFIX);
	const char *digits = after ? after : text;
	size_t length = strlen(digits);

	return length >= ID_DIGITS && length <= 64 &&
			       strspn(digits, "0123456789abcdef") == length
		       ? digits
		       : NULL;
}

/* As many digits of an ID as are listed are that image, however others are called; fewer
 * are a name first, so that an image called "cafe" can be had. */
static int find(const struct store *store, const struct image_index *index,
	const char *text, bool *ret_found, struct digest *ret, char **ret_name,
	struct error *err)
{
	const char *digits = id_digits(text);
	bool is_id =
		str_after(text, DIGEST_PREFIX) || (digits && strlen(digits) >= ID_LISTED);
	auto_free char *name = NULL;

	if (strchr(text, '@'))
		return find_by_digest(store, index, text, ret_found, ret, err);
	if (is_id && digits && find_by_id(index, digits, ret_found, ret, err) < 0)
		return -1;
	if (*ret_found || str_after(text, DIGEST_PREFIX) || digest_is_hex(text))
		return 0;
	if (ref_normalize(text, &name, err) < 0)
		return -1;
	*ret_found = find_by_name(index, name, ret);
	if (*ret_found) {
		*ret_name = take_ptr(&name);
		return 0;
	}
	return digits && !is_id ? find_by_id(index, digits, ret_found, ret, err) : 0;
}

int refs_find_named(const struct store *store, const char *text, struct digest *ret,
	char **ret_name, struct error *err)
{
	auto_image_index index = { 0 };
	bool found = false;

	*ret_name = NULL;
	if (refs_read(store, &index, err) < 0 ||
		find(store, &index, text, &found, ret, ret_name, err) < 0)
		return -1;
	return found ? 0
		     : fail_code(err, ENOENT,
			       "no image \"%s\" in the store %s; `mocker-builder images` "
			       "lists them",
			       text, store->root);
}

int refs_find(const struct store *store, const char *text, struct digest *ret,
	struct error *err)
{
	auto_free char *name = NULL;

	return refs_find_named(store, text, ret, &name, err);
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
	const char *at = ref ? strchr(ref, '@') : NULL;
	struct image_descriptor entry = {
		.media_type = str_dup(IMAGE_MEDIA_RECORD),
		.digest = str_format(DIGEST_PREFIX "%s", id->hex),
		.size = size,
	};

	if (ref)
		pairs_set(&entry.annotations, IMAGE_REF_NAME, ref);
	if (at)
		pairs_set(&entry.annotations, REF_VERIFIED, at + 1);
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
	const char *at = ref ? strchr(ref, '@') : NULL;

	for (size_t i = index->manifests_count; i-- > 0;) {
		const struct image_descriptor *entry = &index->manifests[i];
		const char *name = ref_name(entry);

		if (is_image(entry, id) && (str_equal(name, ref) || (!ref && name)) &&
			(!at || pairs_get(&entry->annotations, REF_VERIFIED)))
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
