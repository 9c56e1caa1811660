#!/bin/bash
# Readiness of services: NOTIFY_SOCKET as systemd and podman set it.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

needs python3 || exit 0

# shellcheck source=tests/e2e/service-manager.sh
. "$e2e/service-manager.sh"

# A container that says WORDS once /tmp/go is there, and stays.
service() {
	sh_bundle "$tmp/web" "until [ -e /tmp/go ]; do sleep 0.05; done
		$1 echo \$NOTIFY_SOCKET >/tmp/name; sleep 1000" "${@:2}"
	cp "$tmp/sd-notify" "$tmp/web/rootfs/bin/say"
	rm -f "$tmp/web/rootfs/tmp/go"
}

told() {
	wait_until 60 grep -q -- --- "$tmp/told"
}

# in_background COMMAND...: its process is $background.
in_background() {
	"$@" </dev/null >/dev/null 2>"$tmp/errors" &
	background=$!
}

is_over() {
	! kill -0 "$background" 2>/dev/null
}

# stays_until_ready COMMAND...: the command is over once the container has said so, and the
# manager was told that, and nothing else but the container's pid.
stays_until_ready() {
	in_background "$@"
	check wait_until 60 eval '[ "$(container_status web)" = running ]'
	check_not is_over
	: >"$tmp/web/rootfs/tmp/go"
	check told
	check wait "$background"
	check_equal "$(cat "$tmp/told")" "READY=1
MAINPID=$(container_pid web)
---" "what the manager was told"
}

detached() {
	manager "$1"
	service 'say "STATUS=almost"; say "MAINPID=1
READY=1";' "${@:2}"
	[ $# = 1 ] || chown -hR 100000:100000 "$tmp/web/rootfs"
	stays_until_ready mocker-runtime run --detach --pid-file "$tmp/pid" -b "$tmp/web" web
	check_equal "$(cat "$tmp/pid")" "$(container_pid web)" "the pid file"
	check_equal "$(cat "$tmp/web/rootfs/tmp/name")" /run/notify/notify.sock
	run mocker-runtime exec web touch /run/notify/x
	check_errors_have "Read-only file system"
	run mocker-runtime delete --force web
	check_status 0
	manager_ends
	rm "$tmp/pid"
}

created() {
	manager "$tmp/manager"
	service 'say READY=1;' '.process.user = {"uid": 1000, "gid": 1000}' \
		'.process.env += ["NOTIFY_SOCKET=/elsewhere"]'
	chmod 777 "$tmp/web/rootfs/tmp"
	run mocker-runtime create -b "$tmp/web" web
	check_status 0
	stays_until_ready mocker-runtime start web
	run mocker-runtime delete --force web
	check_status 0
	manager_ends
}

in_foreground() {
	manager "$tmp/manager"
	service 'say READY=1; say READY=1; exit 7;'
	: >"$tmp/web/rootfs/tmp/go"
	in_background mocker-runtime run -b "$tmp/web" web
	wait $background
	check_equal $? 7 "the status"
	check told
	check_equal "$(cat "$tmp/told")" "READY=1
MAINPID=$background
---" "what the manager was told"
	manager_ends
}

never_ready() {
	manager "$tmp/manager"
	service 'exit 3;'
	: >"$tmp/web/rootfs/tmp/go"
	run mocker-runtime run --detach -b "$tmp/web" web
	check_status 0
	check_equal "$(cat "$tmp/told")" ""
	run mocker-runtime delete web
	check_status 0
	service ''
	rm -rf "$tmp/web/rootfs"
	run mocker-runtime run --detach -b "$tmp/web" web
	check_status 1
	manager_ends
	NOTIFY_SOCKET=$tmp/gone
	export NOTIFY_SOCKET
	service 'say READY=1;'
	: >"$tmp/web/rootfs/tmp/go"
	run mocker-runtime run --detach -b "$tmp/web" web
	check_status 0
	check_errors_have "NOTIFY_SOCKET: telling $tmp/gone: No such file or directory"
	run mocker-runtime delete --force web
	unset NOTIFY_SOCKET
}

test_setup make_sd_notify
test_case "run --detach stays until the container is ready, and passes on nothing else" \
	detached "$tmp/manager"
test_case "an abstract name, and a user namespace" detached "@mocker/manager" \
	'.linux.namespaces += [{"type": "user"}] |
	.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}] |
	.linux.gidMappings = .linux.uidMappings'
test_case "start stays too, after a create" created
test_case "run without --detach passes it on beside its other work" in_foreground
test_case "a container that is never ready, and a manager that is gone" never_ready
