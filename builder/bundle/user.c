/* Names and numbers of users and groups, by the image's files. */
#include "builder/bundle/user.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"

#define FILE_MAX   (4u << 20)
#define FIELDS_MAX 8
#define ID_MAX     UINT32_MAX - 1 /* the last one means "leave it" to the kernel */

int user_is_plain_root(const char *text)
{
	return !text || !*text || str_equal(text, "0") || str_equal(text, "0:0");
}

/* Digits only: "1x" and "+1" are names, and no name of the image begins with a digit and
 * means another number. */
static int is_number(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

static int parse_id(const char *text, const char *what, uint32_t *ret, struct error *err)
{
	uint32_t id;

	if (str_to_u32(text, what, &id, err) < 0)
		return -1;
	if (id > ID_MAX)
		return fail_code(
			err, ERANGE, "%s: %s is not a possible number", what, text);
	*ret = id;
	return 0;
}

/* The text of a file of the image; "" where it has none. */
static int read_file(int root_fd, const char *path, char **ret, struct error *err)
{
	struct fd_read_options options = { .limit = FILE_MAX, .regular_only = true };
	auto_fd fd = path_try_open_in_root(root_fd, path, O_RDONLY | O_NONBLOCK, 0);

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		*ret = str_dup("");
		return 0;
	}
	if (fd < 0)
		return fail_errno(err, "opening the image's %s", path);
	return fd_read_all(fd, path, options, ret, NULL, err);
}

/* Cuts the next line out of *text and its fields at ":"; false at the end. */
static bool next_entry(char **text, char *fields[FIELDS_MAX])
{
	char *line = strsep(text, "\n");

	if (!line)
		return false;
	for (size_t i = 0; i < FIELDS_MAX; i++)
		fields[i] = line ? strsep(&line, ":") : NULL;
	return true;
}

static bool is_entry(char *fields[FIELDS_MAX], const char *name, const char *number)
{
	return name ? str_equal(fields[0], name) : str_equal(fields[2], number);
}

/* What passwd says of a user; name or number. *ret_name is owned by the caller. */
static int find_user(char *text, const char *wanted, struct user *user, char **ret_name,
	struct error *err)
{
	bool number = is_number(wanted);
	char *fields[FIELDS_MAX];

	while (next_entry(&text, fields)) {
		if (!fields[3] || !is_entry(fields, number ? NULL : wanted, wanted))
			continue;
		if (parse_id(fields[2], "/etc/passwd: user number", &user->uid, err) <
				0 ||
			parse_id(fields[3], "/etc/passwd: group number", &user->gid,
				err) < 0)
			return -1;
		if (fields[5] && fields[5][0] == '/' && strlen(fields[5]) < USER_HOME_MAX)
			strcpy(user->home, fields[5]);
		*ret_name = str_dup(fields[0]);
		return 0;
	}
	if (number)
		return 0;
	return fail_code(err, ENOENT,
		"user \"%s\" is not in the image's /etc/passwd; give a number, or add the "
		"user with RUN useradd",
		wanted);
}

static int find_group(
	char *text, const char *wanted, struct user *user, struct error *err)
{
	char *fields[FIELDS_MAX];

	if (is_number(wanted))
		return parse_id(wanted, "group", &user->gid, err);
	while (next_entry(&text, fields)) {
		if (fields[2] && is_entry(fields, wanted, NULL))
			return parse_id(
				fields[2], "/etc/group: group number", &user->gid, err);
	}
	return fail_code(err, ENOENT,
		"group \"%s\" is not in the image's /etc/group; give a number, or add the "
		"group with RUN groupadd",
		wanted);
}

static bool has_member(char *members, const char *name)
{
	char *member;

	while ((member = strsep(&members, ","))) {
		if (strcmp(member, name) == 0)
			return true;
	}
	return false;
}

static int add_groups(char *text, const char *name, struct user *user, struct error *err)
{
	char *fields[FIELDS_MAX];

	while (next_entry(&text, fields)) {
		if (!fields[3] || !has_member(fields[3], name))
			continue;
		if (user->group_count == USER_GROUPS_MAX)
			return fail(err, "user \"%s\" is in more than %d groups", name,
				USER_GROUPS_MAX);
		if (parse_id(fields[2], "/etc/group: group number",
			    &user->groups[user->group_count], err) < 0)
			return -1;
		user->group_count++;
	}
	return 0;
}

static int resolve_user(int root_fd, const char *wanted, struct user *user,
	char **ret_name, struct error *err)
{
	auto_free char *passwd = NULL;

	if (is_number(wanted) && parse_id(wanted, "user", &user->uid, err) < 0)
		return -1;
	return read_file(root_fd, "/etc/passwd", &passwd, err) < 0
		       ? -1
		       : find_user(passwd, wanted, user, ret_name, err);
}

int user_resolve(int root_fd, const char *text, struct user *ret, struct error *err)
{
	const char *colon = strchr(text ? text : "", ':');
	auto_free char *wanted = NULL;
	auto_free char *name = NULL;
	auto_free char *groups = NULL;
	struct user user = { 0 };

	if (!text || !*text)
		text = "0";
	wanted = colon ? str_dup_n(text, (size_t)(colon - text)) : str_dup(text);
	/* As everyone else reads them: what is left out is as if nothing were said. */
	if (!*wanted) {
		free(take_ptr(&wanted));
		wanted = str_dup("0");
	}
	if (colon && !colon[1])
		colon = NULL;
	if (resolve_user(root_fd, wanted, &user, &name, err) < 0 ||
		read_file(root_fd, "/etc/group", &groups, err) < 0)
		return -1;
	if (colon ? find_group(groups, colon + 1, &user, err) < 0
		  : name && add_groups(groups, name, &user, err) < 0)
		return -1;
	*ret = user;
	return 0;
}
