/*
 * The user namespace of a container, where root's privilege is not what makes it. A bundle
 * of a user says how the user's own ids are mapped, so that the user's mocker-runtime can
 * make it; a RUN, and a bundle of who was root of a user namespace before, gets one more
 * namespace with the same ids.
 */
#include "builder/bundle/config.h"

#include <sched.h>
#include <string.h>

#include "base/userns.h"
#include "builder/rootless.h"

static int add_map(enum userns_ids ids, bool same, struct oci_id_mapping **ret,
	size_t *ret_count, struct error *err)
{
	auto_userns_map map = { 0 };

	if (userns_read_map(ids, &map, err) < 0)
		return -1;
	*ret = str_alloc(map.count * sizeof(**ret));
	for (size_t i = 0; i < map.count; i++)
		(*ret)[i] = (struct oci_id_mapping){
			.container_id = map.items[i].inside,
			.host_id = same ? map.items[i].inside : map.items[i].outside,
			.size = map.items[i].count,
		};
	*ret_count = map.count;
	return 0;
}

static int check_user(const struct user *user, struct error *err)
{
	if (rootless_has_user(user->uid) && rootless_has_group(user->gid))
		return 0;
	(void)!fail_code(
		err, EINVAL, "the container cannot run as %u:%u", user->uid, user->gid);
	return rootless_fail_owner(user->uid, user->gid, err);
}

/* The group of terminals, where it has no number. */
static void drop_group(struct oci_config *config)
{
	if (rootless_has_group(5))
		return;
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

int bundle_add_user_namespace(
	const struct bundle_input *input, struct oci_config *config, struct error *err)
{
	bool same = input->request->for_step || !rootless_entered();
	struct oci_linux *chapter = &config->linux;

	if (!rootless_here())
		return 0;
	bundle_add_namespace(config, CLONE_NEWUSER, NULL);
	if (add_map(USERNS_USERS, same, &chapter->uid_mappings,
		    &chapter->uid_mappings_count, err) < 0 ||
		add_map(USERNS_GROUPS, same, &chapter->gid_mappings,
			&chapter->gid_mappings_count, err) < 0)
		return -1;
	drop_group(config);
	return check_user(input->user, err);
}
