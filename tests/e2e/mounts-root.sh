#!/bin/bash
# The root itself: overlays and binds on "/", read-only roots, masked and read-only paths,
# tmpcopyup, links, sysctls, the ways to change root.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/mounts.sh
. "$e2e/mounts.sh"

test_setup mounts_setup

# ---- "/" ----------------------------------------------------------------------------

# Layers on a file system of their own: the test's directory may be below "/" of an
# overlay.
make_layers() {
	mkdir "$tmp/layers" && mount -t tmpfs tmpfs "$tmp/layers"
	mkdir -p "$tmp/layers/"{1/from,2/from,upper,work,empty,upper2,work2}
	echo one >"$tmp/layers/1/from/one"
	echo two >"$tmp/layers/2/from/two"
}
test_setup make_layers

fresh_upper() {
	rm -rf "$tmp/layers/upper" "$tmp/layers/work"
	mkdir "$tmp/layers/upper" "$tmp/layers/work"
}

overlay_on_the_root() {
	fresh_upper
	contained 'cat /from/one /from/two; echo new >/made; ls -d /bin /proc/self/fd; cat /proc/self/mountinfo' \
		"$(with_mount / overlay overlay "lowerdir=$tmp/layers/2:$tmp/layers/1:." \
			"upperdir=$tmp/layers/upper" "workdir=$tmp/layers/work")"
	check_status 0
	check_output_has $'one\ntwo\n/bin\n/proc/self/fd\n'
	check_has "$(file_system_of /)" overlay
	check_equal "$(cat "$tmp/layers/upper/made")" new
	check_missing "$tmp/b/rootfs/made"
}

# What a builder does: the host's own "/" below, read-only, with the layers of an image.
host_below() {
	fresh_upper
	mkdir -p "$tmp/empty"
	contained 'cat /from/two; test -e /usr/bin/env && echo host; echo x >/made; ls /etc/hosts' \
		".root.path = \"$tmp/empty\"" \
		"$(with_mount / tmpfs tmpfs)" \
		"$(with_mount / overlay overlay ro lowerdir=/:.)" \
		"$(with_mount / overlay overlay "lowerdir=$tmp/layers/2:$tmp/layers/1:." \
			"upperdir=$tmp/layers/upper" "workdir=$tmp/layers/work")"
	check_status 0
	check_output_has $'two\nhost\n'
	check_exists "$tmp/layers/upper/made"
	check_missing /made
	check_missing /from
	rmdir "$tmp/empty"
}

# As many as an overlay of the kernel takes (500), whose names are many pages; without the
# newer calls all must fit into one.
# newer_than VERSION: the kernel is of that version, or a later one.
newer_than() {
	printf '%s\n' "$1" "$(uname -r)" | sort -CV
}

many_layers() {
	local count=$1 i list=

	fresh_upper
	for ((i = 0; i < count; i++)); do
		mkdir -p "$tmp/layers/a-directory-with-quite-a-long-name-number-$i"
		list+="$tmp/layers/a-directory-with-quite-a-long-name-number-$i:"
	done
	echo here >"$tmp/layers/a-directory-with-quite-a-long-name-number-0/found"
	contained 'cat /found' \
		"$(with_mount / overlay overlay "lowerdir=$list." \
			"upperdir=$tmp/layers/upper" "workdir=$tmp/layers/work")"
	if [ "$count" -gt 200 ] && { [ "$hidden_calls" = "$new_calls" ] || ! newer_than 6.7; }; then
		check_fails_with "layers are more than this kernel takes"
	else
		check_output here
	fi
	rm -rf "$tmp/layers/"a-directory-*
}

layers_with_odd_names() {
	fresh_upper
	mkdir -p "$tmp/layers/a:b" "$tmp/layers/c,d" "$tmp/layers/e\\f"
	echo colon >"$tmp/layers/a:b/colon"
	echo comma >"$tmp/layers/c,d/comma"
	echo backslash >"$tmp/layers/e\\f/backslash"
	contained 'cat /colon /comma /backslash' \
		"$(with_mount / overlay overlay \
			"lowerdir=$tmp/layers/a\\:b:$tmp/layers/c,d:$tmp/layers/e\\\\f:." \
			"upperdir=$tmp/layers/upper" "workdir=$tmp/layers/work")"
	check_output $'colon\ncomma\nbackslash'
	rm -rf "$tmp/layers/a:b" "$tmp/layers/c,d" "$tmp/layers/e\\f"
}

overlapping_layers() {
	contained true "$(with_mount / overlay overlay ro "lowerdir=$tmp/layers:$tmp/layers/1")"
	check_fails_with "a layer lies in another one"
}

bind_on_the_root() {
	mkdir -p "$tmp/empty"
	contained 'ls -d /bin; touch /x; cat /proc/self/mountinfo' ".root.path = \"$tmp/empty\"" \
		"$(with_mount / bind "$tmp/b/rootfs" bind ro)"
	check_status 0
	check_output_has /bin
	check_word "$(options_of /)" ro
	check_errors_have "Read-only file system"
	check_equal "$(find "$tmp/empty" -mindepth 1)" "" "what is in the empty root"
	rmdir "$tmp/empty"
}

tmpfs_on_the_root() {
	contained 'touch /x; ls /bin/sh; cat /proc/self/mountinfo' \
		"$(with_mount / tmpfs tmpfs tmpcopyup size=64m)"
	check_status 0
	check_has "$(file_system_of /)" tmpfs
	check_output_has /bin/sh
	check_missing "$tmp/b/rootfs/x"
}

read_only_root() {
	contained 'touch /x; touch /dev/shm/y && echo writable; cat /proc/self/mountinfo' \
		'.root.readonly = true'
	check_status 0
	check_output_has writable
	check_word "$(options_of /)" ro
	check_errors_have "Read-only file system"
}

no_pivot() {
	run_options=--no-pivot
	contained 'ls -d /bin /proc/self; cd ..; pwd; cat /proc/self/mountinfo'
	run_options=
	check_status 0
	check_output_has $'/bin\n/proc/self\n/\n'
}

only_our_mounts_are_left() {
	contained 'cat /proc/self/mountinfo'
	check_status 0
	check_equal "$(awk '$5 !~ "^/(|dev.*|proc.*|sys.*)$"' <<<"$output")" "" \
		"the mounts of somebody else"
	check_equal "$(awk '$5 == "/"' <<<"$output" | wc -l)" 1 "the roots"
}

# ---- masked and read-only paths -----------------------------------------------------

masked_paths() {
	mkdir -p "$tmp/b/rootfs/secret/dir" "$tmp/b/rootfs/other"
	echo hidden >"$tmp/b/rootfs/secret/file"
	echo hidden >"$tmp/b/rootfs/other/file"
	echo hidden >"$tmp/b/rootfs/bin/masked"
	contained 'ls /secret /other; cat /file /bin/masked | wc -c; echo x >/file && echo written; touch /secret/x; chmod 666 /file && echo changed
		chmod 666 /bin/masked && echo changed; '"$show_mounts" \
		'.linux.maskedPaths += ["/secret", "/other", "/file", "/bin/masked", "/missing", "/secret/below"]' \
		"$(with_mount /file bind "$tmp/b/rootfs/secret/file" bind)"
	check_lacks "$output" hidden
	check_lacks "$output" dir
	check_output_has $'\n0\n'
	check_output_has written
	check_lacks "$output" changed "the host's null device"
	check_errors_have "Read-only file system"
	# one file system for all of them
	check_equal "$(awk '$5 == "/secret" || $5 == "/other" { print $3 }' <<<"$output" |
		sort -u | wc -l)" "$1" "the number of file systems"
	check_equal "$(cat "$tmp/b/rootfs/secret/file")" hidden
	rm -rf "$tmp/b/rootfs/"{secret,other,file,bin/masked}
}

read_only_paths() {
	mkdir -p "$tmp/b/rootfs/kept"
	: >"$tmp/b/rootfs/kept/file"
	contained 'touch /kept/new; echo x >/kept/file; touch /free && echo free; '"$show_mounts" \
		'.linux.readonlyPaths += ["/kept", "/bin/busybox", "/missing"]'
	check_status 0
	check_output_has free
	check_word "$(options_of /kept)" ro
	check_word "$(options_of /bin/busybox)" ro
	check_equal "$(wc -c <"$tmp/b/rootfs/kept/file")" 0
	rm -rf "$tmp/b/rootfs/"{kept,free}
}

# As root.readonly has it, for the process and for those that enter; also where a link of
# the image leads there, and not where the same directory is mounted elsewhere.
read_only_root() {
	local path

	ln -s / "$tmp/b/rootfs/tmp/link"
	for path in / /. /tmp/.. /tmp/link; do
		contained 'touch /new; mkdir /tmp/new; '"$show_mounts" \
			".linux.readonlyPaths += [\"$path\"]"
		check_errors_have "touch: /new: Read-only file system"
		check_errors_have "'/tmp/new': Read-only file system"
		check_word "$(options_of /)" ro
		check_equal "$(awk '$5 == "/"' <<<"$output" | wc -l)" 1 "mounts on / for $path"
	done
	mkdir -p "$tmp/b/rootfs/again"
	ln -sfn /again "$tmp/b/rootfs/tmp/link"
	contained 'touch /free && touch /tmp/link/x' '.linux.readonlyPaths += ["/tmp/link"]' \
		"$(with_mount /again bind "$tmp/b/rootfs" bind)"
	check_errors_have "touch: /tmp/link/x: Read-only file system"
	check_lacks "$errors" /free
	rm -rf "$tmp/b/rootfs/"{free,again,tmp/link}
}

no_masked_root() {
	contained : '.linux.maskedPaths += ["/."]'
	check_fails_with /linux/maskedPaths/10 "the root directory cannot be hidden"
	ln -s / "$tmp/b/rootfs/tmp/link"
	contained : '.linux.maskedPaths += ["/tmp/link"]'
	check_fails_with /linux/maskedPaths/10 "the root directory"
	rm "$tmp/b/rootfs/tmp/link"
}

# ---- tmpcopyup and links ------------------------------------------------------------

tmpcopyup() {
	local root=$tmp/b/rootfs

	mkdir -p "$root/data/below" && chown 7:8 "$root/data"
	chmod 1750 "$root/data"
	echo text >"$root/data/below/file"
	chmod 4711 "$root/data/below/file"
	ln -s ../nowhere "$root/data/link"
	mknod "$root/data/pipe" p
	chown -h 9:10 "$root/data/link"
	touch -d '2001-02-03 04:05:06' "$root/data/below"
	contained "cd /data && stat -c '%n %F %a %u:%g' . below/file link pipe && cat below/file && readlink link && stat -c %Y below && echo x >new; $show_mounts" \
		"$(with_mount /data tmpfs tmpfs tmpcopyup ro)"
	check_output_has $'link symbolic link 777 9:10\n'
	check_output_has $'below/file regular file 4711 0:0\n'
	check_output_has $'pipe fifo 644 0:0\ntext\n../nowhere\n'
	check_output_has "$(date -d '2001-02-03 04:05:06' +%s)"
	check_output_has ". directory 1750"
	check_word "$(options_of /data)" ro
	check_missing "$root/data/new"
	rm -rf "$root/data"
}

links_of_sources() {
	mkdir -p "$tmp/source/dir"
	echo text >"$tmp/source/file"
	ln -sf file "$tmp/source/link"
	ln -sfn elsewhere "$tmp/b/rootfs/present"
	contained 'cat /followed; readlink /copied; readlink /bound; readlink /present; '"$show_mounts" \
		"$(with_mount /followed bind "$tmp/source/link" bind)" \
		"$(with_mount /copied bind "$tmp/source/link" bind copy-symlink)" \
		"$(with_mount /bound bind "$tmp/source/link" bind src-nofollow)" \
		"$(with_mount /present bind "$tmp/source/file" bind dest-nofollow)"
	check_status 0
	check_output_has $'text\nfile\nfile\n'
	check_equal "$(field_of /present 4 | grep -o 'source/file')" source/file
	check_missing "$tmp/b/rootfs/elsewhere"
	rm -f "$tmp/b/rootfs/"{followed,copied,bound,present}
}

copied_link_is_in_the_way() {
	mkdir -p "$tmp/source"
	ln -sfn file "$tmp/source/link"
	ln -sfn other "$tmp/b/rootfs/copied"
	contained true "$(with_mount /copied bind "$tmp/source/link" bind copy-symlink)"
	check_fails_with "/mounts/6" "copying the symbolic link" "something else is there"
	rm "$tmp/b/rootfs/copied"
}

# ---- sysctl and devices -------------------------------------------------------------

sysctls() {
	contained 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/lo/forwarding /proc/sys/kernel/shmmni' \
		'.linux.sysctl = {"net.ipv4.ip_forward": "1", "net/ipv4/conf/lo/forwarding": "1", "kernel.shmmni": "77"}'
	check_output $'1\n1\n77'
}

unknown_sysctl() {
	contained true '.linux.sysctl = {"net.ipv4.nosuch": "1"}'
	check_fails_with "/linux/sysctl/net.ipv4.nosuch"
}

devices() {
	contained 'ls -ln /dev/x /dev/deep/b /dev/pipe /dev/null | sed "s/ \+/ /g" | cut -d" " -f1,3-6' \
		'.linux.devices = [
			{path: "/dev/x", type: "c", major: 1, minor: 3, fileMode: 416, uid: 7, gid: 8},
			{path: "/dev/deep/b", type: "b", major: 7, minor: 99},
			{path: "/dev/pipe", type: "p", fileMode: 384},
			{path: "/dev/null", type: "c", major: 1, minor: 3, fileMode: 438}]'
	check_output_has "crw-r----- 7 8 1, 3"
	check_output_has "brw-rw-rw- 0 0 7, 99"
	check_output_has "prw------- 0 0"
	check_output_has "crw-rw-rw- 0 0 1, 3"
}

default_devices() {
	contained 'cd /dev && for f in null zero full random urandom tty; do test -c $f || echo no $f; done
		for l in fd stdin stdout stderr ptmx; do readlink $l; done; echo x >/dev/null; head -c 3 /dev/zero | wc -c'
	check_status 0
	check_output "/proc/self/fd
/proc/self/fd/0
/proc/self/fd/1
/proc/self/fd/2
pts/ptmx
3"
}

foreign_dev_is_left_alone() {
	mkdir -p "$tmp/devices"
	contained 'ls /dev' "$(with_mount /dev bind "$tmp/devices" bind)" \
		'.mounts |= map(select(.destination | startswith("/dev/") | not))'
	check_equal "$(ls "$tmp/devices")" "" "what is in the bound /dev"
	rm -r "$tmp/devices"
}

many_mounts() {
	local count=$1

	contained 'wc -l </proc/self/mountinfo' \
		".mounts += [range($count) | {destination: \"/many/\\(.)\", type: \"bind\", source: \"$tmp/source\", options: [\"bind\", \"ro\"]}]"
	check_status 0
	check_equal "$((output >= count))" 1 "whether all $count are there"
	rm -rf "$tmp/b/rootfs/many"
}

cases() {
	local shared=1

	[ "$hidden_calls" != "$new_calls" ] || shared=2
	test_case "an overlay on / has the root below it$kernel" overlay_on_the_root
	test_case "an image on the host's own / $kernel" host_below
	test_case "forty layers$kernel" many_layers 40
	test_case "four hundred layers$kernel" many_layers 400
	test_case "layers whose names have : , and \\$kernel" layers_with_odd_names
	test_case "layers that overlap are an error$kernel" overlapping_layers
	test_case "a bind on / replaces the root$kernel" bind_on_the_root
	test_case "a tmpfs on / with a copy of the root$kernel" tmpfs_on_the_root
	test_case "a read-only root$kernel" read_only_root
	test_case "--no-pivot$kernel" no_pivot
	test_case "no mount of the host is left inside$kernel" only_our_mounts_are_left
	test_case "masked paths are empty, and share one file system$kernel" \
		masked_paths $shared
	test_case "read-only paths$kernel" read_only_paths
	test_case "read-only paths: the root itself$kernel" read_only_root
	test_case "masked paths: the root cannot be$kernel" no_masked_root
	test_case "tmpcopyup copies what it hides$kernel" tmpcopyup
	test_case "symbolic links as sources and destinations$kernel" links_of_sources
	test_case "copy-symlink replaces nothing$kernel" copied_link_is_in_the_way
	test_case "sysctls are set before /proc/sys is read-only$kernel" sysctls
	test_case "devices have their mode and owner$kernel" devices
	test_case "the default devices and links$kernel" default_devices
	test_case "a bind mount on /dev gets nothing added$kernel" foreign_dev_is_left_alone
}
on_kernels cases
test_case "an unknown sysctl is named" unknown_sysctl
test_case "a thousand mounts" many_mounts 1000
