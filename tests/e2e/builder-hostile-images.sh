#!/bin/bash
# Images that nobody should write (archive.py makes them): each is refused with one line
# that says why, in little time and memory, or is unpacked as umoci does it. Nothing is
# written outside, and of a refused one nothing is in the store.
test_limit=${test_limit:-1800}
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

needs python3 umoci zstd || exit 0
store_stays
outside=$tmp/outside

# made CASE: what it is, as a source.
made() {
	rm -rf bad "$outside" && mkdir "$outside"
	python3 "$e2e/archive.py" "$1" "$outside" bad || failed "archive.py $1"
	case $1 in
	docker-*) source=docker-archive:bad ;;
	archive-*) source=oci-archive:bad ;;
	*) source=oci:bad ;;
	esac
}

# refused CASE MESSAGE...: parts of the line; BLOB stands for the path of any blob.
refused() {
	test_case "refused: $1" refused_run "$@"
}

refused_run() {
	local part

	made "$1"
	run python3 -c 'import resource, subprocess, sys
status = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)' mocker-builder --root "$tmp/store" load -t bad "$source"
	check_status 1
	check_equal "$(wc -l <"$tmp/.errors")" 1 "the number of lines on standard error"
	check_has "$errors" "mocker-builder: $source: " "the standard error"
	for part in "${@:2}"; do
		check_has "$errors" "${part//OUTSIDE/$outside}" "the standard error"
	done
	check [ "$output" -lt 65536 ]
	check_equal "$(ls -A "$outside")" "" "what is outside"
	check_equal "$(mocker-builder --root "$tmp/store" images -q)" "" "the images"
	check_equal "$(find store/temp store/layers -mindepth 1)" "" "what the store has"
	rm -rf bad store "$outside" "$outside".*
}

refused up 'the entry "../../' '/x" leads out of it'
refused up-inside 'the entry "d/../../x" leads out of it'
refused root-link "an entry would replace the root itself"
refused root-file "Damaged tar archive"
refused loop "Too many levels of symbolic links"
refused newline 'the entry "a??[31mb/../../x" leads out of it'
refused hard-up 'the entry "../../' 'leads out of it'
refused hard-absolute "x links to etc/passwd, which is not there"
refused hard-through "x links to l/passwd, which is not there"
refused hard-directory "x links to d, which is no file"
refused wh-up "the whiteout .wh... names nothing"
refused wh-dot "the whiteout .wh.. names nothing"
refused wh-nothing "the whiteout d/.wh. names nothing"
refused posing "x poses as a whiteout of overlayfs"
refused exbi "x claims a size of 4611686018427387904 bytes"
refused negative "Tar entry size overflow"
refused pax-size "Tar size attribute overflow"
refused sparse "x claims a size of 9223372036854775807 bytes"
refused pax-long "a name is longer than 4096 bytes"
refused pax-huge "Special header too large"
refused pax-short "Ignoring malformed pax extended attribute"
refused pax-up 'the entry "../x" leads out of it'
refused pax-link "x is of an unknown type"
refused pax-owner "x has an impossible owner"
refused pax-endless "Ignoring malformed pax extended attribute"
refused long-endless "Too many special headers"
refused cut-gzip "truncated gzip input"
refused no-gzip "it is no archive that can be unpacked"
refused cut-zstd "Truncated zstd input"
refused cut-tar "Truncated tar archive"
refused no-tar "it is no archive that can be unpacked"
refused config-nested ":1:254: /x/0/0" "nested more than "
refused config-huge "is larger than the 16777216 bytes allowed"
refused config-nul '/config/Cmd/0: the string has a NUL (\u0000) in it'
refused config-is-layer "invalid JSON"
refused size-negative "/layers/0/size: expected an integer from 0 to 18446744073709551615, found -1"
refused size-huge "its size is not the 18446744073709551615 bytes of its descriptor"
refused sha512 "the digest sha512:0000" "is not sha256"
refused digest-control "the digest sha256:??[31m is not sha256"
refused index-deep "an index of indexes of indexes"
refused index-itself "its bytes are not what its descriptor says"
refused index-list "index.json:1:1: expected an object, found an array"
refused version 'oci-layout: the version "2.0.0" is not known; 1.0.0 is'
refused version-list "oci-layout:1:1: expected an object, found an array"
refused no-version "oci-layout" "No such file or directory; is this an OCI image layout?"
refused index-fifo "index.json is no regular file"
refused index-link "index.json" "Too many levels of symbolic links"
refused manifest-fifo "is no regular file"
refused manifest-directory "is no regular file"
refused blobs-link "opening blobs/sha256/" "No such file or directory"
refused many-layers "the image has 2000 layers, more than 500"
refused docker-up "opening ../../../../etc/passwd beneath the root: No such file or directory"
refused docker-config-up "opening /etc/passwd beneath the root: No such file or directory"
refused docker-link "opening l/layer.tar beneath the root: No such file or directory"
refused docker-fifo "l/layer.tar is no regular file"
refused docker-device "bad: l/layer.tar is a device node"
refused docker-layer-up 'the entry "../../' 'leads out of it'
refused docker-two "opening c beneath the root: No such file or directory"
refused docker-object "expected an array, found an object"
refused docker-none "manifest.json" "No such file or directory"
refused archive-up 'bad: the entry "../../' 'leads out of it'
refused archive-link "No such file or directory"
refused archive-many "bad: it has more than 65536 entries"

# The layer that came before it is a good one, and may stay.
statement() {
	made statement-other
	run mocker-builder --root "$tmp/store" load -t bad "$source"
	check_fails_with "$source: the attestation sha256:" "its bytes have the digest sha256:"
	check_equal "$(mocker-builder --root "$tmp/store" images -q)" "" "the images"
	check_equal "$(cd store/blobs/sha256 && sha256sum -- * | awk '$1 != $2')" "" \
		"blobs of the store that are not what their names say"
	rm -rf bad store "$outside"
}
test_case "refused: a statement that would be another image's blob" statement

# Names, types, modes, owners, links, and what is in the files.
tree() {
	(
		cd "$1" && find . -mindepth 1 -printf '%P %y %m %U:%G %l ' \
			\( -type f -exec cat {} \; -printf '\n' -o -printf '\n' \)
	) | LC_ALL=C sort
}

unpacked() {
	made "$1"
	run mocker-builder --root "$tmp/store" load -t app "$source"
	check_status 0
	run mocker-builder --root "$tmp/store" bundle app ours -- /x
	check_status 0
	check_equal "$(ls -A "$outside")" "" "what is outside"
}

# As umoci, which unpacks one layer over the other; $2: what both make of it.
as_umoci() {
	unpacked "$1"
	jq -c '.manifests[0].annotations = {"org.opencontainers.image.ref.name": "x"}' \
		bad/index.json >named && mv named bad/index.json
	run umoci unpack --image bad:x theirs
	check_status 0
	check_equal "$(tree ours/rootfs)" "$(tree theirs/rootfs)" "the tree"
	check [ -n "$(tree ours/rootfs)" ]
	rm -rf bad store ours theirs "$outside"
}
for kind in absolute through-link through-relative hard-link hard-chmod selinux kept \
	no-write no-write-upper file-for-directory directory-for-file back-and-forth \
	file-for-directory-here wh-before wh-after opaque-before opaque-after opaque-deep \
	opaque-whiteout wh-opaque same-twice; do
	test_case "as umoci unpacks it: $kind" as_umoci $kind
done

# A RUN sees the layers through overlayfs, which would list a whiteout of what is not there
# as a name that nothing has. $2: the directories, as umoci unpacks them.
no_dead_names() {
	unpacked "$1"
	make_rootfs context/rootfs
	printf '%s\n' "FROM app" "COPY rootfs /" \
		"RUN cd / && ls -A $2 && for i in $2; do ls -lA \$i >/dev/null; done" >context/Mockerfile
	run mocker-builder --root "$tmp/store" build -t seen context
	check_status 0
	check_equal "$(sed -n 's/^ *| //p' <<<"$output" | grep . | paste -sd' ')" "$3" "the names"
	rm -rf bad store ours context "$outside"
}
test_case "whiteouts of nothing are no names in a RUN" no_dead_names wh-missing "n" ""
test_case "nor are those in an opaque directory" no_dead_names wh-opaque "d d/e" "d: c e d/e:"

# differs CASE TREE: names alone. A layer of ours is unpacked without those below it, as
# overlay engines do.
differs() {
	test_case "unpacked: $1" differs_run "$@"
}
differs_run() {
	unpacked "$1"
	check_equal "$(cd ours/rootfs && find . -mindepth 1 ! -path './tmp*' -printf '%P:%y\n' |
		LC_ALL=C sort | paste -sd' ')" "$2" "the tree"
	echo FROM app >Mockerfile
	run mocker-builder --root "$tmp/store" build -q -o type=tar,dest=out.tar .
	check_status 0
	check_equal "$(tar -tf out.tar | grep -v ^tmp/ | LC_ALL=C sort | paste -sd' ')" \
		"$(tr ' ' '\n' <<<"$2" | sed 's/:d$/\//; s/:.$//' | LC_ALL=C sort |
			paste -sd' ')" "the tar"
	rm -rf Mockerfile bad store ours out.tar "$outside"
}
differs through-lower "l/x:f l:d"
differs wh-absolute ""
differs wh-through "l:d real/x:f real:d"
differs wh-through-out "l:l"
differs opaque-link "l:l"
differs wh-missing "a:f n:d"
differs pax-nul "a:f"
differs index-twice "a:f"
