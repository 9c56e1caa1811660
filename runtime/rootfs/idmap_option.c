/* "uids=…;gids=…": ranges between "#", three numbers each. */
#include "runtime/rootfs/idmap_option.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/str.h"
#include "runtime/namespaces/idmap.h"

/* The container's own mappings, for ids that are given as it sees them. */
struct inside {
	const struct oci_id_mapping *maps;
	size_t count;
};

static int parse_range(const char *text, const struct inside *inside,
	struct oci_id_mapping *ret, struct error *err)
{
	bool relative = *text == '@';
	auto_strings numbers = { 0 };
	struct error ignored;
	uint32_t host;

	strings_split(&numbers, text + relative, '-');
	if (numbers.count != 3 ||
		str_to_u32(numbers.items[0], "id", &ret->container_id, &ignored) < 0 ||
		str_to_u32(numbers.items[1], "id", &host, &ignored) < 0 ||
		str_to_u32(numbers.items[2], "size", &ret->size, &ignored) < 0 ||
		ret->size == 0)
		return fail(err,
			"expected FIRST-HOST-COUNT, as in 0-1000-10, found \"%s\"", text);
	ret->host_id = host;
	if (relative && !idmap_to_host(inside->maps, inside->count, host, &ret->host_id))
		return fail(err,
			"\"%s\" names an id that the container's user namespace does not map",
			text);
	return 0;
}

static int parse_ranges(const char *text, const struct inside *inside,
	struct oci_id_mapping **ret, size_t *ret_count, struct error *err)
{
	auto_strings ranges = { 0 };

	if (*ret)
		return fail(err, "uids and gids may be given once each");
	strings_split(&ranges, text, '#');
	*ret = str_alloc((ranges.count + 1) * sizeof(**ret));
	for (size_t i = 0; i < ranges.count; i++) {
		if (parse_range(ranges.items[i], inside, &(*ret)[i], err) < 0)
			return -1;
	}
	*ret_count = ranges.count;
	return 0;
}

static int parse(const char *text, const struct oci_linux *chapter,
	struct idmap_option *ret, struct error *err)
{
	const struct inside users = { chapter->uid_mappings,
		chapter->uid_mappings_count };
	const struct inside groups = { chapter->gid_mappings,
		chapter->gid_mappings_count };
	auto_strings parts = { 0 };

	strings_split(&parts, text, ';');
	for (size_t i = 0; i < parts.count; i++) {
		const char *uids = str_after(parts.items[i], "uids=");
		const char *gids = str_after(parts.items[i], "gids=");

		if (!uids && !gids)
			return fail(err,
				"expected uids=RANGES and gids=RANGES, found \"%s\"",
				parts.items[i]);
		if (uids &&
			parse_ranges(uids, &users, &ret->uids, &ret->uids_count, err) < 0)
			return -1;
		if (gids && parse_ranges(
				    gids, &groups, &ret->gids, &ret->gids_count, err) < 0)
			return -1;
	}
	if (!ret->uids_count || !ret->gids_count)
		return fail(err, "uids=RANGES and gids=RANGES need each other");
	return 0;
}

int idmap_option_parse(const char *text, const struct oci_linux *chapter,
	struct idmap_option *ret, struct error *err)
{
	struct idmap_option option = { 0 };

	if (parse(text, chapter, &option, err) < 0) {
		idmap_option_free(&option);
		return -1;
	}
	*ret = option;
	return 0;
}

void idmap_option_free(struct idmap_option *option)
{
	free(take_ptr(&option->uids));
	free(take_ptr(&option->gids));
}
