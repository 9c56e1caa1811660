#!/bin/bash
# System call filters of a real container: loaded at the right moment, cached, refused by
# name; a listener that decides.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

deny_mkdir='.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names":
	["mkdir", "mkdirat", "no_such_call"], "action": "SCMP_ACT_ERRNO", "errnoRet": 13}]}'

a_call_is_denied() {
	sh_bundle "$tmp/web" 'mkdir /tmp/x; grep ^Seccomp: /proc/self/status' "$deny_mkdir"
	run mocker-runtime run --bundle "$tmp/web" web
	check_errors_have "can't create directory '/tmp/x': Permission denied"
	check_output "Seccomp:	2"
}
test_case "a denied call gets its errno" a_call_is_denied

without_no_new_privs() {
	sh_bundle "$tmp/web" 'mkdir /tmp/x; grep NoNewPrivs /proc/self/status' "$deny_mkdir" \
		'.process.noNewPrivileges = false' '.process.user = {"uid": 1000, "gid": 1000}'
	run mocker-runtime run --bundle "$tmp/web" web
	check_errors_have "Permission denied"
	check_output "NoNewPrivs:	0"
}
test_case "a filter is loaded without no_new_privs too" without_no_new_privs

in_exec_too() {
	make_bundle "$tmp/web" "$deny_mkdir" && in_bundle "$tmp/web" sleep 1000
	run mocker-runtime run --detach --bundle "$tmp/web" web
	check_status 0
	run mocker-runtime exec web mkdir /tmp/x
	check_errors_have "Permission denied"
	run mocker-runtime delete --force web
	check_status 0
}
test_case "exec loads the container's filter" in_exec_too

hooks_of() { # KIND
	sh_bundle "$tmp/web" 'ls /tmp' "$deny_mkdir" \
		".hooks.$1 = [{\"path\": \"/bin/mkdir\", \"args\": [\"mkdir\", \"$2\"]}]"
	run mocker-runtime run --bundle "$tmp/web" web
}

# The program of startContainer may be the image's.
its_hooks_too() {
	hooks_of startContainer /tmp/y
	check_status 1
	check_fails_with /hooks/startContainer/0 "Permission denied"
	edit_bundle "$tmp/web" '.process.noNewPrivileges |= not'
	run mocker-runtime run --bundle "$tmp/web" web
	check_fails_with /hooks/startContainer/0 "Permission denied"
	hooks_of createContainer "$tmp/web/rootfs/tmp/y"
	check_status 0
	check_output_has y
}
test_case "startContainer is filtered as the program is, and no hook before it" its_hooks_too

the_cache() {
	local compiled

	needs strace || return
	make_bundle "$tmp/web" "$deny_mkdir"
	run mocker-runtime --root "$tmp/root" run --bundle "$tmp/web" web
	check_status 0
	compiled=$(stat -c '%n %i %z' "$tmp"/root/@seccomp/*)
	check_has "$compiled" "$tmp/root/@seccomp/"
	run strace -f -e trace=openat,open mocker-runtime --root "$tmp/root" run \
		--bundle "$tmp/web" web
	check_status 0
	check_lacks "$errors" libseccomp.so
	check_errors_have "$(basename "${compiled%% *}")"
	check_equal "$(stat -c '%n %i %z' "$tmp"/root/@seccomp/*)" "$compiled"
	check_equal "$(stat -c %a "$tmp/root/@seccomp")" 700
	rm -rf "$tmp/root"
}
test_case "the second start of a profile does not compile it" the_cache

refused() {
	make_bundle "$tmp/web" ".linux.seccomp = $1"
	shift
	run mocker-runtime run --bundle "$tmp/web" web
	check_fails_with "$@"
}

refusals_name_the_member() {
	refused '{"defaultAction": "SCMP_ACT_ALLOW", "defaultErrnoRet": 1}' \
		/linux/seccomp/defaultErrnoRet
	refused '{"defaultAction": "SCMP_ACT_NOTIFY"}' /linux/seccomp/listenerPath
	refused '{"defaultAction": "SCMP_ACT_ALLOW", "listenerPath": "/no/such/socket",
		"syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}]}' \
		/linux/seccomp/listenerPath "No such file or directory"
	refused '{"defaultAction": "SCMP_ACT_ALOW"}' /linux/seccomp/defaultAction
}
test_case "what cannot be filtered is refused by name" refusals_name_the_member

notify_mkdir='.linux.seccomp = {"defaultAction": "SCMP_ACT_ALLOW", "listenerMetadata": "meta",
	"flags": ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"],
	"syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}]}'

listen() { # [all]
	rm -f "$tmp/agent"
	"$e2e/seccomp-listener.py" "$tmp/agent" "$@" >"$tmp/heard" &
	listener=$!
	check wait_until 60 test -S "$tmp/agent"
}

# told NUMBER: the lines of the NUMBERth connection, once both are there.
has_heard() {
	[ "$(wc -l <"$tmp/heard")" -ge "$1" ]
}
told() {
	check wait_until 20 has_heard $(($1 * 2))
	sed -n "$(($1 * 2 - 1)),$(($1 * 2))p" "$tmp/heard"
}

# check_told LINES PID: what the specification wants of the container process state.
check_told() {
	local state

	state=$(head -n 1 <<<"$1" | cut -d' ' -f2-)
	check_equal "$(head -n 1 <<<"$1" | cut -d' ' -f1)" 1 "the number of descriptors"
	check_equal "$(jq -c '[.fds, .metadata, .ociVersion, .state.id, .state.bundle,
		.state.annotations.a]' <<<"$state")" \
		"[[\"seccompFd\"],\"meta\",\"1.3.0\",\"web\",\"$tmp/web\",\"b\"]"
	check_matches "$(jq -r .state.status <<<"$state")" '^(creating|running)$'
	check_equal "$(jq .pid <<<"$state")" "$2" "the pid"
	check_equal "$(tail -n 1 <<<"$1" | cut -d' ' -f1)" 83 "the system call"
}

a_listener_decides() {
	local listener nnp before=0

	[ "$(uname -m)" = x86_64 ] || { skip "knows mkdir's number of x86_64" && return; }
	listen
	for nnp in true false; do
		sh_bundle "$tmp/web" 'mkdir /tmp/x; exec sleep 1000' "$notify_mkdir" \
			'.annotations.a = "b"' ".linux.seccomp.listenerPath = \"$tmp/agent\"" \
			".process.noNewPrivileges = $nnp"
		run mocker-runtime create --bundle "$tmp/web" web
		check_status 0
		mocker-runtime start web 2>"$tmp/said" >&2
		check_told "$(told $((before + 1)))" "$(container_pid web)"
		run mocker-runtime exec --pid-file "$tmp/pid" web mkdir /tmp/y
		check_errors_have "Argument list too long"
		check_told "$(told $((before + 2)))" "$(cat "$tmp/pid")"
		check_equal "$(told $((before + 2)) | head -n 1 | cut -d' ' -f2- | jq .state.pid)" \
			"$(container_pid web)" "the container's pid"
		run mocker-runtime delete --force web
		before=2
	done
	stop_listening
}
stop_listening() {
	kill "$listener"
	wait "$listener" 2>/dev/null
	rm "$tmp/agent"
}
test_case "Seccomp: a listener gets the state with one descriptor, and decides" \
	a_listener_decides

# The pids are the runtime's, whatever namespaces the process is in.
listener_and_user_namespace() {
	local listener

	[ "$(uname -m)" = x86_64 ] || { skip "knows mkdir's number of x86_64" && return; }
	listen
	sh_bundle "$tmp/web" 'mkdir /tmp/x; exec sleep 1000' "$notify_mkdir" \
		".annotations.a = \"b\" | .linux.seccomp.listenerPath = \"$tmp/agent\"" \
		'.linux.namespaces += [{"type": "user"}] |
		.linux.uidMappings = [{"containerID": 0, "hostID": 0, "size": 65536}] |
		.linux.gidMappings = .linux.uidMappings'
	run mocker-runtime run --detach --bundle "$tmp/web" web
	check_told "$(told 1)" "$(container_pid web)"
	run mocker-runtime exec --pid-file "$tmp/pid" web mkdir /tmp/y
	check_errors_have "Argument list too long"
	check_told "$(told 2)" "$(cat "$tmp/pid")"
	run mocker-runtime delete --force web
	stop_listening
}
test_case "Seccomp: the listener's pids are the runtime's with a user namespace too" \
	listener_and_user_namespace

# An agent that waits for the end of the state before it decides anything.
close_is_decided_too() {
	local listener

	[ "$(uname -m)" = x86_64 ] || { skip "knows close's number of x86_64" && return; }
	listen
	sh_bundle "$tmp/web" 'exec 3</dev/null 3<&-; exec sleep 1000' "$notify_mkdir" \
		'.linux.seccomp.syscalls[0].names = ["close", "write"]' \
		".linux.seccomp.listenerPath = \"$tmp/agent\""
	run mocker-runtime run --detach --bundle "$tmp/web" web
	check_status 0
	check_equal "$(told 1 | tail -n 1 | cut -d' ' -f1)" 3 "the system call"
	run mocker-runtime delete --force web
	stop_listening
}
test_case "Seccomp: a listener may decide about close too" close_is_decided_too

# Even of what we call ourselves: to tell it anything needs none of these.
all_is_decided() {
	local listener nnp before=0

	[ "$(uname -m)" = x86_64 ] || { skip "knows the numbers of x86_64" && return; }
	listen all
	for nnp in true false; do
		sh_bundle "$tmp/web" 'exit 3' ".process.noNewPrivileges = $nnp" \
			".linux.seccomp = {defaultAction: \"SCMP_ACT_NOTIFY\",
			listenerPath: \"$tmp/agent\"}" '.hooks.startContainer = [{"path":
			"/bin/sh", "args": ["sh", "-c", "exit 0"]}]'
		run mocker-runtime run --bundle "$tmp/web" web
		check_status 3
		check_has " $(told $((before += 1)) | tail -n 1) " " 59 " "the system calls"
	done
	sh_bundle "$tmp/web" 'sleep 1000' ".linux.seccomp.listenerPath = \"$tmp/agent\"" \
		'.linux.seccomp += {defaultAction: "SCMP_ACT_ALLOW", syscalls: [
		{names: ["sendmsg", "shutdown", "close"], action: "SCMP_ACT_NOTIFY"}]}'
	run mocker-runtime run -d --bundle "$tmp/web" web
	check_status 0
	run mocker-runtime exec web sh -c 'exit 4'
	check_status 4
	run mocker-runtime ps web
	check_lacks "$output" "mocker"
	run mocker-runtime delete --force web
	stop_listening
}
test_case "Seccomp: a listener may decide about all, sendmsg and close too" all_is_decided

a_listener_that_goes() {
	local deaf

	deaf_socket "$tmp/deaf"
	sh_bundle "$tmp/web" 'exec sleep 1000' "$notify_mkdir" \
		".linux.seccomp.listenerPath = \"$tmp/deaf\""
	run mocker-runtime create --bundle "$tmp/web" web
	check_status 0
	wait "$deaf"
	run mocker-runtime start web
	check_fails_with "/linux/seccomp/listenerPath: sending the state" \
		"the listener has closed the connection"
	run mocker-runtime delete --force web
	rm "$tmp/deaf"
}
test_case "Seccomp: a listener that closes the connection at once is told of" \
	a_listener_that_goes

# What denies all leaves no way to say so, or to exit.
without_execve() {
	make_bundle "$tmp/web" '.process.args = ["true"]' '.linux.seccomp = {defaultAction:
		"SCMP_ACT_ERRNO", defaultErrnoRet: 13, syscalls: []}'
	run mocker-runtime run --bundle "$tmp/web" web
	check_fails_with "the container's init ended early" "does /linux/seccomp let it call execve?"
	make_bundle "$tmp/web" && in_bundle "$tmp/web" sleep 1000
	run mocker-runtime run --detach --bundle "$tmp/web" web
	jq '.linux.seccomp = {defaultAction: "SCMP_ACT_ERRNO", syscalls: []}' \
		/run/mocker/web/config.json >"$tmp/denying"
	cat "$tmp/denying" >/run/mocker/web/config.json
	run mocker-runtime exec web true
	check_fails_with "ended before it executed its program" "/linux/seccomp"
	run mocker-runtime delete --force web
}
test_case "a profile that lets no program begin is told of" without_execve
