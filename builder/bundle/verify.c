/* Running the check. */
#include "builder/bundle/verify.h"

#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "base/process.h"
#include "builder/bundle/bundle.h"

static int check(const char *directory, struct error *err)
{
	const char *argv[] = { "mocker-runtime", "check", directory, NULL };
	auto_free char *runtime = NULL;
	struct process_run run = {
		.argv = (char *const *)argv,
		.cwd_fd = -1,
		.output_fd = STDERR_FILENO,
		.error_fd = STDERR_FILENO,
	};
	int status = 0;

	if (path_of_sibling("mocker-runtime", &runtime, err) < 0)
		return -1;
	run.path = runtime;
	if (process_run(&run, &status, err) < 0)
		return -1;
	if (status != 0)
		return fail(err,
			"mocker-runtime check finds the bundle wrong, as it says above; it is not kept");
	return 0;
}

int bundle_verify(const struct store *store, const char *directory, struct error *err)
{
	struct error second;

	if (check(directory, err) == 0)
		return 0;
	if (bundle_remove(store, directory, &second) < 0)
		return fail_while(err, "%s", second.text);
	return -1;
}
