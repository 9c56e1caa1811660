/*
 * libcurl, loaded when something has to be fetched and not before: it brings some thirty
 * libraries with it, which would cost every start of the builder more than a cached build
 * takes. In a static executable (CURL_LINKED) it is linked.
 */
#pragma once

#include <curl/curl.h>

#include "base/error.h"
#include "base/macros.h"

#if LIBCURL_VERSION_NUM >= 0x075500 /* 7.85 */
#define CURL_OPTION_PROTOCOLS CURLOPT_PROTOCOLS_STR
#define CURL_OPTION_REDIRECTS CURLOPT_REDIR_PROTOCOLS_STR
#define CURL_PROTOCOLS        "http,https"
#else
#define CURL_OPTION_PROTOCOLS CURLOPT_PROTOCOLS
#define CURL_OPTION_REDIRECTS CURLOPT_REDIR_PROTOCOLS
#define CURL_PROTOCOLS        ((long)(CURLPROTO_HTTP | CURLPROTO_HTTPS))
#endif

struct curl_library {
	void *handle;
	__typeof__(curl_global_init) *global_init;
	__typeof__(curl_easy_init) *easy_init;
	__typeof__(curl_easy_cleanup) *easy_cleanup;
	__typeof__(curl_easy_perform) *easy_perform;
	__typeof__(curl_easy_strerror) *easy_strerror;
	__typeof__(curl_easy_reset) *easy_reset;
	__typeof__(curl_slist_append) *slist_append;
	__typeof__(curl_slist_free_all) *slist_free_all;
	/* Not through the macros of the header, which name the functions themselves. */
	CURLcode (*easy_setopt)(CURL *, CURLoption, ...);
	CURLcode (*easy_getinfo)(CURL *, CURLINFO, ...);
};

#define auto_curl_library __attribute__((cleanup(curl_library_close))) struct curl_library

int curl_library_open(struct curl_library *ret, struct error *err) must_check;
void curl_library_close(struct curl_library *library);

/* What every transfer has: only HTTP, no signals, and an end for one that stands still for
 * a minute. message[CURL_ERROR_SIZE], and the URL, live as long as the transfer. */
#define CURL_STALL_SECONDS 60

void curl_library_prepare(
	const struct curl_library *library, CURL *handle, const char *url, char *message);
