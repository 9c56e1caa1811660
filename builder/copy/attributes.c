/*
 * user.*, security.capability and POSIX access control lists are copied. trusted.* and
 * user.overlay.* belong to overlayfs, security.selinux and its like to the host.
 */
#include "builder/copy/attributes.h"

#include <string.h>
#include <sys/xattr.h>

#include "builder/rootfs/overlay_marks.h"

#define LIST_SIZE  65536 /* XATTR_LIST_MAX */
#define VALUE_SIZE 65536 /* XATTR_SIZE_MAX */

static bool is_wanted(const char *name)
{
	return (str_after(name, "user.") && !overlay_is_mark(name)) ||
	       strcmp(name, "security.capability") == 0 ||
	       strcmp(name, "system.posix_acl_access") == 0 ||
	       strcmp(name, "system.posix_acl_default") == 0;
}

/* The sorted names of those that are wanted. */
static void list(int fd, struct strings *ret)
{
	char small[256];
	auto_free char *large = NULL;
	char *names = small;
	ssize_t length = flistxattr(fd, small, sizeof(small));

	if (length < 0 && errno == ERANGE) {
		names = large = str_alloc(LIST_SIZE);
		length = flistxattr(fd, large, LIST_SIZE);
	}
	for (ssize_t i = 0; i < length; i += (ssize_t)strlen(names + i) + 1)
		if (is_wanted(names + i))
			strings_add(ret, names + i);
	strings_sort(ret);
}

void attributes_describe(int fd, struct str *ret)
{
	auto_strings names = { 0 };
	auto_free char *value = NULL;

	list(fd, &names);
	strings_each (name, &names) {
		ssize_t length;

		value = value ? value : str_alloc(VALUE_SIZE);
		length = fgetxattr(fd, *name, value, VALUE_SIZE);
		if (length < 0)
			continue;
		str_appendf(ret, "%s %zd:", *name, length);
		str_append_n(ret, value, (size_t)length);
	}
}

int attributes_copy(int from, int to, const char *path, struct error *err)
{
	auto_strings names = { 0 };
	auto_free char *value = NULL;

	list(from, &names);
	strings_each (name, &names) {
		ssize_t length;

		value = value ? value : str_alloc(VALUE_SIZE);
		length = fgetxattr(from, *name, value, VALUE_SIZE);
		if (length < 0)
			continue; /* gone meanwhile */
		if (fsetxattr(to, *name, value, (size_t)length, 0) < 0 &&
			errno != EOPNOTSUPP && errno != EPERM && errno != EINVAL)
			return fail_errno(
				err, "setting the attribute %s of %s", *name, path);
	}
	return 0;
}
