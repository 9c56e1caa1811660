#!/bin/bash
# mocker-netsetup against the chain of Debian's containernetworking-plugins (bridge with
# host-local, portmap, firewall), in turns, in a pretend host of its own: one attachment
# with a published port, many at once, the thousandth, the thousandth port, memory. Each
# line ends with what was hoped for.
#
#	sudo tests/bench/net.sh [ROUNDS [MANY [memory|one|parallel|ports|scale...]]]
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
program=${MOCKER_NETSETUP:-${top_builddir:-$top}/mocker-netsetup}
pairs=${top_builddir:-$top}/tests/bench/pairs
port=${top_builddir:-$top}/tests/bench/port
plugins=${CNI_PLUGINS:-/usr/lib/cni}
rounds=${1:-20}
many=${2:-1000}
parts=("${@:3}")
[ $# -gt 2 ] || parts=(memory one parallel ports scale)
[ "${inside-}" = yes ] || exec env inside=yes MOCKER_NETSETUP="$program" \
	unshare --net --mount --pid --fork --kill-child --propagation private --mount-proc \
	"$0" "$rounds" "$many" "${parts[@]}"

mount -t tmpfs tmpfs /run
mkdir -p /run/cni
export MOCKER_NETSETUP_ROOT=/run/mocker-bench CNI_PATH=$plugins
ip link set lo up

# ---- one attachment by either -------------------------------------------------------

# ours COMMAND NUMBER [PORTS]: of container NUMBER, its host port 10000+NUMBER.
ours() {
	local ports=${3-'{"hostPort":'$((10000 + $2))',"containerPort":80,"protocol":"tcp"}'}

	CNI_COMMAND=$1 CNI_CONTAINERID=ours$2 CNI_IFNAME=e$2 CNI_NETNS=/run/netns/n$(($2 / 50)) \
		"$program" >/dev/null 2>&1 <<-END
			{"cniVersion":"1.0.0","name":"ours","type":"x","bridge":"bench0",
			"isDefaultGateway":true,"ipMasq":true,"ipam":{"subnet":"10.80.0.0/16"},
			"runtimeConfig":{"portMappings":[$ports]}}
		END
}

theirs() {
	local bridge portmap firewall result
	local -x CNI_COMMAND=$1 CNI_CONTAINERID=theirs$2 CNI_IFNAME=t$2 CNI_NETNS=/run/netns/n$(($2 / 50))
	local ports='{"portMappings":[{"hostPort":'$((20000 + $2))',"containerPort":80,"protocol":"tcp"}]}'

	bridge='{"cniVersion":"1.0.0","name":"theirs","type":"bridge","bridge":"bench1",
		"isDefaultGateway":true,"ipMasq":true,"ipam":{"type":"host-local",
		"subnet":"10.81.0.0/16","dataDir":"/run/cni"}}'
	[ "$1" = DEL ] || result=$("$plugins/bridge" <<<"$bridge")
	[ "$1" = DEL ] && result=$(cat "/run/theirs$2") || echo "$result" >"/run/theirs$2"
	portmap='{"cniVersion":"1.0.0","name":"theirs","type":"portmap","runtimeConfig":'$ports',"prevResult":'$result'}'
	firewall='{"cniVersion":"1.0.0","name":"theirs","type":"firewall","prevResult":'$result'}'
	if [ "$1" = ADD ]; then
		"$plugins/portmap" <<<"$portmap" >/dev/null
		"$plugins/firewall" <<<"$firewall" >/dev/null
	else
		"$plugins/firewall" <<<"$firewall"
		"$plugins/portmap" <<<"$portmap"
		"$plugins/bridge" <<<"$bridge"
	fi
}

add_and_del() { # ours|theirs
	"$1" ADD 1
	"$1" DEL 1
}

# all_at_once ours|theirs COUNT: each attached, then each detached
all_at_once() {
	local i command

	for command in ADD DEL; do
		for ((i = 1; i <= $2; i++)); do
			(
				"$1" $command "$i"
			) &
		done
		wait
	done
}

# ---- figures ------------------------------------------------------------------------

# timed COMMAND...: microseconds
timed() {
	local begin=${EPOCHREALTIME/./}

	"$@"
	echo $((${EPOCHREALTIME/./} - begin))
}

median() {
	sort -n | awk '{ value[NR] = $1 } END { printf "%.1f", value[int((NR + 1) / 2)] / 1000 }'
}

ratio() { # A B
	awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'
}

for ((i = 0; i <= (many + 100) / 50; i++)); do
	ip netns add "n$i"
done

without_ipv6() { # NETNS
	ip netns exec "$1" sh -c 'for file in all default; do
		echo 1 >/proc/sys/net/ipv6/conf/$file/disable_ipv6
	done'
}

one() {
	local i a b

	add_and_del ours # the first makes bridges and tables
	add_and_del theirs
	for ((i = 0; i < rounds; i++)); do
		timed add_and_del ours >>/run/one-ours
		timed add_and_del theirs >>/run/one-theirs
	done
	a=$(median </run/one-ours) b=$(median </run/one-theirs)
	echo "ADD and DEL with a published port: $a ms, the reference chain $b ms: $(ratio "$a" "$b") (0.10)"
}

parallel() {
	local a b

	a=$(timed all_at_once ours 64 | median) b=$(timed all_at_once theirs 64 | median)
	echo "64 of them at once: $a ms, the reference chain $b ms: $(ratio "$a" "$b") (0.10)"
}

# The last ones of many, beside what the kernel needs for so many ports of a bridge alone:
# in turns, in a host of its own that knows no IPv6.
scale() {
	local i first last kernel_first kernel_last

	ip netns add control
	for ((i = 0; i <= many / 50; i++)); do
		ip netns add "c$i"
		without_ipv6 "c$i"
	done
	without_ipv6 control
	for ((i = 1; i <= many; i++)); do
		timed ours ADD $i >>/run/many
		nsenter --net=/run/netns/control "$port" bench2 $i /run/netns/c$((i / 50)) \
			>>/run/ports
	done
	first=$(sed -n 2,22p /run/many | median)
	last=$(tail -n 21 /run/many | median)
	kernel_first=$(sed -n 2,22p /run/ports | median)
	kernel_last=$(tail -n 21 /run/ports | median)
	echo "attachment $many: $last ms, the first ones $first ms: $(ratio "$last" "$first") (1.20)"
	echo "    a bare port $many of a bridge: $kernel_last ms, the first ones $kernel_first ms;" \
		"without the kernel's growth: $(awk -v a="$last" -v b="$first" -v c="$kernel_last" \
			-v d="$kernel_first" 'BEGIN { printf "%.2f", (a - (c - d)) / b }') (1.20)"
	for ((i = 1; i <= many; i++)); do
		ours DEL $i &
		((i % 8)) || wait
	done
	wait
}

ports() {
	local i list before after

	for ((i = 1; i <= 21; i++)); do
		timed ours ADD $i >>/run/published-before
		ours DEL $i
	done
	list=$(seq -f '{"hostPort":%.0f,"containerPort":80,"protocol":"tcp"}' -s , 30001 $((30000 + many)))
	more=$(timed ours ADD 99 "$list" | median)
	for ((i = 1; i <= 21; i++)); do
		timed ours ADD $i >>/run/published-after
		ours DEL $i
	done
	before=$(median </run/published-before) after=$(median </run/published-after)
	echo "beside $many published ports (made in $more ms): $after ms, without $before ms: $(ratio "$after" "$before") (1.20)"
	ours DEL 99 "$list"
}

# The first of all, which makes bridge and table too.
memory() {
	"$pairs" -n 1 -w 0 add="$program --root /run/memory add memory --publish 9:9" |
		awk '{ print "peak memory (6 MiB): " $0 }'
	"$program" --root /run/memory del memory
}

for part in "${parts[@]}"; do
	"$part"
done
