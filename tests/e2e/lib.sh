# shellcheck shell=bash
# End-to-end tests: real runs of the built programs, as root, each file in a pretend host
# of its own (pretend-host.sh), printing TAP. A test file begins with
#
#	#!/bin/bash
#	# What this file shows.
#	. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
#
# and goes on with functions and the sentences that they prove:
#
#	starts_in_background() {
#		make_bundle "$tmp/web" '.process.args = ["sleep", "100"]'
#		run mocker-runtime run --detach --bundle "$tmp/web" web
#		check_status 0
#		run mocker-runtime state web
#		check_equal "$(jq -r .status <<<"$output")" running
#		run mocker-runtime delete --force web
#		check_status 0
#	}
#	test_case "a container starts in the background" starts_in_background
#
# A failed check prints file:line and both values, and its case goes on to the end. After
# each case, failing or not, nothing may be left that was not there before it (leaks.sh).
# A story whose steps stand on each other uses test_step, and test_case for its last one:
# what all of them left counts against that one. `FILE.sh WORDS` runs the cases whose
# sentence has the words; steps always run.

set -u -o pipefail
top_srcdir=$(realpath "${top_srcdir:-$(dirname "${BASH_SOURCE[0]}")/../..}")
top_builddir=$(realpath "${top_builddir:-$top_srcdir}")
export top_srcdir top_builddir
e2e=$top_srcdir/tests/e2e

# shellcheck source=tests/e2e/pretend-host.sh
. "$e2e/pretend-host.sh"
# shellcheck source=tests/e2e/leaks.sh
. "$e2e/leaks.sh"
# shellcheck source=tests/e2e/bundle.sh
. "$e2e/bundle.sh"

pretend_host_enter "$@" # outside: runs this file inside, cleans up and exits here

# ---- cases --------------------------------------------------------------------------

test_filter=${1-}
cases_run=0
cases_failed=0
case_sentence=
case_skipped=
steps_open=

# test_case SENTENCE FUNCTION [ARGUMENT...]: runs it and asserts that nothing is left.
test_case() {
	case_wanted "$1" || return 0
	case_begin "$1"
	shift
	"$@"
	if [ -n "$case_skipped" ] || ! assert_nothing_left; then
		leaks_remove
	fi
	steps_open=
	case_end
}

# test_step SENTENCE FUNCTION [ARGUMENT...]: the same, but what it leaves is for the next.
test_step() {
	case_begin "$1"
	shift
	"$@"
	steps_open=yes
	case_end
}

# test_setup FUNCTION...: makes what all cases stand on (an image, a rootfs); what it
# leaves becomes part of the pretend host. If it fails, nothing below it can be believed.
test_setup() {
	case_begin "set-up: $*"
	"$@"
	if [ -s "$tmp/.failures" ]; then
		case_end
		echo "Bail out! the set-up failed: $*"
		exit 1
	fi
	leaks_baseline
}

# skip REASON: marks the case; to be followed by `return`.
skip() {
	case_skipped=$*
}

case_wanted() {
	[[ $1 == *"$test_filter"* ]]
}

case_begin() {
	case_sentence=$1
	case_skipped=
	: >"$tmp/.failures"
	run_forget
	[ -z "$steps_open" ] && leaks_baseline
}

case_end() {
	local word=ok

	cases_run=$((cases_run + 1))
	if [ -s "$tmp/.failures" ]; then
		word="not ok"
		cases_failed=$((cases_failed + 1))
		sed 's/^/# /' "$tmp/.failures"
		case_skipped=
	fi
	echo "$word $cases_run - $case_sentence${case_skipped:+ # SKIP $case_skipped}"
}

# The plan comes last: it is what tells a file that ended from one that broke off.
tests_end() {
	local ended=$?

	trap - EXIT
	if [ -n "$steps_open" ]; then
		case_begin "nothing is left behind at the end"
		assert_nothing_left
		case_end
	fi
	leaks_remove
	[ $ended -eq 0 ] || echo "Bail out! the test file ended with status $ended"
	echo "1..$cases_run"
	[ $ended -eq 0 ] && [ $cases_failed -eq 0 ]
	exit $?
}
trap tests_end EXIT

# What was going on when the file's time was up, or somebody interrupted it.
tests_interrupted() {
	{
		echo "interrupted in the case \"$case_sentence\""
		[ -z "$command_run" ] || echo "its last run: $command_run (status $status)"
		ps -A --forest -o pid,ppid,stat,etimes,wchan:20,args
	} | sed 's/^/# /'
	exit 130
}
trap tests_interrupted INT TERM HUP

# ---- running a program --------------------------------------------------------------

# run COMMAND...: sets $status, $output (standard output), $errors (standard error). It
# ends after $run_limit seconds. Also for shell functions, without the limit. Background
# children may keep the files open: nothing waits for them, and what they write later goes
# nowhere, for the next run has files of its own. $run_input: a file for its standard input.
run_limit=60
run_input=/dev/null
run() {
	local limit=()

	[ "$(type -t "$1")" = function ] || limit=(timeout -k 5 "$run_limit")
	command_run=$*
	command_told=
	status=0
	rm -f "$tmp/.output" "$tmp/.errors"
	"${limit[@]}" "$@" <"$run_input" >"$tmp/.output" 2>"$tmp/.errors" || status=$?
	output=$(tr -d '\0' <"$tmp/.output")
	errors=$(tr -d '\0' <"$tmp/.errors")
	run_ended
}

# For a library above this one that wants to know of every run.
run_ended() {
	:
}

# run_in_terminal COMMAND...: the same on a terminal of its own (util-linux's script);
# $output is what the terminal showed, with its carriage returns.
run_in_terminal() {
	local quoted

	printf -v quoted '%q ' "$@"
	command_run="$* (in a terminal)"
	status=0
	rm -f "$tmp/.output" "$tmp/.errors"
	timeout -k 5 "$run_limit" script -q -e -c "$quoted" /dev/null \
		<"$run_input" >"$tmp/.output" 2>"$tmp/.errors" || status=$?
	output=$(tr -d '\0' <"$tmp/.output")
	errors=$(tr -d '\0' <"$tmp/.errors")
	run_ended
}

# deaf_socket PATH: who listens there, $deaf, closes the first connection and ends.
deaf_socket() {
	python3 -c 'import socket, sys
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
server.accept()[0].close()' "$1" &
	# shellcheck disable=SC2034 # the caller waits for it
	deaf=$!
	check wait_until 60 test -S "$1"
}

# programs_for_all: the programs in $tmp/programs, for users without any privilege: the
# checkout may lie where they have no way in.
programs_for_all() {
	local program

	[ ! -d "$tmp/programs" ] || return 0
	mkdir "$tmp/programs" && chmod 755 "$tmp"
	for program in mocker-runtime mocker-builder mocker-netsetup; do
		cp "$top_builddir/$program" "$tmp/programs"
	done
	cp "$top_srcdir/mocker" "$tmp/programs"
}

# run_as ID COMMAND...: run, as a user and group without any privilege.
run_as() {
	local id=$1

	shift
	programs_for_all
	run setpriv --reuid "$id" --regid "$id" --clear-groups \
		env PATH="$tmp/programs:$PATH" "$@"
}

run_forget() {
	command_run=
	command_told=
	status=
	output=
	errors=
}

# wait_until SECONDS COMMAND...: polls; fails if it never succeeded.
wait_until() {
	local end=$((SECONDS + $1))

	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -ge $end ] && return 1
		sleep 0.05
	done
}

# lock_waiters COUNT: the kernel tells of so many processes that wait for an flock(2).
lock_waiters() {
	[ "$(grep -c -e '-> FLOCK' /proc/locks)" -ge "$1" ]
}

# $meet_mount, $until_met: of a RUN that holds a lock until others wait for it: its mount of
# the context's directory "meet", and shell commands that end once meet_waiters() has seen
# them. Whoever comes later goes on at once.
# shellcheck disable=SC2034 # for the files that source this one
meet_mount='--mount=type=bind,source=meet,target=/meet'
# shellcheck disable=SC2016,SC2034 # for the shell of the RUN
until_met='i=0; until [ -e /meet/go ]; do i=$((i+1)); [ $i -lt 600 ] || exit 1; sleep 0.1; done'

# meet_waiters COUNT CONTEXT: after meet_begin CONTEXT and the start of the builds.
meet_begin() {
	rm -rf "$1/meet" && mkdir "$1/meet"
}
meet_waiters() {
	check wait_until 60 lock_waiters "$1"
	touch "$2/meet/go"
}

# ---- checks -------------------------------------------------------------------------

# The place of the innermost frame that is the test's own, not the library's.
here() {
	local i

	for ((i = 1; i < ${#BASH_SOURCE[@]}; i++)); do
		case ${BASH_SOURCE[i]##*/} in
		lib.sh | *-lib.sh | leaks.sh | bundle.sh | cni.sh | pretend-host.sh) ;;
		*) break ;;
		esac
	done
	[ $i -lt ${#BASH_SOURCE[@]} ] || i=$((${#BASH_SOURCE[@]} - 1))
	echo "tests/e2e/${BASH_SOURCE[i]##*/}:${BASH_LINENO[i - 1]}"
}

# failed LINE...: the case fails; a file, so that checks count in sub-shells too.
failed() {
	{
		echo "$(here): $*"
		[ -z "$command_run" ] || [ "$command_run" = "$command_told" ] || {
			echo "  after: $command_run (status $status)"
			head -n 40 "$tmp/.output" | sed 's/^/  stdout: /'
			head -n 40 "$tmp/.errors" | sed 's/^/  stderr: /'
		}
	} >>"$tmp/.failures"
	command_told=$command_run
	return 1
}

# check COMMAND...: it succeeds.
check() {
	"$@" || failed "failed: $*"
}

check_not() {
	! "$@" || failed "succeeded, expected a failure: $*"
}

# check_equal ACTUAL EXPECTED [WHAT]
check_equal() {
	[ "$1" = "$2" ] || failed "${3:-the value} is \"$1\", expected \"$2\""
}

# check_has ACTUAL PART [WHAT], check_lacks ACTUAL PART [WHAT]
check_has() {
	[[ $1 == *"$2"* ]] || failed "${3:-the text} is \"$1\", which lacks \"$2\""
}

check_lacks() {
	[[ $1 != *"$2"* ]] || failed "${3:-the text} is \"$1\", which has \"$2\""
}

# check_matches ACTUAL ERE [WHAT]
check_matches() {
	[[ $1 =~ $2 ]] || failed "${3:-the text} is \"$1\", which does not match \"$2\""
}

# Of the last run.
check_status() {
	[ "$status" = "$1" ] || failed "the status is $status, expected $1"
}

check_output() {
	check_equal "$output" "$1" "the output"
}

check_output_has() {
	check_has "$output" "$1" "the output"
}

check_errors_have() {
	check_has "$errors" "$1" "the standard error"
}

# check_fails_with PART...: failed, with one line on standard error that has the parts.
check_fails_with() {
	local part

	[ "$status" != 0 ] || failed "succeeded, expected the error \"$1\""
	check_equal "$(wc -l <"$tmp/.errors")" 1 "the number of lines on standard error"
	for part; do
		check_has "$errors" "$part" "the standard error"
	done
}

check_exists() {
	[ -e "$1" ] || [ -L "$1" ] || failed "$1 does not exist"
}

check_missing() {
	! { [ -e "$1" ] || [ -L "$1" ]; } || failed "$1 exists"
}

# empty_store IMAGE...: without these, and pruned, the builder keeps no temporary file.
empty_store() {
	run mocker-builder rmi "$@"
	run mocker-builder prune --all
	check_status 0
	check_equal "$(find /var/lib/mocker/temp -mindepth 1 2>/dev/null | wc -l)" 0 "temporary files"
}

# needs PROGRAM...: true if all are there. On a machine that bootstrap has set up they
# are; a case that uses it says `needs runc || return`.
needs() {
	local program

	for program; do
		command -v "$program" >/dev/null || {
			skip "$program is missing; sudo ./bootstrap deps installs it"
			return 1
		}
	done
}

leaks_baseline
