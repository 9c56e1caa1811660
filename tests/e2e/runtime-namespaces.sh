#!/bin/bash
# Namespaces: made, shared with the caller, joined by path in any mix; user namespaces with
# their maps; time namespaces with their offsets; another user than root.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

maps='.linux.namespaces += [{"type": "user"}] |
	.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 1000},
		{"containerID": 1000, "hostID": 200000, "size": 1000}] |
	.linux.gidMappings = .linux.uidMappings'

# owned BUNDLE: its root file system belongs to the map's root.
owned() {
	chown -R -h 100000:100000 "$tmp/$1/rootfs"
	chmod 755 "$tmp"
}

links='for n in cgroup ipc mnt net pid time user uts; do echo $n $(readlink /proc/self/ns/$n); done'
here_links() {
	eval "$links"
}

makes_what_is_asked() {
	here_links >"$tmp/here"
	sh_bundle "$tmp/new" "$links" '.linux.namespaces += [{"type": "cgroup"}, {"type": "time"}]'
	run mocker-runtime run -b "$tmp/new" new
	check_status 0
	check_equal "$(comm -12 <(sort "$tmp/here") <(sort <<<"$output") | cut -d' ' -f1 | xargs)" \
		"user" "what is shared"
	edit_bundle "$tmp/new" '.linux.namespaces = [{"type": "mount"}]' 'del(.hostname)'
	run mocker-runtime run -b "$tmp/new" new
	check_equal "$(comm -12 <(sort "$tmp/here") <(sort <<<"$output") | cut -d' ' -f1 | xargs)" \
		"cgroup ipc net pid time user uts" "what is shared"
}
test_case "what is listed is made, what is not is shared" makes_what_is_asked

empty_path_is_none() {
	sh_bundle "$tmp/new" 'readlink /proc/self/ns/net' '.linux.namespaces[].path = ""'
	run mocker-runtime run -b "$tmp/new" new
	check_status 0
	check_not test "$output" = "$(readlink /proc/self/ns/net)"
}
test_case "an empty path stands for none" empty_path_is_none

loopback_is_up() {
	sh_bundle "$tmp/lo" 'cat /sys/class/net/lo/flags; ls /sys/class/net'
	run mocker-runtime run -b "$tmp/lo" lo
	check_output $'0x9\nlo'
}
test_case "a new network namespace has its loopback up" loopback_is_up

joins() {
	local pid kind types='["ipc", "network", "uts", "pid", "cgroup", "time"]'

	make_bundle "$tmp/first" '.process.args = ["sleep", "1000"]' \
		'.linux.namespaces += [{"type": "cgroup"}, {"type": "time"}]'
	run mocker-runtime run -d -b "$tmp/first" first
	check_status 0
	pid=$(container_pid first)
	sh_bundle "$tmp/second" "$links"' | grep -v mnt; hostname' 'del(.hostname)' \
		".linux.namespaces = [{\"type\": \"mount\"}] + ($types | map({type: .,
		path: (\"/proc/$pid/ns/\" + (if . == \"network\" then \"net\" else . end))}))"
	run mocker-runtime run -b "$tmp/second" second
	check_status 0
	for kind in ipc net uts pid cgroup time; do
		check_has "$output" "$kind $(readlink "/proc/$pid/ns/$kind")"
	done
	check_has "$output" test
	mocker-runtime delete --force first
}
test_case "six kinds are joined by path" joins

# Neither in the container nor, without a namespace for it, of the machine.
empty_names_are_none() {
	local here

	here=$(uname -n)
	sh_bundle "$tmp/new" 'uname -n' '.hostname = "" | .domainname = ""' \
		'.linux.sysctl = {"kernel.hostname": "other"}'
	run mocker-runtime run -b "$tmp/new" new
	check_output other
	edit_bundle "$tmp/new" 'del(.linux.sysctl)'
	run mocker-runtime run -b "$tmp/new" new
	check_output "$here"
	edit_bundle "$tmp/new" '.linux.namespaces |= map(select(.type != "uts"))'
	run mocker-runtime run -b "$tmp/new" new
	check_status 0
	check_equal "$(uname -n)" "$here" "the name of the machine"
}
test_case "an empty hostname is none" empty_names_are_none

# refuses PART PATH TYPE
refuses() {
	run mocker-runtime run -b "$tmp/bad" bad
	check_fails_with "$@"
}

wrong_paths() {
	make_bundle "$tmp/bad" '(.linux.namespaces[] | select(.type == "network")).path = "/none"'
	refuses "/linux/namespaces/1/path: opening the network namespace /none"
	edit_bundle "$tmp/bad" '.linux.namespaces[1].path = "/proc/self/ns/uts"'
	refuses "is a uts namespace; expected a network namespace"
	edit_bundle "$tmp/bad" '.linux.namespaces[1].path = "/etc/passwd"'
	refuses "is no namespace; expected a network namespace"
	mkfifo "$tmp/fifo"
	edit_bundle "$tmp/bad" ".linux.namespaces[1].path = \"$tmp/fifo\""
	refuses "fifo is no namespace; expected a network namespace"
}
test_case "a path that is not such a namespace is told" wrong_paths

user_namespace() {
	sh_bundle "$tmp/user" 'id -u; awk "{print \$1, \$2, \$3}" /proc/self/uid_map;
		touch /new && stat -c %u /new; cat /proc/self/oom_score_adj; hostname' \
		"$maps" '.process.oomScoreAdj = 100'
	owned user
	run mocker-runtime run -b "$tmp/user" user
	check_status 0
	check_output $'0\n0 100000 1000\n1000 200000 1000\n0\n100\ntest'
	check_equal "$(stat -c %u "$tmp/user/rootfs/new")" 100000 "the owner outside"
	edit_bundle "$tmp/user" '.process.user = {"uid": 1000, "gid": 1000, "additionalGids": [5]}' \
		'.process.args = ["id"]'
	run mocker-runtime run -b "$tmp/user" user
	check_output "uid=1000(user) gid=1000(user) groups=5"
}
test_case "a user namespace with two ranges" user_namespace

user_and_exec() {
	make_bundle "$tmp/ue" '.process.args = ["sleep", "1000"]' "$maps"
	owned ue
	run mocker-runtime run -d -b "$tmp/ue" ue
	check_status 0
	run mocker-runtime exec ue sh -c 'id -u; readlink /proc/self/ns/user; readlink /proc/self/ns/pid'
	check_status 0
	check_output "0"$'\n'"$(readlink "/proc/$(container_pid ue)/ns/user")"$'\n'"$(readlink "/proc/$(container_pid ue)/ns/pid")"
	run mocker-runtime exec ue nothing
	check_status 255
	check_fails_with "executable file not found"
	mocker-runtime delete --force ue
}
test_case "exec enters a user namespace" user_and_exec

# What is made on the way in belongs to who makes it. A tmpfs takes nothing from a group that
# its user namespace lacks: without one on /dev.
map_without_group_0() {
	local filters=('.linux.namespaces += [{"type": "user"}]' '.process.user.gid = 1000'
		'.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 1000}]'
		'.linux.gidMappings = [{"containerID": 1000, "hostID": 101000, "size": 1000}]'
		'(.mounts[] | select(.type == "devpts")).options -= ["gid=5"]'
		'del(.mounts[] | select(.destination | IN("/dev", "/dev/shm", "/dev/mqueue")))')
	local tell='id -u; stat -c %u $(tty)'

	sh_bundle "$tmp/mg" "$tell" '.process.terminal = true' "${filters[@]}"
	mkdir "$tmp/mg/rootfs/dev/pts"
	chown -R -h 100000:101000 "$tmp/mg/rootfs"
	chmod 755 "$tmp"
	run mocker-runtime run -b "$tmp/mg" mg
	check_status 0
	check_output $'0\n0'
	make_bundle "$tmp/mg" '.process.args = ["sleep", "1000"]' "${filters[@]}"
	run mocker-runtime run -d -b "$tmp/mg" mg
	run mocker-runtime exec -t mg sh -c "$tell"
	check_status 0
	check_output $'0\n0'
	echo '{"mounts": [{"destination": "/made/here", "type": "tmpfs"}]}' >"$tmp/list"
	run mocker-runtime mounts add mg "$tmp/list"
	check_status 0
	run mocker-runtime exec mg stat -c %u /made
	check_output 0
	mocker-runtime delete --force mg
}
test_case "who enters a user namespace without group 0 is its user 0" map_without_group_0

joined_user() {
	local pid

	make_bundle "$tmp/ju" '.process.args = ["sleep", "1000"]' "$maps"
	owned ju
	run mocker-runtime run -d -b "$tmp/ju" ju
	pid=$(container_pid ju)
	sh_bundle "$tmp/jv" 'id -u; readlink /proc/self/ns/user; readlink /proc/self/ns/net; touch /x; stat -c %u /x; echo $$' \
		'.linux.namespaces += [{"type": "user", "path": "/proc/'"$pid"'/ns/user"}]' \
		'.linux.namespaces[1].path = "/proc/'"$pid"'/ns/net"'
	owned jv
	run mocker-runtime run -b "$tmp/jv" jv
	check_status 0
	check_output "0"$'\n'"$(readlink "/proc/$pid/ns/user")"$'\n'"$(readlink "/proc/$pid/ns/net")"$'\n0\n1'
	mocker-runtime delete --force ju
}
test_case "a user namespace is joined, and what is new belongs to it" joined_user

new_user_joined_network() {
	ip netns add shared
	ip -n shared link add gift type veth peer name other
	sh_bundle "$tmp/nu" 'id -u; readlink /proc/self/ns/net; ls /sys/class/net | xargs' "$maps" \
		'.linux.namespaces[1].path = "/run/netns/shared"'
	owned nu
	run mocker-runtime run -b "$tmp/nu" nu
	check_status 0
	check_output "0"$'\n'"net:[$(stat -L -c %i /run/netns/shared)]"$'\ngift lo other'
	ip netns del shared
	umount /run/netns 2>/dev/null
	rmdir /run/netns 2>/dev/null
}
test_case "a new user namespace beside a joined network of the host's" new_user_joined_network

# Which a container owns: nobody may mount what shows them, but who makes the other.
new_user_joined_pids() {
	local pid

	make_bundle "$tmp/first" '.process.args = ["sleep", "1000"]'
	run mocker-runtime run -d -b "$tmp/first" first
	pid=$(container_pid first)
	touch "/proc/$pid/root/dev/mqueue/a-queue"
	sh_bundle "$tmp/nu" 'cat /proc/1/comm; ls /dev/mqueue; mkdir /tmp/p; mount -t proc p /tmp/p 2>/dev/null || echo only there' \
		"$maps" ".linux.namespaces[0].path = \"/proc/$pid/ns/pid\" |
		.linux.namespaces[2].path = \"/proc/$pid/ns/ipc\"" \
		'.process.capabilities[] += ["CAP_SYS_ADMIN"]'
	owned nu
	run mocker-runtime run -b "$tmp/nu" nu
	check_status 0
	check_output $'sleep\na-queue\nonly there'
	mocker-runtime delete --force first
}
test_case "a new user namespace beside joined processes and queues" new_user_joined_pids

own_user_is_joined_already() {
	sh_bundle "$tmp/own" 'readlink /proc/self/ns/user' \
		'.linux.namespaces += [{"type": "user", "path": "/proc/self/ns/user"}]'
	run mocker-runtime run -b "$tmp/own" own
	check_status 0
	check_output "$(readlink /proc/self/ns/user)"
}
test_case "the user namespace that we are in is joined already" own_user_is_joined_already

time_offsets() {
	sh_bundle "$tmp/time" 'cut -d. -f1 /proc/uptime; readlink /proc/self/ns/time' \
		'.linux.namespaces += [{"type": "time"}]' \
		'.linux.timeOffsets = {"boottime": {"secs": 1000000}, "monotonic": {"secs": 7, "nanosecs": 5}}'
	run mocker-runtime run -b "$tmp/time" time
	check_status 0
	check test "$(head -n 1 <<<"$output")" -ge 1000000
	edit_bundle "$tmp/time" "$maps"
	owned time
	run mocker-runtime run -b "$tmp/time" time
	check_status 0
	check test "$(head -n 1 <<<"$output")" -ge 1000000
}
test_case "time offsets, with a user namespace too" time_offsets

without_root() {
	sh_bundle "$tmp/rl" 'id -u; cat /proc/self/uid_map | xargs; cat /proc/self/setgroups; hostname' \
		'.linux.namespaces += [{"type": "user"}]' 'del(.linux.cgroupsPath, .linux.resources)' \
		'(.mounts[] | select(.type == "devpts")).options -= ["gid=5"]' \
		'.linux.uidMappings = [{"containerID": 0, "hostID": 1234, "size": 1}]' \
		'.linux.gidMappings = .linux.uidMappings'
	mkdir "$tmp/state"
	chown -R 1234:1234 "$tmp/rl" "$tmp/state"
	run_as 1234 env -u HOME mocker-runtime --root "$tmp/state" run -b "$tmp/rl" rl
	check_status 0
	check_output $'0\n0 1234 1\ndeny\ntest'
	edit_bundle "$tmp/rl" '.process.args = ["sleep", "1000"]'
	run_as 1234 mocker-runtime --root "$tmp/state" run -d -b "$tmp/rl" rl
	check_status 0
	run_as 1234 mocker-runtime --root "$tmp/state" exec rl id -u
	check_status 0
	check_output 0
	run_as 1234 mocker-runtime --root "$tmp/state" delete --force rl
	check_status 0
	check_equal "$(ls "$tmp/state")" "" "what is left"
	check_equal "$errors" "" "what is said where no cgroup was asked for"
	edit_bundle "$tmp/rl" '.linux.cgroupsPath = "/mocker-test/rl" | .process.args = ["true"]'
	run_as 1234 mocker-runtime --root "$tmp/state" run -b "$tmp/rl" rl
	check_status 0
	check_errors_have "/linux/cgroupsPath: the container has no cgroup"
	edit_bundle "$tmp/rl" 'del(.linux.namespaces[] | select(.type == "user"))' \
		'del(.linux.uidMappings, .linux.gidMappings)'
	run_as 1234 mocker-runtime --root "$tmp/state" run -b "$tmp/rl" rl
	check_fails_with "without a user namespace only root can create containers"
}
test_case "a user without privilege runs, enters and deletes" without_root

# Several ids: by the set-uid helpers, as far as /etc/subuid and /etc/subgid go.
with_helpers() {
	needs newuidmap || return
	echo 1234:100000:65536 >"$tmp/sub"
	cp -a /etc "$tmp/etc" && mount --bind "$tmp/etc" /etc
	echo "rootless:x:1234:1234::/:/bin/sh" >>/etc/passwd
	cp "$tmp/sub" /etc/subuid && cp "$tmp/sub" /etc/subgid
	sh_bundle "$tmp/rl" 'awk "{print \$1, \$2, \$3}" /proc/self/uid_map /proc/self/gid_map
		touch /tmp/mine && chown 5:6 /tmp/mine; cat /proc/self/setgroups; id -u; id -G' \
		'del(.linux.cgroupsPath, .linux.resources)' \
		'.process.user = {"uid": 7, "gid": 8, "additionalGids": [9]}' \
		'.process.capabilities[] += ["CAP_CHOWN"]' \
		'.linux.namespaces += [{"type": "user"}] |
		.linux.uidMappings = [{"containerID": 0, "hostID": 1234, "size": 1},
			{"containerID": 1, "hostID": 100000, "size": 65536}] |
		.linux.gidMappings = .linux.uidMappings'
	chmod 777 "$tmp/rl/rootfs/tmp"
	mkdir -p "$tmp/state"
	chown -R 1234:1234 "$tmp/rl" "$tmp/state"
	run_as 1234 mocker-runtime --root "$tmp/state" run -b "$tmp/rl" rl
	check_status 0
	check_output $'0 1234 1\n1 100000 65536\n0 1234 1\n1 100000 65536\nallow\n7\n8 9'
	check_equal "$(stat -c %u:%g "$tmp/rl/rootfs/tmp/mine")" 100006:100007 "the owner outside"
	edit_bundle "$tmp/rl" '.linux.uidMappings[1].hostID = 300000'
	run_as 1234 mocker-runtime --root "$tmp/state" run -b "$tmp/rl" rl
	check_fails_with newuidmap
	umount /etc
}
test_case "rootless: more ids by newuidmap and newgidmap" with_helpers

# bundle_elsewhere NAME [JQ FILTER...]: of a user, who has one id and no cgroup.
bundle_elsewhere() {
	local name=$1

	shift
	mkdir -p "$tmp/runtime"
	make_bundle "$tmp/$name" 'del(.linux.cgroupsPath)' \
		'.mounts |= map(.options = [(.options // [])[] | select(. != "gid=5")])' "$@"
	chown -R 1234:1234 "$tmp/$name" "$tmp/runtime"
}

# elsewhere COMMAND...: as podman calls us for a user, root of another user namespace.
elsewhere() {
	run_as 1234 XDG_RUNTIME_DIR="$tmp/runtime" unshare --user --map-root-user "$@"
}

root_elsewhere() {
	bundle_elsewhere web '.process.args = ["id", "-u"]'
	elsewhere mocker-runtime run --keep -b "$tmp/web" web
	check_status 0
	check_output 0
	check_exists "$tmp/runtime/mocker/web/state.json"
	elsewhere mocker-runtime delete web
	check_status 0
	check_missing "$tmp/runtime/mocker/web"
	rm -rf "$tmp/runtime" "$tmp/web"
}
test_case "rootless: root of another user namespace is a user" root_elsewhere

# Into the pid namespace of a container, but not back into that of the host.
pids_elsewhere() {
	bundle_elsewhere one '.process.args = ["sleep", "1000"]' \
		'.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW",
			"syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO"}]}'
	bundle_elsewhere two '.process.args = ["ps", "-o", "args"]' \
		"(.linux.namespaces[] | select(.type == \"pid\")).path = \"$tmp/runtime/ns/pid\""
	elsewhere sh -c '
		mocker-runtime run -d --pid-file "$1/runtime/pid" -b "$1/one" one >/dev/null 2>&1
		ln -s "/proc/$(cat "$1/runtime/pid")/ns" "$1/runtime/ns"
		mocker-runtime run -b "$1/two" two
		mocker-runtime exec --seccomp-log one mkdir /new
		mocker-runtime delete --force one' sh "$tmp"
	check_status 0
	check_output $'COMMAND\nsleep 1000\nps -o args'
	check_errors_have "seccomp denied mkdir"
	rm -rf "$tmp/runtime" "$tmp/one" "$tmp/two"
}
test_case "rootless: root of another user namespace joins processes" pids_elsewhere

# What the namespace has not is told by create; its only group may be asked for.
ids_elsewhere() {
	bundle_elsewhere web '.process.args = ["id", "-G"]' \
		'.process.user = {"uid": 0, "gid": 0, "additionalGids": [0]}'
	elsewhere mocker-runtime run -b "$tmp/web" web
	check_status 0
	check_output 0
	check_equal "$errors" ""
	edit_bundle "$tmp/web" '.process.user.additionalGids = [0, 10]'
	elsewhere mocker-runtime run -b "$tmp/web" web
	check_status 0
	check_errors_have "warning: /process/user/additionalGids/1: 10 is left out: this user namespace denies setgroups(2)"
	edit_bundle "$tmp/web" '.process.user = {"uid": 7, "gid": 0}'
	elsewhere mocker-runtime create -b "$tmp/web" web
	check_fails_with "/process/user/uid: becoming user 7: Invalid argument; is every id mapped"
	edit_bundle "$tmp/web" '.process.user = {"uid": 0, "gid": 8}'
	elsewhere mocker-runtime create -b "$tmp/web" web
	check_fails_with "/process/user/gid: becoming group 8: Invalid argument; is every id mapped"
	rm -rf "$tmp/runtime" "$tmp/web"
}
test_case "rootless: ids that root of another user namespace has not" ids_elsewhere

# All of the host's /dev, whose pts/ptmx is nobody's to open.
terminal_elsewhere() {
	bundle_elsewhere tty '.process.args = ["sh", "-c", "tty; stat -f -c %T /dev/pts"]' \
		'.process.terminal = true' '.mounts |= map(select(.destination | startswith("/dev") | not)) +
		[{"destination": "/dev", "type": "bind", "source": "/dev", "options": ["rbind"]}]'
	mkdir "$tmp/pts" && mount -t devpts -o newinstance,ptmxmode=000 devpts "$tmp/pts"
	mount --rbind "$tmp/pts" /dev/pts
	elsewhere script -q -e -c "mocker-runtime run -b $tmp/tty tty" /dev/null
	check_status 0
	check_output_has /dev/pts/
	check_output_has devpts
	umount /dev/pts "$tmp/pts"
	rm -rf "$tmp/runtime" "$tmp/tty"
}
test_case "rootless: a terminal on the host's devices" terminal_elsewhere

moves_interfaces() {
	ip link add gift type veth peer name stays
	ip address add 10.77.0.2/24 dev gift
	ip link set gift mtu 1400 up
	sh_bundle "$tmp/nd" 'ip -o addr show dev eth7 | grep -w inet; cat /sys/class/net/eth7/mtu; ip link show eth7' \
		'.linux.netDevices = {"gift": {"name": "eth7"}}'
	run mocker-runtime run -b "$tmp/nd" nd
	check_status 0
	check_output_has "inet 10.77.0.2/24"
	check_output_has 1400
	check_output_has "UP"
	run mocker-runtime run -b "$tmp/nd" nd
	check_fails_with "/linux/netDevices/gift"
	edit_bundle "$tmp/nd" 'del(.linux.namespaces[] | select(.type == "network"))'
	run mocker-runtime run -b "$tmp/nd" nd
	check_fails_with "netDevices"
	ip link del stays 2>/dev/null
}
test_case "a network device moves in, with its addresses" moves_interfaces

labels_follow() {
	ip link add gift type veth peer name stays
	ip address add 10.77.0.2/24 dev gift label gift
	ip address add 10.77.0.3/24 dev gift label gift:1
	sh_bundle "$tmp/nd" 'ifconfig eth7; ifconfig eth7:1; ip -o -4 addr show' \
		'.linux.netDevices = {"gift": {"name": "eth7"}}'
	run mocker-runtime run -b "$tmp/nd" nd
	check_status 0
	check_output_has "inet addr:10.77.0.2"
	check_output_has "inet addr:10.77.0.3"
	check_lacks "$output" gift
	ip link del stays 2>/dev/null
	ip link add gift type veth peer name stays
	ip address add 10.77.0.2/24 dev gift label gift
	sh_bundle "$tmp/nd" 'ifconfig eth0' '.linux.netDevices = {"gift": {"name": "eth%d"}}'
	run mocker-runtime run -b "$tmp/nd" nd
	check_output_has "inet addr:10.77.0.2"
	ip link del stays 2>/dev/null
}
test_case "netDevices: the labels of addresses follow the interface's new name" labels_follow

here_of() {
	ip -o link show dev "$1" | sed 's/^[0-9]*: *//'
	ip -o address show dev "$1" | sed 's/^[0-9]*: *//'
	ip route show dev "$1"
	ip -6 route show dev "$1"
}

# untouched DEVICE FILTER PART...: the create fails, and nothing of the device has changed.
untouched() {
	local device=$1

	here_of "$device" >"$tmp/here"
	make_bundle "$tmp/nd" "$2"
	shift 2
	run mocker-runtime run -b "$tmp/nd" nd
	check_fails_with "$@"
	check_equal "$(here_of "$device")" "$(cat "$tmp/here")" "$device"
}

some_stay() {
	ip link add name bridge7 type bridge
	# No link-local address, which would be tentative now and not a moment later.
	ip link set bridge7 addrgenmode none
	ip address add 10.77.1.1/24 dev bridge7
	ip address add fd00:77::1/64 dev bridge7 nodad
	ip link set bridge7 up
	ip route add 10.78.0.0/16 via 10.77.1.9
	untouched lo '.linux.netDevices = {"lo": {"name": "eth9"}}' /linux/netDevices/lo
	untouched bridge7 '.linux.netDevices = {"bridge7": {}}' /linux/netDevices/bridge7
	# One that can be moved is back in its place too.
	ip link add gift type veth peer name stays
	ip link set gift up
	ip link set stays up
	untouched bridge7 '.linux.netDevices = {"gift": {}, "bridge7": {}}' /linux/netDevices/bridge7
	check_has "$(ip link show dev gift)" ,UP
	ip link del gift
	ip link del bridge7
}
test_case "netDevices: what cannot be moved is refused, and stays as it is" some_stay

# gifts: two devices that can be moved, the first with addresses; their peers stay.
gifts() {
	ip link add gift type veth peer name stays
	ip link add gift2 type veth peer name stays2
	ip address add 10.77.0.2/24 dev gift
	ip address add 2001:db8::2/64 dev gift nodad
	ip link set gift mtu 1400 up
	ip -o address show dev gift scope global | sed 's/^[0-9]*: *//' >"$tmp/before"
}

templates_get_numbers() {
	gifts
	sh_bundle "$tmp/nd" 'ls /sys/class/net | xargs; ip -o addr show dev eth0 | grep -c 10.77.0.2; cat /sys/class/net/eth1/flags' \
		'.linux.netDevices = {"gift": {"name": "eth%d"}, "gift2": {"name": "eth%d"}}'
	run mocker-runtime run -b "$tmp/nd" nd
	check_status 0
	check_output $'eth0 eth1 lo\n1\n0x1003'
	ip link del stays 2>/dev/null
	ip link del stays2 2>/dev/null
}
test_case "netDevices: of a name with %d the kernel makes one" templates_get_numbers

# comes_back FILTER PART: the create fails, and the host has its device as it was.
comes_back() {
	make_bundle "$tmp/nd" "$@"
	run mocker-runtime run -b "$tmp/nd" nd
	check_status 1
	check_equal "$(ip -o address show dev gift scope global | sed 's/^[0-9]*: *//')" \
		"$(cat "$tmp/before")" "the addresses"
	check_equal "$(cat /sys/class/net/gift/mtu)" 1400
	check_has "$(ip link show dev gift)" ,UP
	check_lacks "$(ip link show dev gift2)" ,UP
}

failed_creates_give_back() {
	local both='.linux.netDevices = {"gift": {"name": "eth7"}, "gift2": {}}'

	gifts
	comes_back "$both" '.process.args = ["/no/such"]'
	comes_back "${both//eth7/eth%d}" '.process.args = ["/no/such"]'
	comes_back "$both" '.hooks.createRuntime = [{"path": "/bin/false"}]'
	ip netns add other
	ip -n other link add eth7 type veth peer name peer7
	comes_back "$both" '(.linux.namespaces[] | select(.type == "network")).path = "/run/netns/other"'
	check_fails_with /linux/netDevices/gift "naming it eth7 in the container: File exists"
	comes_back '.linux.netDevices = {"gift2": {}, "gift": {"name": "eth7"}}' \
		'(.linux.namespaces[] | select(.type == "network")).path = "/run/netns/other"'
	ip netns del other
	umount /run/netns 2>/dev/null
	rmdir /run/netns 2>/dev/null
	ip link del gift
	ip link del gift2
}
test_case "netDevices: a create that fails gives them back as they were" failed_creates_give_back
