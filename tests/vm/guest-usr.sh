# shellcheck shell=bash disable=SC2154
# Containers that do what busybox cannot.

# snake NAME SCRIPT [JQ FILTER...]: runs a Python script, from the guest's own /usr.
snake() {
	local name=$1 script=$2

	shift 2
	make_bundle "$tmp/$name" '.mounts += [{"destination": "/usr", "type": "bind",
		"source": "/usr", "options": ["rbind", "ro"]}]' "$@" &&
		in_bundle "$tmp/$name" /usr/bin/python3 -Sc "$script" &&
		ln -sfn usr/lib "$tmp/$name/rootfs/lib" &&
		ln -sfn usr/lib64 "$tmp/$name/rootfs/lib64"
}
