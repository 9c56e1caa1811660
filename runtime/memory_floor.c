/* A memory limit that is too small to start. */
#include "runtime/memory_floor.h"

#include <inttypes.h>

#include "base/cleanup.h"
#include "base/process.h"
#include "runtime/destroy.h"

#define FLOOR_STEP 16384      /* how exact it is */
#define FLOOR_MAX  (64 << 20) /* who needs more has another problem */

static const struct oci_memory *limits_of(const struct creation *creation)
{
	return &creation->bundle.config.linux.resources.memory;
}

static bool is_limited(const struct creation *creation)
{
	const struct oci_memory *memory = limits_of(creation);

	return memory->has_limit && memory->limit > 0;
}

bool memory_ended_init(const struct creation *creation)
{
	return is_limited(creation) && process_is_unexecuted(creation->birth.pid);
}

int memory_blame_limit(const struct creation *creation, struct error *err)
{
	const struct cgroup *cgroup = &creation->container.state.cgroup;

	if (!is_limited(creation) || !cgroup_oom_kills(cgroup))
		return 0;
	return fail_code(err, ENOMEM,
		"the container's init was killed for want of memory: "
		"/linux/resources/memory/limit: %" PRId64 " is too small to start",
		limits_of(creation)->limit);
}

void memory_floor_adapt(struct oci_config *config, int64_t limit)
{
	struct oci_memory *memory = &config->linux.resources.memory;

	json_free(&oci_hooks_type, &config->hooks);
	config->process->terminal = false;
	if (config->linux.seccomp)
		free(take_ptr(&config->linux.seccomp->listener_path));
	*memory = (struct oci_memory){ .has_limit = true, .limit = limit };
}

/* Whether init comes to its end under this limit. Fails if something else stands against
 * it. */
static int try_limit(
	const struct create_request *request, int64_t limit, bool *ret, struct error *err)
{
	auto_free char *id = str_format("%s.floor", request->id);
	auto_creation creation = CREATION_NONE;
	struct create_request probe = *request;

	probe.id = id;
	probe.memory_floor = limit;
	probe.start = true;
	probe.birth = (struct birth_request){ 0 };
	probe.steps = NULL;
	probe.seccomp_log = false;
	if (create_container(&probe, &creation, err) < 0) {
		*ret = false;
		return err->errnum == ENOMEM ? 0 : -1;
	}
	*ret = true;
	return container_destroy(&creation.container, NULL, err);
}

static int measure(const struct create_request *request, int64_t fails, int64_t *ret,
	struct error *err)
{
	int64_t works = MAX(fails, FLOOR_STEP);
	bool enough = false;

	while (!enough) {
		works *= 2;
		if (works > FLOOR_MAX)
			return fail(err, "no limit is enough");
		if (try_limit(request, works, &enough, err) < 0)
			return -1;
		if (!enough)
			fails = works;
	}
	while (works - fails > FLOOR_STEP) {
		int64_t middle = fails + (works - fails) / 2;

		if (try_limit(request, middle, &enough, err) < 0)
			return -1;
		*(enough ? &works : &fails) = middle;
	}
	*ret = works;
	return 0;
}

void memory_floor_tell(const struct creation *creation, struct error *err)
{
	const struct create_request *request = creation->request;
	struct error failure;
	int64_t smallest;

	/* Where others would be asked to do it again, it is not measured. */
	if (err->errnum != ENOMEM || request->memory_floor || !is_limited(creation) ||
		creation->net_devices.count || request->driver != CGROUP_DRIVER_CGROUPFS)
		return;
	if (measure(request, limits_of(creation)->limit, &smallest, &failure) < 0) {
		(void)fail_hint(err, "what would be enough could not be measured: %s",
			failure.text);
		return;
	}
	(void)fail_hint(err,
		"the smallest limit that it starts with here is %" PRId64 " (%" PRId64
		" KiB, measured without the program, which needs its own)",
		smallest, (smallest + 1023) / 1024);
}
