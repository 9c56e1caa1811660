#!/bin/bash
# podman 4.3 with conmon runs its whole life on the runtime.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/clients/clients.sh"

needs podman conmon script || exit 0
podman_stays
leaves '^file /var/lib/mocker/?'

image=test-image

foreground_run() {
	run podman run --rm $image echo "hello world"
	check_status 0
	check_output "hello world"
}

exit_codes() {
	local code

	for code in 0 1 7 126 127 255; do
		run podman run --rm $image sh -c "exit $code"
		check_status $code
	done
	run podman run --rm $image no-such-program
	check_status 127
	check_errors_have "executable file not found in \$PATH"
	run podman run --rm $image /etc
	check_status 126
	run podman run --rm $image /etc/passwd
	check_status 126
	check_errors_have "permission denied"
	run podman run --rm --no-such-option $image true
	check_status 125
}

background_life() {
	run podman run -d --name web $image sh -c 'echo up; trap "exit 3" TERM; sleep 1000 & wait'
	check_status 0
	run podman ps --format '{{.Names}} {{.State}}'
	check_matches "$output" '^web Up'
	check wait_until 30 bash -c 'podman logs web | grep -q up'
	run podman exec web sh -c 'echo in; exit 4'
	check_status 4
	check_output in
	run podman exec -u user -w /tmp web sh -c 'id -u; pwd'
	check_output $'1000\n/tmp'
	run podman exec -e A=b web sh -c 'echo $A'
	check_output b
	run podman exec --privileged web grep CapBnd /proc/self/status
	check_status 0
	run podman exec web no-such-program
	check_status 127
	run podman exec -d web touch /tmp/detached
	check_status 0
	check wait_until 30 podman exec web test -e /tmp/detached
	run podman top web pid comm
	check_status 0
	check_output_has sh
	run podman stats --no-stream --format '{{.PIDs}}' web
	check_status 0
	run podman pause web
	check_status 0
	run podman ps -a --format '{{.State}}'
	check_output Paused
	run podman exec web true
	check_not [ "$status" = 0 ]
	run podman unpause web
	check_status 0
	podman_lives_on web 3
}

stubborn_process() {
	run podman run -d --name deaf $image sh -c 'trap "" TERM; while :; do sleep 0.1; done'
	check_status 0
	run podman stop -t 1 deaf
	check_status 0
	run podman inspect --format '{{.State.ExitCode}}' deaf
	check_output 137
	run podman rm -f deaf
	check_status 0
}

init_then_start() {
	run podman create --name later $image sh -c 'echo started; exit 9'
	check_status 0
	run podman init later
	check_status 0
	run podman ps -a --format '{{.State}}'
	check_output Initialized
	run podman start -a later
	check_status 9
	check_output started
	run podman rm later
	check_status 0
}

terminal() {
	run_in_terminal podman run --rm -it $image sh -c 'tty; stty size >/dev/null && echo sized'
	check_status 0
	check_output_has /dev/pts/0
	check_output_has sized
	run podman run -d --name tty -t $image sleep 100
	run_in_terminal podman exec -it tty tty
	check_status 0
	check_output_has /dev/pts/
	run podman rm -f -t 0 tty
	check_status 0
}

files_in_and_out() {
	run podman run -d --name box $image sleep 100
	echo content >"$tmp/one"
	run podman cp "$tmp/one" box:/tmp/one
	check_status 0
	run podman exec box cat /tmp/one
	check_output content
	run podman cp box:/tmp/one "$tmp/two"
	check_status 0
	check cmp "$tmp/one" "$tmp/two"
	run podman rm -f -t 0 box
	check_status 0
}

read_only_root() {
	mkdir -p "$tmp/volume"
	run podman run --rm --read-only --tmpfs /scratch -v "$tmp/volume:/v" $image \
		sh -c 'touch /x 2>/dev/null && echo writable; touch /scratch/a /v/b && echo done'
	check_status 0
	check_output "done"
	check_exists "$tmp/volume/b"
	rm -f "$tmp/volume/b"
}

limits() {
	run podman run --rm --memory 64m --pids-limit 17 --cpus 0.5 $image sh -c '
		cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/pids/pids.max
		cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us'
	check_status 0
	check_output $'67108864\n17\n50000'
	run podman run -d --name limited --memory 64m $image sleep 100
	run podman update --memory 32m limited
	check_status 0
	run podman rm -f -t 0 limited
	check_status 0
}

user_namespace() {
	run podman run --rm --uidmap 0:100000:1000 --gidmap 0:100000:1000 $image \
		sh -c 'id -u; cat /proc/self/uid_map | tr -s " "'
	check_status 0
	check_output $'0\n 0 100000 1000'
}

seccomp_profiles() {
	run podman run --rm $image grep Seccomp: /proc/self/status
	check_matches "$output" 'Seccomp:.2'
	run podman run --rm --security-opt seccomp=unconfined $image grep Seccomp: /proc/self/status
	check_matches "$output" 'Seccomp:.0'
}

pods() {
	run podman pod create --infra=false --name pod
	check_status 0
	run podman run -d --pod pod --name first $image sleep 100
	check_status 0
	run podman pod rm -f -t 0 pod
	check_status 0
}

shared_namespaces() {
	run podman run -d --name one $image sleep 100
	run podman run --rm --network container:one --pid container:one --ipc container:one $image \
		sh -c 'ps | grep "sleep 100" | grep -vc grep'
	check_status 0
	check_matches "$output" '^[12]$'
	run podman rm -f -t 0 one
	check_status 0
}

cgroup_namespaces() {
	run podman run --rm --cgroupns private $image cat /proc/self/cgroup
	check_status 0
	check_matches "$output" ':/$'
	run podman run --rm --cgroupns host $image cat /proc/self/cgroup
	check_has "$output" libpod
}

commits() {
	run podman run --name made $image sh -c 'echo kept >/kept'
	run podman commit -q made test-commit
	check_status 0
	run podman rm made
	run podman run --rm test-commit cat /kept
	check_output kept
	run podman rmi test-commit
	check_status 0
}

# The same specification, by podman's library and by the builder's bundle.
cdi_devices() {
	local see='env | grep -E "^(KIND|DEVICE)=" | sort; stat -c "%F %t:%T %a %u:%g" /dev/sink
		cat /opt/lib/file; echo x >/opt/lib/file || echo read-only'
	local theirs context=$tmp/cdi

	mkdir -p /run/cdi "$context"
	echo library >"$context/file"
	cat >/run/cdi/mocker-test.yaml <<-END
		cdiVersion: "0.5.0"
		kind: vendor1.com/device
		containerEdits:
		  env: ["KIND=all"]
		devices:
		  - name: foo
		    containerEdits:
		      env: [DEVICE=foo]
		      deviceNodes:
		        - {path: /dev/sink, hostPath: /dev/full, permissions: rw, fileMode: 0640, gid: 7}
		      mounts:
		        - {hostPath: $context/file, containerPath: /opt/lib/file, options: [ro, bind]}
	END
	run podman run --rm --device vendor1.com/device=foo $image sh -c "$see"
	check_status 0
	theirs=$output
	check_has "$theirs" "character special file 1:7 640 0:7"
	check builder_test_image
	run mocker-builder bundle localhost/test-image:1 "$context/b" \
		--device vendor1.com/device=foo -- sh -c "$see"
	check_status 0
	edit_bundle "$context/b" '.linux.cgroupsPath = "/mocker-test/devices"'
	run mocker-runtime run -b "$context/b" devices
	check_output "$theirs"
	run mocker-builder unbundle "$context/b"
	run mocker-builder rmi localhost/test-image:1
	run mocker-builder prune --all
	check_status 0
	rm -r "$context" "$tmp/builder-context" /run/cdi/mocker-test.yaml
	rmdir /run/cdi
}

test_setup check podman_setup
test_case "a container runs in the foreground" foreground_run
test_case "exit codes arrive as with runc" exit_codes
test_case "a background container lives its whole life" background_life
test_case "a process that ignores TERM is killed in the end" stubborn_process
test_case "init and start are two steps" init_then_start
test_case "a terminal is a terminal" terminal
test_case "files are copied in and out" files_in_and_out
test_case "a read-only root leaves tmpfs and volumes writable" read_only_root
test_case "limits arrive and are updated" limits
test_case "a user namespace is mapped" user_namespace
test_case "the seccomp profile is loaded, or not" seccomp_profiles
test_case "pods hold containers" pods
test_case "namespaces are shared with another container" shared_namespaces
test_case "the cgroup namespace is private or the host's" cgroup_namespaces
test_case "a container is committed to an image" commits
test_case "a CDI device brings what it brings to a bundle of ours" cdi_devices
