#!/bin/bash
# An overlay on "/" on Debian's own kernel (6.1), whose overlayfs takes neither descriptors
# nor layers one by one: what `mocker run` stands on. In the virtual machine (check.sh);
# tests/e2e/mounts-root.sh has all the rest.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

layers_on_the_root() {
	mkdir "$tmp/layers" && mount -t tmpfs tmpfs "$tmp/layers"
	mkdir -p "$tmp/layers/"{1,2,upper,work}
	echo one >"$tmp/layers/1/one"
	echo two >"$tmp/layers/2/two"
	sh_bundle "$tmp/b" 'cat /one /two; echo new >/made; grep " / / " /proc/self/mountinfo' \
		'.mounts |= [{"destination": "/", "type": "overlay", "source": "overlay",
			"options": ["lowerdir='"$tmp/layers/2:$tmp/layers/1:."'",
			"upperdir='"$tmp/layers/upper"'", "workdir='"$tmp/layers/work"'"]}] + .'
	run mocker-runtime run --bundle "$tmp/b" test
	check_status 0
	check_output_has $'one\ntwo\n'
	check_output_has overlay
	check_equal "$(cat "$tmp/layers/upper/made")" new
	check_missing "$tmp/b/rootfs/made"
	umount "$tmp/layers" && rmdir "$tmp/layers"
}
test_case "the layers of an image, and one to write to" layers_on_the_root

no_such_layer() {
	sh_bundle "$tmp/b" true '.mounts |= [{"destination": "/", "type": "overlay",
		"source": "overlay", "options": ["lowerdir=/nowhere:.", "ro"]}] + .'
	run mocker-runtime run --bundle "$tmp/b" test
	check_fails_with /mounts/0 /nowhere
}
test_case "a layer that is not there is named" no_such_layer
