#!/bin/bash
# The commands of mocker-runtime that need no container: spec, features, check. TAP.
set -u
: "${top_srcdir:?}" "${top_builddir:?}"
runtime=$top_builddir/mocker-runtime
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
number=0
failed=0

# show STATUS SENTENCE: one result; what was said goes before it.
show() {
	number=$((number + 1))
	[ "$1" -eq 0 ] || { failed=1; sed 's/^/# /' "$tmp/out"; }
	[ "$1" -eq 0 ] && echo "ok $number - $2" || echo "not ok $number - $2"
}

valid() {
	python3 -B "$top_srcdir/tests/spec/schemas.py" "$1" "$2" >"$tmp/out" 2>&1
}

# said TEXT: the last command said so.
said() {
	grep -qF -- "$1" "$tmp/out"
}

# bundle NAME FILTER: a copy of the default bundle, changed by jq.
bundle() {
	mkdir -p "$tmp/$1/rootfs/bin"
	install -m 755 /dev/null "$tmp/$1/rootfs/bin/sh"
	jq "$2" "$tmp/default/config.json" >"$tmp/$1/config.json"
}

check() {
	"$runtime" check "$@" >"$tmp/out" 2>&1
}

mkdir -p "$tmp/default/rootfs" "$tmp/rootless/rootfs"

"$runtime" spec --bundle "$tmp/default" >"$tmp/out" 2>&1
show $? "spec writes config.json"
valid config "$tmp/default/config.json"
show $? "it is valid by the schema"
! "$runtime" spec -b "$tmp/default" >"$tmp/out" 2>&1 && said "remove it first"
show $? "spec overwrites nothing"
(cd "$tmp/rootless" && "$runtime" spec --rootless) >"$tmp/out" 2>&1 &&
	valid config "$tmp/rootless/config.json"
show $? "spec --rootless writes another, here"
jq -e '[.linux.namespaces[].type] | index("user") and (index("network") | not)' \
	"$tmp/rootless/config.json" >"$tmp/out"
show $? "which has a user namespace and the host's network"
! "$runtime" spec -b "$tmp/missing" >"$tmp/out" 2>&1 && said "No such file"
show $? "spec says so where there is no directory"

"$runtime" features >"$tmp/features.json" && valid features "$tmp/features.json"
show $? "features is valid by the schema"
jq -e '.ociVersionMax == "1.3.0" and (.hooks | length) == 6 and .linux.cgroup.v1 and
	(.linux.namespaces | length) == 8 and (.mountOptions | index("rro"))' \
	"$tmp/features.json" >"$tmp/out"
show $? "features has what the specification has"

bundle sound '.linux.namespaces += [{"type": "user"}] |
	.linux.uidMappings = [{"containerID": 0, "hostID": 0, "size": 1}] |
	.linux.gidMappings = .linux.uidMappings | .process.rlimits = []'
check "$tmp/sound" && said "nothing stands against"
show $? "check finds nothing wrong with a sound bundle"
bundle typo '.process.terminl = true | .linux.rootfsPropagtion = "shared"'
check "$tmp/typo"
said '/process/terminl: unknown member; did you mean "terminal"?' &&
	said 'did you mean "rootfsPropagation"?'
show $? "check suggests what a misspelt member may have meant"
"$runtime" --strict check "$tmp/typo" >"$tmp/out" 2>&1
[ $? -eq 1 ] && said terminl
show $? "with --strict that is a problem"
bundle broken '.hostname = "a" | .process.cwd = "x" | .process.env += ["NONE"] |
	.linux.namespaces |= map(select(.type != "uts"))'
! check "$tmp/broken" && grep -q '^config.json:[0-9]*:[0-9]*: /hostname: ' "$tmp/out" && said /process/cwd && said /process/env/2
show $? "check tells every problem, not only the first"
bundle absent '.root.path = "nowhere" | .hooks.poststop = [{"path": "/no/such/hook"}] |
	.mounts += [{"destination": "/a", "source": "/no/such", "options": ["bind"]}]'
! check "$tmp/absent" && said "/root/path: nowhere" && said /hooks/poststop/0/path &&
	said /mounts/7/source
show $? "check looks for what the bundle needs of this machine"
bundle caps '.process.capabilities.bounding += ["CAP_FLYING"]'
check "$tmp/caps"
said "/process/capabilities/bounding/3: Linux has no capability" && said "warning: config.json:"
show $? "check warns of what would be left out"
echo '{"ociVersion": "1.3.0",' >"$tmp/broken/config.json"
! check "$tmp/broken" && said "config.json:2:1: invalid JSON: the document ends"
show $? "check says where a document is broken"
! check "$tmp/missing" && said "No such file"
show $? "check says so where there is no bundle"

echo "1..$number"
exit "$failed"
