#!/bin/bash
# conmon alone, as podman and CRI-O call it: it creates, logs, hands a terminal on, executes,
# and writes down how everything ended.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/clients/clients.sh"

needs conmon socat || exit 0
leaves '^file /run/(runc|mocker)$'
leaves '^cgroup .*/conmon$'

# conmon_start NAME [OPTION...]: returns when the runtime's create has ended; what conmon
# tells over its pipe (a pid, or -1 and a message) is $output.
conmon_start() {
	local name=$1

	shift
	mkdir -p "$tmp/exits" "$tmp/attach"
	mkfifo "$tmp/sync"
	_OCI_SYNCPIPE=3 conmon --api-version 1 --cid "$name" --cuuid "$name" --name "$name" \
		--runtime "$client_runtime" --bundle "$tmp/$name" --exit-dir "$tmp/exits" \
		--container-pidfile "$tmp/$name.pid" --conmon-pidfile "$tmp/$name.conmon" \
		--log-path "k8s-file:$tmp/$name.log" --socket-dir-path "$tmp/attach" "$@" \
		3<>"$tmp/sync" >/dev/null 2>"$tmp/conmon.errors" </dev/null &
	read -r -t 30 output <"$tmp/sync"
	rm "$tmp/sync"
}

conmon_exit() { # NAME STATUS
	check wait_until 30 test -s "$tmp/exits/$1"
	check_equal "$(cat "$tmp/exits/$1")" "$2" "the status that conmon saw"
	check wait_until 30 conmon_is_gone "$1"
	run "$client_runtime" delete "$1"
	check_status 0
	rm -rf "$tmp/exits" "$tmp/attach"
}

conmon_is_gone() {
	! kill -0 "$(cat "$tmp/$1.conmon")" 2>/dev/null
}

logs_and_status() {
	sh_bundle "$tmp/web" 'echo out; echo err >&2; exit 7'
	conmon_start web
	check_equal "$(jq -r .data <<<"$output")" "$(cat "$tmp/web.pid")" "the pid told"
	run "$client_runtime" state web
	check_equal "$(jq -r .status <<<"$output")" created
	run "$client_runtime" start web
	check_status 0
	conmon_exit web 7
	check_matches "$(cat "$tmp/web.log")" 'stdout F out.*stderr F err'
}

terminal() {
	sh_bundle "$tmp/tty" 'tty; read -r a; echo "heard $a"; exit 4' '.process.terminal = true'
	conmon_start tty --terminal --stdin
	run "$client_runtime" start tty
	check_status 0
	check wait_until 30 grep -q /dev/pts/0 "$tmp/tty.log"
	printf 'words\n' >"$tmp/words"
	socat -u "FILE:$tmp/words" "UNIX-CONNECT:$tmp/attach/tty/attach,type=5"
	conmon_exit tty 4
	check grep -q 'heard words' "$tmp/tty.log"
}

executes() {
	sh_bundle "$tmp/web" 'trap "exit 5" TERM; while :; do sleep 0.1; done'
	conmon_start web
	run "$client_runtime" start web
	check_status 0
	jq '.process | .args = ["sh", "-c", "echo inside; exit 6"]' "$tmp/web/config.json" \
		>"$tmp/process.json"
	mkdir -p "$tmp/exec-exits"
	run conmon --api-version 1 --cid web --cuuid exec1 --name web --exec --sync \
		--exec-process-spec "$tmp/process.json" --runtime "$client_runtime" \
		--bundle "$tmp/web" --exit-dir "$tmp/exec-exits" --container-pidfile "$tmp/exec.pid" \
		--socket-dir-path "$tmp/attach" --log-path "k8s-file:$tmp/exec.log"
	check_status 6
	check_equal "$(cat "$tmp/exec-exits/web")" 6 "the status of exec"
	check_has "$(cat "$tmp/exec.log")" "stdout F inside"
	run "$client_runtime" kill web TERM
	check_status 0
	conmon_exit web 5
	rm -rf "$tmp/exec-exits"
}

refused() {
	make_bundle "$tmp/bad"
	in_bundle "$tmp/bad" no-such-program
	conmon_start bad
	check_equal "$(jq -r .data <<<"$output")" -1 "what conmon tells"
	check_has "$(jq -r .message <<<"$output")" "executable file not found in \$PATH"
	rm -rf "$tmp/exits" "$tmp/attach"
	run "$client_runtime" delete --force bad
}

# Without its conmon a container lives on, and whoever comes next ends it.
killed() {
	sh_bundle "$tmp/web" 'trap "exit 5" TERM; while :; do sleep 0.1; done'
	conmon_start web
	run "$client_runtime" start web
	check_status 0
	kill -9 "$(cat "$tmp/web.conmon")"
	check wait_until 30 conmon_is_gone web
	run "$client_runtime" state web
	check_equal "$(jq -r .status <<<"$output")" running
	run "$client_runtime" exec web sh -c 'exit 6'
	check_status 6
	run "$client_runtime" kill web TERM
	check_status 0
	check wait_until 30 bash -c "\"$client_runtime\" state web | grep -q stopped"
	run "$client_runtime" delete web
	check_status 0
	rm -rf "$tmp/exits" "$tmp/attach"
	# The next one under the same name
	sh_bundle "$tmp/web" 'exit 7'
	conmon_start web
	run "$client_runtime" start web
	check_status 0
	conmon_exit web 7
}

test_case "a container is created, logged, and its status is written down" logs_and_status
test_case "a terminal is handed on, and what is written to it arrives" terminal
test_case "a process is executed inside" executes
test_case "a program that is missing is told by its usual words" refused
test_case "a killed conmon leaves a container that runs and can be ended" killed
