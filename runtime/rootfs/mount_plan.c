/* From options and paths of config.json to struct mount_plan. */
#include "runtime/rootfs/mount_plan.h"

#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "runtime/rootfs/mount_api.h"
#include "spec/config.h"

static const char *next_option_word(void *state)
{
	const struct mount_option **next = state;

	return (*next)->word ? (*next)++->word : NULL;
}

static int fail_option(
	const struct mount_plan *plan, size_t option, const char *why, struct error *err)
{
	return fail(err, "/mounts/%zu/options/%zu: \"%s\" %s", plan->index, option,
		plan->mount->options.items[option], why);
}

/* A bind mount has no file system of its own that could understand the word. */
static int fail_unknown(const struct mount_plan *plan, size_t option, struct error *err)
{
	const struct mount_option *next = mount_options;
	const char *near =
		str_nearest(plan->mount->options.items[option], next_option_word, &next);

	(void)fail_option(plan, option, "is no option of a bind mount", err);
	return near ? fail_hint(err, "did you mean \"%s\"?", near) : -1;
}

static int take_attribute(struct mount_plan *plan, const struct mount_option *option)
{
	uint64_t *set = option->recursive ? &plan->recursive_set : &plan->set;
	uint64_t *clear = option->recursive ? &plan->recursive_clear : &plan->clear;

	/* The last word counts, as for mount(8): "ro,rw" is "rw". */
	*set = (*set & ~option->attr_clear) | option->attr_set;
	*clear = (*clear & ~option->attr_set) | option->attr_clear;
	return 0;
}

/* A bind mount has the file system of its source, as it is: of what concerns that, it takes
 * the words that ask for nothing. */
static int take_superblock(struct mount_plan *plan, const struct mount_option *option,
	size_t at, struct error *err)
{
	if (plan->kind == MOUNT_PLAN_BIND && (option->clear || option->flag & MS_SILENT))
		return 0;
	if (plan->kind == MOUNT_PLAN_BIND)
		return fail_option(plan, at,
			"concerns a whole file system, which a bind mount shares "
			"with its source",
			err);
	if (!(option->flag & MS_SILENT)) /* that is for the kernel's log */
		strings_add(&plan->superblock, option->word);
	if (option->clear)
		plan->superblock_flags &= ~option->flag;
	else
		plan->superblock_flags |= option->flag;
	return 0;
}

/* One option of config.json may be several of the kernel's, with commas between, as
 * mount(2) would take them; not those inside quotes. */
static size_t data_length(const char *text)
{
	bool quoted = false;
	size_t length;

	for (length = 0; text[length] && (quoted || text[length] != ','); length++) {
		if (text[length] == '"')
			quoted = !quoted;
	}
	return length;
}

/* Of fstab(5): for other programs to read, and nothing that a kernel would know. */
static bool is_comment(const char *word)
{
	return str_after(word, "x-") || str_after(word, "X-");
}

static int take_data(
	struct mount_plan *plan, const char *text, size_t at, struct error *err)
{
	if (!*text || is_comment(text))
		return 0;
	if (plan->kind == MOUNT_PLAN_BIND)
		return fail_unknown(plan, at, err);
	if (str_equal(plan->type, "overlay")) { /* a layer's name may have commas */
		strings_add(&plan->data, text);
		return 0;
	}
	while (*text) {
		size_t length = data_length(text);

		if (length)
			strings_add_take(&plan->data, str_dup_n(text, length));
		text += length + (text[length] == ',');
	}
	return 0;
}

static int take_bind_only(
	struct mount_plan *plan, bool *member, size_t at, struct error *err)
{
	if (plan->kind != MOUNT_PLAN_BIND)
		return fail_option(plan, at, "is for bind mounts only", err);
	*member = true;
	return 0;
}

static int take_idmap_words(struct mount_plan *plan, const struct oci_config *config,
	size_t at, struct error *err)
{
	const char *word = plan->mount->options.items[at];

	plan->idmap = true;
	plan->idmap_recursive |= *word == 'r';
	if (plan->mount->uid_mappings_count || plan->idmap_words.uids_count)
		return fail_option(plan, at,
			"is one mapping too many: there are others for this mount", err);
	if (idmap_option_parse(
		    strchr(word, '=') + 1, &config->linux, &plan->idmap_words, err) < 0)
		return fail_while(
			err, "/mounts/%zu/options/%zu: \"%s\"", plan->index, at, word);
	return 0;
}

static int take_option(struct mount_plan *plan, const struct oci_config *config,
	size_t at, struct error *err)
{
	const char *word = plan->mount->options.items[at];
	const struct mount_option *option = mount_option_find(word);

	if (str_after(word, "idmap=") || str_after(word, "ridmap="))
		return take_idmap_words(plan, config, at, err);
	if (!option)
		return take_data(plan, word, at, err);
	switch (option->kind) {
	case MOUNT_OPTION_DEFAULTS:
	case MOUNT_OPTION_REMOUNT: /* see kind_of() */
		return 0;
	case MOUNT_OPTION_ATTRIBUTE:
		return take_attribute(plan, option);
	case MOUNT_OPTION_SUPERBLOCK:
		return take_superblock(plan, option, at, err);
	case MOUNT_OPTION_PROPAGATION:
		plan->has_propagation = true;
		return 0;
	case MOUNT_OPTION_BIND:
		plan->bind_recursive |= option->recursive;
		return 0;
	case MOUNT_OPTION_IDMAP:
		plan->idmap = true;
		plan->idmap_recursive |= option->recursive;
		return 0;
	case MOUNT_OPTION_COPY_UP:
		plan->copy_up = true;
		if (plan->kind != MOUNT_PLAN_FILESYSTEM ||
			!str_equal(plan->type, "tmpfs"))
			return fail_option(plan, at, "is for tmpfs only", err);
		return 0;
	case MOUNT_OPTION_COPY_SYMLINK:
		return take_bind_only(plan, &plan->copy_symlink, at, err);
	case MOUNT_OPTION_SOURCE_NOFOLLOW:
		return take_bind_only(plan, &plan->source_nofollow, at, err);
	case MOUNT_OPTION_DESTINATION_NOFOLLOW:
		return take_bind_only(plan, &plan->destination_nofollow, at, err);
	}
	return fail_option(plan, at, "is not understood", err);
}

static bool has_option_of_kind(const struct oci_mount *mount, enum mount_option_kind kind)
{
	strings_each (word, &mount->options) {
		const struct mount_option *option = mount_option_find(*word);

		if (option && option->kind == kind)
			return true;
	}
	return false;
}

/* With an option of the file system's own, "cgroup" is a plain mount of one hierarchy. */
static bool has_data(const struct oci_mount *mount)
{
	strings_each (word, &mount->options) {
		if (**word && !is_comment(*word) && !mount_option_find(*word))
			return true;
	}
	return false;
}

static enum mount_plan_kind kind_of(const struct oci_mount *mount)
{
	if (has_option_of_kind(mount, MOUNT_OPTION_REMOUNT))
		return MOUNT_PLAN_REMOUNT;
	if (mount_is_bind(mount))
		return MOUNT_PLAN_BIND;
	if ((str_equal(mount->type, "cgroup") || str_equal(mount->type, "cgroup2")) &&
		!has_data(mount))
		return MOUNT_PLAN_CGROUPS;
	return MOUNT_PLAN_FILESYSTEM;
}

static int take_paths(struct mount_plan *plan, const char *bundle, struct error *err)
{
	const struct oci_mount *mount = plan->mount;
	auto_free char *absolute = NULL;

	if (!mount->destination || !*mount->destination)
		return fail(err, "/mounts/%zu/destination: is empty", plan->index);
	absolute = path_join("/", mount->destination);
	plan->destination = path_clean(absolute);
	plan->on_root =
		strcmp(plan->destination, "/") == 0 && plan->kind != MOUNT_PLAN_REMOUNT;
	plan->type = mount->type;
	if (plan->kind == MOUNT_PLAN_BIND) {
		if (!mount->source || !*mount->source)
			return fail(err, "/mounts/%zu/source: a bind mount needs one",
				plan->index);
		plan->source = mount->source[0] == '/' ? str_dup(mount->source)
						       : path_join(bundle, mount->source);
		return 0;
	}
	if (plan->kind != MOUNT_PLAN_REMOUNT && (!mount->type || !*mount->type))
		return fail(err,
			"/mounts/%zu/type: is missing; name a file system, or give the "
			"option bind or rbind",
			plan->index);
	plan->source = str_dup(mount->source ? mount->source : mount->type);
	return 0;
}

/* Where something else will be made inside it before the container runs. */
static bool wants_late_read_only(const struct mount_plan *plan)
{
	if (!(plan->set & MOUNT_ATTR_RDONLY) || plan->kind == MOUNT_PLAN_REMOUNT)
		return false;
	return plan->on_root || (plan->kind == MOUNT_PLAN_FILESYSTEM &&
					(str_equal(plan->type, "tmpfs") ||
						strcmp(plan->destination, "/dev") == 0));
}

static int make_plan(struct mount_plan *plan, const struct oci_config *config,
	const char *bundle, struct error *err)
{
	if (take_paths(plan, bundle, err) < 0)
		return -1;
	for (size_t at = 0; at < plan->mount->options.count; at++) {
		if (take_option(plan, config, at, err) < 0)
			return -1;
	}
	if (plan->mount->uid_mappings_count || plan->mount->gid_mappings_count)
		plan->idmap = true;
	if (plan->idmap && plan->kind != MOUNT_PLAN_BIND &&
		plan->kind != MOUNT_PLAN_FILESYSTEM)
		return fail(err,
			"/mounts/%zu: only bind mounts and new file systems can be "
			"id-mapped",
			plan->index);
	plan->late_read_only = wants_late_read_only(plan);
	return 0;
}

int mount_plans_make(const struct oci_config *config, const char *bundle,
	struct mount_plan **ret, size_t *ret_count, struct error *err)
{
	size_t count = config->mounts_count;
	struct mount_plan *plans = str_alloc((count + 1) * sizeof(*plans));

	for (size_t i = 0; i < count; i++) {
		plans[i] = (struct mount_plan){
			.mount = &config->mounts[i],
			.index = i,
			.kind = kind_of(&config->mounts[i]),
			.tree_fd = -1,
			.userns_fd = -1,
			.late_fd = -1,
		};
		if (make_plan(&plans[i], config, bundle, err) < 0) {
			mount_plans_free(plans, i + 1);
			return -1;
		}
	}
	*ret = plans;
	*ret_count = count;
	return 0;
}

void mount_plans_free(struct mount_plan *plans, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct mount_plan *plan = &plans[i];

		free(plan->destination);
		free(plan->source);
		strings_free(&plan->data);
		strings_free(&plan->superblock);
		idmap_option_free(&plan->idmap_words);
		cleanup_fd(&plan->tree_fd);
		cleanup_fd(&plan->userns_fd);
		cleanup_fd(&plan->late_fd);
	}
	free(plans);
}

const char *mount_plan_value(const struct mount_plan *plan, const char *key)
{
	for (size_t i = plan->data.count; i-- > 0;) {
		const char *rest = str_after(plan->data.items[i], key);

		if (rest && *rest == '=')
			return rest + 1;
	}
	return NULL;
}

const struct mount_view *mount_plan_view(const struct mount_plan *plan)
{
	static const struct mount_view views[] = {
		{ "sysfs", CLONE_NEWNET, "/sys" },
		{ "proc", CLONE_NEWPID, "/proc" },
		{ "mqueue", CLONE_NEWIPC, "/dev/mqueue" },
	};

	for (size_t i = 0; plan->kind == MOUNT_PLAN_FILESYSTEM && i < ARRAY_SIZE(views);
		i++) {
		if (strcmp(plan->type, views[i].type) == 0)
			return &views[i];
	}
	return NULL;
}

char *mount_plan_describe(const struct mount_plan *plan)
{
	switch (plan->kind) {
	case MOUNT_PLAN_BIND:
		return str_format("%s on %s", plan->source, plan->destination);
	case MOUNT_PLAN_FILESYSTEM:
		return str_format("%s on %s", plan->type, plan->destination);
	case MOUNT_PLAN_CGROUPS:
		return str_format("cgroups on %s", plan->destination);
	case MOUNT_PLAN_REMOUNT:
		break;
	}
	return str_format("%s with other options", plan->destination);
}

void mount_plan_each_propagation(const struct mount_plan *plan,
	void (*each)(void *argument, unsigned long flag, bool recursive), void *argument)
{
	strings_each (word, &plan->mount->options) {
		const struct mount_option *option = mount_option_find(*word);

		if (option && option->kind == MOUNT_OPTION_PROPAGATION)
			each(argument, option->flag, option->recursive);
	}
}
