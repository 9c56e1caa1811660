#!/bin/bash
# What callers, neighbours and disks do that nobody expects: the runtime says so, and takes
# nothing for something else.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

sleeper() {
	make_bundle "$tmp/web" '.process.args = ["sleep", "1000"]'
	run mocker-runtime run -d -b "$tmp/web" web
	check_status 0
}

removed() {
	run mocker-runtime delete --force "${1-web}"
	check_status 0
}

# A check that fails is not the answer that the process has ended.
cannot_tell() {
	needs strace || return
	sleeper
	run strace -f -o /dev/null -e inject=pidfd_open:error=EMFILE:when=1 \
		mocker-runtime delete web
	check_fails_with "looking for process $(container_pid web): Too many open files"
	run unshare -m sh -c 'umount -l /proc && exec mocker-runtime delete web'
	check_fails_with "lives, but /proc does not show it; is /proc mounted?"
	check_equal "$(container_status web)" running
	removed
}
test_case "a container of which it cannot be told whether it lives is not deleted" cannot_tell

# What breaks off is no end: containers, and the processes of one, would be missing.
lists_break_off() {
	local command

	needs strace || return
	sleeper
	for command in "list" "ps web" "kill --all web USR1"; do
		# shellcheck disable=SC2086 # words
		run strace -f -o /dev/null -e inject=getdents64:error=EIO mocker-runtime $command
		check_status 1
		check_fails_with "listing /" "Input/output error"
	done
	removed
}
test_case "a list of containers or processes that breaks off is an error" lists_break_off

renamed_directory() {
	sleeper
	mv /run/mocker/web /run/mocker/other
	run mocker-runtime state other
	check_equal "$(jq -r .id <<<"$output")" other
	mkdir /run/mocker/web
	removed other
	check_missing /run/mocker/other
	check_exists /run/mocker/web
	rmdir /run/mocker/web
}
test_case "the directory that is removed is the one that was opened" renamed_directory

large_annotations() {
	head -c 5000000 /dev/zero | tr '\0' x >"$tmp/long"
	make_bundle "$tmp/web" '.process.args = ["true"]'
	jq --rawfile long "$tmp/long" '.annotations.long = $long' "$tmp/web/config.json" \
		>"$tmp/config" && cp "$tmp/config" "$tmp/web/config.json"
	run mocker-runtime create -b "$tmp/web" web
	check_status 0
	check_equal "$(container_status web)" created
	run mocker-runtime start web
	check_status 0
	removed
}
test_case "annotations of many megabytes are no obstacle" large_annotations

# sd_listen_fds(3): who is not LISTEN_PID has none.
listen_fds() {
	sh_bundle "$tmp/web" 'ls /proc/self/fd | wc -l; echo "${LISTEN_FDS-none}"'
	run env LISTEN_FDS=1 LISTEN_PID=1 mocker-runtime run -b "$tmp/web" web 3</root
	check_has "$output" none
	run sh -c 'LISTEN_FDS=1 LISTEN_PID=$$ exec mocker-runtime run -b "$0" web' \
		"$tmp/web" 3</dev/null
	check_equal "$(tail -n 1 <<<"$output")" 1 "LISTEN_FDS"
	sleeper
	run env LISTEN_FDS=1 LISTEN_PID=1 mocker-runtime exec web \
		sh -c 'test -e /proc/self/fd/3 && echo leaked; true' 3</root
	check_output ""
	removed
}
test_case "sockets of a service manager are passed on only if they are ours" listen_fds

# run is asleep while its container is deleted, and another made of the same name.
another_of_that_name() {
	local first

	make_bundle "$tmp/web" '.process.args = ["sleep", "1000"]'
	mocker-runtime run -b "$tmp/web" web </dev/null >/dev/null 2>&1 &
	first=$!
	check wait_until 20 eval '[ "$(container_status web)" = running ]'
	kill -STOP $first
	removed
	sleeper
	kill -CONT $first
	wait $first
	check_equal "$(container_status web)" running
	removed
}
test_case "run deletes its own container and no other of that name" another_of_that_name

hooks_are_silent() {
	local hook='[{"path": "/bin/sh", "args": ["sh", "-c", "echo said; echo told >&2"]}]'

	make_bundle "$tmp/web" '.process.args = ["echo", "hello"]' ".hooks = {\"prestart\": $hook,
		\"createRuntime\": $hook, \"createContainer\": $hook, \"startContainer\": $hook,
		\"poststart\": $hook, \"poststop\": $hook}"
	run mocker-runtime run -b "$tmp/web" web
	check_status 0
	check_output hello
	edit_bundle "$tmp/web" '.hooks.createRuntime[0].args[2] += "; exit 4"'
	run mocker-runtime run -b "$tmp/web" web
	check_fails_with "/hooks/createRuntime/0: /bin/sh exited with status 4: said told"
}
test_case "what hooks print is told where they fail, and nowhere else" hooks_are_silent

# The reader is slow, and its pipe must not be waited for.
slow_reader() {
	needs python3 || return
	sleeper
	run python3 -c 'import array, fcntl, os, subprocess, sys, termios, time
read, write = os.pipe()
os.set_blocking(write, False)
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=write)
os.close(write)
held = array.array("i", [0])
while held[0] < 30000: # its pipe is full, or nearly
    time.sleep(0.01)
    fcntl.ioctl(read, termios.FIONREAD, held)
data = b""
while chunk := os.read(read, 4096):
    data += chunk
print(len(data.split()), child.wait())' mocker-runtime exec -t web seq 100000
	check_output "100000 0"
	removed
}
test_case "with a terminal nothing is lost to a reader that is slow" slow_reader

# A shell with job control, on a terminal of its own.
background_job() {
	needs python3 || return
	sleeper
	run python3 "$e2e/runtime-terminal.py" jobs \
		"mocker-runtime exec -t web sh -c 'echo begun \$((1 + 1)); read x; echo got \$x'"
	check_status 0
	check_output_has "got hello"
	removed
}
test_case "exec in the background takes its terminal again with fg" background_job

broken_state() {
	sleeper
	cp /run/mocker/web/state.json "$tmp/state"
	truncate -s 100 /run/mocker/web/state.json
	run mocker-runtime list
	check_status 0
	check_errors_have 'container "web": state.json'
	run mocker-runtime delete --force web
	check_fails_with "state.json" "end its processes, then remove /run/mocker/web"
	cat "$tmp/state" >/run/mocker/web/state.json
	removed
}
test_case "a state.json that is broken is told of by list and by delete" broken_state

# The profile lets the error's usual way not through.
silent_profile() {
	make_bundle "$tmp/web" '.process.args = ["/bin/text"]' '.linux.seccomp = {
		"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["sendmsg"],
		"action": "SCMP_ACT_ERRNO"}]}'
	echo text >"$tmp/web/rootfs/bin/text"
	chmod +x "$tmp/web/rootfs/bin/text"
	run mocker-runtime run -b "$tmp/web" web
	check_fails_with "exec format error"
}
test_case "a profile that denies sendmsg does not silence execve's error" silent_profile

# The hook, which runs between connecting and sending, waits until it has closed.
console_that_closes() {
	local deaf

	needs python3 || return
	deaf_socket "$tmp/deaf"
	make_bundle "$tmp/web" '.process.args = ["true"]' '.process.terminal = true' \
		'.hooks.createRuntime = [{"path": "/usr/bin/tail", "timeout": 60,
		"args": ["tail", "--pid='"$deaf"'", "-f", "/dev/null"]}]'
	run mocker-runtime create -b "$tmp/web" --console-socket "$tmp/deaf" web
	check_fails_with "--console-socket: handing the descriptor over"
	wait "$deaf"
	rm "$tmp/deaf"
}
test_case "a console socket that closes is told as that" console_that_closes

queues_of_root() {
	sh_bundle "$tmp/web" 'stat -c %u:%g /dev/mqueue; chmod 1777 /dev/mqueue' \
		'.linux.namespaces += [{"type": "user"}]' \
		'.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]' \
		'.linux.gidMappings = .linux.uidMappings'
	run mocker-runtime run -b "$tmp/web" web
	check_status 0
	check_matches "$output" '^0:'
}
test_case "message queues belong to root of the user namespace" queues_of_root

ended_before_start() {
	make_bundle "$tmp/web" '.process.args = ["sleep", "1000"]'
	run mocker-runtime create -b "$tmp/web" web
	run mocker-runtime kill web TERM
	check_status 0
	check wait_until 60 eval '[ "$(container_status web)" = stopped ]'
	removed
}
test_case "TERM ends a container that was never started" ended_before_start

ids_with_dots() {
	make_bundle "$tmp/web" '.process.args = ["sleep", "1000"]'
	run mocker-runtime run -d -b "$tmp/web" .web
	check_status 0
	run mocker-runtime list --quiet
	check_output .web
	removed .web
	run mocker-runtime delete --force "$(printf '%0256d' 0)"
	check_fails_with "expected up to 255"
}
test_case "an id may begin with a dot" ids_with_dots

# As runc has it: scripts write --log="$LOG" where there may be none.
empty_values() {
	make_bundle "$tmp/web" '.process.args = ["sleep", "1000"]'
	run mocker-runtime --log= --log-format= --rootless "" run -d --bundle="$tmp/web" \
		--pid-file= web
	check_status 0
	run mocker-runtime exec --cwd= --user "" web pwd
	check_output /
	run mocker-runtime list --format ""
	check_output_has running
	run mocker-runtime kill web ""
	check_status 0
	removed
}
test_case "an option without its text is one that is not given" empty_values

# As many connections wait for it as its backlog takes.
listen_to_nobody() {
	python3 -c 'import os, socket, sys, time
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1] + "~")
server.listen(0)
waiting = []
try:
    while True:
        waiting.append(socket.socket(socket.AF_UNIX))
        waiting[-1].setblocking(False)
        waiting[-1].connect(sys.argv[1] + "~")
except BlockingIOError:
    pass
os.rename(sys.argv[1] + "~", sys.argv[1])
time.sleep(1000)' "$1" &
	nobody=$!
	check wait_until 60 test -S "$1"
}

console_that_is_busy() {
	local command nobody waiting

	needs python3 || return
	listen_to_nobody "$tmp/busy"
	make_bundle "$tmp/web" '.process.args = ["sleep", "1000"]'
	make_bundle "$tmp/tty" '.process.args = ["true"]' '.process.terminal = true'
	run mocker-runtime run -d -b "$tmp/web" web
	for command in "exec -d -t web true" "create -b $tmp/tty tty"; do
		# shellcheck disable=SC2086 # words
		mocker-runtime ${command/ / --console-socket "$tmp/busy" } 2>"$tmp/said" &
		waiting=$!
		check wait_until 60 grep -q unix_wait_for_peer "/proc/$waiting/stack"
		kill -TERM "$waiting"
		wait "$waiting" && failed "$command: status 0"
		check_has "$(cat "$tmp/said")" "--console-socket: ended by signal 15"
	done
	kill "$nobody"
	wait "$nobody" 2>/dev/null
	rm "$tmp/busy"
	removed
}
test_case "TERM ends the waiting for a console socket that has no time" console_that_is_busy

default_devices() {
	sh_bundle "$tmp/web" 'mknod /dev/x c 5 1 && mknod /dev/y c 1 3; : </dev/y && echo null
		: </dev/x' '.process.capabilities[] += ["CAP_MKNOD"]'
	run mocker-runtime run -b "$tmp/web" web
	check_output null
	check_errors_have "/dev/x: Operation not permitted"
}
test_case "the system's console is not among the devices that all have" default_devices

empty_home() {
	sh_bundle "$tmp/web" 'echo "$HOME"' '.process.env += ["HOME="]'
	run mocker-runtime run -b "$tmp/web" web
	check_output /root
}
test_case "a HOME that is empty is set as one that is missing" empty_home

container_that_dies() {
	local exec

	needs strace || return
	sleeper
	strace -f -o "$tmp/trace" -e trace=setns -e inject=setns:signal=STOP:when=1 \
		mocker-runtime exec web true 2>"$tmp/said" &
	exec=$!
	check wait_until 60 grep -q 'stopped by SIGSTOP' "$tmp/trace"
	run mocker-runtime kill web KILL
	check wait_until 60 eval '[ "$(container_status web)" = stopped ]'
	kill -CONT "$(sed -n 's/^\([0-9]*\) .*stopped by SIGSTOP.*/\1/p' "$tmp/trace")"
	wait "$exec" && failed "status 0"
	check_has "$(cat "$tmp/said")" "cannot exec in a stopped container"
	removed
}
test_case "exec into a container that dies meanwhile says so" container_that_dies

no_room_for_help() {
	local program

	for program in mocker-runtime mocker-builder mocker-netsetup; do
		run sh -c "exec $program --help >/dev/full"
		check_fails_with "No space left on device"
	done
}
test_case "help that cannot be written is an error" no_room_for_help

file_that_stays() {
	needs strace || return
	sleeper
	run mocker-runtime kill web KILL
	check wait_until 60 eval '[ "$(container_status web)" = stopped ]'
	run strace -f -o /dev/null -e inject=unlinkat:error=EIO mocker-runtime delete web
	check_fails_with "Input/output error"
	removed
}
test_case "what cannot be removed is told with its reason" file_that_stays
