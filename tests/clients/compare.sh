#!/bin/bash
# The tests of every client twice, on the runtime and on Debian's runc: both pass, and each
# command has the same status, output and messages but for README.md's table of differences.
#
#	tests/clients/compare.sh [NAME...]	(podman, conmon … ; all)
set -u
top_srcdir=$(realpath "${top_srcdir:-$(dirname "$0")/../..}")
clients=$top_srcdir/tests/clients
runc=/usr/sbin/runc
names=${*:-conmon shim buildah containerd cri docker images podman podman-life podman-networks
	podman-rootless podman-rootless-cgroups podman-rootless-ids podman-rootless-v2}

if [ "$(id -u)" != 0 ] || [ ! -x "$runc" ]; then
	echo "1..0 # SKIP not root, or without runc; sudo ./bootstrap deps installs it"
	exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
count=0

# passes RUNTIME WHOSE NAME: the test of the client, whose failures become comments.
passes() {
	CLIENT_RUNTIME=$1 CLIENT_TRANSCRIPT=$work/$3.$2 "$clients/$3.sh" >"$work/$3.log" 2>&1 &&
		! grep -E '^(not ok|Bail)' "$work/$3.log" && return
	sed "s/^/# $2: /" "$work/$3.log"
	return 1
}

compares() {
	passes "${CLIENT_RUNTIME:-${top_builddir:-$top_srcdir}/mocker-runtime}" ours "$1" &&
		passes "$runc" runc "$1" || return
	grep -q '# SKIP' "$work/$1.log" && return
	python3 "$clients/compare.py" "$top_srcdir/README.md" "$1" "$work/$1.ours" \
		"$work/$1.runc" >"$work/$1.told" && tells_a_difference "$1" && return
	sed 's/^/# /' "$work/$1.told"
	return 1
}

# Were another status let pass, all this would show nothing.
tells_a_difference() {
	sed 's/"status":"0"/"status":"9"/' "$work/$1.ours" >"$work/$1.spoilt"
	! python3 "$clients/compare.py" "$top_srcdir/README.md" "$1" "$work/$1.spoilt" \
		"$work/$1.runc" >"$work/$1.told"
}

for name in $names; do
	count=$((count + 1))
	if compares "$name"; then
		echo "ok $count - $name: the same on runc, but for the table"
	else
		echo "not ok $count - $name: the same on runc, but for the table"
		failed=1
	fi
done
echo "1..$count"
exit $failed
