/*
 * A transfer that stands still ends after a minute; one that goes on may take as long as
 * it takes. Bodies are bounded, since a server can send without end.
 */
#include "builder/registry/fetch.h"

#include <errno.h>
#include <stddef.h>

#include "base/fd.h"
#include "base/str.h"
#include "builder/registry/curl_library.h"

#undef curl_easy_setopt
#undef curl_easy_getinfo

#define SIZE_MAX_BODY (INT64_C(64) << 30)
#define REDIRECTS_MAX 10L

struct transfer {
	int fd;
	int64_t size;
	int errnum; /* of a write that failed */
};

static size_t write_body(char *data, size_t unit, size_t count, void *argument)
{
	struct transfer *transfer = argument;
	size_t length = unit * count;

	transfer->size += (int64_t)length;
	if (transfer->size > SIZE_MAX_BODY)
		transfer->errnum = EFBIG;
	else if (fd_write_all(transfer->fd, data, length) < 0)
		transfer->errnum = errno;
	return transfer->errnum ? 0 : length;
}

static void configure(const struct curl_library *curl, CURL *handle, const char *url,
	struct transfer *transfer, char *message)
{
	/* None of these can fail but for want of memory, which the transfer then shows. */
	curl_library_prepare(curl, handle, url, message);
	(void)curl->easy_setopt(handle, CURL_OPTION_REDIRECTS, CURL_PROTOCOLS);
	(void)curl->easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 1L);
	(void)curl->easy_setopt(handle, CURLOPT_MAXREDIRS, REDIRECTS_MAX);
	(void)curl->easy_setopt(handle, CURLOPT_FAILONERROR, 1L);
	(void)curl->easy_setopt(handle, CURLOPT_FILETIME, 1L);
	(void)curl->easy_setopt(handle, CURLOPT_WRITEFUNCTION, write_body);
	(void)curl->easy_setopt(handle, CURLOPT_WRITEDATA, transfer);
}

/* libcurl does not send it on to the server of a redirect. */
static struct curl_slist *add_authorization(
	const struct curl_library *curl, CURL *handle, const char *authorization)
{
	auto_free char *line = str_format("Authorization: %s", authorization);
	struct curl_slist *headers = curl->slist_append(NULL, line);

	(void)curl->easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
	return headers;
}

static int transfer_url(const struct curl_library *curl, CURL *handle, const char *url,
	const char *authorization, struct transfer *transfer, struct error *err)
{
	char message[CURL_ERROR_SIZE] = "";
	struct curl_slist *headers = NULL;
	CURLcode code;

	configure(curl, handle, url, transfer, message);
	if (authorization)
		headers = add_authorization(curl, handle, authorization);
	code = curl->easy_perform(handle);
	curl->slist_free_all(headers);
	if (transfer->errnum) {
		errno = transfer->errnum;
		return fail_errno(err, "fetching %s", url);
	}
	if (code != CURLE_OK)
		return fail(err, "fetching %s: %s", url,
			*message ? message : curl->easy_strerror(code));
	return 0;
}

int fetch_url(const char *url, int fd, const char *authorization,
	struct fetch_result *ret, struct error *err)
{
	auto_curl_library curl = { 0 };
	struct transfer transfer = { .fd = fd };
	CURL *handle;
	long modified = -1;
	int result;

	if (curl_library_open(&curl, err) < 0)
		return -1;
	handle = curl.easy_init();
	if (!handle)
		return fail(err, "fetching %s: libcurl does not start", url);
	result = transfer_url(&curl, handle, url, authorization, &transfer, err);
	if (result == 0)
		(void)curl.easy_getinfo(handle, CURLINFO_FILETIME, &modified); /* or -1 */
	curl.easy_cleanup(handle);
	if (result == 0)
		*ret = (struct fetch_result){ .size = transfer.size,
			.modified = modified };
	return result;
}
