#!/bin/bash
# What a process inside that may trace others sees of the runtime while it makes another one
# there: nothing by which it would come to the host.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

needs strace || exit 0
tracer='.process.capabilities |= map_values(["CAP_SYS_PTRACE", "CAP_SYS_ADMIN",
	"CAP_DAC_OVERRIDE", "CAP_KILL"]) | .process.noNewPrivileges = false'
mapped='.linux.namespaces += [{"type": "user"}] | .linux.gidMappings = .linux.uidMappings |
	.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}] |
	.linux.gidMappings = .linux.uidMappings'

# Of each process of ours that is in sight: what its descriptors, its environment and its
# command line are, and where ".." leads to from them.
# shellcheck disable=SC2016
look='for p in /proc/[0-9]*; do
	grep -q mocker $p/comm || continue
	echo "title $(tr "\0" " " <$p/cmdline)"
	grep -ao SECRET $p/environ
	for fd in $p/fd/*; do
		echo "fd $(readlink $fd)"
		cat $fd/../host-only $fd/host-only $fd/../../host-only
	done
	[ "$(readlink $p/root)" = / ] || echo "root $(readlink $p/root)"
done 2>/dev/null'

# The host's file lies where the root directory, the bundle and the cgroup begin.
secret() {
	echo of-the-host >"$tmp/host-only"
}

check_blind() { # WHAT WAS SEEN
	check_has "$1" "title mocker-runtime init"
	check_lacks "$1" of-the-host "the host's file"
	check_lacks "$1" SECRET "the environment"
	check_lacks "$1" "$tmp/root" "the root directory"
	check_lacks "$1" "$tmp/web" "the bundle"
	check_lacks "$1" /sys/fs/cgroup "the host's cgroups"
}

created() {
	secret
	make_bundle "$tmp/web" '.process.args = ["sleep", "1000"]' "$tracer" "$@"
	chmod 755 "$tmp"
	SECRET=told run mocker-runtime --root "$tmp/root" create -b "$tmp/web" web 5<"$tmp"
	check_status 0
	run mocker-runtime --root "$tmp/root" exec web sh -c "$look"
	check_status 0
	check_blind "$output"
	run mocker-runtime --root "$tmp/root" delete --force web
	[ ! -e "$tmp/root/pod" ] || run mocker-runtime --root "$tmp/root" delete --force pod
	rm -rf "$tmp/root"
}
test_case "who waits for start has nothing of the host's" created
test_case "nor in a user namespace" created "$mapped"

# In the sight of others from its birth on.
shared() {
	make_bundle "$tmp/pod" '.process.args = ["sleep", "1000"]'
	run mocker-runtime --root "$tmp/root" run -d -b "$tmp/pod" pod
	check_status 0
	created "(.linux.namespaces[] | select(.type == \"pid\")).path = \"/proc/$(jq .pid \
		"$tmp/root/pod/state.json")/ns/pid\""
}
test_case "nor in a pid namespace of others" shared

seen() {
	run mocker-runtime --root "$tmp/root" exec web sh -c "$look"
	[[ "$output" = *title* ]]
}

# The parent stands still once it has written its pid file, so that there is time to look.
joined() {
	local exec

	secret
	make_bundle "$tmp/web" '.process.args = ["sleep", "1000"]' "$tracer" "$@"
	chmod 755 "$tmp"
	run mocker-runtime --root "$tmp/root" run -d -b "$tmp/web" web
	check_status 0
	SECRET=told strace -f -o "$tmp/trace" -e trace=renameat,renameat2 \
		-e inject=renameat,renameat2:signal=STOP:when=1 \
		mocker-runtime --root "$tmp/root" exec --pid-file "$tmp/pid" web true &
	exec=$!
	check wait_until 60 grep -q 'stopped by SIGSTOP' "$tmp/trace"
	check wait_until 60 seen
	check_blind "$output"
	kill -CONT "$(sed -n 's/^\([0-9]*\) .*stopped by SIGSTOP.*/\1/p' "$tmp/trace")"
	wait "$exec" || failed "exec: status $?"
	run mocker-runtime --root "$tmp/root" delete --force web
	rm -rf "$tmp/root"
}
test_case "who is born by exec has nothing of the host's" joined
test_case "nor in a user namespace by exec" joined "$mapped"
