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
