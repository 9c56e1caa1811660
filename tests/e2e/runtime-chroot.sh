#!/bin/bash
# The runtime started in a chroot: what is executed and mounted in its containers later is
# in their root, not in that of the mount namespace, which is the host's.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

# A chroot whose root is a mount, with what the runtime needs.
make_chroot() {
	mkdir -p "$tmp/chroot"
	mount --rbind / "$tmp/chroot" && mount --make-rprivate "$tmp/chroot"
	touch /run/of-the-host
	mount -t tmpfs tmpfs "$tmp/chroot/run" && mkdir "$tmp/chroot/run/mocker"
}

remove_chroot() {
	umount -R -l "$tmp/chroot"
	rm -f /run/of-the-host
}

in_chroot() {
	run chroot "$tmp/chroot" "$top_builddir/mocker-runtime" "$@"
}

lives_in_a_chroot() {
	make_bundle "$tmp/web" '.process.args = ["sleep", "1000"]'
	make_chroot
	in_chroot run -d -b "$tmp/web" web
	check_status 0
	in_chroot exec web sh -c 'readlink /bin/sh; ls /run; ls /; cat /etc/passwd'
	check_status 0
	check_has "$output" busybox
	check_lacks "$output" of-the-host
	check_equal "$(grep -c '^user:x:1000' <<<"$output")" 1 "the container's passwd"
	echo '[{"destination": "/mnt/new", "type": "tmpfs", "source": "t"}]' >"$tmp/list.json"
	in_chroot mounts add web "$tmp/list.json"
	check_status 0
	check_missing /mnt/new
	in_chroot exec web grep -c ' /mnt/new tmpfs' /proc/mounts
	check_output 1
	in_chroot mounts remove web "$tmp/list.json"
	check_status 0
	in_chroot delete --force web
	check_status 0
	remove_chroot
}
test_case "exec and mounts go to the container's root" lives_in_a_chroot

users_are_refused() {
	make_bundle "$tmp/web" '.linux.namespaces += [{"type": "user"}] |
		.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}] |
		.linux.gidMappings = .linux.uidMappings'
	make_chroot
	in_chroot run -b "$tmp/web" web
	check_status 1
	check_fails_with "Linux makes no user namespace in a chroot"
	remove_chroot
}
test_case "a user namespace is refused with the reason" users_are_refused
