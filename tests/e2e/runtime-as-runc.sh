#!/bin/bash
# runc's command line: the same words to runc and to us, and the same exit status and
# output, side by side, at each point of a container's life.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

# Each has a bundle, a root and a cgroup of its own; what differs for that is made equal.
each() {
	local runtime

	for runtime in runc mocker-runtime; do
		"$@" "$runtime"
	done
}

# Numbers of processes and times are not what is compared, nor the order of JSON's members.
# The owner runc knows only in `list`.
normal() {
	local text

	text=$(sed -E "s|$tmp/(runc\|mocker-runtime)|BUNDLE|g; s/mocker-runtime/runc/g" "$1")
	if jq -e . >"$tmp/.json" 2>/dev/null <<<"$text"; then
		jq -S 'walk(if type == "object" then del(.created, .ociVersion, .owner)
			elif type == "number" and . > 50 then "NUMBER" else . end)' "$tmp/.json"
	else
		sed -E 's/20[0-9]{2}-[0-9-]*T[0-9:.]*Z/TIME/; s/[0-9]{2}:[0-9]{2}(:[0-9]{2})?/CLOCK/g
			s/[0-9]+/N/g; s/ +/ /g; s/ $//' <<<"$text"
	fi
}

# same ARGUMENT...: of both. BUNDLE in an argument is the bundle of each.
same() {
	local runtime words

	for runtime in runc mocker-runtime; do
		words=("${@//BUNDLE/$tmp/$runtime}")
		run "$runtime" --root "$tmp/root-$runtime" "${words[@]}"
		echo "status $status" >"$tmp/$runtime.saw"
		normal "$tmp/.output" >>"$tmp/$runtime.saw"
		cp "$tmp/.errors" "$tmp/$runtime.errors"
	done
	check_equal "$(cat "$tmp/mocker-runtime.saw")" "$(cat "$tmp/runc.saw")" "what \"$*\" gave"
}

# same_error TEXT ARGUMENT...: and both say the text, which clients look for.
same_error() {
	local text=$1 runtime

	shift
	same "$@"
	for runtime in runc mocker-runtime; do
		check_has "$(cat "$tmp/$runtime.errors")" "$text" "what $runtime said of \"$*\""
	done
}

bundle_of() {
	local runtime=${!#}

	sh_bundle "$tmp/$runtime" "${1-trap \"exit 3\" TERM; while :; do sleep 0.1; done}" \
		".annotations = {\"a\": \"b\"} | .ociVersion = \"1.0.2\" |
		.linux.cgroupsPath = \"/mocker-test/as-$runtime\""
}

have_trapped() { # RUNTIME
	check wait_until 60 test -e "$tmp/$1/rootfs/tmp/trapped"
}

statuses_are() {
	local runtime

	for runtime in runc mocker-runtime; do
		[ "$("$runtime" --root "$tmp/root-$runtime" state web | jq -r .status)" = "$1" ] ||
			return 1
	done
}

begin() {
	each bundle_of 'exec sleep 1000'
	same create --bundle BUNDLE --pid-file BUNDLE/pid web
	same start web
}

end() {
	same delete --force web
}

a_life() {
	each bundle_of "trap 'exit 3' TERM; echo >/tmp/trapped; while :; do sleep 0.1; done"
	same_error "does not exist" state web
	same_error "does not exist" start web
	same_error "does not exist" kill web 9
	same_error "does not exist" delete web
	same_error "does not exist" exec web true
	same_error "does not exist" pause web
	same_error "does not exist" ps web
	same_error "does not exist" update --memory 30m web
	same delete --force web
	same list
	same list --format json
	same list --quiet
	same create --bundle BUNDLE web
	same_error "already exists" create --bundle BUNDLE web
	same state web
	same list
	same list -f json
	same list -q
	same start web
	same_error "" start web
	same_error "" delete web
	same state web
	same kill web 0
	each have_trapped
	same kill web TERM
	check wait_until 60 statuses_are stopped
	same state web
	same_error "container not running" kill web KILL
	same kill --all web KILL
	same_error "" exec web true
	same_error "" pause web
	same_error "" resume web
	same_error "" start web
	same ps --format json web
	same list
	same delete web
	same_error "does not exist" state web
}
test_case "create, start, state, kill, delete and list as runc's" a_life

executes() {
	begin
	same exec web echo hello
	same exec web sh -c 'exit 42'
	same exec web sh -c 'kill -9 $$'
	same exec --user 1000:10 -g 5 --cwd /tmp -e A=1 web sh -c 'id; pwd; echo $A'
	same exec --cap CAP_SYS_TIME web grep -E 'Cap(Bnd|Eff|Prm)' /proc/self/status
	same exec --no-new-privs web grep NoNewPrivs /proc/self/status
	same exec --detach --pid-file BUNDLE/exec.pid web true
	same_error 'executable file not found in $PATH' exec web nothing
	same_error "no such file or directory" exec web /no/thing
	same_error "" exec --user x web true
	same_error "" exec web
	same_error "" exec --cwd relative web true
	echo '{"args": ["sh", "-c", "pwd; id -u"], "cwd": "/etc", "user": {"uid": 1, "gid": 1},
		"env": ["PATH=/bin"]}' >"$tmp/process"
	same exec --process "$tmp/process" web
	same exec -p "$tmp/process" web
	same pause web
	same state web
	same_error "paused" exec web true
	same resume web
	same_error "" resume web
	end
}
test_case "exec, pause and resume as runc's" executes

looks() {
	begin
	same ps --format json web
	same ps web -o args
	same ps web -eo pid,args
	same list
	end
}
test_case "ps as runc's" looks

# limits FILE...: what each has in the files of its cgroup.
limits_are_equal() {
	local file

	for file; do
		check_equal "$(cat "/sys/fs/cgroup/${file%%/*}/mocker-test/as-mocker-runtime/${file#*/}")" \
			"$(cat "/sys/fs/cgroup/${file%%/*}/mocker-test/as-runc/${file#*/}")" "$file"
	done
}

updates() {
	local files=(memory/memory.limit_in_bytes memory/memory.soft_limit_in_bytes
		cpu/cpu.shares cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us pids/pids.max
		cpuset/cpuset.cpus cpuset/cpuset.mems)

	[ -d /sys/fs/cgroup/memory ] || { skip "needs cgroup v1" && return; }
	begin
	same update --memory 64M --memory-reservation 32M --pids-limit 20 web
	limits_are_equal "${files[@]}"
	same update --cpu-share 512 --cpu-period 50000 --cpu-quota 20000 web
	limits_are_equal "${files[@]}"
	same update --cpuset-cpus 0 --cpuset-mems 0 web
	limits_are_equal "${files[@]}"
	same update --memory=70M web
	limits_are_equal "${files[@]}"
	same update --pids-limit -1 web
	limits_are_equal "${files[@]}"
	echo '{"memory": {"limit": 83886080}, "pids": {"limit": 30}}' >"$tmp/limits"
	same update -r "$tmp/limits" web
	limits_are_equal "${files[@]}"
	run_input=$tmp/limits same update --resources - web
	limits_are_equal "${files[@]}"
	same_error "" update --memory nonsense web
	same_error "" update --resources /no/such web
	end
}
test_case "update as runc's" updates

# Their members; figures differ. network_interfaces is null in runc.
tells_figures() {
	local runtime

	begin
	for runtime in runc mocker-runtime; do
		run "$runtime" --root "$tmp/root-$runtime" events --stats web
		check_status 0
		jq -r '[paths(type != "object" and type != "array") |
			map(if type == "number" then 0 else . end) | join(".")] | unique | .[]' \
			<<<"$output" | grep -vE 'hugetlb|blkio|intel|raw|psi|network_interfaces' >"$tmp/$runtime.paths"
	done
	check_equal "$(comm -23 "$tmp/runc.paths" "$tmp/mocker-runtime.paths")" "" \
		"what runc tells and we do not"
	end
}
test_case "events --stats has what runc's has" tells_figures

runs() {
	local words runtime

	each bundle_of 'echo out; exit 7'
	same run --bundle BUNDLE web
	same_error "does not exist" state web
	same run --keep --bundle BUNDLE web
	same state web
	same delete web
	each bundle_of 'kill -SEGV $$; exit 9'
	same run -b BUNDLE web
	each bundle_of 'exec sleep 1000'
	same run -d --pid-file BUNDLE/pid -b BUNDLE web
	same state web
	same kill web
	same delete -f web
	each edit_to_nothing
	same_error 'executable file not found in $PATH' run -b BUNDLE web
	same_error "" run -b /no/such web
	same_error "" run -b BUNDLE ../web
	same_error "" run -b BUNDLE a/b
	for words in run "run --no-such-option web" "state one two" "state"; do
		for runtime in runc mocker-runtime; do
			# shellcheck disable=SC2086 # words
			run "$runtime" --root "$tmp/root-$runtime" $words
			check_status 1 # runc shows its help, we say one line
		done
	done
}
edit_to_nothing() {
	in_bundle "$tmp/$1" nothing
}
test_case "run as runc's" runs

speaks_json() {
	local runtime

	for runtime in runc mocker-runtime; do
		run "$runtime" --root "$tmp/root-$runtime" --log "$tmp/$runtime.log" \
			--log-format json state web
		jq -c '[.level, (.msg | test("does not exist")), (.time | type)]' \
			"$tmp/$runtime.log" | tail -n 1 >"$tmp/$runtime.saw"
		rm "$tmp/$runtime.log"
	done
	check_equal "$(cat "$tmp/mocker-runtime.saw")" "$(cat "$tmp/runc.saw")" "the log"
}
test_case "--log-format json has runc's members" speaks_json

describes_itself() {
	run runc features
	jq -r 'paths(type != "array" and type != "object" and type != "string") | join(".")' \
		<<<"$output" | sort >"$tmp/theirs"
	jq -r '.linux.namespaces[], .linux.capabilities[], .mountOptions[], .hooks[],
		.linux.seccomp.actions[], .linux.seccomp.operators[], .linux.seccomp.archs[]' \
		<<<"$output" | sort >"$tmp/their-words"
	run mocker-runtime features
	jq -r 'paths(type != "array" and type != "object" and type != "string") | join(".")' \
		<<<"$output" | sort >"$tmp/ours"
	jq -r '.linux.namespaces[], .linux.capabilities[], .mountOptions[], .hooks[],
		.linux.seccomp.actions[], .linux.seccomp.operators[], .linux.seccomp.archs[]' \
		<<<"$output" | sort >"$tmp/our-words"
	check_equal "$(comm -23 "$tmp/theirs" "$tmp/ours")" "" "what runc's features has"
	check_equal "$(jq -c '.potentiallyUnsafeConfigAnnotations - ["org.systemd.property."]' \
		<<<"$output")" '["org.criu.config","run.oci.keep_original_groups"]'
	check_equal "$(comm -23 "$tmp/their-words" "$tmp/our-words")" "" "the words of runc's"
}
test_case "features has all that runc's has" describes_itself

writes_specs() {
	local option runtime

	for option in "" --rootless; do
		for runtime in runc mocker-runtime; do
			mkdir "$tmp/spec-$runtime"
			# shellcheck disable=SC2086 # a word, or none
			(cd "$tmp/spec-$runtime" && "$runtime" spec $option) || failed "spec $option"
			jq -S 'del(.ociVersion, .hostname, .process.capabilities.ambient)' \
				"$tmp/spec-$runtime/config.json" >"$tmp/$runtime.spec"
			rm -r "$tmp/spec-$runtime"
		done
		check_equal "$(diff "$tmp/runc.spec" "$tmp/mocker-runtime.spec")" "" "spec $option"
	done
}
# The name of the machine is ours, and capabilities that an exec hands on to a user who is not
# root are nobody's unless asked for, as in later versions of runc.
test_case "spec writes what runc's does" writes_specs
