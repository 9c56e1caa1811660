/*
 * --seccomp-log: which system calls a profile denies, told as they happen, and answered as
 * the profile says. No audit log is needed, nor the right to read the kernel's. "Init" is
 * exec's new process as well.
 *
 *	parent                        init                        the watch
 *	seccomp_watch_prepare
 *	clone                         (born)
 *	seccomp_watch_start                                       (born of the parent)
 *	                              loads the filter, in which
 *	                              each denial asks a listener
 *	                              seccomp_watch_hand_over     takes the listener's
 *	                                                          descriptor out of init
 *	                              execve                      answers, until nobody is
 *	                                                          left who could ask
 *
 * Init may make no system call between loading the filter and the watch's being there, for
 * the first that is denied would wait for ever: the two meet in shared memory.
 */
#pragma once

#include "base/error.h"
#include "base/macros.h"
#include "runtime/seccomp/seccomp.h"

struct seccomp_watch;

void seccomp_watch_free(struct seccomp_watch *watch);

/* Turns what denies in a prepared filter into a question. */
int seccomp_watch_prepare(struct seccomp_filter *filter, struct error *err) must_check;

/* In init, before its filter is loaded: the last that it may call. */
void seccomp_watch_announce(struct seccomp_watch *watch);

/* In init, once its filter is loaded and `fd` is the listener. */
void seccomp_watch_hand_over(struct seccomp_watch *watch, int fd);

/* In the parent, in its own pid namespace, once the process that will load the filter has
 * been cloned: makes the watch, which holds nothing of the parent's but the log, and ends
 * when nobody has the filter any more. watch NULL: none is wanted. */
int seccomp_watch_start(
	const struct seccomp_watch *watch, int pidfd, struct error *err) must_check;
