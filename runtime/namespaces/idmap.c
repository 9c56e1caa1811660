/* User and group id maps of a new user namespace. */
#include "runtime/namespaces/idmap.h"

#include "base/userns.h"
#include "spec/config.h"

static int write_map(pid_t pid, enum userns_ids ids, const struct oci_id_mapping *items,
	size_t count, struct error *err)
{
	auto_userns_map map = { 0 };

	for (size_t i = 0; i < count; i++)
		userns_map_add(&map, (struct userns_range){
					     .inside = items[i].container_id,
					     .outside = items[i].host_id,
					     .count = items[i].size,
				     });
	if (userns_write_map(pid, ids, &map, err) < 0)
		return fail_while(err, "/linux/%s",
			ids == USERNS_USERS ? "uidMappings" : "gidMappings");
	return 0;
}

int idmap_write(const struct oci_config *config, pid_t pid, struct error *err)
{
	const struct oci_linux *chapter = &config->linux;

	if (write_map(pid, USERNS_GROUPS, chapter->gid_mappings,
		    chapter->gid_mappings_count, err) < 0)
		return -1;
	return write_map(pid, USERNS_USERS, chapter->uid_mappings,
		chapter->uid_mappings_count, err);
}

bool idmap_to_host(
	const struct oci_id_mapping *maps, size_t count, uint32_t id, uint32_t *ret)
{
	for (size_t i = 0; i < count; i++) {
		if (id - maps[i].container_id >= maps[i].size ||
			id < maps[i].container_id)
			continue;
		*ret = maps[i].host_id + (id - maps[i].container_id);
		return true;
	}
	return false;
}
