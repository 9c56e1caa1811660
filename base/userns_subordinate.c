/* /etc/subuid and /etc/subgid: lines USER:FIRST:COUNT, the user by name or number. */
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/path.h"
#include "base/str.h"
#include "base/userns.h"

#define FILE_MAX (4u << 20)

/* By enum userns_ids. */
static const char *const files[] = { "/etc/subuid", "/etc/subgid" };

struct user_names {
	char *name;   /* NULL: the number has none */
	char *number; /* as text */
};

static void free_names(struct user_names *names)
{
	free(names->name);
	free(names->number);
}

/* A range that does not fit behind the others any more is left out, as is a line that
 * says nothing: newuidmap has the last word. */
static void add_line(
	const char *line, const struct user_names *names, struct userns_map *map)
{
	const struct userns_range *last =
		map->count > 0 ? &map->items[map->count - 1] : NULL;
	struct userns_range range = { .inside = last ? last->inside + last->count : 0 };
	auto_strings fields = { 0 };
	struct error ignored;

	strings_split(&fields, line, ':');
	if (fields.count != 3 || map->count == USERNS_RANGES_MAX ||
		(!str_equal(fields.items[0], names->number) &&
			!(names->name && str_equal(fields.items[0], names->name))) ||
		str_to_u32(fields.items[1], "first id", &range.outside, &ignored) < 0 ||
		str_to_u32(fields.items[2], "number of ids", &range.count, &ignored) < 0)
		return;
	if (range.count > 0 && range.count < UINT32_MAX - range.inside &&
		range.count < UINT32_MAX - range.outside)
		userns_map_add(map, range);
}

static int add_file(const char *path, const struct user_names *names,
	struct userns_map *map, struct error *err)
{
	struct error first = { 0 };
	auto_free char *text = NULL;
	auto_strings lines = { 0 };

	if (file_read_at(AT_FDCWD, path, FILE_MAX, &text, NULL, &first) < 0) {
		if (first.errnum == ENOENT)
			return 0;
		*err = first;
		return -1;
	}
	strings_split(&lines, text, '\n');
	strings_each (line, &lines)
		add_line(*line, names, map);
	return 0;
}

int userns_map_of_user(enum userns_ids ids, struct userns_map *ret, struct error *err)
{
	const struct passwd *known = getpwuid(geteuid());
	__attribute__((cleanup(free_names))) struct user_names names = {
		.name = known ? str_dup(known->pw_name) : NULL,
		.number = str_format("%u", geteuid()),
	};
	auto_free char *user_helper = path_of_program("newuidmap");
	auto_free char *group_helper = path_of_program("newgidmap");
	auto_userns_map map = { 0 };

	userns_map_add(
		&map, (struct userns_range){
			      .outside = ids == USERNS_USERS ? geteuid() : getegid(),
			      .count = 1,
		      });
	if (user_helper && group_helper && add_file(files[ids], &names, &map, err) < 0)
		return -1;
	*ret = map;
	map = (struct userns_map){ 0 };
	return 0;
}

int userns_map_of_subordinates(
	enum userns_ids ids, const char *user, struct userns_map *ret, struct error *err)
{
	const struct passwd *known = getpwnam(user);
	__attribute__((cleanup(free_names))) struct user_names names = { 0 };
	auto_userns_map map = { 0 };
	struct error ignored;
	uint32_t number;

	if (!known && str_to_u32(user, "user", &number, &ignored) == 0)
		known = getpwuid(number);
	names.name = str_dup(known ? known->pw_name : user);
	names.number = known ? str_format("%u", known->pw_uid) : str_dup(user);

	if (add_file(files[ids], &names, &map, err) < 0)
		return -1;
	if (map.count == 0)
		return fail_code(err, ENOENT, "%s gives %s no ids", files[ids], user);
	*ret = map;
	map = (struct userns_map){ 0 };
	return 0;
}
