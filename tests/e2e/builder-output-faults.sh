#!/bin/bash
# What is written outside the store: each system call on each of the seven outputs fails
# once, the first and the last of its kind at least. Then there is no output, nothing
# temporary and no mount, one line says which output failed, and the same command works.
test_limit=${test_limit:-1800}
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

needs strace || exit 0
store_stays
out=$tmp/out.d/out
errnos=(ENOSPC EIO ENOMEM EMFILE EDQUOT)
# What no kernel fails, or what is only told.
no_faults='^(close|execve|exit_group|fcntl|fstatfs|statfs|statx|readlink|readlinkat|lseek|munmap|mmap|ioctl)$'
# The kernel may refuse these, and something else is done then.
other_ways='^(copy_file_range|sendfile|fadvise64|llistxattr|lgetxattr|fgetxattr|faccessat|faccessat2|access|unlink|unlinkat|rmdir)$'

set_up() {
	mkdir -p context tree/deep/er tree/data out.d
	mkdir -p tree/many && touch tree/many/{1..60}
	head -c 300000 /dev/urandom >tree/deep/er/big
	echo text >tree/file && ln tree/file tree/second
	ln -s file tree/link && mkfifo tree/fifo && mknod tree/null c 1 3
	echo kept >tree/data/kept
	chmod 4755 tree/file
	python3 -c 'import os; os.setxattr("tree/file", "user.mark", b"yes")'
	tar -C tree --xattrs --xattrs-include='*' -cf tree.tar .
	run mocker-builder load -t tree rootfs:tree.tar
	check_status 0
	printf '%s\n' 'FROM tree' 'VOLUME /data' 'CMD ["/x"]' >context/Mockerfile
	run mocker-builder build -q -t app context
	check_status 0
	mkdir other && printf 'FROM scratch\nWORKDIR /other\n' >other/Mockerfile
	run mocker-builder build -q -t other other
	check_status 0
}
test_setup set_up

words_of() {
	case $1 in
	copy | overlay) words=(bundle --rootfs "$1" app "$out" -- /x) ;;
	layout) words=(save --format oci-dir -o "$out" app) ;;
	*) words=(build -q -o "type=$1,dest=$out" context) ;;
	esac
}

# Whatever a listing can tell, but for the times of what is new.
listing() {
	(
		cd "$tmp/out.d" && find . -printf '%P %M %n %s %l %U:%G\n'
		find . -type f -size +0 -print0 | xargs -r0 sha256sum
	) | LC_ALL=C sort
}

# The times of bundles' etc and of archives' own entries are those of now.
whole() {
	case $1 in
	copy | overlay | local) listing | grep -v '^out/config.json' ;;
	tar | oci-archive | docker-archive) sha256sum "$out" && ls "$tmp/out.d" ;;
	oci | layout) listing ;;
	esac
}

# before KIND: what is there when the command begins.
before() {
	rm -rf "$tmp/out.d" && mkdir "$tmp/out.d"
	case $1 in
	local) mkdir "$out" ;;
	layout)
		mocker-builder save --format oci-dir -o "$out" other &&
			echo note >"$out/note"
		;;
	esac
}

# "CALL NUMBER": of each call that names the output or what it is made of, the first, the
# last, and one between; of those that no other process reaches: strace counts in each, and
# removing a tree opens and lists in the parent what the worker made.
calls() {
	local removal=30

	strace -f -y -o "$tmp/trace" mocker-builder "${words[@]}" >/dev/null 2>&1 ||
		failed "$1: it fails under strace"
	[ -d "$out" ] || removal=0
	awk -v none="$no_faults" -v others="$other_ways" -v place="$out" \
		-v temp=/var/lib/mocker/temp/ -v removal="$removal" '
		$2 ~ /^[a-z_0-9]+\(/ {
			call = $2
			sub(/\(.*/, "", call)
			number = ++n[call, $1]
			pids[$1]
			if (!first) first = $1
			if (call ~ none || call ~ others) next
			if (!index($0, place) && ($1 == first || !index($0, temp))) next
			made[++total] = call " " number " " $1
		}
		END { for (i = 1; i <= total; i++) {
			split(made[i], word, " ")
			call = word[1]
			alone = 1
			more = call ~ /^(openat|getdents64|newfstatat|fstat)$/ ? removal : 0
			for (pid in pids)
				if (pid != word[3] && word[2] + 0 <= n[call, pid] + more)
					alone = 0
			if (alone) found[call, ++count[call]] = call " " word[2]
		}
		for (call in count) {
			last = count[call]
			split(1 " " int(last / 2) " " last, at, " ")
			for (i = 1; i <= 3; i++)
				if (at[i] > 0 && !told[found[call, at[i]]]++)
					print found[call, at[i]]
		} }' "$tmp/trace" | sort
}

one_fault() {
	local kind=$1 where="$4 at $2 $3 of $1" status

	before "$kind"
	timeout -k 5 30 strace -f -o /dev/null -e "trace=$2" \
		-e "inject=$2:error=$4:when=$3" mocker-builder "${words[@]}" </dev/null \
		>"$tmp/told" 2>&1
	status=$?
	injected=$((injected + 1))
	if [ $status = 0 ]; then
		whole "$kind" >"$tmp/second"
		diff -u "$tmp/first" "$tmp/second" >"$tmp/told" ||
			failed "with $where it is written otherwise: $(head -n 9 "$tmp/told")"
		return
	fi
	[ $status = 1 ] || failed "the status is $status with $where"
	check_equal "$(listing | head -n 9)" "$untouched" "what is left by $where"
	check_equal "$(wc -l <"$tmp/told")" 1 "the lines that tell of $where"
	check_has "$(cat "$tmp/told")" "$out" "the message of $where"
	check_equal "$(find /var/lib/mocker/temp /var/lib/mocker/leases -mindepth 1)" "" \
		"what the store has of $where"
	mocker-builder "${words[@]}" >"$tmp/told" 2>&1 ||
		failed "after $where: $(cat "$tmp/told")"
	whole "$kind" >"$tmp/second"
	diff -u "$tmp/first" "$tmp/second" >"$tmp/told" ||
		failed "after $where it is written otherwise: $(head -n 9 "$tmp/told")"
	faults_met=$((faults_met + 1))
}

faults() {
	local kind=$1 call number turn=0 faults_met=0 injected=0

	words_of "$kind"
	before "$kind"
	untouched=$(listing | head -n 9)
	calls "$kind" >"$tmp/calls"
	whole "$kind" >"$tmp/first"
	while read -r call number; do
		one_fault "$kind" "$call" "$number" "${errnos[turn++ % 5]}"
		[ "$kind" != overlay ] || rm -rf /var/lib/mocker/leases/*
	done <"$tmp/calls"
	[ $faults_met -ge 10 ] ||
		failed "only $faults_met of $injected faults made it fail"
	rm -rf "$tmp/out.d" && mkdir "$tmp/out.d"
	rm -rf /var/lib/mocker/leases/*
}
for kind in copy overlay local tar oci layout oci-archive docker-archive; do
	test_case "$kind: each system call on it fails once" faults $kind
done
