#!/bin/bash
# runtime.md and config-linux.md: what they say a runtime MUST do and MUST refuse, where no
# other file of this directory shows it; the sentences begin with the section.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/sleeper.sh
. "$e2e/sleeper.sh"

inside() {
	sh_bundle "$tmp/web" "$@"
	run mocker-runtime run -b "$tmp/web" web
}

refused() {
	make_bundle "$tmp/web" "$1"
	shift
	run mocker-runtime run -b "$tmp/web" web
	check_fails_with "$@"
	check_equal "$(container_status web)" none
}

# ---- runtime.md ---------------------------------------------------------------------

config_is_of_the_create() {
	sh_bundle "$tmp/web" 'echo first; exec sleep 1000' '.annotations.a = "first"'
	run mocker-runtime create -b "$tmp/web" web
	check_status 0
	in_bundle "$tmp/web" echo second
	edit_bundle "$tmp/web" '.annotations.a = "second" | .process.user.uid = 1 |
		.hooks.poststart = [{"path": "/bin/false"}]'
	run mocker-runtime start web
	check_status 0
	run mocker-runtime state web
	check_equal "$(jq -r .annotations.a <<<"$output")" first
	run mocker-runtime exec web id -u
	check_output 0
	rm -r "$tmp/web/config.json"
	run mocker-runtime exec web echo fine
	check_output fine
	delete web
}
test_case "Lifecycle: changes of config.json after the create have no effect" \
	config_is_of_the_create

nothing_without_an_id() {
	local command

	for command in state create start kill delete; do
		run mocker-runtime $command
		check_fails_with "missing operand"
	done
	for id in "" . .. a/b "a b" "$(printf 'x%.0s' {1..1025})"; do
		run mocker-runtime create -b "$tmp/web" "$id"
		check_not test "$status" = 0
	done
	check_equal "$(ls -A /run/mocker 2>/dev/null)" ""
}
test_case "Operations: an id is needed, and a valid one" nothing_without_an_id

failures_leave_things_as_they_were() {
	find /sys/fs/cgroup -type d | sort >"$tmp/before"
	refused '.mounts += [{"destination": "/x", "type": "nosuchfs"}]' /mounts/6
	refused '.process.args = ["/no/such"]' "no such file"
	refused '.linux.resources.pids.limit = -5' /linux/resources/pids/limit
	find /sys/fs/cgroup -type d | sort >"$tmp/after"
	check_equal "$(diff "$tmp/before" "$tmp/after")" "" "the cgroups"
}
test_case "Errors: a failed create leaves all as if it had not been" \
	failures_leave_things_as_they_were

others_resources_stay() {
	local place

	mkdir -p "$tmp/shared"
	ip netns add kept
	sleeper web '(.linux.namespaces[] | select(.type == "network")).path = "/run/netns/kept"' \
		'.mounts += [{"destination": "/s", "source": "'"$tmp"'/shared", "options": ["bind"]}]'
	for place in /sys/fs/cgroup/*/; do
		[ -e "$place/cgroup.procs" ] && mkdir -p "$place/mocker-test/web"
	done
	start web
	touch "$tmp/shared/file"
	delete web
	check_exists /run/netns/kept
	check_exists "$tmp/shared/file"
	for place in /sys/fs/cgroup/*/; do
		[ -e "$place/cgroup.procs" ] || continue
		check_exists "$place/mocker-test/web"
		rmdir "$place/mocker-test/web" "$place/mocker-test"
	done
	ip netns del kept
	umount /run/netns
	rmdir /run/netns
}
test_case "Delete: what the create did not make is not deleted" others_resources_stay

# ---- Namespaces ---------------------------------------------------------------------

namespaces_refused() {
	refused '.linux.namespaces += [{"type": "ipc"}]' /linux/namespaces/5 '"ipc"'
	refused '.linux.namespaces += [{"type": "mnt"}]' /linux/namespaces/5/type
	refused '.linux.namespaces[1].path = "run/x"' /linux/namespaces/1/path absolute
	refused '.linux.namespaces[0].path = "/proc/self/ns/net"' /linux/namespaces/0/path "is a network"
	refused '.linux.uidMappings = [{"containerID": 0, "hostID": 0, "size": 1}]' /linux/uidMappings
	refused '.linux.namespaces += [{"type": "user"}]' /linux/uidMappings
	refused '.linux.timeOffsets.boottime.secs = 1' /linux/timeOffsets
	refused '.linux.namespaces += [{"type": "time"}] | .linux.timeOffsets.realtime.secs = 1' \
		/linux/timeOffsets/realtime
}
test_case "Namespaces: doubles, unknown types, relative paths, maps of nothing" \
	namespaces_refused

mount_namespace_is_joined() {
	local pid

	unshare -m --propagation private sh -c "mount -t tmpfs t /mnt && touch /mnt/seen &&
		exec sleep 1000" &
	pid=$!
	check wait_until 60 nsenter -m -t $pid test -e /mnt/seen
	make_bundle "$tmp/web" '.mounts = [] | .linux.maskedPaths = [] | .linux.readonlyPaths = []' \
		"(.linux.namespaces[] | select(.type == \"mount\")).path = \"/proc/$pid/ns/mnt\"" \
		'.root.path = "/" | .process.args = ["ls", "/mnt"]'
	run mocker-runtime run -b "$tmp/web" web
	kill $pid
	wait $pid 2>/dev/null
	check_status 0
	check_output seen
}
test_case "Namespaces: a mount namespace is joined by path" mount_namespace_is_joined

# ---- Devices ------------------------------------------------------------------------

devices() {
	inside 'stat -c "%F %t:%T %a %u:%g" /dev/x /opt/deep/y /fifo' '.linux.devices = [
		{"path": "/dev/x", "type": "u", "major": 1, "minor": 3, "fileMode": 416, "uid": 5, "gid": 6},
		{"path": "/opt/deep/y", "type": "c", "major": 1, "minor": 5},
		{"path": "/fifo", "type": "p", "fileMode": 384}]'
	check_status 0
	check_has "$output" "character special file 1:3 640 5:6"
	check_has "$output" "character special file 1:5 666 0:0"
	check_has "$output" "fifo 0:0 600 0:0"
	rm -rf "$tmp/web/rootfs/opt" "$tmp/web/rootfs/fifo"
}
test_case "Devices: each type, anywhere, with mode and owner" devices

devices_refused() {
	make_bundle "$tmp/web" && echo text >"$tmp/web/rootfs/taken"
	refused '.linux.devices = [{"path": "/taken", "type": "c", "major": 1, "minor": 3}]' \
		/linux/devices/0 /taken
	check_equal "$(cat "$tmp/web/rootfs/taken")" text
	refused '.linux.devices = [{"path": "/dev/x", "type": "c"}]' /linux/devices/0 major
	refused '.linux.devices = [{"path": "x", "type": "p"}]' /linux/devices/0
	refused '.linux.devices = [{"path": "/x", "type": "s"}]' /linux/devices/0/type
	mknod "$tmp/web/rootfs/node" c 1 5
	refused '.linux.devices = [{"path": "/node", "type": "c", "major": 1, "minor": 3}]' \
		/linux/devices/0 /node
	rm "$tmp/web/rootfs/taken" "$tmp/web/rootfs/node"
	refused '.linux.devices = [{"path": "/dev/null", "type": "c", "major": 1, "minor": 5}]' \
		"/linux/devices/0: /dev/null is the character device 1:3 in every container"
}
test_case "Devices: a file in the way that is another one is an error" devices_refused

# ---- Control groups -----------------------------------------------------------------

cgroups_path() {
	sleeper web '.linux.cgroupsPath = "relative/web"'
	start web
	grep -v '^0:' "/proc/$(container_pid web)/cgroup" | cut -d: -f3 | sort -u >"$tmp/first"
	delete web
	start web
	check_equal "$(grep -v '^0:' "/proc/$(container_pid web)/cgroup" | cut -d: -f3 | sort -u)" \
		"$(cat "$tmp/first")" "the same path again"
	check_matches "$(cat "$tmp/first")" 'relative/web$'
	delete web
	refused '.linux.cgroupsPath = "/mocker-test/../../x"' /linux/cgroupsPath
}
test_case "Cgroups path: a relative one leads to the same place each time" cgroups_path

has_v1() {
	[ -d "/sys/fs/cgroup/$1" ] && [ -e "/sys/fs/cgroup/$1/tasks" ]
}

# limited CONTROLLER FILE FILTER EXPECTED: written where the machine has it, else refused.
limited() {
	local file=/sys/fs/cgroup/$1/mocker-test/web/$2

	sleeper web "$3"
	run mocker-runtime run --detach -b "$tmp/web" web
	if [ "$status" = 0 ]; then
		check_equal "$(cat "$file")" "$4" "$2"
		delete web
	else
		check_fails_with "$(tr . / <<<"${3%% =*}" | sed 's|^/*|/|')"
		check_missing "/sys/fs/cgroup/$1/$2"
	fi
}

each_controller() {
	local huge

	has_v1 memory || { skip "needs cgroup v1" && return; }
	limited net_cls net_cls.classid '.linux.resources.network.classID = 1048577' 1048577
	limited pids pids.max '.linux.resources.pids.limit = 0 | .ociVersion = "1.3.0"' 0
	limited pids pids.max '.linux.resources.pids.limit = -1' max
	limited memory memory.swappiness '.linux.resources.memory.swappiness = 30' 30
	limited memory memory.kmem.tcp.limit_in_bytes \
		'.linux.resources.memory.kernelTCP = 16777216' 16777216
	limited cpu cpu.idle '.linux.resources.cpu.idle = 1' 1
	case $(cat /sys/fs/cgroup/unified/cgroup.controllers 2>/dev/null) in
	*hugetlb*) huge="unified hugetlb.2MB.rsvd.max" ;; # version 2 beside version 1
	*) huge="hugetlb hugetlb.2MB.rsvd.limit_in_bytes" ;;
	esac
	# shellcheck disable=SC2086 # two words
	limited $huge \
		'.linux.resources.hugepageLimits = [{"pageSize": "2MB", "limit": 4194304}]' 4194304
	limited blkio blkio.bfq.weight '.linux.resources.blockIO.weight = 100' 100
}
test_case "Memory, CPU, Network, PIDs, Huge pages, Block IO: written, or refused by name" \
	each_controller

# What is in /dev/shm cannot be reclaimed where there is no swap for it.
below_the_usage() {
	sh_bundle "$tmp/web" 'head -c 20000000 /dev/zero >/dev/shm/x; touch /full; exec sleep 1000' \
		'.linux.resources.memory = {"limit": 67108864, "swap": 67108864}'
	run mocker-runtime run --detach -b "$tmp/web" web
	[ "$status" = 0 ] || { check_fails_with /linux/resources/memory && return; }
	check wait_until 60 test -e "$tmp/web/rootfs/full"
	echo '{"memory": {"limit": 8388608, "checkBeforeUpdate": true}}' >"$tmp/limits"
	run mocker-runtime update --resources "$tmp/limits" web
	check_fails_with memory/limit
	check_equal "$(container_status web)" running
	run mocker-runtime exec web echo fine
	check_output fine
	delete web
}
test_case "Memory: checkBeforeUpdate refuses a limit below the usage" below_the_usage

resources_refused() {
	refused '.linux.resources.rdma.mlx5_1.hcaHandles = 3' /linux/resources/rdma/mlx5_1
	refused '.linux.resources.rdma.mlx5_1 = {}' /linux/resources/rdma/mlx5_1
	refused '.linux.resources.blockIO.weightDevice = [{"major": 1, "minor": 0}]' weightDevice/0
	refused '.linux.resources.hugepageLimits = [{"pageSize": "2mb", "limit": 1}]' \
		/linux/resources/hugepageLimits/0/pageSize
	refused '.linux.resources.network.priorities = [{"name": "nosuch0", "priority": 1}]' \
		/linux/resources/network/priorities/0
	refused '.linux.resources.unified = {"nosuch.max": "1"}' /linux/resources/unified/nosuch.max
	refused '.linux.resources.memory.limit = "1"' /linux/resources/memory/limit "expected an integer"
}
test_case "RDMA, Block IO, Huge pages, Network, Unified: what cannot be is named" \
	resources_refused

# ---- Sysctl, masked and read-only paths, seccomp -------------------------------------

sysctls_refused() {
	refused '.linux.sysctl = {"vm.swappiness": "1"}' /linux/sysctl/vm.swappiness
	refused '.linux.sysctl = {"kernel.shmmax": "1"} |
		del(.linux.namespaces[] | select(.type == "ipc"))' /linux/sysctl/kernel.shmmax ipc
	refused '.linux.sysctl = {"net.ipv4.ip_forward": "1"} |
		del(.linux.namespaces[] | select(.type == "network"))' /linux/sysctl network
	refused '.linux.sysctl = {"net/../vm.swappiness": "1"}' /linux/sysctl
}
test_case "Sysctl: what is not the container's own is refused" sysctls_refused

paths_refused() {
	refused '.linux.maskedPaths += ["proc/x"]' /linux/maskedPaths/10 absolute
	refused '.linux.readonlyPaths += ["x"]' /linux/readonlyPaths/5 absolute
	refused '.linux.rootfsPropagation = "sharedd"' /linux/rootfsPropagation
	refused '.linux.mountLabel = "system_u:object_r:x_t:s0"' /linux/mountLabel SELinux
}
test_case "Masked Paths, Readonly Paths, Rootfs propagation, Mount label: what is refused" \
	paths_refused

# filtered ACTION [MEMBERS]: of mkdir
filtered() {
	rm -rf "$tmp/web/rootfs/tmp/x"
	inside 'mkdir /tmp/x; echo "$?"' ".linux.seccomp = {\"defaultAction\": \"SCMP_ACT_ALLOW\",
		\"syscalls\": [{\"names\": [\"mkdir\", \"mkdirat\"], \"action\": \"$1\"${2-}}]}"
}

actions() {
	filtered SCMP_ACT_ERRNO ', "errnoRet": 28'
	check_errors_have "No space left on device"
	filtered SCMP_ACT_ERRNO
	check_errors_have "Operation not permitted"
	filtered SCMP_ACT_KILL
	check_output 159
	filtered SCMP_ACT_KILL_THREAD
	check_output 159
	filtered SCMP_ACT_KILL_PROCESS
	check_output 159
	filtered SCMP_ACT_TRAP
	check_output 159
	filtered SCMP_ACT_TRACE ', "errnoRet": 5'
	check_errors_have "Function not implemented"
	filtered SCMP_ACT_LOG
	check_output 0
	filtered SCMP_ACT_ERRNO ', "args": [{"index": 1, "value": 511, "op": "SCMP_CMP_NE"}]'
	check_output 0
	filtered SCMP_ACT_ERRNO ', "args": [{"index": 1, "value": 511, "op": "SCMP_CMP_EQ"}]'
	check_errors_have "Operation not permitted"
	filtered SCMP_ACT_ERRNO ', "args": [{"index": 1, "value": 448, "valueTwo": 448,
		"op": "SCMP_CMP_MASKED_EQ"}]'
	check_errors_have "Operation not permitted"
}
test_case "Seccomp: every action, and arguments" actions

# 335 to 423 are no calls of x86_64 and would be older than any profile; a call that came
# after what the profile names is answered as a kernel without it would.
newer_calls_are_absent() {
	[ "$(uname -m)" = x86_64 ] || { skip "knows numbers of x86_64" && return; }
	echo 'int main(void) { return syscall(500) == -1 ? *__errno_location() : 0; }' |
		"${CC:-cc}" -w -static -include unistd.h -include errno.h -x c -o "$tmp/newer" -
	inside '/newer; echo $?' '.linux.seccomp = {"defaultAction": "SCMP_ACT_ERRNO",
		"defaultErrnoRet": 13, "syscalls": [{"action": "SCMP_ACT_ALLOW", "names": ["read",
		"write", "open", "openat", "close", "fstat", "newfstatat", "mmap", "mprotect",
		"munmap", "brk", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "ioctl",
		"access", "pipe", "execve", "exit", "exit_group", "wait4", "fork", "vfork",
		"clone", "arch_prctl", "getpid", "getppid", "getuid", "geteuid", "getgid",
		"getegid", "getcwd", "set_tid_address", "set_robust_list", "prlimit64",
		"getrandom", "rseq", "readlink", "uname", "stat", "lseek", "futex", "capset",
		"setresuid", "setresgid", "setgroups", "prctl", "dup2", "fcntl", "poll"]}]}' \
		".mounts += [{\"destination\": \"/newer\", \"source\": \"$tmp/newer\",
		\"options\": [\"bind\"]}]"
	check_output 38
}
test_case "Seccomp: a call that is newer than the profile gets ENOSYS" newer_calls_are_absent

seccomp_refused() {
	refused '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "listenerMetadata": "x"}' \
		/linux/seccomp/listenerMetadata
	refused '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": [],
		"action": "SCMP_ACT_ERRNO"}]}' /linux/seccomp/syscalls/0/names
	refused '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
		{"names": ["mkdir"], "action": "SCMP_ACT_KILL", "errnoRet": 1}]}' \
		/linux/seccomp/syscalls/0/errnoRet
	refused '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW",
		"architectures": ["SCMP_ARCH_VAX"]}' /linux/seccomp/architectures/0
	refused '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "flags": ["X"]}' \
		/linux/seccomp/flags/0
}
test_case "Seccomp: what cannot be is refused by name" seccomp_refused

each_architecture() {
	local arch

	for arch in $(mocker-runtime features | jq -r '.linux.seccomp.archs[]'); do
		inside 'echo fine' ".linux.seccomp = {\"defaultAction\": \"SCMP_ACT_ALLOW\",
			\"architectures\": [\"$arch\"], \"syscalls\": [{\"names\": [\"mkdir\"],
			\"action\": \"SCMP_ACT_ERRNO\"}]}"
		[ "$status" = 0 ] || check_fails_with "/linux/seccomp/architectures/0"
	done
}
test_case "Seccomp: every architecture of features is recognised" each_architecture
