#!/bin/bash
# Under load: 100 containers of podman's and 50 pods over the Container Runtime Interface,
# started and removed in parallel batches, on mocker-runtime and on Debian's runc in turn.
# Figures, and two tests: every one of them runs, and nothing is left.
#
#	PODMAN=100 PODS=50 PARALLEL=10 tests/bench/clients.sh
test_limit=3600
. "${top_srcdir:-$(dirname "$0")/../..}/tests/clients/clients.sh"
# shellcheck disable=SC2034 # clients.sh reads it
run_limit=1800

needs podman conmon containerd runc protoc python3 catatonit || exit 0
podman_stays
store_stays
leaves '^file /run/mocker/networks(/attachments|/pools(/pods(/[0-9a-f-]+(/last-0)?)?)?)?$'
leaves '^file /run/(containerd|netns)(/|$)|^cgroup .*/(kubepods|k8s\.io)$'
leaves '^(link|address|route|rule) .*pods0|^rule '

containers=${PODMAN:-100}
pods=${PODS:-50}
parallel=${PARALLEL:-10}

# podman_batch RUNTIME FIRST: one after the other they begin, and all are awaited.
podman_batch() {
	local number pids=() pid

	for ((number = $2; number < $2 + parallel && number < containers; number++)); do
		podman --runtime "$1" run -d --name "${1##*/}-$number" test-image sleep 1000 \
			>/dev/null &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || failed "a container of $1 does not start"
	done
}

podman_unbatch() {
	local number pids=() pid

	for ((number = $2; number < $2 + parallel && number < containers; number++)); do
		podman rm -f -t 0 "${1##*/}-$number" >/dev/null &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || failed "a container of $1 is not removed"
	done
}

milliseconds() {
	echo $((${EPOCHREALTIME/./} / 1000))
}

# phase WHAT FUNCTION: all batches of all runtimes; adds to took[RUNTIME-WHAT].
phase() {
	local first runtime began

	for ((first = 0; first < containers; first += parallel)); do
		for runtime in /usr/sbin/runc "$client_runtime"; do
			began=$(milliseconds)
			"$2" "$runtime" "$first"
			took[${runtime##*/}-$1]=$((${took[${runtime##*/}-$1]-0} + $(milliseconds) - began))
		done
	done
}

podman_load() {
	local -A took
	local name

	phase start podman_batch
	check_equal "$(podman ps -q | wc -l)" $((2 * containers)) "the containers that run"
	phase remove podman_unbatch
	check_equal "$(podman ps -aq | wc -l)" 0 "the containers left"
	for name in runc "$client_runtime_name"; do
		echo "#   $name: $containers containers, $parallel at once:" \
			"started in ${took[$name-start]} ms, removed in ${took[$name-remove]} ms"
	done
}

cri_load() {
	run python3 "$top_srcdir/tests/clients/cri/load.py" "$pods" "$parallel" runc mocker
	check_status 0
	rmdir /sys/fs/cgroup/*/kubepods/* 2>/dev/null # the kubelet makes and removes a pod's
	check_equal "$(ip -o link show type veth | wc -l)" 0 "the veths left"
	awk -v pods="$pods" -v parallel="$parallel" '{
		printf "#   %s: %d pods, %d at once: started in %s s, removed in %s s\n",
			$1, pods, parallel, $3, $5 }' <<<"$output"
}

test_setup check podman_setup
test_case "podman's containers start and are removed, and none is left" podman_load
test_setup check cri_setup
test_case "pods start and are removed, and none is left" cri_load
