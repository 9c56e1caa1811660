#!/bin/bash
# Each MUST of musts.txt has its case: the file is there, is run, and has a sentence with
# these words. TAP.
set -u
: "${top_srcdir:?}"
number=0
failed=0

show() {
	number=$((number + 1))
	[ "$1" -eq 0 ] && echo "ok $number - $2" && return
	echo "not ok $number - $2"
	failed=1
}

trim() {
	sed 's/^[[:space:]]*//; s/[[:space:]]*$//' <<<"$1"
}

# By the build, or in the virtual machine.
is_run() {
	case $1 in
	vm/*) grep -qwF -- "${1#vm/}" "$top_srcdir/tests/vm/check.sh" ;;
	*) grep -qF "tests/${1%.c}" "$top_srcdir/Makefile.am" ;;
	esac
}

while IFS='|' read -r section what file words; do
	[[ $section == \#* || -z $file ]] && continue
	section=$(trim "$section")
	what=$(trim "$what")
	file=$(trim "$file")
	words=$(trim "$words")
	[ "$file" = - ] && continue
	# Sentences stand in quotes, or are made of parts by the file itself.
	grep -qF -- "$words" "$top_srcdir/tests/$file" &&
		is_run "$file"
	show $? "$section: $what ($file)"
done <"$top_srcdir/tests/spec/musts.txt"
[ "$number" -gt 90 ]
show $? "the list has been read"
echo "1..$number"
exit "$failed"
