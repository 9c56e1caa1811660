/*
 * The network: the host's, none, an existing namespace, or a network of mocker-netsetup,
 * which hooks wire and unwire under any runtime. And the three files of /etc that depend
 * on it.
 */
#include "builder/bundle/config.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/ip.h"
#include "base/path.h"
#include "base/str.h"
#include "builder/bundle/rootfs.h"
#include "spec/ports.h"

#define RESOLV_CONF_MAX (64u << 10)

static bool on_host_network(const struct bundle_request *request)
{
	return !request->netns && str_equal(request->network, NETWORK_HOST);
}

static bool on_named_network(const struct bundle_request *request)
{
	return request->network && !str_equal(request->network, NETWORK_HOST) &&
	       !str_equal(request->network, NETWORK_NONE);
}

static struct oci_hook *append_hook(struct oci_hook **hooks, size_t *count)
{
	struct oci_hook *hook;

	*hooks = str_realloc(*hooks, *count + 1, sizeof(**hooks));
	hook = &(*hooks)[(*count)++];
	*hook = (struct oci_hook){ 0 };
	return hook;
}

/* Both hooks are the same command; the OCI state on its input says which it is. */
static void fill_hook(
	const struct bundle_request *request, const char *netsetup, struct oci_hook *hook)
{
	static const char *const environment[] = { "MOCKER_NETSETUP", "XDG_RUNTIME_DIR",
		"XDG_DATA_HOME", "HOME" };

	hook->path = str_dup(netsetup);
	strings_add(&hook->args, "mocker-netsetup");
	strings_add(&hook->args, "hook");
	strings_add(&hook->args, "--network");
	strings_add(&hook->args, request->network);
	if (request->name) {
		strings_add(&hook->args, "--name");
		strings_add(&hook->args, request->name);
	}
	strings_each (item, &request->publish) {
		strings_add(&hook->args, "--publish");
		strings_add(&hook->args, *item);
	}
	strings_add(&hook->env, "PATH=/usr/sbin:/usr/bin:/sbin:/bin");
	for (size_t i = 0; i < ARRAY_SIZE(environment); i++) {
		const char *value = getenv(environment[i]);

		if (value)
			strings_env_set(&hook->env, environment[i], value);
	}
	hook->has_timeout = true;
	hook->timeout = 30;
}

static int add_hooks(
	const struct bundle_request *request, struct oci_hooks *hooks, struct error *err)
{
	auto_free char *netsetup = NULL;

	if (path_of_sibling("mocker-netsetup", &netsetup, err) < 0)
		return fail_while(err, "--net %s", request->network);
	fill_hook(request, netsetup,
		append_hook(&hooks->create_runtime, &hooks->create_runtime_count));
	fill_hook(
		request, netsetup, append_hook(&hooks->poststop, &hooks->poststop_count));
	return 0;
}

/* Whether one before it has a port of the host's that it would have, too. */
static int check_collision(const struct strings *words, size_t index,
	const struct port_mapping *mapping, struct error *err)
{
	for (size_t i = 0; i < index; i++) {
		auto_port_mapping other = { 0 };

		if (port_mapping_parse(words->items[i], &other, err) < 0)
			return -1;
		if (port_mapping_collides(mapping, &other))
			return fail(err, "--publish %s has the host's port already",
				words->items[i]);
	}
	return 0;
}

/* mocker-netsetup reads the words once more, when the container starts. */
static int check_publish(const struct bundle_request *request, struct error *err)
{
	const struct strings *words = &request->publish;

	for (size_t i = 0; i < words->count; i++) {
		auto_port_mapping mapping = { 0 };

		if (port_mapping_parse(words->items[i], &mapping, err) < 0 ||
			check_collision(words, i, &mapping, err) < 0)
			return fail_while(err, "--publish %s", words->items[i]);
	}
	if (words->count > 0 && (request->netns || !on_named_network(request)))
		return fail(err,
			"--publish %s: ports are published on a network of mocker-netsetup; "
			"add --net NAME",
			words->items[0]);
	return 0;
}

static int check_dns(const struct bundle_request *request, struct error *err)
{
	strings_each (item, &request->dns) {
		if (!ip_parse(*item, NULL))
			return fail(err, "--dns %s: expected an address", *item);
	}
	return 0;
}

int bundle_add_network(
	const struct bundle_input *input, struct oci_config *config, struct error *err)
{
	const struct bundle_request *request = input->request;

	if (check_publish(request, err) < 0 || check_dns(request, err) < 0)
		return -1;
	if (request->netns && request->network)
		return fail(err, "--netns and --net exclude each other");
	if (request->netns && *request->netns != '/')
		return fail(err,
			"--netns %s: expected an absolute path, such as "
			"/run/netns/NAME",
			request->netns);
	if (on_host_network(request))
		return 0;
	bundle_add_namespace(config, CLONE_NEWNET, request->netns);
	return on_named_network(request) ? add_hooks(request, &config->hooks, err) : 0;
}

/* A resolver on the host's own loopback cannot be reached from another namespace. */
static bool is_reachable(const struct bundle_request *request, const char *line)
{
	const char *address = str_after(line, "nameserver");

	if (!address || on_host_network(request))
		return true;
	address += strspn(address, " \t");
	return !str_after(address, "127.") && strcmp(address, "::1") != 0;
}

static int make_resolv_conf(
	const struct bundle_request *request, struct str *ret, struct error *err)
{
	struct error first = { 0 };
	auto_free char *text = NULL;
	auto_strings lines = { 0 };

	strings_each (item, &request->dns)
		str_appendf(ret, "nameserver %s\n", *item);
	if (request->dns.count > 0)
		return 0;
	if (file_read_at(AT_FDCWD, "/etc/resolv.conf", RESOLV_CONF_MAX, &text, NULL,
		    &first) < 0) {
		if (first.errnum == ENOENT)
			return 0;
		*err = first;
		return -1;
	}
	strings_split(&lines, text, '\n');
	strings_each (line, &lines) {
		if (**line && is_reachable(request, *line))
			str_appendf(ret, "%s\n", *line);
	}
	return 0;
}

/* NAME:ADDRESS; an address of IPv6 has colons of its own. */
static int add_host(const char *text, struct str *ret, struct error *err)
{
	const char *colon = strchr(text, ':');
	auto_free char *name = str_dup_n(text, colon ? (size_t)(colon - text) : 0);

	if (!colon || !*name || strpbrk(name, " \t\n#") || !ip_parse(colon + 1, NULL))
		return fail(err, "--add-host %s: expected NAME:ADDRESS", text);
	str_appendf(ret, "%s\t%s\n", colon + 1, name);
	return 0;
}

static int make_hosts(const struct bundle_request *request, const char *hostname,
	struct str *ret, struct error *err)
{
	str_append(ret, "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n");
	if (!on_host_network(request))
		str_appendf(ret, "127.0.1.1\t%s\n", hostname);
	strings_each (item, &request->hosts) {
		if (add_host(*item, ret, err) < 0)
			return -1;
	}
	return 0;
}

static int write_file(int dir_fd, const char *name, const struct str *text,
	const struct userns_maps *maps, struct error *err)
{
	struct file_replace_options options = { .mode = 0644 };
	auto_fd fd = -1;

	if (file_replace_at(dir_fd, name, text->data ? text->data : "", text->length,
		    options, err) < 0)
		return -1;
	fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? fail_errno(err, "opening %s", name) : bundle_own(fd, maps, err);
}

int bundle_write_etc(const struct bundle_input *input, int bundle_fd, struct error *err)
{
	const struct bundle_request *request = input->request;
	const char *asked = request->hostname ? request->hostname : request->name;
	const char *name = asked ? asked : "mocker";
	auto_str resolv_conf = { 0 };
	auto_str hostname = { 0 };
	auto_str hosts = { 0 };
	auto_fd fd = -1;

	if (mkdirat(bundle_fd, "etc", 0755) < 0 && errno != EEXIST)
		return fail_errno(err, "making %s/etc", input->bundle);
	fd = openat(bundle_fd, "etc", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(err, "opening %s/etc", input->bundle);
	if (make_resolv_conf(request, &resolv_conf, err) < 0 ||
		make_hosts(request, name, &hosts, err) < 0)
		return -1;
	str_appendf(&hostname, "%s\n", name);
	return write_file(fd, "resolv.conf", &resolv_conf, input->maps, err) < 0 ||
			       write_file(fd, "hosts", &hosts, input->maps, err) < 0 ||
			       write_file(fd, "hostname", &hostname, input->maps, err) < 0
		       ? -1
		       : 0;
}
