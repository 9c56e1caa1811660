/* The named steps of a create. */
#include "runtime/steps.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/log.h"

static const char *const names[STEP_COUNT] = {
	[STEP_STATE_MADE] = "state-made",
	[STEP_RECORDED] = "recorded",
	[STEP_CGROUP_MADE] = "cgroup-made",
	[STEP_CLONED] = "cloned",
	[STEP_ENTERED] = "entered",
	[STEP_PLACED] = "placed",
	[STEP_MOUNTED] = "mounted",
	[STEP_HOOKED] = "hooked",
	[STEP_PIVOTED] = "pivoted",
	[STEP_NAMED] = "named",
	[STEP_SETTLED] = "settled",
	[STEP_READY] = "ready",
	[STEP_STARTING] = "starting",
};

const char *step_name(enum step step)
{
	return names[step];
}

/* The first process of a pid namespace cannot stop itself: it waits to be killed, with a
 * mark in its name for whoever looks for it. */
static void stand_still(void)
{
	raise(SIGSTOP);
	if (getpid() != 1)
		return;
	(void)prctl(PR_SET_NAME, "mocker-runtime!"); /* cannot fail */
	for (;;)
		pause();
}

void step_reached(enum step step)
{
	log_debug("step %s", names[step]);
	if (str_equal(getenv("MOCKER_STOP_AT"), names[step]))
		stand_still();
}
