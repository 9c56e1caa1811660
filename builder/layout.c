/* Reading trusts nothing but bytes whose digest matches. */
#include "builder/layout.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "spec/image_manifest.h"

#define LAYOUT_FILE_MAX 4096u

static int make_place(int directory_fd, const char *name, struct error *err)
{
	if (mkdirat(directory_fd, name, 0755) < 0 && errno != EEXIST)
		return fail_errno(err, "making %s", name);
	return 0;
}

int layout_make(int directory_fd, struct error *err)
{
	static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
	struct file_replace_options replace = { .mode = 0644 };

	return make_place(directory_fd, "blobs", err) < 0 ||
			       make_place(directory_fd, LAYOUT_BLOBS, err) < 0 ||
			       file_replace_at(directory_fd, "oci-layout", layout,
				       sizeof(layout) - 1, replace, err) < 0
		       ? -1
		       : 0;
}

char *layout_blob_name(const struct digest *digest)
{
	return str_format(LAYOUT_BLOBS "/%s", digest->hex);
}

int layout_digest(
	const struct image_descriptor *descriptor, struct digest *ret, struct error *err)
{
	if (!digest_parse(descriptor->digest, ret))
		return fail(err, "the digest %s is not sha256", descriptor->digest);
	return 0;
}

int layout_open(int directory_fd, const char *name, int *ret_fd, struct error *err)
{
	struct stat stat;
	auto_fd fd = -1;

	if (path_open_in_root(directory_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0,
		    &fd, err) < 0)
		return -1;
	if (fstat(fd, &stat) < 0)
		return fail_errno(err, "looking at %s", name);
	if (!S_ISREG(stat.st_mode))
		return fail(err, "%s is no regular file", name);
	*ret_fd = take_fd(&fd);
	return 0;
}

int layout_read_file(int directory_fd, const char *name, size_t limit, char **ret,
	size_t *ret_length, struct error *err)
{
	struct fd_read_options read = { .limit = limit, .regular_only = true };
	auto_fd fd = -1;

	return layout_open(directory_fd, name, &fd, err) < 0
		       ? -1
		       : fd_read_all(fd, name, read, ret, ret_length, err);
}

struct layout_file {
	char *version;
};

static const struct json_field layout_fields[] = {
	JSON_STRING(struct layout_file, version, "imageLayoutVersion", .required = true),
	JSON_END,
};
static const struct json_type layout_type = JSON_TYPE(struct layout_file, layout_fields);

int layout_check(int directory_fd, struct error *err)
{
	struct json_options options = { .name = "oci-layout" };
	struct layout_file file = { 0 };
	auto_free char *text = NULL;
	size_t length = 0;
	int result = 0;

	if (layout_read_file(
		    directory_fd, "oci-layout", LAYOUT_FILE_MAX, &text, &length, err) < 0)
		return err->errnum == ENOENT
			       ? fail_hint(err, "is this an OCI image layout?")
			       : -1;
	if (json_read(&layout_type, &file, text, length, &options, err) < 0)
		return -1;
	if (!str_after(file.version, "1."))
		result =
			fail(err, "oci-layout: the version \"%s\" is not known; 1.0.0 is",
				file.version);
	json_free(&layout_type, &file);
	return result;
}

int layout_read_text(int directory_fd, const struct image_descriptor *descriptor,
	char **ret, size_t *ret_length, struct error *err)
{
	struct fd_read_options read = { .limit = LAYOUT_DOCUMENT_MAX,
		.regular_only = true };
	auto_free char *name = NULL;
	auto_free char *text = NULL;
	struct digest digest;
	size_t length = 0;
	auto_fd fd = -1;

	if (layout_digest(descriptor, &digest, err) < 0)
		return -1;
	name = layout_blob_name(&digest);
	if (layout_open(directory_fd, name, &fd, err) < 0 ||
		fd_read_all(fd, name, read, &text, &length, err) < 0)
		return -1;
	if (length != descriptor->size ||
		strcmp(digest_of(text, length).hex, digest.hex) != 0)
		return fail(err, "%s: its bytes are not what its descriptor says", name);
	*ret = take_ptr(&text);
	*ret_length = length;
	return 0;
}

int layout_read(int directory_fd, const struct image_descriptor *descriptor,
	const struct json_type *type, void *object, struct error *err)
{
	struct json_options options = { .name = descriptor->digest, .any_case = true };
	auto_free char *text = NULL;
	enum image_document kind;
	size_t length = 0;

	if (layout_read_text(directory_fd, descriptor, &text, &length, err) < 0)
		return -1;
	if ((type == &image_manifest_type || type == &image_index_type) &&
		image_document_kind(text, length, descriptor->digest,
			descriptor->media_type, &kind, err) < 0)
		return -1;
	return json_read(type, object, text, length, &options, err);
}

int layout_put(int directory_fd, const char *text, size_t length, struct digest *ret,
	struct error *err)
{
	struct file_replace_options replace = { .mode = 0644 };
	auto_free char *name = NULL;

	*ret = digest_of(text, length);
	name = layout_blob_name(ret);
	return file_replace_at(directory_fd, name, text, length, replace, err);
}

void layout_describe(struct image_descriptor *ret, const char *media_type,
	const struct digest *digest, uint64_t size)
{
	*ret = (struct image_descriptor){
		.media_type = str_dup(media_type),
		.digest = str_format(DIGEST_PREFIX "%s", digest->hex),
		.size = size,
	};
}

/* A layout that has no index.json yet has no images. */
static int read_index(int directory_fd, struct image_index *ret, struct error *err)
{
	struct json_options options = { .name = "index.json" };
	struct error first = { 0 };

	if (json_read_file(&image_index_type, ret, directory_fd, "index.json", &options,
		    &first) == 0)
		return 0;
	if (first.errnum != ENOENT) {
		*err = first;
		return -1;
	}
	ret->schema_version = 2;
	return 0;
}

static struct image_descriptor *place_of(
	struct image_index *index, const struct image_descriptor *entry)
{
	const char *name = pairs_get(&entry->annotations, IMAGE_REF_NAME);

	for (size_t i = 0; name && i < index->manifests_count; i++) {
		struct image_descriptor *other = &index->manifests[i];

		if (!str_equal(pairs_get(&other->annotations, IMAGE_REF_NAME), name))
			continue;
		json_free(&image_descriptor_type, other);
		return other;
	}
	index->manifests = str_realloc(
		index->manifests, index->manifests_count + 1, sizeof(*index->manifests));
	index->manifests[index->manifests_count] = (struct image_descriptor){ 0 };
	return &index->manifests[index->manifests_count++];
}

static int add_entry(struct image_index *index, const struct image_descriptor *entry,
	struct error *err)
{
	return json_copy(&image_descriptor_type, place_of(index, entry), entry, err);
}

static int write_index(
	int directory_fd, const struct image_index *index, struct error *err)
{
	struct json_write_options pretty = { .pretty = true };
	struct file_replace_options replace = { .mode = 0644 };
	auto_str text = { 0 };

	json_write(&text, &image_index_type, index, pretty);
	return file_replace_at(
		directory_fd, "index.json", text.data, text.length, replace, err);
}

int layout_add(int directory_fd, const struct image_descriptor *entry, struct error *err)
{
	auto_image_index index = { 0 };

	return read_index(directory_fd, &index, err) < 0 ||
			       add_entry(&index, entry, err) < 0
		       ? -1
		       : write_index(directory_fd, &index, err);
}

int layout_merge_index(int from_fd, int to_fd, struct error *err)
{
	auto_image_index from = { 0 };
	auto_image_index to = { 0 };

	if (read_index(from_fd, &from, err) < 0 || read_index(to_fd, &to, err) < 0)
		return -1;
	for (size_t i = 0; i < from.manifests_count; i++) {
		if (add_entry(&to, &from.manifests[i], err) < 0)
			return -1;
	}
	return write_index(to_fd, &to, err);
}
