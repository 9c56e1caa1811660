/* Resource limits by prlimit(), the OOM score by procfs. */
#include "runtime/process/limits.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>

#include "base/fd.h"
#include "spec/names.h"
#include "spec/process.h"

static int refused(const struct oci_rlimit *limit, size_t index, struct error *err)
{
	const char *name = word_of_number(rlimit_words, limit->type);
	__rlimit_resource_t resource = (__rlimit_resource_t)limit->type;
	int errnum = errno;
	struct rlimit64 now;

	if (errnum != EPERM || prlimit64(0, resource, NULL, &now) < 0) {
		errno = errnum;
		return fail_errno(err, "/process/rlimits/%zu: setting %s", index, name);
	}
	/* fs.nr_open bounds RLIMIT_NOFILE even for the mighty, with the same errno. */
	return fail_code(err, EPERM,
		"/process/rlimits/%zu: raising the hard limit of %s from %" PRIu64
		" to %" PRIu64 ": not permitted: CAP_SYS_RESOURCE is missing%s",
		index, name, (uint64_t)now.rlim_max, limit->hard,
		limit->type == RLIMIT_NOFILE ? ", or the value is above fs.nr_open" : "");
}

int limits_rlimits(const struct oci_process *process, struct error *err)
{
	for (size_t i = 0; i < process->rlimits_count; i++) {
		const struct oci_rlimit *limit = &process->rlimits[i];
		struct rlimit64 value = { .rlim_cur = limit->soft,
			.rlim_max = limit->hard };

		if (limit->soft > limit->hard)
			return fail(err,
				"/process/rlimits/%zu: %s: the soft limit %" PRIu64
				" is above the hard limit %" PRIu64,
				i, word_of_number(rlimit_words, limit->type), limit->soft,
				limit->hard);
		if (prlimit64(0, (__rlimit_resource_t)limit->type, &value, NULL) < 0)
			return refused(limit, i, err);
	}
	return 0;
}

int limits_oom_score_adj(const struct oci_process *process, pid_t pid, struct error *err)
{
	char path[64] = "/proc/self/oom_score_adj";
	char value[16];

	if (!process->has_oom_score_adj)
		return 0;
	if (process->oom_score_adj < -1000 || process->oom_score_adj > 1000)
		return fail(err, "/process/oomScoreAdj: %d is not in -1000 to 1000",
			process->oom_score_adj);
	if (pid)
		(void)snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", pid);
	(void)snprintf(value, sizeof(value), "%d", process->oom_score_adj);
	if (file_write_at(AT_FDCWD, path, value, err) == 0)
		return 0;
	(void)fail_while(err, "/process/oomScoreAdj");
	if (err->errnum == EACCES || err->errnum == EPERM)
		(void)fail_hint(err, "lowering it needs CAP_SYS_RESOURCE");
	return -1;
}
