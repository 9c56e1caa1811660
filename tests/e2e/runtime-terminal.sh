#!/bin/bash
# Terminals: given to --console-socket, or served by run and exec themselves.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
drive="python3 $e2e/runtime-terminal.py"

goes_to_the_socket() {
	needs python3 || return
	sh_bundle "$tmp/con" 'tty; stty size; echo done' '.process.terminal = true' \
		'.process.consoleSize = {"height": 12, "width": 34}'
	$drive receive "$tmp/con.sock" >"$tmp/shown" &
	wait_until 60 test -S "$tmp/con.sock"
	run mocker-runtime create -b "$tmp/con" --console-socket "$tmp/con.sock" con
	check_status 0
	run mocker-runtime start con
	check_status 0
	wait $!
	check_equal "$(cat "$tmp/shown")" $'message: /dev/ptmx\n/dev/pts/0\n12 34\ndone'
	mocker-runtime delete --force con
}
test_case "create hands the terminal to --console-socket" goes_to_the_socket

is_served() {
	needs python3 || return
	sh_bundle "$tmp/fg" 'trap "stty size; stty size | grep -q 202 && echo type now" WINCH
		stty size; echo ready; until read -r x; do :; done; echo "got $x";
		[ -c /dev/console ] && echo hi >/dev/console; exit 9' '.process.terminal = true'
	run $drive type 'hello\r' mocker-runtime run -b "$tmp/fg" fg
	check_status 9
	check_output_has "33 101"
	check_output_has "44 202"
	check_output_has "got hello"
	check_output_has "hi"
}
test_case "run serves its own terminal: input, sizes, status" is_served

interrupts() {
	needs python3 || return
	sh_bundle "$tmp/int" 'trap "echo interrupted; exit 5" INT; echo type now; while :; do sleep 0.1; done' \
		'.process.terminal = true'
	run $drive type '\x03' mocker-runtime run -b "$tmp/int" int
	check_status 5
	check_output_has interrupted
}
test_case "Ctrl-C goes through the container's terminal" interrupts

exec_has_one() {
	needs python3 || return
	make_bundle "$tmp/web" '.process.args = ["sleep", "1000"]'
	run mocker-runtime run -d -b "$tmp/web" web
	run $drive type 'x\r' mocker-runtime exec -t web sh -c 'tty; echo type now; read x; exit 6'
	check_status 6
	check_output_has /dev/pts/0
	$drive receive "$tmp/exec.sock" >"$tmp/shown" &
	wait_until 60 test -S "$tmp/exec.sock"
	run mocker-runtime exec -t -d --console-socket "$tmp/exec.sock" --user 1000 web \
		sh -c 'tty; ls -l $(tty)'
	check_status 0
	wait $!
	check_has "$(cat "$tmp/shown")" "/dev/pts/"
	check_matches "$(cat "$tmp/shown")" 'crw--w----.* user '
	mocker-runtime delete --force web
}
test_case "exec gets one, for its user" exec_has_one

# Standard input is a file: what reads the terminal finds its end, as often as it looks.
input_ends() {
	local program input expected

	: >none
	echo 'echo "a" line' >line
	printf 'no newline' >part
	while IFS='|' read -r program input expected; do
		sh_bundle "$tmp/end" "$program" '.process.terminal = true'
		run_input=$input run mocker-runtime run -b "$tmp/end" end
		check_status 0
		check_output_has "$expected"
		rm -r "$tmp/end"
	done <<-'END'
		exec sh|none|#
		exec sh|line|a line
		cat; cat; echo after|none|after
		cat; cat; echo after|line|after
		cat; echo " after"|part|no newline after
		sleep 1; stty -icanon; sh|none|#
	END
	make_bundle "$tmp/web" '.process.args = ["sleep", "1000"]'
	run mocker-runtime run -d -b "$tmp/web" web
	run_input=line run mocker-runtime exec -t web sh
	check_status 0
	check_output_has "a line"
	mocker-runtime delete --force web
}
test_case "at the end of standard input the terminal's ends: a shell goes" input_ends

# Where all bytes are data, the end is not told by one.
raw_input() {
	sh_bundle "$tmp/raw" 'stty raw -echo; echo ready; timeout 10 cat | wc -c' \
		'.process.terminal = true'
	mkfifo "$tmp/typed"
	mocker-runtime run -b "$tmp/raw" raw <"$tmp/typed" >"$tmp/shown" 2>&1 &
	exec 9>"$tmp/typed"
	check wait_until 60 grep -q ready "$tmp/shown"
	printf abc >&9
	exec 9>&-
	wait $!
	check_matches "$(tr -d '\r' <"$tmp/shown")" $'ready\n3\n' "what is shown"
}
test_case "a raw terminal gets the bytes of standard input and no other" raw_input

refuses() {
	make_bundle "$tmp/no" '.process.terminal = true'
	run mocker-runtime create -b "$tmp/no" no
	check_fails_with "console socket"
	run mocker-runtime create -b "$tmp/no" --console-socket "$tmp/nothing" no
	check_fails_with "--console-socket: connecting to $tmp/nothing"
	run mocker-runtime run -b "$tmp/no" --console-socket "$tmp/nothing" no
	check_fails_with "cannot use console socket if runtime will not detach"
	edit_bundle "$tmp/no" '.process.terminal = false'
	run mocker-runtime create -b "$tmp/no" --console-socket "$tmp/nothing" no
	check_fails_with "cannot use console socket"
	edit_bundle "$tmp/no" '.process.terminal = true' 'del(.mounts[] | select(.type == "devpts"))'
	run mocker-runtime run -b "$tmp/no" no
	check_fails_with "needs a devpts"
}
test_case "a terminal that can go nowhere is refused, and nothing is left" refuses

# Until it has the terminal, its creator waits in another way than afterwards.
ends_before_it_is_there() {
	make_bundle "$tmp/slow" '.process.terminal = true' '.hooks.createContainer = [{
		"path": "/bin/sh", "args": ["sh", "-c", "echo $$ >'"$tmp"'/hook; exec sleep 60"]}]'
	mocker-runtime run -b "$tmp/slow" slow 2>"$tmp/said" &
	waiting=$!
	check wait_until 60 test -s "$tmp/hook"
	kill -TERM "$waiting"
	check wait_until 60 eval "! kill -0 $waiting"
	wait "$waiting" && failed "status 0"
	check_has "$(cat "$tmp/said")" "ended by signal 15 before it began"
	check_missing "/proc/$(cat "$tmp/hook")"
	check_equal "$(container_status slow)" none
	rm "$tmp/hook"
}
test_case "TERM ends run before the container's terminal is there" ends_before_it_is_there

# What joins takes its time.
exec_ends_before_it_is_there() {
	needs strace || return
	make_bundle "$tmp/web" '.process.args = ["sleep", "1000"]' "$@"
	run mocker-runtime run -d -b "$tmp/web" web
	check_status 0
	strace -f -o "$tmp/trace" -e trace=setsid -e inject=setsid:signal=STOP:when=1 \
		mocker-runtime exec -t --pid-file "$tmp/pid" web true 2>"$tmp/said" &
	waiting=$!
	check wait_until 60 grep -q 'stopped by SIGSTOP' "$tmp/trace"
	kill -TERM "$(pgrep -P "$waiting")"
	wait "$waiting" && failed "status 0"
	check_has "$(cat "$tmp/said")" "ended by signal 15 before it began"
	check_missing "$tmp/pid"
	rm "$tmp/trace"
	check_equal "$(mocker-runtime ps --format json web | jq length)" 1 "the processes"
	run mocker-runtime delete --force web
	check_status 0
}
test_case "TERM ends exec before its terminal is there" exec_ends_before_it_is_there
test_case "so it does in a user namespace" exec_ends_before_it_is_there \
	'.linux.namespaces += [{"type": "user"}] |
	.linux.uidMappings = [{"containerID": 0, "hostID": 0, "size": 65536}] |
	.linux.gidMappings = .linux.uidMappings'

# The caller's terminal as standard input, without one of its own: what runs inside may
# read and write it, but not type into it (TIOCSTI) or be signalled by it.
typed_into() {
	local tell='[ -t 0 ] && cut -d" " -f7 /proc/self/stat; : </dev/tty && echo is mine'

	sh_bundle "$tmp/plain" "$tell"
	run_in_terminal mocker-runtime run -b "$tmp/plain" plain
	check_matches "$output" $'(^|\n)0\r?\n.*/dev/tty'
	check_lacks "$output" "is mine"
	make_bundle "$tmp/web" '.process.args = ["sleep", "1000"]'
	run mocker-runtime run -d -b "$tmp/web" web
	run_in_terminal mocker-runtime exec web sh -c "$tell"
	check_matches "$output" $'(^|\n)0\r?\n.*/dev/tty'
	check_lacks "$output" "is mine"
	mocker-runtime delete --force web
}
test_case "the caller's terminal does not become the container's controlling terminal" typed_into
