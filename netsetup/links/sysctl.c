/* Reads before it writes, so that a read-only /proc/sys that is right already does. */
#include "netsetup/links/sysctl.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

#define SYSCTL_ROOT "/proc/sys/net/"

/* "4096	131072" is what was written as "4096 131072". */
static bool is_same(const char *has, const char *value)
{
	static const char blanks[] = " \t\n";

	for (;;) {
		has += strspn(has, blanks);
		value += strspn(value, blanks);
		if (strcspn(has, blanks) != strcspn(value, blanks) ||
			strncmp(has, value, strcspn(has, blanks)) != 0)
			return false;
		if (!*has)
			return true;
		has += strcspn(has, blanks);
		value += strcspn(value, blanks);
	}
}

static bool has_value(int fd, const char *value)
{
	char text[4096];
	ssize_t got = read(fd, text, sizeof(text) - 1);

	if (got < 0)
		return false;
	text[got] = '\0';
	return is_same(text, value);
}

int sysctl_has(const char *path, const char *value, bool *ret, struct error *err)
{
	auto_free char *file = str_format(SYSCTL_ROOT "%s", path);
	auto_fd fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return fail_errno(err, "opening %s", file);
	*ret = has_value(fd, value);
	return 0;
}

int sysctl_set(const char *path, const char *value, bool *ret_changed, struct error *err)
{
	auto_free char *file = str_format(SYSCTL_ROOT "%s", path);
	auto_fd fd = open(file, O_RDONLY | O_CLOEXEC);

	if (ret_changed)
		*ret_changed = false;
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return fail_errno(err, "opening %s", file);
	if (has_value(fd, value))
		return 0;
	close(take_fd(&fd));
	fd = open(file, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		return fail_errno(err, "writing %s to %s", value, file);
	if (ret_changed)
		*ret_changed = true;
	return 0;
}

int sysctl_set_interface(const char *family, const char *interface, const char *key,
	const char *value, struct error *err)
{
	auto_free char *path = str_format("%s/conf/%s/%s", family, interface, key);

	return sysctl_set(path, value, NULL, err);
}
