/*
 * Staying with a process of a container until it ends: signals are passed on, the terminal
 * is served, what is reparented to us is reaped, and its status is ours.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"

/* Before the process is made, so that no signal ends us half way: holds them all back. */
int foreground_hold_signals(struct error *err) must_check;

/* In a new process: lets them through again, each with its default effect. */
void foreground_release_signals(void);

/* With signals held back: waits until there is something to read from fd. Fails where a
 * signal that asks us to end comes before. */
int foreground_await(int fd, struct error *err) must_check;

/* Without waiting: fails where such a signal has come. */
int foreground_look(struct error *err) must_check;

/* For whoever waits in another way: *ret_either is readable once fd is, or a signal that asks
 * us to end has come. Then foreground_ended() fails if it was a signal, and names it. Both
 * descriptors are owned by the caller. */
int foreground_watch(
	int fd, int *ret_signals, int *ret_either, struct error *err) must_check;
int foreground_ended(int signals, struct error *err) must_check;

struct foreground {
	pid_t pid; /* our child */
	int pidfd;
	int master;    /* of its terminal; -1: it has our standard descriptors */
	int notify_fd; /* > 0: where it says that it is ready (notify.h) */
};

int foreground_serve(const struct foreground *foreground, int *ret_status,
	struct error *err) must_check;
