/* What a container is doing, from what can be verified now. */
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/process.h"
#include "runtime/container.h"
#include "spec/names.h"

int container_process(const struct container *container)
{
	return container->pidfd >= 0 && process_pidfd_ends(container->pidfd, 0)
		       ? -1
		       : container->pidfd;
}

bool container_ends(const struct container *container)
{
	return container->pidfd < 0 || process_pidfd_ends(container->pidfd, 100);
}

static bool has_file(const struct container *container, const char *name)
{
	return faccessat(container->dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

enum container_status container_status(const struct container *container)
{
	if (container_process(container) < 0) /* pid 0: its creator has it, or left it */
		return container->state.pid ? CONTAINER_STOPPED : CONTAINER_CREATING;
	if (has_file(container, "starting"))
		return CONTAINER_CREATING;
	if (cgroup_is_frozen(&container->state.cgroup))
		return CONTAINER_PAUSED;
	return has_file(container, "start") ? CONTAINER_CREATED : CONTAINER_RUNNING;
}

const char *container_status_word(enum container_status status)
{
	return word_of_number(status_words, status);
}

char *container_user_name(uid_t uid)
{
	FILE *file = fopen("/etc/passwd", "re");
	struct passwd entry = { 0 };
	struct passwd *user = NULL;
	char text[4096]; /* of a longer line: as if there were no more */
	char *name;

	while (file && fgetpwent_r(file, &entry, text, sizeof(text), &user) == 0 &&
		user->pw_uid != uid)
		user = NULL;
	name = user ? str_dup(user->pw_name) : str_format("%u", uid);
	if (file)
		(void)fclose(file); /* read only */
	return name;
}

void container_describe(const struct container *container, enum container_status status,
	struct oci_state *ret)
{
	const struct container_state *state = &container->state;

	*ret = (struct oci_state){
		.oci_version = str_dup(state->oci_version),
		.id = str_dup(state->id),
		.has_pid = true,
		.pid = status == CONTAINER_STOPPED ? 0 : state->pid,
		.status = status,
		.bundle = str_dup(state->bundle),
		.rootfs = str_dup(state->rootfs),
		.created = str_dup(state->created),
		.owner = container_user_name(container->owner),
	};
	for (size_t i = 0; i < state->annotations.count; i++)
		pairs_set(&ret->annotations, state->annotations.items[i].key,
			state->annotations.items[i].value);
}
