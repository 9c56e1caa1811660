#!/bin/bash
# kill -9 of mocker-netsetup at every system call of add and del, and of many at once:
# what is left is what del and gc remove, and no address is ever given twice.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
network_stays
leaves '^file /var/lib/mocker/networks'

settled() {
	mocker-netsetup del --force victim || failed "del after a kill"
	mocker-netsetup gc >/dev/null || failed "gc after a kill"
	[ -z "$(ip -o link show type veth)" ] || failed "a veth is left $1"
	[ ! -e /run/netns/victim ] || failed "the name is left $1"
	[ -z "$(find /run/mocker/networks/attachments -mindepth 1)" ] ||
		failed "a record is left $1: $(find /run/mocker/networks/attachments -mindepth 1)"
	[ -z "$(find /run/mocker/networks/pools -name '10.*' -o -name 'tcp*')" ] ||
		failed "a lease is left $1"
	! nft list table inet mocker 2>/dev/null |
		grep -E '8080|10\.0\.0\.[2-9]' >/dev/null ||
		failed "a rule is left $1"
}

# strace kills it at the entry of the chosen call: every one of these is an effect.
killed_at() { # COMMAND...
	local call i

	for call in sendto symlinkat renameat mount mkdir linkat sendmsg unshare setns unlinkat; do
		for ((i = 1; i < 12; i++)); do
			[ "$1" = add ] || mocker-netsetup add victim --publish 8080:80 >/dev/null
			timeout 20 strace -o "$tmp/trace" -e "trace=$call" \
				-e "inject=$call:signal=KILL:when=$i" \
				mocker-netsetup "$@" >/dev/null 2>&1
			[ $? = 137 ] || {
				settled "without a kill"
				break
			}
			settled "after a kill at $call $i of $1"
		done
	done
}

killed_adding() {
	needs strace || return
	killed_at add victim --publish 8080:80
}
test_case "killed at each effect of add" killed_adding

killed_deleting() {
	needs strace || return
	killed_at del victim
}
test_case "killed at each effect of del" killed_deleting

# However far the making of the bridge came, it is known to be ours.
killed_making_bridge() {
	local i

	needs strace || return
	mocker-netsetup add victim >/dev/null # the firewall's table is made: calls of that are none
	mocker-netsetup del victim
	for ((i = 1; i < 40; i++)); do
		mocker-netsetup network create fresh --subnet 10.7.0.0/24 --subnet fd07::/64 \
			--interface mocker7
		timeout 20 strace -o "$tmp/trace" -e trace=sendto \
			-e "inject=sendto:signal=KILL:when=$i" \
			mocker-netsetup add victim --network fresh >/dev/null 2>&1
		[ $? = 137 ] || break
		settled "after a kill at sendto $i"
		mocker-netsetup network rm fresh || failed "network rm after a kill at sendto $i"
		check_not ip link show mocker7 2>/dev/null
	done
	[ $i -ge 10 ] || failed "only $i kills"
	mocker-netsetup del victim
	mocker-netsetup network rm fresh
}
test_case "a bridge whose maker was killed is removed with its network" killed_making_bridge

killed_at_random() {
	local i pids=()

	for ((i = 0; i < 64; i++)); do
		mocker-netsetup add "r$i" >"$tmp/r$i" 2>/dev/null &
		pids+=($!)
	done
	for ((i = 0; i < 64; i += 4)); do
		sleep 0.00$((RANDOM % 9))
		kill -9 "${pids[i]}" 2>/dev/null
	done
	wait 2>/dev/null
	check_equal "$(cat "$tmp"/r[0-9]* | sort | uniq -d)" "" "addresses given twice"
	mocker-netsetup gc >/dev/null
	check_equal "$(mocker-netsetup list | awk 'NR > 1 { print $2 }' | sort | uniq -d)" ""
	for ((i = 1; i < 64; i++)); do
		[ $((i % 4)) = 0 ] && continue
		[ -s "$tmp/r$i" ] || failed "r$i, which nobody killed, has no address"
	done
	for ((i = 0; i < 64; i++)); do
		mocker-netsetup del --force "r$i" &
	done
	wait
	mocker-netsetup gc >/dev/null
	check_equal "$(ip -o link show type veth | wc -l)" 0
	check_equal "$(find /run/netns -mindepth 1 | wc -l)" 0
	check_equal "$(find /run/mocker/networks -name '10.*' | wc -l)" 0 "leases"
}
test_case "64 adds at once, some killed: no address twice, nothing left" killed_at_random
