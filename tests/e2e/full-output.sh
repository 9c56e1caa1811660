#!/bin/bash
# Standard output that cannot be written, as on a full disk: whatever the command printed,
# it fails, and says so in one line. A reader that went away is no failure.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

set_up() {
	mkdir context
	echo x >context/file
	printf 'FROM scratch\nCOPY file /\n' >context/Mockerfile
	run mocker-builder build -t box context
	check_status 0
	run mocker-netsetup network create web --subnet 10.99.0.0/24
	check_status 0
	make_bundle "$tmp/web" '.process.args = ["sleep", "1000"]'
	run mocker-runtime run --detach --bundle "$tmp/web" web
	check_status 0
}
leaves "^file (/var/lib/mocker/(digests|networks)|/run/mocker/networks)"

test_setup set_up

to_full() {
	"$@" >/dev/full
}

fails_on_full() {
	run to_full "$@"
	check_status 1
	check_fails_with "standard output"
}

while read -r command; do
	# shellcheck disable=SC2086 # words
	test_case "$command fails where its output is lost" fails_on_full $command
done <<-'END'
	mocker-builder images
	mocker-builder images -q
	mocker-builder inspect box
	mocker-builder history box
	mocker-builder build -q context
	mocker-builder build --progress plain context
	mocker-builder build --progress json context
	mocker-builder du
	mocker-builder cache ls
	mocker-builder prune -n
	mocker-builder parse context/Mockerfile
	mocker-builder tag --help
	mocker-builder --version
	mocker-runtime list
	mocker-runtime list --format json
	mocker-runtime state web
	mocker-runtime ps web
	mocker-runtime events --stats web
	mocker-runtime features
	mocker-runtime inspect web
	mocker-runtime spec --help
	mocker-runtime steps
	mocker-netsetup list
	mocker-netsetup network ls
	mocker-netsetup network inspect web
END

more_than_a_buffer() {
	local names=() i

	for i in {1..100}; do
		names+=(-t "name-$i:of-the-same-image")
	done
	run mocker-builder build -q "${names[@]}" context
	check_status 0
	fails_on_full mocker-builder images
	run bash -c "trap '' PIPE; { mocker-builder images; echo \$? >$tmp/status; } | true"
	check_equal "$(<"$tmp/status")" 0 "the status without a reader"
	run mocker-builder rmi --force "$(mocker-builder images -q | head -n 1)"
	check_status 0
}
test_case "of more than a buffer, too; without a reader it is no failure" more_than_a_buffer

closed() {
	run bash -c 'mocker-builder images >&-'
	check_status 0
}
test_case "a closed standard output is nobody's loss" closed

end() {
	run mocker-runtime delete --force web
	check_status 0
	run mocker-netsetup network rm web
	check_status 0
}
test_case "what the cases stood on goes" end
