#!/bin/bash
# AppArmor profiles, given by a kernel that has it: in run, exec, hooks, and what is
# refused. The profiles lie in the kernel, beside each other: first and second, and each
# forbids the file of its name.
# kernel: apparmor=1 security=apparmor
test_limit=900
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
network_stays
leaves '^file /run/runc$'

security=/sys/kernel/security

rules() {
	local name

	for name in first second; do
		printf 'profile mocker-%s flags=(attach_disconnected,mediate_deleted) {\n%s deny /%s r,\n}\n' \
			$name 'file, capability, network, signal, ptrace, mount, umount, unix, dbus,' $name
	done
}

profiles() {
	rules | apparmor_parser "$1" -q
}

prepare() {
	[ "$(cat /sys/module/apparmor/parameters/enabled)" = Y ] || {
		failed "AppArmor is not active in this kernel"
		return
	}
	mount -t securityfs none $security
	check profiles --replace
	make_bundle "$tmp/web" '.process.apparmorProfile = "mocker-first"'
	echo one >"$tmp/web/rootfs/first"
	echo two >"$tmp/web/rootfs/second"
}
test_setup prepare

bundle() {
	make_bundle "$tmp/web" '.process.apparmorProfile = "mocker-first"' "$@"
}

profile_of() {
	cat "/proc/$1/attr/current"
}

begin() {
	run_forget
	mocker-runtime run --detach --bundle "$tmp/web" web </dev/null >"$tmp/log" 2>&1 ||
		failed "cannot start web: $(cat "$tmp/log")"
}

end() {
	run mocker-runtime delete --force web
	check_status 0
}

# What may be read of the two files: exec's output is "one", "two" or both.
readable() {
	run mocker-runtime exec "$@" sh -c 'cat /first /second 2>/dev/null; :'
}

acts() {
	bundle
	in_bundle "$tmp/web" sh -c 'cat /first; cat /second; cat /proc/self/attr/current'
	run mocker-runtime run --bundle "$tmp/web" web
	check_output $'two\nmocker-first (enforce)'
	check_errors_have "can't open '/first': Permission denied"
	edit_bundle "$tmp/web" '.process.noNewPrivileges = false'
	run mocker-runtime run --bundle "$tmp/web" web
	check_status 0
	bundle '.process.apparmorProfile = "unconfined"'
	in_bundle "$tmp/web" cat /proc/self/attr/current
	run mocker-runtime run --bundle "$tmp/web" web
	check_output unconfined
}
test_case "process.apparmorProfile confines the container's process" acts

mapped() {
	bundle '.linux.namespaces += [{"type": "user"}]' \
		'.linux.uidMappings = [{"containerID": 0, "hostID": 100000, "size": 65536}]' \
		'.linux.gidMappings = .linux.uidMappings'
	chmod 711 "$tmp" "$tmp/web"
	in_bundle "$tmp/web" sh -c 'cat /first; cat /second; cat /proc/self/attr/current'
	run mocker-runtime run --bundle "$tmp/web" web
	check_output $'two\nmocker-first (enforce)'
	in_bundle "$tmp/web" sleep 1000
	begin
	readable web
	check_output two
	readable --apparmor mocker-second web
	check_output one
	end
}
test_case "in a user namespace too" mapped

executed() {
	bundle
	in_bundle "$tmp/web" sleep 1000
	begin
	check_equal "$(profile_of "$(container_pid web)")" "mocker-first (enforce)"
	run mocker-runtime inspect --format json web
	check_has "$output" '"mocker-first (enforce)"'
	readable web
	check_output two
	readable --apparmor mocker-second web
	check_output one
	readable --apparmor unconfined web
	check_output $'one\ntwo'
	run mocker-runtime exec --apparmor mocker-third web true
	check_status 255
	check_fails_with 'container "web": /process/apparmorProfile: "mocker-third": AppArmor has no such profile loaded'
	end
}
test_case "exec has the container's profile, or the one of --apparmor" executed

# by_file PROFILE READABLE: of the process file, and what its process may read.
by_file() {
	jq --arg profile "$1" '.process | .args = ["sh", "-c", "cat /first /second 2>/dev/null; :"] |
		if $profile == "" then del(.apparmorProfile) else .apparmorProfile = $profile end' \
		"$tmp/web/config.json" >"$tmp/process.json"
	run mocker-runtime exec --process "$tmp/process.json" web
	check_output "$2"
}

process_files() {
	bundle
	in_bundle "$tmp/web" sleep 1000
	begin
	by_file "" two
	by_file mocker-second one
	by_file unconfined $'one\ntwo'
	end
	rm "$tmp/process.json"
}
test_case "exec's process file without a profile has the container's" process_files

hooks() {
	local runtime

	for runtime in mocker-runtime runc; do
		bundle ".hooks = {
			\"createRuntime\": [{\"path\": \"/bin/sh\", \"args\": [\"sh\", \"-c\",
				\"cat /proc/self/attr/current >$tmp/outside\"]}],
			\"startContainer\": [{\"path\": \"/bin/sh\", \"args\": [\"sh\", \"-c\",
				\"cat /first /proc/self/attr/current >/tmp/inside 2>&1; :\"]}]}"
		run $runtime run --bundle "$tmp/web" web
		check_status 0
		check_equal "$(cat "$tmp/outside")" unconfined "a hook outside, with $runtime"
		check_equal "$(cat "$tmp/web/rootfs/tmp/inside")" \
			$'cat: can\'t open \'/first\': Permission denied\nmocker-first (enforce)' \
			"a hook inside, with $runtime"
		rm "$tmp/outside" "$tmp/web/rootfs/tmp/inside"
	done
}
test_case "the hooks startContainer have the container's profile, those outside none" hooks

unknown() {
	bundle '.process.apparmorProfile = "mocker-third"' ".hooks.createRuntime = [{
		\"path\": \"/bin/touch\", \"args\": [\"touch\", \"$tmp/begun\"]}]"
	run mocker-runtime create --bundle "$tmp/web" web
	check_fails_with '/process/apparmorProfile: "mocker-third": AppArmor has no such profile loaded'
	check_missing "$tmp/begun"
	check_equal "$(container_status web)" none
	run mocker-runtime check "$tmp/web"
	check_output_has '/process/apparmorProfile: "mocker-third": AppArmor has no such profile loaded'
	# Where the module's file system is not in sight, its word comes with the label.
	umount $security
	run mocker-runtime create --bundle "$tmp/web" web
	check_fails_with '/process/apparmorProfile: "exec mocker-third"' "is the profile loaded?"
	check_equal "$(container_status web)" none
	mount -t securityfs none $security
	rm "$tmp/begun"
}
test_case "a profile that is not loaded fails create, before anything is made" unknown

early() {
	bundle
	run mocker-runtime create --bundle "$tmp/web" web
	check_status 0
	rules | apparmor_parser --remove -q
	run mocker-runtime start web
	check_status 0
	profiles --replace
	end
}
test_case "a profile that goes after create holds nothing up" early

other_module() {
	run mocker-runtime features
	check_equal "$(jq -c '[.linux.apparmor, .linux.selinux]' <<<"$output")" \
		'[{"enabled":true},{"enabled":true}]'
	bundle '.process.selinuxLabel = "system_u:system_r:web_t:s0"'
	run mocker-runtime create --bundle "$tmp/web" web
	check_fails_with '/process/selinuxLabel: "system_u:system_r:web_t:s0": SELinux is not active on this machine'
	bundle '.linux.mountLabel = "system_u:object_r:data_t:s0"'
	run mocker-runtime create --bundle "$tmp/web" web
	check_fails_with '/linux/mountLabel: "system_u:object_r:data_t:s0": SELinux is not active on this machine'
}
test_case "a label of the module that is not active is refused" other_module

profiles --remove
umount $security
