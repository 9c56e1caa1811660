#!/bin/bash
# Each system call of create, run, start, exec and delete fails once, or is where the
# process is killed: then the command ends with an error or with what was asked for, a
# create that failed has undone itself, and after `delete --force` nothing is left. With
# FAULTS=all every call meets every errno; otherwise each meets one of them in turn.
test_limit=${test_limit:-1800}
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

needs strace || exit 0
errors=(ENOMEM EMFILE ENOSPC EINTR EIO)
# Whoever dies before a call that changes nothing dies before the next one that does.
no_kill='^(access|close|faccessat2|fcntl|fstat|fstatfs|get.*|ioctl|lseek|mmap|mprotect|munmap|newfstatat|openat2|pread64|read|readlink|readlinkat|recvmsg|rt_sig.*|statfs|statx|uname|wait4|waitid)$'
# Ends of processes, and what belongs to their beginning: no call of ours.
no_faults='^(exit|exit_group|execve|brk|arch_prctl|rseq|set_tid_address|set_robust_list|rt_sigreturn)$'

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

# calls VERB: "CALL FIRST LAST", of the process that makes most of them. What stands before
# the munmap of ld.so.cache is the dynamic loader's, which we do not test; it comes twice,
# for the program executes itself anew where nobody can write to it.
calls() {
	prepare "$1"
	strace "$follow" -o "$tmp/trace" mocker-runtime "${words[@]}" >/dev/null 2>&1
	mocker-runtime delete --force victim
	awk -v follow="$follow" -v none="$no_faults" '
		{ pid = follow == "-f" ? $1 : 0; call = follow == "-f" ? $2 : $1 }
		call ~ /^[a-z_0-9]+\(/ {
			sub(/\(.*/, "", call)
			if (call ~ none) next
			if (++n[call, pid] > most[call]) most[call] = n[call, pid]
			if (!first) first = pid
			if (pid != first) next
			if (!ours) loader[call] = n[call, pid]
			if (call == "munmap") ours = 1
			if (call == "execveat") ours = 0
		}
		END { for (call in most)
			if (loader[call] < most[call]) print call, loader[call] + 1, most[call]
		}' "$tmp/trace" | sort
}

# one_fault VERB CALL NUMBER FAULT
one_fault() {
	local verb=$1 where="$4 at $2 $3 of $1" status

	prepare "$verb"
	timeout -k 5 30 strace "$follow" -o /dev/null -e "trace=$2" \
		-e "inject=$2:$4:when=$3" mocker-runtime "${words[@]}" \
		</dev/null >"$tmp/told" 2>&1
	status=$?
	case $status in
	124 | 125) failed "it hangs with $where" ;;
	134 | 139) failed "it crashes with $where" ;;
	esac
	# Where write() fails in both processes, the words of the one die in the other.
	if [ $status != 0 ] && [ $status != 137 ] && [ ! -s "$tmp/told" ] && [ "$2" != write ]; then
		failed "it says nothing of $where (status $status)"
	fi
	if [ $status != 0 ] && [ $status != 137 ] && [ "$verb" = create ]; then
		# One fault is undone without help.
		nothing_is_left || wait_until 3 nothing_is_left ||
			failed "$where: create left $(traces): $(head -1 "$tmp/told")"
	fi
	mocker-runtime delete --force victim >"$tmp/told" 2>&1 </dev/null ||
		failed "$where: delete --force: $(cat "$tmp/told")"
	nothing_is_left || wait_until 3 nothing_is_left || {
		failed "$where: there is left $(traces)"
		leaks_remove
	}
}

faults() {
	local verb=$1 call first last i turn=0 error pids mounts

	words_of "$verb"
	mocker-runtime delete --force victim
	mapfile -t mounts </proc/self/mountinfo
	mounts_before=${#mounts[@]}
	pids=(/proc/[0-9]*)
	pids_before=$((${#pids[@]} + 1)) # the subshell that looks
	while read -r call first last; do
		for ((i = first; i <= last; i++)); do
			[[ $call =~ $no_kill ]] ||
				one_fault "$verb" "$call" "$i" signal=KILL
			for error in "${errors[@]}"; do
				[ "${FAULTS-}" = all ] || error=${errors[turn++ % 5]}
				one_fault "$verb" "$call" "$i" "error=$error"
				[ "${FAULTS-}" = all ] || break
			done
		done
	done <<<"$(calls "$verb")" 2>/dev/null # the shell tells of everyone that is killed
}

test_setup bundles
for verb in create run start exec delete; do
	test_case "$verb: each system call fails once, or is the last" faults $verb
done
