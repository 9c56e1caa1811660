#!/bin/bash
# The front door's command lines: options in all their spellings, what is misused, the lines
# of -x, the columns of ps, help, and what the shells complete.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

set_up() {
	make_box
	run mocker build -t registry.example:5000/box:2 -f context/Mockerfile context
	check_status 0
}
test_setup set_up
store_stays
network_stays

# ---- options ------------------------------------------------------------------------

misused() {
	local line part

	while IFS='|' read -r line part; do
		run bash -c "$line"
		check_status 1
		check_fails_with "mocker: " "$part"
	done <<-'END'
		mocker ps --all|expected [-a], found "--all"
		mocker ps garbage|found "garbage"
		mocker ps -a garbage|found "garbage"
		mocker help b.ild|no such command: b.ild
		mocker b.ild|no such command: b.ild
		mocker run -dit t2 box|-d is in the background
		mocker run --rm -d t2 box|-d is in the background
		mocker run -it t2|expected NAME IMAGE
		mocker stop -t 1x web|is no number of seconds
		mocker stop -t 99999999999999999999 web|is no number of seconds
		env -u HOME -u XDG_DATA_HOME setpriv --reuid 1000 --clear-groups mocker ps|neither XDG_DATA_HOME nor HOME
	END
}

programs_for_all
PATH=$tmp/programs:$PATH test_case "what is misused is said in one line, with status 1" misused

together() {
	local options

	for options in -it -ti "-i -t" "-itw /tmp"; do
		# shellcheck disable=SC2086 # words
		run_in_terminal mocker run --rm $options try box tty
		check_status 0
		check_output_has /dev/pts/
	done
	run mocker run -iw /tmp --rm -- try box pwd
	check_output /tmp
}
test_case "options of one letter go together; -- ends the options" together

seconds() {
	local began container

	run mocker run ends box sh -c 'trap "exit 0" TERM; echo up; while :; do sleep 0.1; done'
	check wait_until 60 eval 'mocker logs ends | grep up >/dev/null'
	run mocker run deaf box
	began=$SECONDS
	run mocker stop -t 0800 ends
	check_status 0
	check [ $((SECONDS - began)) -lt 300 ]
	check_equal "$errors" "" "the standard error"
	run mocker stop -t 00 deaf
	check_status 0
	for container in ends deaf; do
		check_equal "$(container_status $container)" stopped "the status of $container"
	done
	run mocker rm ends deaf
	check_status 0
}
test_case "stop -t 08 is eight seconds, and 00 none" seconds

# ---- -x -----------------------------------------------------------------------------

# As a user, for then the path may have blanks; the programs do nothing.
printed() {
	local directory="$tmp/data of/mocker/containers/web"

	mkdir "$tmp/data of" && chown 1000 "$tmp/data of"
	run_as 1000 env XDG_DATA_HOME="$tmp/data of" MOCKER_BUILDER=true MOCKER_RUNTIME=true \
		MOCKER_NETSETUP=true mocker -x run -e 'A=\1\t' web box 'it'\''s' $'two\nlines'
	check_status 0
	check_equal "$errors" "+ mkdir -p '${directory%/web}'
+ mkdir '$directory'
+ true bundle --rootfs overlay --name web --net mocker0 -e 'A=\\1\\t' box '$directory/bundle' -- 'it'\\''s' 'two
lines'
+ echo box >'$directory/image'
+ true run --detach --bundle '$directory/bundle' web >'$directory/log' 2>&1 </dev/null" \
		"what -x printed"
	rm -r "$tmp/data of"
}
test_case "the lines of -x are what was run, backslashes and blanks too" printed

every_command() {
	run mocker run web box
	check_status 0
	run mocker -x inspect web
	check_equal "$errors" $'+ mocker-runtime state web\n+ mocker-netsetup inspect web'
	run mocker -x stop -t 0 web
	check_equal "$errors" $'+ mocker-runtime kill web TERM\n+ mocker-runtime kill web KILL'
	run mocker -x rm web
	check_matches "$errors" '^\+ mocker-runtime delete web
\+ mocker-builder unbundle [^ ]+/web/bundle
\+ rm -rf [^ ]+/web$'
}
PATH=$top_builddir:$top_srcdir:$PATH test_case "-x shows what may fail, too" every_command

# ---- ps -----------------------------------------------------------------------------

columns() {
	local line place

	run mocker-netsetup network create dual --subnet 10.7.0.0/24 --subnet fd07:1234:5678:9abc::/64
	check_status 0
	run mocker run --network dual web box
	check_status 0
	check_output 10.7.0.2
	run mocker run --network none a-name-of-more-than-sixteen-letters box
	check_status 0
	check_output ""
	run mocker ps
	check_matches "$output" $'\nweb +10\\.7\\.0\\.2,fd07:1234:5678:9abc::2 +running +[0-9]+ +box'
	place=${output%%STATUS*}
	place=${#place}
	while read -r line; do
		check_equal "${line:place:8}" "running " "what is below STATUS"
	done < <(tail -n +2 <<<"$output")
	run mocker rm -f web a-name-of-more-than-sixteen-letters
	check_status 0
	run mocker network rm dual
	check_status 0
}
test_case "run prints one address; ps all of them, in whole columns" columns

# ---- help and completions -----------------------------------------------------------

option_row() {
	run mocker help run
	check_output_has "--OPTION VALUE "
	check_lacks "$output" $'\n  --  '
	run mocker run --rm --network none --hostname elsewhere try box hostname
	check_output elsewhere
}
test_case "other options of run go to mocker-builder bundle, as its help says" option_row

# complete LINE: what bash offers at its end, in $output.
complete_line() {
	# shellcheck disable=SC2016 # for the shell below
	run bash -c '
		source <("${1%% *}" help --format=bash) || exit
		read -ra COMP_WORDS <<<"$1"
		[[ $1 != *" " ]] || COMP_WORDS+=("")
		COMP_LINE=$1 COMP_POINT=${#1} COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		function=$(complete -p "${COMP_WORDS[0]}" | sed "s/.*-F //; s/ .*//")
		"$function" "${COMP_WORDS[0]}" "${COMP_WORDS[COMP_CWORD]}" ""
		printf "%s\n" "${COMPREPLY[@]}"' bash "$1"
	check_status 0
	check_equal "$errors" "" "the standard error"
}

# offers LINE WORD...: these, and perhaps others.
offers() {
	local word

	complete_line "$1"
	shift
	for word; do
		check_has $'\n'"$output"$'\n' $'\n'"$word"$'\n' "what is offered"
	done
}

# offers_only LINE [WORD...]
offers_only() {
	complete_line "$1"
	shift
	check_equal "$output" "$(printf '%s\n' "$@")" "what is offered"
}

completes() {
	run mocker run web box
	check_status 0
	offers "mocker " build run network -x --help --version
	offers_only "mocker in" inspect
	offers_only "mocker -x in" inspect
	offers_only "mocker help lo" logs
	offers "mocker run " --pod --rm --publish --hostname box registry.example:5000/box:2
	offers_only "mocker run --rm --netw" --network
	offers "mocker run --network " host none default
	offers_only "mocker run --pod " web
	offers_only "mocker exec " web --help
	offers_only "mocker exec w" web
	offers "mocker rm -" -f --help
	offers "mocker stop -" -t --help
	offers_only "mocker stop w" web
	offers_only "mocker rmi b" box
	offers_only "mocker rmi registry.example:5000/b" 5000/box:2
	offers "mocker build --" --tag --file --help
	offers "mocker network " create ls rm
	offers "mocker network create --s" --subnet
	offers_only "mocker nothere "
	mocker rm -f web
}
test_case "bash completes commands, options, containers and images" completes

programs_complete() {
	offers "mocker-runtime " run --root --help --version
	offers "mocker-runtime run --" --detach --help
	check_lacks "$output" --version
	offers "mocker-builder --v" --version
	offers "mocker-netsetup --v" --version
}
test_case "the programs' completions have --help and --version" programs_complete

# What a shell thinks of the text; the machine need not have it.
other_shells() {
	local program

	for program in mocker mocker-runtime mocker-builder mocker-netsetup; do
		run "$program" help --format="$1"
		check_status 0
		echo "$output" >completion
		run "$1" -n completion
		check_status 0
	done
}
zsh_reads() {
	needs zsh && other_shells zsh
}
fish_reads() {
	needs fish && other_shells fish
}
test_case "zsh reads its completions" zsh_reads
test_case "fish reads its completions" fish_reads

in_the_manual() {
	local word

	for word in 'Fl h , Fl \\-help' 'Fl v , Fl \\-version' 'Ev MOCKER_BUILDER' \
		'Fl x' 'Ev MOCKER_RUNTIME' 'Ev MOCKER_NETSETUP' 'Ev XDG_DATA_HOME'; do
		check grep -q "$word" "$top_builddir/mocker.8"
	done
	for word in runtime builder netsetup; do
		check grep -qx '.It Fl h , Fl \\-help' "$top_builddir/$word/mocker-$word.8"
		check grep -qx '.It Fl v , Fl \\-version' "$top_builddir/$word/mocker-$word.8"
	done
}
test_case "the manuals have --help and --version, mocker's its environment too" in_the_manual
