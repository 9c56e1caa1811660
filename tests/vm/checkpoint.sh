#!/bin/bash
# checkpoint and restore, by Debian's criu: it needs a kernel that it knows, so that this
# runs in the virtual machine (check.sh). Their options are in checkpoint-options.sh.
test_limit=900
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/vm/checkpoint-lib.sh
. "$top_srcdir/tests/vm/checkpoint-lib.sh"
cg=/sys/fs/cgroup/mocker-test

goes_on() {
	local before

	counter web '.linux.resources = {"pids": {"limit": 30}}'
	begin web
	check wait_until 40 counts_from web 2
	save web --work-path "$tmp/images.work"
	check_equal "$(container_status web)" none
	check_missing $cg/web
	check_exists "$tmp/images.work/dump.log"
	before=$(count web)
	restore web --pid-file "$tmp/pid"
	check_equal "$(container_status web)" running
	check_equal "$(cat "$tmp/pid")" "$(container_pid web)"
	check wait_until 40 counts_from web "$before"
	check grep -qx "$(container_pid web)" $cg/web/cgroup.procs
	check_equal "$(cat $cg/web/pids.max)" 30
	run mocker-runtime exec web sh -c 'cat /proc/1/comm; wc -c </proc/keys'
	check_output $'sh\n0'
	delete web
	forget_images
}
test_case "a container goes on where it was saved, with its limits and masks" goes_on

keeps_running() {
	local pid before

	counter web
	begin web
	check wait_until 40 counts_from web 2
	pid=$(container_pid web)
	save web --leave-running
	before=$(count web)
	check_equal "$(container_pid web)" "$pid"
	check wait_until 40 counts_from web "$before"
	delete web
	restore web
	check wait_until 40 counts_from web 2
	delete web
	forget_images
}
test_case "leave-running leaves it running, and its images are good all the same" keeps_running

in_two_steps() {
	script_bundle web 'x=$(head -c 2000000 /dev/zero | tr "\0" a); i=0
		while :; do i=$((i + 1)); echo $i >/tmp/count; sleep 0.1; done'
	begin web
	check wait_until 40 counts_from web 2
	alone mocker-runtime checkpoint --pre-dump --image-path "$tmp/images.pre" web
	check_status 0
	check_equal "$(container_status web)" running
	save web --parent-path ../images.pre
	check_equal "$(readlink "$tmp/images/parent")" ../images.pre
	check grep -Eq 'page-xfer:[[:space:]]+h 0x' "$tmp/images/dump.log" # a hole: it has not changed
	restore web
	check wait_until 40 counts_from web 2
	delete web
	forget_images
}
test_case "a dump upon a pre-dump has only what has changed" in_two_steps

connections() {
	script_bundle web 'mkfifo /tmp/in; nc -l -p 80 -e cat & sleep 1; nc 127.0.0.1 80 </tmp/in >/tmp/out &
		exec 3>/tmp/in; echo before >&3; read x </tmp/go; echo after >&3; sleep 1000'
	mkfifo "$tmp/web/rootfs/tmp/go"
	begin web
	check wait_until 40 grep -q before "$tmp/web/rootfs/tmp/out"
	refuses_without --tcp-established "--tcp-established"
	echo >"$tmp/web/rootfs/tmp/go"
	check wait_until 40 grep -q after "$tmp/web/rootfs/tmp/out"
	delete web
	forget_images
}
test_case "tcp-established: open connections go on" connections

locks() {
	script_bundle web 'exec flock /tmp/lock sleep 1000'
	bring_program web flock
	begin web
	check wait_until 40 mocker-runtime exec web sh -c '! flock -n /tmp/lock true'
	refuses_without --file-locks "file-locks"
	run mocker-runtime exec web flock -n /tmp/lock true
	check_not [ "$status" = 0 ]
	delete web
	forget_images
}
test_case "file-locks: locks are held again" locks

terminals() {
	local drive="timeout 120 python3 $e2e/runtime-terminal.py"

	# It asks, so that nothing is typed before there is somebody to pass it on.
	script_bundle web 'while :; do
			if read -r -t 1 x; then echo "got $x"; [ "$x" != end ] || exit 7; else echo "type now"; fi
		done' \
		'.process.terminal = true'
	$drive receive "$tmp/first.sock" >"$tmp/shown" &
	check wait_until 40 test -S "$tmp/first.sock"
	mocker-runtime --log "$tmp/log" run --detach --bundle "$tmp/web" \
		--console-socket "$tmp/first.sock" web </dev/null >/dev/null 2>&1 ||
		failed "cannot start web: $(cat "$tmp/log")"
	save web
	wait $!
	alone mocker-runtime restore --detach --image-path "$tmp/images" --bundle "$tmp/web" web
	check_fails_with "add --console-socket"
	$drive receive "$tmp/second.sock" >"$tmp/shown" &
	check wait_until 40 test -S "$tmp/second.sock"
	restore web --console-socket "$tmp/second.sock"
	run mocker-runtime exec web sh -c 'echo hello >/dev/console'
	mocker-runtime kill web KILL
	wait $!
	check_has "$(cat "$tmp/shown")" "message: /dev/ptmx"
	check_has "$(cat "$tmp/shown")" hello
	delete web
	run $drive type 'end\r' mocker-runtime restore --image-path "$tmp/images" --bundle "$tmp/web" web
	check_status 7
	check_output_has "got end"
	check_equal "$(container_status web)" none
	forget_images
}
test_case "the terminal goes to the new console socket, or is served" terminals

pipes() {
	script_bundle web 'echo first; while [ ! -e /tmp/end ]; do sleep 0.1; done; echo second; exit 3'
	{ mocker-runtime run --detach --bundle "$tmp/web" web </dev/null 2>&1 || echo failed; } | cat >"$tmp/first" &
	check wait_until 40 grep -q first "$tmp/first"
	save web
	wait $!
	check_equal "$(cat "$tmp/first")" first
	touch "$tmp/web/rootfs/tmp/end"
	{
		mocker-runtime restore --image-path "$tmp/images" --bundle "$tmp/web" web </dev/null 2>&1
		echo "status $?"
	} | cat >"$tmp/second"
	check_equal "$(cat "$tmp/second")" $'second\nstatus 3'
	check_equal "$(container_status web)" none
	forget_images
}
test_case "what it prints goes into the pipe of the restore, whose status is its own" pipes

other_places() {
	mkdir "$tmp/here" "$tmp/there"
	echo here >"$tmp/here/name"
	echo there >"$tmp/there/name"
	counter web '.mounts += [{"destination": "/run/data", "type": "bind", "source": "'"$tmp/here"'",
		"options": ["bind", "ro"]}]'
	ln -s run/data "$tmp/web/rootfs/data"
	edit_bundle "$tmp/web" '.mounts[-1].destination = "/data"'
	mkdir "$tmp/web/rootfs/run/data"
	begin web
	run mocker-runtime exec web cat /data/name
	check_output here
	save web
	edit_bundle "$tmp/web" '.mounts[-1].source = "'"$tmp/there"'"'
	restore web
	run mocker-runtime exec web cat /data/name
	check_output there
	run mocker-runtime exec web touch /data/x
	check_errors_have "Read-only file system"
	delete web
	forget_images
}
test_case "a bind mount may come from another place at the restore" other_places

joined_networks() {
	ip netns add here
	ip netns add there
	counter web '(.linux.namespaces[] | select(.type == "network")) += {"path": "/run/netns/here"}'
	begin web
	check wait_until 40 counts_from web 1
	save web
	edit_bundle "$tmp/web" '(.linux.namespaces[] | select(.type == "network")).path = "/run/netns/there"'
	restore web
	check_equal "$(stat -Lc %i "/proc/$(container_pid web)/ns/net")" "$(stat -Lc %i /run/netns/there)"
	delete web
	ip netns del here
	ip netns del there
	forget_images
}
test_case "a network namespace that was joined is joined again, by its new path" joined_networks

hooks_wire_it() {
	counter web '.hooks = {"createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c",
		"cat >>'"$tmp"'/hooked"], "env": ["PATH=/bin:/usr/bin"]}]}'
	begin web
	check wait_until 40 counts_from web 1
	save web --empty-ns network
	rm "$tmp/hooked"
	restore web --empty-ns network
	check_equal "$(jq -r .status "$tmp/hooked")" creating
	check_equal "$(jq -r .pid "$tmp/hooked")" "$(container_pid web)"
	delete web
	edit_bundle "$tmp/web" '.hooks.createRuntime[0].args[2] = "echo no cable >&2; exit 4"'
	alone mocker-runtime restore --detach --empty-ns network --image-path "$tmp/images" \
		--bundle "$tmp/web" web
	check_fails_with "/hooks/createRuntime/0: /bin/sh exited with status 4: no cable"
	check_equal "$(container_status web)" none
	forget_images
}
test_case "empty-ns: createRuntime hooks wire the network anew; one that fails ends it" hooks_wire_it

broken_images() {
	counter web
	begin web
	check wait_until 40 counts_from web 1
	save web
	rm "$tmp"/images/core-*.img
	alone mocker-runtime restore --detach --image-path "$tmp/images" --bundle "$tmp/web" web
	check_fails_with 'container "web": criu could not restore it; ' "Restoring FAILED" "$tmp/images/restore.log"
	check_equal "$(container_status web)" none
	check_missing $cg/web
	rm "$tmp/images/descriptors.json"
	alone mocker-runtime restore --detach --image-path "$tmp/images" --bundle "$tmp/web" web
	check_fails_with "is it a directory of a checkpoint's images?"
	forget_images
	alone mocker-runtime restore --detach --image-path "$tmp/images" --bundle "$tmp/web" web
	check_fails_with "--image-path: opening $tmp/images: No such file or directory"
}
test_case "a restore of broken images says what criu said, and leaves nothing" broken_images

killed_halfway() {
	local step pid

	counter web
	begin web
	check wait_until 40 counts_from web 1
	save web
	for step in recorded cgroup-made cloned named; do
		MOCKER_STOP_AT=$step mocker-runtime restore --detach --image-path "$tmp/images" \
			--bundle "$tmp/web" web </dev/null >/dev/null 2>&1 &
		pid=$!
		check wait_until 40 grep -q 'State:.T' /proc/$pid/status
		kill -KILL $pid
		wait $pid 2>/dev/null
		delete web
		check_equal "$(container_status web)" none "after a kill at $step"
		check wait_until 40 [ ! -e $cg/web ]
	done
	restore web
	delete web
	forget_images
}
test_case "a restore that was killed at any step is gone with delete --force" killed_halfway

filtered() {
	counter web '.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [
		{"names": ["chroot"], "action": "SCMP_ACT_ERRNO"}]}' \
		'.process.noNewPrivileges = true' \
		'.mounts += [{"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"}]'
	begin web
	check wait_until 40 mocker-runtime exec web test -s /tmp/count
	save web
	restore web
	check_equal "$(awk '/^Seccomp:/ { print $2 }' "/proc/$(container_pid web)/status")" 2
	run mocker-runtime exec web test -s /tmp/count
	check_status 0
	delete web
	forget_images
}
test_case "filters and what was in a tmpfs are there again" filtered

cgroup_views() {
	counter web '.linux.namespaces += [{"type": "cgroup"}]' \
		'.mounts += [{"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
			"options": ["ro", "nosuid", "noexec", "nodev"]}]'
	begin web
	check wait_until 40 counts_from web 1
	save web
	restore web
	run mocker-runtime exec web sh -c 'cat /proc/1/cgroup; cat /sys/fs/cgroup/cgroup.procs | head -n 1'
	check_output $'0::/\n1'
	delete web
	forget_images
	edit_bundle "$tmp/web" '.linux.namespaces |= map(select(.type != "cgroup"))'
	begin web
	save web
	restore web
	run mocker-runtime exec web sh -c 'head -n 1 /sys/fs/cgroup/cgroup.procs'
	check_output 1
	delete web
	forget_images
}
test_case "cgroups are mounted again, with a namespace and without" cgroup_views

from_afar() {
	local save pages before

	counter web
	counter web2 '.root.path = "'"$tmp/web/rootfs"'"'
	begin web
	check wait_until 40 counts_from web 1
	mkfifo "$tmp/status"
	mocker-runtime checkpoint --lazy-pages --page-server 127.0.0.1:7777 --status-fd 5 \
		--image-path "$tmp/images" --work-path "$tmp/images.work" web \
		</dev/null >/dev/null 2>"$tmp/errors" 5>"$tmp/status" &
	save=$!
	check_equal "$(timeout 60 od -An -tx1 "$tmp/status" | tr -d ' ')" 00 "what the status descriptor says"
	criu lazy-pages --page-server --address 127.0.0.1 --port 7777 --images-dir "$tmp/images" \
		--work-dir "$tmp/images.work" -o lazy.log </dev/null >/dev/null 2>&1 &
	pages=$!
	check wait_until 40 test -S "$tmp/images.work/lazy-pages.socket"
	restore web2 --lazy-pages --work-path "$tmp/images.work"
	before=$(count web)
	check wait_until 40 counts_from web "$before"
	wait $pages $save
	check_equal "$(cat "$tmp/errors")" ""
	check_equal "$(container_status web)" none
	check_equal "$(container_status web2)" running
	delete web2
	forget_images
	rm "$tmp/status"
}
test_case "lazy-pages: the memory comes later, over a socket" from_afar

# Stops criu while it is at work: a hook of the runtime's, and so its sibling.
stop_criu() {
	cat >"$tmp/stop-criu" <<-END
		#!/bin/bash
		for pid in \$(cat /proc/\$PPID/task/\$PPID/children); do
			if [ "\$(cat /proc/\$pid/comm)" = criu ]; then
				kill -STOP \$pid
				echo \$pid >"$tmp/stopped"
			fi
		done
	END
	chmod +x "$tmp/stop-criu"
}

# ended_by SIGNAL: what a restore that hangs makes of it.
ended_by() {
	local pid

	command_run="restore, ended by $1"
	# A shell lets what is in its background ignore SIGINT.
	env --default-signal=INT,QUIT mocker-runtime restore --image-path "$tmp/images" \
		--bundle "$tmp/web" web </dev/null >/dev/null 2>"$tmp/.errors" &
	pid=$!
	check wait_until 60 test -s "$tmp/stopped"
	kill -s "$1" $pid
	status=0
	wait $pid || status=$?
	errors=$(cat "$tmp/.errors")
	check_status 1
	check_fails_with "container \"web\": SIG$1 came before criu had restored it"
	check_equal "$(container_status web)" none
	check_missing "/proc/$(cat "$tmp/stopped")"
	check_missing $cg/web
	rm "$tmp/stopped"
}

hangs() {
	stop_criu
	counter web ".hooks.createRuntime = [{\"path\": \"$tmp/stop-criu\"}]"
	begin web
	check wait_until 40 counts_from web 2
	save web
	ended_by TERM
	ended_by INT
	edit_bundle "$tmp/web" 'del(.hooks)'
	restore web
	delete web
	forget_images
	rm "$tmp/stop-criu"
}
test_case "a restore whose criu hangs is ended by SIGTERM and SIGINT, and leaves nothing" hangs

# Half way: all is frozen, and what criu had put into the process may have begun.
hangs_dumping() {
	local pid

	cat >"$tmp/stop-criu" <<-END
		#!/bin/bash
		(
			until read -r frozen <$cg/web/cgroup.freeze && [ "\$frozen" = 1 ]; do
				: # no process of its own: it is frozen for milliseconds
			done
			kill -STOP \$\$
			echo \$\$ >"$tmp/stopped"
		) &
		exec criu "\$@"
	END
	chmod +x "$tmp/stop-criu"
	counter web
	begin web
	check wait_until 40 counts_from web 2
	mocker-runtime --criu "$tmp/stop-criu" checkpoint --image-path "$tmp/images" web \
		</dev/null >/dev/null 2>"$tmp/.errors" &
	pid=$!
	check wait_until 60 test -s "$tmp/stopped"
	kill -TERM $pid
	status=0
	wait $pid || status=$?
	errors=$(cat "$tmp/.errors")
	check_status 1
	check_fails_with "container \"web\": SIGTERM came before criu had dumped it"
	check_missing "/proc/$(cat "$tmp/stopped")"
	check_equal "$(container_status web)" running
	delete web
	forget_images
	rm "$tmp/stop-criu" "$tmp/stopped"
}
test_case "a checkpoint whose criu hangs is ended by SIGTERM, and nothing stays frozen" hangs_dumping
