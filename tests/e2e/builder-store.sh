#!/bin/bash
# The place of the image store: whose directory it is, and that nobody else can plant one.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

leaves '^file /var/lib/mocker/?'
user=4321

# images OPTION...: as a user who has only what is given.
images() {
	run_as $user env -u HOME -u XDG_DATA_HOME "${@:2}" mocker-builder --root "$1" images
}

without_home() {
	local home

	for home in -uHOME HOME= HOME=relative; do
		run_as $user env -u XDG_DATA_HOME "$home" mocker-builder images
		check_fails_with "neither XDG_DATA_HOME nor HOME says where a user's store is" \
			"name one with --root"
	done
	mkdir "$tmp/home" && chown $user "$tmp/home"
	run_as $user env -u HOME XDG_DATA_HOME="$tmp/home" mocker-builder images
	check_status 0
	check_exists "$tmp/home/mocker/oci-layout"
	rm -rf "$tmp/home/mocker" && rmdir "$tmp/home"
}
test_case "a user without a home names the store" without_home

# refused OWNER MODE PART: a directory that exists, beneath a sticky one.
refused() {
	mkdir "$tmp/sticky/x" && chown "$1" "$tmp/sticky/x" && chmod "$2" "$tmp/sticky/x"
	images "$tmp/sticky/x"
	check_fails_with "opening the image store: $tmp/sticky/x" "$3" "--root"
	check_equal "$(find "$tmp/sticky/x" -mindepth 1)" "" "what was made there"
	rmdir "$tmp/sticky/x"
}

accepted() {
	mkdir "$tmp/sticky/x" && chown "$1" "$tmp/sticky/x" && chmod "$2" "$tmp/sticky/x"
	images "$tmp/sticky/x"
	check_status 0
	rm -rf "$tmp/sticky/x"
}

others_directories() {
	mkdir "$tmp/sticky" && chmod 1777 "$tmp/sticky"
	programs_for_all
	refused 5432:5432 755 "belongs to user 5432"
	refused 5432:5432 777 "belongs to user 5432"
	refused $user:$user 777 "others may write to it"
	refused $user:$user 1777 "others may write to it"
	refused $user:users 775 "others may write to it"
	refused 0:0 1777 "others may write to it"
	accepted $user:$user 700
	accepted $user:$user 775
	images "$tmp/sticky"
	check_fails_with "others may write to it"
	images "$tmp/sticky/new" # the directory itself counts
	check_status 0
	rm -rf "$tmp/sticky"
}
test_case "a store that others could write to is refused" others_directories

# ---- after a power cut ----------------------------------------------------------------

two_images() {
	mkdir "$tmp/context"
	echo one >"$tmp/context/one" && echo two >"$tmp/context/two"
	printf 'FROM scratch\nCOPY one /\nCMD ["/x"]\n' >"$tmp/context/one.Mockerfile"
	printf 'FROM scratch\nCOPY two /\nCMD ["/x"]\n' >"$tmp/context/two.Mockerfile"
	run mocker-builder build -q -t two -f "$tmp/context/two.Mockerfile" "$tmp/context"
	check_status 0
	build_one
	record=/var/lib/mocker/blobs/sha256/$(mocker-builder inspect one | jq -r '.[0].id' | cut -c8-)
}

build_one() {
	run mocker-builder build -q -t one -f "$tmp/context/one.Mockerfile" "$tmp/context"
	check_status 0
}

record_comes_first() {
	needs strace || return
	two_images
	run mocker-builder rmi one
	run strace -f -y -e trace=fsync,renameat -o "$tmp/trace" \
		mocker-builder build -q -t one -f "$tmp/context/one.Mockerfile" "$tmp/context"
	check_status 0
	check_equal "$(grep -nE "fsync\(.*<$record>|fsync\(.*blobs/sha256>|\"index.json\"" "$tmp/trace" |
		sed 's/.*\(blobs[^>]*\)>.*/\1/; s/.*"index.json".*/index.json/')" \
		"blobs/sha256/${record##*/}"$'\n'"blobs/sha256"$'\nindex.json' "what is done in this order"
	empty_store one two
	rm -rf "$tmp/context"
}
test_case "an image's record is on the disk before its name" record_comes_first

# lost COMMAND...: that takes the record of one away.
lost() {
	two_images
	"$@" "$record"
	run mocker-builder images
	check_status 0
	check_has "$output" two:latest
	check_lacks "$output" one:latest
	check_warned
	run mocker-builder du
	check_status 0
	check_warned
	run mocker-builder bundle one "$tmp/bundle"
	check_fails_with "${record##*/}"
	build_one # which heals it
	run mocker-builder bundle one "$tmp/bundle" --rootfs copy
	check_status 0
	rm -rf "$tmp/bundle"
	"$@" "$record"
	run mocker-builder prune
	check_status 0
	check_warned
	run mocker-builder bundle two "$tmp/bundle" --rootfs copy
	check_status 0
	check_equal "$(cat "$tmp/bundle/rootfs/two")" two
	rm -rf "$tmp/bundle"
	run mocker-builder rmi one
	check_status 0
	run mocker-builder images
	check_equal "$errors" ""
	empty_store two
	rm -rf "$tmp/context"
}

check_warned() {
	check_matches "$errors" "the image one:latest is damaged, .mocker-builder rmi. removes it: .*${record##*/}"
}

damaged_records() {
	lost truncate -s 0
	lost rm
}
test_case "a record that is damaged or lost is told, and other images stay" damaged_records

# Root of the user namespace that a build makes is the user; root of the host is not.
in_namespaces() {
	mkdir "$tmp/mine" "$tmp/context" && chown $user "$tmp/mine"
	printf 'FROM scratch\nCOPY Mockerfile /\n' >"$tmp/context/Mockerfile"
	run_as $user mocker-builder --root "$tmp/mine" build -q -t app "$tmp/context"
	check_status 0
	run_as $user mocker-builder --root "$tmp/mine" images -q
	check_status 0
	run mocker-builder --root "$tmp/mine" images
	check_fails_with "belongs to user $user"
	chown -R 5432 "$tmp/mine"
	run_as $user mocker-builder --root "$tmp/mine" build -q -t app "$tmp/context"
	check_fails_with "$tmp/mine"
	chmod 777 "$tmp/mine"
	run_as $user mocker-builder --root "$tmp/mine" build -q -t app "$tmp/context"
	check_fails_with "belongs to user 65534"
	rm -rf "$tmp/mine" "$tmp/context"
}
test_case "a user's namespace changes nothing of that" in_namespaces
