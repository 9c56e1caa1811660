#!/bin/bash
# exec --tools: programs of the host, or of another root file system, in chosen namespaces
# of a container whose image has next to nothing.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

# begin [JQ FILTER...]: "web" has one file, a static program that sleeps.
begin() {
	mkdir -p "$tmp/web/rootfs"/{bin,dev,proc,sys,tmp}
	cp "$(command -v busybox)" "$tmp/web/rootfs/bin/sleep"
	make_bundle "$tmp/web" '.process.args = ["/bin/sleep", "1000"]' "$@"
	run mocker-runtime run -d -b "$tmp/web" web
	check_status 0
}

end() {
	run mocker-runtime delete --force web
	check_status 0
}

namespace_of() {
	readlink "/proc/$1/ns/$2"
}

the_story() {
	needs ps netstat python3 || return
	begin
	run mocker-runtime exec web netstat -lnpt
	check_status 255
	check_fails_with 'executable file not found in $PATH'
	mocker-runtime exec --tools --ns net,pid --detach web python3 -c '
import socket, time
s = socket.socket(); s.bind(("127.0.0.1", 8765)); s.listen(); time.sleep(1000)'
	check_status 255
	check wait_until 20 listens
	run mocker-runtime exec --tools --ns net,pid web netstat -lnpt
	check_status 0
	check_matches "$output" '127\.0\.0\.1:8765 .*LISTEN +[0-9]+/python3'
	run netstat -lnt
	check_lacks "$output" 8765
	run mocker-runtime exec --tools --ns pid web ps -eo pid,args
	check_status 0
	check_matches "$output" $'\n +1 /bin/sleep 1000'
	check_lacks "$output" "$0"
	end
}
listens() {
	mocker-runtime exec --tools --ns net,pid web netstat -lnt | grep 8765 >/dev/null
}
test_case "netstat of the host shows who listens in a container without netstat" the_story

# It is in those that were chosen and in no other; the private mount namespace is a third.
chosen_namespaces() {
	local kind pid where

	begin
	pid=$(container_pid web)
	for kind in ipc net pid uts; do
		run mocker-runtime exec --tools --ns "$kind" web readlink /proc/self/ns/{ipc,net,pid,uts}
		check_status 0
		for where in ipc net pid uts; do
			if [ "$where" = "$kind" ]; then
				check_output_has "$(namespace_of "$pid" "$where")"
			else
				check_output_has "$(namespace_of self "$where")"
			fi
		done
	done
	run mocker-runtime exec --tools --ns network web readlink /proc/self/ns/mnt
	check_not test "$output" = "$(namespace_of self mnt)"
	check_not test "$output" = "$(namespace_of "$pid" mnt)"
	run mocker-runtime exec --tools web readlink /proc/self/ns/{ipc,net,pid,uts}
	check_output "$(for kind in ipc net pid uts; do namespace_of "$pid" $kind; done)"
	run mocker-runtime exec --tools web ls /sys/class/net
	check_output lo
	run mocker-runtime exec --tools web sh -c 'ls -A /sys/fs/cgroup | wc -l'
	check_output "$(find /sys/fs/cgroup -mindepth 1 -maxdepth 1 | wc -l)"
	end
}
test_case "it joins what --ns names, and nothing else" chosen_namespaces

attributes() {
	begin
	cd "$tmp" || return
	run env SECRET=1 LANG=C.UTF-8 mocker-runtime exec --tools web \
		sh -c 'pwd; echo "$SECRET$LANG"; grep CapEff /proc/self/status'
	check_status 0
	check_output "$tmp"$'\n'"C.UTF-8"$'\n'"$(grep CapEff /proc/self/status)"
	run mocker-runtime exec --tools --ns net --user 1000:10 -g 7 --cwd /tmp --env A=b web \
		sh -c 'id -u; id -g; pwd; echo $A; grep CapEff /proc/self/status'
	check_output $'1000\n10\n/tmp\nb\nCapEff:\t0000000000000000'
	run mocker-runtime exec --tools web sh -c 'exit 41'
	check_status 41
	run mocker-runtime exec --tools --no-new-privs web grep NoNewPrivs /proc/self/status
	check_matches "$output" '1$'
	run mocker-runtime exec --tools --ns net web cat /proc/self/cgroup
	check_output_has /mocker-test/web
	run mocker-runtime exec --tools --no-cgroup --ns net web cat /proc/self/cgroup
	check_lacks "$output" /mocker-test/web
	run_in_terminal mocker-runtime exec --tools --tty web tty
	check_matches "$output" '/dev/pts/[0-9]+'
	run mocker-runtime exec --tools --detach --pid-file "$tmp/pid" web sleep 1000
	check_status 0
	check_equal "$(namespace_of "$(cat "$tmp/pid")" net)" \
		"$(namespace_of "$(container_pid web)" net)"
	end
	check wait_until 60 test ! -e "/proc/$(cat "$tmp/pid")"
}
test_case "it is root with the caller's capabilities, in the container's cgroup" attributes

# The host's own mounts stay as they were.
mounts_are_private() {
	local before

	begin
	before=$(cat /proc/self/mountinfo)
	run mocker-runtime exec --tools web sh -c 'mount -t tmpfs t /mnt && grep -c " /mnt " /proc/self/mountinfo'
	check_output 1
	check_equal "$(cat /proc/self/mountinfo)" "$before"
	end
}
test_case "what a tool mounts ends with it" mounts_are_private

# Not even the tool's process may be a way from the container to the host's files.
container_sees_nothing() {
	local pid

	make_bundle "$tmp/full" '.process.args = ["sleep", "1000"]'
	run mocker-runtime run -d -b "$tmp/full" full
	check_status 0
	echo secret >"$tmp/secret"
	run mocker-runtime exec --tools --detach full sleep 1000
	pid=$(mocker-runtime exec full ps -o pid,args | awk '/sleep 1000/ && $1 > 1 { print $1 }')
	check_matches "$pid" '^[0-9]+$'
	check_not test "$pid" = 1
	run mocker-runtime exec full cat "/proc/$pid/root$tmp/secret"
	check_not test "$status" = 0
	check_errors_have "ermission denied"
	run mocker-runtime exec full cat "/proc/$pid/environ"
	check_not test "$status" = 0
	run mocker-runtime exec full ls "/proc/$pid/cwd/"
	check_not test "$status" = 0
	run mocker-runtime delete --force full
	check_status 0
}
test_case "a container cannot look through a tool at the host" container_sees_nothing

exposed_is_refused() {
	begin '.process.capabilities.bounding += ["CAP_SYS_PTRACE"]'
	run mocker-runtime exec --tools web true
	check_status 255
	check_fails_with CAP_SYS_PTRACE "leave pid out of --ns"
	run mocker-runtime exec --tools --ns net web true
	check_status 0
	end
	begin
	run mocker-runtime exec --tools --user 1000 web true
	check_fails_with "user 1000" "leave pid out of --ns"
	end
}
test_case "what would show it the host's files is refused" exposed_is_refused

static_program() {
	begin
	run mocker-runtime exec --tools --ns mnt,pid web busybox ls /
	check_status 0
	check_output $'bin\ndev\nproc\nsys\ntmp'
	run mocker-runtime exec --tools --ns mnt,pid web busybox grep -E 'CapEff|NoNewPrivs' \
		/proc/self/status
	check_has "$output" 0000000020000420
	run mocker-runtime exec --tools --ns mnt,pid web busybox touch /proc/self/exe
	check_errors_have "Read-only file system"
	run mocker-runtime exec --tools --ns mnt web ls /
	check_status 255
	check_fails_with "its ELF loader"
	run mocker-runtime exec --tools --ns mnt web no-such
	check_fails_with 'executable file not found in $PATH' "on the host"
	end
}
test_case "with mnt a static program of the host sees the container's files" static_program

other_rootfs() {
	make_rootfs "$tmp/kit"
	echo kit >"$tmp/kit/etc/kit"
	begin
	run mocker-runtime exec --tools --rootfs "$tmp/kit" web \
		sh -c 'cat /etc/kit; ls -d /proc/1 /dev/null; ps -o args | grep -c "[s]leep 1000"; ls /sys/class/net'
	check_status 0
	check_output $'kit\n/dev/null\n/proc/1\n1\nlo'
	run mocker-runtime exec --tools --rootfs "$tmp/kit" web test -e "$tmp/kit/etc/kit"
	check_status 1
	check_equal "$(ls -A "$tmp/kit/dev" "$tmp/kit/proc")" "$tmp/kit/dev:"$'\n\n'"$tmp/kit/proc:"
	make_bundle "$tmp/box" '.process.env = ["PATH=/bin", "OF=box"]' \
		'.linux.sysctl = {"net.ipv4.ip_forward": "1"}' \
		'.mounts += [{"destination": "/mnt", "type": "tmpfs", "source": "t"}]'
	touch "$tmp/box/rootfs/etc/box"
	run mocker-runtime exec --tools --bundle "$tmp/box" web \
		sh -c 'ls /etc/box; echo $OF; grep -c " /mnt tmpfs" /proc/mounts; cat /proc/sys/net/ipv4/ip_forward'
	check_status 0
	check_output $'/etc/box\nbox\n1\n0'
	end
}
test_case "the tools may be another bundle's, with its mounts, or of a bare directory" other_rootfs

in_a_user_namespace() {
	begin '.linux.namespaces += [{"type": "user"}]' \
		'.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]' \
		'.linux.gidMappings = .linux.uidMappings'
	run mocker-runtime exec --tools web sh -c 'id -u; cat /proc/self/uid_map | tr -s " "; cat /proc/1/comm'
	check_status 0
	check_output $'0\n 0 0 4294967295\nsleep'
	run mocker-runtime exec --tools --ns user,pid,net web \
		sh -c 'tr -s " " </proc/self/uid_map; cat /proc/1/comm; ls /sys/class/net'
	check_status 0
	check_output $' 0 100000 65536\nsleep\nlo'
	end
}
test_case "a user namespace is joined only if it is chosen" in_a_user_namespace

bad_input() {
	local words

	begin
	run mocker-runtime exec --ns net web true
	check_status 255
	check_fails_with "--ns: goes with --tools only"
	run mocker-runtime exec --rootfs / web true
	check_fails_with "--rootfs: goes with --tools only"
	for words in nets "," "net," "net,,pid" /proc/1/ns/net; do
		run mocker-runtime exec --tools --ns "$words" web true
		check_status 255
		check_fails_with "--ns: "
	done
	run mocker-runtime exec --tools --rootfs "$tmp/none" web true
	check_fails_with "$tmp/none: No such file or directory"
	run mocker-runtime exec --tools --bundle "$tmp/none" web true
	check_fails_with "$tmp/none: No such file or directory"
	run mocker-runtime exec --tools --bundle "$tmp/web" --rootfs / web true
	check_fails_with "exclude each other"
	run mocker-runtime exec --tools --ns mnt --rootfs / web true
	check_fails_with "--rootfs: with the namespace mnt"
	run mocker-runtime exec --tools --no-cgroup --cgroup x web true
	check_fails_with "exclude each other"
	run mocker-runtime exec --tools web
	check_fails_with "expected a program"
	run mocker-runtime exec --tools web no-such-program
	check_status 255
	check_fails_with 'executable file not found in $PATH'
	run mocker-runtime exec --tools --cwd /no/such web true
	check_fails_with "/no/such"
	run mocker-runtime exec --tools none true
	check_fails_with "container does not exist"
	mocker-runtime kill web KILL
	check wait_until 60 eval '[ "$(container_status web)" = stopped ]'
	run mocker-runtime exec --tools web true
	check_status 255
	check_fails_with "container not running"
	end
}
test_case "bad input is one line, and leaves nothing" bad_input

# A user without any privilege enters by way of the container's user namespace.
somebody() {
	local home=$tmp/somebody mocker

	needs ps || return
	mocker=(env HOME="$home" XDG_RUNTIME_DIR="$home" mocker-runtime --root "$home/state")
	make_bundle "$home" '.process.args = ["sleep", "1000"]' 'del(.linux.resources)' \
		'.linux.namespaces += [{"type": "user"}]' \
		'.linux.uidMappings = [{containerID: 0, hostID: 1000, size: 1}] |
		.linux.gidMappings = .linux.uidMappings' \
		'.mounts[].options |= (. // [] | . - ["gid=5"])'
	echo hello >"$home/file"
	echo '[{"destination": "/tmp/file", "type": "bind", "source": "'"$home"'/file"}]' >"$home/list"
	chown -R 1000:1000 "$home"
	run_as 1000 "${mocker[@]}" run --detach --bundle "$home" web
	check_status 0
	run_as 1000 "${mocker[@]}" exec --tools --ns net,pid web ps -eo args
	check_status 0
	check_output_has "sleep 1000"
	run_as 1000 "${mocker[@]}" exec --tools web sh -c 'id -u; ls /sys/class/net'
	check_output $'0\nlo'
	run_as 1000 "${mocker[@]}" mounts add web "$home/list"
	check_status 0
	run_as 1000 "${mocker[@]}" exec web cat /tmp/file
	check_output hello
	run_as 1000 "${mocker[@]}" mounts remove web "$home/list"
	check_status 0
	run_as 1000 "${mocker[@]}" exec web cat /tmp/file
	check_output ""
	run_as 1000 "${mocker[@]}" inspect --format json web
	check_status 0
	check_equal "$(jq -r '"\(.security.uid) \([.interfaces[].name] | join(" "))"' <<<"$output")" \
		"1000 lo"
	run_as 1000 "${mocker[@]}" delete --force web
	check_status 0
	rm -rf "$home"
}
test_case "a user without privileges has tools, mounts and inspect too" somebody
