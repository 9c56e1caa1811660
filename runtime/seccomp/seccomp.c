/*
 * System call filters, the two halves: prepared by the parent (checked, compiled or taken
 * from the cache, listener connected), loaded by init with one system call, after which
 * init calls only what the profile lets it.
 */
#include "runtime/seccomp/seccomp.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "runtime/handover.h"
#include "runtime/seccomp/cache.h"
#include "runtime/seccomp/compile.h"
#include "runtime/seccomp/listener.h"
#include "runtime/seccomp/watch.h"
#include "spec/config.h"
#include "spec/names.h"
#include "spec/seccomp.h"

#ifndef SECCOMP_FILTER_FLAG_TSYNC_ESRCH
#define SECCOMP_FILTER_FLAG_TSYNC_ESRCH (1ul << 4)
#endif

void seccomp_filter_free(struct seccomp_filter *filter)
{
	free(filter->program);
	free(filter->metadata);
	seccomp_watch_free(filter->watch);
	if (filter->listener >= 0)
		(void)close(filter->listener);
	*filter = (struct seccomp_filter)SECCOMP_FILTER_NONE;
}

/* ---- the parent -------------------------------------------------------------------- */

/* Only means something with a listener, and is refused without. */
#define WAIT_KILLABLE_RECV (1u << 5)

bool seccomp_kernel_has_flag(uint32_t flag)
{
	if (flag == WAIT_KILLABLE_RECV)
		flag |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
	/* A kernel that knows it goes on to read the program, which is not there. */
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flag, NULL) < 0 &&
	       errno == EFAULT;
}

static int check_flags(const struct oci_seccomp *profile, struct error *err)
{
	for (size_t i = 0; i < profile->flags.count; i++) {
		uint32_t flag = (uint32_t)profile->flags.items[i];

		if (!seccomp_kernel_has_flag(flag))
			return fail(err,
				"/linux/seccomp/flags/%zu: this kernel has no %s", i,
				word_of_number(seccomp_flag_words, flag));
	}
	return 0;
}

static uint32_t flags_of(const struct oci_seccomp *profile)
{
	uint32_t flags = (uint32_t)words_bits(&profile->flags);

	if (!seccomp_notifies(profile))
		return flags & ~WAIT_KILLABLE_RECV;
	/* Both report by their return value; with the third TSYNC's is an errno. */
	if (flags & SECCOMP_FILTER_FLAG_TSYNC)
		flags |= SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
	return flags | SECCOMP_FILTER_FLAG_NEW_LISTENER;
}

static int find_program(const struct oci_seccomp *profile, const char *cache_dir,
	struct seccomp_filter *filter, struct error *err)
{
	auto_str key = { 0 };
	size_t count = 0;

	if (cache_dir) {
		seccomp_cache_key(profile, &key);
		filter->program = seccomp_cache_get(cache_dir, &key, &count);
	}
	if (!filter->program) {
		if (seccomp_compile(profile, &filter->program, &count, err) < 0)
			return -1;
		if (cache_dir)
			seccomp_cache_put(cache_dir, &key, filter->program, count);
	}
	filter->count = (unsigned short)count;
	return 0;
}

static int prepare_program(const struct oci_seccomp *profile, const char *cache_dir,
	struct seccomp_filter *filter, struct error *err)
{
	if (check_flags(profile, err) < 0)
		return -1;
	return find_program(profile, cache_dir, filter, err);
}

int seccomp_try(const struct oci_seccomp *profile, struct error *err)
{
	auto_seccomp_filter filter = SECCOMP_FILTER_NONE;

	return prepare_program(profile, NULL, &filter, err);
}

int seccomp_prepare(const struct oci_seccomp *profile, const char *cache_dir,
	struct seccomp_filter *ret, struct error *err)
{
	auto_seccomp_filter filter = SECCOMP_FILTER_NONE;

	if (profile) {
		if (prepare_program(profile, cache_dir, &filter, err) < 0)
			return -1;
		filter.flags = flags_of(profile);
		filter.metadata = str_dup(profile->listener_metadata);
		if (seccomp_notifies(profile) &&
			handover_connect("/linux/seccomp/listenerPath",
				profile->listener_path, &filter.listener, err) < 0)
			return -1;
	}
	*ret = filter;
	filter = (struct seccomp_filter)SECCOMP_FILTER_NONE;
	return 0;
}

void seccomp_let_go(struct seccomp_filter *filter)
{
	cleanup_fd(&filter->listener);
	filter->listener = -1;
}

/* ---- init -------------------------------------------------------------------------- */

int seccomp_install(const struct seccomp_filter *filter, struct seccomp_subject subject,
	struct error *err)
{
	struct sock_fprog program = { .len = filter->count, .filter = filter->program };
	struct handoff *to_listener = NULL;
	int fd;

	if (!filter->program)
		return 0;
	if (filter->listener >= 0 &&
		listener_prepare(filter, subject, &to_listener, err) < 0)
		return -1;
	if (filter->watch)
		seccomp_watch_announce(filter->watch);
	fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, filter->flags, &program);
	if (fd < 0) {
		(void)fail_errno(err, "/linux/seccomp: loading the filter");
		if (err->errnum == EACCES)
			return fail_hint(
				err, "it needs CAP_SYS_ADMIN or noNewPrivileges");
		if (err->errnum == EBUSY)
			return fail_hint(err, "another filter has a listener already");
		return -1;
	}
	if (filter->watch)
		seccomp_watch_hand_over(filter->watch, fd);
	return to_listener ? listener_tell(to_listener, fd, err) : 0;
}
