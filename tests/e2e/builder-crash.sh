#!/bin/bash
# A build that is interrupted, killed, starved of space or not alone: what it leaves is
# nothing, or what the next command removes, and the store is the old or the new.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

leaves '^file /var/lib/mocker/?|^file /run/small(/|$)|^mount /run/small'

set_up() {
	mkdir context
	make_rootfs context/rootfs
	printf 'FROM scratch\nCOPY rootfs /\n' >context/Mockerfile
	run mocker-builder build -t base context
	check_status 0
	printf 'FROM base\nRUN echo began >/began; sleep 1000\n' >slow.Mockerfile
}
test_setup set_up

in_the_store() {
	find /var/lib/mocker/layers /var/lib/mocker/blobs /var/lib/mocker/index.json \
		-maxdepth 2 | sort
}

# begin_slow: a build in the background that is in the middle of its RUN; $build is it.
begin_slow() {
	store_before=$(in_the_store)
	mocker-builder build -t slow -f slow.Mockerfile context </dev/null >slow.log 2>&1 &
	build=$!
	check wait_until 10 step_runs
}

step_runs() {
	pgrep -f '^sleep 1000' >/dev/null
}

nothing_of_the_step() {
	check_not step_runs
	check_equal "$(find /sys/fs/cgroup -type d -name 'build-*')" "" "cgroups"
	check_equal "$(grep -c /var/lib/mocker/temp /proc/self/mountinfo)" 0 "mounts"
	check_equal "$(find /var/lib/mocker/temp -mindepth 1)" "" "temporary files"
	check_equal "$(in_the_store)" "$store_before" "the store"
}

interrupted() {
	begin_slow
	kill "-$1" "$build"
	wait "$build"
	check_equal $? 130 "the build's status"
	check_has "$(cat slow.log)" "mocker-builder: interrupted"
	nothing_of_the_step
}
test_case "SIGINT ends a build at once and leaves nothing" interrupted INT
test_case "so does SIGTERM" interrupted TERM

killed() {
	begin_slow
	kill -KILL "$build"
	wait "$build" 2>/dev/null
	check wait_until 20 "$@" # its processes die one after the other
	check wait_until 60 no_step
	nothing_of_the_step
}

no_step() {
	! step_runs
}
test_case "prune removes what a killed build left, its container too" killed \
	mocker-builder prune

killed_then_built() {
	store_before=$(in_the_store)
	begin_slow
	kill -KILL "$build"
	wait "$build" 2>/dev/null
	printf 'FROM base\nRUN echo next\n' >next.Mockerfile
	run mocker-builder build -t next -f next.Mockerfile context
	check_status 0
	check wait_until 60 no_step
	check_equal "$(find /var/lib/mocker/temp -mindepth 1)" "" "temporary files"
	run mocker-builder rmi next
	run mocker-builder prune
	check_status 0
	nothing_of_the_step
}
test_case "so does the next build" killed_then_built

prune_waits() {
	begin_slow
	run mocker-builder prune
	check_fails_with "the store /var/lib/mocker is in use by a build"
	kill -TERM "$build"
	wait "$build" 2>/dev/null
	nothing_of_the_step
}
test_case "prune takes no layers away from a running build" prune_waits

# killed_at CALL: whichever of the build's processes makes the call for the Nth time, for
# each N; counts in $kills. What a build has done the next one finds, so each begins anew.
killed_at() {
	local i

	for ((i = 1; i < 40; i++)); do
		{
			timeout -k 5 60 strace -f -o trace -e "trace=$1" \
				-e "inject=$1:signal=KILL:when=$i" mocker-builder build --no-cache \
				-t many -f many.Mockerfile context </dev/null >/dev/null 2>told
		} 2>/dev/null # the shell's own "Killed"
		grep 'killed by SIGKILL' trace >/dev/null || break
		kills=$((kills + 1))
		run mocker-builder images
		check_status 0
		check_equal "$errors" "" "what images says after a kill at $1 $i"
		[[ $output != *many:latest* ]] || {
			run mocker-builder bundle many "$tmp/bundle" -- true
			check_status 0
			check_exists "$tmp/bundle/rootfs/b/bin/busybox"
			rm -rf "$tmp/bundle"
			run mocker-builder rmi many
		}
		run mocker-builder prune
		check_status 0
		check_equal "$(find /var/lib/mocker/temp -mindepth 1)" "" "files after a kill at $1 $i"
		check_equal "$(in_the_store)" "$store_before" "the store after a kill at $1 $i"
	done
}

# At each call that takes effect in the store, until the build makes no more of them.
killed_at_any_time() {
	local call kills

	needs strace || return
	store_before=$(in_the_store)
	printf 'FROM base\nWORKDIR /a\nCOPY rootfs /b\nRUN true\nENV A=b\nCMD x\n' \
		>many.Mockerfile
	for call in renameat:10 linkat:1 unlinkat:20; do
		kills=0
		killed_at "${call%:*}"
		[ "$kills" -ge "${call#*:}" ] || failed "only $kills kills at $call"
	done
	run mocker-builder prune
	check_status 0
	check_equal "$(find /var/lib/mocker/temp -mindepth 1)" "" "temporary files"
	run mocker-builder build -t many -f many.Mockerfile context
	check_status 0
	run mocker-builder bundle many "$tmp/bundle" -- ls -d /a /b
	check_status 0
	check_exists "$tmp/bundle/rootfs/b/bin/busybox"
	rm -rf "$tmp/bundle"
	run mocker-builder rmi many
	run mocker-builder prune
	check_equal "$(in_the_store)" "$store_before" "the store"
}
test_case "killed at any moment, the store is the old or the new" killed_at_any_time

at_once() {
	local i pids=() failures=0

	printf 'FROM base\nRUN echo same >/same; sleep 0.1\nRUN cat /same >/other\n' \
		>same.Mockerfile
	for i in 1 2 3 4; do
		mocker-builder build -t "same$i" -f same.Mockerfile context </dev/null \
			>"same$i.log" 2>&1 &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || failures=$((failures + 1))
	done
	check_equal "$failures" 0 "builds that failed"
	run mocker-builder images
	for i in 1 2 3 4; do
		check_output_has "same$i:latest"
	done
	check_equal "$(find /var/lib/mocker/temp -mindepth 1)" "" "temporary files"
	run mocker-builder rmi same1 same2 same3 same4
	check_status 0
	run mocker-builder prune
	check_status 0
}
test_case "four builds of the same steps at once all succeed" at_once

# A store of 6 MB: the base fits, what RUN writes does not.
no_space() {
	local store=/run/small/store before

	mkdir -p /run/small && mount -t tmpfs -o size=6m tmpfs /run/small
	run mocker-builder --root "$store" build -t base context
	check_status 0
	before=$(find $store/layers $store/blobs | sort)
	printf 'FROM base\nRUN head -c 20000000 /dev/zero >/big\n' >big.Mockerfile
	run mocker-builder --root "$store" build -t big -f big.Mockerfile context
	check_status 1
	check_errors_have "big.Mockerfile:2: RUN failed with exit status 1"
	check_equal "$(find $store/layers $store/blobs | sort)" "$before" "the store"
	head -c 20000000 /dev/zero >context/big
	printf 'FROM base\nCOPY big /\n' >big.Mockerfile
	run mocker-builder --root "$store" build -t big -f big.Mockerfile context
	check_status 1
	check_errors_have "No space left on device"
	check_equal "$(find $store/layers $store/blobs | sort)" "$before" "the store"
	check_equal "$(find $store/temp -mindepth 1)" "" "temporary files"
	rm context/big
	run mocker-builder --root "$store" images
	check_lacks "$output" big
	umount /run/small && rmdir /run/small
}
test_case "a full disk fails the step and leaves the store as it was" no_space

reader_goes_away() {
	printf 'FROM base\nRUN seq 10000\nRUN echo done >/done\n' >chatty.Mockerfile
	mocker-builder build -t chatty -f chatty.Mockerfile context </dev/null | head -n 3 \
		>/dev/null
	check_equal "${PIPESTATUS[0]}" 0 "the build's status"
	run mocker-builder images
	check_output_has chatty
	run mocker-builder rmi chatty
	run mocker-builder prune
}
test_case "a reader of the progress that goes away does not stop the build" reader_goes_away
