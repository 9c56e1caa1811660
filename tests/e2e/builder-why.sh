#!/bin/bash
# `build --why`: of each step that is not cached, what changed since the last build of the
# same file, in plain words and as JSON.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

leaves '^file /var/lib/mocker/?'

set_up() {
	mkdir -p context/src
	make_rootfs context/rootfs
	echo one >context/src/a
	echo two >context/src/b
	cat >context/Mockerfile <<-'END'
		FROM scratch AS base
		COPY rootfs /
		FROM base AS tools
		COPY src/b /tool
		FROM base
		ARG WHO=world
		ENV GREETING=hello
		COPY src /src/
		COPY --from=tools /tool /tool
		RUN echo "$GREETING $WHO" >/out
		USER 1000
		WORKDIR /home
		RUN true
	END
	run mocker-builder build --why -t app context
	check_status 0
	first=$output
}
test_setup set_up

# Each step that is not cached, by its first two words, and its reasons.
reasons() {
	sed -nE -e 's/^\[[^]]*\] ([^ ]+) ([^ ]+).*/\1 \2/; t step' \
		-e 's/^ +([^ ]+ )?why: //; t reason' -e d \
		-e ':step; /^CACHED/d; h; d' -e ':reason; G; s/(.*)\n(.*)/\2: \1/p' <<<"$output"
}

at_first() {
	output=$first
	check_has "$(reasons)" "COPY rootfs: this stage is built here for the first time"
	check_has "$(reasons)" "RUN echo: this stage is built here for the first time"
}
test_case "at first nothing is known" at_first

hits() {
	run mocker-builder build --why -t app context
	check_status 0
	check_equal "$(reasons)" "" "the reasons"
	check_equal "$(grep -c '^\[.*CACHED' <<<"$output")" 13 "steps that were cached"
}
test_case "a step that hit is CACHED, and has no reason" hits

# changes SENTENCE REASONS COMMAND [OPTION...]: what is told after a change, which is undone
# then, and the build of before made the last one.
changes() {
	test_case "$1" changes_run "${@:2}"
}

changes_run() {
	local expected=$1 command=$2

	shift 2
	cp -a context saved
	eval "$command"
	run mocker-builder build --why -t changed "$@" context
	check_status 0
	check_equal "$(reasons | grep -v "what the steps before it made changed")" "$expected" \
		"the reasons"
	rm -rf context
	mv saved context
	run mocker-builder build --why -t app context
	check_status 0
	check_equal "$(reasons)" "" "the reasons after the change was undone"
}

changes "a file" "COPY src: src/a changed" "echo three >context/src/a"
changes "its mode" "COPY src: src/a changed" "chmod 600 context/src/a"
changes "a new file" "COPY src: src/c is new" "echo x >context/src/c"
changes "a file that is gone" "COPY src: src/a is gone" "rm context/src/a"
changes "a name that would be an order to the terminal" "COPY src: src/?[2J?x is new" \
	"touch \$'context/src/\\e[2J\\nx'"
changes "many files: five and their number" "COPY src: src/1 is new
COPY src: src/2 is new
COPY src: src/3 is new
COPY src: src/4 is new
COPY src: src/5 is new
COPY src: and 4 more" "touch context/src/{1..9}"
changes "a build argument" "RUN echo: the variable WHO changed
RUN true: the variable WHO changed" true --build-arg WHO=me
changes "an instruction" 'RUN echo: the instruction changed; it was RUN echo "$GREETING $WHO" >/out' \
	"sed -i 's|>/out|>>/out|' context/Mockerfile"
changes "an ENV is an instruction; the RUNs see its variable" \
	"ENV GREETING=hi: the instruction changed; it was ENV GREETING=hello
RUN echo: the variable GREETING changed
RUN true: the variable GREETING changed" \
	"sed -i 's|GREETING=hello|GREETING=hi|' context/Mockerfile"
changes "a new instruction does not make those below it new" "RUN touch: the instruction is new" \
	"sed -i 's|^USER|RUN touch /new\n&|' context/Mockerfile"
changes "the user, whose the working directory is" "USER 1001: the instruction changed; it was USER 1000
WORKDIR /home: the user changed
RUN true: the user changed" "sed -i 's|USER 1000|USER 1001|' context/Mockerfile"
changes "another stage's files" "COPY src/b: src/b changed
COPY src: src/b changed
COPY --from=tools: tool of tools changed" "echo x >>context/src/b"

# A directory of a stage, of which two files change.
changes_of_stage() {
	cat >context/staged.Mockerfile <<-'END'
		FROM scratch AS base
		COPY rootfs /
		FROM base AS made
		ARG WORD=one
		RUN mkdir -p /d/e && echo same >/d/same && echo $WORD >/d/e/f && echo $WORD >/d/$WORD
		FROM base
		COPY --from=made /d /d/
	END
	run mocker-builder build --why -f context/staged.Mockerfile context
	check_status 0
	run mocker-builder build --why -f context/staged.Mockerfile --build-arg WORD=two context
	check_status 0
	check_equal "$(reasons)" "RUN mkdir: the variable WORD changed
COPY --from=made: d/e/f of made changed
COPY --from=made: d/one of made is gone
COPY --from=made: d/two of made is new" "the reasons"
	run mocker-builder build --why -f context/staged.Mockerfile context
	check_equal "$(reasons)" "" "the reasons of what was built before"
	run mocker-builder build --why -f context/staged.Mockerfile --build-arg WORD=three context
	check_has "$(reasons)" "COPY --from=made: d/one of made is gone"
	rm context/staged.Mockerfile
}

# An image from elsewhere, which is another one the next time.
changes_of_image() {
	local old new

	cat >context/image.Mockerfile <<-'END'
		FROM oci:layout
		COPY --from=oci:layout /v /copy
	END
	save_version one
	old=$(jq -r '.manifests[0].digest' layout/index.json)
	run mocker-builder build --why -f context/image.Mockerfile context
	check_status 0
	save_version two
	new=$(jq -r '.manifests[0].digest' layout/index.json)
	run mocker-builder build --why -f context/image.Mockerfile context
	check_status 0
	check_equal "$(reasons)" "FROM oci:layout: the base image changed
FROM oci:layout: its digest was ${old:0:19}, and is ${new:0:19}
COPY --from=oci:layout: v of oci:layout changed
COPY --from=oci:layout: what the steps before it made changed
COPY --from=oci:layout: the digest of oci:layout was ${old:0:19}, and is ${new:0:19}" "the reasons"
	rm -r context/image.Mockerfile layout
}
save_version() {
	mkdir -p version
	printf 'FROM scratch\nCOPY v /\n' >version/Mockerfile
	echo "$1" >version/v
	rm -rf layout
	run mocker-builder build -t version version
	run mocker-builder save --format oci-dir -o layout version
	check_status 0
}
test_case "files of a stage" changes_of_stage
test_case "an image that became another one" changes_of_image

steps_before() {
	echo five >context/src/a
	run mocker-builder build --why -t changed context
	check_status 0
	check_has "$(reasons)" "RUN echo: what the steps before it made changed"
	echo one >context/src/a
	run mocker-builder build -t app context
	check_status 0
}
test_case "what stands on a changed step says so" steps_before

pruned() {
	run mocker-builder build -t app context
	run mocker-builder rmi app changed
	run mocker-builder prune
	check_status 0
	run mocker-builder build --why -t app context
	check_status 0
	check_has "$(reasons)" "RUN echo: its result is not in the store any more"
}
test_case "what prune removed was removed" pruned

no_cache() {
	run mocker-builder build --why --no-cache -t changed context
	check_status 0
	check_equal "$(reasons | grep -c ': --no-cache was given')" 13 "steps"
}
test_case "--no-cache is a reason" no_cache

as_json() {
	echo three >context/src/a
	run mocker-builder build --why --progress=json -t changed context
	check_status 0
	check_equal "$(jq -r 'select(.event == "step-why" and .step == 4) | .text' <<<"$output")" \
		"src/a changed" "the reason"
	check_equal "$(jq -r 'select(.event == "step-why" and .step == 4) | .stage' <<<"$output")" \
		"stage-2" "its stage"
	echo one >context/src/a
}
test_case "tools get it as objects" as_json

no_values() {
	run mocker-builder build --build-arg WHO=sesame-opens -t secret context
	check_status 0
	check_not grep -rqs sesame-opens /var/lib/mocker/memo
}
test_case "no value of an argument is kept for it" no_values

without_asking() {
	echo four >context/src/a
	run mocker-builder build -t changed context
	check_status 0
	check_lacks "$output" "why:"
}
test_case "nobody is told who did not ask" without_asking
