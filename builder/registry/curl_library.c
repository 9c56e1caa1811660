/* The symbols of libcurl that are used, each in its member of the struct. */
#include "builder/registry/curl_library.h"

#include "base/library.h"

#undef curl_easy_setopt
#undef curl_easy_getinfo

#define CONNECT_SECONDS 30L

/* None of these can fail but for want of memory, which the transfer then shows. */
void curl_library_prepare(
	const struct curl_library *library, CURL *handle, const char *url, char *message)
{
	(void)library->easy_setopt(handle, CURLOPT_URL, url);
	(void)library->easy_setopt(handle, CURL_OPTION_PROTOCOLS, CURL_PROTOCOLS);
	(void)library->easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
	(void)library->easy_setopt(handle, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
	(void)library->easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
	(void)library->easy_setopt(
		handle, CURLOPT_LOW_SPEED_TIME, (long)CURL_STALL_SECONDS);
	(void)library->easy_setopt(handle, CURLOPT_USERAGENT, "mocker-builder/" VERSION);
	(void)library->easy_setopt(handle, CURLOPT_ERRORBUFFER, message);
}

#ifdef CURL_LINKED

int curl_library_open(struct curl_library *ret, struct error *err)
{
	*ret = (struct curl_library){
		.global_init = curl_global_init,
		.easy_init = curl_easy_init,
		.easy_cleanup = curl_easy_cleanup,
		.easy_perform = curl_easy_perform,
		.easy_strerror = curl_easy_strerror,
		.easy_setopt = curl_easy_setopt,
		.easy_getinfo = curl_easy_getinfo,
		.easy_reset = curl_easy_reset,
		.slist_append = curl_slist_append,
		.slist_free_all = curl_slist_free_all,
	};
	if (ret->global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return fail(err, "libcurl does not start");
	return 0;
}

void curl_library_close(struct curl_library *library)
{
}

#else

#define LIBRARY "libcurl.so.4"

/* clang-format off */
static const struct library_symbol symbols[] = {
	{ "curl_global_init", offsetof(struct curl_library, global_init) },
	{ "curl_easy_init", offsetof(struct curl_library, easy_init) },
	{ "curl_easy_cleanup", offsetof(struct curl_library, easy_cleanup) },
	{ "curl_easy_perform", offsetof(struct curl_library, easy_perform) },
	{ "curl_easy_strerror", offsetof(struct curl_library, easy_strerror) },
	{ "curl_easy_setopt", offsetof(struct curl_library, easy_setopt) },
	{ "curl_easy_getinfo", offsetof(struct curl_library, easy_getinfo) },
	{ "curl_easy_reset", offsetof(struct curl_library, easy_reset) },
	{ "curl_slist_append", offsetof(struct curl_library, slist_append) },
	{ "curl_slist_free_all", offsetof(struct curl_library, slist_free_all) },
};
/* clang-format on */

int curl_library_open(struct curl_library *ret, struct error *err)
{
	if (library_open(LIBRARY, symbols, ARRAY_SIZE(symbols), ret, &ret->handle, err) <
		0)
		return -1;
	if (ret->global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		curl_library_close(ret);
		return fail(err, "libcurl does not start");
	}
	return 0;
}

void curl_library_close(struct curl_library *library)
{
	library_close(&library->handle);
}

#endif
