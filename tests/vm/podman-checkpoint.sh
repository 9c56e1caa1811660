#!/bin/bash
# podman saves a container and lets it go on, by the runtime and Debian's criu, which needs
# a kernel that it knows: in the virtual machine (check.sh), with this machine's podman.
test_limit=900
. "${top_srcdir:-$(dirname "$0")/../..}/tests/clients/clients.sh"

PATH=$top_builddir/podman:$PATH
export LD_LIBRARY_PATH=$top_builddir/podman/lib
needs podman conmon criu || exit 0
podman_stays
leaves '^file /run/criu.kdat$|^mount .*/podman/graph/overlay'
run_limit=300 # podman under emulation takes its time

# Programs and libraries are where check.sh put them; conmon begins with this environment.
set_up() {
	podman_engine_conf="helper_binaries_dir = [\"$top_builddir/podman\"]
		conmon_path = [\"$top_builddir/podman/conmon\"]
		conmon_env_vars = [\"PATH=$PATH\", \"LD_LIBRARY_PATH=$LD_LIBRARY_PATH\"]" podman_setup
}

count() {
	podman exec "$1" cat /count
}

counts_from() {
	[ "$(count "$1")" -gt "$2" ]
}

counter_run() {
	run podman run -d --name "$1" test-image \
		sh -c 'i=0; while :; do i=$((i + 1)); echo $i >/count; sleep 0.1; done'
	check_status 0
	check wait_until 60 counts_from "$1" 2
}

goes_on() {
	local before

	counter_run web
	run podman container checkpoint web
	check_status 0
	run podman inspect -f '{{.State.Status}} {{.State.Checkpointed}}' web
	check_output "exited true"
	run podman container restore --keep web
	check_status 0
	run podman inspect -f '{{.State.Status}} {{.State.Restored}}' web
	check_output "running true"
	before=$(count web)
	check [ "$before" -gt 2 ]
	check wait_until 60 counts_from web "$before"
	podman_remove web
}

moves() {
	local before

	counter_run web
	run podman container checkpoint --leave-running --export "$tmp/web.tar.gz" web
	check_status 0
	run podman inspect -f '{{.State.Status}}' web
	check_output running
	before=$(count web)
	podman_remove web
	run podman container restore --import "$tmp/web.tar.gz" --name again
	check_status 0
	check wait_until 60 counts_from again "$before"
	run podman stop -t 0 again
	check_status 0
	podman_remove again
}

test_setup check set_up
test_case "podman saves a container and lets it go on" goes_on
test_case "a running container is exported, and another goes on from there" moves
