/* unbundle: takes back what bundle made. */
#include <sys/file.h>

#include "builder/bundle/bundle.h"
#include "builder/commands/commands.h"
#include "builder/rootless.h"

static int run(const struct command_call *call, struct error *err)
{
	const struct builder_options *global = call->global;
	auto_store store = STORE_CLOSED;

	if (rootless_enter(err) < 0)
		return -1;
	if (store_open(global->root, LOCK_SH, &store, err) < 0)
		return -1;
	for (int i = 0; i < call->argc; i++) {
		if (bundle_remove(&store, call->argv[i], err) < 0)
			return -1;
	}
	return 0;
}

const struct command command_unbundle = {
	.name = "unbundle",
	.operands = "DIR...",
	.summary = "remove bundles, and give the layers that they stand on back",
	.details = "A bundle may be removed like any directory, too; then the layers of "
		   "its overlay are given back by the next prune or rmi.",
	.operands_min = 1,
	.operands_max = -1,
	.run = run,
};
