#!/bin/bash
# Trees that are deeper than the files that may be open: what walks them takes the hard
# limit for it, and where that is too low, or no path could name the depth, says so in one
# line. What it starts has the limit as it was.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

leaves '^file /var/lib/mocker/?'

deep_tree() { # DIRECTORY DEPTH
	mkdir -p "$1"
	python3 -c 'import os, sys
os.chdir(sys.argv[1])
for i in range(int(sys.argv[2])):
    os.mkdir("d")
    os.chdir("d")
open("end", "w").write("deep\n")' "$1" "$2"
}

depth_of() { # DIRECTORY: how deep its "end" lies
	python3 -c 'import os, sys
os.chdir(sys.argv[1])
depth = 0
while os.path.isdir("d"):
    os.chdir("d")
    depth += 1
print(depth if open("end").read() == "deep\n" else "no end")' "$1"
}

set_up() {
	mkdir context
	deep_tree context/deep 1500
	deep_tree deeper/deep 2100
	make_rootfs context/root
	echo root >context/Mockerfile.dockerignore
	printf '%s\n' 'FROM scratch' 'COPY deep /deep' 'CMD ["/x"]' >context/Mockerfile
	cp context/Mockerfile deeper
	printf '%s\n' 'FROM scratch' 'COPY root /' 'COPY deep /deep' 'RUN ulimit -Sn >/limit' 'CMD ["/x"]' >context/run.Mockerfile
}
test_setup set_up

# limited SOFT HARD COMMAND...
limited() {
	run prlimit --nofile="$1:$2" "${@:3}"
}

refused() {
	local limit

	for limit in 256 1024; do
		limited $limit $limit mocker-builder build -q -t deep context
		check_status 1
		check_matches "${errors%%$'\n'*}" "Mockerfile:2: .*: directories are nested more than [0-9]+ deep, for which $limit open files are too few; raise the hard limit, .ulimit -Hn.$"
	done
	run mocker-builder build -q -t deeper deeper
	check_status 1
	check_errors_have "directories are nested more than 2048 deep"
	run mocker-builder prune --all
	check_status 0
}
test_case "a tree that is too deep is refused, and why" refused

works() {
	limited 1024 8192 mocker-builder build -q -t deep context
	check_status 0
	limited 1024 8192 mocker-builder bundle deep "$tmp/bundle" --rootfs copy
	check_status 0
	check_equal "$(depth_of "$tmp/bundle/rootfs/deep")" 1500
	limited 1024 8192 mocker-builder save -o "$tmp/deep.tar" deep
	check_status 0
	limited 1024 8192 mocker-builder load -t again "$tmp/deep.tar"
	check_status 0
	limited 1024 8192 mocker-builder du
	check_status 0
	rm -rf "$tmp/bundle"
	limited 1024 8192 mocker-builder bundle again "$tmp/bundle" --rootfs copy
	check_status 0
	check_equal "$(depth_of "$tmp/bundle/rootfs/deep")" 1500
	rm -rf "$tmp/bundle"
}
test_step "copied, bundled, saved, loaded where the hard limit allows it" works

few_descriptors() {
	local words

	for words in "bundle deep $tmp/bundle --rootfs copy" "save -o $tmp/out.tar deep"; do
		# shellcheck disable=SC2086 # words
		limited 1024 1024 mocker-builder $words
		check_fails_with "directories are nested more than " "1024 open files are too few"
		check_missing "$tmp/bundle/rootfs"
		check_missing "$tmp/out.tar"
		rm -rf "$tmp/bundle"
	done
	limited 256 256 mocker-builder du
	check_status 0
	run mocker-builder rmi deep again
	check_status 0
	limited 256 256 mocker-builder prune --all
	check_status 0
	check_equal "$(find /var/lib/mocker/layers /var/lib/mocker/temp -mindepth 1 | wc -l)" 0 "what is left"
	rm "$tmp/deep.tar"
}
test_case "bundled and saved: one line where it does not; du and prune do" few_descriptors

limit_of_run() {
	limited 512 8192 mocker-builder build -q -t run -f context/run.Mockerfile context
	check_status 0
	run mocker-builder bundle run "$tmp/bundle" --rootfs copy
	check_status 0
	check_equal "$(cat "$tmp/bundle/rootfs/limit")" 512
	rm -rf "$tmp/bundle"
	empty_store run
}
test_case "a RUN has the limit as it was" limit_of_run
