#!/bin/bash
# Lists of networks as they stand on hosts, when "type" becomes mocker-netsetup in them: each
# entry of ours does its part of the chain, and none more than that.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/cni.sh
. "$e2e/cni.sh"
network_stays
leaves '^(link|address|route) .*cni[0-9]|^file /run/cni|^file /var/lib/cni'

# As podman writes it, for a container that publishes no port.
podman='{"cniVersion":"1.1.0","name":"p","plugins":[
	{"type":"mocker-netsetup","bridge":"cni1","isGateway":true,"ipMasq":true,
	"hairpinMode":true,"ipam":{"type":"host-local","routes":[{"dst":"0.0.0.0/0"}],
	"ranges":[[{"subnet":"10.88.0.0/24","gateway":"10.88.0.1"}]]}},
	{"type":"mocker-netsetup","capabilities":{"portMappings":true}},
	{"type":"mocker-netsetup","backend":""},
	{"type":"mocker-netsetup"}]}'

needs_reference() {
	[ -x /usr/lib/cni/bridge ] || skip "containernetworking-plugins is missing"
	[ -x /usr/lib/cni/bridge ]
}

records() {
	find /run/mocker/networks/attachments -type f -printf '%f\n' | sort | xargs
}

whole_life() { # LIST RECORDS
	ip netns add pod
	chain ADD "$1"
	check_status 0
	check_equal "$(records)" "$2" "records"
	chain CHECK "$1"
	check_status 0
	chain DEL "$1"
	check_status 0
	check_equal "$(records)" "" "records"
	check_equal "$(ip -n pod -o link | wc -l)" 1
	ip netns del pod
}

entries_without_work() {
	whole_life "$podman" "eth0@p"
	needs_reference || return
	whole_life "$(jq -c '.cniVersion = "1.0.0" | .plugins[0].type = "bridge" |
		.plugins[0].ipam.dataDir = "/run/cni" | .plugins[0].ipMasq = false' <<<"$podman")" ""
}
test_case "entries that have nothing to do for this container" entries_without_work

# The arguments go to every entry; the address is the first one's to give.
requested_address() {
	local list

	list=$(jq -c '.plugins[2].ingressPolicy = "same-bridge"' <<<"$podman")
	cni_args='IgnoreUnknown=1;IP=10.88.0.9' whole_life "$list" "eth0@p eth0@p+rules"
	needs_reference || return
	list=$(jq -c '.cniVersion = "1.0.0" | .plugins[0].type = "bridge" |
		.plugins[0].ipam.dataDir = "/run/cni"' <<<"$list")
	ip netns add pod
	cni_args='IgnoreUnknown=1;IP=10.88.0.9' chain ADD "$list"
	check_equal "$(result '.ips[0].address')" 10.88.0.9/24
	chain DEL "$list"
	ip netns del pod
	nft flush ruleset
}
test_case "an address that is asked of the whole chain" requested_address

equal_entries() {
	local list

	list=$(jq -c '.plugins[1].sysctl = {"net.core.somaxconn": "81"} |
		.plugins[2].sysctl = {"net.ipv4.conf.IFNAME.log_martians": "1"} |
		.plugins[3].ingressPolicy = "same-bridge"' <<<"$podman")
	whole_life "$list" "eth0@p eth0@p+rules eth0@p+tuning eth0@p+tuning2"
	ip netns add pod
	chain ADD "$list"
	check_equal "$(ip netns exec pod cat /proc/sys/net/core/somaxconn \
		/proc/sys/net/ipv4/conf/eth0/log_martians | xargs)" "81 1"
	chain DEL "$list"
	ip netns del pod
}
test_case "several entries of a kind in one chain" equal_entries

mac_and_mtu() {
	local list version

	ip netns add pod
	for version in 1.0.0 1.1.0; do
		list=$(jq -c --arg version $version '.cniVersion = $version |
			.plugins[3].mac = "02:00:00:00:00:AA" | .plugins[3].mtu = 1300' <<<"$podman")
		chain ADD "$list"
		check_status 0
		check_equal "$(result '.interfaces[] | select(.sandbox) | .mac')" 02:00:00:00:00:aa
		check_equal "$(result .cniVersion)" $version
		check_equal "$(result '.ips[0].gateway + .routes[0].dst')" 10.88.0.10.0.0.0/0
		check_has "$(ip -n pod link show eth0)" "link/ether 02:00:00:00:00:aa"
		check_has "$(ip -n pod link show eth0)" "mtu 1300"
		chain CHECK "$list"
		check_status 0
		chain DEL "$list"
	done
	check_equal "$(result '.interfaces[]? | .mtu')" ""
	ip netns del pod
}
test_case "a chained entry's MAC address and MTU are in its result" mac_and_mtu

# The type changes while a container lives on: nobody gets its address, and it goes as ours.
changed_type() {
	local before after prev

	needs_reference || return
	before='{"cniVersion":"1.0.0","name":"q","type":"bridge","bridge":"cni2",
		"isDefaultGateway":true,"ipam":{"type":"host-local","ranges":
		[[{"subnet":"10.89.0.0/24"}],[{"subnet":"fd89::/64"}]]}}'
	after=$(jq -c '.type = "mocker-netsetup"' <<<"$before")
	mkdir -p /var/lib/cni
	mount -t tmpfs tmpfs /var/lib/cni # the plugin's own place, not the machine's
	ip netns add pod
	ip netns add other
	plugin=/usr/lib/cni/bridge cni ADD "$before"
	check_status 0
	check_equal "$(result '.ips[].address' | xargs)" "10.89.0.2/24 fd89::2/64"
	prev=$(with_prev "$after")
	container=pod2 netns=/run/netns/other cni ADD "$after"
	check_status 0
	check_equal "$(result '.ips[].address' | xargs)" "10.89.0.3/24 fd89::3/64"
	# Of another network, or a later entry of the chain: it is not theirs to delete.
	cni DEL "$(jq -c 'del(.ipam, .bridge)' <<<"$after")"
	check_status 0
	check ip -n pod link show eth0 >/dev/null
	container=pod3 netns=/run/netns/other cni DEL "$after"
	check_status 0
	check ip -n other link show eth0 >/dev/null
	cni DEL "$prev"
	check_status 0
	check_equal "$(ip -n pod -o link | wc -l)" 1
	check_equal "$(find /var/lib/cni/networks/q -name '*89*')" "" "host-local's leases"
	cni DEL "$prev"
	check_status 0
	cni ADD "$(jq -c '.runtimeConfig.ips = ["10.89.0.2"]' <<<"$after")"
	check_equal "$(result '.ips[0].address')" 10.89.0.2/24
	cni DEL "$after"
	container=pod2 netns=/run/netns/other cni DEL "$after"
	ip netns del pod
	ip netns del other
	umount /var/lib/cni
}
test_case "containers of the reference bridge live on when the type changes" changed_type
