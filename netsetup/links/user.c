/*
 * The step for networks of users without privilege, who may make no bridge: pasta joins the
 * container's user and network namespace, makes its interface there with the pool's
 * address, and passes what it sends through sockets of the user's own. It ends with the
 * namespace, or when the attachment is taken back.
 */
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "netsetup/links/user.h"
#include "netsetup/names/server.h"

static char *pid_file(const struct attach *attach)
{
	return str_format("%s/%s/pasta-%s.pid", attach->places->attachments,
		attach->record.container, attach->record.interface);
}

/* "8080:80", or with the host's address before it; "none" where nothing is published. */
static void add_ports(
	struct strings *argv, const struct attachment *record, int64_t protocol)
{
	const char *option = protocol == IPPROTO_UDP ? "-u" : "-t";
	bool any = false;

	for (size_t i = 0; i < record->publish_count; i++) {
		const struct attachment_port *port = &record->publish[i];

		if (port->protocol != protocol)
			continue;
		any = true;
		strings_add(argv, option);
		strings_addf(argv, "%s%s%u:%u", port->host_ip ? port->host_ip : "",
			port->host_ip ? "/" : "", port->host_port, port->container_port);
	}
	if (!any) {
		strings_add(argv, option);
		strings_add(argv, "none");
	}
}

static int add_addresses(
	struct strings *argv, const struct attachment *record, struct error *err)
{
	bool inet4 = false;
	bool inet6 = false;

	for (size_t i = 0; i < record->addresses_count; i++) {
		struct address address;

		if (address_parse_prefix(
			    record->addresses[i].address, "address", &address, err) < 0)
			return -1;
		strings_add(argv, "-a");
		strings_add(argv, address_text(&address).text);
		if (record->addresses[i].gateway) {
			strings_add(argv, "-g");
			strings_add(argv, record->addresses[i].gateway);
		}
		if (address.family == AF_INET) {
			strings_add(argv, "-n");
			strings_addf(argv, "%u", address.prefix);
		}
		inet4 = inet4 || address.family == AF_INET;
		inet6 = inet6 || address.family == AF_INET6;
	}
	if (inet4 != inet6)
		strings_add(argv, inet4 ? "-4" : "-6");
	return 0;
}

/* Nothing of the host's loopback is reachable from inside, by no address and no port. */
static int fill(struct strings *argv, const struct attach *attach, const char *file,
	struct error *err)
{
	static const char *const fixed[] = { "--config-net", "--quiet", "--no-map-gw",
		"-T", "none", "-U", "none" };
	const struct attachment *record = &attach->record;

	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		strings_add(argv, fixed[i]);
	strings_add(argv, "--ns-ifname");
	strings_add(argv, record->interface);
	if (record->network.mtu) {
		strings_add(argv, "--mtu");
		strings_addf(argv, "%u", record->network.mtu);
	}
	add_ports(argv, record, IPPROTO_TCP);
	add_ports(argv, record, IPPROTO_UDP);
	strings_add(argv, "--pid");
	strings_add(argv, file);
	if (add_addresses(argv, record, err) < 0)
		return -1;
	strings_addf(argv, "%d", record->pid);
	return 0;
}

/* The first port that the kernel lets users have. */
static uint32_t first_port(void)
{
	auto_free char *text = NULL;
	struct error ignored; /* the kernel's own is 1024 */
	uint32_t first;

	if (file_read_at(AT_FDCWD, "/proc/sys/net/ipv4/ip_unprivileged_port_start", 64,
		    &text, NULL, &ignored) < 0)
		return 1024;
	text[strcspn(text, "\n")] = '\0';
	return str_to_u32(text, "port", &first, &ignored) < 0 ? 1024 : first;
}

static int check_port(const struct attachment *record, const struct attachment_port *port,
	struct error *err)
{
	if (port->protocol == IPPROTO_SCTP)
		return fail_code(err, ENOTSUP,
			"network \"%s\" is of a user's own: it publishes tcp and udp only",
			record->network.name);
	if (geteuid() != 0 && port->host_port < first_port())
		return fail_code(err, EINVAL,
			"publishing port %u of the host: a user has those from %u on "
			"(net.ipv4.ip_unprivileged_port_start)",
			port->host_port, first_port());
	return 0;
}

int user_check(const struct attach *attach, struct error *err)
{
	const struct attachment *record = &attach->record;

	if (record->network.kind != NETWORK_USER)
		return 0;
	if (!record->has_pid)
		return fail_code(err, EINVAL,
			"network \"%s\" is of a user's own: give the process, whose user "
			"namespace is needed too",
			record->network.name);
	if (record->mac || record->has_bandwidth || record->bandwidth.ingress_rate ||
		record->bandwidth.egress_rate ||
		(attach->tune.sysctl && attach->tune.sysctl->count))
		return fail_code(err, ENOTSUP,
			"network \"%s\" is of a user's own: it has no MAC addresses, "
			"limits and sysctls to choose",
			record->network.name);
	for (size_t i = 0; i < record->publish_count; i++)
		if (check_port(record, &record->publish[i], err) < 0)
			return -1;
	return 0;
}

int user_create(struct attach *attach, struct error *err)
{
	auto_free char *file = pid_file(attach);
	auto_strings argv = { 0 };

	if (fill(&argv, attach, file, err) < 0)
		return -1;
	if (server_start(
		    &(struct server){ .name = "pasta",
			    .argv = argv.items,
			    .pid_file = file,
			    .mark = file,
			    /* on a machine without one, each line of it goes there too */
			    .noise = "to syslog" },
		    err) < 0)
		return fail_while(err, "connecting the container");
	return 0;
}

bool user_runs(const struct places *places, const struct attachment *record)
{
	const struct attach attach = { .places = places, .record = *record };
	auto_free char *file = pid_file(&attach);
	auto_fd pidfd = -1;
	struct error unknown;

	return server_find(&(struct server){ .pid_file = file, .mark = file }, &pidfd,
		       &unknown) < 0 ||
	       pidfd >= 0;
}

int user_delete(struct attach *attach, struct error *err)
{
	auto_free char *file = pid_file(attach);

	if (server_stop(&(struct server){ .pid_file = file, .mark = file }, err) < 0)
		return -1;
	if (unlink(file) < 0 && errno != ENOENT)
		return fail_errno(err, "removing %s", file);
	return 0;
}
