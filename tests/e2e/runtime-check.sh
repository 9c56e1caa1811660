#!/bin/bash
# check: what run would fail at is told before, with the same words where it can be, and
# nothing is told of what run does.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

# finds FILTER PART...: check and run both fail; check tells these parts.
finds() {
	local part

	make_bundle "$tmp/web" "$1"
	shift
	run mocker-runtime run -b "$tmp/web" web
	[ "$status" != 0 ] || failed "it ran"
	run mocker-runtime check "$tmp/web"
	check_status 1
	for part; do
		check_output_has "$part"
	done
	check_lacks "$output" "nothing stands against"
}

# sound FILTER...: both succeed, and check has nothing to say.
sound() {
	make_bundle "$tmp/web" "$@"
	run mocker-runtime run -b "$tmp/web" web
	check_status 0
	run mocker-runtime check "$tmp/web"
	check_status 0
	check_output "nothing stands against running this bundle"
}

devices_and_places() {
	finds '.linux.netDevices = {"nosuch7": {}}' \
		"/linux/netDevices/nosuch7: looking for the interface: No such device"
	finds '.linux.netDevices = {"lo": {"name": "eth9"}}' "/linux/netDevices/lo: the kernel lets"
	[ -e /sys/fs/resctrl/schemata ] ||
		finds '.linux.intelRdt = {"closID": "x"}' "/linux/intelRdt: resctrl is not mounted"
	finds '.linux.resources.cpu.cpus = "0-4000"' '/linux/resources/cpu/cpus: "0-4000": this'
	grep -q 7 /sys/devices/system/node/online 2>/dev/null ||
		finds '.linux.memoryPolicy = {"mode": "MPOL_BIND", "nodes": "7"}' \
			'/linux/memoryPolicy/nodes: "7": this machine has only'
}
test_case "check looks for interfaces, CPUs, memory nodes and resctrl" devices_and_places

the_program() {
	finds '.process.args = ["nosuch"]' "/process/args/0: nosuch: there is no such program"
	finds '.process.args = ["/bin/nosuch"]' "/process/args/0: /bin/nosuch: there is no"
	finds '.process.args = ["/etc/passwd"]' "/process/args/0: /etc/passwd: it is no executable"
	finds '.process.args = ["./sh"] | .process.cwd = "/etc"' "/process/args/0: ./sh"
	finds '.process.args = ["true"] | .hooks.startContainer = [{"path": "/no/hook"}]' \
		"/hooks/startContainer/0/path: /no/hook: there is no such program"
}
test_case "check looks for the programs that the container runs" the_program

programs_from_elsewhere() {
	local root=$tmp/web/rootfs

	sound '.process.args = ["true"]'
	sound '.process.args = ["./true"] | .process.cwd = "/bin"'
	sound '.process.args = ["true"] | .process.env = ["A=b"]'
	ln -s /bin "$root/opt"
	sound '.process.args = ["/opt/true"]'
	mkdir -p "$tmp/elsewhere" "$root/mounted"
	cp "$root/bin/busybox" "$tmp/elsewhere/true"
	ln -s /mounted "$root/tools"
	for path in /mounted/true /tools/true; do
		sound ".process.args = [\"$path\"]" ".mounts += [{\"destination\": \"/mounted\",
			\"source\": \"$tmp/elsewhere\", \"type\": \"bind\", \"options\": [\"bind\"]}]"
	done
	# A hook may bring it: no more than a warning.
	make_bundle "$tmp/web" '.process.args = ["/late"] | .hooks.createRuntime = [{"path":
		"/bin/cp", "args": ["cp", "'"$tmp"'/elsewhere/true", "'"$root"'/late"]}]'
	run mocker-runtime check "$tmp/web"
	check_status 0
	check_output_has "warning: config.json"
	check_output_has "/process/args/0: /late"
}
test_case "check knows of programs behind links, mounts and hooks" programs_from_elsewhere

profiles() {
	local rules='"syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}]'

	sound '.process.args = ["true"] |
		.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/nosuch"}'
	finds '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/nosuch", '"$rules"'}' \
		"/linux/seccomp/listenerPath: /nosuch is no socket"
	finds '.linux.seccomp = {"defaultAction": "SCMP_ACT_NOTIFY", "listenerPath": "/nosuch"}' \
		"/linux/seccomp/listenerPath: /nosuch is no socket"
}
test_case "check compiles a profile, and asks for its listener where it has work" profiles

no_config() {
	mkdir -p "$tmp/empty"
	run mocker-runtime check "$tmp/empty"
	check_status 1
	check_fails_with "mocker-runtime: bundle $tmp/empty: opening config.json: No such file"
}
test_case "check needs a config.json" no_config

capabilities_held() {
	make_bundle "$tmp/web" '.process.capabilities.bounding = ["CAP_CHOWN", "CAP_KILL"]'
	run capsh --drop=cap_kill -- -c "mocker-runtime check '$tmp/web'"
	check_status 0
	check_output_has "/process/capabilities/bounding/1: the runtime itself does not have CAP_KILL"
}
if command -v capsh >/dev/null; then
	test_case "check warns of capabilities that cannot be handed on" capabilities_held
fi
