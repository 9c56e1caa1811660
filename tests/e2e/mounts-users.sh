#!/bin/bash
# Mounts of containers with a user namespace, and id-mapped mounts.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/mounts.sh
. "$e2e/mounts.sh"

test_setup mounts_setup

mapped='.linux.namespaces += [{type: "user"}, {type: "cgroup"}] |
	.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}] |
	.linux.gidMappings = [{containerID: 0, hostID: 200000, size: 65536}]'

make_source() {
	mkdir -p "$tmp/source/below"
	mount -t tmpfs -o mode=755 tmpfs "$tmp/source"
	mkdir -p "$tmp/source/below"
	mount -t tmpfs -o mode=755 tmpfs "$tmp/source/below"
	echo text >"$tmp/source/file"
	echo text >"$tmp/source/below/file"
	chown 1000:1000 "$tmp/source/file" "$tmp/source/below/file"
	chown -R 100000:200000 "$tmp/b/rootfs"
	chmod 755 "$tmp"
}
test_setup make_source

owner='stat -c %u:%g'

user_namespace() {
	contained 'id -u; cat /proc/self/uid_map; touch /made; echo x >/dev/null; ls /sys /dev/mqueue >/dev/null; cat /proc/self/mountinfo' \
		"$mapped"
	check_status 0
	check_output_has 100000
	check_has "$(file_system_of /proc)" proc
	check_has "$(file_system_of /sys)" sysfs
	check_equal "$(field_of /dev/null 4)" /null "what is on /dev/null"
	check_equal "$($owner "$tmp/b/rootfs/made")" 100000:200000
	rm -f "$tmp/b/rootfs/made"
}

# sysfs and mqueue belong to namespaces that the container does not own: the host's.
shared_namespaces() {
	contained 'ls /sys/class/net; cat /proc/self/mountinfo' "$mapped" \
		'.linux.namespaces |= map(select(.type != "network"))'
	check_status 0
	check_output_has lo
	check_has "$(file_system_of /sys)" sysfs
	check_word "$(options_of /sys)" ro
}

shared_mqueue() {
	contained true "$mapped" '.linux.namespaces |= map(select(.type != "ipc"))'
	if mountpoint -q /dev/mqueue; then
		check_status 0
	else
		check_fails_with "/mounts/4" "its namespace is the host's" "/dev/mqueue"
	fi
}

# Directories that the container's user cannot enter on the host.
unreachable_source() {
	mkdir -p "$tmp/closed/dir"
	echo reached >"$tmp/closed/dir/file"
	chmod 700 "$tmp/closed"
	contained 'cat /m/file' "$mapped" "$(with_mount /m bind "$tmp/closed/dir" bind)"
	if has_detached_mounts; then
		check_output reached
	else
		check_fails_with "/mounts/6" "the source $tmp/closed/dir: Permission denied"
	fi
	rm -rf "$tmp/closed"
}

unreachable_root() {
	mkdir -m 700 "$tmp/closed"
	mv "$tmp/b" "$tmp/closed/b"
	sh_bundle "$tmp/closed/b" 'ls -d /bin' "$mapped" "$(with_mount /m bind "$tmp/source" rbind)"
	run mocker-runtime run --bundle "$tmp/closed/b" test
	check_output /bin
	mv "$tmp/closed/b" "$tmp/b"
	rmdir "$tmp/closed"
}

# What the source has already cannot be taken away by a user namespace.
options_are_locked() {
	mount -o remount,bind,nosuid,nodev "$tmp/source"
	contained 'mount -o remount,rw,bind,suid,dev /m; '"$show_mounts" "$mapped" \
		'.process.capabilities[] = ["CAP_SYS_ADMIN"]' \
		"$(with_mount /m bind "$tmp/source" rbind ro noexec)"
	mount -o remount,bind,suid,dev "$tmp/source"
	check_word "$(options_of /m)" nosuid
	check_word "$(options_of /m)" nodev
	check_word "$(options_of /m)" noexec
}

idmap_inherited() {
	contained "$owner /m/file /m/below/file; touch /m/made; $owner /m/made" "$mapped" \
		"$(with_mount /m bind "$tmp/source" rbind "$1")"
	check_output $'1000:1000\n'"$2"$'\n0:0'
	check_equal "$($owner "$tmp/source/made")" 0:0 "the owner outside"
	rm -f "$tmp/source/made"
}

idmap_of_its_own() {
	contained "$owner /m/file" "$(with_mount_json '{
		"destination": "/m", "type": "bind", "source": "'"$tmp/source"'",
		"options": ["bind", "idmap"],
		"uidMappings": [{"containerID": 1000, "hostID": 7, "size": 1}],
		"gidMappings": [{"containerID": 1000, "hostID": 8, "size": 1}]}')"
	check_output 7:8
}

idmap_of_many_ranges() {
	contained "$owner /m/file" "$(with_mount_json '{
		"destination": "/m", "type": "bind", "source": "'"$tmp/source"'",
		"options": ["bind", "idmap"],
		"uidMappings": [{"containerID": 0, "hostID": 5000, "size": 10},
			{"containerID": 1000, "hostID": 7, "size": 1}],
		"gidMappings": [{"containerID": 0, "hostID": 6000, "size": 10},
			{"containerID": 1000, "hostID": 8, "size": 1}]}')"
	check_output 7:8
}

# As podman's volumes have it, and crun.
idmap_in_words() { # OPTION OWNER
	contained "$owner /m/file /m/below/file" "$mapped" \
		"$(with_mount /m bind "$tmp/source" rbind "$1")"
	check_output "$2"
}

idmap_in_wrong_words() {
	local option said

	while IFS='|' read -r option said; do
		contained true "$mapped" \
			"$(with_mount /m bind "$tmp/source" rbind "$option")"
		check_fails_with "/mounts/6/options/1: \"$option\": $said"
	done <<-'END'
		idmap=|uids=RANGES and gids=RANGES need each other
		idmap=uids=0-1-10|uids=RANGES and gids=RANGES need each other
		idmap=pids=0-1-10|expected uids=RANGES and gids=RANGES, found "pids=0-1-10"
		idmap=uids=0-1;gids=0-1-10|expected FIRST-HOST-COUNT, as in 0-1000-10, found "0-1"
		idmap=uids=0-1-0;gids=0-1-10|expected FIRST-HOST-COUNT, as in 0-1000-10, found "0-1-0"
		idmap=uids=0-1-10;uids=0-1-10|uids and gids may be given once each
		idmap=uids=0-+1-10;gids=0-1-10|expected FIRST-HOST-COUNT, as in 0-1000-10, found "0-+1-10"
		idmap=uids=@0-70000-10;gids=0-1-10|"@0-70000-10" names an id that the container's user namespace does not map
	END
}

idmap_without_mapping() {
	contained true "$(with_mount /m bind "$tmp/source" bind idmap)"
	check_fails_with "/mounts/6" "user namespace"
}

idmap_unsupported() {
	contained true "$mapped" "$(with_mount /m bind /proc bind idmap)"
	check_fails_with "/mounts/6: mapping the ids of /proc" "cannot be id-mapped"
}

no_idmap_before() {
	hidden_calls=mount_setattr
	contained true "$mapped" "$(with_mount /m bind "$tmp/source" bind idmap)"
	hidden_calls=
	check_fails_with "/mounts/6: id-mapped mounts need Linux 5.12"
}

# Somebody without any privilege, and one id that is their own.
rootless() {
	local home=$tmp/somebody

	sh_bundle "$home" 'id -u; cat /m/file; echo x >/dev/null; echo y >/made; '"$show_mounts" "$mapped" \
		'.linux.uidMappings = [{containerID: 0, hostID: 1000, size: 1}] |
		.linux.gidMappings = [{containerID: 0, hostID: 1000, size: 1}]' \
		'.mounts[].options |= (. // [] | . - ["gid=5"])' 'del(.linux.resources)' \
		"$(with_mount /sys/fs/cgroup cgroup cgroup ro)" \
		"$(with_mount /m bind "$tmp/source" rbind ro)"
	chown -R 1000:1000 "$home"
	run_as 1000 env HOME="$home" XDG_RUNTIME_DIR="$home" mocker-runtime --root "$home/state" run --bundle "$home" test
	check_status 0
	check_output_has $'0\ntext\n'
	check_word "$(options_of /m)" ro
	check_word "$(options_of /sys/fs/cgroup)" ro
	check_equal "$($owner "$home/rootfs/made")" 1000:1000
	rm -rf "$home"
}

# Mounts would be made where others see them.
no_mount_namespace() {
	contained true ".linux.namespaces |= $1"
	check_fails_with "/mounts: $2"
}

only_a_chroot() {
	contained 'ls -d /bin; readlink /proc/self/ns/mnt || echo no /proc' \
		'.linux.namespaces |= map(select(.type != "mount"))' \
		'.mounts = [] | .linux.maskedPaths = [] | .linux.readonlyPaths = []'
	check_output_has /bin
	check_equal "$(grep -c "$tmp/b" /proc/self/mountinfo)" 0 "mounts on the host"
}

devpts_group() {
	contained true "$mapped" '.linux.gidMappings[0].size = 1'
	check_fails_with "is gid 5 mapped into the container's user namespace?"
}

# The host has none of these names.
devices() {
	contained 'stat -c "%n %F %t:%T %a %u:%g" /dev/made /opt/deep/y /fifo && echo x >/dev/made;
		ls -A /dev | grep -cE "^[0-9]"' "$mapped" '.linux.devices = [
		{"path": "/dev/made", "type": "c", "major": 1, "minor": 3, "fileMode": 416, "uid": 5, "gid": 6},
		{"path": "/opt/deep/y", "type": "c", "major": 1, "minor": 5},
		{"path": "/fifo", "type": "p", "fileMode": 384, "uid": 7}]'
	rm -rf "$tmp/b/rootfs/opt" "$tmp/b/rootfs/fifo"
	has_detached_mounts || {
		check_fails_with "/linux/devices/0: the host's /dev/made"
		return
	}
	check_output "/dev/made character special file 1:3 640 5:6
/opt/deep/y character special file 1:5 666 0:0
/fifo fifo 0:0 600 7:0
0"
	contained true "$mapped" '.linux.devices = [{"path": "/dev/made", "type": "c",
		"major": 1, "minor": 3, "gid": 300000}]'
	check_fails_with "/linux/devices/0/gid: the user namespace has no 300000"
}

cases() {
	test_case "devices with their owner and mode$kernel" devices
	test_case "a container with a user namespace$kernel" user_namespace
	test_case "a source that its user cannot reach$kernel" unreachable_source
	test_case "options are locked for the container's root$kernel" options_are_locked
}
on_kernels cases
test_case "a root that its user cannot reach" unreachable_root
test_case "file systems of namespaces that are shared" shared_namespaces
test_case "mqueue of a shared namespace is the host's" shared_mqueue
test_case "idmap takes the container's mapping, for one mount" \
	idmap_inherited idmap 65534:65534
test_case "ridmap is for all below" idmap_inherited ridmap 1000:1000
test_case "a mapping of the mount's own" idmap_of_its_own
test_case "a mapping of several ranges" idmap_of_many_ranges
test_case "mappings in the option's own words" \
	idmap_in_words "idmap=uids=0-100100-10#1000-100007-1;gids=0-200000-1#1000-200008-1" \
	$'7:8\n65534:65534'
test_case "in the container's ids, for all below" \
	idmap_in_words "ridmap=uids=@1000-7-1;gids=@1000-8-1" $'7:8\n7:8'
test_case "words of a mapping that are wrong are named" idmap_in_wrong_words
test_case "idmap without any mapping is an error" idmap_without_mapping
test_case "a file system that cannot be mapped is named" idmap_unsupported
test_case "an older kernel is named where ids are to be mapped" no_idmap_before
test_case "a group that is not mapped is named" devpts_group
test_case "a container of somebody without privileges" rootless
test_case "mounts need a mount namespace" \
	no_mount_namespace 'map(select(.type != "mount"))' "they would be the host's too"
test_case "mounts need a mount namespace of the container's own" \
	no_mount_namespace 'map(if .type == "mount" then .path = "/proc/self/ns/mnt" else . end)' \
	"needs a new mount namespace"
test_case "without mounts and mount namespace, the root is changed all the same" only_a_chroot
