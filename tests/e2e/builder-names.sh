#!/bin/bash
# What images are called: one name in all of its forms, digests that are content and not a
# name, and what no image can be called.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

store_stays

zeros=$(printf '0%.0s' {1..64})

set_up() {
	mkdir context other
	echo base >context/file
	echo other >other/file
	printf 'FROM scratch\nCOPY file /\n' | tee context/base.Mockerfile >other/Mockerfile
	run mocker-builder build -t base -f context/base.Mockerfile context
	check_status 0
	run mocker-builder build -t other other
	check_status 0
	mocker-builder save --format oci-dir -o layout other
	mocker-builder save --format docker-archive -o docker.tar other
}
test_setup set_up

# builds_from NAME [OPTION...]: without asking any registry.
builds_from() {
	printf 'FROM %s\n' "$1" >context/Mockerfile
	run mocker-builder build -q --pull never "${@:2}" context
}

# layout_named NAME: the layout, in which its image is called so.
layout_named() {
	rm -rf named
	cp -r layout named
	jq --arg name "$1" '.manifests[0].annotations =
		{"org.opencontainers.image.ref.name": $name}' layout/index.json >named/index.json
}

# loads_without_name SOURCE NAME
loads_without_name() {
	run mocker-builder load "$1"
	check_status 0
	check_equal "$(wc -l <"$tmp/.errors")" 1 "the number of warnings"
	check_errors_have "a name is left out: image name \"$2\""
	check_matches "$output" '^image [0-9a-f]{12}$'
	builds_from "$2"
	check_status 1
}

poisoned() {
	local name

	for name in "victim@sha256:$zeros" "victim:1@sha256:$zeros" "$zeros" "sha256:$zeros" \
		"sha256:1234" scratch a..b Upper; do
		layout_named "$name"
		if [ "$name" = scratch ]; then
			run mocker-builder load oci:named
			check_errors_have "a name is left out"
		else
			loads_without_name oci:named "$name"
		fi
	done
	rm -r named
}
test_case "a layout cannot call its image by a digest, an ID or nothing" poisoned

poisoned_archive() {
	mkdir archive
	tar -C archive -xf docker.tar
	jq -c --arg name "victim@sha256:$zeros" '.[0].RepoTags = [$name, "good:1"]' \
		archive/manifest.json >manifest.json
	mv manifest.json archive/
	rm -f archive/index.json
	tar -C archive -cf poisoned.tar .
	run mocker-builder load docker-archive:poisoned.tar
	check_status 0
	check_errors_have "a name is left out"
	check_output_has "is good:1"
	builds_from "victim@sha256:$zeros"
	check_status 1
	check_errors_have "no image \"victim@sha256:$zeros\""
	run mocker-builder rmi good:1
	rm -r archive poisoned.tar
}
test_case "nor can an archive of docker" poisoned_archive

given() {
	local name id

	id=$(mocker-builder inspect other | jq -r '.[0].id[7:]')
	for name in "a:latest@sha256:$zeros" "a@sha256:$zeros" "$zeros" "$id" "sha256:$id" \
		sha256:1234 scratch docker.io/library/scratch:1 a..b a___b a.b:._x a: \
		"a:$zeros${zeros}0" host:99999/a; do
		run mocker-builder tag base "$name"
		check_fails_with "image name \"$name\""
		run mocker-builder build -q -t "$name" other
		check_fails_with "image name \"$name\""
		run mocker-builder load -t "$name" oci:layout
		check_fails_with "image name \"$name\""
	done
	for name in "[::1]:5000/x" HOST.io/x a--b/c__d:_1; do
		run mocker-builder tag base "$name"
		check_status 0
		builds_from "$name"
		check_status 0
		run mocker-builder rmi "$name"
		check_status 0
	done
}
test_case "tag, build and load refuse what is no name" given

digests() {
	local digest

	run mocker-builder load -t loaded oci:layout
	digest=$(jq -r '.manifests[0].digest' layout/index.json)
	builds_from "loaded@$digest"
	check_status 0
	builds_from "library/any:1@$digest"
	check_status 0
	builds_from "loaded@sha256:$zeros"
	check_status 1
	check_errors_have "no image"
	run mocker-builder save --format oci-dir -o back "loaded@$digest"
	check_status 0
	check_equal "$(jq -r '.manifests[0].digest' back/index.json)" "$digest"
	check_equal "$(jq -r '.manifests[0].annotations // "none"' back/index.json)" none
	run mocker-builder rmi loaded
	rm -r back
}
test_case "a digest is the content, whatever it is called" digests

ids_first() {
	local id

	id=$(mocker-builder inspect base | jq -r '.[0].id[7:19]')
	layout_named "$id"
	run mocker-builder load oci:named
	check_status 0
	check_output_has "is $id:latest"
	run mocker-builder inspect "$id"
	check_equal "$(jq -r '.[0].names[]' <<<"$output")" base:latest
	run mocker-builder rmi "$id:latest"
	check_output_has "untagged $id:latest"
	rm -r named
}
test_case "a name does not hide the image of that ID" ids_first

one_name() {
	local form

	layout_named docker.io/library/x:1
	run mocker-builder load oci:named
	check_status 0
	check_output_has "is x:1"
	for form in x:1 docker.io/library/x:1 docker.io/x:1 index.docker.io/x:1 library/x:1; do
		builds_from "$form"
		check_status 0
		run mocker-builder history "$form"
		check_status 0
	done
	run mocker-builder tag base docker.io/library/zz:1
	builds_from zz:1
	check_status 0
	run mocker-builder tag other index.docker.io/zz:1
	run mocker-builder images --filter 'reference=*zz*'
	check_equal "$(awk 'NR > 1 { print $1 }' <<<"$output")" zz:1 "the names"
	run mocker-builder rmi docker.io/zz:1 library/x:1
	check_status 0
	check_output_has "untagged zz:1"
	check_output_has "untagged x:1"
	rm -r named
}
test_case "an image of docker.io has one name in all of its forms" one_name

contexts() {
	local from name

	for from in alpine alpine:latest docker.io/library/alpine library/alpine:latest; do
		for name in alpine alpine:latest docker.io/library/alpine index.docker.io/alpine; do
			builds_from "$from" --build-context "$name=docker-image://base"
			check_status 0
		done
		builds_from "$from" --build-context alpine:1=docker-image://base
		check_status 1
		check_errors_have "no image \"$from\""
	done
	printf 'FROM other AS lib\nFROM base\nCOPY --from=docker.io/lib file /copied\nCOPY --from=lib file /copied\n' \
		>context/Mockerfile
	run mocker-builder build -q --build-context docker.io/library/lib=context context
	check_status 0
}
test_case "--build-context replaces an image in every form of its name" contexts

full_name() {
	run mocker-builder save --format oci-dir -o full other
	check_status 0
	check_equal "$(jq -r '.manifests[0].annotations["io.containerd.image.name"]' full/index.json)" \
		docker.io/library/other:latest
	rm -r full
}
test_case "what is saved has its name in full too, for containerd" full_name

# As version 0.1.0 could leave it.
old_store() {
	local index=/var/lib/mocker/index.json

	run mocker-builder tag other old
	jq --arg pin "victim@sha256:$zeros" '.manifests |= (map(select(
			.annotations["org.opencontainers.image.ref.name"] == "old:latest")) as [$old] |
		. + [("docker.io/library/older:1", $pin, "a..b:latest", "scratch:latest") as $name |
			$old | .annotations["org.opencontainers.image.ref.name"] = $name])' \
		"$index" >changed
	cp changed "$index"
	builds_from older:1
	check_status 0
	builds_from docker.io/older:1
	check_status 0
	builds_from "victim@sha256:$zeros"
	check_status 1
	check_errors_have "no image"
	run mocker-builder images
	check_status 0
	for name in older:1 "victim@sha256:$zeros" a..b:latest scratch:latest; do
		check_output_has "$name "
	done
	run mocker-builder rmi docker.io/library/older:1 "victim@sha256:$zeros" a..b:latest \
		scratch:latest old
	check_status 0
	check_equal "$(mocker-builder images | awk 'NR > 1 { print $1 }' | grep -v '<none>' |
		paste -sd' ')" "base:latest other:latest" "the names that are left"
	rm changed
}
test_case "a store with names of an older version stays usable" old_store
