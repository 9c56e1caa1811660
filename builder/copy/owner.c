/* Lines of passwd and group are taken as they are; the first that fits counts. */
#include "builder/copy/owner.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"

#define FILE_SIZE_MAX (4u << 20)

static bool is_number(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

/* -1 as a number means "leave it" to chown(). */
static int parse_id(const char *text, const char *what, uint32_t *ret, struct error *err)
{
	if (str_to_u32(text, what, ret, err) < 0)
		return -1;
	if (*ret == UINT32_MAX)
		return fail(err, "%s: %s is no id that a file can have", what, text);
	return 0;
}

static int read_database(int root_fd, const char *path, char **ret, struct error *err)
{
	struct fd_read_options options = { FILE_SIZE_MAX, .regular_only = true };
	auto_fd fd = -1;

	if (path_open_in_root(root_fd, path, O_RDONLY | O_NONBLOCK, 0, &fd, err) < 0)
		return -1;
	return fd_read_all(fd, path, options, ret, NULL, err);
}

/* The fields of the line whose first one is `name`. */
static bool find_line(const char *text, const char *name, struct strings *ret)
{
	while (*text) {
		size_t length = strcspn(text, "\n");
		size_t key = strcspn(text, ":\n");

		if (key == strlen(name) && strncmp(text, name, key) == 0) {
			auto_free char *line = str_dup_n(text, length);

			strings_split(ret, line, ':');
			return true;
		}
		text += length + (text[length] != '\0');
	}
	return false;
}

static int look_up(int root_fd, const char *path, const char *kind, const char *name,
	struct strings *ret_fields, struct error *err)
{
	auto_free char *text = NULL;

	if (read_database(root_fd, path, &text, err) < 0)
		return fail_while(err, "looking up the %s \"%s\"", kind, name);
	if (!find_line(text, name, ret_fields) || ret_fields->count < 3)
		return fail(err, "the image's %s has no %s \"%s\"", path, kind, name);
	return 0;
}

static int resolve_user(
	int root_fd, const char *user, struct owner *ret, struct error *err)
{
	auto_strings fields = { 0 };

	if (is_number(user)) {
		if (parse_id(user, "user id", &ret->uid, err) < 0)
			return -1;
		ret->gid = ret->uid;
		return 0;
	}
	if (look_up(root_fd, "/etc/passwd", "user", user, &fields, err) < 0)
		return -1;
	if (fields.count < 4)
		return fail(err, "the image's /etc/passwd: the line of \"%s\" is cut off",
			user);
	if (parse_id(fields.items[2], "user id in /etc/passwd", &ret->uid, err) < 0)
		return -1;
	return parse_id(fields.items[3], "group id in /etc/passwd", &ret->gid, err);
}

static int resolve_group(
	int root_fd, const char *group, struct owner *ret, struct error *err)
{
	auto_strings fields = { 0 };

	if (is_number(group))
		return parse_id(group, "group id", &ret->gid, err);
	if (look_up(root_fd, "/etc/group", "group", group, &fields, err) < 0)
		return -1;
	return parse_id(fields.items[2], "group id in /etc/group", &ret->gid, err);
}

int owner_resolve(int root_fd, const char *text, struct owner *ret, struct error *err)
{
	const char *colon = strchr(text, ':');
	auto_free char *user =
		colon ? str_dup_n(text, (size_t)(colon - text)) : str_dup(text);
	struct owner owner = { 0, 0 };

	if (colon ? !colon[1] || strchr(colon + 1, ':') : !*user)
		return fail(
			err, "an owner is USER, USER:GROUP or :GROUP, not \"%s\"", text);
	if (*user && resolve_user(root_fd, user, &owner, err) < 0)
		return -1;
	if (colon && resolve_group(root_fd, colon + 1, &owner, err) < 0)
		return -1;
	*ret = owner;
	return 0;
}
