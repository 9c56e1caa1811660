# shellcheck shell=bash disable=SC2034,SC2154
# Fault injection by strace: the system calls of a command, each of which fails once. The
# file that uses it defines
#
#	words_of VERB         sets words, what mocker-runtime is called with, and follow: -f,
#	                      or -q where what it begins must not keep strace waiting
#	prepare VERB          before each fault, and before the run that finds the calls
#	afterwards VERB STATUS WHERE
#	                      after each: checks, and gives back the state of before
#
# With FAULTS=all every call meets every errno. Otherwise each meets one of them in turn,
# and of a call that is made more often than faults_most some are left out.

errors=(ENOMEM EMFILE ENOSPC EINTR EIO EAGAIN)
# Whoever dies before a call that changes nothing dies before the next one that does.
no_kill='^(access|close|faccessat2|fcntl|fstat|fstatfs|get.*|ioctl|lseek|mmap|mprotect|munmap|newfstatat|openat2|pread64|read|readlink|readlinkat|recvmsg|rt_sig.*|statfs|statx|uname|wait4|waitid)$'
# Ends of processes, and what belongs to their beginning: no call of ours.
no_faults='^(exit|exit_group|execve|brk|arch_prctl|rseq|set_tid_address|set_robust_list|rt_sigreturn)$'
turn=0
faults_most=12

# calls VERB: "CALL FIRST LAST", of the process that makes most of them. Where the program is
# not static, what stands before the munmap of ld.so.cache is the dynamic loader's, which we
# do not test; it comes twice, for the program executes itself anew where nobody can write
# to it.
calls() {
	local loads=0

	[[ $(readelf -lW "$top_builddir/mocker-runtime") != *INTERP* ]] || loads=1
	prepare "$1"
	strace "$follow" -o "$tmp/trace" mocker-runtime "${words[@]}" >/dev/null 2>&1
	afterwards "$1" $? "no fault"
	awk -v follow="$follow" -v none="$no_faults" -v loads="$loads" '
		BEGIN { ours = !loads }
		{ pid = follow == "-f" ? $1 : 0; call = follow == "-f" ? $2 : $1 }
		call ~ /^[a-z_0-9]+\(/ {
			sub(/\(.*/, "", call)
			if (call ~ none) next
			if (++n[call, pid] > most[call]) most[call] = n[call, pid]
			if (!first) first = pid
			if (pid != first) next
			if (!ours) loader[call] = n[call, pid]
			if (call == "munmap") ours = 1
			if (call == "execveat") ours = !loads
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
	afterwards "$verb" $status "$where"
}

# faults VERB
faults() {
	local verb=$1 call first last i error step

	words_of "$verb"
	calls "$verb" >"$tmp/calls"
	while read -r call first last; do
		step=$(((last - first) / faults_most + 1))
		[ "${FAULTS-}" != all ] || step=1
		for ((i = first; i <= last; i += step)); do
			[[ $call =~ $no_kill ]] ||
				one_fault "$verb" "$call" "$i" signal=KILL
			for error in "${errors[@]}"; do
				[ "${FAULTS-}" = all ] || error=${errors[turn++ % ${#errors[@]}]}
				one_fault "$verb" "$call" "$i" "error=$error"
				[ "${FAULTS-}" = all ] || break
			done
		done
	done <"$tmp/calls" 2>/dev/null # the shell tells of everyone that is killed
}
