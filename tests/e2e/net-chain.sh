#!/bin/bash
# Lists of networks as they stand on hosts, when "type" becomes mocker-netsetup in them: each
# entry of ours does its part of the chain, and none more than that.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/cni.sh
. "$e2e/cni.sh"
network_stays
leaves '^(link|address|route) .*cni[0-9]|^file /run/(cni|xtables.lock)|^file /var/lib/cni'

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

# In the place of tuning, whose DEL leaves another plugin's interface as it was.
tuned() {
	ip -j -n pod link show eth0 | jq -c '.[] | [.address, .mtu, .txqlen,
		(.flags - ["LOWER_UP", "NO-CARRIER"])]'
}

tuned_back() {
	local tuning before

	tuning='{"cniVersion":"1.1.0","name":"t","type":"mocker-netsetup","mtu":1300,
		"mac":"02:00:00:00:00:AA","promisc":true,"allmulti":true,"txQLen":77,
		"prevResult":{"cniVersion":"1.1.0","interfaces":[{"name":"eth0","sandbox":"/run/netns/pod"}]}}'
	ip netns add pod
	ip -n pod link add parent up type veth peer name wire
	ip -n pod link add eth0 up link parent type macvlan mode bridge
	before=$(tuned)
	cni ADD "$tuning"
	check_status 0
	check_matches "$(ip -n pod link show eth0 | xargs)" \
		'ALLMULTI,PROMISC.* mtu 1300 .* qlen 77 .*02:00:00:00:00:aa'
	cni CHECK "$(with_prev "$tuning")"
	check_status 0
	cni DEL "$tuning"
	check_status 0
	check_equal "$(tuned)" "$before"
	cni ADD "$(jq -c '.mtu = 9000' <<<"$tuning")" # more than the parent has
	check_status 1
	check_equal "$(tuned)" "$before" "after an ADD that failed"
	ip -n pod link set eth0 promisc on
	cni ADD "$tuning"
	cni DEL "$tuning"
	check_has "$(ip -n pod link show eth0)" PROMISC
	cni ADD "$tuning"
	ip -n pod link del eth0
	cni DEL "$tuning"
	check_status 0
	check_equal "$(records)" "" "records"
	ip netns del pod
}
test_case "a chained entry's interface is as it was again after DEL" tuned_back

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

# ---- from the reference plugins to ours, while containers live ------------------------

reference='{"cniVersion":"1.0.0","name":"m","runtimeConfig":{"portMappings":
	[{"hostPort":9100,"containerPort":80,"protocol":"tcp"},
	{"hostPort":9101,"containerPort":81,"protocol":"udp"}],
	"bandwidth":{"ingressRate":800000000,"ingressBurst":8000000,"egressRate":800000000,
	"egressBurst":8000000}},"plugins":[
	{"type":"bridge","bridge":"cni3","isDefaultGateway":true,"ipMasq":true,
	"ipam":{"type":"host-local","ranges":[[{"subnet":"10.87.0.0/24"}],[{"subnet":"fd87::/64"}]]}},
	{"type":"portmap","capabilities":{"portMappings":true}},
	{"type":"firewall","ingressPolicy":"same-bridge"},
	{"type":"bandwidth","capabilities":{"bandwidth":true}},
	{"type":"tuning","sysctl":{"net.core.somaxconn":"88"}}]}'

# Links, rules of all tables and leases, without counters and names that are made up.
state() {
	{
		iptables-save
		ip6tables-save
	} | sed '/^#/d; s/ \[[0-9:]*\]$//'
	ip -o link | awk '{ sub(/veth[0-9a-f]+@.*/, "veth", $2); print $2 }'
	find /var/lib/cni -name '*87*'
}

# added NAME JQ: adds it by the list; what DEL needs stays in $tmp/chain-NAME.
added() {
	ip netns add "$1"
	container=$1 netns=/run/netns/$1 chain ADD "$(jq -c "$2" <<<"$reference")"
	check_status 0
	cp "$tmp/chain-result" "$tmp/chain-$1"
}

deleted() {
	cp "$tmp/chain-$1" "$tmp/chain-result"
	container=$1 netns=/run/netns/$1 chain DEL "$(jq -c "$2" <<<"$reference")"
	check_status 0
	check_equal "$(ip -n "$1" -o link | wc -l)" 1 "links of $1"
	ip netns del "$1"
	rm "$tmp/chain-$1"
}

all_ours='.plugins[].type = "mocker-netsetup"'
one_entry='.plugins = [.plugins[0] + {type: "mocker-netsetup",
	capabilities: {portMappings: true, bandwidth: true}, ingressPolicy: "same-bridge"}]'
other='.runtimeConfig.portMappings[].hostPort += 100'

# What is left of a container that they made is what their own DEL leaves, whoever deletes it.
as_they_do() {
	local theirs with list

	needs_reference || return
	mkdir -p /var/lib/cni
	mount -t tmpfs tmpfs /var/lib/cni
	added stays "$other"
	added pod .
	with=$(state)
	deleted pod .
	theirs=$(state)
	check_lacks "$theirs" 9100
	for list in "$all_ours" "$one_entry" '.plugins[1].type = "mocker-netsetup"' \
		'.plugins[0].type = "mocker-netsetup"'; do
		added pod .
		check_equal "$(state | sed 's/10.87.0.[0-9]*/IP/; s/fd87::[0-9]*/IP/')" \
			"$(sed 's/10.87.0.[0-9]*/IP/; s/fd87::[0-9]*/IP/' <<<"$with")"
		deleted pod "$list"
		check_equal "$(state)" "$theirs" "what is left by $list"
	done
	# An entry of ours was in the list before, so that there is a record of its part.
	added pod '.plugins[1].type = "mocker-netsetup"'
	deleted pod "$all_ours"
	check_equal "$(state)" "$theirs" "what is left"
	deleted stays "$other"
	umount /var/lib/cni
	ip link del cni3
	iptables -F && iptables -t nat -F && iptables -X && iptables -t nat -X
	ip6tables -F && ip6tables -t nat -F && ip6tables -X && ip6tables -t nat -X
	nft flush ruleset
}
test_case "what the reference plugins made is taken back as by themselves" as_they_do

with_legacy_iptables() {
	local name

	needs iptables-legacy || return
	if ! { iptables-legacy -t nat -L && ip6tables-legacy -t nat -L; } >/dev/null 2>&1; then
		skip "this kernel has no tables of the old iptables"
		return
	fi
	mkdir "$tmp/legacy"
	for name in iptables ip6tables; do
		ln -s "$(command -v $name-legacy)" "$tmp/legacy/$name"
		ln -s "$(command -v $name-legacy-save)" "$tmp/legacy/$name-save"
		ln -s "$(command -v $name-legacy-restore)" "$tmp/legacy/$name-restore"
	done
	PATH=$tmp/legacy:$PATH as_they_do
	rm -r "$tmp/legacy"
}
test_case "by the old iptables too" with_legacy_iptables
