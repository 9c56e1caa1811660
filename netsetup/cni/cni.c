/* Reading the call, choosing the operation, answering. */
#include "netsetup/cni/cni.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "netsetup/cni/call.h"

#define INPUT_MAX (4u << 20)

/* What each command must have in its environment and configuration. */
struct operation {
	const char *command;
	int (*run)(struct cni_call *call, struct error *err);
	unsigned since;  /* the version that has it */
	bool attachment; /* is about one: container and interface are required */
	bool netns;
};

static const struct operation operations[] = {
	{ "ADD", cni_add, 0, true, true },
	{ "DEL", cni_del, 0, true, false },
	{ "CHECK", cni_check, 400, true, true },
	{ "GC", cni_gc, 10100, false, false },
	{ "STATUS", cni_status, 10100, false, false },
};

static const char *environment(const char *name)
{
	const char *value = getenv(name);

	return value ? value : "";
}

static int check_environment(
	struct cni_call *call, const struct operation *operation, struct error *err)
{
	call->code = CNI_INVALID_ENVIRONMENT;
	if (operation->attachment && !call->container[0])
		return fail(err, "CNI_CONTAINERID is missing; %s needs it",
			operation->command);
	if (operation->attachment && !call->interface[0])
		return fail(
			err, "CNI_IFNAME is missing; %s needs it", operation->command);
	if (operation->netns && !call->netns[0])
		return fail(err, "CNI_NETNS is missing; %s needs it", operation->command);
	if (!operation->attachment)
		return 0;
	if (places_check_strictly(call->container, "container", err) < 0 ||
		netlink_check_name(call->interface, "CNI_IFNAME", err) < 0)
		return -1;
	if (operation->netns && str_equal(call->interface, "lo"))
		return fail(err, "CNI_IFNAME: the interface cannot be called \"lo\"");
	return 0;
}

static int read_input(struct cni_call *call, struct error *err)
{
	call->code = CNI_IO_FAILURE;
	if (fd_read_all(STDIN_FILENO, "the configuration on standard input",
		    (struct fd_read_options){ .limit = INPUT_MAX }, &call->input,
		    &call->input_length, err) < 0)
		return -1;
	call->code = CNI_DECODING_FAILURE;
	if (json_read(&cni_config_type, &call->config, call->input, call->input_length,
		    &(struct json_options){ .name = "standard input", .any_case = true },
		    err) < 0)
		return -1;
	cni_config_take_args(&call->config);
	return 0;
}

static int check_config(
	struct cni_call *call, const struct operation *operation, struct error *err)
{
	const struct cni_config *config = &call->config;
	unsigned version = cni_version(config->version);

	call->code = CNI_INCOMPATIBLE_VERSION;
	if (!version)
		return fail(err,
			"cniVersion \"%.32s\" is not supported; 0.3.0 to 1.1.0 are",
			config->version ? config->version : "");
	if (version < operation->since)
		return fail(err, "cniVersion %s has no %s", config->version,
			operation->command);
	call->code = CNI_INVALID_CONFIG;
	if (!config->name || !config->name[0])
		return fail(err, "the configuration has no name");
	return places_check_strictly(config->name, "network", err);
}

/* Asked before anything else is known; an absent configuration is the oldest caller's. */
static int version(struct cni_call *call, struct error *err)
{
	struct error ignored;

	if (read_input(call, &ignored) < 0)
		log_debug("VERSION without a configuration: %s", ignored.text);
	cni_append_versions(&call->output, call->config.version);
	return 0;
}

static int run(struct cni_call *call, struct error *err)
{
	if (str_equal(call->command, "VERSION"))
		return version(call, err);
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
		if (!str_equal(call->command, operations[i].command))
			continue;
		if (check_environment(call, &operations[i], err) < 0 ||
			read_input(call, err) < 0 ||
			check_config(call, &operations[i], err) < 0 ||
			places_find(getenv(PLACES_ENVIRONMENT), &call->places, err) < 0)
			return -1;
		call->code = CNI_FAILED;
		return operations[i].run(call, err);
	}
	call->code = CNI_INVALID_ENVIRONMENT;
	return fail(err,
		"CNI_COMMAND is \"%.32s\"; expected ADD, DEL, CHECK, GC, STATUS or VERSION",
		call->command);
}

static void free_call(struct cni_call *call)
{
	free(call->input);
	cni_config_free(&call->config);
	places_free(&call->places);
	str_free(&call->output);
}

int cni_main(void)
{
	struct cni_call call = {
		.command = environment("CNI_COMMAND"),
		.container = environment("CNI_CONTAINERID"),
		.netns = environment("CNI_NETNS"),
		.interface = environment("CNI_IFNAME"),
		.arguments = environment("CNI_ARGS"),
		.path = environment("CNI_PATH"),
	};
	struct error err;
	int result =
		log_open(&(struct log_options){ .program = "mocker-netsetup" }, &err);

	if (result == 0)
		result = run(&call, &err);

	if (result < 0) {
		str_free(&call.output);
		call.output = (struct str){ 0 };
		if (err.errnum == ENOTSUP && call.code == CNI_INVALID_CONFIG)
			call.code = CNI_UNSUPPORTED_FIELD;
		cni_append_error(&call.output, call.config.version, call.code, err.text);
	}
	if (call.output.length &&
		fd_write_all(STDOUT_FILENO, call.output.data, call.output.length) < 0)
		result = -1;
	free_call(&call);
	return result < 0 ? 1 : 0;
}
