#!/bin/bash
# ADD and DEL of one attachment with a published port: mocker-netsetup against the chain of
# Debian's containernetworking-plugins (bridge with host-local, portmap, firewall), in turns,
# in a pretend host of its own. Prints milliseconds, the median of the rounds.
#
#	sudo tests/bench/net.sh [ROUNDS]
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
program=${MOCKER_NETSETUP:-${top_builddir:-$top}/mocker-netsetup}
plugins=${CNI_PLUGINS:-/usr/lib/cni}
rounds=${1:-20}
[ "${inside-}" = yes ] || exec env inside=yes MOCKER_NETSETUP="$program" \
	unshare --net --mount --propagation private "$0" "$rounds"

mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/lib/cni 2>/dev/null || mkdir -p /run/cni
export MOCKER_NETSETUP_ROOT=/run/mocker-bench
export CNI_CONTAINERID=bench CNI_IFNAME=eth0 CNI_PATH=$plugins CNI_NETNS=/run/netns/bench
ip link set lo up
ip netns add bench

ports='{"portMappings":[{"hostPort":8080,"containerPort":80,"protocol":"tcp"}]}'
ours='{"cniVersion":"1.0.0","name":"ours","type":"x","bridge":"bench0",
	"isDefaultGateway":true,"ipMasq":true,"ipam":{"subnet":"10.80.0.0/16"},
	"runtimeConfig":'$ports'}'
bridge='{"cniVersion":"1.0.0","name":"theirs","type":"bridge","bridge":"bench1",
	"isDefaultGateway":true,"ipMasq":true,"ipam":{"type":"host-local",
	"subnet":"10.81.0.0/16","dataDir":"/run/cni"}}'

ours_once() {
	CNI_COMMAND=ADD "$program" <<<"$ours" >/dev/null
	CNI_COMMAND=DEL "$program" <<<"$ours"
}

theirs_once() {
	local result portmap firewall

	result=$(CNI_COMMAND=ADD "$plugins/bridge" <<<"$bridge")
	portmap='{"cniVersion":"1.0.0","name":"theirs","type":"portmap","runtimeConfig":'$ports',"prevResult":'$result'}'
	firewall='{"cniVersion":"1.0.0","name":"theirs","type":"firewall","prevResult":'$result'}'
	CNI_COMMAND=ADD "$plugins/portmap" <<<"$portmap" >/dev/null
	CNI_COMMAND=ADD "$plugins/firewall" <<<"$firewall" >/dev/null
	CNI_COMMAND=DEL "$plugins/firewall" <<<"$firewall"
	CNI_COMMAND=DEL "$plugins/portmap" <<<"$portmap"
	CNI_COMMAND=DEL "$plugins/bridge" <<<"$bridge"
}

# timed FUNCTION: microseconds
timed() {
	local begin=${EPOCHREALTIME/./}

	"$1"
	echo $((${EPOCHREALTIME/./} - begin))
}

median() {
	sort -n | awk '{ value[NR] = $1 } END { printf "%.1f", value[int((NR + 1) / 2)] / 1000 }'
}

ours_once 2>/dev/null # the first makes bridges and tables
theirs_once
for ((i = 0; i < rounds; i++)); do
	timed ours_once >>/run/ours
	timed theirs_once >>/run/theirs
done
echo "mocker-netsetup $(median </run/ours) ms, the reference chain $(median </run/theirs) ms"
