#!/bin/bash
# The front door, command by command: what a person types, what it prints, and that -x
# prints commands which do the same by hand.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

test_setup make_box
store_stays
network_stays
# The store may change; what run makes may not stay.
assert_no_containers() {
	check_equal "$(ls /var/lib/mocker/containers 2>/dev/null)" "" "what is in containers/"
}

builds_in_both_forms() {
	run mocker build box context/Mockerfile context
	check_status 0
	run mocker images
	check_output_has box
}
test_case "build takes NAME FILE CONTEXT, too" builds_in_both_forms

foreground() {
	run mocker run -i --rm try box sh -c 'echo out; echo err >&2; exit 7'
	check_status 7
	check_output out
	check_errors_have err
	assert_no_containers
}
test_case "run -i --rm shows the output and exits as the command did" foreground

words_stay_words() {
	run mocker run --rm -e "A=it's \"two\" words" try box \
		sh -c 'printf "<%s>" "$A" "$@"' sh 'a  b' '' '*' "c'd"
	check_status 0
	check_output "<it's \"two\" words><a  b><><*><c'd>"
}
test_case "blanks, quotes and stars arrive as they were typed" words_stay_words

on_a_terminal() {
	run_in_terminal mocker run -it --rm try box sh -c 'tty; stty size >/dev/null && echo sized'
	check_status 0
	check_output_has /dev/pts/
	check_output_has sized
	assert_no_containers
}
test_case "run -it has a terminal" on_a_terminal

without_a_terminal() {
	run mocker run -it --rm try box sh
	check_status 0
	assert_no_containers
}
test_case "run -it without a terminal finds the end of its input" without_a_terminal

input_arrives() {
	echo "from outside" >words
	run_input=words run mocker run -i --rm try box cat
	check_output "from outside"
}
test_case "run -i passes standard input" input_arrives

volume() {
	mkdir -p shared
	echo "of the host" >shared/file
	run mocker run --rm -v "$tmp/shared:/mnt/shared" try box \
		sh -c 'cat /mnt/shared/file; echo back >/mnt/shared/answer'
	check_status 0
	check_output "of the host"
	check_equal "$(cat shared/answer)" back "the answer"
	run mocker run --rm -v "$tmp/shared:/mnt/shared:ro" try box touch /mnt/shared/no
	check test "$status" != 0
	check_errors_have "Read-only"
}
test_case "-v shows a directory of the host, read-only too" volume

background() {
	run mocker run web box sh -c 'trap "echo bye; exit 0" TERM; echo hello; while :; do sleep 0.1; done'
	check_status 0
	check_matches "$output" '^10\.0\.0\.[0-9]+$'
	address=$output
	run mocker ps
	check_matches "$output" $'\n'"web +$address +running +[0-9]+ +box"
	run mocker logs web
	check_output hello
	run mocker inspect web
	check_equal "$(jq -r .container.status <<<"$output")" running "the status"
	check_has "$(jq -c .network <<<"$output")" "$address" "the network"
	run mocker exec web sh -c 'echo $GREETING from $$'
	check_matches "$output" '^hello from [0-9]+$'
	run mocker exec web sh -c 'exit 9'
	check_status 9
	run curl -s --max-time 5 "http://$address:1/"
	check_equal "$status" 7 "curl's status (refused: it is there)"
}
test_step "run goes to the background; ps, logs, inspect and exec see it" background

shell_without_command() {
	printf 'hostname\nexit 4\n' >script
	run_input=script run mocker exec web
	check_status 4
	check_output web
	run_in_terminal mocker exec web tty
	check_output_has /dev/pts/
}
test_step "exec without a command is a shell, on a terminal where there is one" \
	shell_without_command

name_is_taken() {
	run mocker run web box
	check_fails_with "web" "mocker rm"
	check_equal "$(container_status web)" running "the first one's status"
}
test_step "a name that is taken is refused, and the other goes on" name_is_taken

stops_on_term() {
	run mocker rm web
	check_fails_with "running" "mocker stop"
	run mocker stop web
	check_status 0
	run mocker logs web
	check_output $'hello\nbye'
	run mocker ps
	check_lacks "$output" "web"
	run mocker ps -a
	check_matches "$output" "web .*stopped"
	run mocker rm web
	check_status 0
	assert_no_containers
}
test_case "stop lets it end, ps -a still shows it, rm removes it" stops_on_term

stops_the_deaf() {
	local began

	run mocker run deaf box sh -c 'trap "" TERM; while :; do sleep 1; done'
	check_status 0
	began=$SECONDS
	run mocker stop -t 1 deaf
	check_status 0
	check test $((SECONDS - began)) -lt 10 # which it would be without -t
	check_equal "$(container_status deaf)" stopped "the status"
	run mocker rm deaf
	check_status 0
}
test_case "stop kills what ignores TERM" stops_the_deaf

failing_run() {
	run mocker run broken box /nothere
	check test "$status" != 0
	check_errors_have /nothere
	assert_no_containers
	run mocker run broken box -v
	check_errors_have "-v"
	assert_no_containers
	run mocker run -v /nowhere:/x broken box
	check test "$status" != 0
	check_errors_have /nowhere
	assert_no_containers
}
test_case "a run that fails says why and leaves nothing" failing_run

interrupted() {
	mocker run -i --rm slow box sh -c 'trap "exit 5" TERM; echo up; while :; do sleep 0.1; done' \
		</dev/null >slow.out 2>&1 &
	local pid=$!

	wait_until 60 grep -q up slow.out || failed "it did not start: $(cat slow.out)"
	kill -TERM "$pid"
	wait_until 60 eval "! kill -0 $pid" || failed "it did not end"
	wait "$pid"
	check_equal $? 5 "the status"
	assert_no_containers
	check_equal "$(container_status slow)" none "the status"
}
test_case "a signal reaches the command; run leaves nothing" interrupted

published() {
	run mocker run -p 8080:80 web box sh -c \
		'mkdir -p /srv; echo published >/srv/index.html; exec httpd -f -p 80 -h /srv'
	check_status 0
	check wait_until 60 curl -sf -o /dev/null http://10.0.0.1:8080/
	run curl -s --max-time 20 http://10.0.0.1:8080/
	check_output published
	run mocker rm -f web
	check_status 0
	run curl -s --max-time 2 http://10.0.0.1:8080/
	check test "$status" != 0
}
test_case "-p forwards a port of the host" published

host_and_none() {
	run mocker run --rm --network none try box ip -o link
	check_equal "$(wc -l <<<"$output")" 1 "the number of links"
	run mocker run --rm --network host try box readlink /proc/self/ns/net
	check_output "$(readlink /proc/self/ns/net)"
}
test_case "--network none and host" host_and_none

# The lines of -x, typed by hand under another name, make the same container.
commands_by_hand() {
	run mocker -x run -e "A=b c" first box sleep 500
	check_status 0
	sed -n 's/^+ //p' <<<"$errors" | sed 's/first/second/g' >commands
	check_equal "$(grep -c . commands)" 5 "the number of commands"
	run bash -e commands
	check_status 0
	run mocker exec second sh -c 'echo $A; cat /proc/1/cmdline | tr "\0" " "'
	check_output $'b c\nsleep 500 '
	run mocker rm -f first second
	check_status 0
	assert_no_containers
}
test_case "what -x prints can be typed by hand" commands_by_hand

tells_of_itself() {
	run mocker help
	check_status 0
	check_output_has "run"
	run mocker run --help
	check_status 0
	check_output_has "--pod NAME"
	run mocker version
	check_output_has "mocker-runtime version"
}
test_case "help, --help of a command, version" tells_of_itself
