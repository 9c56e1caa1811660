#!/bin/bash
# Each system call of the commands that act on a living container fails once, or is where
# the process is killed: the container lives on, what was asked for is done or not done, the
# next command works, and nothing is left besides.
test_limit=${test_limit:-1800}
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

needs strace || exit 0
# shellcheck source=tests/e2e/faults.sh
. "$e2e/faults.sh"

signals=$tmp/web/rootfs/tmp/signals
memory=/sys/fs/cgroup/memory/mocker-test/web/memory.limit_in_bytes
[ -e /sys/fs/cgroup/memory ] || memory=/sys/fs/cgroup/mocker-test/web/memory.max

# It counts its USR1, and has one child.
victim() {
	sh_bundle "$tmp/web" 'trap "echo >>/tmp/signals" USR1; sleep 100000 &
		echo >/tmp/signals; while :; do wait; done' "$@"
	mkdir -p "$tmp/data" && echo hello >"$tmp/data/file"
	cat >"$tmp/list.json" <<-END
		[{"destination": "/mnt/a", "source": "$tmp/data", "options": ["rbind", "ro", "rshared"]},
		{"destination": "/mnt/b/c", "type": "tmpfs", "source": "t", "options": ["size=64k", "ro", "unbindable"]},
		{"destination": "/tmp/file", "source": "$tmp/data/file", "options": ["bind", "noexec", "private"]}]
	END
	jq -c '.[] | [.]' "$tmp/list.json" >"$tmp/each"
}

words_of() {
	follow=-f
	case $1 in
	"mounts add") words=(mounts add web "$tmp/list.json") ;;
	"mounts remove") words=(mounts remove web "$tmp/list.json") ;;
	update) words=(update --memory 64M --pids-limit 50 web) ;;
	pause | resume) words=("$1" web) ;;
	kill) words=(kill web USR1) ;;
	inspect) words=(inspect --format json web) ;;
	# A program whose own beginning makes no call that can fail.
	tools) words=(exec --tools --ns "net,pid" web busybox true) ;;
	esac
}

prepare() {
	case $1 in
	"mounts remove") mocker-runtime mounts add web "$tmp/list.json" ;;
	update) mocker-runtime update --memory 32M --pids-limit 40 web ;;
	resume) mocker-runtime pause web ;;
	kill) signals_before=$(wc -l <"$signals") ;;
	esac </dev/null >/dev/null
}

# ---- what may be there afterwards ---------------------------------------------------

mounts_inside() {
	cut -d' ' -f5 "/proc/$pid/mountinfo" | grep -cE '^/(mnt|tmp)/'
}

take_mounts_away() {
	local one

	while read -r one; do
		echo "$one" >"$tmp/one.json"
		mocker-runtime mounts remove web "$tmp/one.json" 2>/dev/null
	done <"$tmp/each"
	rm -rf "$tmp/web/rootfs/mnt" "$tmp/web/rootfs/tmp/file"
}

# Of mounts that are added, all or none; a removal may end half-way.
after_mounts() {
	local verb=$1 status=$2 where=$3 found

	found=$(mounts_inside)
	if [ "$status" = 0 ]; then
		[ "$verb" = "mounts remove" ] || found=$((found - 3))
		check_equal "$found" 0 "$where: the mounts"
	elif [ "$status" != 137 ] && [ "$verb" = "mounts add" ]; then
		check_equal "$found" 0 "$where: the mounts after $(head -n 1 "$tmp/told")"
		check_missing "$tmp/web/rootfs/mnt"
		check_missing "$tmp/web/rootfs/tmp/file"
	fi
	take_mounts_away
	check_equal "$(mounts_inside)" 0 "$where: the mounts at the end"
}

after_update() {
	local limit

	limit=$(cat "$memory")
	[ "$limit" = $((64 << 20)) ] || [ "$limit" = $((32 << 20)) ] ||
		failed "$2: the limit is $limit"
	[ "$1" != 0 ] || check_equal "$limit" $((64 << 20)) "$2: the limit"
}

# after_freezing STATUS WHERE WANTED OTHER
after_freezing() {
	local found

	found=$(container_status web)
	if [ "$1" = 0 ]; then
		check_equal "$found" "$3" "$2: the status"
	elif [ "$1" != 137 ]; then
		check_equal "$found" "$4" "$2: the status after $(head -n 1 "$tmp/told")"
	fi
	[ "$found" = running ] || mocker-runtime resume web ||
		failed "$2: it cannot be resumed"
}

signals_are() {
	[ "$(wc -l <"$signals")" = "$1" ]
}

after_kill() {
	local now

	[ "$1" != 0 ] || wait_until 60 signals_are $((signals_before + 1)) ||
		failed "$2: the signal did not come"
	now=$(wc -l <"$signals")
	[ "$now" -le $((signals_before + 1)) ] || failed "$2: it came more than once"
}

as_before() {
	local mounts pids

	mapfile -t mounts </proc/self/mountinfo
	pids=(/proc/[0-9]*)
	[ ${#mounts[@]} = "$mounts_before" ] && [ ${#pids[@]} -le "$pids_before" ] &&
		! compgen -G '/run/mocker/.[a-rt-z]*' >/dev/null
}

afterwards() {
	local verb=$1 status=$2 where=$3

	case $verb in
	mounts*) after_mounts "$verb" "$status" "$where" ;;
	update) after_update "$status" "$where" ;;
	pause) after_freezing "$status" "$where" paused running ;;
	resume) after_freezing "$status" "$where" running paused ;;
	kill) after_kill "$status" "$where" ;;
	inspect)
		[ "$status" != 0 ] || [ "$where" = "no fault" ] || # what it warns of stands before it
			sed -n '/^{/,$p' "$tmp/told" | jq -e .state.id >/dev/null ||
			failed "$where: no JSON: $(head -c 300 "$tmp/told")"
		;;
	esac
	check_equal "$(container_status web)" running "$where: the status"
	as_before || wait_until 60 as_before || failed "$where: something is left"
}

faults_of() {
	local mounts_before pids_before mounts pids pid

	victim "${@:2}"
	[ $# = 1 ] || chown -hR 100000:100000 "$tmp/web/rootfs"
	run mocker-runtime run -d -b "$tmp/web" web
	check wait_until 60 test -s "$signals"
	pid=$(container_pid web)
	mapfile -t mounts </proc/self/mountinfo
	mounts_before=${#mounts[@]}
	pids=(/proc/[0-9]*)
	pids_before=$((${#pids[@]} + 1)) # the subshell that looks
	faults "$1"
	run mocker-runtime delete --force web
}

faults_most=15
for verb in "mounts add" "mounts remove" update pause resume kill inspect tools; do
	test_case "$verb: each system call fails once, or is the last" faults_of "$verb"
done
test_case "mounts add in a user namespace: the same" faults_of "mounts add" \
	'.linux.namespaces += [{"type": "user"}] |
	.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}] |
	.linux.gidMappings = .linux.uidMappings'
