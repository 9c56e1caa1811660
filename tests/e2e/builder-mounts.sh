#!/bin/bash
# RUN --mount: caches that outlive the build, temporary space, files of the context and of
# stages, secrets that leave no trace; and nothing of any mount in the image.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

leaves '^file /var/lib/mocker/?'

set_up() {
	mkdir -p context/files
	make_rootfs context/rootfs
	echo "from the context" >context/files/a
	printf 'FROM scratch\nCOPY rootfs /\n' >context/base.Mockerfile
	run mocker-builder build -t base -f context/base.Mockerfile context
	check_status 0
}
test_setup set_up

# build TEXT [OPTION...]
build() {
	printf '%b' "$1" >context/Mockerfile
	shift
	run mocker-builder build -t mounts "$@" context
}

# What the image's last layer holds.
last_layer() {
	local key

	key=$(mocker-builder inspect mounts | jq -r '.[0].image.layers[-1].key')
	(cd "/var/lib/mocker/layers/$key/fs" && find . -mindepth 1 | sort | paste -sd,)
}

leaves_no_mount_points() {
	build 'FROM base\nRUN --mount=type=tmpfs,target=/new/place/t --mount=type=cache,target=/c true\n'
	check_status 0
	check_equal "$(last_layer)" "" "the layer of a step that did nothing"
}
test_case "no mount point of a step is left in its layer" leaves_no_mount_points

keeps_what_the_step_made() {
	build 'FROM base\nRUN mkdir -p /empty/dir && : >/empty/file\n'
	check_status 0
	check_equal "$(last_layer)" "./empty,./empty/dir,./empty/file" "the layer"
}
test_case "empty files and directories of the step itself are" keeps_what_the_step_made

cache_lasts() {
	build 'FROM base\nRUN --mount=type=cache,target=/c echo one >>/c/f; wc -l </c/f\n'
	check_output_has "| 1"
	build 'FROM base\nRUN --mount=type=cache,target=/c echo two >>/c/f; wc -l </c/f\n'
	check_output_has "| 2"
	build 'FROM base\nRUN --mount=type=cache,target=/c,id=other echo x >>/c/f; wc -l </c/f\n'
	check_output_has "| 1"
	build 'FROM base\nRUN --mount=type=cache,target=/c,readonly echo x >/c/new\n'
	check_status 1
	check_output_has "Read-only file system"
}
test_case "a cache lasts from build to build, under its id" cache_lasts

locked_caches() {
	local i pids=()

	for i in 1 2 3; do
		printf 'FROM base\nRUN --mount=type=cache,target=/l,sharing=locked %s\n' \
			"echo $i; mkdir /l/taken && sleep 0.3 && rmdir /l/taken" \
			>"context/locked$i.Mockerfile"
		mocker-builder build -f "context/locked$i.Mockerfile" context </dev/null \
			>"locked$i.log" 2>&1 &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || failed "a build failed: $(cat locked?.log)"
	done
}
test_case "sharing=locked is a lock" locked_caches

binds() {
	build 'FROM base\nRUN --mount=type=bind,source=files,target=/m cat /m/a; echo x >/m/b\n'
	check_status 1
	check_output_has "| from the context"
	check_output_has "Read-only file system"
	check_missing context/files/b
	build 'FROM base AS one\nRUN echo of a stage >/x\nFROM base\nRUN --mount=type=bind,from=one,target=/m cat /m/x\n'
	check_status 0
	check_output_has "| of a stage"
	build 'FROM base\nRUN --mount=type=bind,source=../..,target=/m ls /m\n'
	check_lacks "$output" "usr"
}
test_case "bind mounts show the context and stages, read-only" binds

secrets() {
	echo "secret of a file" >"$tmp/secret"
	export SECRET_VARIABLE="secret of a variable"
	build 'FROM base\nRUN --mount=type=secret,id=a cat /run/secrets/a; stat -c %a:%u /run/secrets/a\nRUN --mount=type=secret,id=b,target=/b,mode=0440,uid=7 cat /b; stat -c " %a:%u" /b\nRUN test ! -e /run/secrets\n' \
		--secret "id=a,src=$tmp/secret" --secret id=b,env=SECRET_VARIABLE
	unset SECRET_VARIABLE
	check_status 0
	check_output_has "| secret of a file"
	check_output_has "| 400:0"
	check_output_has "| secret of a variable 440:7"
	check_equal "$(grep -rl "secret of a" /var/lib/mocker)" "" "files of the store with it"
	rm -f "$tmp/secret"
}
test_case "secrets are seen by their step and by nothing else" secrets

missing_secrets() {
	build 'FROM base\nRUN --mount=type=secret,id=none test ! -e /run/secrets/none\n'
	check_status 0
	build 'FROM base\nRUN --mount=type=secret,id=none,required=true true\n'
	check_status 1
	check_errors_have 'Mockerfile:2: the step requires the secret "none"'
	run mocker-builder build --secret id=x,src=/nothere context
	check_fails_with "--secret id=x,src=/nothere: the file /nothere: No such file"
	run mocker-builder build --secret src=/etc/passwd context
	check_fails_with "expected id=ID"
}
test_case "a secret that is not there is an error where it is required" missing_secrets

networks() {
	build 'FROM base\nRUN --network=none ls /sys/class/net\n'
	check_output_has "| lo"
	check_equal "$(grep -c '|' <<<"$output")" 1 "the number of network devices"
}
test_case "--network=none leaves the loopback alone" networks

heredocs() {
	build 'FROM base\nENV A=b\nRUN <<E1 cat >/one && <<E2 cat >/two\n1 $A\nE1\n2\nE2\nRUN <<EOF\n#!/bin/sh\necho "script $A"\nEOF\nRUN cat /one /two\n'
	check_status 0
	check_output_has "| script b"
	check_output_has "| 1 b"
	check_output_has "| 2"
}
test_case "heredocs are input and scripts" heredocs
