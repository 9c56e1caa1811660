#!/bin/bash
# containerd 1.6 as Kubernetes drives it, over the Container Runtime Interface: pods and
# their containers, through networks of mocker-netsetup alone. The configuration is that of
# tests/clients/kubernetes as it stands; the images are mocker-builder's.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/clients/clients.sh"

needs containerd ctr protoc python3 catatonit curl || exit 0
leaves '^file /run/(containerd|mocker|runc|netns)(/|$)|^mount /run/netns '
leaves '^cgroup .*/(kubepods|k8s\.io)$'
leaves '^(link|address|route|rule) .*pods0|^rule '
store_stays

examples=$top_srcdir/tests/clients/kubernetes
handler=$(sed -n 's/^handler: //p' "$examples/runtimeclass.yaml")

# pod_config NAME [JQ FILTER]: sets $pod_config.
pod_config() {
	pod_config=$(jq -nc --arg name "$1" --arg logs "$tmp/logs/$1" '{
		metadata: {name: $name, uid: ("uid-" + $name), namespace: "default"},
		hostname: $name, log_directory: $logs,
		linux: {cgroup_parent: ("/kubepods/" + $name)}
	} | '"${2:-.}")
	mkdir -p "$tmp/logs/$1"
}

# pod_run NAME [JQ FILTER]: sets $pod.
pod_run() {
	pod_config "$@"
	run cri RunPodSandbox "{\"runtime_handler\": \"$handler\", \"config\": $pod_config}"
	check_status 0
	pod=$(jq -r .pod_sandbox_id <<<"$output")
}

# container_create NAME SCRIPT [JQ FILTER]: in $pod; sets $container.
container_create() {
	local config

	config=$(jq -nc --arg name "$1" --arg script "$2" '{
		metadata: {name: $name}, image: {image: "localhost/test-image:1"},
		command: ["sh", "-c", $script], log_path: ($name + ".log"), linux: {}
	} | '"${3:-.}")
	run cri CreateContainer "{\"pod_sandbox_id\": \"$pod\", \"config\": $config,
		\"sandbox_config\": $pod_config}"
	check_status 0
	container=$(jq -r .container_id <<<"$output")
}

container_run() {
	container_create "$@"
	run cri StartContainer "{\"container_id\": \"$container\"}"
	check_status 0
}

# of_container METHOD [JSON MEMBERS]
of_container() {
	run cri "$1" "{\"container_id\": \"$container\"${2+, $2}}"
}

pod_remove() {
	run cri StopPodSandbox "{\"pod_sandbox_id\": \"$pod\"}"
	check_status 0
	run cri RemovePodSandbox "{\"pod_sandbox_id\": \"$pod\"}"
	check_status 0
	run cri ListContainers
	check_equal "$(jq '.containers | length' <<<"$output")" 0 "the containers left"
	rmdir /sys/fs/cgroup/*/kubepods/* 2>/dev/null # the kubelet makes and removes a pod's
	return 0
}

status_is() { # CONTAINER STATE
	[ "$(cri ContainerStatus "{\"container_id\": \"$1\"}" | jq -r .status.state)" = "$2" ]
}

is_ready() {
	run cri Status '{}'
	check_status 0
	check_equal "$(jq -c '[.status.conditions[] | .status]' <<<"$output")" '[true,true]' \
		"runtime and network are ready"
}

shared_pod() {
	local shared='.linux.security_context.namespace_options.pid = "POD"' server helper

	pod_run web "$shared | .port_mappings = [{container_port: 80, host_port: 8080}]"
	run cri PodSandboxStatus "{\"pod_sandbox_id\": \"$pod\"}"
	check_equal "$(jq -r '.status.state + " " + .status.runtime_handler' <<<"$output")" \
		"SANDBOX_READY $handler"
	address=$(jq -r .status.network.ip <<<"$output")
	check_matches "$address" '^10\.244\.0\.'

	container_run server 'echo served >/index.html; exec httpd -f -p 80 -h /' "$shared"
	server=$container
	container_run helper 'echo out; echo err >&2; exec sleep 1000' "$shared"
	helper=$container

	run cri exec-sync "$helper" wget -q -O - http://127.0.0.1/
	check_status 0
	check_output served # one network
	check_equal "$(curl -s "http://$address/")" served "what the host sees"
	check_equal "$(curl -s http://127.0.0.1:8080/)" served "what the host's port serves"
	run cri exec-sync "$helper" sh -c 'cat /proc/1/comm; ps'
	check_output_has pause # one set of process IDs
	check_output_has httpd
	check_equal "$(namespaces_of "$server")" "$(namespaces_of "$helper")" \
		"the namespaces shared"
	run cri exec-sync "$server" hostname
	check_output web

	printf 'GET / HTTP/1.0\r\n\r\n' >"$tmp/request"
	run_input=$tmp/request run cri forward "$pod" 80
	check_status 0
	check_output_has served
	# Two streams: either may be the first in the log.
	check_has "$(cat "$tmp/logs/web/helper.log")" "stdout F out"
	check_has "$(cat "$tmp/logs/web/helper.log")" "stderr F err"
	pod_remove
	check_equal "$(ip -o link show type veth | wc -l)" 0 "the veths left"
}

# pod.yaml as it stands, taken apart as the kubelet does.
example_pod() {
	local spec shared i ids=()

	spec=$(cri yaml "$examples/pod.yaml")
	check_equal "$(jq -r .spec.runtimeClassName <<<"$spec")" \
		"$(cri yaml "$examples/runtimeclass.yaml" | jq -r .metadata.name)" "the class"
	shared=$(jq -r 'if .spec.shareProcessNamespace then
		".linux.security_context.namespace_options.pid = \"POD\"" else "." end' <<<"$spec")
	pod_run "$(jq -r .metadata.name <<<"$spec")" "$shared | .port_mappings = $(jq -c '
		[.spec.containers[].ports // [] | .[] |
		{container_port: .containerPort, host_port: .hostPort}]' <<<"$spec")"
	for ((i = 0; i < $(jq '.spec.containers | length' <<<"$spec"); i++)); do
		container_run "$(jq -r ".spec.containers[$i].name" <<<"$spec")" - \
			"$shared | $(jq -r ".spec.containers[$i] |
				\".image.image = \(.image | @json) | .command = \(.command)\"" <<<"$spec")"
		ids+=("$container")
	done
	check wait_until 30 curl -sf http://127.0.0.1:8080/
	check_equal "$(curl -s http://127.0.0.1:8080/)" served "what the host's port serves"
	run cri exec-sync "${ids[1]}" sh -c 'wget -q -O - http://127.0.0.1/; ps'
	check_status 0
	check_output_has served
	check_output_has httpd
	check_equal "$(namespaces_of "${ids[0]}")" "$(namespaces_of "${ids[1]}")" \
		"the namespaces shared"
	pod_remove
}

# Links to the namespaces that a pod shares, of the container's process.
namespaces_of() {
	local pid kind

	pid=$(ctr -n k8s.io task ls | awk -v id="$1" '$1 == id { print $2 }')
	for kind in net ipc uts pid; do
		readlink "/proc/$pid/ns/$kind"
	done
}

executions() {
	pod_run inside
	container_run main 'exec sleep 1000'
	run cri exec-sync "$container" sh -c 'echo out; echo err >&2; exit 5'
	check_status 5
	check_output out
	check_equal "$errors" err "the standard error"
	run cri exec-sync "$container" no-such-program
	check_not [ "$status" = 0 ]
	check_errors_have "executable file not found in \$PATH"
	echo typed >"$tmp/typed"
	run_input=$tmp/typed run cri exec "$container" sh -c 'read -r a; echo got $a; echo err >&2; exit 6'
	check_status 6
	check_output "got typed"
	check_equal "$errors" err "the standard error"
	run cri exec -t "$container" sh -c 'tty; stty size >/dev/null && echo sized'
	check_status 0
	check_output_has /dev/pts/
	check_output_has sized
	pod_remove
}

attached() {
	pod_run talk
	container_run cat 'read -r line; echo "said $line"; exit 4' \
		'.stdin = true | .stdin_once = true'
	echo words >"$tmp/words"
	run_input=$tmp/words run cri attach "$container"
	check_output "said words"
	check wait_until 30 status_is "$container" CONTAINER_EXITED
	pod_remove
}

lifecycle() {
	pod_run life
	container_create main 'trap "exit 3" TERM; echo up; while :; do sleep 0.1; done'
	check status_is "$container" CONTAINER_CREATED
	of_container StartContainer
	check_status 0
	check status_is "$container" CONTAINER_RUNNING
	check wait_until 30 grep -q up "$tmp/logs/life/main.log"
	of_container StopContainer '"timeout": 20'
	check_status 0
	of_container ContainerStatus
	check_equal "$(jq -c '.status | [.state, .exit_code, .reason]' <<<"$output")" \
		'["CONTAINER_EXITED",3,"Error"]'
	of_container RemoveContainer
	check_status 0

	container_run deaf 'trap "" TERM; while :; do sleep 0.1; done'
	of_container StopContainer '"timeout": 1'
	check_status 0
	of_container ContainerStatus
	check_equal "$(jq -r .status.exit_code <<<"$output")" 137 "the exit status"

	container_create nothing true '.command = ["no-such-program"]'
	of_container StartContainer
	check_not [ "$status" = 0 ]
	check_errors_have "executable file not found in \$PATH"
	of_container ContainerStatus
	check_equal "$(jq -c '.status | [.state, .exit_code, .reason]' <<<"$output")" \
		'["CONTAINER_EXITED",128,"StartError"]'
	pod_remove
}

limits() {
	pod_run limits
	container_run main 'exec sleep 1000' \
		'.linux.resources = {memory_limit_in_bytes: 67108864, cpu_quota: 50000, cpu_period: 100000}'
	check_equal "$(cgroup_value memory memory.limit_in_bytes)" 67108864
	check_equal "$(cgroup_value cpu cpu.cfs_quota_us)" 50000
	of_container UpdateContainerResources '"linux": {"memory_limit_in_bytes": 33554432, "cpu_quota": 20000}'
	check_status 0
	check_equal "$(cgroup_value memory memory.limit_in_bytes)" 33554432
	check_equal "$(cgroup_value cpu cpu.cfs_quota_us)" 20000
	of_container ContainerStats
	check_status 0
	check_equal "$(jq '.stats | (.cpu.usage_core_nano_seconds.value | tonumber) > 0 and
		(.memory.working_set_bytes.value | tonumber) > 0' <<<"$output")" true "figures"
	run cri PodSandboxStats "{\"pod_sandbox_id\": \"$pod\"}"
	check_status 0
	check_equal "$(jq '.stats.linux | (.containers | length) == 1 and
		(.memory.working_set_bytes.value | tonumber) > 0' <<<"$output")" true "the pod's figures"

	container_run hungry 'x=a; while :; do x=$x$x; done' \
		'.linux.resources.memory_limit_in_bytes = 16777216'
	check wait_until 30 status_is "$container" CONTAINER_EXITED
	of_container ContainerStatus
	check_equal "$(jq -c '.status | [.exit_code, .reason]' <<<"$output")" '[137,"OOMKilled"]'
	pod_remove
}

cgroup_value() { # CONTROLLER FILE
	cat "/sys/fs/cgroup/$1/kubepods/limits/$container/$2"
}

identities() {
	pod_run who '.linux.security_context.run_as_user.value = 1000 |
		.linux.sysctls = {"net.ipv4.ip_unprivileged_port_start": "0"}'
	container_run user 'exec sleep 1000' '.linux.security_context = {
		run_as_user: {value: 1000}, run_as_group: {value: 1000}, supplemental_groups: [10],
		readonly_rootfs: true, no_new_privs: true,
		capabilities: {add_capabilities: ["NET_ADMIN"], drop_capabilities: ["ALL"]}} |
		.working_dir = "/tmp" | .envs = [{key: "A", value: "b"}]'
	run cri exec-sync "$container" sh -c 'id -u; id -G; pwd; echo $A; touch /x 2>/dev/null || echo read-only
		grep NoNewPrivs /proc/self/status | tr "\t" " "
		grep CapBnd /proc/self/status | tr "\t" " "
		cat /proc/sys/net/ipv4/ip_unprivileged_port_start'
	check_output "1000
1000 10
/tmp
b
read-only
NoNewPrivs: 1
CapBnd: 0000000000001000
0"
	pod_remove
}

# The host's own network and process IDs, as a node's agents have.
of_the_node() {
	pod_run node '.linux.security_context.namespace_options = {network: "NODE", pid: "NODE"} |
		del(.hostname)'
	container_run main 'exec sleep 1000' \
		'.linux.security_context.namespace_options = {network: "NODE", pid: "NODE"}'
	run cri exec-sync "$container" sh -c 'readlink /proc/self/ns/net; readlink /proc/self/ns/pid'
	check_output "$(readlink /proc/self/ns/net)
$(readlink /proc/self/ns/pid)"
	pod_remove
}

logs_reopened() {
	pod_run rotated
	container_run main 'while :; do echo line; sleep 0.1; done'
	check wait_until 30 test -s "$tmp/logs/rotated/main.log"
	mv "$tmp/logs/rotated/main.log" "$tmp/logs/rotated/old.log"
	of_container ReopenContainerLog
	check_status 0
	check wait_until 30 test -s "$tmp/logs/rotated/main.log"
	pod_remove
}

test_setup check cri_setup
test_case "containerd is ready with the examples' configuration" is_ready
test_case "two containers of a pod share network, IPC and process IDs" shared_pod
test_case "the pod of the examples runs as it is written" example_pod
test_case "exec and execSync: output, input, terminal, status" executions
test_case "attach talks to the container's own input" attached
test_case "create, start, stop, remove and their states" lifecycle
test_case "limits arrive, are updated and counted; out of memory is told" limits
test_case "user, groups, capabilities, sysctls and a read-only root" identities
test_case "a pod in the node's own namespaces" of_the_node
test_case "logs are reopened" logs_reopened
