#!/bin/bash
# Options of create, run and exec that are seldom given: that each of them acts, seen from
# outside. Terminals have a file of their own, and so have checkpoints.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

# ---- keyrings -----------------------------------------------------------------------

begin_keyrings() {
	make_bundle "$tmp/web" '.process.args = ["sleep", "1000"]' "$@"
	"${CC:-cc}" -static -o "$tmp/web/rootfs/bin/session-keyring" "$e2e/session-keyring.c" ||
		failed "session-keyring.c"
}

# in_session COMMAND...: run, with a session keyring of its own, whose number is $session.
in_session() {
	run "$tmp/web/rootfs/bin/session-keyring" "$@"
	session=$(head -n 1 <<<"$output")
}

keyrings() {
	local verb

	begin_keyrings '.process.args = ["session-keyring"]'
	in_session mocker-runtime run -b "$tmp/web" web
	check_status 0
	check_matches "$(tail -n 1 <<<"$output")" '^[0-9]+$'
	check_not test "$(tail -n 1 <<<"$output")" = "$session"
	in_session mocker-runtime run --no-new-keyring -b "$tmp/web" web
	check_status 0
	check_equal "$(tail -n 1 <<<"$output")" "$session" "the session keyring of run"
	in_bundle "$tmp/web" sh -c 'session-keyring >/tmp/number; exec sleep 1000'
	for verb in "create" "run -d"; do
		# shellcheck disable=SC2086 # words
		in_session mocker-runtime $verb --no-new-keyring -b "$tmp/web" web
		check_status 0
		[ "$verb" != create ] || mocker-runtime start web
		check wait_until 60 test -s "$tmp/web/rootfs/tmp/number"
		check_equal "$(cat "$tmp/web/rootfs/tmp/number")" "$session" \
			"the session keyring of $verb"
		rm "$tmp/web/rootfs/tmp/number"
		run mocker-runtime delete --force web
	done
}
test_case "--no-new-keyring keeps the caller's session keyring, else there is a new one" keyrings

exec_keyrings() {
	begin_keyrings
	in_session mocker-runtime run -d -b "$tmp/web" web
	in_session mocker-runtime exec web session-keyring
	check_not test "$(tail -n 1 <<<"$output")" = "$session"
	run mocker-runtime delete --force web
	in_session mocker-runtime run -d --no-new-keyring -b "$tmp/web" web
	in_session mocker-runtime exec web session-keyring
	check_equal "$(tail -n 1 <<<"$output")" "$session" "the keyring of exec"
	run mocker-runtime delete --force web
}
test_case "exec has the caller's session keyring only where the container has" exec_keyrings

# ---- the root -----------------------------------------------------------------------

# calls_of OPTION...: the calls by which init takes the root. The creator's own chroot(2)
# is not among them: so it finds out whether it stands in one.
calls_of() {
	strace -f -o "$tmp/trace" -e trace=execve,pivot_root,chroot,move_mount,mount \
		mocker-runtime run "$@" -b "$tmp/web" web
	awk 'NR == 1 { creator = $1 } $1 != creator' "$tmp/trace" |
		grep -oE 'pivot_root\(|chroot\(|MS_MOVE' | sort -u | tr -d '(\n'
}

pivots() {
	needs strace || return
	make_bundle "$tmp/web" '.process.args = ["true"]'
	check_equal "$(calls_of)" pivot_root
	check_matches "$(calls_of --no-pivot)" '^(MS_MOVE)?chroot(MS_MOVE)?$'
}
test_case "--no-pivot takes the root without pivot_root" pivots

# Who is root in a user namespace may mount a procfs only where one is in full sight: the
# host's, another one elsewhere, those below others.
sees_no_procfs() {
	check mkdir -p "$tmp/proc"
	check mount -t proc proc "$tmp/proc"
	check mount -t proc proc "$tmp/proc"
	make_bundle "$tmp/web" '.process.args = ["unshare", "-mrpf", "sh", "-c",
		"mount -t proc none /proc && echo mounted"]' \
		'.process.capabilities[] += ["CAP_SETFCAP"]' '.process.capabilities.ambient = []'
	run mocker-runtime run --no-pivot -b "$tmp/web" web
	check_status 1
	check_output ""
	check_errors_have "permission denied"
	umount "$tmp/proc" "$tmp/proc"
}
test_case "--no-pivot leaves no procfs in sight" sees_no_procfs

# ---- orphans ------------------------------------------------------------------------

# Whose child is it that lost its parent, in a pid namespace that is the caller's?
parent_of_orphan() {
	local orphan runtime

	mocker-runtime run "$@" -b "$tmp/web" web &
	runtime=$!
	check wait_until 60 test -s "$tmp/web/rootfs/tmp/orphan"
	orphan=$(cat "$tmp/web/rootfs/tmp/orphan")
	check wait_until 60 eval '[ "$(parent_in_status "$orphan")" != "$(container_pid web)" ]'
	parent=$(parent_in_status "$orphan")
	[ "$parent" != "$runtime" ] || parent=runtime
	kill -9 "$orphan"
	run mocker-runtime kill web KILL
	wait "$runtime"
	check wait_until 60 test ! -e "/proc/$orphan"
	rm "$tmp/web/rootfs/tmp/orphan"
}

parent_in_status() {
	awk '$1 == "PPid:" { print $2 }' "/proc/$1/status"
}

orphans() {
	sh_bundle "$tmp/web" 'sh -c "sleep 1000 & echo \$! >/tmp/new; mv /tmp/new /tmp/orphan"
		exec sleep 1000' '.linux.namespaces |= map(select(.type != "pid"))'
	parent_of_orphan
	check_equal "$parent" runtime "the parent of an orphan"
	parent_of_orphan --no-subreaper
	check_equal "$parent" 1 "the parent of an orphan with --no-subreaper"
}
test_case "run takes orphans in, with --no-subreaper it does not" orphans

# ---- descriptors --------------------------------------------------------------------

# What the listener says lies where the container sees it: it must live until it is said.
told=$tmp/web/rootfs/tmp/told
until_told='until [ -s /tmp/told ]; do usleep 10000; done'

# pidfd_for WORDS...: what the listener says of mocker-runtime WORDS with --pidfd-socket.
pidfd_for() {
	rm -f "$told"
	python3 "$e2e/pidfd-socket.py" "$tmp/pidfd.sock" >"$told" &
	listener=$!
	check wait_until 60 test -S "$tmp/pidfd.sock"
	run mocker-runtime "${@/SOCKET/$tmp/pidfd.sock}"
	check_status 0
	check wait_until 60 test -s "$told"
}

# and_ends PID: the pidfd was of this process, and tells of its end.
and_ends() {
	wait "$listener"
	check_equal "$(cat "$told")" "pidfd $1"$'\n'ended "what the listener saw"
	rm "$tmp/pidfd.sock"
}

sends_pidfds() {
	make_bundle "$tmp/web" '.process.args = ["sleep", "1000"]' "$@"
	[ $# = 0 ] || chown -hR 100000:100000 "$tmp/web/rootfs"
	pidfd_for create --pidfd-socket SOCKET --pid-file "$tmp/pid" -b "$tmp/web" web
	check_equal "$(cat "$tmp/pid")" "$(container_pid web)"
	run mocker-runtime delete --force web
	and_ends "$(cat "$tmp/pid")"
	pidfd_for run -d --pidfd-socket SOCKET --pid-file "$tmp/pid" -b "$tmp/web" web
	pid=$(cat "$tmp/pid") web=$listener
	mv "$told" "$told-web" && rm "$tmp/pidfd.sock"
	pidfd_for exec -d --pidfd-socket SOCKET --pid-file "$tmp/exec.pid" web sleep 2000
	check_equal "$(tr '\0' ' ' <"/proc/$(cat "$tmp/exec.pid")/cmdline")" "sleep 2000 "
	kill -9 "$(cat "$tmp/exec.pid")"
	and_ends "$(cat "$tmp/exec.pid")"
	check_equal "$(cat "$told-web")" "pidfd $pid"
	pidfd_for exec --pidfd-socket SOCKET --pid-file "$tmp/exec.pid" web \
		sh -c "$until_told"
	and_ends "$(cat "$tmp/exec.pid")"
	run mocker-runtime delete --force web
	wait "$web"
	in_bundle "$tmp/web" sh -c "$until_told"
	pidfd_for run --pidfd-socket SOCKET --pid-file "$tmp/pid" -b "$tmp/web" web
	and_ends "$(cat "$tmp/pid")"
}
test_case "--pidfd-socket: create, run and exec send a pidfd of the right process" sends_pidfds
test_case "so they do with a user namespace" sends_pidfds \
	'.linux.namespaces += [{"type": "user"}] |
	.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}] |
	.linux.gidMappings = .linux.uidMappings'

nobody_listens() {
	make_bundle "$tmp/web" '.process.args = ["sleep", "1000"]' '.hooks.prestart = [{
		"path": "/bin/touch", "args": ["touch", "'"$tmp"'/made"]}]'
	run mocker-runtime create --pidfd-socket "$tmp/none" -b "$tmp/web" web
	check_fails_with "--pidfd-socket: connecting to $tmp/none"
	check_missing "$tmp/made"
	run mocker-runtime run -d -b "$tmp/web" web
	run mocker-runtime exec -d --pidfd-socket "$tmp/none" web sleep 2000
	check_status 255
	check_fails_with "--pidfd-socket: connecting to $tmp/none"
	check_equal "$(mocker-runtime ps --format json web | jq length)" 1 "the processes"
	run mocker-runtime delete --force web
	rm "$tmp/made"
}
test_case "a --pidfd-socket where nobody listens fails, and nothing is left" nobody_listens

# preserved WORDS...: what the shell of mocker-runtime WORDS... reads from 3, 4 and 5, as
# a service manager would start it where LISTEN_FDS is set.
preserved() {
	run sh -c 'LISTEN_PID=$$; [ -z "$LISTEN_FDS" ] || export LISTEN_PID
		exec mocker-runtime "$@"' sh "$@" 3<"$tmp/three" 4<"$tmp/four" 5<"$tmp/five"
	check_status 0
	printf '%s' "$output"
}

descriptors() {
	local script='for n in 3 4 5; do eval "cat <&$n" 2>/dev/null || echo none; done | xargs; echo $LISTEN_FDS $LISTEN_PID'

	echo three >"$tmp/three" && echo four >"$tmp/four" && echo five >"$tmp/five"
	sh_bundle "$tmp/web" "$script"
	check_equal "$(preserved run -b "$tmp/web" web)" "none none none" "of run"
	check_equal "$(preserved run --preserve-fds 2 -b "$tmp/web" web)" "three four none"
	export LISTEN_FDS=1
	check_equal "$(preserved run -b "$tmp/web" web)" $'three none none\n1 1' "of LISTEN_FDS"
	check_equal "$(preserved run --preserve-fds 1 -b "$tmp/web" web)" \
		$'three four none\n1 1' "of LISTEN_FDS and --preserve-fds"
	unset LISTEN_FDS
	sh_bundle "$tmp/web" "{ $script; } >/tmp/told; exec sleep 1000"
	preserved create --preserve-fds 3 -b "$tmp/web" web >/dev/null
	run mocker-runtime start web
	check wait_until 60 test -s "$tmp/web/rootfs/tmp/told"
	check_equal "$(cat "$tmp/web/rootfs/tmp/told")" "three four five" "of create"
	check_equal "$(preserved exec --preserve-fds 2 web sh -c "$script")" "three four none" "of exec"
	run mocker-runtime delete --force web
	run mocker-runtime run --preserve-fds 4294967295 -b "$tmp/web" web
	check_fails_with "--preserve-fds: 4294967295"
	run mocker-runtime run -d -b "$tmp/web" web
	run mocker-runtime exec --preserve-fds 4294967290 web true
	check_status 255
	check_fails_with "--preserve-fds: 4294967290"
	run mocker-runtime delete --force web
}
test_case "--preserve-fds passes so many on, after those of LISTEN_FDS" descriptors
