#!/bin/bash
# Bad input: broken configs, Mockerfiles and command lines, each with the one line that it
# is answered by. After each case nothing may be left, as after every case of this suite.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

make_rootfs "$tmp/bad/rootfs"

# ---- config.json --------------------------------------------------------------------

# refused PART...: create says so in one line that has the parts, and makes nothing.
refused() {
	run mocker-runtime create --bundle "$tmp/bad" bad
	check_fails_with "$@"
	check_equal "$(container_status bad)" none "the container's status"
}

# bad_config SENTENCE JQ PART...
bad_config() {
	local sentence=$1 filter=$2

	shift 2
	test_case "config: $sentence" bad_config_run "$filter" "$@"
}

bad_config_run() {
	make_bundle "$tmp/bad" "$1"
	shift
	refused "$@"
}

bad_config "a string for a number" '.process.user.uid = "root"' \
	"config.json:" "/process/user/uid" "expected an unsigned integer, found a string"
bad_config "a number below zero" '.process.user.uid = -1' "/process/user/uid"
bad_config "a number over its range" '.process.user.uid = 4294967296' "/process/user/uid"
bad_config "a fraction for an integer" '.process.user.gid = 1.5' "/process/user/gid"
bad_config "an object for a list" '.mounts = {}' "/mounts" "expected an array, found an object"
bad_config "a list for an object" '.process = []' "/process" "expected an object, found an array"
bad_config "the place inside a list" '.mounts[2].options = [7]' \
	"/mounts/2/options/0" "expected a string, found a number"
bad_config "no process" 'del(.process)' "process"
bad_config "no arguments" '.process.args = []' "args"
bad_config "no cwd" 'del(.process.cwd)' "/process" "cwd"
bad_config "a relative cwd" '.process.cwd = "tmp"' "/process/cwd"
bad_config "no root" 'del(.root)' "root"
bad_config "a root that is not there" '.root.path = "nowhere"' "nowhere"
bad_config "a root that is a file" '.root.path = "config.json"' "config.json"
bad_config "no version" 'del(.ociVersion)' "ociVersion"
bad_config "a version to come" '.ociVersion = "2.0.0"' "/ociVersion" "2.0.0"
bad_config "an unknown namespace" '.linux.namespaces += [{"type": "pidd"}]' \
	"/linux/namespaces/5/type" "pidd" "pid"
bad_config "a namespace twice" '.linux.namespaces += [{"type": "pid"}]' \
	"/linux/namespaces/5" "pid"
bad_config "a namespace to join that is not there" \
	'.linux.namespaces[1].path = "/nowhere/net"' "/nowhere/net"
bad_config "a namespace to join that is another file" \
	'.linux.namespaces[1].path = "/etc/passwd"' "/etc/passwd"
bad_config "an unknown limit" '.process.rlimits[0].type = "RLIMIT_FUN"' \
	"/process/rlimits/0/type" "RLIMIT_FUN"
bad_config "a soft limit over the hard" '.process.rlimits[0].soft = 2048' \
	"/process/rlimits/0" "soft"
bad_config "a limit twice" '.process.rlimits += .process.rlimits' "/process/rlimits/1"
bad_config "a variable without =" '.process.env += ["HOME"]' "/process/env" "HOME"
bad_config "a mount of a type that no kernel has" \
	'.mounts += [{"destination": "/x", "type": "nofs", "source": "x"}]' "/mounts/6" "nofs"
bad_config "a mount of what is not there" \
	'.mounts += [{"destination": "/x", "type": "bind", "source": "/nowhere", "options": ["bind"]}]' \
	"/mounts/6" "/nowhere"
bad_config "an unknown hook program" \
	'.hooks.createRuntime = [{"path": "/nowhere/hook"}]' "/nowhere/hook"
bad_config "a relative hook" '.hooks.poststop = [{"path": "hook"}]' "/hooks/poststop/0/path"
bad_config "a sysctl of the host" '.linux.sysctl = {"vm.swappiness": "1"}' \
	"/linux/sysctl" "vm.swappiness"
bad_config "a sysctl without its namespace" \
	'.linux.sysctl = {"net.ipv4.ip_forward": "1"} | del(.linux.namespaces[1])' "net.ipv4.ip_forward"
bad_config "an unknown seccomp action" '.linux.seccomp = {"defaultAction": "SCMP_ACT_JOKE"}' \
	"/linux/seccomp/defaultAction" "SCMP_ACT_JOKE"
bad_config "a cgroup path out of the tree" '.linux.cgroupsPath = "/../../x"' "cgroupsPath"
bad_config "a device of no type" \
	'.linux.devices = [{"path": "/dev/x", "type": "q", "major": 1, "minor": 3}]' \
	"/linux/devices/0/type"
bad_config "an unknown rootfs propagation" '.linux.rootfsPropagation = "sideways"' \
	"/linux/rootfsPropagation" "sideways"
bad_config "an id mapping without a user namespace" \
	'.linux.uidMappings = [{"containerID": 0, "hostID": 1000, "size": 1}]' "user namespace"

# The specification wants a warning for what cannot be granted, and the container to run.
unknown_capability() {
	make_bundle "$tmp/bad" '.process.capabilities.bounding += ["CAP_FLY"]'
	run mocker-runtime run --bundle "$tmp/bad" bad
	check_status 0
	check_errors_have "CAP_FLY"
}
test_case "config: an unknown capability is warned of" unknown_capability

bad_file() {
	make_bundle "$tmp/bad"
	"$1" "$tmp/bad/config.json"
	shift
	refused "$@"
	rm -rf "$tmp/bad/config.json"
}

cut_short() { truncate -s 100 "$1"; }
make_empty() { : >"$1"; }
garble() { printf '{"ociVersion": "1.0.2",\n "process": nul }\n' >"$1"; }
spoil_utf8() { printf '{"ociVersion": "\xff\xfe"}\n' >"$1"; }
nest_deeply() { python3 -c 'print("[" * 100000)' >"$1"; }
make_huge() { head -c 100M /dev/zero | tr '\0' ' ' >"$1"; }
make_fifo() { rm "$1" && mkfifo "$1"; }
make_directory() { rm "$1" && mkdir "$1"; }
remove_file() { rm "$1"; }

test_case "config: cut short" bad_file cut_short "config.json:"
test_case "config: empty" bad_file make_empty "config.json"
test_case "config: not JSON, with line and column" bad_file garble "config.json:2:"
test_case "config: not UTF-8" bad_file spoil_utf8 "config.json:1:" "UTF-8"
test_case "config: nested a hundred thousand deep" bad_file nest_deeply "config.json:1:"
test_case "config: a hundred megabytes" bad_file make_huge "config.json"
test_case "config: a FIFO" bad_file make_fifo "config.json"
test_case "config: a directory" bad_file make_directory "config.json"
test_case "config: missing" bad_file remove_file "config.json"

# ---- what only the start can find ---------------------------------------------------

# fails_to_run SENTENCE JQ PART...: `run` says so, and exits with 1, as runc does: its
# drivers tell 126 and 127 from the words.
fails_to_run() {
	local sentence=$1

	shift
	test_case "run: $sentence" fails_to_run_run "$@"
}

fails_to_run_run() {
	make_bundle "$tmp/bad" "$1"
	shift
	run mocker-runtime run --bundle "$tmp/bad" bad
	check_fails_with "$@"
	check_status 1
}

fails_to_run "a program that is not there" '.process.args = ["nothere"]' \
	"nothere" 'executable file not found in $PATH'
fails_to_run "a path that is not there" '.process.args = ["/bin/nothere"]' "/bin/nothere"
fails_to_run "a program that is a directory" '.process.args = ["/etc"]' "/etc"
fails_to_run "a program without the right to execute" '.process.args = ["/etc/passwd"]' \
	"/etc/passwd" "permission denied"
fails_to_run "a cwd that is a file" '.process.cwd = "/etc/passwd"' "/etc/passwd"
fails_to_run "a hook that fails" \
	'.hooks.createRuntime = [{"path": "/bin/sh", "args": ["sh", "-c", "echo no good >&2; exit 3"]}]' \
	"createRuntime" "3" "no good"

# ---- Mockerfiles --------------------------------------------------------------------

# bad_mockerfile SENTENCE TEXT PART...
bad_mockerfile() {
	local sentence=$1

	shift
	test_case "Mockerfile: $sentence" bad_mockerfile_run "$@"
}

bad_mockerfile_run() {
	local part

	mkdir -p context
	printf '%b' "$1" >context/Mockerfile
	shift
	run mocker-builder build -t bad -f context/Mockerfile context
	check test "$status" != 0
	for part; do
		check_errors_have "$part"
	done
	run mocker-builder images
	check_lacks "$output" bad
	rm -rf context
}
store_stays

bad_mockerfile "an unknown instruction, with what was meant" 'FROM scratch\nCOPPY a b\n' \
	"Mockerfile:2" "COPPY" "COPY"
bad_mockerfile "nothing in it" '' "Mockerfile"
bad_mockerfile "only comments" '# nothing\n' "Mockerfile"
bad_mockerfile "an image that is not there" 'FROM nowhere:1\n' "Mockerfile:1" "nowhere"
bad_mockerfile "FROM without an image" 'FROM\n' "Mockerfile:1" "FROM"
bad_mockerfile "COPY of what is not there" 'FROM scratch\nCOPY nothere /\n' \
	"Mockerfile:2" "nothere"
bad_mockerfile "COPY without a destination" 'FROM scratch\nCOPY a\n' "Mockerfile:2" "COPY"
bad_mockerfile "COPY from an unknown stage" 'FROM scratch\nCOPY --from=nostage /a /b\n' \
	"Mockerfile:2" "nostage"
bad_mockerfile "COPY from out of the context" 'FROM scratch\nCOPY ../../etc/passwd /\n' \
	"Mockerfile:2"
bad_mockerfile "an unknown option" 'FROM scratch\nCOPY --chowm=1 a b\n' "Mockerfile:2" "chowm"
bad_mockerfile "ENV without a value" 'FROM scratch\nENV A\n' "Mockerfile:2" "ENV"
bad_mockerfile "an open quote" 'FROM scratch\nENV A="b\n' "Mockerfile:2"
bad_mockerfile "a port that is none" 'FROM scratch\nEXPOSE 70000\n' "Mockerfile:2" "70000"
bad_mockerfile "a broken expansion" 'FROM scratch\nENV A=${B\n' "Mockerfile:2"
bad_mockerfile "a required variable" 'FROM scratch\nENV A=${B:?is needed}\n' \
	"Mockerfile:2" "is needed"
bad_mockerfile "a RUN that fails" 'RUN echo before; exit 7\n' "Mockerfile:1" "7"
bad_mockerfile "a RUN whose shell is not there" 'FROM scratch\nRUN true\n' \
	"Mockerfile:2" "/bin/sh"

# ---- command lines ------------------------------------------------------------------

# bad_command "COMMAND LINE" PART...
bad_command() {
	test_case "command line: $1" bad_command_run "$@"
}

bad_command_run() {
	local words

	eval "words=($1)"
	shift
	run "${words[@]}"
	check_fails_with "$@"
}

bad_command "mocker-runtime" "--help"
bad_command "mocker-runtime crate x" "crate" "create"
bad_command "mocker-runtime create --bundel x y" "--bundel" "--bundle"
bad_command "mocker-runtime create" "ID"
bad_command "mocker-runtime create ../x" "../x"
bad_command "mocker-runtime create ''" "id"
bad_command "mocker-runtime create --bundle /nowhere x" "/nowhere"
bad_command "mocker-runtime start nothere" "nothere" "container does not exist"
bad_command "mocker-runtime kill nothere TERM" "container does not exist"
bad_command "mocker-runtime state nothere" "container does not exist"
bad_command "mocker-runtime delete nothere" "container does not exist"
bad_command "mocker-runtime --log-format xml list" "--log-format" "xml"
bad_command "mocker-runtime list --format yaml" "yaml"
bad_command "mocker-builder" "--help"
bad_command "mocker-builder biuld" "biuld" "build"
bad_command "mocker-builder build -t UPPER $e2e" "UPPER"
bad_command "mocker-builder build -t ok -f /nowhere/Mockerfile ." "/nowhere/Mockerfile"
bad_command "mocker-builder build -t ok /nowhere" "/nowhere"
bad_command "mocker-builder rmi nothere" "nothere"
bad_command "mocker-builder inspect nothere" "nothere"
bad_command "mocker-builder bundle nothere '$tmp/x'" "nothere"
bad_command "mocker-netsetup" "--help"
bad_command "mocker-netsetup ad x" "ad" "add"
bad_command "mocker-netsetup add a/b" "a/b"
bad_command "mocker-netsetup add .." ".."
bad_command "mocker-netsetup network create bad --subnet 10.0.0.300/24" "10.0.0.300/24"
bad_command "mocker-netsetup network create bad --subnet 10.0.0.0/33" "10.0.0.0/33"
bad_command "mocker-netsetup network rm nothere" "nothere"
bad_command "mocker-netsetup hook" "standard input"
bad_command "mocker bogus" "bogus" "help"
bad_command "mocker run x" "NAME IMAGE"
bad_command "mocker run ../x image" "../x"
bad_command "mocker run x nothere" "nothere"
bad_command "mocker run -e" "-e"
bad_command "mocker exec nothere" "nothere" "mocker ps -a"
bad_command "mocker logs nothere" "nothere"
bad_command "mocker stop -t soon x" "soon"
bad_command "mocker rm nothere" "nothere"
bad_command "mocker build x" "NAME FILE"
