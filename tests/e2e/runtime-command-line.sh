#!/bin/bash
# The command line against those of runc and crun: every option that their --help lists is
# accepted under the same command, and so are those of their later versions; what an option
# asks for is done, or refused with the reason. Where we differ from runc, as the manual
# says, both sides are shown.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

# ---- what is accepted ---------------------------------------------------------------

# A value that the option takes; most take any text.
value_of() {
	case $1 in
	--format | -f) echo json ;;
	--log-format) echo json ;;
	--rootless) echo true ;;
	--cgroup-manager) echo cgroupfs ;;
	--manage-cgroups-mode) echo soft ;;
	*) echo 1 ;;
	esac
}

# accepted COMMAND OPTION [VALUE]: the parser reads options up to --help.
accepted() {
	run mocker-runtime "$@" --help
	[ "$status" = 0 ] || failed "mocker-runtime $*: $errors"
	check_has "$output" Usage:
}

# listed_by RUNTIME [COMMAND]: "OPTION" or "OPTION value" a line, as its --help has them.
listed_by() {
	"$@" --help 2>/dev/null |
		sed -nE 's/^ +((-[a-zA-Z])?(, )?--[a-z].*)/\1/p' |
		sed -E 's/ {2,}.*//; s/\[=.*//; s/=[A-Z].*/ value/' |
		sed -E 's/(-[a-zA-Z]), (--[^ ]*)( value)?/\2\3\n\1\3/;
			s/(--[^ ,]*) value, (-[a-zA-Z]) value/\1 value\n\2 value/;
			s/^(--[^ ,]*), (-[a-zA-Z])$/\1\n\2/' |
		grep -vE '^(--help|--usage|-h|--version|-v|-V)( |$)'
}

# all_of RUNTIME COMMAND...
all_of() {
	local runtime=$1 command option value count=0

	needs "$runtime" || return
	while read -r option value; do
		accepted "$option" ${value:+"$(value_of "$option")"} list
		count=$((count + 1))
	done <<<"$(listed_by "$runtime")"
	shift
	for command; do
		while read -r option value; do
			[ -n "$option" ] || continue
			accepted "$command" "$option" ${value:+"$(value_of "$option")"}
			count=$((count + 1))
		done <<<"$(listed_by "$runtime" "$command")"
	done
	[ "$count" -gt 50 ] || failed "of $runtime only $count options were found"
}
test_case "every option of runc's is accepted" all_of runc checkpoint create delete events \
	exec kill list pause ps restore resume run spec start state update features
test_case "every option of crun's is accepted" all_of crun create delete exec list kill ps \
	run spec start state pause resume update

# Of later versions than this machine has.
of_later_versions() {
	local line

	while read -r line; do
		# shellcheck disable=SC2086 # words
		accepted $line
	done <<-'END'
		create --pidfd-socket S
		run --pidfd-socket S
		exec --pidfd-socket S
		exec --cgroup memory:x
		exec --ignore-paused
		update --cpu-burst 1
		update --cpu-idle 1
		update --l3-cache-schema L3:0=1
		update --mem-bw-schema MB:0=10
		checkpoint --manage-cgroups-mode ignore
		restore --manage-cgroups-mode ignore
		restore --lsm-profile selinux:a
		restore --lsm-mount-context a
		restore --keep
		run --keep
		kill --regex
		mounts add
		mounts remove
	END
}
test_case "options of later versions are accepted" of_later_versions

spellings() {
	accepted create -bundle X -pid-file=Y -no-pivot
	accepted create -bX
	accepted exec -td
	accepted exec --tty=true -t=false
	run mocker-runtime -root "$tmp/none" list -format json -quiet=false
	check_status 0
	check_output null
	run mocker-runtime h create
	check_status 0
	check_output_has "Usage: mocker-runtime create"
	run mocker-runtime create -nosuch X
	check_status 1
	check_fails_with "unknown option"
}
test_case "a long option may have one dash, as in runc" spellings

no_operands() {
	run mocker-runtime list web
	check_status 1
	check_matches "$errors" 'usage: mocker-runtime list$'
	check grep -qx '.It Cm list Oo Ar option ... Oc' "$top_builddir/runtime/mocker-runtime.8"
}
test_case "a command without operands shows none" no_operands

# ---- what is done or refused --------------------------------------------------------

begin() {
	make_bundle "$tmp/web" '.process.args = ["sleep", "1000"]'
	run mocker-runtime run -d -b "$tmp/web" web
	check_status 0
}

end() {
	run mocker-runtime delete --force web
	check_status 0
}

strictness() {
	begin
	jq '.process + {"terminl": true}' "$tmp/web/config.json" |
		jq '.args = ["true"]' >"$tmp/process"
	echo '{"cpu": {"shres": 5}}' >"$tmp/limits"
	echo '[{"destination": "/x", "type": "tmpfs", "opions": []}]' >"$tmp/mounts"
	run mocker-runtime exec --process "$tmp/process" web
	check_status 0
	run mocker-runtime --strict exec --process "$tmp/process" web
	check_fails_with '/terminl: unknown member; did you mean "terminal"?'
	run mocker-runtime update --resources "$tmp/limits" web
	check_status 0
	run mocker-runtime --strict update --resources "$tmp/limits" web
	check_fails_with '/cpu/shres: unknown member'
	run_input=$tmp/limits run mocker-runtime --strict update --resources - web
	check_fails_with 'standard input:1:10: /cpu/shres: unknown member'
	run mocker-runtime --strict mounts add web "$tmp/mounts"
	check_fails_with '/mounts/0/opions: unknown member'
	end
	edit_bundle "$tmp/web" '.process.terminl = true'
	run mocker-runtime --strict run -b "$tmp/web" web
	check_fails_with '/process/terminl: unknown member; did you mean "terminal"?'
}
test_case "--strict is for every document that is read" strictness

# STATUS | WORDS | a part of what is said
answers() {
	local wanted words part

	begin
	make_bundle "$tmp/other" '.process.args = ["sleep", "1000"]'
	while IFS='|' read -r wanted words part; do
		# shellcheck disable=SC2086 # words
		run mocker-runtime ${words//TMP/$tmp}
		check_status "${wanted// /}"
		check_has "$output$errors" "${part# }" "what \"$words\" said"
	done <<-'END'
		255 | exec --process-label system_u:system_r:a web true | SELinux
		255 | exec --apparmor no-such-profile web true | AppArmor
		255 | exec --cgroup no/such web true | no/such
		255 | exec --cgroup .. web true | .. is not a sub cgroup path
		255 | exec --cgroup memory:a/../.. web true | is not a sub cgroup path
		255 | exec --cgroup nothing:x web true | nothing
		0 | exec --cap CAP_NONE web true | left out
		0 | --debug exec web true | to execute true
		0 | --root TMP/none -v | mocker-runtime version
		255 | exec --user 1:2:3 web true | UID:GID
		255 | exec --additional-gids x web true | --additional-gids
		255 | exec --process TMP/none web | none
		255 | exec -d --console-socket TMP/none web true | process.terminal is false
		255 | exec -t --console-socket TMP/none web true | runtime will not detach
		255 | exec -d -t web true | without setting console socket
		255 | exec -d -t --console-socket TMP/none web true | connecting
		0 | exec --cwd /etc web pwd | /etc
		0 | exec -e A=b web sh -c env | A=b
		1 | update --l3-cache-schema L3:0=1 web | without /linux/intelRdt
		1 | update --blkio-weight 5 web | 
		1 | update --cpu-period -1 web | --cpu-period
		1 | update --cpuset-cpus 4096 web | 
		1 | update --memory nonsense web | --memory
		0 | update --kernel-memory 64M web | 
		1 | checkpoint --manage-cgroups-mode odd web | soft|full|strict|ignore
		1 | checkpoint --empty-ns odd web | odd
		1 | --criu TMP/no-criu checkpoint --image-path TMP/images web | no-criu
		1 | restore --image-path TMP/none --bundle TMP/other other | none
		1 | run --config TMP/none.json -b TMP/other other | none.json
		1 | create --console-socket TMP/none -b TMP/other other | process.terminal is false
		1 | create --pid-file TMP/no/such/pid -b TMP/other other | pid
		1 | --systemd-cgroup --cgroup-manager cgroupfs list | contradicts
		1 | --cgroup-manager odd list | cgroupfs|systemd|disabled
		1 | --rootless odd list | auto|true|false
		1 | --log-format odd list | text|json
		1 | events --interval odd web | --interval
		1 | ps --format odd web | table|json
		1 | ps web -o args | PID
		1 | kill web NONE | NONE
		1 | kill --regex [ | regular expression
		3 | no-such-command | unknown command
		3 | help no-such-command | unknown command
		3 | mounts no-such-command | unknown command
	END
	end
}
test_case "what cannot be is refused with the reason" answers

exec_cgroup() {
	local directory

	[ -d /sys/fs/cgroup/memory ] || { skip "needs cgroup v1" && return; }
	begin
	directory=/sys/fs/cgroup/memory/mocker-test/web
	mkdir "$directory/sub"
	run mocker-runtime exec -d --pid-file "$tmp/pid" --cgroup memory:sub web sleep 500
	check_status 0
	check_matches "$(grep ':memory:' "/proc/$(cat "$tmp/pid")/cgroup")" '/mocker-test/web/sub$'
	check_matches "$(grep ':pids:' "/proc/$(cat "$tmp/pid")/cgroup")" '/mocker-test/web$'
	end
}
test_case "exec --cgroup goes below the container's" exec_cgroup

ignore_paused() {
	begin
	run mocker-runtime pause web
	run mocker-runtime exec web true
	check_status 255
	check_fails_with "--ignore-paused"
	mocker-runtime exec --ignore-paused --pid-file "$tmp/pid" web sh -c 'exit 7' &
	check wait_until 60 eval '[ "$(mocker-runtime ps --format json web | jq length)" = 2 ]'
	check kill -0 $!
	run mocker-runtime resume web
	wait $!
	check_equal $? 7 "the status of exec"
	end
}
test_case "exec --ignore-paused begins when the container goes on" ignore_paused

# gives_up SIGNAL OPTION...: exec in the paused container ends by the signal, its program
# never begins.
gives_up() {
	local signal=$1 exec

	shift
	run mocker-runtime pause web
	check_status 0
	mocker-runtime exec --ignore-paused "$@" web touch /begun 2>"$tmp/said" &
	exec=$!
	check wait_until 60 eval '[ "$(mocker-runtime ps --format json web | jq length)" = 2 ]'
	kill -s "$signal" $exec
	check wait_until 60 eval "! kill -0 $exec"
	wait $exec
	check_equal $? 130 "the status of exec"
	check_has "$(cat "$tmp/said")" "the container is paused: ended by signal"
	run mocker-runtime resume web
	check wait_until 60 eval '[ "$(mocker-runtime ps --format json web | jq length)" = 1 ]'
	check_missing "$tmp/web/rootfs/begun"
}

waiting_is_given_up() {
	begin
	gives_up TERM
	gives_up INT --detach
	run mocker-runtime exec web echo fine
	check_output fine
	end
	make_bundle "$tmp/web" '.process.args = ["sleep", "1000"]' \
		'.linux.namespaces += [{"type": "user"}]' \
		'.linux.uidMappings = [{"containerID": 0, "hostID": 0, "size": 1000}] |
		.linux.gidMappings = .linux.uidMappings'
	run mocker-runtime run -d -b "$tmp/web" web
	check_status 0
	gives_up TERM
	end
}
test_case "exec --ignore-paused ends by a signal" waiting_is_given_up

by_regex() {
	local id

	for id in one-1 one-2 two; do
		make_bundle "$tmp/$id" '.process.args = ["sleep", "1000"]'
		mocker-runtime run -d -b "$tmp/$id" "$id"
	done
	run mocker-runtime kill --regex '^one-[0-9]$' KILL
	check_status 0
	check wait_until 60 eval '[ "$(container_status one-1)$(container_status one-2)" = stoppedstopped ]'
	check_equal "$(container_status two)" running
	run mocker-runtime kill -r '^one-' KILL
	check_status 1
	check_errors_have "one-1"
	check_errors_have "one-2"
	run mocker-runtime kill --regex nothing KILL
	check_status 0
	run mocker-runtime delete --force --regex '^(one-.|two)$'
	check_status 0
}
test_case "kill --regex signals those that match" by_regex

writes_elsewhere() {
	run mocker-runtime spec --bundle "$tmp" --file mine.json
	check_status 0
	check_equal "$(jq -r .hostname "$tmp/mine.json")" mocker
	run mocker-runtime spec --bundle "$tmp" -f mine.json
	check_fails_with "mine.json exists already"
	make_bundle "$tmp/web" '.process.args = ["echo", "one"]'
	jq '.process.args = ["echo", "two"]' "$tmp/web/config.json" >"$tmp/web/two.json"
	run mocker-runtime run --config "$tmp/web/two.json" -b "$tmp/web" web
	check_output two
	run mocker-runtime create --no-subreaper --config "$tmp/web/two.json" -b "$tmp/web" web
	check_status 0
	end
}
test_case "spec --file, and create and run --config" writes_elsewhere

# ---- the differences that the manual lists ------------------------------------------

# both WORDS...: $theirs and $ours: "STATUS|lines of output|lines of errors".
both() {
	run runc --root "$tmp/theirs" "$@"
	theirs="$status|$(wc -l <"$tmp/.output")|$(wc -l <"$tmp/.errors")"
	run mocker-runtime --root "$tmp/ours" "$@"
	ours="$status|$(wc -l <"$tmp/.output")|$(wc -l <"$tmp/.errors")"
}

usage_differs() {
	needs runc || return
	both
	check_matches "$theirs" '^0\|[0-9]{2}\|0$' "runc without a command"
	check_equal "$ours" "1|0|1" "ours"
	both state
	check_matches "$theirs" '^1\|[0-9]{2}\|1$' "runc without an operand"
	check_equal "$ours" "1|0|1" "ours"
	both --rootless odd list
	check_matches "$theirs" '^0' "runc with a value that nobody reads"
	check_matches "$ours" '^1' "ours"
}
test_case "differences: how a wrong command line is told" usage_differs

documents_differ() {
	local runtime

	needs runc || return
	for runtime in runc mocker-runtime; do
		sh_bundle "$tmp/$runtime" 'exec sleep 1000'
		mkdir "$tmp/spec-$runtime" && (cd "$tmp/spec-$runtime" && "$runtime" spec)
		"$runtime" --root "$tmp/root" run --detach --bundle "$tmp/$runtime" web </dev/null >"$tmp/out"
		"$runtime" --root "$tmp/root" state web >"$tmp/$runtime.state"
		"$runtime" --root "$tmp/root" events --stats web >"$tmp/$runtime.events"
		"$runtime" --root "$tmp/root" exec web ls -l /proc/self/fd </dev/null >"$tmp/$runtime.fds" 2>/dev/null
		"$runtime" --root "$tmp/root" delete --force web
		"$runtime" features >"$tmp/$runtime.features"
	done
	check_equal "$(jq -r .owner "$tmp/runc.state")" ""
	check_equal "$(jq -r .owner "$tmp/mocker-runtime.state")" root
	check_equal "$(jq -c '.data | has("intel_rdt"), has("network_interfaces")' "$tmp/runc.events" | xargs)" "true true"
	check_equal "$(jq -c '.data | has("intel_rdt"), has("network_interfaces")' "$tmp/mocker-runtime.events" | xargs)" "false false"
	check_has "$(cat "$tmp/runc.fds")" "1 -> pipe:"
	check_has "$(cat "$tmp/mocker-runtime.fds")" "1 -> $tmp/mocker-runtime.fds"
	check_equal "$(jq -r '.hostname, (.process.capabilities | has("ambient"))' "$tmp/spec-runc/config.json" | xargs)" "runc true"
	check_equal "$(jq -r '.hostname, (.process.capabilities | has("ambient"))' "$tmp/spec-mocker-runtime/config.json" | xargs)" "mocker false"
	check_has "$(cat "$tmp/runc.features")" org.opencontainers.runc.version
	check_lacks "$(cat "$tmp/mocker-runtime.features")" org.opencontainers.runc.version
	check_equal "$(jq '.annotations["io.github.seccomp.libseccomp.version"]' "$tmp/mocker-runtime.features")" \
		"$(jq '.annotations["io.github.seccomp.libseccomp.version"]' "$tmp/runc.features")"
}
test_case "differences: members of documents, and descriptors" documents_differ

table_is_as_wide() {
	local runtime

	needs runc || return
	for runtime in runc mocker-runtime; do
		make_bundle "$tmp/$runtime" '.process.args = ["sleep", "1000"]'
		mv "$tmp/$runtime" "$tmp/a-bundle-with-a-long-name"
		"$runtime" --root "$tmp/root" create --bundle "$tmp/a-bundle-with-a-long-name" web
		"$runtime" --root "$tmp/root" list | sed -E 's/[0-9]{4}-[^ ]*Z/TIME/; s/CREATED +/CREATED /;
			s/web +[0-9]+/web N/; s/^ID +/ID /' >"$tmp/$runtime.list"
		"$runtime" --root "$tmp/root" delete --force web
		rm -r "$tmp/a-bundle-with-a-long-name"
	done
	check_equal "$(cat "$tmp/mocker-runtime.list")" "$(cat "$tmp/runc.list")" "the table"
}
test_case "list has columns as wide as runc's" table_is_as_wide
