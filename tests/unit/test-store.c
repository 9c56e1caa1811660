/* builder/store/: the layout, blobs, names, sessions, layers, leases, prune. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "builder/store/image.h"
#include "builder/store/layer.h"
#include "builder/store/lease.h"
#include "builder/store/prune.h"
#include "builder/store/refs.h"
#include "builder/store/session.h"
#include "builder/store/store.h"
#include "tests/unit/test.h"

static struct error err;

static char *make_place(void)
{
	char name[] = "/tmp/mocker-test-store.XXXXXX";

	if (!mkdtemp(name))
		abort();
	return str_dup(name);
}

static void open_store(const char *place, struct store *store)
{
	*store = (struct store)STORE_CLOSED;
	CHECK_OK(store_open(place, LOCK_SH, store, &err), &err);
}

static void close_store(char *place, struct store *store)
{
	store_close(store);
	CHECK_OK(path_remove_tree(AT_FDCWD, place, &err), &err);
	free(place);
}

static void is_a_layout(void)
{
	char *place = make_place();
	auto_free char *text = NULL;
	struct store store;

	open_store(place, &store);
	CHECK_OK(file_read_at(store.root_fd, "oci-layout", 100, &text, NULL, &err), &err);
	CHECK_STR(text, "{\"imageLayoutVersion\":\"1.0.0\"}\n");
	close_store(place, &store);
}

static void path_must_fit_overlayfs(void)
{
	char *place = make_place();
	auto_free char *bad = path_join(place, "a:b");
	struct store store = STORE_CLOSED;

	CHECK_FAILS(store_open(bad, LOCK_SH, &store, &err), &err, "characters : , \\");
	CHECK_OK(path_remove_tree(AT_FDCWD, place, &err), &err);
	free(place);
}

static void lock_excludes(void)
{
	char *place = make_place();
	struct store store;
	struct store other = STORE_CLOSED;

	open_store(place, &store);
	CHECK_FAILS(store_open(place, LOCK_EX, &other, &err), &err, "in use by a build");
	CHECK_INT(err.errnum, EWOULDBLOCK);
	close_store(place, &store);
}

static void blobs_are_checked(void)
{
	char *place = make_place();
	auto_free char *text = NULL;
	auto_free char *path = NULL;
	struct store store;
	struct digest digest;

	open_store(place, &store);
	CHECK_OK(store_put_blob(&store, "hello", 5, &digest, &err), &err);
	CHECK_STR(digest.hex,
		"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
	CHECK_OK(store_get_blob(&store, &digest, &text, NULL, &err), &err);
	CHECK_STR(text, "hello");
	path = str_format("%s/blobs/sha256/%s", place, digest.hex);
	CHECK_INT(truncate(path, 4), 0);
	free(take_ptr(&text));
	CHECK_FAILS(
		store_get_blob(&store, &digest, &text, NULL, &err), &err, "is damaged");
	close_store(place, &store);
}

#define DIGITS_16 "0123456789abcdef"
#define DIGITS_64 DIGITS_16 DIGITS_16 DIGITS_16 DIGITS_16
#define TAG_128   DIGITS_64 DIGITS_64

static void names_are_normalized(void)
{
	static const struct {
		const char *text;
		const char *name; /* NULL: refused */
	} table[] = {
		{ "img1", "img1:latest" },
		{ "a/b:1.0", "a/b:1.0" },
		{ "host:5000/x", "host:5000/x:latest" },
		{ "host:5000/x:V2", "host:5000/x:V2" },
		{ "docker.io/library/x:1", "x:1" },
		{ "docker.io/x:1", "x:1" },
		{ "index.docker.io/x", "x:latest" },
		{ "index.docker.io/library/x", "x:latest" },
		{ "library/x", "x:latest" },
		{ "docker.io/a/x", "a/x:latest" },
		{ "library/a/x", "library/a/x:latest" },
		{ "docker.io/a.b/x", "docker.io/a.b/x:latest" }, /* a.b would be a host */
		{ "quay.io/library/x", "quay.io/library/x:latest" },
		{ "localhost/x", "localhost/x:latest" },
		{ "[::1]:5000/x", "[::1]:5000/x:latest" },
		{ "[fe80::1]/x:1", "[fe80::1]/x:1" },
		{ "HOST.io/x", "HOST.io/x:latest" },
		{ "HOST/x", "HOST/x:latest" },
		{ "host:65535/x", "host:65535/x:latest" },
		{ "a--b/c__d/e.f_g", "a--b/c__d/e.f_g:latest" },
		{ "a:_x", "a:_x" },
		{ "0123456789abcdef", "0123456789abcdef:latest" },
		{ "a:" TAG_128, "a:" TAG_128 },
		{ "", NULL },
		{ "Upper", NULL },
		{ "a/Upper", NULL },
		{ "-x", NULL },
		{ "x-", NULL },
		{ "a b", NULL },
		{ "a//b", NULL },
		{ "a/../b", NULL },
		{ "a..b", NULL },
		{ "a___b", NULL },
		{ "a._b", NULL },
		{ "a-_b", NULL },
		{ "a:", NULL },
		{ "a:b:c", NULL },
		{ "a:.x", NULL },
		{ "a:-x", NULL },
		{ "a:" TAG_128 "x", NULL },
		{ "a/", NULL },
		{ "a.b:._x", NULL },
		{ "host:99999/a", NULL },
		{ "host:65536/a", NULL },
		{ "host:/a", NULL },
		{ "host-:1/a", NULL },
		{ "a_b:1/a", NULL },
		{ "[::1/x", NULL },
		{ "[]:1/x", NULL },
		{ "scratch", NULL },
		{ "docker.io/library/scratch", NULL },
		{ "sha256:1234", NULL },
		{ "docker.io/sha256:1234", NULL },
		{ DIGITS_64, NULL },
		{ DIGITS_64 ":1", NULL },
		{ "a@sha256:" DIGITS_64, NULL },
		{ "a:1@sha256:" DIGITS_64, NULL },
		{ "a@sha256:12", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		auto_free char *name = NULL;

		if (table[i].name) {
			CHECK_OK(ref_normalize(table[i].text, &name, &err), &err);
			CHECK_STR(name, table[i].name);
		} else {
			CHECK_FAILS(ref_normalize(table[i].text, &name, &err), &err,
				"image name");
		}
	}
}

static struct digest save_image(const struct store *store, const char *label)
{
	auto_image image = { 0 };
	struct digest id = { 0 };
	uint64_t size = 0;

	image_init(&image);
	pairs_set(&image.config.config.labels, "label", label);
	CHECK_OK(image_save(store, &image, &id, &size, &err), &err);
	return id;
}

static void names_are_found(void)
{
	char *place = make_place();
	auto_free char *prefix = NULL;
	struct store store;
	struct digest one, two, found;

	open_store(place, &store);
	one = save_image(&store, "one");
	two = save_image(&store, "two");
	CHECK_OK(refs_set(&store, "a:latest", &one, 1, &err), &err);
	CHECK_OK(refs_set(&store, "b:latest", &two, 1, &err), &err);
	CHECK_OK(refs_find(&store, "a", &found, &err), &err);
	CHECK_STR(found.hex, one.hex);
	prefix = str_dup_n(two.hex, 12);
	CHECK_OK(refs_find(&store, prefix, &found, &err), &err);
	CHECK_STR(found.hex, two.hex);
	CHECK_FAILS(refs_find(&store, "c", &found, &err), &err, "no image \"c\"");
	CHECK_INT(err.errnum, ENOENT);
	close_store(place, &store);
}

/* An entry as an older version or somebody else left it. */
static void add_raw(const struct store *store, const char *name, const struct digest *id)
{
	struct json_options options = { .name = "index.json" };
	struct json_write_options compact = { 0 };
	struct file_replace_options replace = { .mode = 0644 };
	auto_image_index index = { 0 };
	auto_str text = { 0 };
	struct image_descriptor *entry;

	CHECK_OK(json_read_file(&image_index_type, &index, store->root_fd, "index.json",
			 &options, &err),
		&err);
	index.manifests = str_realloc(
		index.manifests, index.manifests_count + 1, sizeof(*index.manifests));
	entry = &index.manifests[index.manifests_count++];
	*entry = (struct image_descriptor){
		.media_type = str_dup(IMAGE_MEDIA_RECORD),
		.digest = str_format(DIGEST_PREFIX "%s", id->hex),
		.size = 1,
	};
	pairs_set(&entry->annotations, IMAGE_REF_NAME, name);
	json_write(&text, &image_index_type, &index, compact);
	CHECK_OK(file_replace_at(store->root_fd, "index.json", text.data, text.length,
			 replace, &err),
		&err);
}

static void digests_are_content(void)
{
	static const char pin[] = "victim@sha256:" DIGITS_64;
	char *place = make_place();
	struct store store;
	struct digest bad, good, found, one;
	auto_image image = { 0 };
	uint64_t size = 0;

	open_store(place, &store);
	one = save_image(&store, "one");
	bad = save_image(&store, "bad");
	CHECK_OK(refs_set(&store, "a:latest", &one, 1, &err), &err);
	add_raw(&store, pin, &bad);
	CHECK_FAILS(refs_find(&store, pin, &found, &err), &err, "no image");
	CHECK_INT(err.errnum, ENOENT);

	/* What a pull verified, the same image even, is found by whatever name. */
	CHECK_OK(refs_set(&store, pin, &bad, 1, &err), &err);
	CHECK_OK(refs_find(&store, "other:1@sha256:" DIGITS_64, &found, &err), &err);
	CHECK_STR(found.hex, bad.hex);

	image_init(&image);
	image.manifest = str_alloc(sizeof(*image.manifest));
	image.manifest->media_type = str_dup(IMAGE_MEDIA_MANIFEST);
	image.manifest->digest = str_format(DIGEST_PREFIX "%064d", 1);
	image.manifest->size = 1;
	CHECK_OK(image_save(&store, &image, &good, &size, &err), &err);
	CHECK_OK(refs_set(&store, "b:latest", &good, 1, &err), &err);
	{
		auto_free char *text = str_format("b@" DIGEST_PREFIX "%064d", 1);

		CHECK_OK(refs_find(&store, text, &found, &err), &err);
		CHECK_STR(found.hex, good.hex);
	}
	close_store(place, &store);
}

static void names_are_no_ids(void)
{
	char *place = make_place();
	auto_free char *whole = NULL;
	auto_free char *listed = NULL;
	auto_free char *few = NULL;
	auto_free char *tagged = NULL;
	auto_free char *called = NULL;
	struct store store;
	struct digest one, two, found;

	open_store(place, &store);
	one = save_image(&store, "one");
	two = save_image(&store, "two");
	CHECK_OK(refs_set(&store, NULL, &one, 1, &err), &err);
	whole = str_format("%s:latest", one.hex);
	listed = str_dup_n(one.hex, 12);
	few = str_dup_n(one.hex, 11);
	tagged = str_format("%s:latest", listed);
	add_raw(&store, whole, &two);
	CHECK_OK(refs_set(&store, tagged, &two, 1, &err), &err);
	CHECK_OK(refs_find(&store, one.hex, &found, &err), &err);
	CHECK_STR(found.hex, one.hex);
	CHECK_OK(refs_find(&store, listed, &found, &err), &err);
	CHECK_STR(found.hex, one.hex);
	CHECK_OK(refs_find(&store, tagged, &found, &err), &err);
	CHECK_STR(found.hex, two.hex);
	called = str_format("%s:latest", few);
	CHECK_OK(refs_set(&store, called, &two, 1, &err), &err);
	CHECK_OK(refs_find(&store, few, &found, &err), &err);
	CHECK_STR(found.hex, two.hex);
	close_store(place, &store);
}

static void old_names_are_read(void)
{
	char *place = make_place();
	struct store store;
	struct digest one, two, found;
	bool last = false;

	open_store(place, &store);
	one = save_image(&store, "one");
	two = save_image(&store, "two");
	CHECK_OK(refs_set(&store, "y:1", &one, 1, &err), &err);
	add_raw(&store, "docker.io/library/x:1", &one);
	add_raw(&store, "docker.io/y:1", &two);
	add_raw(&store, "a..b:latest", &two);
	CHECK_OK(refs_find(&store, "x:1", &found, &err), &err);
	CHECK_STR(found.hex, one.hex);
	CHECK_OK(refs_find(&store, "docker.io/library/x:1", &found, &err), &err);
	CHECK_OK(refs_find(&store, "docker.io/y:1", &found, &err), &err);
	CHECK_STR(found.hex, one.hex);
	CHECK_FAILS(refs_find(&store, "a..b", &found, &err), &err, "image name");
	CHECK_OK(refs_set(&store, "x:1", &two, 1, &err), &err);
	CHECK_OK(refs_remove_name(&store, "x:1", &found, &last, &err), &err);
	CHECK_STR(found.hex, two.hex);
	CHECK_OK(refs_remove_name(&store, "a..b:latest", &found, &last, &err), &err);
	CHECK_OK(refs_remove_name(&store, "docker.io/y:1", &found, &last, &err), &err);
	CHECK(last);
	CHECK_FAILS(refs_find(&store, "x:1", &found, &err), &err, "no image");
	close_store(place, &store);
}

static void name_moves(void)
{
	char *place = make_place();
	struct store store;
	struct digest one, two, found;
	bool last = false;

	open_store(place, &store);
	one = save_image(&store, "one");
	two = save_image(&store, "two");
	CHECK_OK(refs_set(&store, NULL, &one, 1, &err), &err);
	CHECK_OK(refs_set(&store, "a:latest", &one, 1, &err), &err);
	CHECK_OK(refs_set(&store, "a:latest", &two, 1, &err), &err);
	CHECK_OK(refs_find(&store, "a", &found, &err), &err);
	CHECK_STR(found.hex, two.hex);
	CHECK_OK(refs_remove_name(&store, "a:latest", &found, &last, &err), &err);
	CHECK(last);
	CHECK_FAILS(refs_remove_name(&store, "a:latest", &found, &last, &err), &err,
		"no image");
	close_store(place, &store);
}

static void image_comes_back(void)
{
	char *place = make_place();
	struct store store;
	struct digest id, again;
	auto_image image = { 0 };
	auto_image loaded = { 0 };
	uint64_t size = 0;

	open_store(place, &store);
	image_init(&image);
	image.on_host = true;
	strings_add(&image.config.config.cmd, "sh");
	image_add_layer(&image,
		"0000000000000000000000000000000000000000000000000000000000000001", 42);
	image_add_history(&image, "2020-01-01T00:00:00Z", "RUN x", false);
	CHECK_OK(image_save(&store, &image, &id, &size, &err), &err);
	CHECK_OK(image_load(&store, &id, &loaded, &err), &err);
	CHECK(loaded.on_host);
	CHECK_STR(loaded.config.config.cmd.items[0], "sh");
	CHECK_INT(image_size(&loaded), 42);
	CHECK_OK(image_save(&store, &loaded, &again, &size, &err), &err);
	CHECK_STR(again.hex, id.hex);
	close_store(place, &store);
}

static void foreign_keys_are_refused(void)
{
	char *place = make_place();
	struct store store;
	struct digest id;
	auto_image image = { 0 };
	auto_image loaded = { 0 };
	uint64_t size = 0;

	open_store(place, &store);
	image_init(&image);
	image_add_layer(&image, "../../../etc", 0);
	CHECK_OK(image_save(&store, &image, &id, &size, &err), &err);
	CHECK_FAILS(image_load(&store, &id, &loaded, &err), &err, "has the key");
	close_store(place, &store);
}

static void make_layer(
	struct session *session, char digit, const char *below, char *ret_key)
{
	struct layer_draft draft = LAYER_DRAFT_NONE;
	auto_layer_info info = { .created = str_dup("2020-01-01T00:00:00Z") };
	auto_free char *file = NULL;
	auto_fd fd = -1;

	memset(ret_key, digit, 64);
	ret_key[64] = '\0';
	CHECK_OK(layer_begin(session, below, &draft, &err), &err);
	file = path_join(draft.fs, "file");
	fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	CHECK_OK(fd_write_all(fd, "12345", 5), &err);
	CHECK_OK(layer_commit(session, &draft, ret_key, &info, &err), &err);
	CHECK_INT(info.size, 5);
	CHECK_INT(draft.fd, -1);
}

static void layers_are_committed(void)
{
	char *place = make_place();
	struct store store;
	struct session session = SESSION_NONE;
	struct layer_info info = { 0 };
	char key[65], above[65];
	auto_free char *path = NULL;

	open_store(place, &store);
	CHECK_OK(session_begin(&store, &session, &err), &err);
	make_layer(&session, 'a', NULL, key);
	make_layer(&session, 'a', NULL, key); /* another build was first */
	make_layer(&session, 'b', key, above);
	CHECK_OK(layer_find(&store, key, &info, &err), &err);
	CHECK_INT(info.size, 5);
	layer_info_free(&info);
	session_end(&session);
	path = path_join(place, "temp");
	CHECK_INT(rmdir(path), 0); /* nothing is left in it */
	CHECK_INT(mkdir(path, 0700), 0);
	close_store(place, &store);
}

static void dead_sessions_are_swept(void)
{
	char *place = make_place();
	struct store store;
	struct session alive = SESSION_NONE;
	unsigned int removed = 0;
	pid_t pid;

	open_store(place, &store);
	pid = fork();
	if (pid == 0) {
		struct session dead = SESSION_NONE;

		_exit(session_begin(&store, &dead, &err) < 0);
	}
	CHECK_INT(waitpid(pid, NULL, 0), pid);
	CHECK_OK(session_begin(&store, &alive, &err), &err); /* sweeps the dead one */
	CHECK_OK(session_sweep(&store, &removed, &err), &err);
	CHECK_INT(removed, 0);
	CHECK_INT(faccessat(store.temp_fd, alive.name, F_OK, 0), 0);
	session_end(&alive);
	close_store(place, &store);
}

static void prune_keeps_what_is_used(void)
{
	char *place = make_place();
	auto_free char *bundle = path_join(place, "bundle");
	auto_free char *config = path_join(bundle, "config.json");
	struct store store;
	struct session session = SESSION_NONE;
	struct prune_options options = { 0 };
	struct pruned pruned = { 0 };
	struct layer_info info = { 0 };
	auto_image image = { 0 };
	auto_image leased = { 0 };
	struct digest id;
	uint64_t size = 0;
	char used[65], held[65], unused[65];

	open_store(place, &store);
	CHECK_OK(session_begin(&store, &session, &err), &err);
	make_layer(&session, 'a', NULL, used);
	make_layer(&session, 'b', NULL, held);
	make_layer(&session, 'c', NULL, unused);
	session_end(&session);
	image_init(&image);
	image_add_layer(&image, used, 5);
	CHECK_OK(image_save(&store, &image, &id, &size, &err), &err);
	CHECK_OK(refs_set(&store, "a:latest", &id, size, &err), &err);
	image_add_layer(&leased, held, 5);
	CHECK_INT(mkdir(bundle, 0700), 0);
	close(open(config, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	CHECK_OK(lease_take(&store, bundle, &leased, &err), &err);

	CHECK_OK(store_prune(&store, &options, &pruned, &err), &err);
	CHECK_INT(pruned.layers, 1);
	CHECK_INT(pruned.bytes, 5);
	CHECK_OK(layer_find(&store, used, &info, &err), &err);
	layer_info_free(&info);
	CHECK_FAILS(layer_find(&store, unused, &info, &err), &err, "layer.json");

	CHECK_INT(unlink(config), 0); /* the bundle goes, and its lease with it */
	CHECK_OK(store_prune(&store, &options, &pruned, &err), &err);
	CHECK_INT(pruned.layers, 1);
	close_store(place, &store);
}

static const struct test tests[] = {
	{ "a store is an OCI image layout", is_a_layout },
	{ "a path that overlayfs cannot take is refused", path_must_fit_overlayfs },
	{ "who removes layers does not run beside who uses them", lock_excludes },
	{ "a blob is checked against its digest", blobs_are_checked },
	{ "names are completed, or refused", names_are_normalized },
	{ "images are found by name and by the beginning of their ID", names_are_found },
	{ "a digest is content that was verified, not a name", digests_are_content },
	{ "no name hides an image from its ID", names_are_no_ids },
	{ "names of older versions are read, and can go", old_names_are_read },
	{ "a name moves to its new image", name_moves },
	{ "an image comes back as it was saved", image_comes_back },
	{ "a layer key that is a path is refused", foreign_keys_are_refused },
	{ "layers are committed as a whole, the first one stays", layers_are_committed },
	{ "what a dead process left is swept, a living one's is not",
		dead_sessions_are_swept },
	{ "prune keeps the layers of images and of bundles", prune_keeps_what_is_used },
};

TEST_MAIN(tests)
