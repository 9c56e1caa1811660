/*
 * The number of a filter's listener, from the process that has just loaded the filter to
 * another that is without it: by shared memory, for each system call of the first may be
 * one that waits for what only the other can do.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"

struct handoff {
	/* A futex for whom there is much time: the filter is about to come. */
	uint32_t near;
	int fd;      /* the listener's number in the giver; -1 */
	int answer;  /* 0: none yet */
	pid_t child; /* of the giver, that takes; else 0 */
};

/* Shared with whoever is cloned afterwards. */
int handoff_make(struct handoff **ret, struct error *err) must_check;
void handoff_free(struct handoff *handoff); /* NULL: nothing */

/* The giver: waits for the answer without any system call, for some seconds. Returns it; 0
 * when none has come. */
int handoff_give(struct handoff *handoff, int fd);

/* The taker looks now and then, and answers anything but 0. */
int handoff_look(const struct handoff *handoff); /* -1: nothing given yet */
void handoff_answer(struct handoff *handoff, int answer);

#define HANDOFF_PAUSE_NS 50000 /* between two looks */
