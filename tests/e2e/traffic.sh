# shellcheck shell=bash
# Real traffic between network namespaces: servers of one answer, questions to them.

# serve NETNS|host PORT TEXT|PEER: answers each connection with the text, or with the
# address that it comes from. Ends by stop_servers.
serve() {
	local inside=() command="echo $3"

	[ "$1" = host ] || inside=(ip netns exec "$1")
	[ "$3" != PEER ] || command='echo $SOCAT_PEERADDR'
	"${inside[@]}" socat "TCP-LISTEN:$2,fork,reuseaddr${4:+,bind=$4}" "SYSTEM:$command" &
	wait_until 60 listens "$1" "$2"
}

# serve6 NETNS PORT TEXT|PEER: the same for both families.
serve6() {
	local command="echo $3"

	[ "$3" != PEER ] || command='echo $SOCAT_PEERADDR'
	ip netns exec "$1" socat "TCP6-LISTEN:$2,fork,reuseaddr,ipv6only=0" "SYSTEM:$command" &
	wait_until 5 listens "$1" "$2"
}

listens() {
	local inside=()

	[ "$1" = host ] || inside=(ip netns exec "$1")
	"${inside[@]}" ss -Hltn "sport = $2" | grep . >/dev/null
}

# ask NETNS|host ADDRESS PORT: prints the answer, or why there is none.
ask() {
	local inside=()

	[ "$1" = host ] || inside=(ip netns exec "$1")
	timeout 4 "${inside[@]}" socat -T2 - "TCP:$2:$3,connect-timeout=1" </dev/null 2>&1
}

stop_servers() {
	local job

	for job in $(jobs -p); do
		kill "$job" 2>/dev/null
	done
	wait 2>/dev/null
}
