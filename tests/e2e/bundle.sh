# shellcheck shell=bash disable=SC2034,SC2154
# Root file systems of busybox, an image, bundles, and edits of their config.json by jq.

# make_rootfs DIRECTORY: busybox with all its commands, users, the usual directories.
make_rootfs() {
	local template=$tmp/.rootfs

	[ -d "$template" ] || make_rootfs_template "$template" || return 1
	mkdir -p "$(dirname "$1")" && cp -a "$template" "$1"
}

make_rootfs_template() {
	local busybox directory

	busybox=$(command -v busybox) || failed "busybox is missing" || return 1
	for directory in bin dev etc proc root run sbin sys tmp usr/bin var; do
		mkdir -p "$1/$directory"
	done
	chmod 1777 "$1/tmp"
	cp "$busybox" "$1/bin/busybox"
	# In one program: some four hundred take their time, most of all in an emulated machine.
	"$busybox" --list | grep -v '^busybox$' | (cd "$1/bin" && python3 -S -c '
import os, sys
for name in sys.stdin.read().split():
    os.symlink("busybox", name)')
	cat >"$1/etc/passwd" <<-'END'
		root:x:0:0:root:/root:/bin/sh
		bin:x:1:1:bin:/bin:/bin/false
		user:x:1000:1000:user:/home/user:/bin/sh
	END
	cat >"$1/etc/group" <<-'END'
		root:x:0:
		bin:x:1:
		user:x:1000:
		wheel:x:10:user
	END
}

# make_box: the image "box" of that root file system, by the front door; it was built of
# context/Mockerfile.
make_box() {
	mkdir -p context
	make_rootfs context/rootfs
	cat >context/Mockerfile <<-'END'
		FROM scratch
		COPY rootfs /
		ENV GREETING=hello
		CMD ["sleep", "1000"]
	END
	run mocker build -t box -f context/Mockerfile context
	check_status 0
}

# make_bundle DIRECTORY [JQ FILTER...]: rootfs/ and the default config.json, edited. Its
# cgroup is /mocker-test/NAME of the pretend host.
make_bundle() {
	local directory=$1

	shift
	[ -d "$directory/rootfs" ] || make_rootfs "$directory/rootfs" || return 1
	bundle_config "$directory" "$e2e/config.json" \
		".linux.cgroupsPath = \"/mocker-test/${directory##*/}\"" "$@"
}

# bundle_config DIRECTORY FILE FILTER...: its config.json is the file with all that done.
bundle_config() {
	local config=$1/config.json file=$2 filter all=.

	shift 2
	for filter; do
		all+=" | ($filter)"
	done
	jq "$all" "$file" >"$config.new" || {
		failed "a jq filter is wrong: $all"
		return 1
	}
	mv "$config.new" "$config"
}

# edit_bundle DIRECTORY JQ FILTER...: changes config.json.
edit_bundle() {
	local directory=$1

	shift
	bundle_config "$directory" "$directory/config.json" "$@"
}

# in_bundle DIRECTORY COMMAND...: the bundle's process runs this.
in_bundle() {
	local directory=$1

	shift
	edit_bundle "$directory" ".process.args = $(words_to_json "$@")"
}

# sh_bundle DIRECTORY SCRIPT [JQ FILTER...]: a bundle that runs the shell script.
sh_bundle() {
	local directory=$1 script=$2

	shift 2
	make_bundle "$directory" "$@" && in_bundle "$directory" sh -c "$script"
}

words_to_json() {
	jq -n --args '$ARGS.positional' -- "$@"
}

# bundling_refuses OPTIONS WORDS: no bundle of the image app with them, for the reason told.
bundling_refuses() {
	# shellcheck disable=SC2086 # words
	run mocker-builder bundle app "$tmp/b" $1
	check_fails_with "mocker-builder: bundling app: $2"
	check_missing "$tmp/b"
}

# container_status ID: created, running, stopped, paused; "none" if there is no such.
container_status() {
	mocker-runtime state "$1" 2>/dev/null | jq -r '.status' | grep . || echo none
}

container_pid() {
	mocker-runtime state "$1" | jq -r .pid
}
