#!/bin/bash
# `build --shell-on-failure`: where a RUN fails, a shell on the terminal that sees what the
# step saw; the build then fails as it would have, and nothing is left.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

leaves '^file /var/lib/mocker/?'
export TERM=xterm
drive="timeout 60 python3 $e2e/runtime-terminal.py"

set_up() {
	mkdir context
	make_rootfs context/rootfs
	echo 'web:x:1234:1000::/home:/bin/sh' >>context/rootfs/etc/passwd
	printf 'FROM scratch\nCOPY rootfs /\n' >context/Mockerfile
	run mocker-builder build -t base context
	check_status 0
	echo "open sesame" >secret
	cat >context/Test <<-'END'
		FROM base
		ENV GREETING=hello
		WORKDIR /work
		RUN chmod 777 /work
		USER web
		RUN --mount=type=secret,id=word,uid=1234 --mount=type=cache,target=/cache,uid=1234 \
			touch /cache/kept; echo half >made; exit 7
	END
}
test_setup set_up

build=(mocker-builder build --secret "id=word,src=secret" -f context/Test -t test)

# types TEXT COMMAND...: typed once the shell's prompt is there.
types() {
	run $drive type "$@"
}

nothing_of_the_step() {
	check_equal "$(find /sys/fs/cgroup -type d -name 'build-*')" "" "cgroups"
	check_equal "$(grep -c /var/lib/mocker/temp /proc/self/mountinfo)" 0 "mounts"
	check_equal "$(find /var/lib/mocker/temp -mindepth 1)" "" "temporary files"
	check_equal "$(find /var/lib/mocker/runtime -name 'build-*')" "" "containers"
	check_not grep -q test:latest <(mocker-builder images)
}

# The size comes through four processes; the program polls for it.
ask='echo ready; echo type now; read x; i=0
until [ "$(stty size)" = "44 202" ] || [ $i = 100 ]; do i=$((i + 1)); sleep 0.1; done
stty size; id -un; pwd; env; cat made; cat /run/secrets/word; ls /cache'

sees() {
	printf '#!/bin/sh\n%s\n' "$ask" >context/rootfs/bin/ask && chmod 755 context/rootfs/bin/ask
	run mocker-builder build -t base context
	check_status 0
	types 'go\r' "${build[@]}" --shell-on-failure=/bin/ask context
	check_status 1
	check_output_has "RUN failed with exit status 7"
	check_output_has "/bin/ask in the step's container; the build fails when it ends"
	check_output_has "44 202" # the terminal became larger meanwhile
	check_matches "$output" $'\nweb\r?\n/work\r?\n'
	check_output_has "GREETING=hello"
	check_output_has half
	check_output_has "open sesame"
	check_output_has kept
	nothing_of_the_step
}
test_case "it sees the step's files, mounts, environment, directory and user" sees

# A shell that a person types into.
typed() {
	printf '%s\n' 'FROM base' 'RUN echo "type now"; sleep 1; exit 9' >context/Plain
	types 'echo $((6*7)) times\rexit\r' mocker-builder build --progress="$1" \
		--shell-on-failure -f context/Plain -t test context
	check_status 1
	check_output_has "42 times"
	check_output_has "/bin/sh in the step's container"
	check_output_has "Plain:2: RUN failed with exit status 9"
	nothing_of_the_step
}
test_case "/bin/sh if nothing else is named" typed plain
test_case "the live view makes way for it" typed auto

shell_of_the_stage() {
	printf '%s\n' 'FROM base' 'SHELL ["/bin/busybox", "sh", "-c"]' 'RUN exit 9' >context/Plain
	types 'exit\r' mocker-builder build --progress=plain --shell-on-failure -f context/Plain \
		context </dev/null
	check_output_has "/bin/busybox in the step's container"
	check_output_has "Plain:3: RUN failed with exit status 9"
	nothing_of_the_step
}
test_case "SHELL's program where the stage has one" shell_of_the_stage

no_terminal() {
	run mocker-builder build --shell-on-failure -f context/Test context
	check_fails_with "--shell-on-failure needs a terminal as standard input and output"
	check_equal "$output" "" "what was built"
}
test_case "without a terminal it is refused before anything is built" no_terminal

no_failure() {
	run_in_terminal mocker-builder build --shell-on-failure -t test context
	check_status 0
	check_lacks "$output" "in the step's container"
	run mocker-builder rmi test
}
test_case "a build that does not fail opens none" no_failure

no_such_shell() {
	run_in_terminal "${build[@]}" --shell-on-failure=/bin/nothere context
	check_status 1
	check_output_has "RUN failed with exit status 7"
	nothing_of_the_step
}
test_case "a shell that is not in the image" no_such_shell

others_end_first() {
	local shared='--mount=type=cache,id=meet,target=/c,sharing=shared'

	printf '%s\n' 'FROM base AS slow' "RUN $shared touch /c/slow; echo slow; sleep 1000" \
		'FROM base AS bad' "RUN $shared until [ -e /c/slow ]; do sleep 0.1; done; exit 3" \
		'FROM base' 'COPY --from=slow /x /' 'COPY --from=bad /x /' \
		>context/Two
	printf '#!/bin/sh\nps -ef; echo shell is open\n' >context/rootfs/bin/look
	chmod 755 context/rootfs/bin/look
	run mocker-builder build -t base context
	run_in_terminal mocker-builder build --jobs 2 --progress=plain \
		--shell-on-failure=/bin/look -f context/Two context
	check_status 1
	check_output_has "shell is open"
	check_output_has "slow | slow"
	check_output_has "Two:4: RUN failed with exit status 3"
	check_not pgrep -f '^sleep 1000'
	rm -rf /var/lib/mocker/caches
	nothing_of_the_step
}
test_case "other stages end before it opens" others_end_first

# signalled SIGNAL STATUS: while the shell is open.
signalled() {
	printf '#!/bin/sh\nsleep 1000\n' >context/rootfs/bin/wait
	chmod 755 context/rootfs/bin/wait
	run mocker-builder build -t base context
	$drive type "" sh -c '"$@"; status=$?; stty -a; exit $status' sh "${build[@]}" \
		--shell-on-failure=/bin/wait context </dev/null >typed 2>&1 &
	driver=$!
	check wait_until 20 pgrep -f '^sleep 1000'
	pkill "-$1" -x -f 'mocker-builder build .*--shell-on-failure=/bin/wait .*'
	wait "$driver"
	check_equal $? "$2" "the status"
	output=$(cat typed)
	check_has "$output" " icanon" "the terminal's modes"
	check_lacks "$output" "-icanon" "the terminal's modes"
	check_not pgrep -f '^sleep 1000'
	nothing_of_the_step
}

test_case "SIGTERM while it is open ends all, and the terminal is as it was" signalled TERM 130
