#!/bin/bash
# What a build shows while it goes on: lines, a part of the terminal that changes, objects
# for tools, nothing.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

leaves '^file /var/lib/mocker/?'
export TERM=xterm

set_up() {
	mkdir context
	make_rootfs context/rootfs
	printf 'FROM scratch\nCOPY rootfs /\n' >context/Mockerfile
	run mocker-builder build -t base context
	check_status 0
	printf '%s\n' 'FROM base AS one' 'RUN echo first; echo second' 'FROM base' 'LABEL a=b' \
		'COPY --from=one /bin/busybox /x' >context/Test
	printf '%s\n' 'FROM base' 'RUN seq 100; echo broken; exit 3' >context/Bad
}
test_setup set_up

test=(-t test -f context/Test context)
bad=(-t bad -f context/Bad context)

escapes=$'\033'

plain() {
	run mocker-builder build --no-cache "${test[@]}"
	check_status 0
	check_output_has "[one 2/2] RUN echo first; echo second
"
	check_output_has "      one | first
      one | second
"
	check_matches "$output" $'\n''built in [0-9.]+ s'$'\n''image [0-9a-f]{12} is test:latest$'
	check_lacks "$output" "$escapes"
	run_in_terminal mocker-builder build --no-cache --progress=plain "${test[@]}"
	check_status 0
	check_lacks "$output" "$escapes"
}
test_case "lines where no terminal is, and on request" plain

quiet() {
	local flag

	for flag in -q --progress=quiet; do
		run mocker-builder build "$flag" "${test[@]}"
		check_status 0
		check_matches "$output" '^sha256:[0-9a-f]{64}$'
		check_equal "$errors" "" "the standard error"
	done
	run mocker-builder build --quiet "${bad[@]}"
	check_status 1
	check_errors_have "Bad:2: RUN failed with exit status 3"
	check_equal "$output" "" "the output"
}
test_case "quiet: the ID alone" quiet

# field EVENT FILTER: of the objects of an event.
field() {
	jq -r --arg event "$1" "select(.event == \$event) | $2" <<<"$output"
}

json() {
	run mocker-builder build --no-cache --progress=json "${test[@]}"
	check_status 0
	check jq -es 'length > 10 and all(.time | test("^....-..-..T..:..:..\\....Z$"))' \
		<<<"$output" >/dev/null
	check_equal "$(jq -r .event <<<"$output" | head -n 1)" build-started
	check_equal "$(jq -r .event <<<"$output" | tail -n 1)" build-finished
	check_equal "$(field stage-started .stage | sort | paste -sd,)" "one,stage-1"
	check_equal "$(field stage-finished '.seconds >= 0')" "true
true"
	check_equal "$(field step-started 'select(.stage == "one") | [.step, .steps, .text] | join(" ")')" \
		"2 2 RUN echo first; echo second"
	check_equal "$(field step-output .text)" "first
second"
	check_equal "$(field step-applied 'select(.text | startswith("LABEL")) | .step')" 2
	check_equal "$(field step-finished 'select(.stage == "stage-1") | .bytes > 1000 and .seconds > 0')" true
	check_equal "$(field build-finished .text)" \
		"sha256:$(mocker-builder images --json | jq -r 'map(select(.name == "test:latest"))[0].id')" "the ID"
	run mocker-builder build --progress=json "${test[@]}"
	check_equal "$(field step-cached .text | grep -c .)" 5 "cached steps"
}
test_case "json: an object a line for what begins, is cached, prints and ends" json

json_failure() {
	run mocker-builder build --progress=json "${bad[@]}"
	check_status 1
	check_equal "$(field step-failed .step)" 2
	check_equal "$(field stage-failed '.seconds > 0')" true
	check_has "$(field build-failed .text)" "RUN failed with exit status 3"
	check_equal "$(jq -r .event <<<"$output" | tail -n 1)" build-failed
	run mocker-builder build --progress=json -f nowhere context
	check_status 1
	check_has "$(field build-failed .text)" nowhere
}
test_case "json says what failed" json_failure

# What a terminal of so many columns and 24 rows shows in the end: tests/e2e/screen.py.
screen() {
	printf '%s' "$output" | python3 "$e2e/screen.py" "$1"
}

live() {
	run_in_terminal mocker-builder build --no-cache "${test[@]}"
	check_status 0
	check_has "$output" "${escapes}[?25l"
	check_matches "$(screen 80)" 'RUN echo first; echo second [0-9.]+s'
	check_matches "$(screen 80)" 'COPY --from=one /bin/busybox /x [0-9.]+s, [0-9.]+ [kM]B'
	check_lacks "$(screen 80)" "  first"
	run_in_terminal mocker-builder build "${test[@]}"
	check_has "$output" "${escapes}[2m[one 2/2] CACHED RUN echo first; echo second${escapes}[m"
}
test_case "live: what has ended stays as a line, cached steps dim" live

live_failure() {
	run_in_terminal mocker-builder build "${bad[@]}"
	check_status 1
	check_matches "$(screen 80)" 'RUN seq 100; echo broken; exit 3 failed after [0-9.]+s'
	check_equal "$(screen 80 | grep -c '^  | [0-9]')" 100 "lines of its log"
	check_has "$(screen 80)" "  | broken"
	check_has "$(screen 80)" "RUN failed with exit status 3"
}
test_case "live: the log of a step that failed is shown in full" live_failure

live_narrow() {
	run_in_terminal sh -c 'stty cols 30 rows 8; exec mocker-builder build --no-cache "$@"' \
		sh "${test[@]}"
	check_status 0
	# nothing that was drawn to be replaced is left
	check_lacks "$(screen 30)" " 0.0s"$'\n'"[one 2/2] RUN echo f  "
	check_equal "$(screen 30 | grep -c 'built in')" 1
	check_equal "$(screen 30 | grep -c '^\[one 2/2\]')" 1 "lines of the step"
	run_in_terminal sh -c 'stty cols 3 rows 2; exec mocker-builder build --no-cache "$@"' \
		sh "${test[@]}"
	check_status 0
}
test_case "live: a narrow terminal" live_narrow

# The driver's terminal has 101 columns until it shows "ready", then 202.
live_resized() {
	printf '%s\n' 'FROM base' 'RUN echo ready; sleep 1' >context/Waits
	run timeout 60 python3 "$e2e/runtime-terminal.py" type x mocker-builder build \
		-f context/Waits context
	check_status 0
	check grep -qP '^.{90,110}[0-9]s\r' <<<"$output"
	check grep -qP '^.{190,215}[0-9]s\r' <<<"$output"
}
test_case "live: the terminal changes its size" live_resized

no_colour() {
	NO_COLOR=1 run_in_terminal mocker-builder build "${test[@]}"
	check_status 0
	check_not grep -qP '\033\[[0-9;]*m' <<<"$output"
	TERM=dumb run_in_terminal mocker-builder build "${test[@]}"
	check_status 0
	check_lacks "$output" "$escapes"
}
test_case "live: NO_COLOR, and a terminal that can do nothing" no_colour

cursor() {
	printf '%s\n' 'FROM base' 'RUN echo begun; sleep 1000' >context/Slow
	{
		timeout 60 script -q -e -c "mocker-builder build -f context/Slow context" /dev/null \
			</dev/null >typed 2>&1
		echo $? >status
	} &
	check wait_until 20 pgrep -f '^sleep 1000'
	pkill -INT -x -f 'mocker-builder build -f context/Slow context'
	wait
	output=$(cat typed)
	check_equal "$(cat status)" 130 "the status"
	check_has "$output" "interrupted"
	check_equal "$(grep -oP '\033\[\?25[lh]' <<<"$output" | tail -n 1)" "${escapes}[?25h" \
		"the cursor at the end"
	check_not pgrep -f '^sleep 1000'
	check_equal "$(find /var/lib/mocker/temp -mindepth 1)" "" "temporary files"
}
test_case "live: a signal gives the cursor back" cursor

sequences() {
	printf '%s\n' 'FROM base' \
		'RUN printf "a\\033[31mred\\033[0m\\033]0;title\\007b\\nbar 1\\rbar 2\\r\\nend\\n"' \
		>context/Colours
	run mocker-builder build -f context/Colours context
	check_status 0
	check_output_has "      | ared"
	check_output_has "      | bar 1
      | bar 2
      | end"
	check_lacks "$output" "$escapes"
	check_lacks "$(grep '^ ' <<<"$output")" "[31m"
	check_lacks "$(grep '^ ' <<<"$output")" title
}
test_case "a step's escape sequences do not reach the terminal" sequences
