#!/bin/bash
# Bad input to mocker-netsetup: each refused with one clear line, before any link exists.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
leaves '^file /(run|var/lib)/mocker(/networks?(/(attachments|pools|default.json))?)?$'

# Lines of "WORDS | WHAT THE ERROR SAYS".
refused() {
	local arguments error

	while IFS='|' read -r arguments error; do
		[ -n "$arguments" ] || continue
		# shellcheck disable=SC2086 # words
		run mocker-netsetup $arguments
		check_fails_with "${error# }"
	done
	check_equal "$(ip -o link | wc -l)" 1 "links"
	check_missing /run/netns
}

command_lines() {
	mocker-netsetup network create bare --unmanaged --interface br0
	refused <<-'END'
		add a/b | opening the network namespace a/b: No such file or directory
		add .. | cannot be the name of a container
		add -- -x | cannot be the name of a container
		add a b | too many operands
		add x --interface sixteen-bytes-xx | cannot be a network interface's name
		add x --interface a/b | cannot be a network interface's name
		add x --interface .. | cannot be a network interface's name
		add x --interface lo | the interface cannot be called "lo"
		add x --network nowhere | there is no network "nowhere"
		add x --network ../x | cannot be the name of a network
		add x --ip 10.0.0 | expected an IP address
		add x --ip 192.0.2.1 | 192.0.2.1 is in no subnet of network "default"; ask for one of 10.0.0.0/24
		add x --ip fd00::5 | fd00::5 is in no subnet of network "default"; ask for one of 10.0.0.0/24
		add x --network bare --ip 10.0.0.5 | 10.0.0.5 cannot be had of network "bare", which gives no addresses; make it with a subnet
		add x --network bare --ip fd00::5 | fd00::5 cannot be had of network "bare"
		add x --mac 02:00 | is no MAC address
		add x --mac 01:00:00:00:00:01 | is a multicast address
		add x --mac 00:00:00:00:00:00 | the MAC address 00:00:00:00:00:00 is no interface's
		add x --publish 0:80 | port 0 is not between 1 and 65535
		add x --publish 80:65536 | port 65536 is not between 1 and 65535
		add x --publish 80:80 --publish 80:81 | the host's port 80 is published twice
		add x --publish 80:80/icmp | protocol
		add x --publish 1.2.3:80:80 | expected an IP address
		add x --netns /etc/passwd | /etc/passwd is no network namespace
		add x --netns /proc/self/ns/net | is the host's own network namespace
		add x --netns /proc/self/ns/mnt | is no network namespace
		add x --netns /dev/null | is no network namespace
		add x --pid 999999999 | there is no process 999999999
		add x --pid 1 --netns /x | exclude each other
		add 1 | is the host's own network namespace
		network create a/b | cannot be the name of a network
		network create a+b | expected letters, digits, "_", "." and "-", first a letter
		network create n --kind macvlan --interface x --mode bogus | "bogus"
		network create n --mode bridge | a network of this kind has no mode
		network create n --subnet 10.1.0.1/24 | has host bits set; the subnet is 10.1.0.0/24
		network create n --subnet 10.1.0.0/31 | has no room for a gateway and a container
		network create n --subnet 10.1.0.0/32 | has no room
		network create n --subnet 10.0.0.0/16 | overlaps 10.0.0.0/24 of network "default"
		network create n --subnet 10.1.0.0/24 --gateway 10.2.0.1 | is not in the subnet
		network create n --subnet 10.1.0.0/24 --range 10.1.0.9-10.1.0.8 | ends before it begins
		network create n --subnet 10.1.0.0/24 --interface a/b | cannot be a network interface's name
		del x --interface eth9 | "x" is attached to no network by an interface eth9;
		network create n --vlan 4095 | VLAN 4095
		network create n --mtu 10 | an MTU of 10
		network create n --subnet 10.1.0.0/24 --gateway 10.1.0.0 | is not an address for a host
		network create n --subnet 10.1.0.0/24 --gateway 10.1.0.255 | is not an address for a host
		network create n --subnet 224.0.0.0/24 | which is for multicast
		network create n --subnet 127.0.0.0/24 | which is every host's own
		network create n --subnet ff02::/64 | which is for multicast
		network create n --subnet ::ffff:10.1.0.0/120 | which is IPv4's in programs
		network create n --subnet fd07::/64 --mtu 1000 | below the 1280 that IPv6 needs
		network create n --kind macvlan --interface x --vlan 7 | kind macvlan has no VLANs
		network create n --kind ipvlan --interface x --check-mac | no MAC addresses to check
		network create n --kind user --isolate-containers | kind user has no containers to isolate
		add x --publish [::1]:8080:80 | port 8080 of the host cannot be published on ::1
		add x --ip 10.0.0.5 --ip 10.0.0.6 | 10.0.0.5 and 10.0.0.6 are of one set
		add x --ingress 8x | --ingress
		add x --egress 0 | --egress 0 is no rate
		add x --egress 99999999999G | --egress 99999999999G is no rate
		network create default | exists already
		network rm nowhere | there is no network "nowhere"
	END
	mocker-netsetup network rm bare
}
test_case "command lines" command_lines

# What a list of words cannot say.
names() {
	local name

	for name in "a b" " " "" "a/../b" $'a\nb' "$(printf %0300d 0)"; do
		run mocker-netsetup add --netns /proc/self/ns/net -- "$name"
		check_status 1
		check_equal "$(wc -l <"$tmp/.errors")" 1 "lines of the error of \"$name\""
		run mocker-netsetup network create -- "$name"
		check_fails_with "cannot be the name of a network"
	done
	run mocker-netsetup add x --interface "a b"
	check_fails_with "cannot be a network interface's name"
	check_equal "$(ip -o link | wc -l)" 1 "links"
}
test_case "names with spaces, line ends, or too long" names

a_fifo() {
	mkfifo "$tmp/fifo"
	run timeout 30 mocker-netsetup add x --netns "$tmp/fifo"
	check_fails_with "is no network namespace"
	rm "$tmp/fifo"
}
test_case "a FIFO in place of a namespace does not block" a_fifo

cni_refused() { # CODE TEXT NETNS CONFIGURATION
	printf %s "$4" >"$tmp/config"
	run_input=$tmp/config run env CNI_COMMAND=ADD CNI_CONTAINERID="${id-c1}" \
		CNI_NETNS="$3" CNI_IFNAME="${ifname-eth0}" CNI_PATH=/usr/lib/cni mocker-netsetup
	check_status 1
	check_equal "$(jq .code <<<"$output")" "$1" "the code of \"$4\""
	check_has "$(jq -r .msg <<<"$output")" "$2"
	check_equal "$(ip -o link | wc -l)" "$links" "links"
}

cni_calls() {
	local head='{"cniVersion":"1.1.0","name":"n","type":"x"'
	local good="$head,\"ipam\":{\"subnet\":\"10.9.0.0/24\"}}"
	local links

	ip netns add c1
	links=$(ip -o link | wc -l)
	cni_refused 6 "file is empty" /run/netns/c1 ""
	cni_refused 6 "expected" /run/netns/c1 "[]"
	cni_refused 1 'cniVersion "9.0.0" is not supported' /run/netns/c1 '{"cniVersion":"9.0.0"}'
	cni_refused 7 "has no name" /run/netns/c1 '{"cniVersion":"1.1.0"}'
	cni_refused 7 "cannot be the name" /run/netns/c1 '{"cniVersion":"1.1.0","name":"../n"}'
	cni_refused 7 "host bits" /run/netns/c1 "$head,\"ipam\":{\"subnet\":\"10.9.0.1/24\"}}"
	cni_refused 7 "no room" /run/netns/c1 "$head,\"ipam\":{\"subnet\":\"10.9.0.0/31\"}}"
	cni_refused 7 "interface's name" /run/netns/c1 "$head,\"bridge\":\"sixteen-bytes-xx\"}"
	cni_refused 7 "ports are from 1" /run/netns/c1 \
		"$head,\"runtimeConfig\":{\"portMappings\":[{\"hostPort\":65536,\"containerPort\":1}]}}"
	cni_refused 7 "no room" /run/netns/c1 "$head,\"ipam\":{\"subnet\":\"10.9.0.0/32\"}}"
	cni_refused 7 "has no containers to isolate" /run/netns/c1 \
		"$head,\"kind\":\"host-device\",\"device\":\"x\",\"portIsolation\":true}"
	cni_refused 6 "prevResult is an error, of code 7" /run/netns/c1 \
		"$head,\"prevResult\":{\"cniVersion\":\"1.1.0\",\"code\":7,\"msg\":\"x\"}}"
	cni_refused 7 "overlap" /run/netns/c1 \
		"$head,\"ipam\":{\"ranges\":[[{\"subnet\":\"10.9.0.0/16\"}],[{\"subnet\":\"10.9.1.0/24\"}]]}}"
	cni_refused 7 "ports are from 1" /run/netns/c1 \
		"$head,\"runtimeConfig\":{\"portMappings\":[{\"hostPort\":80,\"containerPort\":0}]}}"
	cni_refused 6 "hostPort" /run/netns/c1 \
		"$head,\"runtimeConfig\":{\"portMappings\":[{\"hostPort\":-1,\"containerPort\":1}]}}"
	cni_refused 7 "published twice" /run/netns/c1 \
		"$head,\"runtimeConfig\":{\"portMappings\":[{\"hostPort\":80,\"containerPort\":1},
		{\"hostPort\":80,\"containerPort\":2,\"hostIP\":\"10.0.0.1\"}]}}"
	cni_refused 7 "host's address" /run/netns/c1 \
		"$head,\"runtimeConfig\":{\"portMappings\":[{\"hostPort\":80,\"containerPort\":1,\"hostIP\":\"x\"}]}}"
	mkfifo "$tmp/fifo"
	cni_refused 4 "is no network namespace" "$tmp/fifo" "$good"
	rm "$tmp/fifo"
	cni_refused 4 "No such file" /run/netns/nowhere "$good"
	id="a b" cni_refused 4 "cannot be the name of a container" /run/netns/c1 "$good"
	ifname=sixteen-bytes-xx cni_refused 4 "interface's name" /run/netns/c1 "$good"
	ifname='a"b' cni_refused 4 "interface's name" /run/netns/c1 "$good"
	ifname="a b" cni_refused 4 "interface's name" /run/netns/c1 "$good"
	ifname=.. cni_refused 4 "interface's name" /run/netns/c1 "$good"
	cni_refused 2 '"x" is not among the supported' /run/netns/c1 "$head,\"conditionsV4\":[\"x\"]}"
	cni_refused 4 "CNI_NETNS is missing" "" "$good"
	cni_refused 4 "is no network namespace" /etc/passwd "$good"
	cni_refused 4 "host's own" /proc/self/ns/net "$good"
	id=../x cni_refused 4 "cannot be the name of a container" /run/netns/c1 "$good"
	id='' cni_refused 4 "CNI_CONTAINERID is missing" /run/netns/c1 "$good"
	ifname=a/b cni_refused 4 "interface's name" /run/netns/c1 "$good"
	ip netns del c1
	umount /run/netns && rmdir /run/netns
}
test_case "CNI calls, each with its code" cni_calls

endless_input() {
	run timeout 20 sh -c 'head -c 1000000000 /dev/zero |
		CNI_COMMAND=ADD CNI_CONTAINERID=c CNI_NETNS=/x CNI_IFNAME=eth0 mocker-netsetup'
	check_status 1
	check_equal "$(jq .code <<<"$output")" 5
	run timeout 20 sh -c 'CNI_COMMAND=ADD CNI_CONTAINERID=c CNI_NETNS=/x CNI_IFNAME=eth0 \
		mocker-netsetup <&-'
	check_status 1
	check_equal "$(jq .code <<<"$output")" 5
}
test_case "a gigabyte or nothing on standard input" endless_input
