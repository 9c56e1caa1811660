#!/bin/bash
# The session that the first Mocker was shown with, word for word: a Mockerfile without
# FROM, a cached second build, a second image on the same layers, a backend with an address
# of its own, looked at from inside and from the host, and removed without a trace.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/original.sh
. "$e2e/original.sh"

set_up() {
	check original_build_backend "$tmp/site"
	check original_start_site "$tmp/site"
	original_mockerfile 1 >golang1.Mockerfile
	original_mockerfile 2 >golang2.Mockerfile
	home_before=$(find /root -xdev | sort)
}
test_setup set_up
store_stays
network_stays

# Steps of a build are lines that show the instruction; how many of them were CACHED.
cached_steps() {
	grep -c CACHED <<<"$output$errors"
}

first_build() {
	run mocker build img1 golang1.Mockerfile
	check_status 0
	check_equal "$(cached_steps)" 0 "the number of cached steps"
	check_has "$output$errors" "$backend_name" "what ls -la showed"
}
test_step "the original's Mockerfile builds unchanged" first_build

second_build() {
	run mocker build img1 golang1.Mockerfile
	check_status 0
	check_equal "$(cached_steps)" 6 "the number of cached steps (all of them)"
}
test_step "a second build says CACHED for every step" second_build

shared_steps() {
	run mocker build img2 golang2.Mockerfile
	check_status 0
	check_equal "$(cached_steps)" 2 "the number of cached steps (wget and chmod)"
}
test_step "a second Mockerfile reuses the layers of the first steps" shared_steps

both_are_listed() {
	run mocker images
	check_status 0
	check_output_has img1
	check_output_has img2
}
test_step "images lists both" both_are_listed

host_home_untouched() {
	check_equal "$(find /root -xdev | sort)" "$home_before" "the list of files in /root"
	check_missing /root/.mocker
	check_missing /root/workspace
}
test_step "the build has touched nothing of the host's /root" host_home_untouched

starts_backend() {
	run mocker run backend img1
	check_status 0
	check_matches "$output" '10\.0\.0\.[0-9]+'
	address=$(grep -oE '10\.0\.0\.[0-9]+' <<<"$output" | head -n 1)
}
test_step "run starts it in the background and prints its address" starts_backend

is_listed() {
	run mocker ps
	check_status 0
	check_matches "$output" "(^|"$'\n'")backend +$address"
}
test_step "ps lists it with its address" is_listed

answers() {
	check wait_until 60 curl -sf -o /dev/null "http://$address:10000/"
	run curl -s --max-time 5 "http://$address:10000"
	check_output "this is go-backend 1000"
}
test_step "it answers on its address" answers

host_does_not_listen() {
	run ss -Hltn 'sport = :10000'
	check_status 0
	check_output ""
	run curl -s --max-time 2 http://127.0.0.1:10000
	check_equal "$status" 7 "curl's status (connection refused)"
}
test_step "on the host nothing listens on its port" host_does_not_listen

# 10000 is 2710 in /proc/net/tcp; state 0A is LISTEN. Any image that has sh can tell.
looks_from_inside() {
	run mocker exec backend sh -c 'ss -ltnp 2>/dev/null; cat /proc/net/tcp; ls -d /proc/[0-9]*'
	check_status 0
	check_matches "$output" ':2710 00000000:0000 0A'
	check_matches "$output" '(^|'$'\n'')/proc/1('$'\n'"|$)"
	run mocker exec backend sh -c 'tr "\0" " " </proc/1/cmdline'
	check_output_has "$backend_name"
	run mocker exec backend sh -c 'echo /proc/[0-9]* | wc -w'
	check test "${output:-99}" -lt 10
	run mocker exec backend ls /root/workspace
	check_output_has index.html
}
test_step "exec sees the listener, and PID numbers of its own" looks_from_inside

looks_from_host() {
	run ip netns exec backend ss -Hltn 'sport = :10000'
	check_status 0
	check_output_has ":10000"
}
test_step "ip netns exec with a tool of the host sees the listener too" looks_from_host

second_container() {
	run mocker run backend2 img2
	check_status 0
	other=$(grep -oE '10\.0\.0\.[0-9]+' <<<"$output" | head -n 1)
	check test "$other" != "$address"
	check wait_until 60 curl -sf -o /dev/null "http://$other:10000/"
	run curl -s --max-time 5 "http://$other:10000"
	check_output "this is go-backend 2000"
	run mocker rm -f backend2
	check_status 0
	run mocker ps
	check_lacks "$output" backend2
}
test_step "a second container has the port and an address of its own" second_container

# Each kind is looked for by name here; the comparison with the state before follows.
is_removed() {
	run mocker rm -f backend
	check_status 0
	check_equal "$(pgrep -f "WORK_DIR|^/root/workspace/$backend_name" | wc -l)" 0 "processes"
	check_equal "$(grep -c backend /proc/self/mountinfo)" 0 "mounts"
	check_equal "$(find /sys/fs/cgroup -type d -name '*backend*' | wc -l)" 0 "cgroups"
	check_equal "$(ip -o link show type veth | wc -l)" 0 "veth devices"
	check_missing /run/netns/backend
	check_missing /run/mocker/backend
	check_equal "$(find /run/mocker /var/lib/mocker -name '*backend*' \
		! -path '*/layers/*' ! -name "*$backend_name*" | wc -l)" 0 "state files"
	run mocker ps
	check_lacks "$output" backend
}
test_case "rm leaves nothing" is_removed

address_is_free_again() {
	run mocker run again img1
	check_status 0
	run mocker rm -f again
	check_status 0
	run mocker-netsetup list
	check_lacks "$output" again
}
test_case "a new container finds the network as the first one did" address_is_free_again

images_are_removed() {
	run mocker rmi img1 img2
	check_status 0
	run mocker images
	check_lacks "$output" img1
}
test_case "rmi removes the images" images_are_removed
