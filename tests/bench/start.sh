#!/bin/bash
# How long a container takes: `run` of /bin/true beside Debian's crun and runc, in a view
# of pure cgroup v1, which is where all three work; then with many mounts and many running
# containers. Figures, not tests: each line of a table is a comment of TAP.
#
#	ROUNDS=40 tests/bench/start.sh
test_cgroups=v1
test_limit=1800
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

needs crun runc || exit 0
leaves '^file /run/(crun|runc|mocker)(/|$)'
rounds=${ROUNDS:-40}
pairs=$top_builddir/tests/bench/pairs

# Runs pairs; its table becomes comments.
figures() {
	run_limit=1500 run "$pairs" "$@"
	check_status 0
	sed 's/^/#   /' <<<"$output"
}

# The configuration that runc's own `spec` writes, with what all three can grant here.
default_bundle() {
	make_rootfs "$1/rootfs" && (cd "$1" && rm -f config.json && runc spec) &&
		edit_bundle "$1" '.process.terminal = false' '.process.args = ["/bin/true"]' \
			'.process.rlimits = []' '.process.capabilities.ambient = []' \
			".linux.cgroupsPath = \"/mocker-test/${1##*/}\""
}

# An engine's cgroup (a pod, a slice) is there before its containers. One that was not is
# made by each of the three, but only mocker-runtime removes it again, and would pay for that
# each time: what a run costs is compared, not who leaves what behind.
engines_cgroup() {
	local hierarchy

	for hierarchy in /sys/fs/cgroup/*/; do
		"$1" "${hierarchy}mocker-test" 2>/dev/null
	done
}

start_time() {
	local pause

	default_bundle "$tmp/start" || return
	engines_cgroup mkdir
	for pause in 0 20; do
		echo "# $pause ms after the one before; wanted 0.5 of crun, 0.2 of runc"
		figures -n "$rounds" -p "$pause" \
			"crun=crun run --bundle $tmp/start c{}" \
			"runc=runc run --bundle $tmp/start r{}" \
			"mocker-runtime=mocker-runtime run --bundle $tmp/start m{}"
	done
	engines_cgroup rmdir
}

with_mounts() {
	local count

	mkdir -p "$tmp/source"
	for count in 1 10 100 1000; do
		default_bundle "$tmp/mounts" || return
		edit_bundle "$tmp/mounts" ".mounts += [range($count) | {destination: \"/m\(.)\",
			type: \"bind\", source: \"$tmp/source\", options: [\"rbind\", \"ro\"]}]"
		echo "# $count more mounts"
		figures -n 5 -w 1 "crun=crun run --bundle $tmp/mounts c{}" \
			"mocker-runtime=mocker-runtime run --bundle $tmp/mounts m{}"
	done
}

with_containers() {
	local count have=0

	default_bundle "$tmp/many" && in_bundle "$tmp/many" sleep 1000 &&
		edit_bundle "$tmp/many" 'del(.linux.cgroupsPath)' &&
		default_bundle "$tmp/one" || return
	for count in 1 10 100 "${CONTAINERS:-1000}"; do
		for (( ; have < count; have++)); do
			mocker-runtime run --detach --bundle "$tmp/many" "many$have" \
				</dev/null >/dev/null 2>&1 || failed "container $have does not start"
		done
		echo "# $count containers running"
		figures -n 10 -w 1 "mocker-runtime=mocker-runtime run --bundle $tmp/one m{}"
	done
	mocker-runtime delete --force --regex '^many'
}

# The three side by side: command RUNTIME prints the words of each.
figures_of_each() {
	local command=$1 runtime table=()

	for runtime in crun runc mocker-runtime; do
		table+=("$runtime=$($command "$runtime")")
	done
	figures -n "$rounds" "${table[@]}"
}

one_call() {
	echo "$1 $words"
}

freeze_and_thaw() {
	echo "$1 pause live; $1 resume live" >"$tmp/freeze-$1"
	echo "sh -e $tmp/freeze-$1"
}

whole_life() {
	echo "$1 create --bundle $tmp/$1 \$1 </dev/null >/dev/null 2>&1; $1 start \$1;
		$1 delete --force \$1" >"$tmp/life-$1"
	echo "sh -e $tmp/life-$1 life{}"
}

# What engines call besides, each runtime on a container of its own that sleeps.
each_command() {
	local runtime words

	for runtime in crun runc mocker-runtime; do
		default_bundle "$tmp/$runtime" && in_bundle "$tmp/$runtime" sleep 1000 || return
		"$runtime" run --detach --bundle "$tmp/$runtime" live </dev/null >/dev/null 2>&1 ||
			failed "$runtime does not start"
		edit_bundle "$tmp/$runtime" "del(.linux.cgroupsPath)"
	done
	for words in "exec live true" "state live" list "ps live" "kill live CONT" \
		"update --pids-limit 100 live"; do
		echo "# $words"
		figures_of_each one_call
	done
	echo "# pause, resume"
	figures_of_each freeze_and_thaw
	echo "# create, start, delete --force"
	figures_of_each whole_life
	for runtime in crun runc mocker-runtime; do
		"$runtime" delete --force live
	done
}

test_case "start time of /bin/true" start_time
test_case "time of the other commands" each_command
test_case "start time with many mounts" with_mounts
test_case "start time with many containers running" with_containers
