#!/bin/bash
# Each system call of load, build and save fails once, or is where the process is
# killed: then the command ends with an error or with what was asked for, an image is
# whole or not there, and after prune nothing of a failed one is left. With FAULTS=all
# every call meets every errno and a kill; otherwise each meets one of them in turn (those
# that make processes all), and of a call that is made more often than $most some are left
# out.
test_limit=${test_limit:-1800}
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

needs strace || exit 0
leaves '^file /var/lib/mocker/?'
store=$tmp/store
most=8
faults=(error=ENOMEM error=EMFILE signal=KILL error=ENOSPC error=EINTR error=EIO error=EAGAIN)
# Ends of processes, what belongs to their beginning, and what no kernel fails: at an errno
# of futex() the C library ends the process.
no_faults='^(exit|exit_group|execve|brk|arch_prctl|rseq|set_tid_address|set_robust_list|rt_sigreturn|futex)$'

small_image() {
	mkdir -p context root/etc
	echo text >root/etc/file && ln root/etc/file root/second
	cp -a root context
	tar -C root -cf root.tar .
	printf 'FROM scratch\nCOPY root /\nVOLUME /etc\nCMD ["/x"]\n' >context/Mockerfile
	run mocker-builder build -q -t app context
	check_status 0
	run mocker-builder save --format oci-dir -o layout app
	check_status 0
}

words_of() {
	case $1 in
	load) words=(load -t victim "oci:$tmp/layout") ;;
	rootfs) words=(load -t victim "rootfs:$tmp/root.tar") ;;
	build) words=(build -q -t victim "$tmp/context") ;;
	save) words=(save -o "$tmp/out" base) ;;
	bundle) words=(bundle base "$tmp/out" -- /x) ;;
	esac
}

prepare() {
	rm -rf "$store" "$tmp/out" "$tmp/out.partial"
	case $1 in
	save | bundle) cp -a "$tmp/base-store" "$store" ;;
	esac
}

calls() {
	prepare "$1"
	strace -f -o "$tmp/trace" mocker-builder --root "$store" "${words[@]}" >/dev/null 2>&1
	awk -v none="$no_faults" '
		$2 ~ /^[a-z_0-9]+\(/ {
			call = $2
			sub(/\(.*/, "", call)
			if (call ~ none) next
			if (++n[call, $1] > most[call]) most[call] = n[call, $1]
			if (!first) first = $1
			if ($1 == first && !ours) loader[call] = n[call, $1]
			if ($1 == first && call == "munmap") ours = 1
		}
		END { for (call in most)
			if (loader[call] < most[call]) print call, loader[call] + 1, most[call]
		}' "$tmp/trace" | sort
}

# An image that has its name is whole.
image_is_whole_or_absent() {
	local names

	names=$(mocker-builder --root "$store" images --format json 2>"$tmp/told" | jq -r '.[].name') ||
		failed "$1: images: $(cat "$tmp/told")"
	[[ $names == *victim* ]] || return 0
	rm -rf "$tmp/check"
	mocker-builder --root "$store" bundle victim "$tmp/check" -- /x >"$tmp/told" 2>&1 ||
		failed "$1: the image has its name and is not whole: $(cat "$tmp/told")"
	[ "$(cat "$tmp/check/rootfs/second" 2>&1)" = text ] ||
		failed "$1: the image lacks a file"
	rm -rf "$tmp/check"
}

output_is_whole_or_absent() {
	if [ -d "$tmp/out" ]; then
		[ "$status" = 137 ] || jq -e .process "$tmp/out/config.json" >/dev/null 2>&1 ||
			failed "$1: half a bundle is left"
	elif [ -e "$tmp/out" ]; then
		tar -tf "$tmp/out" 2>/dev/null | grep index.json >/dev/null ||
			failed "$1: half an archive has its name"
	fi
	[ "$status" = 137 ] || check_missing "$tmp/out.partial"
}

# one_fault VERB CALL NUMBER FAULT
one_fault() {
	local where="$4 at $2 $3 of $1" status

	prepare "$1"
	timeout -k 5 30 strace -f -o /dev/null -e "trace=$2" -e "inject=$2:$4:when=$3" \
		mocker-builder --root "$store" "${words[@]}" </dev/null >"$tmp/told" 2>&1
	status=$?
	case $status in
	124 | 125) failed "it hangs with $where" ;;
	134 | 139) failed "it crashes with $where" ;;
	esac
	[ $status = 0 ] || [ $status = 137 ] || [ -s "$tmp/told" ] || [ "$2" = write ] ||
		failed "it says nothing of $where (status $status)"
	[ -d "$store" ] || return 0
	image_is_whole_or_absent "$where"
	output_is_whole_or_absent "$where"
	mocker-builder --root "$store" prune --all --quiet >"$tmp/told" 2>&1 </dev/null ||
		failed "$where: prune: $(cat "$tmp/told")"
	[ -z "$(find "$store/temp" -mindepth 1 2>&1)" ] ||
		failed "$where: there is left $(find "$store/temp" -mindepth 1 | head -3)"
}

faults() {
	local verb=$1 call first last i turn=0 fault step all

	words_of "$verb"
	while read -r call first last; do
		step=$(((last - first) / most + 1))
		all=${FAULTS-}
		[ "$call" != clone3 ] || all=all # few, and each of them a process that lacks
		[ "$all" != all ] || step=1
		for ((i = first; i <= last; i += step)); do
			for fault in "${faults[@]}"; do
				[ "$all" = all ] || fault=${faults[turn++ % ${#faults[@]}]}
				one_fault "$verb" "$call" "$i" "$fault"
				[ "$all" = all ] || break
			done
		done
	done <<<"$(calls "$verb")" 2>/dev/null # the shell tells of everyone that is killed
	rm -rf "$store" "$tmp/out" "$tmp/out.partial"
}

test_setup small_image
store_base() {
	run mocker-builder --root "$tmp/base-store" load -t base "oci:$tmp/layout"
	check_status 0
}
test_setup store_base
for verb in load rootfs build save; do
	test_case "$verb: each system call fails once, or is the last" faults $verb
done
