/* RUN --device: which of the host's devices a step gets, by the names that CDI gives them. */
#include "builder/build/run_devices.h"

/* A Mockerfile alone gets none, unless a device's own specification says that it may. */
static int check_allowed(const struct build_request *request, const struct cdi *cdi,
	const char *name, struct error *err)
{
	if (request->allow_devices || strings_contain(&request->allowed_devices, name) ||
		cdi_is_open_to_all(cdi, name))
		return 0;
	return fail(err,
		"RUN --device reaches the host's device %s: build with --allow device=%s "
		"to agree",
		name, name);
}

static int find_one(const struct build_request *request, const struct cdi *cdi,
	const struct run_device *device, struct strings *ret, struct strings *ret_missing,
	struct error *err)
{
	auto_strings names = { 0 };

	cdi_find(cdi, device->pattern, &names);
	if (!names.count && device->required)
		return fail(err,
			"RUN requires the device %s, but no CDI specification has it",
			device->pattern);
	if (!names.count)
		strings_add(ret_missing, device->pattern);
	strings_each (name, &names) {
		if (check_allowed(request, cdi, *name, err) < 0)
			return -1;
		if (!strings_contain(ret, *name))
			strings_add(ret, *name);
	}
	return 0;
}

/* The vendors' files are read once in a stage: what a step's key was made of is what it
 * gets. */
static int open_cdi(struct stage_process *process, struct error *err)
{
	if (process->has_cdi)
		return 0;
	if (cdi_open(&process->build->request->cdi_directories, &process->cdi, err) < 0)
		return -1;
	process->has_cdi = true;
	return 0;
}

int run_devices_find(struct stage_process *process, const struct step *step,
	struct strings *ret, struct strings *ret_missing, struct error *err)
{
	if (!step->run.device_count)
		return 0;
	if (open_cdi(process, err) < 0)
		return -1;
	for (size_t i = 0; i < step->run.device_count; i++) {
		if (find_one(process->build->request, &process->cdi,
			    &step->run.devices[i], ret, ret_missing, err) < 0)
			return -1;
	}
	return 0;
}

int run_devices_inputs(struct stage_process *process, const struct step *step,
	struct inputs *inputs, struct error *err)
{
	auto_strings names = { 0 }, missing = { 0 };
	auto_free char *joined = NULL;

	if (run_devices_find(process, step, &names, &missing, err) < 0)
		return -1;
	joined = strings_join(&names, "\n");
	if (step->run.device_count)
		inputs_add(inputs, INPUT_SETTING, "the devices", joined);
	return 0;
}
