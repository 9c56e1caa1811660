/*
 * A file in the downloads directory has the digest of its URL as its name, and gets it
 * only when it is whole and right.
 */
#include "builder/copy/download.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "builder/digest.h"
#include "builder/registry/fetch.h"

static int hex_value(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

static char *decode(const char *text, size_t length)
{
	auto_str decoded = { 0 };

	for (size_t i = 0; i < length; i++) {
		bool coded = text[i] == '%' && i + 2 < length &&
			     isxdigit((unsigned char)text[i + 1]) &&
			     isxdigit((unsigned char)text[i + 2]);
		int value =
			coded ? hex_value(text[i + 1]) * 16 + hex_value(text[i + 2]) : 0;

		str_append_char(&decoded, value ? (char)value : text[i]);
		i += value ? 2 : 0;
	}
	return str_take(&decoded);
}

char *download_name(const char *url)
{
	const char *path = strstr(url, "://");
	auto_free char *decoded = NULL;
	const char *name;

	path = path ? strchr(path + 3, '/') : NULL;
	decoded = path ? decode(path, strcspn(path, "?#")) : str_dup("");
	name = path_base(decoded);
	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return str_dup("__unnamed__"); /* as BuildKit calls it */
	return str_dup(name);
}

static int verify(const char *url, const char *checksum, int fd, struct error *err)
{
	struct digest expected, found;
	int64_t size;

	if (!checksum)
		return 0;
	if (!digest_parse(checksum, &expected))
		return fail(err, "--checksum is sha256:HEX, not \"%s\"", checksum);
	if (lseek(fd, 0, SEEK_SET) < 0)
		return fail_errno(err, "reading what %s sent", url);
	if (digest_of_fd(fd, url, &found, &size, err) < 0)
		return -1;
	if (strcmp(expected.hex, found.hex) != 0)
		return fail(err, "%s has the checksum " DIGEST_PREFIX "%s, expected %s",
			url, found.hex, checksum);
	return 0;
}

/* The secrets HTTP_AUTH_HEADER_HOST and HTTP_AUTH_TOKEN_HOST, as BuildKit has them. */
static int find_authorization(
	const struct copy_source *source, const char *url, char **ret, struct error *err)
{
	const char *host = strstr(url, "://") + 3;
	int length = (int)strcspn(host, "/");
	auto_free char *header = str_format("HTTP_AUTH_HEADER_%.*s", length, host);
	auto_free char *token = str_format("HTTP_AUTH_TOKEN_%.*s", length, host);
	auto_free char *value = NULL;

	if (secrets_text(source->git.secrets, header, ret, err) < 0)
		return -1;
	if (*ret)
		return 0;
	if (secrets_text(source->git.secrets, token, &value, err) < 0)
		return -1;
	*ret = value ? str_format("Bearer %s", value) : NULL;
	return 0;
}

static int fetch_into(const struct copy_source *source, const char *url,
	const char *checksum, const char *name, struct error *err)
{
	auto_free char *part = str_format("%s.part", name);
	auto_fd fd = openat(source->downloads_fd, part,
		O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	auto_free char *authorization = NULL;
	struct fetch_result result;
	struct timespec times[2] = { 0 };

	if (fd < 0)
		return fail_errno(err, "creating a file for %s", url);
	if (find_authorization(source, url, &authorization, err) < 0 ||
		fetch_url(url, fd, authorization, &result, err) < 0 ||
		verify(url, checksum, fd, err) < 0)
		return -1;
	/* Without a time of the server's: one that is the same in every build. */
	times[0].tv_sec = times[1].tv_sec = MAX(result.modified, 0);
	if (futimens(fd, times) < 0)
		return fail_errno(err, "setting the time of what %s sent", url);
	if (renameat(source->downloads_fd, part, source->downloads_fd, name) < 0)
		return fail_errno(err, "keeping what %s sent", url);
	return 0;
}

int download_open(const struct copy_request *request, const struct copy_source *source,
	const char *url, int *ret_fd, struct error *err)
{
	auto_free char *key =
		str_format("%s %s", request->checksum ? request->checksum : "", url);
	struct digest name = digest_of(key, strlen(key));

	if (source->downloads_fd < 0)
		return fail(err, "%s cannot be fetched here", url);
	*ret_fd = openat(source->downloads_fd, name.hex, O_RDONLY | O_CLOEXEC);
	if (*ret_fd >= 0)
		return 0;
	if (fetch_into(source, url, request->checksum, name.hex, err) < 0)
		return -1;
	*ret_fd = openat(source->downloads_fd, name.hex, O_RDONLY | O_CLOEXEC);
	if (*ret_fd < 0)
		return fail_errno(err, "opening what %s sent", url);
	return 0;
}
