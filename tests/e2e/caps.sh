#!/bin/bash
# Capabilities, resource limits and scheduling of a real container's process.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

status_has() {
	check_output_has "$1:	$2"
}

five_sets() {
	sh_bundle "$tmp/web" 'cat /proc/self/status' '.process.capabilities = {
		"bounding": ["CAP_KILL", "CAP_CHOWN"], "permitted": ["CAP_KILL"],
		"effective": ["CAP_KILL"], "inheritable": ["CAP_KILL"], "ambient": ["CAP_KILL"]}' \
		'.process.user = {"uid": 1000, "gid": 1000}'
	run mocker-runtime run --bundle "$tmp/web" web
	check_status 0
	status_has CapBnd 0000000000000021
	status_has CapPrm 0000000000000020
	status_has CapEff 0000000000000020
	status_has CapInh 0000000000000020
	status_has CapAmb 0000000000000020
}
test_case "all five sets are as asked, for a user that is not root" five_sets

no_capabilities_is_none() {
	sh_bundle "$tmp/web" 'cat /proc/self/status' 'del(.process.capabilities)'
	run mocker-runtime run --bundle "$tmp/web" web
	check_status 0
	status_has CapEff 0000000000000000
	status_has CapBnd 0000000000000000
}
test_case "a process that asks for none has none" no_capabilities_is_none

unknown_names_are_warned_of() {
	make_bundle "$tmp/web" '.process.capabilities.bounding += ["CAP_FLY"]'
	run mocker-runtime run --bundle "$tmp/web" web
	check_status 0
	check_errors_have 'CAP_FLY'
}
test_case "an unknown capability is warned of" unknown_names_are_warned_of

ambient_needs_two_others() {
	make_bundle "$tmp/web" '.process.capabilities.ambient = ["CAP_KILL"]'
	run mocker-runtime run --bundle "$tmp/web" web
	check_status 0
	check_errors_have "/process/capabilities/ambient: CAP_KILL cannot be granted"
	edit_bundle "$tmp/web" '.process.capabilities.ambient = ["CAP_CHOWN", "CAP_FOWNER"]'
	run mocker-runtime run --bundle "$tmp/web" web
	check_equal "$errors" "mocker-runtime: warning: /process/capabilities/ambient: CAP_CHOWN, CAP_FOWNER cannot be granted: not both permitted and inheritable"
	# As in the config.json that runc writes.
	edit_bundle "$tmp/web" '.process.capabilities.ambient =
		["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"]'
	run mocker-runtime run --bundle "$tmp/web" web
	check_equal "$errors" ""
}
test_case "an ambient capability that cannot be is warned of" ambient_needs_two_others

exec_adds_one() {
	local user

	make_bundle "$tmp/web" '.process.args = ["sleep", "1000"]' '.process.capabilities = null' \
		'.process.user = {"uid": 1000, "gid": 1000}'
	run mocker-runtime run --detach --bundle "$tmp/web" web
	for user in 1000 0; do
		run mocker-runtime exec --user $user --cap CAP_NET_ADMIN web cat /proc/self/status
		check_status 0
		check_equal "$errors" ""
		status_has CapEff 0000000000001000
		status_has CapBnd 0000000000001000
	done
	status_has CapInh 0000000000000000
	mocker-runtime delete --force web
}
test_case "exec --cap gives a capability, also to who is not root" exec_adds_one

limits() {
	sh_bundle "$tmp/web" 'ulimit -n; ulimit -c' '.process.rlimits = [
		{"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200},
		{"type": "RLIMIT_CORE", "soft": 0, "hard": 0}]'
	run mocker-runtime run --bundle "$tmp/web" web
	check_status 0
	check_output "100
0"
	edit_bundle "$tmp/web" '.process.rlimits = [{"type": "RLIMIT_NOFILE", "soft": 1,
		"hard": 1073741825}]'
	run mocker-runtime run --bundle "$tmp/web" web
	check_fails_with "/process/rlimits/0: raising the hard limit of RLIMIT_NOFILE"
}
test_case "resource limits, and the one that cannot be raised" limits

oom_score() {
	sh_bundle "$tmp/web" 'cat /proc/self/oom_score_adj' '.process.oomScoreAdj = 500'
	run mocker-runtime run --bundle "$tmp/web" web
	check_status 0
	check_output 500
	edit_bundle "$tmp/web" '.process.oomScoreAdj = 1001'
	run mocker-runtime run --bundle "$tmp/web" web
	check_fails_with /process/oomScoreAdj
}
test_case "the OOM score, and one out of range" oom_score

scheduling() {
	sh_bundle "$tmp/web" 'cut -d" " -f19,41 /proc/self/stat' \
		'.process.scheduler = {"policy": "SCHED_BATCH", "nice": 5}' \
		'.process.ioPriority = {"class": "IOPRIO_CLASS_BE", "priority": 6}'
	run mocker-runtime run --bundle "$tmp/web" web
	check_status 0
	check_output "5 3"
	edit_bundle "$tmp/web" '.process.scheduler = {"policy": "SCHED_BATCH", "priority": 5}'
	run mocker-runtime run --bundle "$tmp/web" web
	check_fails_with /process/scheduler
}
test_case "scheduling policy, nice and I/O priority" scheduling

personality() {
	sh_bundle "$tmp/web" 'uname -m' '.linux.personality = {"domain": "LINUX32"}'
	run mocker-runtime run --bundle "$tmp/web" web
	check_status 0
	check_output i686
}
[ "$(uname -m)" != x86_64 ] || test_case "a 32-bit personality" personality

labels_fail_closed() {
	make_bundle "$tmp/web" '.process.apparmorProfile = "mocker-test"'
	run mocker-runtime run --bundle "$tmp/web" web
	check_fails_with /process/apparmorProfile
	make_bundle "$tmp/web" '.process.selinuxLabel = "system_u:system_r:container_t:s0"'
	run mocker-runtime run --bundle "$tmp/web" web
	check_fails_with /process/selinuxLabel
}
[ -d /sys/fs/selinux ] || [ -d /sys/kernel/security/apparmor ] ||
	test_case "a label that cannot be given fails" labels_fail_closed
