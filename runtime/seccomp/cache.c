/*
 * ROOT/@seccomp/NN: NN is the key's hash in a fixed range, so that entries replace each
 * other and the directory stays bounded. Trusted only if the directory and the file are
 * ours and nobody else may write them.
 */
#include "runtime/seccomp/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/path.h"
#include "spec/seccomp.h"

#define DIRECTORY "@seccomp" /* not the name of a container */
#define ENTRIES   256
#define ENTRY_MAX (4u << 20)

struct header {
	char magic[8];
	uint64_t key_length;
	uint64_t count;
};

static const char magic[8] = "mockscf";

void seccomp_cache_key(const struct oci_seccomp *profile, struct str *ret)
{
	struct utsname machine = { 0 };
	struct stat libraries = { 0 };

	/* Whoever installs a library runs ldconfig: no need to load libseccomp to learn
	 * that it is another one. Where the file is absent, zeros stand for it. */
	(void)uname(&machine);
	(void)stat("/etc/ld.so.cache", &libraries);
	str_appendf(ret, "%s %s %" PRIu64 " %" PRId64 ".%09ld\n", VERSION,
		machine.machine, (uint64_t)libraries.st_ino,
		(int64_t)libraries.st_mtim.tv_sec, (long)libraries.st_mtim.tv_nsec);
	json_write(ret, &oci_seccomp_type, profile, (struct json_write_options){ 0 });
}

static void entry_name(const struct str *key, char name[16])
{
	uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */

	for (size_t i = 0; i < key->length; i++)
		hash = (hash ^ (unsigned char)key->data[i]) * UINT64_C(1099511628211);
	(void)snprintf(name, 16, "%02x", (unsigned)((hash ^ hash >> 32) % ENTRIES));
}

static bool is_ours(const struct stat *status)
{
	return status->st_uid == geteuid() && !(status->st_mode & (S_IWGRP | S_IWOTH));
}

/* -1 where there is none that can be trusted. */
static int open_directory(const char *root)
{
	auto_free char *path = path_join(root, DIRECTORY);
	auto_fd fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0 || !is_ours(&status))
		return -1;
	return take_fd(&fd);
}

/* The entry's program, if the file is whole and was made from this key. */
static struct sock_filter *parse(
	const char *bytes, size_t length, const struct str *key, size_t *ret_count)
{
	struct header header;
	struct sock_filter *program;

	if (length < sizeof(header))
		return NULL;
	memcpy(&header, bytes, sizeof(header));
	if (memcmp(header.magic, magic, sizeof(magic)) != 0 ||
		header.key_length != key->length || header.count > BPF_MAXINSNS ||
		length !=
			sizeof(header) + key->length + header.count * sizeof(*program) ||
		memcmp(bytes + sizeof(header), key->data, key->length) != 0)
		return NULL;
	program = str_alloc(header.count * sizeof(*program));
	memcpy(program, bytes + sizeof(header) + key->length,
		header.count * sizeof(*program));
	*ret_count = header.count;
	return program;
}

struct sock_filter *seccomp_cache_get(
	const char *root, const struct str *key, size_t *ret_count)
{
	auto_fd directory = open_directory(root);
	auto_fd fd = -1;
	auto_free char *bytes = NULL;
	struct stat status;
	struct error unreadable;
	size_t length;
	char name[16];

	if (directory < 0)
		return NULL;
	entry_name(key, name);
	fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode) ||
		!is_ours(&status))
		return NULL;
	if (fd_read_all(fd, name,
		    (struct fd_read_options){ .limit = ENTRY_MAX, .regular_only = true },
		    &bytes, &length, &unreadable) < 0)
		return NULL;
	return parse(bytes, length, key, ret_count);
}

void seccomp_cache_put(const char *root, const struct str *key,
	const struct sock_filter *program, size_t count)
{
	auto_free char *path = path_join(root, DIRECTORY);
	struct header header = { .key_length = key->length, .count = count };
	struct file_replace_options options = { .mode = 0600 };
	auto_fd directory = -1;
	auto_str bytes = { 0 };
	struct error err;
	char name[16];

	if (path_mkdirs(root, 0711, &err) < 0 ||
		(mkdir(path, 0700) < 0 && errno != EEXIST))
		return;
	directory = open_directory(root);
	if (directory < 0)
		return;
	memcpy(header.magic, magic, sizeof(magic));
	entry_name(key, name);
	str_append_n(&bytes, (const char *)&header, sizeof(header));
	str_append_n(&bytes, key->data, key->length);
	str_append_n(&bytes, (const char *)program, count * sizeof(*program));
	if (file_replace_at(directory, name, bytes.data, bytes.length, options, &err) < 0)
		log_debug("keeping the compiled seccomp profile: %s", err.text);
}
