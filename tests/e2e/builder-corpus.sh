#!/bin/bash
# The language, a feature of the reference a file: each Mockerfile of tests/corpus is built
# and what came of it compared with what its own "#=" lines say. See tests/corpus/README.md.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

leaves '^file /var/lib/mocker/?'

corpus=$top_srcdir/tests/corpus

set_up() {
	mkdir base
	make_rootfs base/rootfs
	echo web:x:33:44::/:/bin/sh >>base/rootfs/etc/passwd
	echo staff:x:50: >>base/rootfs/etc/group
	printf 'FROM scratch\nCOPY rootfs /\nENV PATH=/bin\n' >base/Mockerfile
	run mocker-builder build -t base base
	check_status 0
	cp -r "$corpus/context" context
	chmod 755 context/bin/tool
	chmod 640 context/private
	ln -s a.txt context/link
	tar -C context -czf context/archive.tgz dir
	echo "a secret" >secret
}
test_setup set_up

# The words behind "#= KIND " in the file, one a line.
says() {
	tr -d '\r' <"$1" | sed -n "s/^#= $2 //p"
}

# check_line KIND WORDS: one expectation of the image's files, in out/, and config.
check_line() {
	local path=${2%% *} expected=${2#* }

	case $1 in
	content) check_equal "$(cat "out$path" 2>&1)" "$(printf %b "$expected")" "$path" ;;
	mode) check_equal "$(stat -c '%a %u:%g' "out$path" 2>&1)" "$expected" "mode and owner of $path" ;;
	link) check_equal "$(readlink "out$path")" "$expected" "the link $path" ;;
	missing) check_missing "out$path" ;;
	config) check_equal "$(jq -cS "$path" config)" "$expected" "$path of the config" ;;
	shows | options | fails | prints) ;;
	*) failed "the expectation \"$1\" is none of README.md's" ;;
	esac
}

builds() {
	local file=$1 kind words options=()

	read -r -a options <<<"$(says "$file" options)"
	rm -rf out
	run mocker-builder build -t app -o type=local,dest=out -f "$file" "${options[@]}" context
	if [ -n "$(says "$file" fails)" ]; then
		check_status 1
		while IFS= read -r words; do
			check_has "$output$errors" "$words" "what it says"
		done < <(says "$file" fails)
		return
	fi
	check_status 0
	while IFS= read -r words; do
		check_output_has "$words"
	done < <(says "$file" prints)
	mocker-builder inspect app | jq '.[0].image.config' >config
	while read -r kind words; do
		check_line "$kind" "$words"
	done < <(tr -d '\r' <"$file" | sed -n 's/^#= //p')
}

for file in "$corpus"/*.Mockerfile; do
	sentence=$(says "$file" shows)
	test_case "$(basename "$file" .Mockerfile): ${sentence:-(says nothing)}" builds "$file"
done

tests_end
