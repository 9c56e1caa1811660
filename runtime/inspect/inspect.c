/* The parts put together, and the tables that write and free them. */
#include "runtime/inspect/inspect.h"

#include "spec/names.h"

static const struct json_field companion_fields[] = {
	JSON_I32(struct inspect_companion, pid, "pid", .always = true),
	JSON_STRING(struct inspect_companion, command, "command"),
	JSON_STRING(struct inspect_companion, container, "container"),
	JSON_END,
};
static const struct json_type companion_type =
	JSON_TYPE(struct inspect_companion, companion_fields);

static const struct json_field namespace_fields[] = {
	JSON_WORD(struct inspect_namespace, type, "type", namespace_words),
	JSON_U64(struct inspect_namespace, inode, "inode"),
	JSON_STRING(struct inspect_namespace, path, "path"),
	JSON_BOOL(struct inspect_namespace, host, "host", .always = true),
	JSON_ARRAY(struct inspect_namespace, others, "others", &companion_type,
		.always = true),
	JSON_U32(struct inspect_namespace, more, "more"),
	JSON_END,
};
static const struct json_type namespace_type =
	JSON_TYPE(struct inspect_namespace, namespace_fields);

static const struct json_field mount_fields[] = {
	JSON_STRING(struct inspect_mount, destination, "destination"),
	JSON_STRING(struct inspect_mount, type, "type"),
	JSON_STRING(struct inspect_mount, source, "source"),
	JSON_STRING(struct inspect_mount, root, "root"),
	JSON_STRINGS(struct inspect_mount, options, "options", .always = true),
	JSON_STRINGS(struct inspect_mount, propagation, "propagation"),
	JSON_END,
};
static const struct json_type mount_type = JSON_TYPE(struct inspect_mount, mount_fields);

static const struct json_field cgroup_fields[] = {
	JSON_STRING(struct inspect_cgroup, hierarchy, "hierarchy"),
	JSON_STRING(struct inspect_cgroup, path, "path"),
	JSON_PAIRS(struct inspect_cgroup, limits, "limits"),
	JSON_PAIRS(struct inspect_cgroup, use, "use"),
	JSON_END,
};
static const struct json_type cgroup_dir_type =
	JSON_TYPE(struct inspect_cgroup, cgroup_fields);

static const struct json_field process_fields[] = {
	JSON_I32(struct inspect_process, pid, "pid", .always = true),
	JSON_I32(struct inspect_process, inside, "pidInside", .always = true),
	JSON_U32(struct inspect_process, uid, "uid", .always = true),
	JSON_STRING(struct inspect_process, state, "state"),
	JSON_U64(struct inspect_process, rss, "rss", .always = true),
	JSON_STRING(struct inspect_process, command, "command"),
	JSON_END,
};
static const struct json_type process_type =
	JSON_TYPE(struct inspect_process, process_fields);

static const struct json_field security_fields[] = {
	JSON_U32(struct inspect_security, uid, "uid", .always = true),
	JSON_U32(struct inspect_security, gid, "gid", .always = true),
	JSON_STRINGS(struct inspect_security, bounding, "bounding", .always = true),
	JSON_STRINGS(struct inspect_security, effective, "effective", .always = true),
	JSON_STRINGS(struct inspect_security, permitted, "permitted", .always = true),
	JSON_STRINGS(struct inspect_security, inheritable, "inheritable", .always = true),
	JSON_STRINGS(struct inspect_security, ambient, "ambient", .always = true),
	JSON_STRING(struct inspect_security, seccomp, "seccomp"),
	JSON_U32(struct inspect_security, filters, "seccompFilters", .always = true),
	JSON_BOOL(struct inspect_security, no_new_privileges, "noNewPrivileges",
		.always = true),
	JSON_STRING(struct inspect_security, label, "label"),
	JSON_I32(struct inspect_security, oom_score_adj, "oomScoreAdj", .always = true),
	JSON_END,
};
static const struct json_type security_type =
	JSON_TYPE(struct inspect_security, security_fields);

static const struct json_field interface_fields[] = {
	JSON_STRING(struct inspect_interface, name, "name"),
	JSON_BOOL(struct inspect_interface, up, "up", .always = true),
	JSON_STRINGS(struct inspect_interface, addresses, "addresses", .always = true),
	JSON_END,
};
static const struct json_type interface_type =
	JSON_TYPE(struct inspect_interface, interface_fields);

static const struct json_field socket_fields[] = {
	JSON_STRING(struct inspect_socket, protocol, "protocol"),
	JSON_STRING(struct inspect_socket, address, "address"),
	JSON_U32(struct inspect_socket, port, "port", .always = true),
	JSON_I32(struct inspect_socket, pid, "pid"),
	JSON_END,
};
static const struct json_type socket_type =
	JSON_TYPE(struct inspect_socket, socket_fields);

static const struct json_field inspection_fields[] = {
	JSON_STRUCT(struct inspection, state, "state", &oci_state_type),
	JSON_ARRAY(struct inspection, namespaces, "namespaces", &namespace_type,
		.always = true),
	JSON_ARRAY(struct inspection, mounts, "mounts", &mount_type, .always = true),
	JSON_ARRAY(
		struct inspection, cgroups, "cgroups", &cgroup_dir_type, .always = true),
	JSON_STRUCT(struct inspection, security, "security", &security_type),
	JSON_ARRAY(struct inspection, interfaces, "interfaces", &interface_type,
		.always = true),
	JSON_ARRAY(struct inspection, sockets, "sockets", &socket_type, .always = true),
	JSON_ARRAY(
		struct inspection, processes, "processes", &process_type, .always = true),
	JSON_END,
};
const struct json_type inspection_type = JSON_TYPE(struct inspection, inspection_fields);

void inspection_free(struct inspection *inspection)
{
	json_free(&inspection_type, inspection);
}

int inspect_container(
	const struct container *container, struct inspection *ret, struct error *err)
{
	enum container_status status = container_status(container);
	pid_t pid = container->state.pid;
	auto_cgroup_pids pids = { 0 };

	container_describe(container, status, &ret->state);
	inspect_cgroups(&container->state.cgroup, ret);
	if (status == CONTAINER_STOPPED || pid <= 0)
		return 0;
	if (container_pids(container, &pids, err) < 0)
		return -1;
	inspect_processes(&pids, ret);
	inspect_security(pid, &ret->security);
	inspect_namespaces(container, &pids, ret);
	inspect_mounts(pid, ret);
	inspect_sockets(pid, &pids, ret);
	inspect_interfaces(pid, ret);
	return 0;
}
