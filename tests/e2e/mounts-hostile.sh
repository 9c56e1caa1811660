#!/bin/bash
# Images that set traps: symbolic links where mounts, devices and masks go. Nothing
# outside of the root may be touched, and links that stay inside must keep working.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/mounts.sh
. "$e2e/mounts.sh"

test_setup mounts_setup

# What a link could lead to.
make_outside() {
	mkdir -p "$tmp/outside/dir" "$tmp/source/dir"
	echo outside >"$tmp/outside/file"
	echo source >"$tmp/source/file"
}
test_setup make_outside

# trap_for PATH TARGET: replaces PATH of the image by a link; undone by untrap.
trap_for() {
	rm -rf "$tmp/b/rootfs${1:?}"
	mkdir -p "$(dirname "$tmp/b/rootfs$1")"
	ln -s "$2" "$tmp/b/rootfs$1"
}

untrap() {
	rm -rf "$tmp/b"
	make_rootfs "$tmp/b/rootfs"
}

outside_is_untouched() {
	check_equal "$(find "$tmp/outside" | sort | paste -sd' ')" \
		"$tmp/outside $tmp/outside/dir $tmp/outside/file" "what is outside"
	check_equal "$(cat "$tmp/outside/file")" outside
	check_equal "$(grep -c "$tmp/outside" /proc/self/mountinfo)" 0 "mounts outside"
}

# The destination's parent or itself is a link: it is followed inside the root only.
link_stays_inside() {
	local link=$1 target=$2 destination=$3 type=$4 seen=$5

	trap_for "$link" "$target"
	contained "$show_mounts" "$(with_mount "$destination" "$type" "$6")"
	check_status 0
	check_matches "$(awk '{ print $5 }' <<<"$output")" $'(^|\n)'"$seen"$'($|\n)'
	outside_is_untouched
	untrap
}

proc_is_no_link() {
	trap_for "/$1" "$2"
	contained true
	check_fails_with "symbolic link is not followed here"
	outside_is_untouched
	untrap
}

# /dev of the image leads out; the tmpfs on it and the nodes are made inside.
dev_leads_out() {
	trap_for /dev "$tmp/outside/dir"
	contained "ls -l $tmp/outside/dir/null"
	check_status 0
	check_output_has "1,   3"
	outside_is_untouched
	untrap
}

# Without a mount on /dev, nodes go where the image says, but inside.
dev_without_mount_leads_out() {
	trap_for /dev "$tmp/outside/dir"
	contained 'ls -l /dev/null /dev/net/tun' \
		'.mounts |= map(select(.destination | startswith("/dev") | not))' \
		'.linux.devices = [{path: "/dev/net/tun", type: "c", major: 10, minor: 200}]'
	check_status 0
	check_output_has "1,   3"
	outside_is_untouched
	untrap
}

device_name_is_taken() {
	trap_for "/dev/$1" "$2"
	contained true '.mounts |= map(select(.destination | startswith("/dev") | not))'
	check_fails_with "/dev/$1: the container's root has something else of that name"
	outside_is_untouched
	untrap
}

ptmx_is_replaced() {
	trap_for /dev/ptmx "$tmp/outside/file"
	contained 'readlink /dev/ptmx' '.mounts |= map(select(.destination != "/dev"))'
	check_output pts/ptmx
	outside_is_untouched
	untrap
}

links_into_proc_are_refused() {
	trap_for /etc/passwd /proc/self/environ
	contained true "$(with_mount /etc/passwd bind "$tmp/source/file" bind)"
	check_fails_with "a symbolic link of the container's root leads it into procfs"
	untrap
}

magic_links_are_refused() {
	trap_for /m /proc/1/root
	contained "$show_mounts" "$(with_mount /m/x bind "$tmp/source" bind)"
	if [ -z "$hidden_calls" ]; then
		check_fails_with "/mounts/6"
	else # without openat2 its text counts, beneath the root: "/"
		check_equal "$(options_of /x)" rw,relatime
	fi
	outside_is_untouched
	untrap
}

masks_stay_inside() {
	trap_for /hidden "$tmp/outside"
	mkdir -p "$tmp/b/rootfs$tmp/outside"
	echo inside >"$tmp/b/rootfs$tmp/outside/file"
	contained "ls /hidden; cat $tmp/outside/file" '.linux.maskedPaths += ["/hidden"]'
	check_lacks "$output" inside
	outside_is_untouched
	untrap
}

read_only_stays_inside() {
	trap_for /kept "$tmp/outside"
	mkdir -p "$tmp/b/rootfs$tmp/outside"
	contained 'touch /kept/x; touch /free && echo free' '.linux.readonlyPaths += ["/kept"]'
	check_output free
	check_errors_have "Read-only file system"
	outside_is_untouched
	untrap
}

file_over_dangling_link() {
	trap_for /etc/resolv.conf ../run/resolve/stub.conf
	contained 'cat /etc/resolv.conf; cat /run/resolve/stub.conf' \
		"$(with_mount /etc/resolv.conf bind "$tmp/source/file" bind)"
	check_output $'source\nsource'
	untrap
}

circle_of_links() {
	trap_for /a /b
	trap_for /b /a
	contained true "$(with_mount /a bind "$tmp/source/file" bind)"
	check_fails_with "/mounts/6" "Too many levels of symbolic links"
	untrap
}

wrong_kind() {
	mkdir -p "$tmp/b/rootfs/directory"
	: >"$tmp/b/rootfs/file"
	contained true "$(with_mount /directory bind "$tmp/source/file" bind)"
	check_fails_with "/directory: is a directory in the container's root"
	contained true "$(with_mount /file bind "$tmp/source/dir" bind)"
	check_fails_with "/file: is no directory in the container's root"
	untrap
}

dots_stay_inside() {
	contained "$show_mounts" "$(with_mount /../../m/../n bind "$tmp/source" bind)" \
		"$(with_mount relative/path bind "$tmp/source" bind)"
	check_status 0
	check_equal "$(options_of /n)" rw,relatime
	check_equal "$(options_of /relative/path)" rw,relatime
}

# A process of somebody exchanges a directory and a link all the time.
exchanged_while_mounting() {
	local round pid bad=0

	mkdir -p "$tmp/b/rootfs/swap/dir"
	ln -s "$tmp/outside" "$tmp/b/rootfs/swap/link"
	"${CC:-cc}" -o "$tmp/swapper" "$e2e/swapper.c" || failed "swapper.c"
	"$tmp/swapper" "$tmp/b/rootfs/swap/dir" "$tmp/b/rootfs/swap/link" &
	pid=$!
	for ((round = 0; round < 10; round++)); do
		contained true "$(with_mount /swap/dir/a/b bind "$tmp/source" bind)"
		[ -e "$tmp/outside/a" ] && bad=1
	done
	kill "$pid"
	wait "$pid" 2>/dev/null
	check_equal "$bad" 0 "what was made outside"
	outside_is_untouched
	untrap
}

cases() {
	test_case "a destination below an absolute link stays inside$kernel" \
		link_stays_inside /m "$tmp/outside" /m/x bind "$tmp/outside/x" "$tmp/source"
	test_case "a destination below a relative link stays inside$kernel" \
		link_stays_inside /m "../../../../..$tmp/outside" /m/x bind \
		"$tmp/outside/x" "$tmp/source"
	test_case "a destination that is a link stays inside$kernel" \
		link_stays_inside /m "$tmp/outside" /m bind "$tmp/outside" "$tmp/source"
	test_case "a tmpfs on a link stays inside$kernel" \
		link_stays_inside /m "$tmp/outside" /m tmpfs "$tmp/outside" tmpfs
	test_case "/var/run -> /run keeps working$kernel" \
		link_stays_inside /var/run /run /var/run/x bind /run/x "$tmp/source"
	test_case "/proc that is a link is refused$kernel" proc_is_no_link proc "$tmp/outside"
	test_case "/proc that leads elsewhere inside is refused$kernel" proc_is_no_link proc /tmp
	test_case "/sys that is a link is refused$kernel" proc_is_no_link sys "$tmp/outside"
	test_case "/dev that leads out stays inside$kernel" dev_leads_out
	test_case "devices without a mount on /dev stay inside$kernel" \
		dev_without_mount_leads_out
	test_case "a link in the name of /dev/null is refused$kernel" \
		device_name_is_taken null "$tmp/outside/file"
	test_case "a link in the name of /dev/ptmx is replaced$kernel" ptmx_is_replaced
	test_case "a link into procfs is refused$kernel" links_into_proc_are_refused
	test_case "a magic link of procfs is not followed$kernel" magic_links_are_refused
	test_case "a masked link masks inside$kernel" masks_stay_inside
	test_case "a read-only link protects inside$kernel" read_only_stays_inside
	test_case "a file goes where a dangling link leads$kernel" file_over_dangling_link
	test_case "a circle of links is an error$kernel" circle_of_links
	test_case "a file and a directory do not go on each other$kernel" wrong_kind
	test_case "dots and relative destinations are from the root$kernel" dots_stay_inside
}
on_kernels cases
test_case "names exchanged during the mount lead nowhere else" exchanged_while_mounting
