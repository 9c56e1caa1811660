/* Which sources are opened, and which views made, by whom and how. */
#include "runtime/rootfs/source.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/namespace.h"
#include "base/process.h"
#include "runtime/rootfs/filesystem.h"
#include "runtime/rootfs/idmap_mount.h"
#include "runtime/rootfs/mount_api.h"
#include "spec/config.h"

static int fail_source(const struct mount_plan *plan, struct error *err)
{
	(void)fail_errno(err, "the source %s", plan->source);
	return err->errnum == ENOENT
		       ? fail_hint(err, "a bind mount's source must exist on the host")
		       : -1;
}

static bool not_here(int errnum)
{
	return errnum == ENOSYS || errnum == EPERM;
}

int source_open_tree(const struct mount_plan *plan, int *ret_fd, struct error *err)
{
	unsigned flags = OPEN_TREE_CLONE;
	int fd;

	if (plan->bind_recursive)
		flags |= AT_RECURSIVE;
	if (plan->source_nofollow)
		flags |= AT_SYMLINK_NOFOLLOW;
	fd = mnt_open_tree(AT_FDCWD, plan->source, flags);
	if (fd < 0)
		return fail_source(plan, err);
	*ret_fd = fd;
	return 0;
}

int source_open(const struct mount_plan *plan, int *ret_fd, struct error *err)
{
	int fd = open(plan->source,
		O_PATH | O_CLOEXEC | (plan->source_nofollow ? O_NOFOLLOW : 0));

	if (fd < 0)
		return fail_source(plan, err);
	*ret_fd = fd;
	return 0;
}

/* The mapping of the container's user namespace, made or joined. */
static int inherited_userns(
	const struct source_request *request, int *ret_fd, struct error *err)
{
	const struct oci_linux *linux_part = &request->config->linux;
	const struct oci_namespace *joined =
		config_namespace(request->config, CLONE_NEWUSER);
	struct id_mappings mappings = {
		.uids = linux_part->uid_mappings,
		.uids_count = linux_part->uid_mappings_count,
		.gids = linux_part->gid_mappings,
		.gids_count = linux_part->gid_mappings_count,
	};
	int fd;

	if (!joined)
		return fail(err, "has neither uidMappings and gidMappings of its own "
				 "nor a user namespace to take them from");
	if (!joined->path)
		return idmap_mount_userns(&mappings, ret_fd, err);
	fd = namespace_open(joined->path, NULL);
	if (fd < 0)
		return fail_errno(err, "opening the user namespace %s", joined->path);
	*ret_fd = fd;
	return 0;
}

/* In the words of an option, or of members; borrowed. */
static struct id_mappings own_mappings(const struct mount_plan *plan)
{
	const struct idmap_option *words = &plan->idmap_words;
	const struct oci_mount *mount = plan->mount;

	return words->uids_count ? (struct id_mappings){ words->uids, words->uids_count,
		words->gids, words->gids_count }
				 : (struct id_mappings){ mount->uid_mappings,
					   mount->uid_mappings_count, mount->gid_mappings,
					   mount->gid_mappings_count };
}

/* One namespace serves all mounts that inherit it. */
static int open_userns(struct mount_plan *plan, const struct source_request *request,
	int *inherited_fd, struct error *err)
{
	struct id_mappings own = own_mappings(plan);

	if (!own.uids_count != !own.gids_count)
		return fail(err, "uidMappings and gidMappings go together");
	if (own.uids_count)
		return idmap_mount_userns(&own, &plan->userns_fd, err);
	if (*inherited_fd < 0 && inherited_userns(request, inherited_fd, err) < 0)
		return -1;
	plan->userns_fd = fcntl(*inherited_fd, F_DUPFD_CLOEXEC, 3);
	return plan->userns_fd < 0 ? fail_errno(err, "keeping the user namespace") : 0;
}

bool source_asks_to_be_shared(const struct mount_plan *plan)
{
	return mount_has_option(plan->mount, "shared") ||
	       mount_has_option(plan->mount, "rshared");
}

static bool is_for_creator(
	const struct mount_plan *plan, const struct source_request *request)
{
	if (plan->kind != MOUNT_PLAN_BIND || plan->copy_symlink)
		return false;
	return request->user_namespace || plan->idmap ||
	       (request->shared && source_asks_to_be_shared(plan));
}

static int open_source(struct mount_plan *plan, struct error *err)
{
	if (source_open_tree(plan, &plan->tree_fd, err) < 0) {
		/* Init will try again, and report what is really wrong. */
		return not_here(err->errnum) && !plan->idmap ? 0 : -1;
	}
	if (!plan->idmap)
		return 0;
	return idmap_mount_apply(
		plan->tree_fd, plan->userns_fd, plan->idmap_recursive, plan->source, err);
}

static int open_one(struct mount_plan *plan, const struct source_request *request,
	int *inherited_fd, struct error *err)
{
	if (plan->idmap && open_userns(plan, request, inherited_fd, err) < 0)
		return -1;
	return is_for_creator(plan, request) ? open_source(plan, err) : 0;
}

int sources_open(struct mount_plan *plans, size_t count,
	const struct source_request *request, struct error *err)
{
	auto_fd inherited_fd = -1;

	for (size_t i = 0; i < count; i++) {
		if (open_one(&plans[i], request, &inherited_fd, err) < 0)
			return fail_while(err, "/mounts/%zu", plans[i].index);
	}
	return 0;
}

/* A process of the joined namespaces, whose descriptors are ours too: ends with 0 once it
 * has put the view in the place of `slot`. */
static no_return void view_main(const struct mount_plan *plan, int slot)
{
	struct error left_to_init;
	int fd;

	if (filesystem_make(plan, &fd, &left_to_init) < 0)
		_exit(1);
	if (dup3(fd, slot, O_CLOEXEC) < 0 || close(fd) < 0)
		_exit(1);
	_exit(0);
}

/* By a child: of a joined pid namespace, which a procfs shows, only children are. */
static int make_view(const struct mount_plan *plan)
{
	auto_fd slot = open("/", O_PATH | O_CLOEXEC);
	pid_t pid = slot < 0 ? -1 : process_clone(CLONE_FILES, NULL);
	struct error lost;
	int status;

	if (pid == 0)
		view_main(plan, slot);
	if (pid < 0 || process_wait(pid, &status, &lost) < 0 || status != 0)
		return -1;
	return take_fd(&slot);
}

static bool is_joined(const struct oci_namespace *wanted)
{
	return wanted && wanted->path && *wanted->path;
}

/* As in a pod with a user namespace: then init has every right to it. */
static bool belongs_to(
	const struct oci_namespace *shown, const struct oci_namespace *user)
{
	auto_fd shown_fd = open(shown->path, O_RDONLY | O_CLOEXEC);
	auto_fd owner_fd = shown_fd < 0 ? -1 : ioctl(shown_fd, NS_GET_USERNS);
	struct stat owner, joined;

	return is_joined(user) && owner_fd >= 0 && fstat(owner_fd, &owner) == 0 &&
	       stat(user->path, &joined) == 0 && owner.st_ino == joined.st_ino &&
	       owner.st_dev == joined.st_dev;
}

void sources_open_views(
	struct mount_plan *plans, size_t count, const struct oci_config *config)
{
	const struct oci_namespace *user = config_namespace(config, CLONE_NEWUSER);

	for (size_t i = 0; i < count; i++) {
		const struct mount_view *view = mount_plan_view(&plans[i]);
		const struct oci_namespace *shown =
			view ? config_namespace(config, (int64_t)view->namespace) : NULL;

		if (is_joined(shown) && !belongs_to(shown, user))
			plans[i].tree_fd = make_view(&plans[i]);
	}
}
