# shellcheck shell=bash disable=SC2034,SC2154
# What a case leaves behind: the pretend host as it was before and as it is after, in
# lines of one kind each: process, mount, cgroup, netns, link, address, rule, file.

# leaves ERE: lines that match are no leaks (what a store or a bridge is meant to keep).
# Counts until the file's end.
# The parents of cgroups that a configuration names are kept by every runtime, and so is
# the directory of all containers, with its cache of compiled filters.
leaks_allowed='^cgroup .*/(mocker|mocker-test)$|^file /run/mocker(/@seccomp(/.*)?)?$'
leaves() {
	leaks_allowed="$leaks_allowed|$1"
}

# What the builder's store and the network keep on purpose: images, layers and what is
# known of them; the networks and the bridge. Not what is being made, nor containers.
store_stays() {
	leaves '^file /var/lib/mocker(/(blobs|layers|memo|digests|archives|refs|networks)(/.*)?)?$'
	leaves '^file /var/lib/mocker/(index\.json|oci-layout|[a-z.]*lock|empty2?)$'
	leaves '^file /var/lib/mocker/(containers|leases|temp)$'
	leaves '^file /var/lib/mocker/runtime(/@seccomp(/.*)?)?$' # compiled filters
}

network_stays() {
	leaves '^file /run/(mocker|netns)$|^mount /run/netns |^file /run/mocker/network'
	leaves '^(link|address|route|rule) .*mocker0|^rule '
}

leaks_baseline() {
	leaks_list "$tmp/.before"
}

# leaks_list FILE
leaks_list() {
	leaks_processes >"$1.processes"
	{
		cat "$1.processes"
		leaks_mounts
		leaks_cgroups
		leaks_network
		leaks_files
	} | LC_ALL=C sort >"$1"
}

# All but the test's own shell. Built-in commands only, and before the others, so that
# nothing of ours runs meanwhile.
leaks_processes() {
	local stat line pid

	for stat in /proc/[0-9]*/stat; do
		{ read -r line <"$stat"; } 2>/dev/null || continue
		pid=${line%% *}
		line=${line#*(}
		[ "$pid" = $$ ] || echo "process $pid (${line%)*})"
	done
}

leaks_mounts() {
	awk '{
		for (i = 7; $i != "-"; i++)
			;
		print "mount " $5 " (" $(i + 1) " " $4 ")"
	}' /proc/self/mountinfo
}

leaks_cgroups() {
	find /sys/fs/cgroup -mindepth 1 -type d -printf 'cgroup %p\n' 2>/dev/null
}

# Few programs, here too: each case has it all listed twice.
leaks_network() {
	printf '%s\n' "link show" "address show" "route show table all" | ip -o -batch - |
		awk '
		$3 ~ /^</ { sub(/@.*|:$/, "", $2); print "link " $2; next }
		$1 ~ /^[0-9]+:$/ { print "address " $2 " " $4; next }
		{ print "route " $0 }'
	[ -z "$leaks_nft" ] || nft list ruleset 2>/dev/null | awk '
		{ sub(/^[ \t]+/, ""); sub(/counter packets.*/, "") }
		/./ && !/^}/ { print "rule " $0 }'
}
leaks_nft=$(command -v nft)

leaks_files() {
	find /run /var/lib/mocker "$TMPDIR" -mindepth 1 -xdev \
		'(' -path '/var/lib/mocker/*/*/*' -o -path "$TMPDIR/*" ')' \
		-printf 'file %p\n' -prune -o \
		-path '/run/netns/*' -printf 'netns %f\nfile %p\n' -o \
		-printf 'file %p\n' 2>/dev/null
}

# The lines that are new go to .left; fails if there are none.
leaks_now() {
	leaks_list "$tmp/.after"
	LC_ALL=C comm -13 "$tmp/.before" "$tmp/.after" |
		grep -Ev "$leaks_allowed" >"$tmp/.left"
}

# The kernel takes down namespaces and cgroups after their last process is gone, so what
# is still there gets time: a lot, on a machine that does much else.
leaks_patience=20
leaks_found() {
	local end=$((SECONDS + leaks_patience))

	while leaks_now; do
		[ $SECONDS -lt $end ] || return 0
		sleep 0.1
	done
	return 1
}

# Fails the case with one line for each thing that is left.
assert_nothing_left() {
	local line

	leaks_found || return 0
	while read -r line; do
		failed "left behind: $line"
	done <"$tmp/.left"
	return 1
}

# Takes away what is left, so that the next case begins as this one did.
leaks_remove() {
	local round

	for round in 1 2 3; do
		leaks_now || return 0
		leaks_kill
		awk '$1 == "mount" { print $2 }' "$tmp/.left" | tac |
			xargs -r -n1 umount -l 2>/dev/null
		awk '$1 == "netns" { print $2 }' "$tmp/.left" |
			xargs -r -n1 ip netns delete 2>/dev/null
		awk '$1 == "link" { print $2 }' "$tmp/.left" |
			xargs -r -n1 ip link delete 2>/dev/null
		awk '$1 == "address" { print $3, "dev", $2 }' "$tmp/.left" |
			xargs -r -L1 ip address delete 2>/dev/null
		awk '$1 == "file" { print $2 }' "$tmp/.left" | xargs -r rm -rf --one-file-system
		awk '$1 == "cgroup" { print $2 }' "$tmp/.left" | tac |
			xargs -r rmdir 2>/dev/null
		! grep -q '^rule ' "$tmp/.left" || nft flush ruleset
	done
	return 0
}

# A frozen process does not die before it is thawed.
leaks_kill() {
	awk '$1 == "cgroup" { print $2 }' "$tmp/.left" | while read -r cgroup; do
		[ ! -e "$cgroup/freezer.state" ] || echo THAWED >"$cgroup/freezer.state"
		[ ! -e "$cgroup/cgroup.freeze" ] || echo 0 >"$cgroup/cgroup.freeze"
	done 2>/dev/null
	awk '$1 == "process" { print $2 }' "$tmp/.left" | xargs -r kill -KILL 2>/dev/null
	sleep 0.1
}
