/*
 * Mounts: those that every container has, those that the request asks for, and a
 * directory of the bundle for each VOLUME of the image (bundle_volume_name() in rootfs.h
 * says which).
 */
#include "builder/bundle/config.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/str.h"
#include "builder/bundle/rootfs.h"

struct default_mount {
	const char *destination;
	const char *type;
	const char *source;
	const char *options;
	bool not_for_steps;
};

static const struct default_mount default_mounts[] = {
	{ "/proc", "proc", "proc", "nosuid,noexec,nodev", false },
	{ "/dev", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k", false },
	{ "/dev/pts", "devpts", "devpts",
		"nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5", false },
	{ "/dev/shm", "tmpfs", "shm", "nosuid,noexec,nodev,mode=1777,size=65536k",
		false },
	{ "/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev", true },
	{ "/sys", "sysfs", "sysfs", "nosuid,noexec,nodev,ro", false },
	{ "/sys/fs/cgroup", "cgroup", "cgroup", "nosuid,noexec,nodev,relatime,ro", true },
};

struct oci_mount *bundle_add_mount(struct oci_config *config, const char *destination,
	const char *type, const char *source, const char *options)
{
	struct oci_mount *mount;

	config->mounts = str_realloc(
		config->mounts, config->mounts_count + 1, sizeof(*config->mounts));
	mount = &config->mounts[config->mounts_count++];
	*mount = (struct oci_mount){
		.destination = str_dup(destination),
		.type = str_dup(type),
		.source = str_dup(source),
	};
	strings_split(&mount->options, options, ',');
	return mount;
}

static void replace_option(struct oci_mount *mount, const char *from, const char *to)
{
	strings_each (item, &mount->options) {
		if (strcmp(*item, from) != 0)
			continue;
		free(*item);
		*item = str_dup(to);
	}
}

static void add_defaults(const struct bundle_request *request, struct oci_config *config)
{
	for (size_t i = 0; i < ARRAY_SIZE(default_mounts); i++) {
		const struct default_mount *mount = &default_mounts[i];
		struct oci_mount *added;

		if (mount->not_for_steps && request->for_step)
			continue;
		added = bundle_add_mount(config, mount->destination, mount->type,
			mount->source, mount->options);
		if (request->privileged)
			replace_option(added, "ro", "rw");
		if (request->has_shm_size && strcmp(mount->destination, "/dev/shm") == 0)
			strings_addf(&added->options, "size=%" PRId64, request->shm_size);
	}
}

static int check_destination(const char *option, const char *path, struct error *err)
{
	if (!path || *path != '/' || strcmp(path, "/") == 0)
		return fail(err,
			"%s: expected an absolute path in the container that is not \"/\"",
			option);
	return 0;
}

/* A relative source is the caller's; the bundle says it absolutely. */
static int resolve_source(
	const char *option, const char *source, char **ret, struct error *err)
{
	char *path = realpath(source, NULL);

	if (!path)
		return fail_errno(err, "%s: the source %s", option, source);
	*ret = path;
	return 0;
}

/* Of what concerns the whole file system only the words that ask for nothing. */
static bool binds_take(const struct mount_option *option)
{
	return option && option->kind != MOUNT_OPTION_REMOUNT &&
	       option->kind != MOUNT_OPTION_COPY_UP &&
	       (option->kind != MOUNT_OPTION_SUPERBLOCK || option->clear);
}

/* What a bind mount takes, beside the words that engines have for labels and owners. */
static int add_bind_options(
	struct oci_mount *mount, const char *option, const char *list, struct error *err)
{
	auto_strings words = { 0 };

	strings_split(&words, list, ',');
	strings_each (word, &words) {
		if ((strcmp(*word, "z") == 0 || strcmp(*word, "Z") == 0) &&
			access("/sys/fs/selinux", F_OK) < 0)
			continue; /* nothing is labelled here */
		if (!binds_take(mount_option_find(*word)))
			return fail(err,
				"%s: a bind mount takes no option \"%s\"; usual are ro, rw, "
				"nosuid, nodev, noexec, rprivate, rslave and rshared",
				option, *word);
		strings_add(&mount->options, *word);
	}
	return 0;
}

static int add_tmpfs_options(
	struct oci_mount *mount, const char *option, const char *list, struct error *err)
{
	static const char *const own[] = { "size=", "nr_blocks=", "nr_inodes=", "mode=",
		"uid=", "gid=", "huge=", "mpol=", "inode32", "inode64", "noswap" };
	auto_strings words = { 0 };

	strings_split(&words, list, ',');
	strings_each (word, &words) {
		const struct mount_option *known = mount_option_find(*word);
		bool takes = known && known->kind != MOUNT_OPTION_BIND &&
			     known->kind != MOUNT_OPTION_REMOUNT;

		for (size_t i = 0; !takes && i < ARRAY_SIZE(own); i++)
			takes = str_after(*word, own[i]);
		if (!takes)
			return fail(err,
				"%s: a tmpfs takes no option \"%s\"; usual are size=BYTES, "
				"mode=MODE, uid=ID, gid=ID, ro and noexec",
				option, *word);
		strings_add(&mount->options, *word);
	}
	return 0;
}

static int add_bind(struct oci_config *config, const char *option, const char *source,
	const char *destination, const char *options, struct error *err)
{
	auto_free char *path = NULL;
	struct oci_mount *mount;

	if (check_destination(option, destination, err) < 0 ||
		resolve_source(option, source, &path, err) < 0)
		return -1;
	mount = bundle_add_mount(config, destination, "bind", path, "rbind,rprivate");
	return add_bind_options(mount, option, options, err);
}

/* SOURCE:DESTINATION[:OPTIONS] */
static int add_volume(struct oci_config *config, const char *text, struct error *err)
{
	auto_free char *option = str_format("--volume %s", text);
	auto_strings parts = { 0 };

	strings_split(&parts, text, ':');
	if (parts.count < 2 || parts.count > 3)
		return fail(err, "%s: expected SOURCE:DESTINATION[:OPTIONS]", option);
	if (!strchr(parts.items[0], '/'))
		return fail(err,
			"%s: the source is a directory of the host: give its path, or ./%s "
			"for one here",
			option, parts.items[0]);
	return add_bind(config, option, parts.items[0], parts.items[1],
		parts.count == 3 ? parts.items[2] : "", err);
}

/* PATH[:OPTIONS] */
static int add_tmpfs(struct oci_config *config, const char *text, struct error *err)
{
	auto_free char *option = str_format("--tmpfs %s", text);
	const char *colon = strchr(text, ':');
	auto_free char *path =
		colon ? str_dup_n(text, (size_t)(colon - text)) : str_dup(text);
	struct oci_mount *mount;

	if (check_destination(option, path, err) < 0)
		return -1;
	mount = bundle_add_mount(config, path, "tmpfs", "tmpfs", "nosuid,nodev");
	return add_tmpfs_options(mount, option, colon ? colon + 1 : "", err);
}

/* The words of --mount, borrowed from the list that was split. */
struct mount_words {
	const char *type;
	const char *source;
	const char *destination;
	const char *size;
	const char *mode;
	const char *propagation;
	bool read_only;
};

static int read_flag(const char *option, const char *value, bool *ret, struct error *err)
{
	if (!value || strcmp(value, "true") == 0 || strcmp(value, "1") == 0)
		*ret = true;
	else if (strcmp(value, "false") == 0 || strcmp(value, "0") == 0)
		*ret = false;
	else
		return fail(
			err, "%s: expected true or false, found \"%s\"", option, value);
	return 0;
}

static int read_word(
	const char *option, char *word, struct mount_words *words, struct error *err)
{
	const struct {
		const char *name;
		const char **value;
	} table[] = {
		{ "type", &words->type },
		{ "source", &words->source },
		{ "src", &words->source },
		{ "target", &words->destination },
		{ "destination", &words->destination },
		{ "dst", &words->destination },
		{ "tmpfs-size", &words->size },
		{ "tmpfs-mode", &words->mode },
		{ "bind-propagation", &words->propagation },
	};
	char *value = strchr(word, '=');

	if (value)
		*value++ = '\0';
	if (strcmp(word, "readonly") == 0 || strcmp(word, "ro") == 0)
		return read_flag(option, value, &words->read_only, err);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (strcmp(word, table[i].name) != 0)
			continue;
		if (!value || !*value)
			return fail(err, "%s: %s needs a value", option, word);
		*table[i].value = value;
		return 0;
	}
	return fail(err,
		"%s: \"%s\" is not known; expected type, source, target, readonly, "
		"bind-propagation, tmpfs-size or tmpfs-mode",
		option, word);
}

static int add_words(struct oci_config *config, const char *option,
	const struct mount_words *words, struct error *err)
{
	auto_strings options = { 0 };
	auto_free char *joined = NULL;
	struct oci_mount *mount;

	if (words->read_only)
		strings_add(&options, "ro");
	if (words->propagation)
		strings_add(&options, words->propagation);
	if (words->size)
		strings_addf(&options, "size=%s", words->size);
	if (words->mode)
		strings_addf(&options, "mode=%s", words->mode);
	joined = strings_join(&options, ",");
	if (str_equal(words->type, "tmpfs")) {
		if (check_destination(option, words->destination, err) < 0)
			return -1;
		mount = bundle_add_mount(
			config, words->destination, "tmpfs", "tmpfs", "nosuid,nodev");
		return add_tmpfs_options(mount, option, joined, err);
	}
	if (words->type && strcmp(words->type, "bind") != 0)
		return fail(err, "%s: the type %s is not known; expected bind or tmpfs",
			option, words->type);
	if (!words->source)
		return fail(err, "%s: a bind mount needs source=PATH", option);
	return add_bind(config, option, words->source, words->destination, joined, err);
}

static int add_requested(struct oci_config *config, const char *text, struct error *err)
{
	auto_free char *option = str_format("--mount %s", text);
	struct mount_words words = { 0 };
	auto_strings parts = { 0 };

	strings_split(&parts, text, ',');
	strings_each (part, &parts) {
		if (read_word(option, *part, &words, err) < 0)
			return -1;
	}
	return add_words(config, option, &words, err);
}

/* A mount of the request at the same place stands in for the image's volume. */
static int add_image_volumes(
	const struct bundle_input *input, struct oci_config *config, struct error *err)
{
	const struct strings *volumes = &input->image->config.config.volumes;

	for (size_t i = 0; i < volumes->count; i++) {
		auto_free char *path = path_clean(volumes->items[i]);
		auto_free char *source = NULL;

		if (*path != '/' || strcmp(path, "/") == 0)
			return fail(err,
				"the image's volume \"%s\" is no absolute path below \"/\"",
				volumes->items[i]);
		if (config_mount_at(config, path))
			continue;
		source = bundle_volume_name(i);
		bundle_add_mount(config, path, "bind", source, "rbind,rprivate");
	}
	return 0;
}

static void add_etc(struct oci_config *config)
{
	static const char *const names[] = { "hosts", "hostname", "resolv.conf" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		auto_free char *path = str_format("/etc/%s", names[i]);

		bundle_add_mount(config, path, "bind", path + 1, "rbind,rprivate");
	}
}

int bundle_add_mounts(
	const struct bundle_input *input, struct oci_config *config, struct error *err)
{
	const struct bundle_request *request = input->request;

	if (request->has_shm_size && request->shm_size < 1)
		return fail(err, "--shm-size %" PRId64 ": expected a size such as 64m",
			request->shm_size);
	add_defaults(request, config);
	add_etc(config);
	strings_each (item, &request->tmpfs) {
		if (add_tmpfs(config, *item, err) < 0)
			return -1;
	}
	strings_each (item, &request->volumes) {
		if (add_volume(config, *item, err) < 0)
			return -1;
	}
	strings_each (item, &request->mounts) {
		if (add_requested(config, *item, err) < 0)
			return -1;
	}
	return request->for_step ? 0 : add_image_volumes(input, config, err);
}
