/* Names beneath a root: openat2, or path_walk.c where the kernel has none; directories;
 * plain text work; sibling executables. Removal of trees is in path_remove.c. */
#include "base/path.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path_walk.h"
#include "base/process.h"
#include "base/str.h"

#define MKDIR_LINKS_MAX 8 /* dangling links followed while making one path */

/* EAGAIN: a rename elsewhere met our "..", see openat2(2). A tree that is renamed without
 * end is somebody's attack; the walk copes, more slowly. */
static bool is_for_the_walk(int errnum)
{
	return errnum == ENOSYS || errnum == EAGAIN || errnum == EINTR;
}

static int open_resolved(
	int root_fd, const char *path, int flags, mode_t mode, uint64_t resolve)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve,
	};

	for (int attempt = 0; attempt < 64; attempt++) {
		long fd = syscall(SYS_openat2, root_fd, path, &how, sizeof(how));

		if (fd >= 0)
			return (int)fd;
		if (errno == ENOSYS || !is_for_the_walk(errno))
			return -1;
	}
	return -1;
}

int path_try_open_in_root(int root_fd, const char *path, int flags, mode_t mode)
{
	int fd = open_resolved(root_fd, path, flags, mode, 0);

	return fd < 0 && is_for_the_walk(errno)
		       ? path_walk_open(root_fd, path, flags, mode)
		       : fd;
}

int path_try_open_unlinked_in_root(
	int root_fd, const char *path, int flags, bool *ret_unlinked)
{
	int fd = open_resolved(root_fd, path, flags, 0, RESOLVE_NO_SYMLINKS);

	*ret_unlinked = fd >= 0;
	return fd < 0 && (errno == ELOOP || is_for_the_walk(errno))
		       ? path_try_open_in_root(root_fd, path, flags, 0)
		       : fd;
}

int path_open_in_root(int root_fd, const char *path, int flags, mode_t mode, int *ret_fd,
	struct error *err)
{
	int fd = path_try_open_in_root(root_fd, path, flags, mode);

	if (fd < 0)
		return fail_errno(err, "opening %s beneath the root", path);
	*ret_fd = fd;
	return 0;
}

static int make_directory(
	int parent_fd, const char *name, struct path_mkdir_options options, int *ret_fd)
{
	auto_fd fd = -1;

	if (mkdirat(parent_fd, name, options.mode) < 0)
		return -1;
	/* Somebody may have put a link here since: O_NOFOLLOW. */
	fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (options.uid != (uid_t)-1 && fchown(fd, options.uid, options.gid) < 0)
		return -1;
	if (fchmod(fd, options.mode) < 0) /* the umask may have taken bits */
		return -1;
	*ret_fd = take_fd(&fd);
	return 0;
}

static int mkdirs(int root_fd, const char *path, struct path_mkdir_options options,
	unsigned links, int *ret_fd);

/* The last component of `prefix` exists, and yet opening it says ENOENT: a link whose
 * target is missing, as /var/run -> /run in a new root. Makes the target. */
static int make_link_target(int root_fd, int parent_fd, const char *prefix,
	struct path_mkdir_options options, unsigned links, int *ret_fd)
{
	char target[PATH_MAX];
	ssize_t length =
		readlinkat(parent_fd, path_base(prefix), target, sizeof(target) - 1);
	auto_free char *parent = path_parent(prefix);
	auto_free char *whole = NULL;

	if (length < 0)
		return -1;
	if (links == MKDIR_LINKS_MAX) {
		errno = ELOOP;
		return -1;
	}
	target[length] = '\0';
	whole = target[0] == '/' ? str_dup(target) : path_join(parent, target);
	return mkdirs(root_fd, whole, options, links + 1, ret_fd);
}

/* Opens or makes the directory that `prefix` names, whose parent is open. */
static int enter_or_make(int root_fd, int parent_fd, const char *prefix,
	struct path_mkdir_options options, unsigned links, int *ret_fd)
{
	int fd = path_try_open_in_root(root_fd, prefix, O_PATH | O_DIRECTORY, 0);

	if (fd >= 0) {
		*ret_fd = fd;
		return 0;
	}
	if (errno != ENOENT)
		return -1;
	if (make_directory(parent_fd, path_base(prefix), options, &fd) == 0) {
		if (options.made && options.made(options.argument, prefix, fd) < 0) {
			close(fd);
			return -1;
		}
		*ret_fd = fd;
		return 0;
	}
	if (errno != EEXIST)
		return -1;
	fd = path_try_open_in_root(root_fd, prefix, O_PATH | O_DIRECTORY, 0);
	if (fd >= 0) {
		*ret_fd = fd;
		return 0;
	}
	return make_link_target(root_fd, parent_fd, prefix, options, links, ret_fd);
}

static int mkdirs(int root_fd, const char *path, struct path_mkdir_options options,
	unsigned links, int *ret_fd)
{
	auto_strings components = { 0 };
	auto_str prefix = { 0 };
	auto_fd fd = openat(root_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	strings_split(&components, path, '/');
	strings_each (component, &components) {
		int next = -1;

		if (!**component || strcmp(*component, ".") == 0)
			continue;
		if (fd < 0)
			return -1;
		str_appendf(&prefix, "/%s", *component);
		if (enter_or_make(root_fd, fd, prefix.data, options, links, &next) < 0)
			return -1;
		close(fd);
		fd = next;
	}
	if (fd < 0)
		return -1;
	*ret_fd = take_fd(&fd);
	return 0;
}

int path_mkdirs_in_root(int root_fd, const char *path, struct path_mkdir_options options,
	int *ret_fd, struct error *err)
{
	int fd = path_try_open_in_root(root_fd, path, O_PATH | O_DIRECTORY, 0);

	if (fd < 0 && (errno != ENOENT || mkdirs(root_fd, path, options, 0, &fd) < 0))
		return fail_errno(err, "making the directory %s beneath the root", path);
	*ret_fd = fd;
	return 0;
}

int path_mkdirs(const char *path, mode_t mode, struct error *err)
{
	auto_free char *prefix = str_dup(path);

	if (mkdir(path, mode) == 0 || errno == EEXIST)
		return 0;
	for (char *slash = strchr(prefix + 1, '/'); slash;
		slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(prefix, mode) < 0 && errno != EEXIST)
			return fail_errno(err, "making the directory %s", prefix);
		*slash = '/';
	}
	if (mkdir(path, mode) < 0 && errno != EEXIST)
		return fail_errno(err, "making the directory %s", path);
	return 0;
}

char *path_clean(const char *path)
{
	bool absolute = *path == '/';
	auto_strings parts = { 0 };
	auto_strings kept = { 0 };
	char *joined;

	strings_split(&parts, path, '/');
	strings_each (part, &parts) {
		bool up = strcmp(*part, "..") == 0;

		if (!**part || strcmp(*part, ".") == 0)
			continue;
		if (up && kept.count && strcmp(kept.items[kept.count - 1], "..") != 0) {
			free(kept.items[--kept.count]);
			kept.items[kept.count] = NULL;
		} else if (!up || !absolute) {
			strings_add(&kept, *part);
		}
	}
	joined = strings_join(&kept, "/");
	if (absolute || !*joined) {
		char *whole = str_format("%s%s", absolute ? "/" : ".", joined);

		free(joined);
		return whole;
	}
	return joined;
}

char *path_join(const char *directory, const char *name)
{
	size_t length = strlen(directory);

	while (length > 0 && directory[length - 1] == '/')
		length--;
	while (*name == '/')
		name++;
	return str_format("%.*s/%s", (int)length, directory, name);
}

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

char *path_parent(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return str_dup(".");
	while (slash > path && slash[-1] == '/')
		slash--;
	return slash == path ? str_dup("/") : str_dup_n(path, (size_t)(slash - path));
}

/* "mocker-runtime" is MOCKER_RUNTIME in the environment. */
static const char *from_environment(const char *program)
{
	auto_free char *name = str_dup(program);

	for (char *c = name; *c; c++)
		*c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
	return secure_getenv(name);
}

static char *executable_in(const char *directory, const char *program)
{
	auto_free char *path = path_join(directory, program);

	return access(path, X_OK) == 0 ? take_ptr(&path) : NULL;
}

static char *beside_ourselves(const char *program)
{
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	auto_free char *directory = NULL;

	if (length < 0)
		return NULL;
	self[length] = '\0';
	directory = path_parent(self);
	return executable_in(directory, program);
}

char *path_of_program(const char *program)
{
	auto_strings directories = { 0 };
	const char *search = getenv("PATH");

	strings_split(&directories, search ? search : PROCESS_PATH_DEFAULT, ':');
	strings_each (directory, &directories) {
		char *path = executable_in(**directory ? *directory : ".", program);

		if (path)
			return path;
	}
	return NULL;
}

int path_of_sibling(const char *program, char **ret, struct error *err)
{
	const char *chosen = from_environment(program);
	char *path = chosen ? str_dup(chosen) : beside_ourselves(program);

	if (!path)
		path = executable_in(LIBEXECDIR, program);
	if (!path)
		path = path_of_program(program);
	if (!path)
		return fail_code(err, ENOENT,
			"%s found neither beside this program nor in %s nor in PATH",
			program, LIBEXECDIR);
	*ret = path;
	return 0;
}
