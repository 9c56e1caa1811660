#!/bin/bash
# kill -9 of the runtime at each named step of a create: whatever step it was, delete
# --force takes away all that was made, and the id can be used again.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

# The process that has stopped: the creator, or init, which is its child.
stopped_process() {
	local stat line

	for stat in /proc/[0-9]*/stat; do
		{ read -r line <"$stat"; } 2>/dev/null || continue
		case $line in
		*'(mocker-runtime!)'* | *') T '*) echo "${line%% *}" && return 0 ;;
		esac
	done
	return 1
}

has_stopped() {
	stopped=$(stopped_process)
}

# at_step VERB STEP WHOM: VERB is stopped at the step; then the creator, or the process
# that stopped, is killed.
at_step() {
	local verb=$1 step=$2 whom=$3 creator

	[ -d "$tmp/victim" ] ||
		make_bundle "$tmp/victim" '.process.args = ["sleep", "1000"]'
	edit_bundle "$tmp/victim" \
		'.hooks = {"createRuntime": [{"path": "/bin/true"}],
		"poststop": [{"path": "/bin/touch", "args": ["touch", "'"$tmp"'/poststop"]}]}'
	MOCKER_STOP_AT=$step mocker-runtime "$verb" -b "$tmp/victim" victim >/dev/null 2>&1 &
	creator=$!
	if ! wait_until 20 has_stopped; then
		kill -9 $creator
		mocker-runtime delete --force victim
		wait $creator
		return 1
	fi
	[ "$whom" = creator ] && stopped=$creator # init may stay, and is delete's to find
	kill -9 "$stopped"
	wait $creator 2>/dev/null
	run mocker-runtime delete --force victim
	check_status 0
	check_missing /run/mocker/victim
	check_equal "$(find /sys/fs/cgroup -type d -name victim)" "" "the cgroups"
	run mocker-runtime run -d -b "$tmp/victim" victim
	check_status 0
	run mocker-runtime delete --force victim
	check_status 0
}

reaches() {
	at_step "$@" || failed "step $2 was not reached"
}

for step in $(mocker-runtime steps); do
	case $step in
	placed) continue ;; # only where there are user namespaces or scopes
	starting) verb=run ;;
	ready) verb=create ;;
	*) verb=create ;;
	esac
	test_case "kill -9 of $verb at step $step" reaches "$verb" "$step" creator
	case $step in
	entered | mounted | pivoted | settled)
		test_case "kill -9 of init at step $step" reaches "$verb" "$step" init
		;;
	esac
done

before_the_state() {
	mkdir -p /run/mocker/remnant
	run mocker-runtime state remnant
	check_errors_have "container does not exist"
	run mocker-runtime delete remnant
	check_status 0
	check_missing /run/mocker/remnant
}
test_case "a directory without a state is taken away" before_the_state
