/*
 * The named steps of a create, in their order: where a test may stop the process
 * (MOCKER_STOP_AT=step raises SIGSTOP there, to be killed or continued) and what --debug
 * tells. `mocker-runtime steps` lists them.
 */
#pragma once

#include "base/str.h"

/*   parent                 init            when
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
 *   STEP_READY                             nothing left but to say so
 *                          STEP_STARTING   after the wait for start
 */
enum step {
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
	STEP_COUNT,
};

void step_reached(enum step step);
const char *step_name(enum step step);
