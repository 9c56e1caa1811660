#!/bin/bash
# runc's own integration tests (bats) on mocker-runtime, beside runc; see suites.sh.
test_cgroups=v1 test_limit=3600
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/suites/suites.sh
. "$top_srcdir/tests/suites/suites.sh"

suite_peer=$(command -v runc) || host_skip "no runc"
suite_known=$top_srcdir/tests/suites/runc.known
for program in bats gawk jq busybox; do
	command -v "$program" >/dev/null || host_skip "no $program"
done
suite_unpack runc
integration=$tmp/runc/tests/integration

# The images that the suite would download, and the helpers that it would compile: a file
# system of busybox for both, and a reader of terminals.
busybox_image() {
	local root=$tmp/image

	mkdir -p "$root"/{bin,dev,etc,home,root,tmp,usr,var,proc,sys} && chmod 1777 "$root/tmp" &&
		cp "$(command -v busybox)" "$root/bin/busybox" &&
		"$root/bin/busybox" --list | grep -vx busybox |
		while read -r applet; do ln -s busybox "$root/bin/$applet"; done
	mkdir -p "$root"/usr/bin "$root"/sbin "$root/lib64"
	ln -s ../../bin/env "$root/usr/bin/env"
	echo root:x:0:0:root:/root:/bin/sh >"$root/etc/passwd"
	echo root:x:0: >"$root/etc/group"
	tar -C "$root" -cf "$tmp/busybox.tar" .
}

helpers() {
	cat >"$integration/get-images.sh" <<-END
		#!/bin/sh
		echo "BUSYBOX_IMAGE=$tmp/busybox.tar; DEBIAN_IMAGE=$tmp/busybox.tar"
		echo "HELLO_IMAGE=$tmp/busybox.tar"
	END
	cp "$top_srcdir/tests/suites/recvtty.py" "$tmp/runc/contrib/cmd/recvtty/recvtty"
	# The suite does not wait until its reader listens.
	cat >>"$integration/helpers.bash" <<-'END'
		setup_recvtty() {
			mkdir "$ROOT/tty"
			export CONSOLE_SOCKET=$ROOT/tty/sock
			("$RECVTTY" --pid-file "$ROOT/tty/pid" --mode null "$CONSOLE_SOCKET" &) &
			until [ -S "$CONSOLE_SOCKET" ]; do sleep 0.01; done
		}
	END
	chmod +x "$integration/get-images.sh" "$tmp/runc/contrib/cmd/recvtty/recvtty"
}

suite_run() { # RUNTIME FILE
	RUNC=$1 BATS_TMPDIR=$tmp TMPDIR=$tmp timeout -k 5 600 bats --tap "$2"
}

test_setup suite_devices
test_setup busybox_image
test_setup helpers
for file in "$integration"/*.bats; do
	case ${file##*/} in
	seccomp-notify*) ;; # its agent is to be compiled with Go
	checkpoint.bats) ;; # criu wants another kernel: tests/vm
	*) suite_case "$file" ;;
	esac
done
