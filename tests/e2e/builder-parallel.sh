#!/bin/bash
# Independent stages are built at the same time: what that must not change, who waits for
# whom, and what a failure or a signal in the middle leaves.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

leaves '^file /var/lib/mocker/?|^file /run/stores(/|$)'

set_up() {
	mkdir context
	make_rootfs context/rootfs
	printf 'FROM scratch\nCOPY rootfs /\n' >context/Mockerfile
	run mocker-builder build -t base context
	check_status 0
}
test_setup set_up

# mockerfile LINE...: writes the context's file "Test".
mockerfile() {
	printf '%s\n' "$@" >context/Test
}

build() {
	run mocker-builder build --no-cache --jobs 4 -t test -f context/Test context
}

# build_meeting COUNT OPTION...: in which the holder of a lock goes on once so many wait.
build_meeting() {
	meet_begin context
	mocker-builder build --jobs 4 -t test -f context/Test "${@:2}" context </dev/null \
		>meeting.log 2>&1 &
	meet_waiters "$1" context
	wait $!
	check_equal $? 0 "the build's status ($(cat meeting.log))"
	rm -rf context/meet
}

shared='--mount=type=cache,id=meet,target=/c,sharing=shared'
# meets OWN OTHER: shell commands that succeed if the other stage runs meanwhile.
meets() {
	echo "RUN $shared touch /c/$1; i=0; until [ -e /c/$2 ]; do i=\$((i+1));" \
		"[ \$i -lt 100 ] || exit 1; sleep 0.1; done"
}

at_the_same_time() {
	mockerfile 'FROM base AS a' "$(meets a b)" 'FROM base AS b' "$(meets b a)" \
		'FROM base' 'COPY --from=a /bin/busybox /a' 'COPY --from=b /bin/busybox /b'
	build
	check_status 0
	rm -rf /var/lib/mocker/caches
}
test_case "independent stages run at the same time" at_the_same_time

many() {
	mockerfile 'FROM base AS a' 'RUN mkdir /a; echo a; seq 100 >/a/x' \
		'FROM base AS b' 'ENV x=y' 'WORKDIR /w' 'RUN echo b >/b' \
		'FROM a AS c' 'RUN echo c >>/a/x' \
		'FROM scratch AS d' 'COPY rootfs/bin /bin' \
		'FROM base' 'COPY --from=c /a /a' 'COPY --from=b /b /' 'COPY --from=d /bin /d' \
		'RUN --mount=type=bind,from=b,target=/m cp /m/b /copy' 'CMD x'
}

same_result() {
	local jobs

	many
	for jobs in 1 2 8; do
		run mocker-builder --root "/run/stores/$jobs" build -t base context
		check_status 0
		run mocker-builder --root "/run/stores/$jobs" build --source-date-epoch 1000000000 \
			--jobs "$jobs" -t test -f context/Test -o "type=oci,dest=out.$jobs" context
		check_status 0
	done
	check_equal "$(jq -r '.manifests[0].digest' out.2/index.json)" \
		"$(jq -r '.manifests[0].digest' out.1/index.json)" "the digest with two jobs"
	check_equal "$(jq -r '.manifests[0].digest' out.8/index.json)" \
		"$(jq -r '.manifests[0].digest' out.1/index.json)" "the digest with eight"
	rm -rf /run/stores
}
test_case "the result has the same digest, however many at a time" same_result

in_order() {
	many
	run mocker-builder build --no-cache --jobs 1 -t test -f context/Test context
	check_status 0
	check_equal "$(sed -nE 's/^\[([^ ]*) .*/\1/p' <<<"$output" | uniq | paste -sd' ')" \
		"a b c d stage-4" "the stages"
}
test_case "--jobs 1 builds one stage after the other" in_order

prefixes() {
	mockerfile 'FROM base AS one' 'RUN echo from one' 'FROM base' 'RUN echo from the other' \
		'COPY --from=one /bin/busybox /x'
	build
	check_status 0
	check_output_has "      one | from one"
	check_output_has "      stage-1 | from the other"
	check_output_has "[one 2/2] RUN echo from one"
	check_matches "$output" $'\n'"      one: done in [0-9.]+ s"$'\n'
}
test_case "each line says which stage it is of" prefixes

alone=' --mount=type=cache,id=alone,target=/c,sharing=locked'
locked() {
	local only="RUN$alone $meet_mount mkdir /c/inside && { $until_met; } && rmdir /c/inside"

	mockerfile 'FROM base AS a' "$only # a" 'FROM base AS b' "$only # b" 'FROM base AS c' \
		"$only # c" 'FROM base' 'COPY --from=a /bin/busybox /a' \
		'COPY --from=b /bin/busybox /b' 'COPY --from=c /bin/busybox /c'
	build_meeting 2 --no-cache
	rm -rf /var/lib/mocker/caches
}
test_case "a locked cache is one stage's at a time" locked

# When the first has done, there wait one that names the one first and two that name the
# other.
crossed() {
	local first second

	first='--mount=type=cache,id=1,target=/1,sharing=locked'
	second='--mount=type=cache,id=2,target=/2,sharing=locked'
	mockerfile 'FROM base AS a' "RUN $first $second $meet_mount $until_met # a" \
		'FROM base AS b' "RUN $second $first $meet_mount $until_met # b" \
		'FROM base AS c' "RUN $first $second $meet_mount $until_met # c" \
		'FROM base AS d' "RUN $second $first $meet_mount $until_met # d" \
		'FROM base' 'COPY --from=a /bin/busybox /a' 'COPY --from=b /bin/busybox /b' \
		'COPY --from=c /bin/busybox /c' 'COPY --from=d /bin/busybox /d'
	build_meeting 3 --no-cache
	rm -rf /var/lib/mocker/caches
}
test_case "two stages that want the same two caches do not wait for ever" crossed

same_step() {
	local once="RUN $shared $meet_mount echo x >>/c/count; $until_met"

	mockerfile 'FROM base AS a' "$once" 'RUN echo a' 'FROM base AS b' "$once" 'RUN echo b' \
		'FROM base' 'COPY --from=a /bin/busybox /a' 'COPY --from=b /bin/busybox /b' \
		"RUN $shared cp /c/count /count"
	build_meeting 1 -o type=local,dest=plain
	check_equal "$(cat plain/count)" x "how often it ran"
	check_has "$(cat meeting.log)" "another stage did the same"
	rm -rf plain /var/lib/mocker/caches
}
test_case "a step that two stages have is done once" same_step

triggers() {
	mockerfile 'FROM base' 'ONBUILD COPY --from=needed /made /copied'
	run mocker-builder build -t trigger -f context/Test context
	check_status 0
	mockerfile 'FROM base AS needed' 'RUN echo made >/made' 'FROM trigger' 'RUN cat /copied'
	build
	check_status 0
	check_output_has "stage-1 | made"
	run mocker-builder rmi trigger
}
test_case "a stage that only ONBUILD of a base needs is built first" triggers

in_the_store() {
	find /var/lib/mocker/layers /var/lib/mocker/blobs /var/lib/mocker/index.json \
		-maxdepth 2 | sort
}

step_runs() {
	[ "$(pgrep -fc '^sleep 1000')" -ge "${1-1}" ]
}

nothing_runs() {
	! step_runs 1
}

nothing_of_the_steps() {
	check wait_until "${1-1}" nothing_runs
	check_equal "$(find /sys/fs/cgroup -type d -name 'build-*')" "" "cgroups"
	check_equal "$(grep -c /var/lib/mocker/temp /proc/self/mountinfo)" 0 "mounts"
	check_equal "$(find /var/lib/mocker/temp -mindepth 1)" "" "temporary files"
	check_equal "$(in_the_store)" "$store_before" "the store"
}

failure() {
	mockerfile 'FROM base AS slow' "RUN $shared touch /c/slow; echo slow; sleep 1000" \
		'FROM base AS bad' \
		"RUN $shared until [ -e /c/slow ]; do sleep 0.1; done; echo broken; exit 3" \
		'FROM base AS next' 'COPY --from=slow /x /x' \
		'FROM base' 'COPY --from=next /x /' 'COPY --from=bad /x /'
	store_before=$(in_the_store)
	SECONDS=0
	build
	check_status 1
	check_errors_have "Test:4: RUN failed with exit status 3"
	check_output_has "      bad | broken"
	check_lacks "$output" "[next"
	check [ $SECONDS -lt 60 ]
	nothing_of_the_steps
	rm -rf /var/lib/mocker/caches
}
test_case "a stage that fails stops the others, and nothing is left" failure

begin_slow() {
	mockerfile 'FROM base AS a' 'RUN echo a; sleep 1000' 'FROM base AS b' \
		'RUN echo b; sleep 1000' 'FROM base AS c' "RUN$alone echo c; sleep 1000" \
		'FROM base AS d' "RUN$alone echo d; sleep 1000" \
		'FROM base' 'COPY --from=a /x /' 'COPY --from=b /x /' 'COPY --from=c /x /' \
		'COPY --from=d /x /'
	mocker-builder prune >/dev/null
	store_before=$(in_the_store)
	mocker-builder build --jobs 4 -t slow -f context/Test context </dev/null >slow.log 2>&1 &
	build=$!
	check wait_until 20 step_runs 3 # the fourth waits for its cache
}

interrupted() {
	begin_slow
	kill "-$1" "$build"
	wait "$build"
	check_equal $? 130 "the build's status"
	check_has "$(cat slow.log)" "mocker-builder: interrupted"
	nothing_of_the_steps
	rm -rf /var/lib/mocker/caches
}
test_case "SIGINT ends all of them at once and leaves nothing" interrupted INT
test_case "so does SIGTERM" interrupted TERM

killed() {
	begin_slow
	kill -KILL "$build"
	wait "$build" 2>/dev/null
	check wait_until 20 mocker-builder prune # its processes die one after the other
	nothing_of_the_steps 60
	rm -rf /var/lib/mocker/caches
}
test_case "prune removes what a killed build left of all of them" killed

no_builder() {
	! pgrep mocker-builder
}

# At ever later moments, until the build was faster.
interrupted_at_any_time() {
	local i delay

	many
	mocker-builder prune >/dev/null
	store_before=$(in_the_store)
	for ((i = 1; i <= 20; i++)); do
		printf -v delay '0.%03d' $((i * 20))
		timeout -s INT "$delay" mocker-builder build --jobs 4 -t many -f context/Test \
			context </dev/null >/dev/null 2>&1
		check_equal "$(find /var/lib/mocker/temp -mindepth 1)" "" "files after $delay s"
		check wait_until 60 no_builder # the killed ones are reaped by others
	done
	mocker-builder rmi many >/dev/null 2>&1
	run mocker-builder prune
	check_status 0
	check_equal "$(in_the_store)" "$store_before" "the store"
}
test_case "interrupted at any moment, nothing is left" interrupted_at_any_time

endless() {
	mockerfile 'FROM base' 'RUN while echo without end; do :; done'
	mocker-builder prune >/dev/null
	store_before=$(in_the_store)
	mocker-builder build -f context/Test context </dev/null >/dev/null 2>endless.log &
	build=$!
	check wait_until 20 pgrep -f '^/bin/sh -c while echo'
	kill -INT "$build"
	wait "$build"
	check_equal $? 130 "the build's status"
	check_not pgrep -f '^/bin/sh -c while echo'
	nothing_of_the_steps
}
test_case "a step that prints without end can be interrupted" endless
