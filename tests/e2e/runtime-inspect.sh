#!/bin/bash
# inspect: what it tells is what the kernel says, in the words of both formats.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

begin() {
	make_bundle "$tmp/web" '.process.args = ["sleep", "1000"]' "$@"
	run mocker-runtime run -d -b "$tmp/web" web
	check_status 0
}

end() {
	run mocker-runtime delete --force web
	check_status 0
}

# inspected JQ: of the JSON form.
inspected() {
	mocker-runtime inspect --format json web | jq -r "$1"
}

namespaces() {
	local pid kind file

	begin
	pid=$(container_pid web)
	for kind in cgroup:cgroup ipc:ipc mount:mnt network:net pid:pid time:time user:user uts:uts; do
		file=/proc/$pid/ns/${kind#*:}
		check_equal "$(inspected ".namespaces[] | select(.type == \"${kind%:*}\").inode")" \
			"$(stat -Lc %i "$file")" "the inode of ${kind%:*}"
		check_equal "$(inspected ".namespaces[] | select(.type == \"${kind%:*}\").path")" "$file"
	done
	check_equal "$(inspected '[.namespaces[] | select(.host).type] | join(" ")')" \
		"cgroup time user"
	run mocker-runtime inspect web
	check_status 0
	check_matches "$output" "network +[0-9]+ +/proc/$pid/ns/net +nobody else"
	check_matches "$output" "user +[0-9]+ +/proc/$pid/ns/user +the host's"
	end
}
test_case "each namespace has its inode and the path to join it" namespaces

# A second container in the first one's network, and a process of the host.
companions() {
	local pid other

	begin
	pid=$(container_pid web)
	make_bundle "$tmp/side" '.process.args = ["sleep", "2000"]' \
		"(.linux.namespaces[] | select(.type == \"network\")).path = \"/proc/$pid/ns/net\""
	run mocker-runtime run -d -b "$tmp/side" side
	check_status 0
	mocker-runtime exec --tools --ns ipc --no-cgroup --detach --pid-file "$tmp/pid" web sleep 3000
	other=$(cat "$tmp/pid")
	check_equal "$(inspected '.namespaces[] | select(.type == "network").others[] |
		"\(.pid) \(.command) \(.container)"')" "$(container_pid side) sleep 2000 side"
	check_equal "$(inspected '.namespaces[] | select(.type == "ipc").others[] |
		"\(.pid) \(.command) \(.container)"')" "$other sleep 3000 null"
	check_equal "$(inspected '.namespaces[] | select(.type == "pid").others | length')" 0
	run mocker-runtime inspect web
	check_output_has "$(container_pid side) sleep 2000 (container side)"
	kill "$other"
	run mocker-runtime delete --force side
	check_status 0
	end
}
test_case "who else is in a namespace is told, with the container that it belongs to" companions

privileges() {
	begin '.process.user = {"uid": 1000, "gid": 10}' '.process.oomScoreAdj = 100' \
		'.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls":
			[{"names": ["acct"], "action": "SCMP_ACT_ERRNO"}]}'
	check_equal "$(inspected '.security | "\(.uid) \(.gid) \(.seccomp) \(.noNewPrivileges)"')" \
		"1000 10 filter true"
	check_equal "$(inspected '.security.bounding | sort | join(" ")')" \
		"CAP_AUDIT_WRITE CAP_KILL CAP_NET_BIND_SERVICE"
	check_equal "$(inspected '.security.seccompFilters >= 1')" true
	check_equal "$(inspected .security.oomScoreAdj)" 100
	run mocker-runtime inspect web
	check_matches "$output" "user +1000:10"
	check_matches "$output" "seccomp +filter"
	check_matches "$output" "bounding +CAP_KILL CAP_NET_BIND_SERVICE CAP_AUDIT_WRITE"
	end
}
test_case "capabilities, seccomp and user are what /proc says" privileges

mounts_are_told() {
	begin '.mounts += [{"destination": "/with space", "type": "tmpfs", "source": "t\u001b[31m",
		"options": ["noexec", "size=64k"]}]'
	check_equal "$(inspected '.mounts[] | select(.destination == "/with space") |
		"\(.type) \([.options[] | select(. == "noexec" or . == "size=64k")] | join(","))"')" \
		"tmpfs noexec,size=64k"
	check_equal "$(inspected '.mounts | length')" \
		"$(wc -l <"/proc/$(container_pid web)/mountinfo")"
	run mocker-runtime inspect web
	check_matches "$output" "/with space +tmpfs of t\?\[31m \([^)]*noexec"
	end
}
test_case "mounts have their options, and names cannot command the terminal" mounts_are_told

limits_and_use() {
	begin '.linux.resources.memory.limit = 33554432' '.linux.resources.pids.limit = 17'
	check_equal "$(inspected '[.cgroups[].limits | .["memory.limit_in_bytes"] //
		.["memory.max"] // empty] | first')" 33554432
	check_equal "$(inspected '[.cgroups[].limits["pids.max"] // empty] | first')" 17
	check_equal "$(inspected '[.cgroups[].use["pids.current"] // empty] | first')" 1
	check_equal "$(inspected '[.cgroups[].use | .["memory.usage_in_bytes"] //
		.["memory.current"] // empty] | first | tonumber > 4096')" true
	inspected '.cgroups[].path' | while read -r path; do
		check test -d "$path"
	done
	check_equal "$(inspected '.cgroups | length > 0')" true
	run mocker-runtime update --pids-limit 5 web
	check_equal "$(inspected '[.cgroups[].limits["pids.max"] // empty] | first')" 5
	end
}
test_case "cgroups have their paths, limits and present use" limits_and_use

network() {
	local pid

	needs python3 || return
	begin
	pid=$(container_pid web)
	nsenter -t "$pid" -n ip address add 10.9.8.7/24 dev lo
	nsenter -t "$pid" -n ip -6 address add fd00::7/64 dev lo
	mocker-runtime exec --tools --ns net --detach --pid-file "$tmp/pid" web python3 -c '
import socket, time
tcp = socket.create_server(("10.9.8.7", 7777))
udp = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
udp.bind(("fd00::7", 53))
time.sleep(1000)'
	check wait_until 20 eval '[ "$(inspected ".sockets | length")" = 2 ]'
	check_equal "$(inspected '.sockets[] | "\(.protocol) \(.address) \(.port) \(.pid)"')" \
		"tcp 10.9.8.7 7777 $(cat "$tmp/pid")"$'\n'"udp6 fd00::7 53 $(cat "$tmp/pid")"
	check_equal "$(inspected '.interfaces[] | select(.name == "lo") |
		"\(.up) \(.addresses | sort | join(" "))"')" \
		"true 10.9.8.7/24 127.0.0.1/8 ::1/128 fd00::7/64"
	run mocker-runtime inspect web
	check_matches "$output" "tcp +open 10\.9\.8\.7:7777 by [0-9]+"
	check_output_has "udp6         open [fd00::7]:53 by"
	check_equal "$(ip -o address show dev lo | grep -c 10.9.8.7)" 0
	end
}
test_case "interfaces, addresses and who listens where" network

processes() {
	local pid

	begin
	mocker-runtime exec --detach --user 1000 web sleep 5000
	pid=$(container_pid web)
	check_equal "$(inspected '[.processes[] | "\(.pidInside) \(.uid) \(.command)"] | first')" \
		"1 0 sleep 1000"
	check_equal "$(inspected '[.processes[] | "\(.uid) \(.command)"] | last')" "1000 sleep 5000"
	check_equal "$(inspected '[.processes[].pid] | first')" "$pid"
	check_equal "$(inspected '[.processes[].rss > 0] | all')" true
	run mocker-runtime inspect web
	check_matches "$output" "$pid +1 +0 +S +[0-9]+ KiB  sleep 1000"
	end
}
test_case "processes have both their numbers" processes

each_status() {
	make_bundle "$tmp/web" '.process.args = ["true"]'
	run mocker-runtime create -b "$tmp/web" web
	check_equal "$(inspected .state.status)" created
	check_equal "$(inspected '.processes | length')" 1
	run mocker-runtime start web
	check wait_until 60 eval '[ "$(container_status web)" = stopped ]'
	run mocker-runtime inspect --format json web
	check_status 0
	check_equal "$(jq -r '"\(.state.status) \(.namespaces | length) \(.processes | length)"' \
		<<<"$output")" "stopped 0 0"
	run mocker-runtime inspect web
	check_status 0
	check_output_has "web: stopped"
	end
	begin '.linux.namespaces |= map(select(.type != "network"))'
	run mocker-runtime pause web
	check_equal "$(inspected .state.status)" paused
	check_equal "$(inspected '.sockets | length')" 0
	run mocker-runtime resume web
	end
	run mocker-runtime inspect web
	check_status 1
	check_fails_with "container does not exist"
	run mocker-runtime inspect --format yaml web
	check_fails_with yaml
	run mocker-runtime inspect
	check_not test "$status" = 0
}
test_case "a container of each status, and none" each_status

without_cgroups() {
	make_bundle "$tmp/web" '.process.args = ["sleep", "1000"]' 'del(.linux.cgroupsPath, .linux.resources)'
	run mocker-runtime --cgroup-manager disabled run -d -b "$tmp/web" web
	check_status 0
	check_equal "$(inspected '"\(.cgroups | length) \(.processes | length)"')" "0 1"
	run mocker-runtime inspect web
	check_output_has "cgroups: none"
	end
}
test_case "a container without cgroups shows its first process" without_cgroups
