#!/bin/bash
# The front door and names: containers that it did not make, those that the runtime has
# forgotten, two commands about one name at once, and signals half way.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
drive="python3 $e2e/runtime-terminal.py"

set_up() {
	make_box
	mkdir in-between
}
test_setup set_up
store_stays
network_stays
assert_no_containers() {
	check_equal "$(ls /var/lib/mocker/containers 2>/dev/null)" "" "what is in containers/"
}

# by_hand NAME: a container that mocker knows nothing of.
by_hand() {
	run mocker-builder bundle box "$tmp/$1" --name "$1"
	check_status 0
	run mocker-runtime run -d --bundle "$tmp/$1" "$1"
	check_status 0
}

by_hand_goes() {
	mocker-runtime delete --force "$1"
	mocker-builder unbundle "$tmp/$1"
}

# in_between PROGRAM COMMAND: a program that does standard input when it is called with the
# command, and then what PROGRAM does.
in_between() {
	{
		printf '#!/bin/bash\n%s\n[ "$1" != %s ] || {\n' "program=$(command -v "$1")" "$2"
		cat
		printf '}\nexec "$program" "$@"\n'
	} >"in-between/$1"
	chmod +x "in-between/$1"
}

# ---- whose container ----------------------------------------------------------------

others_stay() {
	by_hand hand
	run mocker run hand box
	check_fails_with 'a container "hand" already' "mocker rm hand"
	check_equal "$(container_status hand)" running "the status"
	assert_no_containers
	by_hand_goes hand
}
test_case "run refuses a name that the runtime knows, and leaves that container alone" \
	others_stay

made_meanwhile() {
	in_between mocker-runtime run <<-END
		PATH=$PATH
		mocker-builder bundle box $tmp/hand --name other
		mocker-runtime run -d --bundle $tmp/hand hand
	END
	run env MOCKER_RUNTIME="$tmp/in-between/mocker-runtime" mocker run hand box
	check test "$status" != 0
	check_errors_have "already exists"
	check_equal "$(container_status hand)" running "the status"
	assert_no_containers
	by_hand_goes hand
}
test_case "nor does it remove what somebody makes of the name meanwhile" made_meanwhile

two_runs() {
	in_between mkdir /var/lib/mocker/containers/web <<-'END'
		mkdir -p "$1"
	END
	run env PATH="$tmp/in-between:$PATH" mocker run web box
	check_fails_with 'a container "web" already'
	check_exists /var/lib/mocker/containers/web
	run mocker rm web
	check_status 0
}
test_case "who loses the race for a name hears so in one line" two_runs

all_see_it() {
	by_hand hand
	run mocker ps
	check_matches "$output" $'\nhand +- +running +[0-9]+ +-$'
	run mocker exec hand echo inside
	check_output inside
	run mocker inspect hand
	check_equal "$(jq -r .container.status <<<"$output")" running "the status"
	run mocker logs hand
	check_fails_with "no log" "hand"
	run mocker rm hand
	check_fails_with "is running"
	run mocker run --pod hand --rm beside box readlink /proc/self/ns/net
	check_output "$(readlink "/proc/$(container_pid hand)/ns/net")"
	run mocker stop -t 0 hand
	check_status 0
	check_equal "$(container_status hand)" stopped "the status"
	run mocker rm hand
	check_status 0
	check_equal "$(container_status hand)" none "the status"
	check_exists "$tmp/hand/config.json"
	mocker-builder unbundle "$tmp/hand"
}
test_case "what ps lists, the other commands know; rm leaves the bundle to its maker" all_see_it

forgotten() {
	run mocker run web box sh -c 'echo hello; exec sleep 1000'
	check_status 0
	wait_until 60 grep -q hello /var/lib/mocker/containers/web/log
	mocker-runtime delete --force web
	run mocker ps
	check_lacks "$output" web
	run mocker ps -a
	check_matches "$output" $'\nweb +- +stopped +0 +box'
	run mocker logs web
	check_output hello
	run mocker inspect web
	check_equal "$(jq -c . <<<"$output")" '{"container":null,"network":null}'
	run mocker stop web
	check_status 0
	run mocker run web box
	check_fails_with "already" "mocker rm web"
	run mocker rm web
	check_status 0
	assert_no_containers
}
test_case "what the runtime has forgotten is listed as stopped, and removed by rm" forgotten

no_paths() {
	local name

	mkdir /var/lib/mocker/precious
	for name in ../precious .. . "" -x a/../../precious; do
		run mocker rm -f "$name"
		check_fails_with "no container \"$name\""
	done
	check_exists /var/lib/mocker/precious
	rmdir /var/lib/mocker/precious
}
test_case "rm -f takes no path for a name" no_paths

# ---- at once ------------------------------------------------------------------------

gone_meanwhile() {
	in_between mocker-runtime delete <<<'"$program" "$@"'
	in_between mocker-builder unbundle <<<'"$program" "$@"'
	run mocker run web box
	check_status 0
	run mocker stop -t 0 web
	run env MOCKER_RUNTIME="$tmp/in-between/mocker-runtime" \
		MOCKER_BUILDER="$tmp/in-between/mocker-builder" mocker rm web
	check_status 0
	check_equal "$errors" "" "the standard error"
	assert_no_containers
}
test_case "rm beside another rm: what has gone meanwhile is no error" gone_meanwhile

several() {
	for _ in 1 2 3; do
		run mocker run web box
		check_status 0
		mocker rm -f web >first 2>&1 &
		run mocker rm -f web
		check_status 0
		check wait $!
		check_equal "$(cat first)" "" "what the other rm printed"
		assert_no_containers
		mocker run -i --rm web box sh -c 'echo up; exec sleep 1000' >first 2>&1 </dev/null &
		check wait_until 60 grep -q up first
		run mocker rm -f web
		check_status 0
		wait $!
		check_equal $? 137 "the status of run"
		check_equal "$(cat first)" up "what run printed"
		assert_no_containers
	done
}
test_case "rm -f at once with another, or with run --rm, succeeds" several

others_of_the_line() {
	run mocker run one box
	run mocker run two box
	run mocker rm one nothere two
	check test "$status" != 0
	check_equal "$(wc -l <<<"$errors")" 3 "the number of lines"
	run mocker stop -t 0 nothere one two
	check_fails_with nothere
	run mocker rm nothere one two
	check_fails_with nothere
	assert_no_containers
}
test_case "what is wrong with one name does not keep the others of the line" \
	others_of_the_line

# ---- ends ---------------------------------------------------------------------------

zombie() {
	local pid parent began

	mocker run -i --rm web box sh -c 'trap "exit 0" TERM; echo up; while :; do sleep 0.1; done' \
		</dev/null >up 2>&1 &
	check wait_until 60 grep -q up up
	pid=$(container_pid web)
	parent=$(ps -o ppid= -p "$pid" | tr -d ' ')
	kill -STOP "$parent"
	began=$SECONDS
	run mocker stop -t 50 web
	check_status 0
	check test $((SECONDS - began)) -lt 40
	check_equal "$(ps -o stat= -p "$pid" | cut -c1)" Z "the state of its first process"
	kill -CONT "$parent"
	wait $!
	assert_no_containers
}
test_case "stop does not wait for a process that is dead and not yet reaped" zombie

quits() {
	needs python3 || return
	run $drive type '\x1c' mocker run -i --rm web box sh -c \
		'trap "exit 6" QUIT; echo type now; while :; do sleep 0.1; done'
	check_status 6
	assert_no_containers
	check_equal "$(container_status web)" none "the status"
}
test_case "Ctrl-\\ reaches the command; run leaves nothing" quits

# Three lines are read: mkdir, mkdir, bundle.
no_reader() {
	in_between mocker-builder bundle <<-END
		until [ -e $tmp/closed ]; do sleep 0.05; done
	END
	mkfifo lines
	{
		head -n 3 >/dev/null
		exec <&-
		touch closed
	} <lines &
	MOCKER_BUILDER=$tmp/in-between/mocker-builder timeout -s KILL 60 \
		mocker -x run --rm web box true 2>lines
	check_equal $? 141 "the status"
	wait $!
	assert_no_containers
	check_equal "$(container_status web)" none "the status"
	rm lines closed
}
test_case "a run whose lines nobody reads any more leaves nothing" no_reader
