/* The table of an attachment and its files. */
#include "netsetup/attachment.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "base/process.h"

/* clang-format off */
static const struct json_field address_fields[] = {
	JSON_STRING(struct attachment_address, address, "address", .required = true),
	JSON_STRING(struct attachment_address, gateway, "gateway"),
	JSON_END,
};
static const struct json_type address_type =
	JSON_TYPE(struct attachment_address, address_fields);

static const struct json_field port_fields[] = {
	JSON_STRING(struct attachment_port, host_ip, "hostIP"),
	JSON_U16(struct attachment_port, host_port, "hostPort", .required = true),
	JSON_U16(struct attachment_port, container_port, "containerPort", .required = true),
	JSON_WORD(struct attachment_port, protocol, "protocol", port_protocol_words,
		.required = true),
	JSON_END,
};
static const struct json_type port_type = JSON_TYPE(struct attachment_port, port_fields);

static const struct json_field bandwidth_fields[] = {
	JSON_U64(struct attachment_bandwidth, ingress_rate, "ingressRate"),
	JSON_U64(struct attachment_bandwidth, ingress_burst, "ingressBurst"),
	JSON_U64(struct attachment_bandwidth, egress_rate, "egressRate"),
	JSON_U64(struct attachment_bandwidth, egress_burst, "egressBurst"),
	JSON_STRINGS(struct attachment_bandwidth, shaped, "shapedSubnets"),
	JSON_STRINGS(struct attachment_bandwidth, unshaped, "unshapedSubnets"),
	JSON_END,
};
const struct json_type attachment_bandwidth_type =
	JSON_TYPE(struct attachment_bandwidth, bandwidth_fields);

static const struct json_field device_fields[] = {
	JSON_STRING(struct attachment_device, mac, "mac", .required = true),
	JSON_U32(struct attachment_device, mtu, "mtu"),
	JSON_BOOL(struct attachment_device, up, "up"),
	JSON_BOOL(struct attachment_device, promiscuous, "promiscuous"),
	JSON_BOOL(struct attachment_device, all_multicast, "allMulticast"),
	JSON_U32_OPT(struct attachment_device, txqlen, "txQueueLength"),
	JSON_END,
};
static const struct json_type device_type =
	JSON_TYPE(struct attachment_device, device_fields);

static const struct json_field attachment_fields[] = {
	JSON_STRING(struct attachment, container, "container", .required = true),
	JSON_STRING(struct attachment, interface, "interface", .required = true),
	JSON_ARRAY(struct attachment, addresses, "addresses", &address_type),
	JSON_STRING(struct attachment, mac, "mac"),
	JSON_U32(struct attachment, mtu, "mtu"),
	JSON_STRING(struct attachment, link, "link"),
	JSON_BOOL(struct attachment, made, "made"),
	JSON_POINTER(struct attachment, device, "device", &device_type),
	JSON_POINTER(struct attachment, before, "before", &device_type),
	JSON_ARRAY(struct attachment, publish, "publish", &port_type),
	JSON_STRINGS(struct attachment, conditions_v4, "conditionsV4"),
	JSON_STRINGS(struct attachment, conditions_v6, "conditionsV6"),
	JSON_STRING(struct attachment, zone, "firewalldZone"),
	JSON_STRUCT(struct attachment, bandwidth, "bandwidth",
		&attachment_bandwidth_type),
	JSON_STRINGS(struct attachment, aliases, "aliases"),
	JSON_STRING(struct attachment, hosts, "hosts"),
	JSON_STRING(struct attachment, resolv_conf, "resolvConf"),
	JSON_STRING(struct attachment, netns, "netns"),
	JSON_U64(struct attachment, netns_device, "netnsDevice"),
	JSON_U64(struct attachment, netns_inode, "netnsInode"),
	JSON_U64(struct attachment, netns_cookie, "netnsCookie"),
	JSON_I32_OPT(struct attachment, pid, "pid"),
	JSON_U64(struct attachment, pid_start, "pidStart"),
	JSON_BOOL(struct attachment, named, "named"),
	JSON_BOOL(struct attachment, chained, "chained"),
	JSON_STRING(struct attachment, face, "face"),
	JSON_STRING(struct attachment, id, "id"),
	JSON_BOOL(struct attachment, complete, "complete"),
	JSON_STRUCT(struct attachment, network, "network", &network_type),
	JSON_END,
};
const struct json_type attachment_type =
	JSON_TYPE(struct attachment, attachment_fields);
/* clang-format on */

void attachment_free(struct attachment *attachment)
{
	json_free(&attachment_type, attachment);
}

/* ---- the container's directory -------------------------------------------------------- */

static int try_open(
	const char *path, int *ret_fd, struct stat *ret_stat, struct error *err)
{
	auto_fd fd = -1;

	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return fail_errno(err, "making %s", path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return fail_errno(err, "opening %s", path);
	if (fd_lock(fd, LOCK_EX, path, err) < 0)
		return -1;
	if (fstat(fd, ret_stat) < 0)
		return fail_errno(err, "looking at %s", path);
	*ret_fd = take_fd(&fd);
	return 0;
}

/* The last one out removes the directory under its lock: who waited for that lock holds a
 * directory that is no more, and begins again. */
int attachment_store_open(const struct places *places, const char *container,
	struct attachment_store *ret, struct error *err)
{
	auto_free char *path = NULL;
	auto_fd fd = -1;

	if (places_check_name(container, "container", err) < 0)
		return -1;
	path = path_join(places->attachments, container);
	for (int tries = 0; tries < 1000; tries++) {
		struct stat st;

		cleanup_fd(&fd);
		fd = -1;
		if (try_open(path, &fd, &st, err) < 0) {
			if (err->errnum != ENOENT)
				return -1;
			if (path_mkdirs(places->attachments, 0755, err) < 0)
				return -1;
			continue;
		}
		if (st.st_nlink == 0)
			continue;
		ret->directory = take_fd(&fd);
		ret->path = take_ptr(&path);
		ret->container = str_dup(container);
		ret->places = places;
		return 0;
	}
	return fail(err, "%s is removed again and again by others", path);
}

/* Half-written records of the killed. */
static void sweep(struct attachment_store *store)
{
	auto_dir directory = opendir(store->path);

	for (const struct dirent *entry; directory && (entry = path_next(directory));)
		if (str_ends_with(entry->d_name, PLACES_UNFINISHED))
			(void)unlinkat(store->directory, entry->d_name, 0);
}

void attachment_store_close(struct attachment_store *store)
{
	if (!store->path)
		return;
	if (rmdir(store->path) < 0 && errno == ENOTEMPTY) {
		sweep(store);
		(void)rmdir(store->path); /* not empty: other attachments */
	}
	close(store->directory);
	free(store->path);
	free(store->container);
	*store = (struct attachment_store){ 0 };
}

/* ---- records ------------------------------------------------------------------------- */

static char *file_name(const char *network, const char *interface)
{
	return str_format("%s@%s", interface, network);
}

int attachment_write(struct attachment_store *store, const struct attachment *attachment,
	struct error *err)
{
	auto_str text = { 0 };
	auto_free char *file = file_name(attachment->network.name, attachment->interface);

	json_write(&text, &attachment_type, attachment, (struct json_write_options){ 0 });
	return file_replace_at(store->directory, file, text.data, text.length,
		(struct file_replace_options){ .mode = 0644 }, err);
}

int attachment_read(struct attachment_store *store, const char *network,
	const char *interface, struct attachment *ret, struct error *err)
{
	auto_free char *file = file_name(network, interface);
	auto_free char *path = path_join(store->path, file);

	return json_read_file(&attachment_type, ret, store->directory, file,
		&(struct json_options){ .name = path }, err);
}

/* What the system refuses, for want of memory or by its own fault, may go the next time. */
bool attachment_is_damaged(const struct error *err)
{
	return err->errnum == EINVAL;
}

char *attachment_path(const struct places *places, const struct attachment *attachment)
{
	auto_free char *file = file_name(attachment->network.name, attachment->interface);

	return str_format("%s/%s/%s", places->attachments, attachment->container, file);
}

int attachment_remove(struct attachment_store *store, const char *network,
	const char *interface, struct error *err)
{
	auto_free char *file = file_name(network, interface);

	if (unlinkat(store->directory, file, 0) < 0 && errno != ENOENT)
		return fail_errno(err, "removing the record %s/%s", store->path, file);
	return 0;
}

/* ---- all of them --------------------------------------------------------------------- */

void attachments_free(struct attachments *list)
{
	for (size_t i = 0; i < list->count; i++)
		attachment_free(&list->items[i]);
	for (size_t i = 0; i < list->unread; i++)
		attachment_free(&list->damaged[i]);
	free(list->items);
	free(list->damaged);
	*list = (struct attachments){ 0 };
}

static void add_damaged(struct attachments *list, const char *container, const char *file)
{
	const char *at = strchr(file, '@');

	list->damaged =
		str_realloc(list->damaged, list->unread + 1, sizeof(*list->damaged));
	list->damaged[list->unread++] = (struct attachment){
		.container = str_dup(container),
		.interface = str_dup_n(file, (size_t)(at - file)),
		.network.name = str_dup(at + 1),
	};
}

static void load_record(int directory, const char *path, struct attachments *list)
{
	auto_free char *container = str_dup_n(path, (size_t)(path_base(path) - path - 1));
	struct attachment attachment = { 0 };
	struct error err;

	if (json_read_file(&attachment_type, &attachment, directory, path_base(path),
		    &(struct json_options){ .name = path }, &err) < 0) {
		if (err.errnum == ENOENT)
			return; /* detached meanwhile */
		log_warning("%s", err.text);
		add_damaged(list, path_base(container), path_base(path));
		return;
	}
	list->items = str_realloc(list->items, list->count + 1, sizeof(*list->items));
	list->items[list->count++] = attachment;
}

static int list_names(
	const char *path, bool at_signs, struct strings *ret, struct error *err)
{
	auto_dir directory = opendir(path);

	if (!directory && errno == ENOENT)
		return 0;
	if (!directory)
		return fail_errno(err, "listing %s", path);
	for (const struct dirent *entry; (entry = path_next(directory));)
		if (entry->d_name[0] != '.' && !!strchr(entry->d_name, '@') == at_signs &&
			!str_ends_with(entry->d_name, PLACES_UNFINISHED))
			strings_add(ret, entry->d_name);
	if (errno)
		return fail_errno(err, "listing %s", path);
	strings_sort(ret);
	return 0;
}

static int load_container(const struct places *places, const char *container,
	struct attachments *ret, struct error *err)
{
	auto_free char *path = path_join(places->attachments, container);
	auto_strings files = { 0 };
	auto_fd fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return fail_errno(err, "opening %s", path);
	if (list_names(path, true, &files, err) < 0)
		return -1;
	strings_each (file, &files) {
		auto_free char *record = path_join(path, *file);

		load_record(fd, record, ret);
	}
	return 0;
}

int attachments_load(const struct places *places, const char *container,
	struct attachments *ret, struct error *err)
{
	auto_strings containers = { 0 };

	if (container) {
		if (places_check_name(container, "container", err) < 0)
			return -1;
		return load_container(places, container, ret, err);
	}
	if (list_names(places->attachments, false, &containers, err) < 0)
		return -1;
	strings_each (name, &containers) {
		if (load_container(places, *name, ret, err) < 0)
			return -1;
	}
	return 0;
}

int attachments_lock(const struct places *places, int operation,
	struct attachments_lock *ret, struct error *err)
{
	const char *path = places->attachments;
	auto_fd fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT) {
		if (path_mkdirs(path, 0755, err) < 0)
			return -1;
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd < 0)
		return fail_errno(err, "opening %s", path);
	if (fd_lock(fd, operation, path, err) < 0)
		return -1;
	*ret = (struct attachments_lock){ .held = true, .fd = take_fd(&fd) };
	return 0;
}

void attachments_unlock(struct attachments_lock *lock)
{
	if (lock->held)
		close(lock->fd);
	lock->held = false;
}

/* ---- questions ----------------------------------------------------------------------- */

static struct netns_identity identity_of(const struct attachment *attachment)
{
	return (struct netns_identity){ attachment->netns_device,
		attachment->netns_inode };
}

/* A namespace gets the number of one that is gone, sooner or later, and its path is made
 * anew; the cookie is its own. What cannot be asked for that lives. */
static bool has_namespace(const struct attachment *attachment, const char *path)
{
	auto_fd netns = -1;
	struct error ignored;
	uint64_t cookie;

	if (!path || !netns_is(path, identity_of(attachment)))
		return false;
	return !attachment->netns_cookie || netns_open(path, &netns, &ignored) < 0 ||
	       netns_cookie(netns, &cookie, &ignored) < 0 ||
	       cookie == attachment->netns_cookie;
}

bool attachment_process_alive(const struct attachment *attachment)
{
	struct error ignored;
	uint64_t start;
	char state;

	return attachment->has_pid &&
	       process_stat(attachment->pid, &start, &state, &ignored) == 0 &&
	       start == attachment->pid_start && state != 'Z';
}

/* The process ended, and others went on in its namespace: a pod's. */
static bool is_used(const struct attachment *attachment, struct netns_users *users)
{
	auto_netns_users own = { 0 };
	auto_free char *path = NULL;
	pid_t pid;

	if (!users)
		users = &own;
	if (!netns_find_user(users, identity_of(attachment), &pid))
		return users->unknown;
	path = str_format("/proc/%d/ns/net", pid);
	return has_namespace(attachment, path);
}

bool attachment_alive(const struct attachment *attachment, struct netns_users *users)
{
	if (attachment->has_pid && !attachment_process_alive(attachment))
		return is_used(attachment, users);
	return has_namespace(attachment, attachment->netns);
}

char *attachment_owner(const struct attachment *attachment)
{
	return str_format("%s/%s", attachment->container, attachment->interface);
}

char *attachment_link_name(const char *prefix, const char *network, const char *container,
	const char *interface)
{
	const char *parts[] = { network, container, interface };
	uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		for (const char *c = parts[i];; c++) {
			hash = (hash ^ (unsigned char)*c) * 0x100000001b3;
			if (!*c)
				break;
		}
	return str_format("%s%0*llx", prefix, (int)(15 - strlen(prefix)),
		(unsigned long long)(hash >> (4 + 4 * strlen(prefix))));
}
