/* Files of names, and the life of the server that reads them. */
#include "netsetup/names/names.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "base/process.h"
#include "netsetup/names/server.h"

#define SERVER "dnsmasq"
#define SHORT_NAME \
	12 /* of an id too long for a name: what podman and docker show of it */

/* A network's directory, locked. */
struct names {
	char *path;
	char *hosts;
	char *config;
	char *pid_file;
	char *arguments[2]; /* of the server */
	int fd;
};
#define auto_names __attribute__((cleanup(close_names))) struct names

static void close_names(struct names *names)
{
	free(names->path);
	free(names->hosts);
	free(names->config);
	free(names->pid_file);
	free(names->arguments[0]);
	if (names->fd > 0)
		close(names->fd);
}

/* The last one out removes the directory under its lock, as with attachments. */
static int open_names(const struct places *places, const char *network, bool make,
	struct names *ret, struct error *err)
{
	struct stat st;

	ret->path = path_join(places->names, network);
	ret->hosts = path_join(ret->path, "hosts");
	ret->config = path_join(ret->path, "server.conf");
	ret->pid_file = path_join(ret->path, "server.pid");
	ret->arguments[0] = str_format("--conf-file=%s", ret->config);
	for (;;) {
		if (make && path_mkdirs(ret->hosts, 0755, err) < 0)
			return -1;
		ret->fd = open(ret->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (ret->fd < 0 && errno == ENOENT && make)
			continue;
		if (ret->fd < 0)
			return fail_errno(err, "opening %s", ret->path);
		if (fd_lock(ret->fd, LOCK_EX, ret->path, err) < 0)
			return -1;
		if (fstat(ret->fd, &st) == 0 && st.st_nlink > 0 &&
			(!make || access(ret->hosts, F_OK) == 0))
			return 0;
		close(take_fd(&ret->fd));
		if (!make)
			return fail_code(err, ENOENT, "%s is gone", ret->path);
	}
}

/* ---- words --------------------------------------------------------------------------- */

/* What a resolver takes for a host's name: labels of 63 bytes. */
static bool is_host_name(const char *name)
{
	size_t label = 0;

	for (const char *c = name; *c; c++) {
		label = *c == '.' ? 0 : label + 1;
		if (label > 63 || !(isalnum((unsigned char)*c) || strchr("-_.", *c)))
			return false;
	}
	return name[0] && name[0] != '-' && name[0] != '.' && strlen(name) < 254;
}

/* "10.0.0.2 web alias", a line for each address. */
static void append_hosts(struct str *out, const struct attachment *record)
{
	auto_str words = { 0 };

	if (is_host_name(record->container))
		str_appendf(&words, " %s", record->container);
	else
		str_appendf(&words, " %.*s", SHORT_NAME, record->container);
	strings_each (alias, &record->aliases) {
		if (is_host_name(*alias))
			str_appendf(&words, " %s", *alias);
		else
			log_warning(
				"the alias \"%.100s\" cannot be a host's name", *alias);
	}
	for (size_t i = 0; i < record->addresses_count; i++) {
		const char *address = record->addresses[i].address;

		str_appendf(
			out, "%.*s%s\n", (int)strcspn(address, "/"), address, words.data);
	}
}

static void fill_record(struct attachment *record)
{
	struct str hosts = { 0 };
	struct str resolv_conf = { 0 };

	str_append(&hosts, "127.0.0.1 localhost\n::1 localhost\n");
	append_hosts(&hosts, record);
	free(record->hosts);
	record->hosts = str_take(&hosts);
	if (!record->network.dns)
		return;
	for (size_t i = 0; i < record->addresses_count; i++)
		if (record->addresses[i].gateway)
			str_appendf(&resolv_conf, "nameserver %s\n",
				record->addresses[i].gateway);
	free(record->resolv_conf);
	record->resolv_conf = str_take(&resolv_conf);
}

/* ---- the server ---------------------------------------------------------------------- */

static struct server server_of(const struct names *names)
{
	return (struct server){ .name = SERVER,
		.argv = names->arguments,
		.pid_file = names->pid_file,
		.mark = names->arguments[0] };
}

static int find_server(const struct names *names, int *ret_pidfd, struct error *err)
{
	const struct server server = server_of(names);

	return server_find(&server, ret_pidfd, err);
}

static int write_config(
	const struct names *names, const struct attachment *record, struct error *err)
{
	auto_str text = { 0 };

	str_appendf(&text, "# Written by mocker-netsetup for the network \"%s\".\n",
		record->network.name);
	for (size_t i = 0; i < record->addresses_count; i++)
		if (record->addresses[i].gateway)
			str_appendf(&text, "listen-address=%s\n",
				record->addresses[i].gateway);
	str_appendf(&text,
		"bind-interfaces\n"
		"no-hosts\n"
		"addn-hosts=%s\n"
		"domain-needed\n"
		"bogus-priv\n"
		"pid-file=%s\n",
		names->hosts, names->pid_file);
	return file_replace_at(AT_FDCWD, names->config, text.data, text.length,
		(struct file_replace_options){ .mode = 0644 }, err);
}

static int start_server(
	const struct names *names, const struct attachment *record, struct error *err)
{
	const struct server server = server_of(names);

	if (write_config(names, record, err) < 0 || server_start(&server, err) < 0)
		return fail_while(err, "starting the name server of network \"%s\"",
			record->network.name);
	return 0;
}

/* ---- attachments --------------------------------------------------------------------- */

static char *file_of(const struct names *names, const struct attachment *record)
{
	return str_format("%s/%s@%s", names->hosts, record->container, record->interface);
}

int names_publish(
	const struct places *places, struct attachment *record, struct error *err)
{
	auto_names names = { .fd = -1 };
	auto_free char *file = NULL;
	auto_str text = { 0 };
	auto_fd server = -1;

	fill_record(record);
	if (!record->network.dns || record->addresses_count == 0)
		return 0;
	if (open_names(places, record->network.name, true, &names, err) < 0)
		return -1;
	file = file_of(&names, record);
	append_hosts(&text, record);
	if (file_replace_at(AT_FDCWD, file, text.data, text.length,
		    (struct file_replace_options){ .mode = 0644 }, err) < 0)
		return -1;
	if (find_server(&names, &server, err) < 0)
		return -1;
	if (server < 0)
		return start_server(&names, record, err);
	if (process_pidfd_signal(server, SIGHUP) < 0) /* read the names again */
		return fail_errno(
			err, "telling the name server of \"%s\"", record->network.name);
	return 0;
}

/* Of the killed: what was being written has no name in it yet. */
static int look_for_names(const char *path, bool *ret_any, struct error *err)
{
	auto_dir directory = opendir(path);

	*ret_any = false;
	if (!directory)
		return errno == ENOENT ? 0 : fail_errno(err, "listing %s", path);
	for (const struct dirent *entry; (entry = path_next(directory));)
		*ret_any |= entry->d_name[0] != '.' &&
			    !str_ends_with(entry->d_name, PLACES_UNFINISHED);
	return errno ? fail_errno(err, "listing %s", path) : 0;
}

int names_withdraw(
	const struct places *places, const struct attachment *record, struct error *err)
{
	auto_names names = { .fd = -1 };
	auto_free char *file = NULL;
	auto_fd server = -1;
	bool any;

	if (!record->network.dns)
		return 0;
	if (open_names(places, record->network.name, false, &names, err) < 0)
		return err->errnum == ENOENT ? 0 : -1;
	file = file_of(&names, record);
	if (unlink(file) < 0 && errno != ENOENT)
		return fail_errno(err, "removing %s", file);
	if (look_for_names(names.hosts, &any, err) < 0)
		return -1;
	if (!any) {
		const struct server last = server_of(&names);

		if (server_stop(&last, err) < 0)
			return -1;
		return path_remove_tree(AT_FDCWD, names.path, err);
	}
	if (find_server(&names, &server, err) < 0)
		return -1;
	if (server >= 0)
		(void)process_pidfd_signal(server, SIGHUP); /* it may have ended */
	return 0;
}

int names_check(
	const struct places *places, const struct attachment *record, struct error *err)
{
	auto_names names = { .fd = -1 };
	auto_fd server = -1;

	if (!record->network.dns || record->addresses_count == 0)
		return 0;
	if (open_names(places, record->network.name, false, &names, err) < 0 &&
		err->errnum != ENOENT)
		return -1;
	if (names.fd >= 0 && find_server(&names, &server, err) < 0)
		return -1;
	return server >= 0 ? 0
			   : fail(err,
				     "the name server of network \"%s\" has ended; "
				     "mocker-netsetup reload starts it",
				     record->network.name);
}

int names_restart(
	const struct places *places, const struct attachments *list, struct error *err)
{
	for (size_t i = 0; i < list->count; i++) {
		auto_names names = { .fd = -1 };
		auto_fd server = -1;

		if (!list->items[i].network.dns || !list->items[i].complete)
			continue;
		if (open_names(places, list->items[i].network.name, true, &names, err) <
			0)
			return -1;
		if (find_server(&names, &server, err) < 0 ||
			(server < 0 && start_server(&names, &list->items[i], err) < 0))
			return -1;
	}
	return 0;
}
