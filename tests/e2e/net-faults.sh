#!/bin/bash
# System calls of add and del that fail, one at a time, on a network with a name server and on
# a user's with pasta; and kill -9 at each of them. Either the command succeeds or it says in
# one line why not; and then del and gc leave nothing.
test_limit=900
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
network_stays
leaves '^(link|address|route) .*(mocker[0-9]|outside0)|^file /var/lib/mocker/networks|^file .*/user/'

set_up() {
	another_host outside
	ip route add default via 10.99.0.2
	mocker-netsetup network create named --subnet 10.7.0.0/24 --dns --interface mocker1
	mkdir -p "$tmp/user"
	mount -t tmpfs -o dev,mode=755 tmpfs "$tmp/user"
	mknod "$tmp/user/tun" c 10 200 && chmod 666 "$tmp/user/tun"
	mount --bind "$tmp/user/tun" /dev/net/tun
	mkdir "$tmp/user/run" "$tmp/user/home"
	chown 1000:1000 "$tmp/user/run" "$tmp/user/home"
	programs_for_all
}
test_setup set_up

# Of each call what it can fail with, and from which on and how far apart: the loader opens
# files first, and those of netlink are many of a kind.
faults='
	openat EMFILE 12 3
	read EIO 12 4
	write ENOSPC 1 1
	mkdir ENOSPC 1 1
	mkdirat ENOSPC 1 1
	renameat ENOSPC 1 1
	symlinkat ENOSPC 1 1
	flock EINTR 1 1
	getdents64 EIO 1 1
	socket ENOBUFS 1 1
	sendto ENOBUFS 1 2
	recvfrom ENOMEM 1 3
	sendmsg ENOBUFS 1 1
	recvmsg ENOMEM 1 4
	unshare ENOSPC 1 1
	setns EPERM 1 1
	mount ENOMEM 1 1
	umount2 EBUSY 1 1
	unlinkat EIO 1 1
	unlink EIO 1 1
	pipe2 EMFILE 1 1
	clone EAGAIN 1 1
	poll EINTR 1 1
	wait4 EINTR 1 1
	pidfd_open EMFILE 1 1
	pidfd_send_signal EPERM 1 1'

# each_fault BEFORE SETTLED COMMAND...: the functions prepare a run, and check what is left
# after it.
each_fault() {
	local before=$1 settled=$2 call error first step i what tried=0

	shift 2
	while read -r call error first step; do
		[ -n "$call" ] || continue
		for ((i = first; i < 60; i += step)); do
			for what in "error=$error" signal=KILL; do
				"$before"
				rm -f "$trace"
				run "${as[@]}" strace -qq -o "$trace" -e "trace=$call" \
					-e "inject=$call:$what:when=$i" "$@"
				injected "$what" && answered "$what" "$call $i $what" &&
					tried=$((tried + 1))
				"$settled" "$call $i $what"
				[ -n "$injected" ] || break 2
			done
		done
	done <<<"$faults"
	[ $tried -ge 10 ] || failed "only $tried faults were met"
	echo "# $tried faults"
}

# The command made so many of these calls.
injected() { # WHAT
	injected=
	[ "$1" = signal=KILL ] && [ "$status" = 137 ] && injected=yes
	grep -q '(INJECTED)' "$trace" && injected=yes
	[ -n "$injected" ]
}

answered() { # WHAT WHERE
	[ "$1" != signal=KILL ] || return 0
	case $status in
	124 | 134 | 139) failed "it hangs or crashes after $2" ;;
	0) ;;
	*) [ -s "$tmp/.errors" ] || failed "no reason is said after $2 (status $status)" ;;
	esac
	return 0
}

# ---- names ----------------------------------------------------------------------------

servers() {
	pgrep -xc dnsmasq
}

names_settled() { # WHERE
	mocker-netsetup del --force victim || failed "del after $1"
	mocker-netsetup gc >/dev/null || failed "gc after $1"
	! ip -o link show type veth | grep -v outside0 >/dev/null || failed "a veth is left after $1"
	[ ! -e /run/netns/victim ] || failed "the name is left after $1"
	[ ! -e /run/mocker/networks/names/named ] || failed "names are left after $1"
	[ -z "$(find /run/mocker/networks/attachments -mindepth 1)" ] ||
		failed "a record is left after $1"
	[ -z "$(find /run/mocker/networks -path '*/pools/*' \( -name '10.*' -o -name 'tcp*' \))" ] ||
		failed "a lease is left after $1"
	wait_until 60 no_server || failed "a server is left after $1"
}

no_server() {
	[ "$(servers)" = 0 ]
}

attach_named() {
	mocker-netsetup add victim --network named --publish 8080:80 >/dev/null ||
		failed "attaching again"
}

as=()
trace=$tmp/trace
adding_names() {
	needs strace dnsmasq || return
	each_fault true names_settled mocker-netsetup add victim --network named \
		--publish 8080:80
}
test_case "add on a network with names: each call failing, or killed there" adding_names

deleting_names() {
	needs strace dnsmasq || return
	each_fault attach_named names_settled mocker-netsetup del victim
}
test_case "del on a network with names: each call failing, or killed there" deleting_names

# What breaks off is no end: whose record is missing would lose its rules.
lists_break_off() {
	local command

	needs strace || return
	mocker-netsetup add web --publish 8080:80 >/dev/null
	for command in list check reload gc "network ls"; do
		# shellcheck disable=SC2086 # words
		run strace -o /dev/null -e inject=getdents64:error=EIO mocker-netsetup $command
		check_status 1
		check_fails_with "listing /" "Input/output error"
	done
	run mocker-netsetup check
	check_status 0
	run mocker-netsetup del web
}
test_case "a list of records or networks that breaks off is an error" lists_break_off

# ---- pasta ----------------------------------------------------------------------------

as_user=(setpriv --reuid 1000 --regid 1000 --clear-groups env "PATH=$tmp/programs:$PATH"
	"HOME=$tmp/user/home" "XDG_RUNTIME_DIR=$tmp/user/run")

user_settled() { # WHERE
	"${as_user[@]}" mocker-netsetup del --force victim || failed "del after $1"
	"${as_user[@]}" mocker-netsetup gc >/dev/null || failed "gc after $1"
	wait_until 60 no_pasta || failed "pasta is left after $1"
	[ -z "$(find "$tmp/user/run/mocker/networks/attachments" -mindepth 1 2>/dev/null)" ] ||
		failed "a record is left after $1"
}

no_pasta() {
	! pgrep -f -- "--config-net --quiet" >/dev/null
}

adding_pasta() {
	local faults='
		mkdir ENOSPC 1 1
		renameat ENOSPC 1 1
		symlinkat ENOSPC 1 1
		pipe2 EMFILE 1 1
		clone EAGAIN 1 1
		poll EINTR 1 1
		wait4 EINTR 1 1'
	local container

	needs strace pasta || return
	"${as_user[@]}" unshare -Urn sleep 1000 &
	container=$!
	wait_until 60 sh -c "[ \$(readlink /proc/$container/ns/net) != \$(readlink /proc/self/ns/net) ]"
	wait_until 60 grep -q . "/proc/$container/uid_map"
	as=("${as_user[@]}")
	trace=$tmp/user/home/trace
	each_fault true user_settled mocker-netsetup add victim --pid "$container"
	kill "$container"
	wait "$container" 2>/dev/null
}
test_case "add on a user's network: each call failing, or killed there" adding_pasta
