#!/bin/bash
# config-linux.md, IntelRdt: classes of service and monitoring groups, on what looks like
# a processor with RDT (resctrl.c); and that without one the create fails.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

place=/sys/fs/resctrl

not_mounted() {
	make_bundle "$tmp/rdt" '.linux.intelRdt = {}'
	run mocker-runtime run -b "$tmp/rdt" rdt
	check_fails_with "/linux/intelRdt: resctrl is not mounted on $place"
}
[ -d $place/info ] ||
	test_case "IntelRdt: without a mounted resctrl it is an error" not_mounted

# Into a static executable nothing is loaded; its twin does the same.
program=mocker-runtime
[[ $(readelf -lW "$top_builddir/mocker-runtime") == *INTERP* ]] || program=mocker-runtime-systemd
command -v $program >/dev/null || exit 0

make_resctrl() {
	local fs=$tmp/.fs

	"${CC:-cc}" -shared -fPIC -o "$tmp/resctrl.so" "$e2e/resctrl.c" || failed resctrl.c
	mkdir "$fs" && mount -t tmpfs tmpfs "$fs"
	mkdir -p "$fs/cgroup" "$fs/resctrl/mon_groups" "$fs/resctrl/info"
	mount --rbind /sys/fs/cgroup "$fs/cgroup" && mount --rbind "$fs" /sys/fs
	echo ok >"$fs/resctrl/info/last_cmd_status"
	touch "$fs/resctrl/tasks"
}
test_setup make_resctrl

on_rdt() {
	run env LD_PRELOAD="$tmp/resctrl.so" $program "$@"
}

# rdt JSON: a container that sleeps has it.
rdt() {
	make_bundle "$tmp/rdt" ".linux.intelRdt = $1" && in_bundle "$tmp/rdt" sleep 1000
	on_rdt run --detach -b "$tmp/rdt" rdt
}

gone() {
	on_rdt delete --force rdt
	check_status 0
}

written_in_order() {
	rdt '{"l3CacheSchema": "L3:0=7f0;1=1f", "memBwSchema": "MB:0=20;1=70",
		"schemata": ["L2:0=f", "MB:0=30"]}'
	check_status 0
	check_equal "$(cat $place/rdt/schemata)" $'L3:0=7f0;1=1f\nMB:0=20;1=70\nL2:0=f\nMB:0=30'
	check_equal "$(cat $place/rdt/tasks)" "$(container_pid rdt)"
	gone
	check_missing $place/rdt
}
test_case "IntelRdt: without closID a class of the container's id, which goes with it" \
	written_in_order

one_line_of_bandwidth() {
	rdt '{"l3CacheSchema": "MB:0=10\nL3:0=f", "memBwSchema": "MB:0=20"}'
	check_status 0
	check_equal "$(cat $place/rdt/schemata)" $'L3:0=f\nMB:0=20'
	gone
}
test_case "IntelRdt: an MB line of l3CacheSchema gives way to memBwSchema" one_line_of_bandwidth

nothing_written() {
	rdt '{}'
	check_status 0
	check_exists $place/rdt/tasks
	check_equal "$(cat $place/rdt/schemata)" ""
	gone
	check_missing $place/rdt
}
test_case "IntelRdt: without schemata none are written" nothing_written

named_stays() {
	rdt '{"closID": "gold", "schemata": ["L3:0=f"]}'
	check_status 0
	check_equal "$(cat $place/gold/schemata)" L3:0=f
	gone
	check_exists $place/gold
	rdt '{"closID": "gold"}'
	check_status 0
	check_has "$(cat $place/gold/tasks)" "$(container_pid rdt)"
	check_equal "$(cat $place/gold/schemata)" L3:0=f
	gone
	check_exists $place/gold
	rdt '{"closID": "gold", "l3CacheSchema": "L3:0=00f"}'
	check_status 0
	gone
	rdt '{"closID": "gold", "l3CacheSchema": "L3:0=1f"}'
	check_fails_with /linux/intelRdt "have no line"
	check_equal "$(container_status rdt)" none
	check_exists $place/gold
	rm -r $place/gold
}
test_case "IntelRdt: a class that closID names is shared, compared and left" named_stays

named_must_exist() {
	rdt '{"closID": "none"}'
	check_fails_with "/linux/intelRdt/closID: there is no class $place/none"
	check_missing $place/none
}
test_case "IntelRdt: closID alone must name a class that is there" named_must_exist

failure_takes_it_back() {
	make_bundle "$tmp/rdt" '.process.args = ["/no/such"]' \
		'.linux.intelRdt = {"closID": "silver", "schemata": ["L3:0=f"]}'
	on_rdt run -b "$tmp/rdt" rdt
	check_status 1
	check_missing $place/silver
}
test_case "IntelRdt: a failed create removes the class that it made" failure_takes_it_back

id_is_taken() {
	mkdir $place/rdt
	rdt '{}'
	check_fails_with "/linux/intelRdt: the class $place/rdt exists already"
	check_exists $place/rdt
	rmdir $place/rdt
}
test_case "IntelRdt: another's class of the container's id is an error" id_is_taken

monitors() {
	rdt '{"closID": "/", "enableMonitoring": true}'
	check_status 0
	check_equal "$(cat $place/mon_groups/rdt/tasks)" "$(container_pid rdt)"
	check_has "$(cat $place/tasks)" "$(container_pid rdt)"
	gone
	check_missing $place/mon_groups/rdt
	: >$place/tasks
	rdt '{"enableMonitoring": true}'
	check_status 0
	check_exists $place/rdt/mon_groups/rdt
	gone
	check_missing $place/rdt
	mkdir $place/mon_groups/rdt
	rdt '{"closID": "/", "enableMonitoring": true}'
	check_fails_with /linux/intelRdt/enableMonitoring "File exists"
	check_exists $place/mon_groups/rdt
	rmdir $place/mon_groups/rdt
}
test_case "IntelRdt: monitoring groups have the container's id and go with it" monitors

who_joins_is_in_it() {
	rdt '{}'
	on_rdt exec --detach --pid-file "$tmp/joined" rdt sleep 1000
	check_status 0
	check_equal "$(cat $place/rdt/tasks)" "$(cat "$tmp/joined")"
	on_rdt update --l3-cache-schema L3:0=3 --mem-bw-schema MB:0=40 rdt
	check_status 0
	check_equal "$(cat $place/rdt/schemata)" $'L3:0=3\nMB:0=40'
	gone
}
test_case "IntelRdt: exec joins the class, update changes it" who_joins_is_in_it
