#!/bin/bash
# Each system call of create, run, start, exec and delete fails once, or is where the
# process is killed: then the command ends with an error or with what was asked for, a
# create that failed has undone itself, and after `delete --force` nothing is left.
test_limit=${test_limit:-1800}
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

needs strace || exit 0
# shellcheck source=tests/e2e/faults.sh
. "$e2e/faults.sh"

bundles() {
	make_bundle "$tmp/short" '.process.args = ["/bin/true"]'
	make_bundle "$tmp/long" '.process.args = ["sleep", "1000"]'
	edit_bundle "$tmp/short" '.linux.cgroupsPath = "/mocker-test/victim"' \
		'.hooks.poststop = [{"path": "/bin/true"}]'
	edit_bundle "$tmp/long" '.linux.cgroupsPath = "/mocker-test/victim"' \
		'.hooks.createRuntime = [{"path": "/bin/true"}]'
}

# What there is of a container, in words: empty if there is nothing.
traces() {
	local pids=(/proc/[0-9]*) mounts

	mapfile -t mounts </proc/self/mountinfo
	[ ! -e /run/mocker/victim ] || echo "its state"
	[ ${#mounts[@]} -le "$mounts_before" ] || echo "a mount"
	[ ${#pids[@]} -le "$pids_before" ] || echo "a process"
	! compgen -G '/sys/fs/cgroup/*/mocker-test/victim' >/dev/null || echo "a cgroup"
	! compgen -G '/run/mocker/.[a-rt-z]*' >/dev/null || echo "a temporary file"
}

nothing_is_left() {
	[ -z "$(traces)" ]
}

# Before each fault: what the command works on.
prepare() {
	case $1 in
	start) mocker-runtime create -b "$tmp/long" victim ;;
	exec | delete) mocker-runtime run -d -b "$tmp/long" victim ;;
	esac </dev/null >/dev/null 2>&1
}

words_of() {
	case $1 in
	create) words=(create -b "$tmp/long" victim) ;;
	run) words=(run -b "$tmp/short" victim) ;;
	start) words=(start victim) ;;
	exec) words=(exec victim /bin/true) ;;
	delete) words=(delete --force victim) ;;
	esac
	# A created container would keep strace waiting; its init is what `run` follows.
	follow=-f
	[ "$1" != create ] || follow=-q
}

afterwards() {
	local verb=$1 status=$2 where=$3

	if [ "$status" != 0 ] && [ "$status" != 137 ] && [ "$verb" = create ]; then
		# One fault is undone without help.
		nothing_is_left || wait_until 60 nothing_is_left ||
			failed "$where: create left $(traces): $(head -1 "$tmp/told")"
	fi
	mocker-runtime delete --force victim >"$tmp/told" 2>&1 </dev/null ||
		failed "$where: delete --force: $(cat "$tmp/told")"
	nothing_is_left || wait_until 60 nothing_is_left || {
		failed "$where: there is left $(traces)"
		leaks_remove
	}
}

faults_of() {
	local pids mounts

	mocker-runtime delete --force victim
	mapfile -t mounts </proc/self/mountinfo
	mounts_before=${#mounts[@]}
	pids=(/proc/[0-9]*)
	pids_before=$((${#pids[@]} + 1)) # the subshell that looks
	faults "$1"
}

test_setup bundles
for verb in create run start exec delete; do
	test_case "$verb: each system call fails once, or is the last" faults_of $verb
done
