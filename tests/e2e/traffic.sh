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
	wait_until 60 listens "$1" "$2"
}

listens() {
	local inside=()

	[ "$1" = host ] || inside=(ip netns exec "$1")
	"${inside[@]}" ss -Hltn "sport = $2" | grep . >/dev/null
}

# ask NETNS|host ADDRESS PORT: prints the answer, or why there is none. What is dropped costs
# the time to connect; who is connected gets more (-t), for a busy machine.
ask() {
	local inside=()

	[ "$1" = host ] || inside=(ip netns exec "$1")
	timeout 40 "${inside[@]}" socat -t20 -T20 - "TCP:$2:$3,connect-timeout=2" \
		</dev/null 2>&1
}

# serve_udp NETNS PORT TEXT: the same for datagrams of both families.
serve_udp() {
	ip netns exec "$1" socat "UDP6-RECVFROM:$2,fork,ipv6only=0" "SYSTEM:read x; echo $3" &
	wait_until 60 sh -c "ip netns exec $1 ss -Hlun 'sport = $2' | grep -q ."
}

# ask_udp NETNS|host ADDRESS PORT [OWN PORT]
ask_udp() {
	local inside=()

	[ "$1" = host ] || inside=(ip netns exec "$1")
	"${inside[@]}" python3 -c '
import socket, sys
address, port, own = sys.argv[1].strip("[]"), int(sys.argv[2]), int(sys.argv[3])
client = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
client.bind(("", own))
client.connect((address, port))
client.settimeout(20)
client.send(b"x\n")
print(client.recv(100).decode(), end="")' "$2" "$3" "${4:-0}" 2>&1
}

stop_servers() {
	local job

	for job in $(jobs -p); do
		kill "$job" 2>/dev/null
	done
	wait 2>/dev/null
}
