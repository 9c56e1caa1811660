#!/bin/bash
# Hooks: when each of the six kinds runs, what it is given, and what its failure does.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

# hooks_bundle [SCRIPT]: each kind writes its name, and the state that it reads, to
# $tmp/log; the process is the script, in which /log is that directory.
hooks_bundle() {
	local kind

	sh_bundle "$tmp/hk" "${1:-echo process >>/log/order}"
	mkdir -p "$tmp/hk/rootfs/log" "$tmp/log"
	rm -f "$tmp"/log/*
	edit_bundle "$tmp/hk" '.annotations = {"k": "v"}' \
		'.mounts += [{"destination": "/log", "type": "bind", "source": "'"$tmp"'/log",
			"options": ["bind"]}]'
	for kind in prestart createRuntime createContainer poststart poststop; do
		edit_bundle "$tmp/hk" ".hooks.$kind = [{\"path\": \"/bin/sh\", \"args\": [\"sh\", \"-c\",
			\"echo $kind >>$tmp/log/order; cat >$tmp/log/$kind; pwd >$tmp/log/$kind.pwd; env >$tmp/log/$kind.env; readlink /proc/self/ns/uts >$tmp/log/$kind.uts\"],
			\"env\": [\"PATH=/usr/bin:/bin\", \"KIND=$kind\"]}]"
	done
	edit_bundle "$tmp/hk" '.hooks.startContainer = [{"path": "/bin/sh", "args": ["sh", "-c",
		"echo startContainer >>/log/order; cat >/log/startContainer"]}]'
}

# meeting_bundle: the same, but the process and poststart, which run at one time, wait for
# each other: poststart for the process's first act, the process for poststart's last.
meeting_bundle() {
	hooks_bundle 'echo process >>/log/order
		until [ -e /log/poststart.uts ]; do usleep 10000; done'
	edit_bundle "$tmp/hk" ".hooks.poststart[0].args[2] |=
		\"until grep -q process $tmp/log/order; do sleep 0.01; done; \" + ."
}

in_order() {
	local kind

	meeting_bundle
	run env SECRET=x mocker-runtime run -b "$tmp/hk" hk
	check_status 0
	check_equal "$(tr '\n' ' ' <"$tmp/log/order")" \
		"prestart createRuntime createContainer startContainer process poststart poststop "
	check_equal "$(jq -r '.id + .status + .bundle + .annotations.k' "$tmp/log/createRuntime")" \
		"hkcreating$tmp/hkv"
	check_equal "$(jq -r '.status, .pid' "$tmp/log/createContainer" | xargs)" "creating 1"
	check_equal "$(jq -r '.status, .pid' "$tmp/log/startContainer" | xargs)" "created 1"
	check_equal "$(jq -r '.status' "$tmp/log/poststart")" running
	check_equal "$(jq -r '.status' "$tmp/log/poststop")" stopped
	check_matches "$(jq -r '.pid' "$tmp/log/prestart")" '^[1-9][0-9]+$'
	check_equal "$(grep -Ev '^(PWD|OLDPWD|SHLVL|_)=' "$tmp/log/prestart.env" | sort | xargs)" \
		"KIND=prestart PATH=/usr/bin:/bin" "the environment"
	for kind in prestart createRuntime poststart poststop; do
		check_equal "$(cat "$tmp/log/$kind.pwd")" "$tmp/hk" "the directory of $kind"
	done
	check_equal "$(cat "$tmp/log/createContainer.pwd")" "$tmp/hk/rootfs"
	check_equal "$(cat "$tmp/log/createRuntime.uts")" "$(readlink /proc/self/ns/uts)"
	check_not test "$(cat "$tmp/log/createContainer.uts")" = "$(readlink /proc/self/ns/uts)"
}
test_case "six kinds in order, each with its state, environment and namespaces" in_order

# Which list none themselves.
environments() {
	hooks_bundle
	edit_bundle "$tmp/hk" 'del(.hooks[][].env)' '.process.env += ["MINE=yes"]' \
		'.hooks.startContainer[0].args[2] += "; env >/log/startContainer.env"'
	run env SECRET=x mocker-runtime run -b "$tmp/hk" hk
	check_status 0
	for kind in prestart createRuntime createContainer poststart poststop; do
		check_has "$(cat "$tmp/log/$kind.env")" "SECRET=x" "$kind"
	done
	check_has "$(cat "$tmp/log/startContainer.env")" "MINE=yes"
	check_lacks "$(cat "$tmp/log/startContainer.env")" SECRET
}
test_case "without an environment of its own a hook has the caller's, or in the container the process's" \
	environments

by_create_and_start() {
	meeting_bundle
	run mocker-runtime create -b "$tmp/hk" hk
	check_status 0
	check_equal "$(tr '\n' ' ' <"$tmp/log/order")" "prestart createRuntime createContainer "
	run mocker-runtime start hk
	check_status 0
	check_has "$(tr '\n' ' ' <"$tmp/log/order")" "poststart"
	check wait_until 60 eval '[ "$(container_status hk)" = stopped ]'
	check_lacks "$(cat "$tmp/log/order")" poststop
	check_equal "$(cat "$tmp/log/poststart.pwd")" "$tmp/hk"
	mv "$tmp/hk" "$tmp/elsewhere"
	run mocker-runtime delete hk
	check_has "$(cat "$tmp/log/order")" poststop
	check_equal "$(cat "$tmp/log/poststop.pwd")" "$PWD" "where the bundle is gone"
	mv "$tmp/elsewhere" "$tmp/hk"
}
test_case "create, start and delete run theirs" by_create_and_start

# failing KIND: its hook fails, and says why.
failing() {
	hooks_bundle
	edit_bundle "$tmp/hk" ".hooks.$1 = [{\"path\": \"/bin/sh\", \"args\": [\"sh\", \"-c\",
		\"echo some; echo reason $1 >&2; exit 3\"]}]"
}

failure_ends_the_create() {
	local kind

	for kind in prestart createRuntime createContainer startContainer; do
		failing $kind
		run mocker-runtime run -b "$tmp/hk" hk
		check_status 1
		check_fails_with "/hooks/$kind/0: /bin/sh exited with status 3" "reason $kind"
		check_lacks "$(cat "$tmp/log/order" 2>/dev/null)" process
		check_has "$(cat "$tmp/log/order")" poststop
		check_equal "$(container_status hk)" none
	done
}
test_case "a failure before the process ends the create and undoes it" failure_ends_the_create

# stops_by COMMAND...: fails for its hook; process and container are gone, poststop has run.
stops_by() {
	run mocker-runtime "$@"
	check_status 1
	check_fails_with "/hooks/$kind/0: /bin/sh exited with status 3" "reason $kind"
	check_equal "$(container_status hk)" none
	check_has "$(cat "$tmp/log/order")" poststop
	check_equal "$(pgrep -f '^sleep 1234$')" "" "the process"
}

poststart_stops_the_container() {
	local kind=poststart

	failing $kind
	in_bundle "$tmp/hk" sleep 1234
	stops_by run -b "$tmp/hk" hk
	rm "$tmp/log/order"
	stops_by run --detach -b "$tmp/hk" hk
	rm "$tmp/log/order"
	run mocker-runtime create -b "$tmp/hk" hk
	check_status 0
	stops_by start hk
}
test_case "a failure of poststart stops the container and undoes it" \
	poststart_stops_the_container

start_undoes_it_too() {
	local kind=startContainer

	failing $kind
	run mocker-runtime create -b "$tmp/hk" hk
	check_status 0
	stops_by start hk
}
test_case "a failure of startContainer does so at start" start_undoes_it_too

# Without hooks that came before: it is due for the failed one's sake.
poststop_alone() {
	local kind

	for kind in createContainer startContainer poststart; do
		failing $kind
		edit_bundle "$tmp/hk" ".hooks |= {$kind, poststop}"
		stops_by run -b "$tmp/hk" hk
		rm "$tmp/log/order"
	done
}
test_case "poststop runs after any failed hook" poststop_alone

poststop_only_warns() {
	failing poststop
	edit_bundle "$tmp/hk" '.hooks.poststop += [.hooks.poststop[0] |
		.args[2] = "echo second >>'"$tmp"'/log/order"]'
	run mocker-runtime run -b "$tmp/hk" hk
	check_status 0
	check_errors_have "/hooks/poststop/0: /bin/sh exited with status 3: some reason poststop"
	check_has "$(cat "$tmp/log/order")" second
	check_equal "$(container_status hk)" none
}
test_case "a failure of poststop is a warning, and the next one runs" poststop_only_warns

timeout_kills_the_group() {
	hooks_bundle
	edit_bundle "$tmp/hk" '.hooks.createRuntime = [{"path": "/bin/sh", "timeout": 1,
		"args": ["sh", "-c", "sleep 321 & sleep 322"]}]'
	run mocker-runtime run -b "$tmp/hk" hk
	check_status 1
	check_fails_with "/hooks/createRuntime/0" "1000 ms"
	check_equal "$(pgrep -f 'sleep 32[12]' || true)" ""
}
test_case "a hook that takes too long is killed with its children" timeout_kills_the_group

missing_one() {
	make_bundle "$tmp/hk" '.hooks.createRuntime = [{"path": "/no/such"}]'
	run mocker-runtime run -b "$tmp/hk" hk
	check_fails_with "/hooks/createRuntime/0: executing /no/such: No such file or directory"
}
test_case "a hook that does not exist is named" missing_one

asks_for_the_state() {
	make_bundle "$tmp/hk" '.hooks.createRuntime = [{"path": "'"$(command -v mocker-runtime)"'",
		"args": ["mocker-runtime", "state", "hk"]}]'
	run mocker-runtime run -b "$tmp/hk" hk
	check_status 0
}
test_case "a hook may ask the runtime for the state" asks_for_the_state
