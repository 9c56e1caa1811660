#!/bin/bash
# What goes wrong in a build, and how it is said: the Mockerfile's line, the line itself, a
# caret. After each of them the store is as it was before, and nothing runs.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

leaves '^file /var/lib/mocker/?'

set_up() {
	mkdir context
	make_rootfs context/rootfs
	echo file >context/file
	ln -s /etc/hostname context/outside
	printf 'FROM scratch\nCOPY rootfs /\n' >context/base.Mockerfile
	run mocker-builder build -t base -f context/base.Mockerfile context
	check_status 0
}
test_setup set_up

# fails SENTENCE MOCKERFILE EXPECTED-ERROR [OPTION...]: the whole of standard error.
fails() {
	test_case "$1" fails_run "${@:2}"
}

fails_run() {
	local expected=$2

	printf '%b' "$1" >context/Mockerfile
	shift 2
	run mocker-builder build -t bad "$@" context
	check_status 1
	check_equal "$errors" "mocker-builder: $(printf '%b' "$expected")" "standard error"
	check_equal "$(find /var/lib/mocker/temp -mindepth 1)" "" "what is left in temp/"
	run mocker-builder images
	check_lacks "$output" bad:
}

fails "a command that fails" 'FROM base\nENV A=1\nRUN echo x; exit 3\nRUN true\n' \
	'context/Mockerfile:3: RUN failed with exit status 3\n   3 | RUN echo x; exit 3\n     | ^~~' \
	-f context/Mockerfile
fails "a command that a signal ends" "FROM base\nRUN sh -c 'kill -9 \$\$'; exit \$?\n" \
	"Mockerfile:2: RUN was ended by signal 9 (exit status 137)\n   2 | RUN sh -c 'kill -9 \$\$'; exit \$?\n     | ^~~"
fails "an image that is not there" 'FROM nothere\nRUN true\n' \
	'Mockerfile:1: nothere is not in the store; pulling it: docker://nothere: GET https://registry-1.docker.io/v2/: Could not resolve host: registry-1.docker.io\n   1 | FROM nothere\n     | ^~~~'
fails "a command that is not there" 'FROM base\nRUN ["nope"]\n' \
	'Mockerfile:2: RUN could not be executed: exec: "nope": executable file not found in $PATH\n   2 | RUN ["nope"]\n     | ^~~'
fails "a source that is not there" 'FROM base\nCOPY nothere /\n' \
	'Mockerfile:2: "nothere" is not in the build context\n   2 | COPY nothere /\n     | ^~~~'
fails "a user that the image does not have" 'FROM base\nUSER ghost\nRUN true\n' \
	"Mockerfile:3: user \"ghost\" is not in the image's /etc/passwd; give a number, or add the user with RUN useradd\n   3 | RUN true\n     | ^~~"
fails "a stage that is not there" 'FROM base\nCOPY --from=nothere /etc/passwd /\n' \
	'Mockerfile:2: nothere is not in the store; pulling it: docker://nothere: GET https://registry-1.docker.io/v2/: Could not resolve host: registry-1.docker.io\n   2 | COPY --from=nothere /etc/passwd /\n     | ^~~~'

# warned STATUS SAID: a runtime that warns and ends so.
warned() {
	cat >runtime <<-END
		#!/bin/bash
		while [ "\$1" != --log ]; do shift; done
		echo '{"level":"warning","msg":"container \\"id\\": killed for want of memory","time":"x"}' >"\$2"
		exit $1
	END
	chmod +x runtime
	printf 'FROM base\nRUN true\n' >context/Mockerfile
	MOCKER_RUNTIME=$tmp/runtime run mocker-builder build context
	check_status 1
	check_equal "${errors%%$'\n'*}" "mocker-builder: Mockerfile:2: RUN $2" "the error"
	rm runtime
}
test_case "a command that the kernel ended for want of memory" warned 137 \
	"was ended by signal 9 (exit status 137): killed for want of memory"
test_case "a warning of the runtime is not why a command failed" warned 3 \
	"failed with exit status 3"

# Each line by itself, below a step that must not run.
fails_early() {
	local line

	while IFS= read -r line; do
		printf 'FROM base AS first\nRUN echo EXPENSIVE\n%b\n' "$line" >context/Mockerfile
		run mocker-builder build --pull never -t bad context
		check_status 1
		check_equal "$output" "" "what was built before \"$line\""
		check_errors_have "mocker-builder: Mockerfile:"
	done <<-'END'
		SHELL /bin/sh
		HEALTHCHECK CMD
		HEALTHCHECK NONE foo
		RUN --mount=type=foo,target=/x true
		RUN --mount=type=cache true
		RUN --network=bogus true
		RUN --security=foo true
		RUN --security=insecure true
		COPY --from=${X} file /
		COPY --chmod=999 file /
		ADD --checksum=foo http://127.0.0.1/x /
		STOPSIGNAL SIGBOGUS
		STOPSIGNAL 0
		EXPOSE 80/foo
		ENV A=${B
		RUN --mount=from=nope/img,target=/x true
		COPY --from=nope/img /x /
		FROM nope/img\nCOPY --from=first /x /
		FROM base\nCOPY --from=first /x /\nFROM first\nRUN --network=bogus true
	END
}
test_case "what the file alone tells is wrong is said before anything runs" fails_early

# The base sets what the steps need, and nobody knows that before it is there.
not_judged_early() {
	mkdir unknown
	printf 'FROM base\nENV SIG=TERM PORT=80/tcp KIND=tcp\nWORKDIR /w\n' >unknown/Mockerfile
	run mocker-builder build -q -t unknown unknown
	run mocker-builder save -o "$tmp/unknown.tar" unknown
	check_status 0
	run mocker-builder rmi unknown
	cat >unknown/Mockerfile <<-END
		FROM oci-archive:$tmp/unknown.tar AS known
		STOPSIGNAL \$SIG
		ENV COPIED=\${KIND:-bogus}
		EXPOSE 80/\$COPIED
		RUN --mount=target=. test -e Mockerfile
		ONBUILD ENV LATE=INT
		FROM known
		STOPSIGNAL \$LATE
		ARG SIG=KILL
		STOPSIGNAL \$SIG
		FROM base AS nobody
		STOPSIGNAL BOGUS
		FROM base
		COPY --from=1 /etc/passwd /x
	END
	run mocker-builder build -t app unknown
	check_status 0
	run mocker-builder rmi app
	rm -r unknown unknown.tar
}
test_case "what the base may set is no error before the base is there" not_judged_early

# said SENTENCE PART COMMAND...: one line that has the part.
said() {
	test_case "$1" said_run "${@:2}"
}

said_run() {
	local part=$1

	shift
	run "$@"
	check_fails_with "$part"
	check_equal "$(find /var/lib/mocker/temp -mindepth 1)" "" "what is left in temp/"
}

mkdir empty
said "a context without a file" \
	"empty has neither a Mockerfile nor a Dockerfile; name one with --file" \
	mocker-builder build empty
said "a context that is not there" "opening the build context nowhere: No such file" \
	mocker-builder build nowhere
said "a name in upper case" 'image name "Bad": expected lower case before the tag' \
	mocker-builder build -t Bad context
said "a name that leads elsewhere" 'image name "../x"' \
	mocker-builder build -t ../x context
said "a build argument without name" '--build-arg "=x": expected NAME=VALUE or NAME' \
	mocker-builder build --build-arg =x context
said "an empty build argument" '--build-arg "": expected NAME=VALUE or NAME' \
	mocker-builder build --build-arg '' context
said "a label without name" '--label "=x": expected NAME[=VALUE]' \
	mocker-builder build --label =x context
said "a network that RUN cannot have" '--network: expected host|none|default, found "web"' \
	mocker-builder build --network web context
touch key.pem
said "a key that is none" "key.pem is neither an agent's socket nor a private key" \
	mocker-builder build --ssh default=key.pem context
said "two platforms" 'platform "linux/amd64,linux/arm64": expected one' \
	mocker-builder build --platform linux/amd64,linux/arm64 context
said "an entitlement that there is not" '--allow "x": expected security.insecure, network.host, device or device=NAME' \
	mocker-builder build --allow x context
said "a platform that is none" '--platform: platform "armoured": expected OS/ARCHITECTURE' \
	mocker-builder build --platform armoured context
said "a bundle's directory that is not empty" \
	"context is not empty; a bundle needs a directory of its own" \
	mocker-builder bundle base context -- true
said "a bundle's directory without name" "making the bundle's directory \"\": No such file" \
	mocker-builder bundle base '' -- true
said "a bundle without a command" "the image names no command; give one after --" \
	mocker-builder bundle base "$tmp/b"
said "a bundle with a capability that does not exist" 'NET_ADMINN' \
	mocker-builder bundle --cap-add NET_ADMINN base "$tmp/b" -- true
said "a bundle with a user that does not exist" 'user "ghost" is not in the image' \
	mocker-builder bundle --user ghost base "$tmp/b" -- true

no_bundle_left() {
	check_missing "$tmp/b"
}
test_case "no bundle that failed has left its directory" no_bundle_left

# The image's own files must not lead the builder out of it.
hostile_passwd() {
	cat >context/Mockerfile <<-'END'
		FROM base
		RUN rm /etc/passwd && mkfifo /etc/passwd
		USER user
		RUN true
	END
	run mocker-builder build -t bad context
	check_status 1
	check_errors_have "Mockerfile:4: /etc/passwd"
}
test_case "an /etc/passwd of the image that is a FIFO does not hang the build" hostile_passwd

# Workers copy through links of the image strictly inside of it.
hostile_links() {
	cat >context/Mockerfile <<-'END'
		FROM base
		RUN ln -s ../../../../../../tmp /up && ln -s /proc/1/root/tmp /host
		COPY file /up/escaped-1
		WORKDIR /up/escaped-2
		COPY file /host/escaped-3
	END
	run mocker-builder build -t bad context
	check_equal "$(find /tmp -maxdepth 1 -name 'escaped-*')" "" "what escaped"
	run mocker-builder rmi --force bad
}
test_case "links of an image lead nowhere but inside" hostile_links

no_host_environment() {
	printf 'FROM base\nRUN env >/env; tr "\\0" "\\n" </proc/1/environ >>/env\n' \
		>context/Mockerfile
	SECRET_OF_THE_HOST=x run mocker-builder build -t env context
	check_status 0
	check_equal "$(grep -rl SECRET_OF_THE_HOST /var/lib/mocker/layers)" "" "files with it"
	run mocker-builder rmi env
}
test_case "the builder's environment does not reach RUN" no_host_environment

# Without FROM: the host's secrets and the places of its people are not there.
host_is_hidden() {
	echo secret >"$tmp/host-secret"
	printf 'RUN ls -A /tmp /home /var/tmp; ls /etc/shadow; ls -A /root; touch /usr/new\n' \
		>context/Mockerfile
	run mocker-builder build -t onhost context
	check_status 0
	check_lacks "$output" mocker-test
	check_lacks "$output" .ssh
	check_has "$output" "No such file"
	check_missing /usr/new
	check_missing /root/workspace
	run mocker-builder bundle onhost "$tmp/b" --rootfs copy -- true
	check_fails_with "use --rootfs overlay"
	run mocker-builder rmi onhost
}
test_case "a Mockerfile without FROM sees no secrets and changes nothing" host_is_hidden

# What is opened next would be standard error, and get its warnings.
closed_descriptors() {
	rm -f context/Mockerfile
	printf 'FROM base\nRUN echo in; cat; echo error >&2\nCOPY nothing /\n' >context/closed.Mockerfile
	mocker-builder build -t closed -f context/closed.Mockerfile context 0<&- 1>&- 2>&-
	check_equal $? 1 "the status"
	check_equal "$(find /var/lib/mocker -maxdepth 1 -name '*lock' -size +0)" "" "locks with a text"
	run bash -c 'mocker-builder images -q 2>&- 0<&-'
	check_status 0
	run bash -c 'mocker-builder load <&-'
	check_fails_with "/dev/stdin: it is no archive"
	run mocker-builder images -q
	check_status 0
	rm context/closed.Mockerfile
}
test_case "standard input, output and error may be closed" closed_descriptors

# A fork that is refused has the errno that a stage's waiting once had. One process is the
# builder, one the stage: its worker is one too many.
few_processes() {
	printf 'FROM scratch\nCOPY file /\n' >context/Mockerfile
	mkdir few && chown 4321 few
	run_limit=20 run_as 4321 prlimit --nproc=2 \
		mocker-builder --root few build -t few context
	[ "$status" != 124 ] || failed "it goes on and on"
	check_status 1
	check_errors_have "starting a worker: Resource temporarily unavailable"
	check_equal "$(find few/temp -mindepth 1)" "" "what is left in temp/"
	rm -rf few
}
test_case "a process that cannot be started is an error, not a reason to wait" few_processes
