/* Definitions of networks as files, one a network, written beside and renamed. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "netsetup/addresses/occupied.h"
#include "netsetup/network.h"

#define SUFFIX ".json"

static int open_directory(const struct places *places, int *ret_fd, struct error *err)
{
	auto_fd fd = -1;

	if (path_mkdirs(places->networks, 0755, err) < 0)
		return -1;
	fd = open(places->networks, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(err, "opening %s", places->networks);
	*ret_fd = take_fd(&fd);
	return 0;
}

int networks_lock(const struct places *places, int *ret_fd, struct error *err)
{
	auto_fd fd = -1;

	if (open_directory(places, &fd, err) < 0 ||
		fd_lock(fd, LOCK_EX, places->networks, err) < 0)
		return -1;
	*ret_fd = take_fd(&fd);
	return 0;
}

int network_list(const struct places *places, struct strings *ret, struct error *err)
{
	auto_dir directory = opendir(places->networks);

	if (!directory && errno == ENOENT)
		return 0;
	if (!directory)
		return fail_errno(err, "listing %s", places->networks);
	for (const struct dirent *entry; (entry = path_next(directory));) {
		size_t length = strlen(entry->d_name);

		if (entry->d_name[0] == '.' || !str_ends_with(entry->d_name, SUFFIX))
			continue;
		strings_add_take(ret, str_dup_n(entry->d_name, length - strlen(SUFFIX)));
	}
	if (errno)
		return fail_errno(err, "listing %s", places->networks);
	strings_sort(ret);
	return 0;
}

static int read_file(const struct places *places, const char *name, struct network *ret,
	struct error *err)
{
	auto_free char *path = str_format("%s/%s" SUFFIX, places->networks, name);

	if (json_read_file(&network_type, ret, AT_FDCWD, path,
		    &(struct json_options){ 0 }, err) < 0)
		return -1;
	if (!str_equal(ret->name, name))
		return fail(err, "%s: the name inside is \"%s\"", path, ret->name);
	return network_check(ret, err);
}

/* ---- comparing with the others ------------------------------------------------------- */

static int each_other(const struct places *places, const char *name,
	int (*each)(void *argument, const struct network *other, struct error *err),
	void *argument, struct error *err)
{
	auto_strings names = { 0 };

	if (network_list(places, &names, err) < 0)
		return -1;
	strings_each (item, &names) {
		auto_network other = { 0 };

		if (str_equal(*item, name))
			continue;
		if (read_file(places, *item, &other, err) < 0) {
			if (err->errnum == ENOENT)
				continue; /* removed meanwhile */
			return -1;
		}
		if (each(argument, &other, err) < 0)
			return -1;
	}
	return 0;
}

/* The interface of the other is the same, or a subnet of theirs overlaps. */
static int refuse_conflict(void *argument, const struct network *other, struct error *err)
{
	const struct network *network = argument;

	if (network->kind == NETWORK_BRIDGE && !network->unmanaged &&
		str_equal(network->interface, other->interface))
		return fail_code(err, EEXIST, "network \"%s\" has the bridge %s already",
			other->name, other->interface);
	for (size_t i = 0; i < network->ranges_count * other->ranges_count; i++) {
		const char *ours = network->ranges[i % network->ranges_count].subnet;
		const char *theirs = other->ranges[i / network->ranges_count].subnet;
		struct address a;
		struct address b;

		if (address_parse_subnet(ours, "subnet", &a, err) < 0 ||
			address_parse_subnet(theirs, "subnet", &b, err) < 0)
			return -1;
		if (address_overlaps(&a, &b))
			return fail_code(err, EEXIST,
				"the subnet %s overlaps %s of network \"%s\"", ours,
				theirs, other->name);
	}
	return 0;
}

/* ---- defaults ------------------------------------------------------------------------ */

static void add_range(struct network *network, const char *subnet)
{
	network->ranges = str_realloc(
		network->ranges, network->ranges_count + 1, sizeof(*network->ranges));
	network->ranges[network->ranges_count] = (struct network_range){
		.subnet = str_dup(subnet),
		.set = (uint32_t)network->ranges_count,
	};
	network->ranges_count++;
}

/* 10.0.0.0/24 is the first, 172.31.255.0/24 the last. */
#define SUBNETS_OF_10  65536U
#define SUBNETS_OF_172 4096U

static char *nth_subnet(unsigned number)
{
	if (number < SUBNETS_OF_10)
		return str_format("10.%u.%u.0/24", number >> 8, number & 255);
	number -= SUBNETS_OF_10;
	return str_format("172.%u.%u.0/24", 16 + (number >> 8), number & 255);
}

static int free_subnet(
	const struct places *places, struct network *network, struct error *err)
{
	auto_occupied occupied = { 0 };

	if (occupied_load(network->interface, true, &occupied, err) < 0)
		return -1;
	add_range(network, "");
	for (unsigned i = 0; i < SUBNETS_OF_10 + SUBNETS_OF_172; i++) {
		struct address subnet;

		free(network->ranges[0].subnet);
		network->ranges[0].subnet = nth_subnet(i);
		if (address_parse_subnet(
			    network->ranges[0].subnet, "subnet", &subnet, err) < 0)
			return -1;
		if (occupied_find(&occupied, &subnet))
			continue;
		if (each_other(places, network->name, refuse_conflict, network, err) == 0)
			return 0;
		if (err->errnum != EEXIST)
			return -1;
	}
	return fail(err, "no subnet of 10.0.0.0/8 and 172.16.0.0/12 is free; choose one "
			 "with --subnet");
}

/* Of a bridge the host is the gateway, to a subnet that must be nowhere else. */
static int refuse_occupied(const struct network *network, struct error *err)
{
	auto_occupied occupied = { 0 };

	if (network->kind != NETWORK_BRIDGE || network->unmanaged)
		return 0;
	if (occupied_load(network->interface, false, &occupied, err) < 0)
		return -1;
	for (size_t i = 0; i < network->ranges_count; i++) {
		const struct occupied_subnet *other;
		struct address subnet;

		if (address_parse_subnet(
			    network->ranges[i].subnet, "subnet", &subnet, err) < 0)
			return -1;
		other = occupied_find(&occupied, &subnet);
		if (other)
			return fail_code(err, EEXIST,
				"the subnet %s overlaps %s of the host's %s",
				network->ranges[i].subnet,
				address_text_prefix(&other->subnet).text,
				other->interface);
	}
	return 0;
}

/* The default network's bridge is mocker0; others are numbered after it. */
static int free_bridge(
	const struct places *places, struct network *network, struct error *err)
{
	for (unsigned i = str_equal(network->name, NETWORK_DEFAULT) ? 0 : 1; i < 10000;
		i++) {
		struct network probe = { .name = network->name,
			.kind = NETWORK_BRIDGE,
			.interface = network->interface };

		free(network->interface);
		network->interface = str_format("mocker%u", i);
		probe.interface = network->interface;
		if (each_other(places, network->name, refuse_conflict, &probe, err) == 0)
			return 0;
		if (err->errnum != EEXIST)
			return -1;
	}
	return fail(err, "no bridge name is free; choose one with --interface");
}

int network_fill(const struct places *places, const char *name,
	struct network_defaults defaults, struct network *ret, struct error *err)
{
	auto_network network = {
		.name = str_dup(name),
		.kind = geteuid() == 0 ? NETWORK_BRIDGE : NETWORK_USER,
		.gateway = true,
		.default_route = true,
		.masquerade = true,
		.isolation = NETWORK_STRICT,
	};

	if (network.kind == NETWORK_USER) {
		network.gateway = network.masquerade = false;
		network.interface = str_dup(NETWORK_USER_INTERFACE);
	} else if (free_bridge(places, &network, err) < 0)
		return -1;
	if (!defaults.no_subnet && free_subnet(places, &network, err) < 0)
		return -1;
	*ret = network;
	network = (struct network){ 0 };
	return 0;
}

/* ---- making and removing ------------------------------------------------------------- */

int network_create(
	const struct places *places, const struct network *network, struct error *err)
{
	auto_str text = { 0 };
	auto_fd directory = -1;
	auto_free char *file = str_format("%s" SUFFIX, network->name);

	if (network_check(network, err) < 0 || network_check_kind(network, err) < 0 ||
		open_directory(places, &directory, err) < 0)
		return -1;
	if (faccessat(directory, file, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return fail_code(
			err, EEXIST, "network \"%s\" exists already", network->name);
	if (each_other(places, network->name, refuse_conflict, (void *)(uintptr_t)network,
		    err) < 0 ||
		refuse_occupied(network, err) < 0)
		return -1;
	json_write(&text, &network_type, network,
		(struct json_write_options){ .pretty = true });
	return file_replace_at(directory, file, text.data, text.length,
		(struct file_replace_options){ .mode = 0644, .sync = true }, err);
}

int network_remove(const struct places *places, const char *name, struct error *err)
{
	auto_fd directory = -1;
	auto_free char *file = str_format("%s" SUFFIX, name);

	if (places_check_name(name, "network", err) < 0 ||
		open_directory(places, &directory, err) < 0)
		return -1;
	if (unlinkat(directory, file, 0) < 0)
		return fail_errno(err, "removing network \"%s\"", name);
	return pool_remove(places, name, err);
}

bool network_exists(const struct places *places, const char *name)
{
	auto_free char *path = str_format("%s/%s" SUFFIX, places->networks, name);

	return access(path, F_OK) == 0;
}

/* ---- loading ------------------------------------------------------------------------- */

struct by_interface {
	const char *interface;
	char *name;
};

static int note_interface(void *argument, const struct network *other, struct error *err)
{
	struct by_interface *search = argument;

	if (!search->name && str_equal(other->interface, search->interface))
		search->name = str_dup(other->name);
	return 0;
}

static int make_default(const struct places *places, struct error *err)
{
	auto_network network = { 0 };
	auto_fd lock = -1;

	if (networks_lock(places, &lock, err) < 0)
		return -1;
	if (network_exists(places, NETWORK_DEFAULT)) /* another process was faster */
		return 0;
	if (network_fill(places, NETWORK_DEFAULT, (struct network_defaults){ 0 },
		    &network, err) < 0)
		return -1;
	return network_create(places, &network, err);
}

/* "mocker0" may be said before the default network was ever used. */
static int load_by_interface(const struct places *places, const char *name,
	struct network *ret, struct error *err)
{
	struct by_interface search = { .interface = name };
	auto_free char *found = NULL;

	if (str_equal(name, "mocker0"))
		search.name = str_dup(NETWORK_DEFAULT);
	if (each_other(places, "", note_interface, &search, err) < 0) {
		free(search.name);
		return -1;
	}
	found = search.name;
	if (!found)
		return fail_code(err, ENOENT,
			"there is no network \"%s\"; mocker-netsetup network ls lists them",
			name);
	if (str_equal(found, NETWORK_DEFAULT) && make_default(places, err) < 0)
		return -1;
	return read_file(places, found, ret, err);
}

int network_load(const struct places *places, const char *name, struct network *ret,
	struct error *err)
{
	if (places_check_name(name, "network", err) < 0)
		return -1;
	if (read_file(places, name, ret, err) == 0)
		return 0;
	network_free(ret);
	if (err->errnum != ENOENT)
		return -1;
	if (!str_equal(name, NETWORK_DEFAULT))
		return load_by_interface(places, name, ret, err);
	if (make_default(places, err) < 0)
		return -1;
	return read_file(places, name, ret, err);
}
