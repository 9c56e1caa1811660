#!/bin/bash
# Several images and several names in one archive or layout: into the store, and out of it;
# between mocker-builder, skopeo, umoci and podman.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/registry.sh
. "$e2e/registry.sh"

needs skopeo podman umoci || exit 0
printf '{"default": [{"type": "insecureAcceptAnything"}]}' >policy.json
podman=(podman --root "$tmp/podman" --runroot "$tmp/podman-run" --storage-driver vfs
	--log-level error)
fresh=(mocker-builder --root "$tmp/fresh")

# one and two share their first layer; three is for another machine.
set_up() {
	mkdir context
	make_rootfs context/rootfs
	cat >context/Mockerfile <<-'END_OF_FILE'
		FROM scratch AS base
		COPY rootfs /
		CMD ["sh"]
		FROM base AS one
		RUN echo 1 >/number
		FROM base AS two
		RUN echo 2 >/number
	END_OF_FILE
	run mocker-builder build --target one -t one:1 -t host.example/one:latest context
	check_status 0
	run mocker-builder build --target two -t two:1 context
	check_status 0
	run mocker-builder save --format docker-archive -o docker.tar one:1 two:1 \
		host.example/one one:1
	check_status 0
	run mocker-builder save -o oci.tar one:1 two:1 host.example/one
	check_status 0
}
test_setup set_up

id_of() {
	mocker-builder "${@:2}" images --format json | jq -r --arg name "$1" \
		'.[] | select(.name == $name).id'
}

# names [STORE...]: of a store.
names() {
	"${@:-mocker-builder}" images | awk 'NR > 1 { print $1 }' | sort | paste -sd' '
}

# what the container would say, of an image in the fresh store
number_of() {
	run "${fresh[@]}" bundle "$1" "$tmp/bundle"
	check_status 0
	check_equal "$(cat bundle/rootfs/number)" "$2" "the number of $1"
	rm -rf bundle
}

all_there="host.example/one:latest one:1 two:1"

all_loaded() {
	check_status 0
	check_equal "$(wc -l <<<"$output")" 2 "the number of images told"
	check_output_has "is one:1, host.example/one:latest"
	check_output_has "is two:1"
	check_equal "$(names "${fresh[@]}")" "$all_there" "the names"
	number_of host.example/one 1
	number_of two:1 2
	check_equal "$(find "$tmp/fresh/temp" -mindepth 1)" "" "temporary files"
	rm -rf fresh
}

# ---- out ----------------------------------------------------------------------------

docker_archive() {
	tar -xOf docker.tar manifest.json >manifests
	check_equal "$(jq -c 'map(.RepoTags)' manifests)" \
		'[["one:1","host.example/one:latest"],["two:1"]]' "the names"
	check_equal "$(jq '[.[].Layers[]] | length' manifests)" 4
	check_equal "$(tar -tf docker.tar | grep -c '\.tar$')" 3 "the number of layers"
	check_equal "$(tar -tf docker.tar | sort | uniq -d)" "" "files that are there twice"
	run skopeo list-tags docker-archive:docker.tar
	check_equal "$(jq -c '.Tags | sort' <<<"$output")" \
		'["host.example/one:latest","one:1","two:1"]'
	rm -f manifests
}
test_case "a docker-archive has each image with all its names, and each layer once" \
	docker_archive

oci_archive() {
	mkdir layout && tar -C layout -xf oci.tar
	run umoci ls --layout layout
	check_equal "$(sort <<<"$output" | paste -sd' ')" "$all_there" "the tags"
	check_equal "$(find layout/blobs -size +100k | wc -l)" 1 "the number of shared layers"
	run skopeo inspect oci-archive:oci.tar:two:1
	check_status 0
	rm -rf layout
}
test_case "an OCI archive has each name, and each layer once" oci_archive

podman_loads() {
	run "${podman[@]}" load --signature-policy "$tmp/policy.json" -i docker.tar
	check_status 0
	run "${podman[@]}" images --format '{{.Repository}}:{{.Tag}}'
	check_equal "$(sort <<<"$output" | paste -sd' ')" \
		"host.example/one:latest localhost/one:1 localhost/two:1"
}
test_step "podman loads all of them" podman_loads

same_bytes() {
	run mocker-builder save --format docker-archive -o again.tar one:1 two:1 \
		host.example/one
	check cmp docker.tar again.tar
	rm -f again.tar
}
test_case "the same images give the same archive, to the byte" same_bytes

# Times after the epoch differ: the layer of one build is not that of the other.
other_epoch() {
	run mocker-builder build --target one -t early --source-date-epoch 1 context
	run mocker-builder save --format docker-archive -o early.tar one:1 early
	check_status 0
	run skopeo --insecure-policy copy docker-archive:early.tar:one:1 dir:a
	run skopeo --insecure-policy copy docker-archive:docker.tar:one:1 dir:b
	check cmp a/manifest.json b/manifest.json
	check_equal "$(tar -tf early.tar | grep -c '\.tar$')" 4 "the number of layers"
	mocker-builder rmi early >/dev/null
	rm -rf early.tar a b
}
test_case "a layer is not shared where its times differ" other_epoch

build_names() {
	registry_start plain 5000
	run mocker-builder build --target one -t 127.0.0.1:5000/a:1 -t 127.0.0.1:5000/a:2 \
		--tls-verify=false -o type=docker,dest=d.tar -o type=oci,dest=layout \
		-o type=registry context
	check_status 0
	check_equal "$(tar -xOf d.tar manifest.json | jq -c '.[].RepoTags')" \
		'["127.0.0.1:5000/a:1","127.0.0.1:5000/a:2"]'
	check_equal "$(umoci ls --layout layout | wc -l)" 2 "the number of tags"
	run skopeo list-tags --tls-verify=false docker://127.0.0.1:5000/a
	check_equal "$(jq -c '.Tags | sort' <<<"$output")" '["1","2"]' "the tags in the registry"
	run mocker-builder build --target one -t a:1 -t a:2 \
		-o type=docker,dest=d.tar,name=other context
	check_equal "$(tar -xOf d.tar manifest.json | jq -c '.[].RepoTags')" '["other"]'
	mocker-builder rmi 127.0.0.1:5000/a:{1,2} a:{1,2} >/dev/null
	rm -rf d.tar layout
}
test_case "the outputs of build have all its tags" build_names

# ---- in -----------------------------------------------------------------------------

loads() {
	run "${fresh[@]}" load "$1"
	all_loaded
}
test_case "load takes all of a docker-archive" loads docker-archive:docker.tar
test_case "load takes all of an OCI archive" loads oci-archive:oci.tar
test_case "a plain path needs no word for its kind: docker-archive" loads docker.tar
test_case "a plain path needs no word for its kind: OCI archive" loads oci.tar

directory() {
	mkdir layout && tar -C layout -xf oci.tar
	loads "$1"
	rm -rf layout
}
test_case "load takes all of a layout" directory oci:layout
test_case "a plain path needs no word for its kind: layout" directory layout

piped() {
	"$2" -c "$1" >packed
	run_input=packed run "${fresh[@]}" load
	all_loaded
	run bash -c "cat packed | mocker-builder --root fresh load -"
	all_loaded
	rm -f packed
}
test_case "a docker-archive on standard input, by gzip" piped docker.tar gzip
test_case "a docker-archive on standard input, by xz" piped docker.tar xz
test_case "an OCI archive on standard input, by zstd" piped oci.tar zstd

as_it_is() {
	run_input=$1 run "${fresh[@]}" load
	all_loaded
	run python3 -c 'import socket, subprocess, sys
ours, theirs = socket.socketpair()
child = subprocess.Popen(sys.argv[2:], stdin=theirs)
theirs.close()
ours.sendall(open(sys.argv[1], "rb").read())
ours.close()
sys.exit(child.wait())' "$1" "${fresh[@]}" load
	all_loaded
}
test_case "a docker-archive on standard input, a file or a socket" as_it_is docker.tar
test_case "an OCI archive on standard input, a file or a socket" as_it_is oci.tar

picks() {
	run "${fresh[@]}" load "$1:two:1"
	check_status 0
	check_equal "$(names "${fresh[@]}")" two:1 "the names"
	run "${fresh[@]}" load -t mine "$1:host.example/one"
	check_status 0
	check_equal "$(names "${fresh[@]}")" "mine:latest two:1" "the names"
	number_of mine 1
	run "${fresh[@]}" load "$1:three"
	check_fails_with "${1%%:*}" ": it names no image with the name three"
	rm -rf fresh
}
test_case ":NAME picks one of a docker-archive" picks docker-archive:docker.tar
test_case ":NAME picks one of an OCI archive" picks oci-archive:oci.tar
test_case ":NAME picks one behind a plain path" picks docker.tar

colons() {
	cp docker.tar a:b.tar
	picks docker-archive:a:b.tar
	loads a:b.tar
	rm -f a:b.tar
}
test_case "a file whose name has a colon" colons

# What FROM means must be clear; two names of one image are no two images.
from() {
	printf 'FROM %s\nRUN cat /number\n' "$1" >from.Mockerfile
	run mocker-builder build -t from -f from.Mockerfile context
	check_status 1
	check_errors_have "from.Mockerfile:1: $1: it has several images; say which by :NAME: one:1,"
	printf 'FROM %s:two:1\nRUN test "$(cat /number)" = 2\n' "$1" >from.Mockerfile
	run mocker-builder build -t from -f from.Mockerfile context
	check_status 0
	run mocker-builder save --format docker-archive -o names.tar one:1 host.example/one
	printf 'FROM docker-archive:names.tar\nRUN test "$(cat /number)" = 1\n' >from.Mockerfile
	run mocker-builder build -t from -f from.Mockerfile context
	check_status 0
	mocker-builder rmi from >/dev/null
	rm -f names.tar from.Mockerfile
}
test_case "FROM takes one of a docker-archive" from docker-archive:docker.tar
test_case "FROM takes one of an OCI archive" from oci-archive:oci.tar

tag_of_several() {
	run "${fresh[@]}" load -t mine docker.tar
	check_fails_with "--tag is for one image, and these are 2; say which by :NAME"
	check_equal "$(names "${fresh[@]}")" "" "the names"
	rm -rf fresh
}
test_case "--tag is for one image" tag_of_several

podman_saves() {
	run "${podman[@]}" tag two:1 again.example/two:3
	run "${podman[@]}" save -m -o from-podman.tar one:1 two:1 again.example/two:3
	check_status 0
	run "${fresh[@]}" load from-podman.tar
	check_status 0
	check_equal "$(names "${fresh[@]}")" \
		"again.example/two:3 localhost/one:1 localhost/two:1"
	number_of again.example/two:3 2
	number_of localhost/one:1 1
	rm -rf fresh from-podman.tar
}
test_step "what podman saves of several comes in" podman_saves

# Docker writes null, podman a list that is empty.
without_names() {
	run "${podman[@]}" save -m -o from-podman.tar \
		"$("${podman[@]}" images -q one:1)" "$("${podman[@]}" images -q two:1)"
	check_status 0
	mkdir nameless && tar -C nameless -xf from-podman.tar
	jq -c 'map(.RepoTags = null)' nameless/manifest.json >new
	mv new nameless/manifest.json
	tar -C nameless -cf nameless.tar .
	run "${fresh[@]}" load nameless.tar
	check_status 0
	check_equal "$(names "${fresh[@]}")" "<none> <none>" "the names"
	number_of "$(sed -n '1s/image //p' <<<"$output")" 1
	"${podman[@]}" rmi --all --force >/dev/null
	rm -rf fresh from-podman.tar nameless nameless.tar podman podman-run
}
test_case "images without names come in all the same" without_names

# Docker from 25 on writes both forms: its index has the tag as a name, and the whole one
# in an annotation of containerd's.
newer_docker() {
	mkdir layout && tar -C layout -xf oci.tar
	jq -c '.manifests |= map(.annotations["io.containerd.image.name"] =
		({"one:1": "docker.io/library/one:1", "two:1": "docker.io/library/two:1"}[
		.annotations["org.opencontainers.image.ref.name"]] //
		.annotations["org.opencontainers.image.ref.name"]) |
		.annotations["org.opencontainers.image.ref.name"] |= split(":")[1])' \
		layout/index.json >new
	mv new layout/index.json
	tar -xOf docker.tar manifest.json >layout/manifest.json
	tar -C layout -cf newer.tar .
	loads newer.tar
	picks newer.tar
	run "${fresh[@]}" load newer.tar:1 # the tag of both
	check_fails_with "newer.tar: it has several images; say which by :NAME: one:1, two:1"
	rm -rf fresh
	rm -rf layout newer.tar
}
test_case "names as newer versions of Docker write them" newer_docker

# Nothing has a name before everything is there.
one_damaged() {
	local config

	mkdir damaged && tar -C damaged -xf docker.tar
	config=$(jq -r '.[1].Config' damaged/manifest.json)
	jq -c '.rootfs.diff_ids |= reverse' "damaged/$config" >new
	mv new "damaged/$config"
	tar -C damaged -cf damaged.tar .
	run "${fresh[@]}" load damaged.tar
	check_fails_with "damaged.tar: two:1: layer 1 unpacks to a tar with the digest"
	check_equal "$(names "${fresh[@]}")" "" "the names"
	check_equal "$(find "$tmp/fresh/temp" -mindepth 1)" "" "temporary files"
	rm -rf fresh damaged damaged.tar
}
test_case "one damaged image of several: none gets its name" one_damaged

two_of_a_name() {
	mkdir layout && tar -C layout -xf oci.tar
	jq -c '.manifests |= map(.annotations = {"org.opencontainers.image.ref.name": "same"})' \
		layout/index.json >new
	mv new layout/index.json
	run "${fresh[@]}" load oci:layout
	check_fails_with "oci:layout: it calls two images same"
	run "${fresh[@]}" load oci:layout:same
	check_fails_with "oci:layout:same: it has several images"
	rm -rf fresh layout
}
test_case "an index that calls two images the same" two_of_a_name

platforms() {
	mkdir layout && tar -C layout -xf oci.tar
	jq -c '.manifests[1].platform = {os: "linux", architecture: "s390x"}' \
		layout/index.json >new
	mv new layout/index.json
	run "${fresh[@]}" load layout
	check_status 0
	check_equal "$(names "${fresh[@]}")" "host.example/one:latest one:1" "the names"
	check_errors_have "two:1 is left out: it is not for this platform"
	run "${fresh[@]}" load layout:two:1
	check_status 0
	rm -rf fresh layout
}
test_case "an image of another platform is left out, unless it is asked for" platforms

odd_name() {
	mkdir layout && tar -C layout -xf oci.tar
	jq -c '.manifests[1].annotations = {"org.opencontainers.image.ref.name": "Not A Name"}' \
		layout/index.json >new
	mv new layout/index.json
	run "${fresh[@]}" load layout
	check_status 0
	check_errors_have "a name is left out: image name \"Not A Name\""
	check_equal "$(names "${fresh[@]}")" "<none> host.example/one:latest one:1"
	rm -rf fresh layout
}
test_case "a name that the store cannot have" odd_name

refused() {
	tar -C context/rootfs -cf rootfs.tar etc
	run "${fresh[@]}" load rootfs.tar
	check_fails_with "rootfs.tar: it has neither an index.json nor a manifest.json" \
		"rootfs:FILE takes the tar of a root file system"
	run "${fresh[@]}" load docker-archive:context
	check_fails_with "context is a directory, no archive"
	run "${fresh[@]}" load oci:docker.tar
	check_fails_with "docker.tar is no directory"
	run "${fresh[@]}" load docker.tar:
	check_fails_with '"docker.tar:" lacks a name behind its colon'
	run "${fresh[@]}" load oci:
	check_fails_with '"oci:" lacks a path'
	run "${fresh[@]}" load no-such-file
	check_fails_with "opening no-such-file: No such file"
	run_in_terminal mocker-builder load
	check_status 1
	check_output_has "an archive does not come from a terminal"
	echo hello >text
	run_input=text run "${fresh[@]}" load
	check_fails_with "/dev/stdin:"
	mkdir layout && echo '[]' >layout/manifest.json && tar -C layout -cf none.tar .
	run "${fresh[@]}" load none.tar
	check_fails_with "none.tar: manifest.json: it names no image"
	jq -nc '[range(3000) | {Config: "x", Layers: []}]' >layout/manifest.json
	echo '{}' >layout/x && tar -C layout -cf many.tar .
	run "${fresh[@]}" load many.tar
	check_fails_with "many.tar: manifest.json: more than 2000 images and names"
	check_equal "$(find "$tmp/fresh/temp" -mindepth 1)" "" "temporary files"
	rm -rf fresh text rootfs.tar layout none.tar many.tar
}
test_case "what is no archive of images is said to be none" refused
