/*
 * The named steps of a create, in their order, with what each is in words: one table from
 * which --explain tells the plan and the times, and by which a test may stop the process
 * (MOCKER_STOP_AT=step raises SIGSTOP there, to be killed or continued).
 * `mocker-runtime steps` lists those.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "base/str.h"

/*   parent                 init            when
 *   STEP_PLANNED                           nothing is made yet
 *   STEP_STATE_MADE                        the state directory is ours
 *   STEP_RECORDED                          what there will be to remove is in state.json
 *   STEP_CGROUP_MADE
 *   STEP_CLONED
 *                          STEP_ENTERED    namespaces and cgroup
 *   STEP_PLACED                            ids mapped, scope made: only if needed
 *                          STEP_MOUNTED
 *   STEP_HOOKED                            only if there are runtime hooks
 *                          STEP_PIVOTED
 *   STEP_NAMED                             state.json has the pid
 *                          STEP_SETTLED    all but the user's program
 *   STEP_READY                             nothing left but to say so: create only
 *                          STEP_STARTING   after the wait for start
 *   STEP_EXECUTED                          init is the user's program, seen by the parent
 */
enum step {
	STEP_PLANNED,
	STEP_STATE_MADE,
	STEP_RECORDED,
	STEP_CGROUP_MADE,
	STEP_CLONED,
	STEP_ENTERED,
	STEP_PLACED,
	STEP_MOUNTED,
	STEP_HOOKED,
	STEP_PIVOTED,
	STEP_NAMED,
	STEP_SETTLED,
	STEP_READY,
	STEP_STARTING,
	STEP_EXECUTED,
	STEP_COUNT,
};

struct step_words {
	const char *name;
	bool in_init;      /* else the command itself does it */
	bool inert;        /* no place to stop at: nothing is made yet, or all is */
	const char *words; /* what is done to come here */
	const char *calls; /* the system calls that it stands on */
};

const struct step_words *step_words(enum step step);

/* When each was reached: nanoseconds, 0 of one that was not. Shared with init. */
struct steps {
	uint64_t begun;
	uint64_t reached[STEP_COUNT];
};

/* For the life of the process. */
int steps_share(struct steps **ret, struct error *err) must_check;

/* steps NULL: nobody asks for the times. */
void step_reached(struct steps *steps, enum step step);
