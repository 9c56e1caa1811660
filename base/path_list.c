/* What is in a directory, by its descriptor. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/str.h"

bool path_is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

DIR *path_list(int dir_fd)
{
	auto_fd fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (dir)
		(void)take_fd(&fd);
	return dir;
}

struct dirent *path_next(DIR *dir)
{
	struct dirent *entry;

	do {
		errno = 0;
		entry = readdir(dir);
	} while (entry && path_is_dots(entry->d_name));
	return entry;
}

int path_names(int dir_fd, const char *name, struct strings *ret, struct error *err)
{
	auto_dir dir = path_list(dir_fd);
	auto_strings names = { 0 };
	struct dirent *entry;

	if (!dir)
		return fail_errno(err, "reading %s", name);
	while ((entry = path_next(dir)))
		strings_add(&names, entry->d_name);
	if (errno)
		return fail_errno(err, "reading %s", name);
	strings_sort(&names);
	*ret = names;
	names = (struct strings){ 0 };
	return 0;
}

int path_is_empty(int dir_fd, const char *name, bool *ret, struct error *err)
{
	auto_dir dir = path_list(dir_fd);
	struct dirent *entry;

	if (!dir)
		return fail_errno(err, "opening %s", name);
	entry = path_next(dir);
	if (!entry && errno)
		return fail_errno(err, "listing %s", name);
	*ret = !entry;
	return 0;
}
