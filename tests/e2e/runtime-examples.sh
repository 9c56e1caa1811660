#!/bin/bash
# The manual's examples, typed in their order: each does what it says.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

# What the reader has: an archive of programs, a directory to share, and an image. Its program
# serves the first time; later it asks for what is denied, and ends, so that run comes back.
set_up() {
	mkdir context
	make_rootfs context/rootfs
	tar -C context/rootfs -cf busybox.tar .
	cat >context/Mockerfile <<-'END'
		FROM scratch
		COPY rootfs /
		CMD ["sh", "-c", "[ -e /served ] || { : >/served; exec sleep 1000; }; unshare -n true; exit 0"]
	END
	run mocker-builder build -t web context
	check_status 0
	check mount -t tmpfs tmpfs /srv
	mkdir /srv/data
	echo "of the host" >/srv/data/file
}
test_setup set_up
store_stays

# The blocks of the section, each an example of one or more lines.
examples() {
	sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/p' "$top_srcdir/runtime/mocker-runtime.8.in" |
		awk -v block="$1" '/^\.Ed/ { inside = 0 }
			inside { print }
			/^\.Bd/ { inside = ++count == block }'
}

typed() {
	examples "$1" >example
	check test -s example
	run bash -e example
	check_status 0
}

by_hand() {
	typed 1
	check_output_has "#" # its prompt; it has found the end of its input
	check_equal "$(container_status web)" none "the status"
}
test_case "a bundle by hand" by_hand

in_background() {
	typed 2
	check_equal "$(container_status web)" running "the status"
}
test_step "in the background, with a shell" in_background

looked_at() {
	needs netstat busybox || return
	typed 3
	check_output_has "web: running"
	check_output_has "Active Internet connections"
}
test_step "looked at with the host's programs" looked_at

shares() {
	typed 4
	run mocker-runtime exec web cat /data/file
	check_output "of the host"
}
test_step "a directory of the host" shares

ends() {
	typed 5
	check_equal "$(container_status web)" none "the status"
}
test_step "its end" ends

explained() {
	typed 6
	check_output_has "pivot_root"
	check_errors_have "unshare"
	check_equal "$(container_status web)" none "the status"
}
test_step "what is done, and what is denied" explained

all_were_typed() {
	examples 7 >example
	check_equal "$(cat example)" "" "a seventh example"
	rm -r hand bundle example
}
test_case "these are all of them" all_were_typed
