#!/bin/bash
# conditionsV4 and conditionsV6 of published ports: each supported match beside the reference
# plugin's, who reaches the port from where; what is refused, and that nothing else pays.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/traffic.sh
. "$e2e/traffic.sh"
# shellcheck source=tests/e2e/cni.sh
. "$e2e/cni.sh"
network_stays
leaves '^(link|address|route) .*cni[0-9]|^file /run/cni|^file /var/lib/(cni|mocker/networks)'

list='{"cniVersion":"1.0.0","name":"net1","runtimeConfig":{"portMappings":
	[{"hostPort":9200,"containerPort":80,"protocol":"tcp"}]},"plugins":[
	{"type":"bridge","bridge":"cni1","isDefaultGateway":true,"ipMasq":true,
	"ipam":{"type":"host-local","subnet":"10.88.0.0/24","dataDir":"/run/cni"}},
	{"type":"portmap","capabilities":{"portMappings":true}}]}'

config='{"cniVersion":"1.1.0","name":"net1","type":"mocker-netsetup","bridge":"cni1",
	"isDefaultGateway":true,"ipam":{"type":"host-local","ranges":
	[[{"subnet":"10.88.0.0/24"}],[{"subnet":"fd88::/64"}]]},"runtimeConfig":{"portMappings":
	[{"hostPort":9200,"containerPort":80,"protocol":"tcp"},
	{"hostPort":9201,"containerPort":80,"protocol":"tcp","hostIP":"10.99.0.1"}]}}'

with() { # JQ FILTER
	jq -c "$1" <<<"$config"
}

# reaches NETNS|host ADDRESS [SOCAT OPTIONS]: yes or no.
reaches() {
	local inside=() answer=no

	[ "$1" = host ] || inside=(ip netns exec "$1")
	! timeout 40 "${inside[@]}" socat -t20 -T20 - \
		"TCP:$2:${port:-9200},connect-timeout=2${3:+,$3}" </dev/null 2>&1 |
		grep -q '^pod$' || answer=yes
	echo $answer
}

# From where a condition may tell a packet apart: the answers, in a line.
answers() {
	reaches outside 10.99.0.1
	reaches outside 10.99.0.1 bind=10.99.0.3
	reaches outside 10.99.0.1 sourceport=2500,reuseaddr
	reaches outside 10.88.0.1
	reaches host 10.99.0.1
	reaches host 10.88.0.1 setsockopt-listen=1:36:x05010000 # the mark 0x105
}

# The last plugin's conditions, by the reference or by us.
asked() { # TYPE CONDITIONS
	local mine

	mine=$(jq -c --arg type "$1" --argjson conditions "$2" \
		'.plugins[1].type = $type | .plugins[1].conditionsV4 = $conditions' <<<"$list")
	ip netns add pod
	chain ADD "$mine"
	check_status 0
	serve pod 80 pod
	answers | xargs
	stop_servers
	chain DEL "$mine" >/dev/null
	ip netns del pod
	iptables -F && iptables -t nat -F && iptables -X && iptables -t nat -X
	nft flush ruleset
}

outside() {
	another_host outside
	ip -n outside address add 10.99.0.3/24 dev eth0
}

as_reference() { # CONDITIONS ANSWERS
	[ -x /usr/lib/cni/portmap ] || {
		skip "containernetworking-plugins is missing"
		return
	}
	outside
	check_equal "$(asked portmap "$1")" "$2" "the reference"
	check_equal "$(asked mocker-netsetup "$1")" "$2" "ours"
	ip netns del outside
}

while IFS='|' read -r conditions wanted; do
	test_case "as the reference: $conditions" as_reference "$conditions" "$wanted"
done <<'TABLE'
["!","-d","10.99.0.0/24"]|no no no yes no yes
["--destination","10.99.0.1"]|yes yes yes no yes no
["-s","10.99.0.2,10.99.0.1"]|yes no yes yes yes no
["!","--source","10.99.0.2/32"]|no yes no no yes yes
["-s","10.99.0.2","!","-d","10.88.0.1"]|yes no yes no no no
["-i","outside0"]|yes yes yes yes no no
["!","-i","out+"]|no no no no yes yes
["-m","tcp","--sport","2000:3000"]|no no yes no no no
["-m","multiport","!","--sports","2500,2600:2700"]|yes yes no yes yes yes
["-m","mark","--mark","0x5/0xff"]|no no no no no yes
["-m","mark","!","--mark","261"]|yes yes yes yes yes no
["-m","addrtype","--dst-type","LOCAL"]|yes yes yes yes yes yes
["-m","addrtype","--src-type","LOCAL"]|no no no no yes yes
["-m","comment","--comment","as they say; it's \"so\""]|yes yes yes yes yes yes
TABLE

both_families() {
	local mine

	outside
	ip address add fd99::1/64 dev outside0 nodad
	ip -n outside address add fd99::2/64 dev eth0 nodad
	ip -n outside address add fd99::3/64 dev eth0 nodad preferred_lft 0
	check wait_until 20 ip netns exec outside busybox ping -6 -c 1 -W 1 fd99::1 >/dev/null
	mine=$(with '.conditionsV4 = ["-s", "10.99.0.3"] |
		.conditionsV6 = ["ip6", "saddr", "!=", "fd99::3"]')
	ip netns add pod
	cni ADD "$mine"
	check_status 0
	serve6 pod 80 pod
	check_equal "$(reaches outside 10.99.0.1) $(reaches outside 10.99.0.1 bind=10.99.0.3)" "no yes"
	check_equal "$(port=9201 reaches outside 10.99.0.1)" no "a port of one address"
	check_equal "$(port=9201 reaches outside 10.99.0.1 bind=10.99.0.3)" yes "that port"
	check_equal "$(port=9201 reaches outside 10.88.0.1 bind=10.99.0.3)" no "another address"
	check_equal "$(reaches outside '[fd99::1]') $(reaches outside '[fd99::1]' 'bind=[fd99::3]')" \
		"yes no" "by IPv6"
	cni CHECK "$(with_prev "$mine")"
	check_status 0
	nft flush ruleset
	cni CHECK "$(jq -c '.prevResult = {}' <<<"$mine")"
	check_status 1
	mocker-netsetup reload
	check_equal "$(reaches outside 10.99.0.1) $(reaches outside 10.99.0.1 bind=10.99.0.3)" \
		"no yes" "after a reload"
	cni DEL "$mine"
	check_status 0
	check_lacks "$(nft list table inet mocker)" only "the attachment's chains"
	check_lacks "$(nft list table inet mocker)" 920 "its ports"
	cni DEL "$mine"
	check_status 0
	stop_servers
	ip netns del pod
	ip netns del outside
}
test_case "both families, ports of one address, CHECK, reload and DEL" both_families

# What stands in the chain that every published connection goes through.
rules_of_all() {
	nft list chain inet mocker publish | grep -c map
}

nobody_else_pays() {
	local before

	ip netns add pod
	ip netns add other
	netns=/run/netns/other container=pod2 cni ADD "$(with '.runtimeConfig = {portMappings:
		[{hostPort: 9300, containerPort: 80, protocol: "tcp"}]}')"
	before=$(rules_of_all)
	cni ADD "$(with '.conditionsV4 = ["!", "-d", "192.0.2.0/24"]')"
	check_status 0
	check_equal "$(rules_of_all)" "$before" "the rules that every packet meets"
	serve other 80 pod
	check_equal "$(port=9300 reaches host 127.0.0.1)" yes "another's port"
	stop_servers
	container=pod3 netns=/run/netns/other ifname=eth1 cni ADD "$(with '.conditionsV4 =
		["-s", "192.0.2.0/24"] | .runtimeConfig.portMappings = [{hostPort: 9301, containerPort: 1}]')"
	check_equal "$(nft list table inet mocker | grep -c 'chain only4')" 2 "their chains"
	ip netns del other
	cni_collect "$config"
	check_status 0
	ip netns del pod
	cni_collect "$config"
	check_lacks "$(nft list table inet mocker)" only "the attachments' chains"
}
test_case "an attachment's conditions are a chain of its own, which gc removes too" \
	nobody_else_pays

traced() {
	ip netns add pod
	ip netns add other
	cni ADD "$(with '.conditionsV4 = ["-s", "10.88.0.0/24", "!", "-d", "10.88.0.1"]')"
	netns=/run/netns/other container=pod2 cni ADD "$(with 'del(.runtimeConfig)')"
	another_host outside
	serve pod 80 pod
	run mocker-netsetup trace pod2 10.99.0.1:9200
	check_output_has "which this meets: ip saddr 10.88.0.0/24 ip daddr != 10.88.0.1/32"
	check_output_has 'port 9200 is published by "pod1"'
	check_equal "$(reaches other 10.99.0.1)" yes
	run mocker-netsetup trace pod2 10.88.0.1:9200
	check_output_has "which this does not meet"
	check_lacks "$output" "is published by"
	check_equal "$(reaches other 10.88.0.1)" no
	stop_servers
	ip netns del pod
	ip netns del other
	ip netns del outside
	cni_collect "$config"
}
test_case "trace tells whether a packet meets them" traced

# A table that was made before this map existed.
older_table() {
	ip netns add pod
	cni ADD "$config"
	cni DEL "$config"
	nft flush chain inet mocker publish
	nft delete map inet mocker chosen4
	cni ADD "$(with '.conditionsV4 = ["-s", "10.99.0.0/24"]')"
	check_status 0
	check_has "$(nft list map inet mocker chosen4)" 9200
	ip netns del pod
	cni_collect "$config"
}
test_case "a table of an older program gets what it lacks" older_table

refused() { # CODE WORD CONDITIONS [KEY]
	local before

	ip netns add pod
	before=$(ip -o link | wc -l; nft list ruleset | cksum)
	cni ADD "$(jq -c --arg key "${4:-conditionsV4}" --argjson conditions "$3" \
		'.[$key] = $conditions' <<<"$config")"
	cni_code "$1" "$2"
	check_has "$(result .msg)" "${4:-conditionsV4}"
	check_equal "$(ip -o link | wc -l; nft list ruleset | cksum)" "$before" "links and rules"
	ip netns del pod
}
while IFS='|' read -r code word conditions key; do
	test_case "refused with code $code: $conditions" refused "$code" "$word" "$conditions" "$key"
done <<'TABLE'
2|"-p" is not among|["-p","tcp"]
2|"-j"|["-s","10.0.0.1","-j","ACCEPT"]
2|"recent"|["-m","recent","--set"]
2|"--limit-iface-in"|["-m","addrtype","--limit-iface-in"]
2|"!"|["!"]
2|"-m"|["!","-m","comment"]
2|"counter"|["counter"]
2|"; drop"|["ip saddr 10.0.0.1 ; drop"]
2|"ip saddr|["ip","saddr","10.0.0.1"]|conditionsV6
7|nothing follows "-d"|["-d"]
7|of the other family|["-s","fd00::1"]
7|of the other family|["ip6 saddr 10.0.0.1"]|conditionsV6
7|10.0.0.0/33|["-d","10.0.0.0/33"]
7|example.org|["-d","example.org"]
7|above 65535|["--sport","70000"]
7|"x"|["-m","mark","--mark","x"]
7|interface's name|["-i","a\"b"]
7|LOCALE|["-m","addrtype","--dst-type","LOCALE"]
TABLE
