/* The container's network: interfaces with their addresses, and sockets that wait for
 * somebody. In a network that is the host's, only the container's own sockets. */
#include <arpa/inet.h>
#include <dirent.h>
#include <ifaddrs.h>
#include <inttypes.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/path.h"
#include "base/process.h"
#include "runtime/inspect/inspect.h"
#include "runtime/namespaces/namespaces.h"
#include "runtime/process/procfs.h"

/* ---- sockets ------------------------------------------------------------------------ */

struct table {
	const char *protocol;
	int family;
	unsigned waiting; /* TCP_LISTEN; for UDP, TCP_CLOSE: connected to nobody */
};

static const struct table tables[] = {
	{ "tcp", AF_INET, 10 },
	{ "tcp6", AF_INET6, 10 },
	{ "udp", AF_INET, 7 },
	{ "udp6", AF_INET6, 7 },
};

/* Words of 32 bits in hexadecimal, each in the machine's order. */
static char *address_of(const char *digits, int family)
{
	uint32_t words[4] = { 0 };
	char text[INET6_ADDRSTRLEN] = "?";

	for (size_t i = 0; i < (family == AF_INET ? 1 : 4); i++)
		(void)sscanf(digits + 8 * i, "%8" SCNx32, &words[i]); /* else 0 */
	(void)inet_ntop(family, words, text, sizeof(text));           /* it has room */
	return str_dup(text);
}

/* "  0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 4711" */
static bool parse(const char *line, const struct table *table, struct inspect_socket *ret)
{
	char local[64];
	unsigned port, state;
	uint64_t inode;

	if (sscanf(line,
		    " %*u: %63[0-9A-F]:%x %*[0-9A-F]:%*x %x %*x:%*x %*x:%*x %*x %*u %*d "
		    "%" SCNu64,
		    local, &port, &state, &inode) != 4 ||
		state != table->waiting)
		return false;
	*ret = (struct inspect_socket){
		.protocol = str_dup(table->protocol),
		.address = address_of(local, table->family),
		.port = port,
		.inode = inode,
	};
	return true;
}

static void read_table(pid_t pid, const struct table *table, struct inspection *to)
{
	auto_free char *file = str_format("net/%s", table->protocol);
	auto_free char *text = procfs_read(pid, file);
	auto_strings lines = { 0 };

	strings_split(&lines, text ? text : "", '\n');
	for (size_t i = 1; i < lines.count; i++) { /* the first is the title */
		struct inspect_socket found;

		if (!parse(lines.items[i], table, &found))
			continue;
		to->sockets =
			str_grow(to->sockets, to->sockets_count, sizeof(*to->sockets));
		to->sockets[to->sockets_count++] = found;
	}
}

static void claim(uint64_t inode, pid_t pid, struct inspection *to)
{
	for (size_t i = 0; i < to->sockets_count; i++) {
		if (to->sockets[i].inode == inode && !to->sockets[i].pid)
			to->sockets[i].pid = pid;
	}
}

static void find_owner(pid_t pid, struct inspection *to)
{
	auto_free char *path = str_format("/proc/%d/fd", pid);
	auto_dir dir = opendir(path);
	const struct dirent *entry;

	while (dir && (entry = path_next(dir))) {
		char target[64] = "";
		uint64_t inode;

		if (readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1) >
				0 &&
			sscanf(target, "socket:[%" SCNu64, &inode) == 1)
			claim(inode, pid, to);
	}
}

static void drop_unowned(struct inspection *to)
{
	size_t kept = 0;

	for (size_t i = 0; i < to->sockets_count; i++) {
		if (to->sockets[i].pid) {
			to->sockets[kept++] = to->sockets[i];
			continue;
		}
		free(to->sockets[i].protocol);
		free(to->sockets[i].address);
	}
	to->sockets_count = kept;
}

void inspect_sockets(pid_t pid, const struct cgroup_pids *pids, struct inspection *to)
{
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		read_table(pid, &tables[i], to);
	for (size_t i = 0; i < pids->count; i++)
		find_owner(pids->items[i], to);
	if (namespaces_shared(pid, CLONE_NEWNET))
		drop_unowned(to);
}

/* ---- interfaces --------------------------------------------------------------------- */

static struct inspect_interface *interface_of(
	const struct ifaddrs *entry, struct inspection *to)
{
	for (size_t i = 0; i < to->interfaces_count; i++) {
		if (str_equal(to->interfaces[i].name, entry->ifa_name))
			return &to->interfaces[i];
	}
	to->interfaces =
		str_grow(to->interfaces, to->interfaces_count, sizeof(*to->interfaces));
	to->interfaces[to->interfaces_count] = (struct inspect_interface){
		.name = str_dup(entry->ifa_name),
		.up = entry->ifa_flags & IFF_UP,
	};
	return &to->interfaces[to->interfaces_count++];
}

static unsigned prefix_of(const unsigned char *mask, size_t size)
{
	unsigned bits = 0;

	for (size_t i = 0; i < size; i++)
		bits += (unsigned)__builtin_popcount(mask[i]);
	return bits;
}

static void add_address(const struct ifaddrs *entry, struct strings *to)
{
	bool wide = entry->ifa_addr->sa_family == AF_INET6;
	size_t offset = wide ? offsetof(struct sockaddr_in6, sin6_addr)
			     : offsetof(struct sockaddr_in, sin_addr);
	const char *address = (const char *)entry->ifa_addr;
	const unsigned char *mask = (const unsigned char *)entry->ifa_netmask;
	char text[INET6_ADDRSTRLEN];

	if (!mask || !inet_ntop(entry->ifa_addr->sa_family, address + offset, text,
			     sizeof(text)))
		return;
	strings_addf(to, "%s/%u", text, prefix_of(mask + offset, wide ? 16 : 4));
}

static bool enter(pid_t pid)
{
	int kinds = CLONE_NEWNET;
	auto_fd pidfd = -1;

	if (namespaces_shared(pid, CLONE_NEWNET))
		return true;
	/* What gives another user the right to. */
	if (geteuid() != 0 && !namespaces_shared(pid, CLONE_NEWUSER))
		kinds |= CLONE_NEWUSER;
	pidfd = process_pidfd_open(pid);
	if (pidfd >= 0 && setns(pidfd, kinds) == 0)
		return true;
	log_warning("interfaces are not shown: entering the network of process %d: %s",
		pid, strerror(errno));
	return false;
}

void inspect_interfaces(pid_t pid, struct inspection *to)
{
	struct ifaddrs *all = NULL;

	if (!enter(pid) || getifaddrs(&all) < 0)
		return;
	for (const struct ifaddrs *entry = all; entry; entry = entry->ifa_next) {
		struct inspect_interface *interface = interface_of(entry, to);

		if (entry->ifa_addr && (entry->ifa_addr->sa_family == AF_INET ||
					       entry->ifa_addr->sa_family == AF_INET6))
			add_address(entry, &interface->addresses);
	}
	freeifaddrs(all);
}
