/* leases/HEX, named by the digest of the bundle's path. */
#include "builder/store/lease.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/path.h"

struct lease {
	char *bundle;
	struct strings layers;
};

static const struct json_field lease_fields[] = {
	JSON_STRING(struct lease, bundle, "bundle", .required = true),
	JSON_STRINGS(struct lease, layers, "layers"),
	JSON_END,
};
static const struct json_type lease_type = JSON_TYPE(struct lease, lease_fields);

static void lease_free(struct lease *lease)
{
	json_free(&lease_type, lease);
}

#define auto_lease __attribute__((cleanup(lease_free))) struct lease

int lease_take(const struct store *store, const char *bundle, const struct image *image,
	struct error *err)
{
	struct file_replace_options replace = { .mode = 0644 };
	struct json_write_options options = { 0 };
	struct digest name = digest_of(bundle, strlen(bundle));
	auto_lease lease = { .bundle = str_dup(bundle) };
	auto_str text = { 0 };

	for (size_t i = 0; i < image->layers_count; i++)
		strings_add(&lease.layers, image->layers[i].key);
	json_write(&text, &lease_type, &lease, options);
	return file_replace_at(
		store->leases_fd, name.hex, text.data, text.length, replace, err);
}

void lease_end(const struct store *store, const char *bundle)
{
	struct digest name = digest_of(bundle, strlen(bundle));

	(void)unlinkat(store->leases_fd, name.hex, 0); /* it may have none */
}

static int collect_one(const struct store *store, const char *name,
	struct strings *ret_keys, struct error *err)
{
	struct json_options options = { 0 };
	auto_free char *config = NULL;
	auto_lease lease = { 0 };

	if (json_read_file(&lease_type, &lease, store->leases_fd, name, &options, err) <
		0)
		return err->errnum == ENOENT ? 0 : -1;
	config = path_join(lease.bundle, "config.json");
	if (access(config, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		(void)unlinkat(store->leases_fd, name, 0); /* tried again next time */
		return 0;
	}
	strings_copy(ret_keys, &lease.layers);
	return 0;
}

int lease_collect(const struct store *store, struct strings *ret_keys, struct error *err)
{
	auto_strings names = { 0 };

	if (path_names(store->leases_fd, "leases", &names, err) < 0)
		return -1;
	strings_each (name, &names) {
		if (digest_is_hex(*name) && collect_one(store, *name, ret_keys, err) < 0)
			return -1;
	}
	return 0;
}
