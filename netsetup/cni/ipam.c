/*
 * Delegation: another plugin (dhcp, static, host-local by its own binary) gives the
 * addresses. It is found in CNI_PATH and called as we were, with the same configuration.
 * Source: CNI specification 1.1.0, section 4.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/process.h"
#include "netsetup/cni/call.h"

extern char **environ;

struct cni_error {
	uint32_t code;
	char *message;
	char *details;
};

/* clang-format off */
static const struct json_field error_fields[] = {
	JSON_U32(struct cni_error, code, "code"),
	JSON_STRING(struct cni_error, message, "msg"),
	JSON_STRING(struct cni_error, details, "details"),
	JSON_END,
};
static const struct json_type error_type = JSON_TYPE(struct cni_error, error_fields);
/* clang-format on */

/* "host-local" and no type at all are ours: the leases are this program's, unless the
 * configuration says where host-local has its own. */
bool cni_ipam_is_delegated(const struct cni_config *config)
{
	static const char *const own[] = { "host-local", "mocker", "mocker-netsetup" };

	if (!config->ipam || !config->ipam->type || !config->ipam->type[0])
		return false;
	if (config->ipam->data_dir && str_equal(config->ipam->type, "host-local"))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (str_equal(config->ipam->type, own[i]))
			return false;
	return true;
}

static int find_plugin(const struct cni_call *call, char **ret_path, struct error *err)
{
	const char *type = call->config.ipam->type;
	auto_strings directories = { 0 };

	if (strchr(type, '/') || str_equal(type, "..") || str_equal(type, "."))
		return fail_code(
			err, EINVAL, "ipam.type: \"%.64s\" is no plugin's name", type);
	strings_split(&directories, call->path, ':');
	strings_each (directory, &directories) {
		auto_free char *path = str_format("%s/%s", *directory, type);

		if (**directory == '/' && access(path, X_OK) == 0) {
			*ret_path = take_ptr(&path);
			return 0;
		}
	}
	return fail_code(err, ENOENT,
		"the IPAM plugin \"%.64s\" is not in CNI_PATH \"%.200s\"", type,
		call->path);
}

/* The plugin's own error object, passed on with its code. */
static int fail_plugin(
	struct cni_call *call, const struct str *output, int status, struct error *err)
{
	struct cni_error said = { 0 };
	struct error ignored;

	if (output->length &&
		json_read(&error_type, &said, output->data, output->length,
			&(struct json_options){ .name = "its answer" }, &ignored) == 0 &&
		said.message) {
		call->code = said.code ? said.code : CNI_FAILED;
		error_set(err, "IPAM plugin %s: %.600s%s%.300s", call->config.ipam->type,
			said.message, said.details && said.details[0] ? "; " : "",
			said.details ? said.details : "");
	} else {
		error_set(err,
			"the IPAM plugin %s ended with status %d and said \"%.300s\"",
			call->config.ipam->type, status,
			output->data ? output->data : "");
	}
	json_free(&error_type, &said);
	return -1;
}

int cni_ipam_call(struct cni_call *call, const char *command,
	struct cni_result *ret_result, struct error *err)
{
	auto_free char *path = NULL;
	auto_strings env = { 0 };
	auto_str output = { 0 };
	int status;

	if (find_plugin(call, &path, err) < 0)
		return -1;
	for (char **item = environ; *item; item++)
		strings_add(&env, *item);
	strings_env_set(&env, "CNI_COMMAND", command);
	if (process_run(
		    &(struct process_run){
			    .path = path,
			    .argv = (char *[]){ path, NULL },
			    .envp = env.items,
			    .cwd_fd = -1,
			    .input = call->input,
			    .input_length = call->input_length,
			    .output = &output,
			    .keep = 1 << 20,
		    },
		    &status, err) < 0)
		return fail_while(err, "running the IPAM plugin %s", path);
	if (status != 0)
		return fail_plugin(call, &output, status, err);
	if (!ret_result)
		return 0;
	return json_read(&cni_result_type, ret_result, output.data, output.length,
		&(struct json_options){ .name = "the IPAM plugin's answer" }, err);
}

/* ---- as the step that takes addresses ------------------------------------------------- */

static int use_ip(struct attach *attach, const struct cni_ip *ip, struct error *err)
{
	struct attachment *record = &attach->record;
	struct pool_range range = { .set = (uint32_t)attach->ranges_count };
	struct address address;

	if (address_parse_prefix(
		    ip->address, "the IPAM plugin's address", &address, err) < 0)
		return -1;
	range.subnet = address_subnet(&address);
	range.gateway = address_next(&range.subnet);
	if (ip->gateway && address_parse(ip->gateway, "the IPAM plugin's gateway",
				   &range.gateway, err) < 0)
		return -1;
	range.gateway.prefix = address.prefix;
	attach->ranges = str_realloc(
		attach->ranges, attach->ranges_count + 1, sizeof(*attach->ranges));
	attach->ranges[attach->ranges_count++] = range;
	record->addresses = str_realloc(record->addresses, record->addresses_count + 1,
		sizeof(*record->addresses));
	record->addresses[record->addresses_count++] = (struct attachment_address){
		.address = str_dup(ip->address),
		.gateway = ip->gateway || record->network.gateway
				   ? str_dup(address_text(&range.gateway).text)
				   : NULL,
	};
	return 0;
}

static void use_route(struct network *network, const struct network_route *route)
{
	network->routes = str_realloc(
		network->routes, network->routes_count + 1, sizeof(*network->routes));
	network->routes[network->routes_count] = *route;
	network->routes[network->routes_count].destination = str_dup(route->destination);
	network->routes[network->routes_count++].gateway = str_dup(route->gateway);
}

static void clear_routes(struct network *network)
{
	for (size_t i = 0; i < network->routes_count; i++) {
		free(network->routes[i].destination);
		free(network->routes[i].gateway);
	}
	network->routes_count = 0;
}

static bool is_given(const struct attachment *record, const struct address *wanted)
{
	for (size_t i = 0; i < record->addresses_count; i++) {
		struct address given;
		struct error ignored; /* it was parsed before */

		if (address_parse_prefix(record->addresses[i].address, "address", &given,
			    &ignored) == 0 &&
			address_compare(&given, wanted) == 0)
			return true;
	}
	return false;
}

/* It was asked for them by the same call. */
static void warn_of_ungiven(const struct attach *attach, const char *type)
{
	for (size_t i = 0; i < attach->wanted_count; i++) {
		const struct address *wanted = &attach->wanted[i].address;

		if (!is_given(&attach->record, wanted))
			log_warning("the IPAM plugin %s did not give %s, which was asked "
				    "for",
				type, address_text(wanted).text);
	}
}

int cni_ipam_take(struct attach *attach, struct error *err)
{
	struct cni_call *call = attach->ipam;
	auto_cni_result result = { 0 };

	if (cni_ipam_call(call, "ADD", &result, err) < 0)
		return -1;
	if (result.ips_count == 0)
		return fail(err, "the IPAM plugin %s gave no address",
			call->config.ipam->type);
	for (size_t i = 0; i < result.ips_count; i++)
		if (use_ip(attach, &result.ips[i], err) < 0)
			return -1;
	warn_of_ungiven(attach, call->config.ipam->type);
	clear_routes(&attach->record.network); /* the plugin has read them too */
	for (size_t i = 0; i < result.routes_count; i++)
		use_route(&attach->record.network, &result.routes[i]);
	return 0;
}

int cni_ipam_release(struct attach *attach, struct error *err)
{
	return cni_ipam_call(attach->ipam, "DEL", NULL, err);
}
