#!/bin/bash
# What a container sees of its cgroups: as the machine has them, with and without a cgroup
# namespace; mounts-cgroup-v2.sh runs the same with version 2 alone.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/mounts.sh
. "$e2e/mounts.sh"

test_setup mounts_setup

only_v2() {
	[ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]
}

namespaced='.linux.namespaces += [{type: "cgroup"}]'
shown='for d in /sys/fs/cgroup /sys/fs/cgroup/*; do
	[ -f $d/cgroup.procs ] && echo "$d $(grep -c "^1$" $d/cgroup.procs)"; done'

# The container's process is in what it sees as the root of each hierarchy, and nothing
# above or beside it is to be seen.
own_cgroup_is_the_root() {
	local filters=("$@")

	contained "$shown; mkdir /sys/fs/cgroup/x; $show_mounts" \
		"$(with_mount /sys/fs/cgroup cgroup cgroup ro nosuid nodev noexec)" "${filters[@]}"
	check_status 0
	check_lacks "$output" "cgroup 0"
	check_lacks "$output" " 0"$'\n'
	check_has "$output" " 1"$'\n'
	check_errors_have "Read-only file system"
	if only_v2; then
		check_has "$(file_system_of /sys/fs/cgroup)" cgroup2
	else
		check_has "$(file_system_of /sys/fs/cgroup)" tmpfs
		check_has "$(file_system_of /sys/fs/cgroup/memory)" memory
		check_has "$(file_system_of /sys/fs/cgroup/systemd)" name=systemd
	fi
	while read -r place; do
		check_word "$(options_of "$place")" ro
		check_word "$(options_of "$place")" nosuid
		check_word "$(options_of "$place")" nodev
		check_word "$(options_of "$place")" noexec
	done < <(awk '$5 ~ "^/sys/fs/cgroup" { print $5 }' <<<"$output")
}

hierarchies_are_the_hosts() {
	contained 'ls /sys/fs/cgroup' "$(with_mount /sys/fs/cgroup cgroup cgroup ro)"
	check_status 0
	only_v2 || check_equal "$output" "$(ls /sys/fs/cgroup)" "the hierarchies"
}

writable_if_asked() {
	local place=/sys/fs/cgroup

	only_v2 || place=/sys/fs/cgroup/pids
	contained "mkdir $place/below && rmdir $place/below && echo made" \
		"$(with_mount /sys/fs/cgroup cgroup cgroup rw)" "$namespaced"
	check_output made
}

version2_beside() {
	contained "ls /two/cgroup.procs; grep -c '^1$' /two/cgroup.procs; $show_mounts" \
		"$(with_mount /two cgroup2 cgroup2 ro)" "$@"
	check_status 0
	check_has "$output" $'/two/cgroup.procs\n1\n'
	check_has "$(file_system_of /two)" cgroup2
}

one_hierarchy() {
	contained "ls /pids/pids.max /pids/cgroup.procs | wc -l" \
		"$(with_mount /pids cgroup cgroup pids ro)" "$namespaced"
	check_output 2
}

cases() {
	test_case "a cgroup namespace has the container's cgroup as root$kernel" \
		own_cgroup_is_the_root "$namespaced"
	test_case "without one, too$kernel" own_cgroup_is_the_root
	test_case "the hierarchies are the machine's$kernel" hierarchies_are_the_hosts
	test_case "cgroups are writable if asked$kernel" writable_if_asked
	test_case "version 2 by itself, in a cgroup namespace$kernel" \
		version2_beside "$namespaced"
	test_case "version 2 by itself, without one$kernel" version2_beside
	only_v2 || test_case "one hierarchy by its options$kernel" one_hierarchy
}
on_kernels cases
test_case "a cgroup namespace in a user namespace" own_cgroup_is_the_root "$namespaced" \
	'.linux.namespaces += [{type: "user"}] |
	.linux.uidMappings = [{containerID: 0, hostID: 0, size: 65536}] |
	.linux.gidMappings = [{containerID: 0, hostID: 0, size: 65536}]'
