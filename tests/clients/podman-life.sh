#!/bin/bash
# podman 4.3, what goes beyond a container's plain life: terminals and inherited files,
# logs and attach, privilege, user namespaces, roots of one's own, process 1 as an init,
# health checks, and the ways in which podman may call a runtime.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/clients/clients.sh"

needs podman conmon script catatonit || exit 0
podman_stays
# shellcheck source=tests/e2e/service-manager.sh
. "$e2e/service-manager.sh"

image=test-image

# An exec with the caller's file as its descriptor 3, and a terminal with a window's size.
exec_descriptors() {
	run podman run -d --name web $image sleep 100
	echo passed >"$tmp/passed"
	run exec_with_file web sh -c 'cat <&3; ls /proc/self/fd | wc -l'
	check_status 0
	check_output $'passed\n5' # 0 to 3, and the directory that ls reads
	run podman exec web sh -c 'cat <&3 2>/dev/null || echo closed'
	check_output closed
	run_in_terminal podman exec -it web sh -c 'stty rows 33 cols 99; stty size; tty'
	check_status 0
	check_output_has "33 99"
	run podman exec --privileged web grep CapEff /proc/self/status
	check_output "CapEff:	$(full_capabilities)"
	run podman exec web sh -c 'exit 125'
	check_status 125
	run podman exec web /etc
	check_status 126
	check_errors_have "permission denied"
	run podman exec -w /nowhere web true
	check_not [ "$status" = 0 ]
	run podman exec -u nobody-knows web true
	check_not [ "$status" = 0 ]
	podman_remove web
}

exec_with_file() {
	podman exec --preserve-fds 1 "$@" 3<"$tmp/passed"
}

# What podman may give: all that the kernel has and we have ourselves.
full_capabilities() {
	awk '/CapBnd/ { print $2 }' /proc/self/status
}

logs_follow() {
	run podman run -d --name talker $image sh -c 'echo one; echo two >&2; sleep 1; echo three'
	check_status 0
	run podman logs -f talker
	check_status 0
	check_output $'one\nthree'
	check_equal "$errors" two "the standard error"
	podman_remove talker
}

attaches() {
	run podman create -i --name listener $image sh -c 'read -r a; echo "heard $a"; exit 8'
	check_status 0
	echo words >"$tmp/words"
	run_input=$tmp/words run podman start -a -i listener
	check_status 8
	check_output "heard words"
	podman_remove listener

	run podman run -d -i --name later $image sh -c 'while read -r a; do
		[ "$a" = end ] && exit 9; echo "heard $a"; done; sleep 100'
	check_status 0
	printf 'words\nend\n' >"$tmp/words"
	run_input=$tmp/words run podman attach later
	check_status 0
	check_output "heard words"
	run podman wait later
	check_output 9
	podman_remove later
}

# A container that asks for a larger RLIMIT than the caller has cannot be on a machine
# without CAP_SYS_RESOURCE; --privileged itself needs none.
privileged() {
	run podman run --rm --privileged $image sh -c 'grep CapEff /proc/self/status
		grep Seccomp: /proc/self/status; test -c /dev/full && echo devices
		mount -t tmpfs none /mnt 2>/dev/null || mkdir /mnt && mount -t tmpfs none /mnt && echo mounts
		test -w /proc/sys/net && echo sysctls'
	check_status 0
	check_output_has "CapEff:	$(full_capabilities)"
	check_matches "$output" 'Seccomp:.0'
	check_output_has devices
	check_output_has mounts
	check_output_has sysctls
}

# The range that podman takes is the one that /etc/subuid gives to "containers".
user_namespace_auto() {
	mkdir -p "$tmp/etc" && cp /etc/subuid /etc/subgid "$tmp/etc" &&
		echo containers:200000:65536 | tee -a "$tmp/etc/subuid" >>"$tmp/etc/subgid" &&
		mount --bind "$tmp/etc/subuid" /etc/subuid && mount --bind "$tmp/etc/subgid" /etc/subgid
	run podman run --rm --userns=auto:size=5000 $image sh -c 'id -u; tr -s " " </proc/self/uid_map'
	check_status 0
	check_output $'0\n 0 200000 5000'
	umount /etc/subuid /etc/subgid
}

own_root() {
	make_rootfs "$tmp/own-root"
	echo mine >"$tmp/own-root/which"
	run podman run --rm --rootfs "$tmp/own-root" cat /which
	check_status 0
	check_output mine
	run podman run --rm --rootfs "$tmp/own-root:O" sh -c 'echo theirs >/which; cat /which'
	check_status 0
	check_output theirs
	check_equal "$(cat "$tmp/own-root/which")" mine "what the overlay left"
}

# What systemd would find: a writable cgroup of its name, tmpfs in its places, the word of
# who runs it, and a stop signal of its own.
as_systemd() {
	run podman run --rm --systemd=always $image sh -c 'echo $container
		for place in /run /run/lock /tmp /var/log/journal; do
			stat -f -c %T $place; done
		mkdir /sys/fs/cgroup/systemd/inner && rmdir /sys/fs/cgroup/systemd/inner && echo writable'
	check_status 0
	check_output $'podman\ntmpfs\ntmpfs\ntmpfs\ntmpfs\nwritable'
	run podman run -d --name sd --systemd=always $image \
		sh -c 'trap "exit 37" RTMIN+3; while :; do sleep 0.1; done'
	check_status 0
	run podman inspect -f '{{.Config.StopSignal}}' sd
	check_output 37
	podman_remove sd
}

with_init() {
	run podman run --rm --init --init-path "$(command -v catatonit)" $image cat /proc/1/comm
	check_status 0
	check_output podman-init
}

health_check() {
	run podman run -d --name well --health-cmd 'test -e /tmp/well' --health-interval disable \
		--health-retries 1 $image sleep 100
	check_status 0
	run podman healthcheck run well
	check_status 1
	run podman inspect -f '{{.State.Health.Status}}' well
	check_output unhealthy
	run podman exec well touch /tmp/well
	run podman healthcheck run well
	check_status 0
	run podman inspect -f '{{.State.Health.Status}}' well
	check_output healthy
	podman_remove well
}

# A unit of systemd whose container says itself that it is ready.
ready() {
	make_sd_notify
	manager "$tmp/manager"
	run podman run -d --name unit --sdnotify=container -v "$tmp/sd-notify:/bin/sd-notify" \
		$image sh -c 'sd-notify READY=1; sleep 1000'
	check_status 0
	check wait_until 20 grep -q READY=1 "$tmp/told"
	check wait_until 60 grep -q MAINPID "$tmp/told"
	check_matches "$(grep MAINPID "$tmp/told" | tail -n 1)" '^MAINPID=[0-9]+'
	podman_remove unit
	manager_ends
}

signals() {
	run podman run -d --name sig $image sh -c 'trap "echo usr1" USR1; trap "exit 5" HUP
		echo ready; while :; do sleep 0.1; done'
	check_status 0
	check wait_until 30 bash -c 'podman logs sig | grep -q ready'
	run podman kill -s USR1 sig
	check_status 0
	check wait_until 30 bash -c 'podman logs sig | grep -q usr1'
	run podman kill -s HUP sig
	check_status 0
	run podman wait sig
	check_output 5
	run podman kill sig
	check_not [ "$status" = 0 ]
	podman_remove sig
}

removed_while_running() {
	run podman run -d --name one $image sleep 1000
	run podman run -d --name two $image sh -c 'sleep 1000 & sleep 1000'
	run podman pause two
	check_status 0
	run podman rm -f -t 0 one two
	check_status 0
	run podman ps -aq
	check_output ""
}

updates() {
	local directory

	run podman run -d --name limited --memory 64m $image sleep 100
	directory=$(podman inspect -f '{{.State.CgroupPath}}' limited)
	run podman update --memory 32m --cpus 0.25 limited
	check_status 0
	check_equal "$(cat "/sys/fs/cgroup/memory/$directory/memory.limit_in_bytes")" 33554432
	check_equal "$(cat "/sys/fs/cgroup/cpu/$directory/cpu.cfs_quota_us")" 25000
	podman_remove limited
	run podman run --rm --memory 16m $image sh -c 'x=a; while :; do x=$x$x; done'
	check_status 137
}

# The ways of podman.conf to call a runtime: with --log-format json, where its messages
# come from the log, and with --cgroup-manager disabled.
called_otherwise() {
	local engine=$1 code

	podman_engine_conf=$engine podman_configure
	for code in 0 7; do
		run podman run --rm $image sh -c "exit $code"
		check_status $code
	done
	run podman run --rm $image no-such-program
	check_status 127
	check_errors_have "executable file not found in \$PATH"
	run podman run --rm $image /etc
	check_status 126
	run podman run -d --name web $image sleep 100
	run podman exec web sh -c 'exit 4'
	check_status 4
	run podman exec web no-such-program
	check_status 127
	podman_remove web
	podman_engine_conf='' podman_configure
}

without_cgroups() {
	local runc=no

	! client_is_runc || runc=yes
	podman_engine_conf="runtime_supports_nocgroup = [\"$client_runtime_name\"]" podman_configure
	run podman run --rm --cgroups disabled $image cat /proc/self/cgroup
	if [ $runc = yes ]; then # which has no such cgroup manager
		check_not [ "$status" = 0 ]
	else
		check_status 0
		check_lacks "$output" libpod-
	fi
	podman_engine_conf='' podman_configure
}

test_setup check podman_setup
test_case "exec passes files, sizes the terminal, is privileged when asked" exec_descriptors
test_case "logs are followed to the end" logs_follow
test_case "attach talks to a container, before its start and after" attaches
test_case "a privileged container has every capability and device" privileged
test_case "a user namespace is chosen by podman" user_namespace_auto
test_case "a root of one's own, as it is and under an overlay" own_root
test_case "a container for systemd has what systemd needs" as_systemd
test_case "podman's init is process 1" with_init
test_case "a health check runs and tells" health_check
test_case "signals arrive by name" signals
test_case "rm -f takes the running and the paused" removed_while_running
test_case "a container that says by sd_notify that it is ready" ready
test_case "update changes limits; out of memory is status 137" updates
test_case "messages come by a JSON log as well" \
	called_otherwise "runtime_supports_json = [\"$client_runtime_name\"]"
test_case "and without one" called_otherwise "runtime_supports_json = []"
test_case "no cgroup is made when podman asks for none" without_cgroups
