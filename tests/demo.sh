#!/bin/bash
# The demo: a container's life from a Mockerfile to its removal, told as it happens. It runs
# in namespaces of its own (tests/e2e/pretend-host.sh): the bridge, the addresses, the store
# and the processes are gone when it ends, and the machine has seen none of them.
set -u -o pipefail
top_srcdir=$(realpath "${top_srcdir:-$(dirname "$0")/..}")
top_builddir=$(realpath "${top_builddir:-$top_srcdir}")
export top_srcdir top_builddir
e2e=$top_srcdir/tests/e2e

# shellcheck source=tests/e2e/pretend-host.sh
. "$e2e/pretend-host.sh"
# shellcheck source=tests/e2e/original.sh
. "$e2e/original.sh"

pretend_host_enter "$@"

bold='' dim='' plain=''
if [ -t 1 ]; then
	bold=$(printf '\033[1m') dim=$(printf '\033[2m') plain=$(printf '\033[0m')
fi

tell() {
	printf '\n%s%s%s\n' "$bold" "$*" "$plain"
}

# try COMMAND LINE: shows it as typed, and what it answers, without wget's dots.
try() {
	printf '  %s$ %s%s\n' "$dim" "$1" "$plain"
	eval "$1" 2>&1 | sed -e '/ \.\.\.\.\.\.\.\.\.\. /d' -e 's/^/    /'
	[ "${PIPESTATUS[0]}" = 0 ] || {
		echo "the demo ended here: that command failed"
		exit 1
	}
}

wait_until() {
	local end=$((SECONDS + $1))

	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
}

original_build_backend "$tmp/site" && original_start_site "$tmp/site" || exit 1
original_mockerfile 1 >golang1.Mockerfile
original_mockerfile 2 >golang2.Mockerfile

tell "This is Mocker. All of this runs in namespaces of its own: the machine stays as it is."
try "mocker version"

tell "1. A Mockerfile without FROM builds on this machine's own files; RUN cannot change them."
try "cat golang1.Mockerfile"
try "mocker build img1 golang1.Mockerfile"

tell "2. Nothing changed: every step comes from the cache."
try "mocker build img1 golang1.Mockerfile"

tell "3. Another Mockerfile shares the first steps, and their layers."
try "diff golang1.Mockerfile golang2.Mockerfile || true"
try "mocker build img2 golang2.Mockerfile"
try "mocker images"

tell "4. A container: namespaces, a cgroup and an address of its own. -x shows who does what."
try "mocker -x run backend img1"
address=$(mocker ps | awk '$1 == "backend" { print $2 }')
try "mocker ps"
wait_until 5 curl -sf "http://$address:10000/"

tell "5. It answers on its address; on the host nothing listens on that port."
try "curl -s $address:10000"
try "ss -Hltn 'sport = :10000' | wc -l"

tell "6. From inside: PID numbers of its own."
try "mocker exec backend ps -eo pid,args"

tell "7. From the host, with the host's tools, in the container's network."
try "ip netns exec backend ip -4 -o address show dev eth0"
try "ip netns exec backend ss -Hltn"

tell "8. A second one has the same port at another address."
try "mocker run backend2 img2"
other=$(mocker ps | awk '$1 == "backend2" { print $2 }')
wait_until 5 curl -sf "http://$other:10000/"
try "curl -s $other:10000"

tell "9. Removed without a trace: no process, mount, cgroup, interface, namespace or address."
try "mocker rm -f backend backend2"
try "mocker ps"
try "ip -o link show type veth | wc -l"
try "ls /run/netns | wc -l"
try "find /sys/fs/cgroup -name 'backend*' | wc -l"

tell "That was the demo. mocker help lists the commands; README.md goes on from here."
