# shellcheck shell=bash disable=SC2034,SC2154
# A service manager that notes what it is told by sd_notify(3) in $tmp/told, a line "---"
# after each message.

make_sd_notify() {
	"${CC:-cc}" -static -o "$tmp/sd-notify" "$e2e/sd-notify.c" || failed "sd-notify.c"
}

# manager NAME: a path, or "@" and an abstract name.
manager() {
	: >"$tmp/told"
	python3 -c '
import socket, sys
name = sys.argv[1]
place = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
place.bind("\0" + name[1:] if name[0] == "@" else name)
open(sys.argv[2] + ".ready", "w")
while True:
    with open(sys.argv[2], "ab", 0) as file:
        file.write(place.recv(4096) + b"---\n")' "$1" "$tmp/told" &
	manager=$!
	check wait_until 20 test -e "$tmp/told.ready"
	export NOTIFY_SOCKET=$1
}

manager_ends() {
	unset NOTIFY_SOCKET
	kill "$manager" && wait "$manager" 2>/dev/null
	rm -f "$tmp/told" "$tmp/told.ready" "$tmp/manager"
}
