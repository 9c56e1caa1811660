/* What the bundle's root file system has to say: whether the programs are in it that the
 * container is to run. Only what is certain is told, so that nothing is said of places on
 * which something will be mounted. */
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/process.h"
#include "runtime/commands/check_host.h"
#include "spec/config.h"

struct root {
	const struct oci_config *config;
	int fd;
	char *path; /* as the kernel tells it of the descriptor */
};

enum finding { FOUND, NOT_EXECUTABLE, ABSENT, UNKNOWN };

static bool is_below(const char *path, const char *directory)
{
	const char *rest = str_after(path, directory);

	return rest && (*rest == '/' || !*rest || str_equal(directory, "/"));
}

static bool is_covered(const struct oci_config *config, const char *path)
{
	for (size_t i = 0; i < config->mounts_count; i++) {
		auto_free char *place = path_clean(config->mounts[i].destination);

		if (is_below(path, place))
			return true;
	}
	return false;
}

/* By way of a link it may lie where something is mounted: where it lies is what counts. */
static bool lies_covered(const struct root *root, int fd)
{
	char place[PATH_MAX];
	ssize_t length = readlink(fd_path(fd).text, place, sizeof(place) - 1);
	const char *inside;

	if (length < 0)
		return true;
	place[length] = '\0';
	inside = str_after(place, root->path);
	return !inside || is_covered(root->config, *inside ? inside : "/");
}

static enum finding look(const struct root *root, const char *path)
{
	auto_free char *clean = path_clean(path);
	auto_free char *parent = path_parent(clean);
	auto_fd parent_fd = path_try_open_in_root(root->fd, parent, O_PATH, 0);
	auto_fd fd = path_try_open_in_root(root->fd, clean, O_PATH, 0);
	struct stat status;

	if (is_covered(root->config, clean) ||
		(parent_fd >= 0 && lies_covered(root, parent_fd)) ||
		(fd >= 0 && lies_covered(root, fd)))
		return UNKNOWN;
	if (fd < 0 || fstat(fd, &status) < 0)
		return errno == ENOENT || errno == ENOTDIR ? ABSENT : UNKNOWN;
	return S_ISREG(status.st_mode) && status.st_mode & 0111 ? FOUND : NOT_EXECUTABLE;
}

/* The worst that is certain of all candidates; FOUND or UNKNOWN of one is enough. */
static enum finding look_in_path(const struct root *root, const char *name)
{
	const struct oci_process *process = root->config->process;
	const char *search = strings_env(&process->env, "PATH");
	auto_strings directories = { 0 };
	enum finding result = ABSENT;

	strings_split(&directories, search ? search : PROCESS_PATH_DEFAULT, ':');
	strings_each (directory, &directories) {
		auto_free char *from = (*directory)[0] == '/'
					       ? str_dup(*directory)
					       : path_join(process->cwd, *directory);
		auto_free char *path = path_join(from, name);
		enum finding found = look(root, path);

		if (found == FOUND || found == UNKNOWN)
			return found;
		if (found == NOT_EXECUTABLE)
			result = found;
	}
	return result;
}

static enum finding look_for_program(const struct root *root, const char *name)
{
	auto_free char *path = NULL;

	if (!strchr(name, '/'))
		return look_in_path(root, name);
	path = name[0] == '/' ? str_dup(name)
			      : path_join(root->config->process->cwd, name);
	return look(root, path);
}

/* A hook that runs before the program may still put it there. */
static bool hooks_may_fill(const struct oci_hooks *hooks)
{
	return hooks->prestart_count || hooks->create_runtime_count ||
	       hooks->create_container_count;
}

static void tell(const struct check_host_request *request, enum finding found,
	const char *place, const char *name)
{
	if (found != ABSENT && found != NOT_EXECUTABLE)
		return;
	check_report(request, hooks_may_fill(&request->config->hooks), "%s: %s: %s",
		place, name,
		found == ABSENT ? "there is no such program in the root file system"
				: "it is no executable file");
}

void check_programs(const struct check_host_request *request)
{
	const struct oci_config *config = request->config;
	struct hook_list hooks = hooks_of_kind(&config->hooks, HOOK_START_CONTAINER);
	struct root root = { .config = config };
	auto_fd fd = openat(request->bundle_fd, config->root->path,
		O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_free char *path = str_alloc(PATH_MAX);

	/* What cannot be entered is told of the root itself, or is another user's. */
	if (fd < 0 || readlink(fd_path(fd).text, path, PATH_MAX - 1) < 0)
		return;
	root.fd = fd;
	root.path = str_equal(path, "/") ? path + 1 : path;
	if (config->process && config->process->args.count)
		tell(request, look_for_program(&root, config->process->args.items[0]),
			"/process/args/0", config->process->args.items[0]);
	for (size_t i = 0; i < hooks.count; i++) {
		auto_free char *place = str_format("/hooks/startContainer/%zu/path", i);

		tell(request, look(&root, hooks.items[i].path), place,
			hooks.items[i].path);
	}
}
