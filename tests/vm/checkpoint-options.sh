#!/bin/bash
# The options of checkpoint and restore, and kinds of containers that checkpoint.sh has not
# got. In the virtual machine (check.sh).
test_limit=900
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/vm/checkpoint-lib.sh
. "$top_srcdir/tests/vm/checkpoint-lib.sh"
# shellcheck source=tests/vm/guest-usr.sh
. "$top_srcdir/tests/vm/guest-usr.sh"
cg=/sys/fs/cgroup/mocker-test
drive="timeout 600 python3 $e2e/runtime-terminal.py"

# ---- what is open ---------------------------------------------------------------------

heard_from() {
	[ "$(tail -n 1 "$tmp/heard")" -gt "$1" ]
}

outside_sockets() {
	local ear heard

	mkdir "$tmp/shared"
	python3 -uc '
import socket, sys
ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
ear.bind(sys.argv[1])
while True:
    print(ear.recv(99).decode())' "$tmp/shared/ear" >"$tmp/heard" &
	ear=$!
	check wait_until 40 test -S "$tmp/shared/ear"
	snake web '
import socket, time
mouth = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
mouth.connect("'"$tmp/shared/ear"'")
i = 0
while True:
    i += 1
    mouth.send(str(i).encode())
    time.sleep(0.1)' '.mounts += [{"destination": "'"$tmp/shared"'", "type": "bind",
		"source": "'"$tmp/shared"'", "options": ["bind"]}]' \
		'.linux.namespaces |= map(select(.type != "network"))' # criu looks no further
	begin web
	check wait_until 40 heard_from 2
	refuses_without --ext-unix-sk "ext-unix-sk"
	heard=$(tail -n 1 "$tmp/heard")
	check wait_until 40 heard_from "$heard"
	delete web
	kill $ear
	wait $ear 2>/dev/null
	rm -r "$tmp/shared" "$tmp/heard"
	forget_images
}
test_case "ext-unix-sk: sockets whose other end is outside are connected again" outside_sockets

lost_names() {
	script_bundle web 'exec 3>/tmp/a; ln /tmp/a /tmp/b; rm /tmp/a
		i=0; while :; do i=$((i + 1)); echo $i >&3; echo $i >/tmp/count; sleep 0.1; done'
	begin web
	check wait_until 40 counts_from web 2
	alone mocker-runtime checkpoint --image-path "$tmp/images" web
	check_fails_with "criu could not dump it; " "link-remap"
	save web --link-remap
	restore web
	check wait_until 40 counts_from web "$(count web)"
	check_equal "$(tail -n 1 "$tmp/web/rootfs/tmp/b" | tr -dc 0-9 | head -c 1 | wc -c)" 1
	delete web
	check_equal "$(find "$tmp/web/rootfs/tmp" -name "link_remap*")" "" "the names that criu made"
	forget_images
}
test_case "link-remap: an open file that lost its name is found by its other one" lost_names

not_yet_accepted() {
	snake web '
import socket, time
server = socket.socket()
server.bind(("127.0.0.1", 80))
server.listen(5)
client = socket.create_connection(("127.0.0.1", 80))
i = 0
while True:
    i += 1
    open("/tmp/count", "w").write(str(i))
    time.sleep(0.1)'
	begin web
	check wait_until 40 counts_from web 2
	alone mocker-runtime checkpoint --tcp-established --image-path "$tmp/images" web
	check_fails_with "criu could not dump it; " "skip-in-flight"
	save web --tcp-established --tcp-skip-in-flight
	restore web --tcp-established
	check wait_until 40 counts_from web "$(count web)"
	delete web
	forget_images
}
test_case "tcp-skip-in-flight: connections that nobody has accepted are left out" not_yet_accepted

# On no mount of the container's, criu refuses it, whatever is allowed.
callers_terminal() {
	local running

	script_bundle web 'echo 1 >/tmp/count; sleep 1000'
	rm -f "$tmp/web/rootfs/tmp/count"
	$drive type '' mocker-runtime run --bundle "$tmp/web" web >"$tmp/shown" &
	running=$!
	check wait_until 40 counts_from web 0
	alone mocker-runtime checkpoint --shell-job --image-path "$tmp/images" web
	check_fails_with "criu could not dump it; " "/dev/pts/"
	check_equal "$(container_status web)" running
	mocker-runtime kill web KILL
	wait $running
	check_equal "$(container_status web)" none
	rm "$tmp/shown"
	forget_images
}
test_case "shell-job: a terminal that is on no mount of the container's is refused" callers_terminal

# ---- images upon images ---------------------------------------------------------------

# Kibibytes that the files in a directory really take.
kibibytes() {
	du -ck "$1"/pages-*.img | tail -n 1 | cut -f 1
}

dirties_memory() {
	snake "$1" '
import time
memory = bytearray(4 << 20)
i = 0
while True:
    i += 1
    memory[0::4096] = bytes([i % 256]) * 1024
    open("/tmp/count", "w").write(str(i))
    time.sleep(0.1)'
}

duplicates() {
	local before

	dirties_memory web
	begin web
	check wait_until 40 counts_from web 2
	alone mocker-runtime checkpoint --pre-dump --image-path "$tmp/images.pre" web
	check_status 0
	before=$(kibibytes "$tmp/images.pre")
	check wait_until 40 counts_from web $(($(count web) + 2))
	save web --parent-path ../images.pre --auto-dedup
	check [ "$(kibibytes "$tmp/images.pre")" -lt $((before - 3000)) ]
	before=$(kibibytes "$tmp/images")
	check [ "$before" -gt 4000 ]
	restore web --auto-dedup
	check [ "$(kibibytes "$tmp/images")" -lt $((before - 3000)) ]
	check wait_until 40 counts_from web "$(count web)"
	delete web
	forget_images
}
test_case "auto-dedup: what newer images have is dropped from older ones" duplicates

chain() {
	dirties_memory web
	begin web
	check wait_until 40 counts_from web 2
	alone mocker-runtime checkpoint --pre-dump --image-path "$tmp/images.1" web
	check_status 0
	alone mocker-runtime checkpoint --pre-dump --parent-path ../images.1 \
		--image-path "$tmp/images.2" web
	check_status 0
	check_equal "$(readlink "$tmp/images.2/parent")" ../images.1
	check_equal "$(container_status web)" running
	save web --parent-path ../images.2
	restore web
	check wait_until 40 counts_from web "$(count web)"
	delete web
	mv "$tmp/images.1" "$tmp/images.lost"
	alone mocker-runtime restore --detach --image-path "$tmp/images" --bundle "$tmp/web" web
	check_fails_with "criu could not restore it; "
	forget_images
}
test_case "pre-dumps stand on each other, and the dump on the last" chain

again() {
	local first

	counter web
	begin web
	check wait_until 40 counts_from web 2
	save web --leave-running
	first=$(count web)
	check wait_until 40 counts_from web $((first + 20))
	mv "$tmp/images" "$tmp/images.first"
	save web
	check_equal "$(container_status web)" none
	restore web
	check wait_until 40 counts_from web $((first + 21))
	delete web
	echo 0 >"$tmp/web/rootfs/tmp/count"
	mv "$tmp/images.first" "$tmp/images"
	restore web
	check wait_until 40 counts_from web 0
	save web --leave-running --work-path "$tmp/images.again"
	delete web
	forget_images
}
test_case "a container that was left running is saved again, and so is a restored one" again

# ---- cgroups --------------------------------------------------------------------------

# below NAME: counts in a cgroup that it has made below its own.
below() {
	script_bundle "$1" 'mkdir /sys/fs/cgroup/sub; echo 0 >/sys/fs/cgroup/sub/cgroup.procs
		i=0; while :; do i=$((i + 1)); echo $i >/tmp/count; sleep 0.1; done' \
		'.linux.namespaces += [{"type": "cgroup"}]' \
		'.mounts += [{"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
			"options": ["rw", "nosuid", "noexec", "nodev"]}]'
}

# cgroup_after MODE...: where the process is that was in web/sub.
cgroup_after() {
	restore web "$@"
	cut -d: -f3 "/proc/$(container_pid web)/cgroup"
	delete web
}

cgroup_modes() {
	local mode

	below web
	begin web
	check wait_until 40 counts_from web 2
	save web --leave-running
	for mode in soft full; do
		delete web
		check_equal "$(cgroup_after --manage-cgroups-mode $mode)" "$(host_cgroup)/web/sub" "with $mode"
	done
	delete web
	check_equal "$(cgroup_after --manage-cgroups-mode ignore)" "$(host_cgroup)/web" "with ignore"
	alone mocker-runtime restore --detach --manage-cgroups-mode strict --image-path "$tmp/images" \
		--bundle "$tmp/web" web
	check_status 0
	delete web
	forget_images
}
host_cgroup() {
	echo /mocker-test
}
test_case "manage-cgroups-mode: where processes of cgroups below come back" cgroup_modes

# ---- kinds of containers --------------------------------------------------------------

users_of_its_own() {
	local before

	counter inner '.linux.namespaces += [{"type": "user"}]' \
		'.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]' \
		'.linux.gidMappings = .linux.uidMappings'
	chown -R 100000:100000 "$tmp/inner/rootfs"
	chmod 755 "$tmp"
	begin inner
	check wait_until 40 counts_from inner 2
	save inner
	before=$(count inner)
	restore inner
	check wait_until 40 counts_from inner "$before"
	check_equal "$(awk '{ print $1, $2, $3 }' "/proc/$(container_pid inner)/uid_map")" "0 100000 65536"
	check_equal "$(stat -c %u "/proc/$(container_pid inner)")" 100000
	run mocker-runtime exec inner sh -c 'id -u; echo >/dev/null && echo fine'
	check_output $'0\nfine'
	delete inner
	forget_images
}
test_case "a user namespace has its mappings again" users_of_its_own

layers() {
	local before

	mkdir -p "$tmp/layers/upper" "$tmp/layers/work"
	counter web '.mounts |= [{"destination": "/", "type": "overlay", "source": "overlay",
		"options": ["lowerdir=.", "upperdir='"$tmp/layers/upper"'", "workdir='"$tmp/layers/work"'"]}] + .'
	begin web
	check wait_until 40 test -s "$tmp/layers/upper/tmp/count"
	save web
	before=$(cat "$tmp/layers/upper/tmp/count")
	restore web
	check wait_until 40 sh -c "[ \$(cat $tmp/layers/upper/tmp/count) -gt $before ]"
	run mocker-runtime exec web grep -c ' / / .* overlay ' /proc/self/mountinfo
	check_output 1
	check_missing "$tmp/web/rootfs/tmp/count"
	delete web
	rm -r "$tmp/layers"
	forget_images
}
test_case "a root of layers is mounted again" layers

unwritable() {
	counter web '.root.readonly = true' \
		'.mounts += [{"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"}]'
	begin web
	check wait_until 40 mocker-runtime exec web test -s /tmp/count
	save web
	restore web
	run mocker-runtime exec web touch /x
	check_errors_have "Read-only file system"
	run mocker-runtime exec web sh -c 'test -s /tmp/count && echo >/dev/null && echo fine'
	check_output fine
	check_missing "$tmp/web/rootfs/x"
	check touch "$tmp/web/rootfs/x" # for others it is as it was
	rm "$tmp/web/rootfs/x"
	delete web
	forget_images
}
test_case "a read-only root is read-only again" unwritable

idle_disks() {
	local pid

	script_bundle web 'sleep 1000 & echo 1 >/tmp/count; wait' \
		'.process.ioPriority = {"class": "IOPRIO_CLASS_IDLE", "priority": 0}'
	begin web
	check wait_until 40 counts_from web 0
	check_equal "$(ionice -p "$(container_pid web)")" idle
	save web
	restore web
	check_equal "$(ionice -p "$(container_pid web)")" idle
	while read -r pid; do
		check_equal "$(ionice -p "$pid")" idle "the priority of each"
	done <$cg/web/cgroup.procs
	delete web
	forget_images
}
test_case "I/O priorities are what they were" idle_disks

keys() {
	script_bundle web 'while :; do cat /proc/keys >/tmp/keys.new; mv /tmp/keys.new /tmp/keys; sleep 0.1; done' \
		'.linux.maskedPaths = []'
	begin web
	check wait_until 40 grep -q _ses.web "$tmp/web/rootfs/tmp/keys"
	save web
	rm "$tmp/web/rootfs/tmp/keys"
	restore web
	check wait_until 40 test -e "$tmp/web/rootfs/tmp/keys"
	check grep -q _ses.web "$tmp/web/rootfs/tmp/keys"
	delete web
	forget_images
}
test_case "its keyring is its own, not the restorer's" keys

shared_pids() {
	script_bundle web 'sh -c "sleep 1000 & echo \$! >/tmp/orphan; sleep 1000" &
		echo $! >/tmp/parent; wait; sleep 1000' \
		'.linux.namespaces |= map(select(.type != "pid"))'
	begin web
	check wait_until 40 test -s "$tmp/web/rootfs/tmp/orphan"
	save web
	mocker-runtime --log "$tmp/log" restore --no-subreaper --image-path "$tmp/images" \
		--bundle "$tmp/web" web </dev/null >/dev/null 2>&1 &
	check wait_until 40 mocker-runtime exec web true
	check wait_until 40 sh -c '! pidof criu'
	kill -KILL "$(cat "$tmp/web/rootfs/tmp/parent")"
	check wait_until 40 grep -q "^PPid:.*[^0-9]1$" "/proc/$(cat "$tmp/web/rootfs/tmp/orphan")/status"
	check_equal "$(container_status web)" running
	mocker-runtime kill --all web KILL
	wait $!
	check_equal "$(container_status web)" none
	forget_images
}
test_case "no-subreaper: orphans of a container without PIDs of its own are the system's" shared_pids

kept() {
	script_bundle web 'while [ ! -e /tmp/end ]; do sleep 0.1; done; exit 5'
	begin web
	save web
	touch "$tmp/web/rootfs/tmp/end"
	alone mocker-runtime restore --keep --no-pivot --image-path "$tmp/images" --bundle "$tmp/web" web
	check_status 5
	check_equal "$(container_status web)" stopped
	delete web
	forget_images
}
test_case "keep: a restored container stays, stopped, after its end" kept

executed() {
	counter web
	begin web
	mocker-runtime exec --detach web sleep 1001 </dev/null >/dev/null 2>&1
	check wait_until 40 counts_from web 2
	save web
	check_matches "$errors" "process [0-9]+ \\(sleep, .*\\) is not saved: it does not descend"
	restore web
	check wait_until 40 counts_from web "$(count web)"
	delete web
	forget_images
}
test_case "what exec has brought into it is not saved, and that is said" executed

# ---- security modules -----------------------------------------------------------------

profile() {
	printf 'profile %s flags=(attach_disconnected,mediate_deleted) {\n%s\n}\n' "$1" \
		'file, capability, network, signal, ptrace, mount, umount, unix, dbus, deny /forbidden r,' |
		apparmor_parser -q "$2"
}

confined() {
	[ "$(cat /sys/module/apparmor/parameters/enabled)" = Y ] || {
		skip "AppArmor is not active here"
		return
	}
	mount -t securityfs none /sys/kernel/security
	profile mocker-first --add
	profile mocker-second --add
	umount /sys/kernel/security
	rm -f /run/criu.kdat
	counter web '.process.apparmorProfile = "mocker-first"'
	echo secret >"$tmp/web/rootfs/forbidden"
	begin web
	save web --leave-running
	delete web
	alone mocker-runtime restore --detach --image-path "$tmp/images" --bundle "$tmp/web" web
	check_fails_with 'the restored process: it is confined by AppArmor as "unconfined", not as "mocker-first"'
	check_equal "$(container_status web)" none
	forget_images
	mount -t securityfs none /sys/kernel/security
	rm -f /run/criu.kdat
	begin web
	check_equal "$(cat "/proc/$(container_pid web)/attr/current")" "mocker-first (enforce)"
	save web
	restore web
	check_equal "$(cat "/proc/$(container_pid web)/attr/current")" "mocker-first (enforce)"
	delete web
	restore web --lsm-profile apparmor:mocker-second
	check_equal "$(cat "/proc/$(container_pid web)/attr/current")" "mocker-second (enforce)"
	run mocker-runtime exec web cat /forbidden
	check_errors_have "Permission denied"
	delete web
	alone mocker-runtime restore --detach --lsm-profile apparmor:mocker-none \
		--image-path "$tmp/images" --bundle "$tmp/web" web
	check_fails_with '--lsm-profile: "mocker-none": AppArmor has no such profile loaded'
	check_equal "$(container_status web)" none
	profile mocker-first --remove
	profile mocker-second --remove
	umount /sys/kernel/security
	forget_images
}
test_case "lsm-profile: AppArmor's profile is the old one, or a new one" confined
