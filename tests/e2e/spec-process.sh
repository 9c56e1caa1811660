#!/bin/bash
# config.md, Process and what belongs to it: each MUST that a container's own process can
# show, and that what cannot be given is refused. See also caps.sh, runtime-terminal.sh.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

# inside SCRIPT [JQ FILTER...]
inside() {
	sh_bundle "$tmp/p" "$@"
	run mocker-runtime run -b "$tmp/p" p
}

# refused FILTER PART...
refused() {
	make_bundle "$tmp/p" "$1"
	shift
	run mocker-runtime run -b "$tmp/p" p
	check_fails_with "$@"
}

identity() {
	inside 'id -u; id -g; id -G; umask; touch /tmp/new && stat -c %a /tmp/new' \
		'.process.user = {"uid": 1000, "gid": 10, "additionalGids": [5, 77], "umask": 63}'
	check_status 0
	check_output $'1000\n10\n10 5 77\n0077\n600'
	inside 'umask' 'del(.process.user.umask)'
	check_output 0022
	refused '.process.user.umask = 512' /process/user/umask
	refused '.process.user.uid = -1' /process/user/uid
	refused '.process.user.additionalGids = [4294967295]' /process/user/additionalGids/0
}
test_case "User: uid, gid, additionalGids and umask" identity

keeps_groups() {
	sh_bundle "$tmp/web" 'grep ^Groups: /proc/self/status' \
		'.annotations."run.oci.keep_original_groups" = "1"'
	run setpriv --groups 4,20,24 mocker-runtime run --bundle "$tmp/web" web
	check_output "Groups:	4 20 24 "
	edit_bundle "$tmp/web" 'del(.annotations)'
	run setpriv --groups 4,20,24 mocker-runtime run --bundle "$tmp/web" web
	check_output "Groups:	 "
}
test_case "crun's annotation keeps the caller's groups" keeps_groups

environment() {
	inside 'env | sort | grep -v -e SHLVL -e OLDPWD -e ^_=; pwd' '.process.cwd = "/etc"' \
		'.process.env = ["PATH=/bin", "A=", "B=c d", "HOME=/x"]'
	check_output $'A=\nB=c d\nHOME=/x\nPATH=/bin\nPWD=/etc\n/etc'
	refused '.process.cwd = "etc"' /process/cwd
	refused '.process.env += ["NONE"]' /process/env/2
	refused '.process.args = []' /process/args
	refused '.process.args = [""]' /process/args/0
	refused 'del(.process.cwd)' /process cwd
	inside 'echo found' '.process.env = ["PATH=/nowhere:/sbin"]'
	check_fails_with 'executable file not found in $PATH'
	make_bundle "$tmp/p" '.process.args = ["bin/echo", "relative"] | .process.cwd = "/"'
	run mocker-runtime run -b "$tmp/p" p
	check_output relative
}
test_case "Process: cwd, env and args" environment

# name in /proc/self/limits, resource, soft, hard
all_limits='
	Max cpu time|CPU|1000|2000
	Max file size|FSIZE|1000000|2000000
	Max data size|DATA|100000000|200000000
	Max stack size|STACK|1000000|2000000
	Max core file size|CORE|0|1
	Max resident set|RSS|100000|200000
	Max processes|NPROC|500|600
	Max open files|NOFILE|100|200
	Max locked memory|MEMLOCK|4096|8192
	Max address space|AS|1000000000|2000000000
	Max file locks|LOCKS|10|20
	Max pending signals|SIGPENDING|10|20
	Max msgqueue size|MSGQUEUE|10000|20000
	Max nice priority|NICE|0|0
	Max realtime priority|RTPRIO|0|0
	Max realtime timeout|RTTIME|10000|20000
'

limits() {
	local name resource soft hard filters=()

	while IFS='|' read -r name resource soft hard; do
		[ -z "$hard" ] || filters+=(".process.rlimits += [{\"type\": \"RLIMIT_$resource\",
			\"soft\": $soft, \"hard\": $hard}]")
	done <<<"$all_limits"
	inside 'cat /proc/self/limits' '.process.rlimits = []' "${filters[@]}"
	check_status 0
	while IFS='|' read -r name resource soft hard; do
		[ -z "$hard" ] || check_matches "$(grep "${name#"${name%%[^	]*}"}" <<<"$output")" \
			" +$soft +$hard( |$)"
	done <<<"$all_limits"
}
test_case "POSIX process: each of the sixteen rlimits is soft and hard as asked" limits

bad_limits() {
	refused '.process.rlimits = [{"type": "RLIMIT_NOSUCH", "soft": 1, "hard": 1}]' \
		/process/rlimits/0/type RLIMIT_NOSUCH
	refused '.process.rlimits = [{"type": "RLIMIT_CORE", "soft": 0, "hard": 0},
		{"type": "RLIMIT_CORE", "soft": 1, "hard": 1}]' /process/rlimits/1 "a second limit"
	refused '.process.rlimits = [{"type": "RLIMIT_CORE", "soft": 2, "hard": 1}]' \
		/process/rlimits/0 above
}
test_case "POSIX process: an unknown rlimit, one given twice, soft above hard" bad_limits

oom_score() {
	inside 'cat /proc/self/oom_score_adj'
	check_output "$(cat /proc/self/oom_score_adj)"
	inside 'cat /proc/self/oom_score_adj' '.process.oomScoreAdj = 321'
	check_output 321
	run sh -c "echo 77 >/proc/self/oom_score_adj; exec mocker-runtime run -b $tmp/p p"
	check_output 321
	edit_bundle "$tmp/p" 'del(.process.oomScoreAdj)'
	run sh -c "echo 77 >/proc/self/oom_score_adj; exec mocker-runtime run -b $tmp/p p"
	check_output 77
	edit_bundle "$tmp/p" '.process.oomScoreAdj = 0'
	run sh -c "echo 77 >/proc/self/oom_score_adj; exec mocker-runtime run -b $tmp/p p"
	check_output "$([ "$status" = 0 ] && echo 0)"
}
test_case "Linux process: oomScoreAdj is set, and where absent not changed" oom_score

ungranted_capabilities() {
	inside 'grep CapEff /proc/self/status' '.process.capabilities.bounding += ["CAP_NONE"] |
		.process.capabilities.effective += ["CAP_NONE", "CAP_CHOWN"]'
	check_status 0
	check_errors_have CAP_NONE
	check_errors_have "CAP_CHOWN cannot be granted"
	check_output_has 0000000020000420
}
test_case "Linux process: capabilities that cannot be granted are warnings" \
	ungranted_capabilities

no_new_privileges() {
	inside 'grep NoNewPrivs /proc/self/status' '.process.noNewPrivileges = true'
	check_output "NoNewPrivs:	1"
	inside 'grep NoNewPrivs /proc/self/status' 'del(.process.noNewPrivileges)'
	check_output "NoNewPrivs:	0"
}
test_case "Linux process: noNewPrivileges" no_new_privileges

# scheduled POLICY NUMBER [MEMBERS]: /proc/self/stat has the policy's number, or the kernel
# keeps it from us, which is told.
scheduled() {
	inside 'cut -d" " -f41,19 /proc/self/stat' \
		".process.scheduler = {\"policy\": \"$1\"${3:+, $3}}"
	if [ "$status" = 0 ]; then
		check_equal "$(cut -d' ' -f2 <<<"$output")" "$2" "$1's number"
	else
		check_fails_with "/process/scheduler: setting $1"
	fi
}

schedulers() {
	scheduled SCHED_OTHER 0 '"nice": 3'
	check_equal "${output%% *}" 3 "the nice value"
	scheduled SCHED_BATCH 3
	check_status 0
	scheduled SCHED_IDLE 5
	check_status 0
	scheduled SCHED_FIFO 1 '"priority": 10'
	scheduled SCHED_RR 2 '"priority": 10, "flags": ["SCHED_FLAG_RESET_ON_FORK"]'
	scheduled SCHED_DEADLINE 6 '"runtime": 1000000, "deadline": 5000000, "period": 5000000,
		"flags": ["SCHED_FLAG_RESET_ON_FORK", "SCHED_FLAG_RECLAIM"]'
	refused '.process.scheduler.policy = "SCHED_ISO"' /process/scheduler "no kernel has"
	refused '.process.scheduler = {"policy": "SCHED_FIFO"}' /process/scheduler priority
	refused '.process.scheduler = {"policy": "SCHED_OTHER", "runtime": 5}' SCHED_DEADLINE
	refused '.process.scheduler = {"policy": "SCHED_OTHER", "nice": 20}' nice
	refused '.process.scheduler = {"policy": "SCHED_NONE"}' /process/scheduler/policy
	refused '.process.scheduler = {"policy": "SCHED_OTHER", "flags": ["X"]}' \
		/process/scheduler/flags/0
}
test_case "Linux process: every scheduling policy, or why not" schedulers

io_priorities() {
	inside 'ionice -p $$' '.process.ioPriority = {"class": "IOPRIO_CLASS_BE", "priority": 6}'
	check_output "best-effort: prio 6"
	inside 'ionice -p $$' '.process.ioPriority = {"class": "IOPRIO_CLASS_IDLE", "priority": 0}'
	check_output_has idle
	inside 'ionice -p $$' '.process.ioPriority = {"class": "IOPRIO_CLASS_RT", "priority": 4}'
	[ "$status" != 0 ] || check_output "realtime: prio 4"
	[ "$status" = 0 ] || check_fails_with /process/ioPriority CAP_SYS_NICE
	refused '.process.ioPriority = {"class": "IOPRIO_CLASS_BE", "priority": 8}' \
		/process/ioPriority/priority
}
test_case "Linux process: I/O priorities" io_priorities

# Of /proc/self/status: the CPUs of whoever executes it.
cpus_of_exec() {
	run mocker-runtime exec p grep Cpus_allowed_list /proc/self/status
	check_status 0
	output=${output##*	}
}

affinities() {
	local all

	[ "$(nproc)" -gt 1 ] || { skip "needs two CPUs" && return; }
	sh_bundle "$tmp/p" 'grep Cpus_allowed_list /proc/self/status >/cpus; exec sleep 1000' \
		'.process.execCPUAffinity = {"initial": "0", "final": "1"}'
	run mocker-runtime run -d -b "$tmp/p" p
	check_status 0
	all=$(grep Cpus_allowed_list /proc/self/status)
	check wait_until 60 test -s "$tmp/p/rootfs/cpus"
	check_equal "$(cat "$tmp/p/rootfs/cpus")" "$all" "the container's own CPUs"
	cpus_of_exec
	check_output 1
	jq '.process | .args = ["grep", "Cpus_allowed_list", "/proc/self/status"] |
		.execCPUAffinity = {"initial": "0"}' "$tmp/p/config.json" >"$tmp/process"
	run mocker-runtime exec --process "$tmp/process" p
	check_output "$all"
	run mocker-runtime delete --force p
	refused '.process.execCPUAffinity.final = "1-"' /process/execCPUAffinity/final
	refused '.process.execCPUAffinity.initial = "x"' /process/execCPUAffinity/initial
}
test_case "Linux process: execCPUAffinity is for exec alone" affinities

no_terminal_no_size() {
	inside 'tty; echo $?' '.process.consoleSize = {"height": 7, "width": 9}'
	check_output $'not a tty\n1'
}
test_case "Process: consoleSize is ignored without a terminal" no_terminal_no_size

personalities() {
	[ "$(uname -m)" = x86_64 ] || { skip "knows the names of x86_64" && return; }
	inside 'uname -m; cat /proc/self/personality' '.linux.personality = {"domain": "LINUX32",
		"flags": ["ADDR_NO_RANDOMIZE"]}' '.linux.maskedPaths = []'
	check_status 0
	check_output $'i686\n00040008'
	refused '.linux.personality = {"domain": "LINUX", "flags": ["ADDR_NONE"]}' \
		/linux/personality/flags/0
	refused '.linux.personality = {"domain": "BSD"}' /linux/personality/domain
}
test_case "Personality: domain and flags" personalities

names() {
	inside 'hostname; cat /proc/sys/kernel/domainname' '.hostname = "h" | .domainname = "d.test"'
	check_output $'h\nd.test'
	refused 'del(.linux.namespaces[] | select(.type == "uts"))' /hostname '"uts"'
}
test_case "Hostname, Domainname: of the container's UTS namespace" names

memory_policy() {
	inside 'cat /proc/self/numa_maps | head -n 1' \
		'.linux.memoryPolicy = {"mode": "MPOL_BIND", "nodes": "0", "flags": ["MPOL_F_STATIC_NODES"]}'
	if [ "$status" = 0 ]; then
		check_output_has "bind=static:0"
	else
		check_fails_with "/linux/memoryPolicy: setting MPOL_BIND"
	fi
	refused '.linux.memoryPolicy = {"mode": "MPOL_BIND"}' /linux/memoryPolicy/nodes
	refused '.linux.memoryPolicy = {"mode": "MPOL_LOCAL", "nodes": "0"}' /linux/memoryPolicy/nodes
	refused '.linux.memoryPolicy = {"mode": "MPOL_NONE"}' /linux/memoryPolicy/mode
	refused '.linux.memoryPolicy = {"mode": "MPOL_BIND", "nodes": "0", "flags": ["X"]}' \
		/linux/memoryPolicy/flags/0
}
test_case "Memory policy: mode, nodes and flags, or why not" memory_policy

the_rest_of_the_root() {
	inside 'echo fine' '.unknown = {"x": 1} | .linux.unknown = 5 | .process.unknown = []'
	check_status 0
	check_output_has fine
	refused '.annotations = {"": "x"}' /annotations
	refused '.ociVersion = "1.3"' /ociVersion semantic
	refused '.ociVersion = "2.0.0"' /ociVersion "not supported"
	refused 'del(.root)' /root
	refused '.root.path = "nowhere"' "nowhere"
	refused '.root.path = "config.json"' "config.json"
}
test_case "Extensibility, Annotations, Specification version, Root: what is refused" \
	the_rest_of_the_root
