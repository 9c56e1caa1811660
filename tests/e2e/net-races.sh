#!/bin/bash
# Several at once, each held up at a certain system call by strace so that the others come
# between: networks that are made, removed and used at the same time.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
network_stays
leaves '^(link|address|route) .*mocker[0-9]|^file /var/lib/mocker/networks'

# held CALL NUMBER COMMAND...: in the background, for two seconds before that call, which it
# has reached when this returns; $held is its process.
held() {
	rm -f "$tmp/held.trace"
	strace -qq -o "$tmp/held.trace" -e "trace=$1" \
		-e "inject=$1:delay_enter=2000000:when=$2" "${@:3}" \
		>"$tmp/held.out" 2>"$tmp/held.err" &
	held=$!
	wait_until 20 has_reached "$1" "$2" || failed "$1 $2 is never made"
}

has_reached() { # CALL NUMBER
	[ "$(grep -c "^$1(" "$tmp/held.trace")" -ge "$2" ]
}

created_at_once() {
	local i

	mocker-netsetup network rm default 2>/dev/null
	for ((i = 0; i < 8; i++)); do
		mocker-netsetup network create "n$i" || failed "n$i was not made" &
	done
	mocker-netsetup add first >"$tmp/first" || failed "the default network was not made" &
	wait
	run mocker-netsetup network ls --json
	check_equal "$(jq '[.[].interface] | unique | length' <<<"$output")" 9 "bridges"
	check_equal "$(jq '[.[].ranges[].subnet] | unique | length' <<<"$output")" 9 "subnets"
	mocker-netsetup del first
	run mocker-netsetup network prune
	check_equal "$(wc -l <<<"$output")" 9 "removed networks"
}
test_case "networks that are made at once each get a bridge and a subnet" created_at_once

rm_by_bridge() {
	run mocker-netsetup add web
	run mocker-netsetup network rm mocker0
	check_fails_with 'network "default" has 1 attachment, the first of "web"'
	run mocker-netsetup add db
	check_output 10.0.0.3
	mocker-netsetup del web
	mocker-netsetup del db
	run mocker-netsetup network rm mocker0
	check_status 0
	run mocker-netsetup network rm mocker0
	check_status 0
}
test_case "a network that is named by its bridge is not removed while it is used" rm_by_bridge

# Either the network goes and nothing is attached to it, or the attachment is whole. From the
# first effects of add to the last.
removed_meanwhile() {
	local call number gone=0 used=0 status

	needs strace || return
	while read -r call number; do
		mocker-netsetup network create blue --subnet 10.7.0.0/24 --interface mocker7
		held "$call" "$number" mocker-netsetup add web --network blue
		run mocker-netsetup network rm blue
		if wait "$held"; then
			used=$((used + 1))
			check_fails_with 'network "blue" has 1 attachment'
			check_equal "$(find /run/mocker/networks/pools/blue -name '10.*' | wc -l)" 1 leases
			run mocker-netsetup check web
			check_status 0
			mocker-netsetup del web
			mocker-netsetup network rm blue
		else
			gone=$((gone + 1))
			check_status 0
			check_has "$(<"$tmp/held.err")" 'network "blue" was removed meanwhile'
			check_missing /run/mocker/networks/pools/blue
		fi
		check_not ip link show mocker7 2>/dev/null
		check_missing /run/netns/web
	done <<-'END'
		unshare 1
		mkdir 1
		flock 1
		flock 2
		renameat 1
		symlinkat 1
		renameat 2
		renameat 4
	END
	check_equal "$gone $used" "4 4" "ends"
}
test_case "a network that is removed while a container is attached" removed_meanwhile

listed_meanwhile() {
	local command

	needs strace || return
	for command in "network ls" status; do
		mocker-netsetup network create blue --subnet 10.7.0.0/24 --interface mocker7
		# shellcheck disable=SC2086 # words
		held openat "$(opens_of_blue $command)" mocker-netsetup $command
		mocker-netsetup network rm blue
		wait "$held" || failed "$command failed: $(<"$tmp/held.err")"
		check_lacks "$(<"$tmp/held.out")" blue
		check_has "$(<"$tmp/held.out")" default
	done
}

# The number of the call that opens its definition.
opens_of_blue() { # WORDS
	strace -qq -e trace=openat -o "$tmp/opens" mocker-netsetup "$@" >/dev/null
	grep -n 'blue.json' "$tmp/opens" | head -n 1 | cut -d: -f1
}
test_case "a network that is removed while networks are listed" listed_meanwhile

# As ip-netns makes it, once.
named_at_once() {
	needs strace || return
	umount -l /run/netns 2>/dev/null
	rm -rf /run/netns
	held mount 2 mocker-netsetup add one
	run mocker-netsetup add two
	check_status 0
	wait "$held" || failed "adding the first failed"
	check_equal "$(grep -c ' /run/netns ' /proc/self/mountinfo)" 1 "mounts of /run/netns"
	check ip netns exec one true
	mocker-netsetup del one
	mocker-netsetup del two
}
test_case "the directory of names is mounted once by two at once" named_at_once

unknown_user() {
	run mocker-netsetup add web
	mocker-netsetup network create other --subnet 10.7.0.0/24
	echo '{' >/run/mocker/networks/attachments/web/eth0@other
	run mocker-netsetup network rm other
	check_status 1
	check_errors_have 'network "other" has 1 attachment, the first of "web"'
	rm /run/mocker/networks/attachments/web/eth0@other
	mocker-netsetup del web
	mocker-netsetup network rm other
}
test_case "a network is not removed while a record cannot be read" unknown_user
