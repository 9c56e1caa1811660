#!/bin/bash
# A shim of about a page (shim.c) does what those of Kubernetes do with a runtime: create
# with pipes or a console socket, start, exec, wait by pidfd, kill, delete, reap; and it is
# killed, and another takes over.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/clients/clients.sh"

leaves '^file /run/(runc|mocker)$'
shim=$top_builddir/tests/clients/shim

# shim_start SCRIPT [terminal]: in the background; sets $shim_pid.
shim_start() {
	local terminal=false

	[ $# = 1 ] || terminal=true
	rm -rf "$tmp/shim"
	mkdir "$tmp/shim"
	sh_bundle "$tmp/web" "$1" ".process.terminal = $terminal" || return
	"$shim" "$client_runtime" "$tmp/web" web "$tmp/shim" ${2+"$2"} \
		</dev/null >"$tmp/shim/said" 2>&1 &
	shim_pid=$!
}

has_output() { # TEXT
	grep -q "$1" "$tmp/shim/output"
}

shim_ends() { # STATUS
	check wait_until 30 test -e "$tmp/shim/status"
	wait "$shim_pid"
	check_equal "$?" 0 "the shim's own status"
	check_equal "$(cat "$tmp/shim/status")" "$1" "the status that it saw"
	check_equal "$(cat "$tmp/shim/said")" "" "what it said"
}

over_pipes() {
	shim_start 'echo out; echo err >&2; (sleep 0.2; echo orphan) & exit 7'
	shim_ends 7
	check_equal "$(cat "$tmp/shim/output")" $'out\nerr' "the output"
}

over_a_terminal() {
	shim_start 'tty; test -t 1 && echo on it; exit 3' terminal
	shim_ends 3
	check_equal "$(tr -d '\r' <"$tmp/shim/output")" $'/dev/pts/0\non it' "the output"
}

waiting='trap "echo bye; exit 5" TERM; echo up; while :; do sleep 0.1; done'

# shim_execute SCRIPT: inside, by the shim that serves.
shim_execute() {
	jq --arg script "$1" '.process | .args = ["sh", "-c", $script]' "$tmp/web/config.json" \
		>"$tmp/shim/exec.new"
	mv "$tmp/shim/exec.new" "$tmp/shim/exec"
	check wait_until 30 test -e "$tmp/shim/exec-status"
}

executes_and_stops() {
	shim_start "$waiting"
	check wait_until 30 has_output up
	shim_execute 'exit 6'
	check_equal "$(cat "$tmp/shim/exec-status")" 6 "the status of exec"
	touch "$tmp/shim/stop"
	shim_ends 5
	check has_output bye
}

killed_and_taken_over() {
	# What it writes to must not be a pipe that ends with the shim.
	shim_start "exec >/out 2>&1; $waiting"
	check wait_until 30 grep -q up "$tmp/web/rootfs/out"
	kill -9 "$shim_pid"
	wait "$shim_pid" 2>/dev/null
	run "$client_runtime" state web
	check_status 0
	check_equal "$(jq -r .status <<<"$output")" running
	"$shim" --again "$client_runtime" "$tmp/web" web "$tmp/shim" \
		</dev/null >"$tmp/shim/said" 2>&1 &
	shim_pid=$!
	shim_execute 'exit 6'
	check_equal "$(cat "$tmp/shim/exec-status")" 6 "the status of exec"
	touch "$tmp/shim/stop"
	shim_ends -1
	check grep -q bye "$tmp/web/rootfs/out"
	rm -f "$tmp/web/rootfs/out"
}

# What ended while nobody watched is deleted too.
ended_unwatched() {
	shim_start "exec >/out 2>&1; $waiting"
	check wait_until 30 grep -q up "$tmp/web/rootfs/out"
	kill -9 "$shim_pid"
	wait "$shim_pid" 2>/dev/null
	run "$client_runtime" kill web KILL
	check_status 0
	check wait_until 30 bash -c "\"$client_runtime\" state web | grep -q stopped"
	"$shim" --again "$client_runtime" "$tmp/web" web "$tmp/shim" \
		</dev/null >"$tmp/shim/said" 2>&1 &
	shim_pid=$!
	shim_ends -1
	rm -f "$tmp/web/rootfs/out"
}

refused() {
	make_bundle "$tmp/web"
	in_bundle "$tmp/web" no-such-program
	mkdir -p "$tmp/shim"
	run "$shim" "$client_runtime" "$tmp/web" web "$tmp/shim"
	check_status 1
	run "$client_runtime" delete --force web
}

test_case "output and status arrive over pipes; an orphan is reaped" over_pipes
test_case "and over a terminal that came through the console socket" over_a_terminal
test_case "exec, its status, and kill" executes_and_stops
test_case "a killed shim is replaced by another, which sees it to its end" killed_and_taken_over
test_case "what ended while no shim watched is deleted by the next" ended_unwatched
test_case "a program that is missing fails the shim" refused
