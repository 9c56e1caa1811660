#!/bin/bash
# mounts add, mounts remove: the mounts of a container that lives.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

begin() {
	make_bundle "$tmp/web" '.process.args = ["sleep", "1000"]' "$@"
	[ $# = 0 ] || chown -hR 100000:100000 "$tmp/web/rootfs"
	run mocker-runtime run -d -b "$tmp/web" web
	check_status 0
	mkdir -p "$tmp/data" && echo hello >"$tmp/data/file"
}

end() {
	run mocker-runtime delete --force web
	check_status 0
	rm -rf "${tmp:?}/web"
}

# list JSON: the file of mounts.
list() {
	echo "$1" >"$tmp/list.json"
}

mounts_of() {
	cut -d' ' -f5 "/proc/$(container_pid web)/mountinfo"
}

user_namespace='.linux.namespaces += [{"type": "user"}] |
	.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}] |
	.linux.gidMappings = .linux.uidMappings'

add_and_remove() {
	local before

	begin "$@"
	before=$(mounts_of)
	list '{"mounts": [
		{"destination": "/mnt/new/data", "source": "'"$tmp"'/data", "options": ["rbind", "ro", "noexec"]},
		{"destination": "/tmp/one", "source": "'"$tmp"'/data/file", "type": "bind"},
		{"destination": "/mnt/new/tmp", "type": "tmpfs", "source": "t", "options": ["size=64k", "nosuid"]}]}'
	run mocker-runtime mounts add web "$tmp/list.json"
	check_status 0
	check_equal "$output$errors" ""
	run mocker-runtime exec web cat /mnt/new/data/file /tmp/one
	check_output $'hello\nhello'
	run mocker-runtime exec web touch /mnt/new/data/file
	check_errors_have "Read-only file system"
	run mocker-runtime exec web grep ' /mnt/new/' /proc/mounts
	check_matches "$output" '/mnt/new/data [^ ]* ro,[^ ]*noexec'
	check_matches "$output" 't /mnt/new/tmp tmpfs rw,nosuid,[^ ]*size=64k'
	run mocker-runtime exec web sh -c 'echo a >/mnt/new/tmp/a && stat -c %u /mnt/new/tmp'
	check_output 0
	check_equal "$(grep -c "$tmp/web/rootfs/mnt" /proc/self/mountinfo)" 0
	run mocker-runtime mounts remove web "$tmp/list.json"
	check_status 0
	check_equal "$(mounts_of)" "$before"
	end
}
test_case "mounts are added with their options, and removed" add_and_remove
test_case "so they are in a user namespace" add_and_remove "$user_namespace"

each_source_of_the_list() {
	begin
	list '[{"destination": "tmp", "type": "tmpfs", "source": "t", "options": ["mode=700"]}]'
	run_input=$tmp/list.json run mocker-runtime mounts add web -
	check_status 0
	run mocker-runtime exec web stat -c %a /tmp
	check_output 700
	jq '{mounts: .}' "$tmp/list.json" >"$tmp/object.json"
	run mocker-runtime mounts remove web "$tmp/object.json"
	check_status 0
	run mocker-runtime exec web stat -c %a /tmp
	check_output 1777
	end
}
test_case "the list is an array or an object, a file or standard input" each_source_of_the_list

# The image's links lead inside the container; its /proc is not believed.
stays_inside() {
	begin
	ln -s "$tmp/data" "$tmp/web/rootfs/link"
	list '[{"destination": "/link/deep", "type": "tmpfs", "source": "t"}]'
	run mocker-runtime mounts add web "$tmp/list.json"
	check_status 0
	check_missing "$tmp/data/deep"
	check_has "$(mounts_of)" "$tmp/data/deep"
	check_exists "$tmp/web/rootfs$tmp/data/deep"
	nsenter -t "$(container_pid web)" -m mount -t tmpfs fake /proc
	nsenter -t "$(container_pid web)" -m mkdir -p /proc/self/fd /victim
	for fd in {3..30}; do
		nsenter -t "$(container_pid web)" -m ln -s /victim "/proc/self/fd/$fd"
	done
	nsenter -t "$(container_pid web)" -m mount -t tmpfs victim /victim
	run mocker-runtime mounts remove web "$tmp/list.json"
	check_status 0
	nsenter -t "$(container_pid web)" -m umount -l /proc
	check_has "$(mounts_of)" /victim
	check_lacks "$(mounts_of)" deep
	end
}
test_case "a destination is looked up beneath the container's root" stays_inside

all_or_none() {
	local before

	begin
	before=$(mounts_of)
	list '[{"destination": "/mnt/new/a", "type": "tmpfs", "source": "t"},
		{"destination": "/mnt/new/b", "source": "'"$tmp"'/data", "type": "bind"},
		{"destination": "/etc/passwd/x", "type": "tmpfs", "source": "t"}]'
	run mocker-runtime mounts add web "$tmp/list.json"
	check_status 1
	check_fails_with "/mounts/2"
	check_equal "$(mounts_of)" "$before"
	check_missing "$tmp/web/rootfs/mnt"
	list '[{"destination": "/mnt/new", "type": "tmpfs", "source": "t", "options": ["size=x"]}]'
	run mocker-runtime mounts add web "$tmp/list.json"
	check_fails_with "/mounts/0" size
	check_missing "$tmp/web/rootfs/mnt"
	list '[{"destination": "/tmp", "type": "tmpfs", "source": "t"}]'
	run mocker-runtime mounts add web "$tmp/list.json"
	check_status 0
	before=$(mounts_of)
	list '[{"destination": "/tmp"}, {"destination": "/etc"}]'
	run mocker-runtime mounts remove web "$tmp/list.json"
	check_status 1
	check_fails_with "/mounts/1/destination: /etc: nothing is mounted there"
	check_equal "$(mounts_of)" "$before"
	end
}
test_case "all of a list, or none of it" all_or_none

# refused PART JSON
refused() {
	list "$2"
	run mocker-runtime mounts add web "$tmp/list.json"
	check_status 1
	check_fails_with "$1"
}

bad_input() {
	begin
	refused "the root stays" '[{"destination": "/", "type": "tmpfs", "source": "t"}]'
	refused "cannot be mounted in a container that lives" \
		'[{"destination": "/tmp", "type": "ext4", "source": "/dev/vda"}]'
	refused "cannot be mounted" '[{"destination": "/tmp", "type": "overlay", "source": "o"}]'
	refused "/mounts/0/options" '[{"destination": "/tmp", "options": ["remount", "ro", "bind"]}]'
	refused "$tmp/none" '[{"destination": "/tmp", "type": "bind", "source": "'"$tmp"'/none"}]'
	refused "/mounts" '{"mounts": {}}'
	refused "required" '{}'
	refused "list.json" '[{"destination"'
	refused "expected a string" '[{"destination": 7}]'
	run mocker-runtime mounts add web "$tmp/no-list"
	check_fails_with "$tmp/no-list"
	list '[{"destination": "/"}]'
	run mocker-runtime mounts remove web "$tmp/list.json"
	check_fails_with "the root stays"
	list '[{"destination": "/none"}]'
	run mocker-runtime mounts remove web "$tmp/list.json"
	check_fails_with "/none"
	run mocker-runtime mounts
	check_not test "$status" = 0
	run mocker-runtime mounts add web
	check_not test "$status" = 0
	run mocker-runtime mounts add none "$tmp/list.json"
	check_fails_with "container does not exist"
	mocker-runtime kill web KILL
	check wait_until 60 eval '[ "$(container_status web)" = stopped ]'
	list '[{"destination": "/tmp", "type": "tmpfs", "source": "t"}]'
	run mocker-runtime mounts add web "$tmp/list.json"
	check_fails_with "container not running"
	end
}
test_case "bad input is one line" bad_input

# A container may be paused, and have only been created.
other_states() {
	make_bundle "$tmp/web" '.process.args = ["sh", "-c", "cat /mnt/file; sleep 1000"]'
	mkdir -p "$tmp/data" "$tmp/web/rootfs/mnt" && echo hello >"$tmp/data/file"
	run mocker-runtime create -b "$tmp/web" web
	list '[{"destination": "/mnt", "source": "'"$tmp"'/data", "options": ["bind"]}]'
	run mocker-runtime mounts add web "$tmp/list.json"
	check_status 0
	run mocker-runtime exec web cat /mnt/file
	check_output hello
	run mocker-runtime start web
	run mocker-runtime pause web
	list '[{"destination": "/tmp", "type": "tmpfs", "source": "t"}]'
	run mocker-runtime mounts add web "$tmp/list.json"
	check_status 0
	run mocker-runtime resume web
	run mocker-runtime exec web grep -c ' /tmp tmpfs' /proc/mounts
	check_output 1
	run mocker-runtime delete --force web
}
test_case "a container that is created or paused has mounts added too" other_states
