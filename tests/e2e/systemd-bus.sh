#!/bin/bash
# The systemd cgroup driver before a bus that is absent, silent, hostile or without
# systemd. With a real systemd it is shown in tests/vm/systemd.sh and systemd-user.sh.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

python3 -c '' 2>/dev/null || host_skip "python3 is missing"
PATH=$PATH:/sbin ldconfig -p | grep libsystemd.so.0 >/dev/null || host_skip "libsystemd is missing"
mocker-runtime features | jq -e .linux.cgroup.systemd >/dev/null || host_skip "built without systemd"

# bus SCRIPT: a bus that does this with each connection; $bus is its process.
bus() {
	python3 -c '
import os, socket, sys
place = socket.socket(socket.AF_UNIX)
place.bind("/run/dbus/system_bus_socket")
place.listen(9)
kept = []
while True:
    connection, _ = place.accept()
    kept.append(connection)
    exec(sys.argv[1])' "$1" &
	bus=$!
	check wait_until 20 test -S /run/dbus/system_bus_socket
}

# refused WORDS [SECONDS]: a container is not made, and in that time.
refused() {
	local began=$SECONDS

	run mocker-runtime --systemd-cgroup run --bundle "$tmp/web" web
	check_status 1
	check_fails_with "the systemd cgroup driver: connecting to the bus: $1"
	check [ $((SECONDS - began)) -lt "${2:-20}" ]
	check_equal "$(container_status web)" none
	check_equal "$(mocker-runtime list --quiet)" ""
}

systemd_says_it_runs() {
	mkdir -p /run/systemd/system /run/dbus
	make_bundle "$tmp/web" '.linux.cgroupsPath = "system.slice:mocker:web"'
}

bus_ends() {
	kill "$bus"
	wait "$bus" 2>/dev/null
	rm -r /run/dbus /run/systemd
}

absent() {
	systemd_says_it_runs
	refused "No such file or directory"
	rm -r /run/dbus /run/systemd
}
test_case "a bus that is absent is named" absent

silent() {
	systemd_says_it_runs
	bus 'pass'
	refused "it did not answer within 25 seconds" 40
	bus_ends
}
test_case "a bus that accepts and never answers is waited for 25 seconds, once" silent

slams_the_door() {
	systemd_says_it_runs
	bus 'connection.close()'
	refused ""
	bus_ends
}
test_case "a bus that closes at once is told" slams_the_door

talks_nonsense() {
	systemd_says_it_runs
	bus 'connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 99)'
	refused ""
	bus_ends
}
test_case "a bus that speaks something else is told" talks_nonsense
