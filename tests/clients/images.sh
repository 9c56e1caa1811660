#!/bin/bash
# Images of mocker-builder's in every engine, and those of the engines in Mockerfiles:
# skopeo, podman, containerd, Docker, buildah, umoci, directly and by way of a registry.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/clients/clients.sh"
# shellcheck source=tests/e2e/registry.sh
. "$e2e/registry.sh"

needs podman buildah containerd dockerd skopeo umoci docker-registry || exit 0
podman_stays
docker_stays
store_stays
leaves '^cgroup .*/default$|^file /run/containerd|^process .*containerd-shim'

registry=127.0.0.1:5000
greeting="hello from a file as 1000 in /home"

set_up() {
	podman_setup && docker_setup && containerd_plain && registry_start plain 5000
	mkdir context && make_rootfs context/rootfs
	cat >context/Mockerfile <<-'END'
		FROM scratch
		COPY rootfs /
		RUN echo from a file >/greeting && ln /greeting /second && rm /etc/group
		ENV GREETING=hello PATH=/bin
		WORKDIR /home
		USER 1000:1000
		CMD ["sh", "-c", "echo $GREETING $(cat /second) as $(id -u) in $(pwd)"]
	END
	run mocker-builder build -t "$registry/app:1" context
	check_status 0
	run mocker-builder save -o app.tar "$registry/app:1"
	check_status 0
	run mocker-builder save --format docker-archive -o docker.tar "$registry/app:1"
	check_status 0
	run mocker-builder push --tls-verify=false "$registry/app:1"
	check_status 0
}

digest_of() { # SOURCE, as skopeo names it
	skopeo inspect --tls-verify=false --format '{{.Digest}}' "$1"
}

check_greeting() {
	check_status 0
	check_output "$greeting"
}

# ---- ours elsewhere -----------------------------------------------------------------

skopeo_copies() {
	run skopeo --insecure-policy copy --src-tls-verify=false "docker://$registry/app:1" \
		oci:copied:x
	check_status 0
	check_equal "$(digest_of oci:copied:x)" "$(digest_of "docker://$registry/app:1")" \
		"the digest of the copy"
	run skopeo --insecure-policy copy --dest-tls-verify=false oci:copied:x \
		"docker://$registry/copied:1"
	check_status 0
	run mocker-builder pull --tls-verify=false "$registry/copied:1"
	check_status 0
	check_output_has "$(digest_of oci-archive:app.tar)"
	run mocker-builder rmi "$registry/copied:1"
	rm -rf copied
}

podman_runs() {
	run podman load -q -i "$1"
	check_status 0
	run podman run --rm "$registry/app:1"
	check_greeting
	run podman rmi "$registry/app:1"
	check_status 0
}

podman_pulls() {
	run podman run -q --tls-verify=false --rm "$registry/app:1"
	check_greeting
	check_equal "$(podman image inspect -f '{{.Digest}}' "$registry/app:1")" \
		"$(digest_of oci-archive:app.tar)" "podman's digest"
	run podman rmi "$registry/app:1"
}

ctr_imports() {
	run ctr image import app.tar
	check_status 0
	run ctr_run --rm "$registry/app:1" app
	check_greeting
	run ctr image remove --sync "$registry/app:1"
	check_status 0
}

ctr_pulls() {
	run ctr image pull --plain-http "$registry/app:1"
	check_status 0
	run ctr_run --rm "$registry/app:1" app
	check_greeting
	check_equal "$(ctr image ls | awk 'NR == 2 { print $3 }')" \
		"$(digest_of oci-archive:app.tar)" "containerd's digest"
	run ctr image remove --sync "$registry/app:1"
}

docker_loads() {
	run docker load -i docker.tar
	check_status 0
	run docker run --rm "$registry/app:1"
	check_greeting
	run docker inspect -f '{{.Id}}' "$registry/app:1"
	check_output "$(skopeo inspect --raw oci-archive:app.tar | jq -r .config.digest)"
	run docker rmi "$registry/app:1"
	check_status 0
}

# Both ways, with all names; what docker saves has layers that it links to each other.
docker_several() {
	printf 'FROM %s\nUSER 0\nRUN echo more >/more\nUSER 1000\n' "$registry/app:1" >context/more.Mockerfile
	run mocker-builder build -t more:1 -f context/more.Mockerfile context
	run mocker-builder tag more:1 more:2
	run mocker-builder save --format docker-archive -o several.tar "$registry/app:1" \
		more:1 more:2
	run docker load -i several.tar
	check_status 0
	check_equal "$(sort <<<"$output")" \
		"$(printf 'Loaded image: %s\n' "$registry/app:1" more:1 more:2)"
	run docker run --rm more:2
	check_greeting
	run mocker-builder rmi more:1 more:2
	docker save more:1 more:2 "$registry/app:1" | gzip >several.tar.gz
	run_input=several.tar.gz run mocker-builder --root "$tmp/store" load
	check_status 0
	run mocker-builder --root "$tmp/store" images --format json
	check_equal "$(jq -r '.[].name' <<<"$output" | sort | paste -sd' ')" \
		"$registry/app:1 more:1 more:2" "the names"
	run docker rmi "$registry/app:1" more:1 more:2
	check_status 0
	rm -rf store several.tar several.tar.gz
}

docker_pulls() {
	run docker pull -q "$registry/app:1"
	check_status 0
	run docker run --rm "$registry/app:1"
	check_greeting
	run docker inspect -f '{{index .RepoDigests 0}}' "$registry/app:1"
	check_output "$registry/app@$(digest_of oci-archive:app.tar)"
	run docker rmi "$registry/app:1"
}

umoci_unpacks() {
	run mocker-builder tag "$registry/app:1" app:1
	run mocker-builder save --format oci-dir -o layout app:1
	run umoci unpack --image layout:app:1 unpacked
	check_status 0
	edit_bundle unpacked '.process.terminal = false' \
		'.linux.cgroupsPath = "/mocker-test/unpacked"'
	run "$client_runtime" run --bundle unpacked unpacked
	check_greeting
	run mocker-builder rmi app:1
	rm -rf layout unpacked
}

# ---- theirs in Mockerfiles ----------------------------------------------------------

# from IMAGE DIGEST: as the base of a Mockerfile whose RUN sees it; what was loaded and is
# saved again has the digest that it had, and the child has its layers.
from() {
	mkdir -p child
	printf 'FROM %s\nUSER 0\nRUN echo child of $(cat /by) >/child\nCMD cat /child\n' "$1" \
		>child/Mockerfile
	run mocker-builder build --tls-verify=false -t child child
	check_status 0
	mocker-builder bundle child "$tmp/bundle"
	edit_bundle bundle '.linux.cgroupsPath = "/mocker-test/child"'
	run "$client_runtime" run --bundle bundle child
	check_output "child of $by"
	run mocker-builder rmi child
	rm -rf bundle child
}

containerfile() {
	printf 'FROM %s\nRUN echo %s >/by\nENV PATH=/bin\nCMD cat /by\n' "$1" "$by" \
		>"$2/Containerfile"
}

loaded_leaves_as_it_came() { # SOURCE FORMAT
	run mocker-builder load -t loaded "$1"
	check_status 0
	run mocker-builder save --format oci-dir -o again loaded
	check_status 0
	check_equal "$(digest_of oci:again:loaded:latest)" "$(digest_of "$1")" "the digest"
	run mocker-builder rmi loaded
	rm -rf again
}

of_podman() {
	local by=podman

	mkdir -p made && containerfile test-image made
	run podman build -q --isolation oci --network none -t "$registry/made:1" made
	check_status 0
	run podman save -q --format oci-archive -o made.tar "$registry/made:1"
	check_status 0
	from oci-archive:made.tar
	loaded_leaves_as_it_came oci-archive:made.tar
	run podman push -q --tls-verify=false "$registry/made:1"
	check_status 0
	from "$registry/made:1"
	run podman rmi "$registry/made:1"
	rm -rf made made.tar
}

docker_id() {
	docker inspect -f '{{.Id}}' "$1"
}

# Docker names an image by its configuration, of which every byte stays.
comes_back_to_docker() { # ARCHIVE NAME
	run mocker-builder load -t loaded "docker-archive:$1"
	check_status 0
	run mocker-builder save --format docker-archive -o again.tar loaded
	check_status 0
	run mocker-builder rmi loaded
	run docker load -q -i again.tar
	check_status 0
	check_equal "$(docker_id loaded)" "$(docker_id "$2")" "Docker's name of the image"
	run docker rmi loaded
	rm -f again.tar
}

of_docker() {
	local by=docker

	mkdir -p made && containerfile test-image made
	DOCKER_BUILDKIT=$1 run docker build -q -t "$registry/by-docker:1" -f made/Containerfile made
	check_status 0
	run docker save -o made.tar "$registry/by-docker:1"
	check_status 0
	from docker-archive:made.tar
	comes_back_to_docker made.tar "$registry/by-docker:1"
	run docker push -q "$registry/by-docker:1"
	check_status 0
	from "$registry/by-docker:1"
	run docker rmi "$registry/by-docker:1"
	rm -rf made made.tar
}

test_setup set_up
test_case "skopeo copies ours out of a registry and into it, digest and all" skopeo_copies
test_case "podman loads and runs our archive" podman_runs app.tar
test_case "podman loads and runs our docker-archive" podman_runs docker.tar
test_case "podman pulls and runs what we pushed" podman_pulls
test_case "ctr imports and runs our archive" ctr_imports
test_case "ctr pulls and runs what we pushed" ctr_pulls
test_case "docker loads and runs our docker-archive" docker_loads
test_case "docker loads several images, and we what it saves of them" docker_several
test_case "docker pulls and runs what we pushed" docker_pulls
test_case "umoci unpacks our layout to a bundle that runs" umoci_unpacks
test_case "FROM of what podman built" of_podman
test_case "FROM of what docker's classic builder built" of_docker 0
test_case "FROM of what BuildKit built" of_docker 1
