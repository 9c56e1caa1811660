# shellcheck shell=bash
# The peers' own tests, run twice: on the peer, as Debian has it, and on mocker-runtime. A
# test that the peer passes here and we do not is a failure, unless the list beside the
# suite (runc.known, crun.known) has it with a reason; so is one on the list that passes,
# or that does not exist. What fails on both says nothing of us.
#
# $MOCKER_SUITES is the directory that fetch.sh has filled. Nothing of the sources is
# changed or kept: they are unpacked for the run.

# suite_unpack PACKAGE: into $tmp/PACKAGE.
suite_unpack() {
	local archive=("${MOCKER_SUITES-}/$1"_*.orig.tar.xz)

	[ -e "${archive[0]}" ] ||
		host_skip "no sources of $1: tests/suites/fetch.sh DIRECTORY, then MOCKER_SUITES=DIRECTORY"
	mkdir "$tmp/$1" && tar -C "$tmp/$1" --strip-components=1 -xf "${archive[0]}"
}

# Devices of their own: some runtimes change the owner of those that they bind from here.
suite_devices() {
	local name numbers

	check mkdir "$tmp/dev"
	check mount -t tmpfs -o mode=755 tmpfs "$tmp/dev"
	mkdir "$tmp"/dev/{pts,shm,mqueue} && chmod 1777 "$tmp/dev/shm"
	while read -r name numbers; do
		# shellcheck disable=SC2086 # two numbers
		mknod -m 666 "$tmp/dev/$name" c $numbers
	done <<-'END'
		null 1 3
		zero 1 5
		full 1 7
		random 1 8
		urandom 1 9
		kmsg 1 11
		tty 5 0
		fuse 10 229
	END
	ln -s /proc/self/fd "$tmp/dev/fd"
	ln -s pts/ptmx "$tmp/dev/ptmx"
	check mount --rbind /dev/pts "$tmp/dev/pts"
	check mount --move "$tmp/dev" /dev
}

# suite_case FILE: one case for a file of the suite. suite_run RUNTIME FILE, of who sources
# this, prints its TAP; $suite_peer is the peer's program, $suite_known the list.
suite_case() {
	test_case "$(basename "$1"): as on $(basename "$suite_peer")" suite_compare "$1"
}

suite_compare() {
	local file=$1 name

	suite_known_of "$(basename "$file")" >"$tmp/known"
	suite_run "$suite_peer" "$file" </dev/null >"$tmp/theirs.tap" 2>"$tmp/theirs.errors"
	suite_run "$top_builddir/mocker-runtime" "$file" </dev/null >"$tmp/ours.tap" \
		2>"$tmp/ours.errors"
	tap_names ok "$tmp/theirs.tap" >"$tmp/theirs.ok"
	tap_names ok "$tmp/ours.tap" >"$tmp/ours.ok"
	tap_names 'not ok' "$tmp/ours.tap" >"$tmp/ours.failed"
	leaks_remove # what the suite itself leaves, of either
	leaks_baseline
	[ -s "$tmp/theirs.ok" ] || {
		skip "none passes on $(basename "$suite_peer") here"
		return
	}
	echo "# $(wc -l <"$tmp/theirs.ok") pass there, $(wc -l <"$tmp/ours.ok") here"
	check_equal "$(grep -cE '^(not )?ok' "$tmp/ours.tap")" \
		"$(grep -cE '^(not )?ok' "$tmp/theirs.tap")"
	while read -r name; do
		failed "$name"
		sed -n "/^not ok [0-9]* -\? *$(sed 's/[][\.*^$/]/\\&/g' <<<"$name")/,/^\(not \)\?ok/p" \
			"$tmp/ours.tap" | sed 's/^/#   /' | head -40
		tail -20 "$tmp/ours.errors" | sed 's/^/#   /'
	done < <(comm -12 "$tmp/ours.failed" "$tmp/theirs.ok" | comm -23 - "$tmp/known")
	sed 's/^/# fails on both: /' < <(comm -23 "$tmp/ours.failed" "$tmp/theirs.ok")
	while read -r name; do
		failed "on the list of differences, but it does not fail: $name"
	done < <(comm -12 "$tmp/ours.failed" "$tmp/theirs.ok" | comm -13 - "$tmp/known")
}

# tap_names RESULT FILE: the sentences of that result, sorted; skipped ones do not count.
tap_names() {
	sed -nE "/# ?skip/Id; s/^$1 [0-9]+ (- )?//p" "$2" | sed 's/ in [0-9]*ms$//' | sort
}

suite_known_of() {
	awk -F '\t' -v file="$1" '$1 == file { print $2 }' "$suite_known" | sort
}
