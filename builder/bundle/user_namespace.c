/*
 * The user namespace of a container. Root's bundle has the one that is asked for, by a
 * user's subordinate ids or range by range. A bundle of a user says how the user's own ids
 * are mapped, so that the user's mocker-runtime can make it; a RUN, and a bundle of who was
 * root of a user namespace before, gets one more namespace with the same ids.
 */
#include "builder/bundle/config.h"

#include <sched.h>
#include <string.h>

#include "builder/rootless.h"

#define TERMINALS 5 /* the group of /dev/pts */

/* ---- what is asked for --------------------------------------------------------------- */

static bool overlaps(uint32_t a, uint32_t a_count, uint32_t b, uint32_t b_count)
{
	return a < (uint64_t)b + b_count && b < (uint64_t)a + a_count;
}

static int add_range(const char *text, struct userns_map *map, struct error *err)
{
	auto_strings fields = { 0 };
	struct userns_range range;

	strings_split(&fields, text, ':');
	if (fields.count != 3)
		return fail(err, "expected CONTAINER:HOST:COUNT, as in 0:100000:65536");
	if (str_to_u32(fields.items[0], "the first id inside", &range.inside, err) < 0 ||
		str_to_u32(fields.items[1], "the first id of the host", &range.outside,
			err) < 0 ||
		str_to_u32(fields.items[2], "the number of ids", &range.count, err) < 0)
		return -1;
	if (range.count == 0 || range.count > UINT32_MAX - range.inside ||
		range.count > UINT32_MAX - range.outside)
		return fail(err, "there are not so many ids");
	for (size_t i = 0; i < map->count; i++) {
		const struct userns_range *other = &map->items[i];

		if (overlaps(range.inside, range.count, other->inside, other->count) ||
			overlaps(
				range.outside, range.count, other->outside, other->count))
			return fail(err, "it has ids of the range %u:%u:%u",
				other->inside, other->outside, other->count);
	}
	if (map->count == USERNS_RANGES_MAX)
		return fail(err, "the kernel takes %d ranges", USERNS_RANGES_MAX);
	userns_map_add(map, range);
	return 0;
}

static int read_ranges(const char *option, const struct strings *list,
	struct userns_map *ret, struct error *err)
{
	uint32_t outside;

	strings_each (item, list) {
		if (add_range(*item, ret, err) < 0)
			return fail_while(err, "%s %s", option, *item);
	}
	if (!userns_map_find(ret, 0, &outside))
		return fail(err, "%s: the container needs an id 0", option);
	return 0;
}

/* podman's word for ids that no other container has. */
static int read_user(const char *user, struct userns_maps *ret, struct error *err)
{
	if (strcmp(user, "auto") == 0)
		return fail(err, "--userns auto: ids of its own for each container are "
				 "not handed out here; name a user of /etc/subuid, or "
				 "give --uidmap");
	if (userns_map_of_subordinates(USERNS_USERS, user, &ret->users, err) < 0 ||
		userns_map_of_subordinates(USERNS_GROUPS, user, &ret->groups, err) < 0)
		return fail_while(err, "--userns %s", user);
	return 0;
}

int bundle_read_maps(
	const struct bundle_request *request, struct userns_maps *ret, struct error *err)
{
	const struct strings *users = &request->uidmap;
	const struct strings *groups = &request->gidmap;
	bool user = request->userns && strcmp(request->userns, "host") != 0;
	bool ranges = users->count > 0 || groups->count > 0;

	if (!user && !ranges)
		return 0;
	if (ranges && request->userns)
		return fail(err, "--userns and --uidmap or --gidmap exclude each other");
	if (rootless_here())
		return fail(err, "%s: a user's bundle has the user's own ids",
			user ? "--userns" : "--uidmap");
	if (user)
		return read_user(request->userns, ret, err);
	return read_ranges("--uidmap", users->count ? users : groups, &ret->users, err) <
				       0 ||
			       read_ranges("--gidmap", groups->count ? groups : users,
				       &ret->groups, err) < 0
		       ? -1
		       : 0;
}

/* ---- what config.json says ----------------------------------------------------------- */

static void add_mappings(const struct userns_map *map, bool same,
	struct oci_id_mapping **ret, size_t *ret_count)
{
	*ret = str_alloc(map->count * sizeof(**ret));
	for (size_t i = 0; i < map->count; i++)
		(*ret)[i] = (struct oci_id_mapping){
			.container_id = map->items[i].inside,
			.host_id = same ? map->items[i].inside : map->items[i].outside,
			.size = map->items[i].count,
		};
	*ret_count = map->count;
}

static int check_user(
	const struct user *user, const struct userns_maps *maps, struct error *err)
{
	uint32_t outside;

	if (userns_map_find(&maps->users, user->uid, &outside) &&
		userns_map_find(&maps->groups, user->gid, &outside))
		return 0;
	(void)!fail_code(
		err, EINVAL, "the container cannot run as %u:%u", user->uid, user->gid);
	return rootless_here()
		       ? rootless_fail_owner(user->uid, user->gid, err)
		       : fail_hint(err, "its user namespace has no such user or group");
}

static int check_groups(
	const struct user *user, const struct userns_map *map, struct error *err)
{
	uint32_t outside;

	for (uint32_t i = 0; i < user->group_count; i++) {
		if (!userns_map_find(map, user->groups[i], &outside))
			return fail(err,
				"the container's user is in group %u, which its user "
				"namespace has not",
				user->groups[i]);
	}
	return 0;
}

/* The group of terminals, where it has no number. */
static void drop_group(struct oci_config *config)
{
	for (size_t i = 0; i < config->mounts_count; i++) {
		struct strings *options = &config->mounts[i].options;
		struct strings kept = { 0 };

		if (!str_equal(config->mounts[i].type, "devpts"))
			continue;
		strings_each (option, options) {
			if (!str_after(*option, "gid="))
				strings_add(&kept, *option);
		}
		strings_free(options);
		*options = kept;
	}
}

static int add_namespace(const struct userns_maps *maps, bool same,
	const struct user *user, struct oci_config *config, struct error *err)
{
	struct oci_linux *chapter = &config->linux;
	uint32_t outside;

	bundle_add_namespace(config, CLONE_NEWUSER, NULL);
	add_mappings(
		&maps->users, same, &chapter->uid_mappings, &chapter->uid_mappings_count);
	add_mappings(&maps->groups, same, &chapter->gid_mappings,
		&chapter->gid_mappings_count);
	if (!userns_map_find(&maps->groups, TERMINALS, &outside))
		drop_group(config);
	return check_user(user, maps, err);
}

int bundle_add_user_namespace(
	const struct bundle_input *input, struct oci_config *config, struct error *err)
{
	bool same = input->request->for_step || !rootless_entered();
	auto_userns_maps own = { 0 };

	if (input->maps)
		return add_namespace(input->maps, false, input->user, config, err) < 0
			       ? -1
			       : check_groups(input->user, &input->maps->groups, err);
	if (!rootless_here())
		return 0;
	if (userns_read_map(USERNS_USERS, &own.users, err) < 0 ||
		userns_read_map(USERNS_GROUPS, &own.groups, err) < 0)
		return -1;
	return add_namespace(&own, same, input->user, config, err);
}
