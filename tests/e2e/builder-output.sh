#!/bin/bash
# Where a built image goes: build --output in each form, several at once, nothing half; the
# same digest from two builds in two places; what is attested; what containerd reads.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/registry.sh
. "$e2e/registry.sh"

leaves '^file /run/containerd'

set_up() {
	export HOME=$tmp/home CONTAINERS_REGISTRIES_CONF=$tmp/registries.conf
	mkdir -p "$HOME" context
	: >registries.conf
	make_rootfs context/rootfs
	mkdir -p context/rootfs/var/lib/dpkg context/rootfs/lib/apk/db
	printf '%s\n' 'ID=debian' 'VERSION_ID="12"' >context/rootfs/etc/os-release
	cat >context/rootfs/var/lib/dpkg/status <<-'END'
		Package: bash
		Status: install ok installed
		Maintainer: Somebody "quoted" <a@b>
		Architecture: amd64
		Version: 5.2.15-2+b2
		Description: a shell
		 with a second line

		Package: gone
		Status: deinstall ok config-files
		Version: 1
	END
	printf '%s\n' C:Q1x P:musl V:1.2.4-r2 A:x86_64 L:MIT '' P:zlib V:1.3-r0 \
		>context/rootfs/lib/apk/db/installed
	printf '%s\n' 'FROM scratch' 'COPY rootfs /' \
		'RUN echo two >/second && ln /second /again' \
		'LABEL a=b' 'CMD ["cat", "/second"]' >context/Mockerfile
	run mocker-builder build -t app:1 context
	check_status 0
}
test_setup set_up

several() {
	run mocker-builder build -t app:1 -o files -o type=tar,dest=files.tar \
		-o type=bundle,dest=bundle -o type=oci,dest=layout \
		-o type=oci-archive,dest=layout.tar,compression=none \
		-o type=docker-archive,dest=docker.tar context
	check_status 0
	check_equal "$(cat files/second)" two
	check_equal "$(stat -c %h files/second)" 2 "the links of a file"
	check_equal "$(tar -xOf files.tar again)" two # sorted: the first of two links
	check_equal "$(jq -c .process.args bundle/config.json)" '["cat","/second"]'
	check_equal "$(cat bundle/rootfs/second)" two
	run skopeo inspect oci:layout:app:1
	check_status 0
	check_equal "$(jq -r .Digest <<<"$output")" \
		"$(jq -r '.manifests[0].digest' layout/index.json)" "the digest"
	run skopeo inspect oci-archive:layout.tar
	check_status 0
	run skopeo inspect docker-archive:docker.tar
	check_status 0
	run mocker-runtime run --bundle bundle app
	check_output two
	check_equal "$(find /var/lib/mocker/temp -mindepth 1)" "" "what is left in temp/"
	rm -rf files files.tar bundle layout layout.tar docker.tar
}
test_case "six outputs at once" several

to_standard_output() {
	run bash -c "mocker-builder build -q -o - context | tar -t"
	check_output_has second
}
test_case "a tar to standard output" to_standard_output

# What is told in the meantime goes elsewhere, however it is told.
standard_output_alone() {
	local progress

	for progress in plain tty json quiet; do
		run mocker-builder build "--progress=$progress" -t app:1 -o - context
		check_status 0
		check_equal "$(tar -tf "$tmp/.output" 2>&1 | grep -c second)" 1 "the files, with $progress"
		check_equal "$(tail -c 1024 "$tmp/.output" | tr -d '\0' | wc -c)" 0 "bytes behind the tar"
		[ $progress = quiet ] || check_has "$errors" "COPY rootfs /"
	done
	check_matches "$errors" '^sha256:[0-9a-f]{64}$'
	run mocker-builder build -t app:1 -o type=docker -o type=tar context
	check_fails_with "two outputs go to standard output"
	check_output ""
	run_in_terminal mocker-builder build -q -o type=docker context
	check_status 1
	check_output_has "an archive does not go to a terminal; give a file"
}
test_case "an archive has standard output alone" standard_output_alone

bad_output() {
	test_case "--output $1" bad_output_run "$@"
}
bad_output_run() {
	mkdir -p full/x
	run mocker-builder build -t never -o "$1" context
	check_fails_with "$2"
	check_missing never
	run mocker-builder images
	check_lacks "$output" never:
	rm -rf full
}
bad_output type=nonsense,dest=never 'type: unknown word "nonsense"'
bad_output type=tar,dest=a,dest=b "dest stands twice"
bad_output type=tar,dest=a,colour=red '"colour=red" is none of'
bad_output type=oci "type=oci needs dest=DIR"
bad_output dest=never "type= is missing"
bad_output type=registry,dest=x "a registry has no dest="
bad_output type=image "push=true pushes it"
bad_output type=oci,dest=never,compression=lzma "compression=lzma"

# The image itself is built and stays; the output fails and is undone.
failed_output() {
	mkdir -p full/x
	run mocker-builder build -q -o "type=local,dest=full" context
	check_fails_with "full is not empty"
	check_equal "$(ls full)" x
	rm -rf full
	run mocker-builder build -q -o "type=tar,dest=nowhere/x.tar" context
	check_fails_with "nowhere/x.tar"
	run mocker-builder build -q -o type=registry context
	check_fails_with "a push needs a name"
	run mocker-builder build -q -o type=registry,name=127.0.0.1:5099/x context
	check_fails_with "127.0.0.1:5099"
	check_equal "$(find /var/lib/mocker/temp -mindepth 1)" "" "what is left in temp/"
}
test_case "an output that cannot be written leaves nothing" failed_output

# ---- reproducible --------------------------------------------------------------------

# built PLACE FILE...: the digest of the context's image, built there in a store of its
# own. The files are made in the order given, at other times, with another umask.
built() {
	local place=$1 file

	shift
	mkdir -p "$place/context/d"
	for file; do
		echo "$file" >"$place/context/d/$file"
		touch -d "2024-0$((RANDOM % 9 + 1))-01" "$place/context/d/$file"
		setfattr -n "user.$file" -v x "$place/context/d/all" 2>/dev/null
	done
	chmod 644 "$place"/context/d/*
	chmod 755 "$place/context/d"
	printf '%s\n' 'FROM scratch' 'COPY --from=base / /' 'COPY d /d' \
		'RUN date >/dev/null; for i in c a b; do echo $i >/d/made-$i; done; ln /d/a /d/z' \
		'WORKDIR /new' 'ENV A=1' >"$place/context/Mockerfile"
	sed -i "s|--from=base|--from=oci:$tmp/base|" "$place/context/Mockerfile"
	(
		cd "$place" || exit
		umask "$mask"
		mocker-builder --root "$place/store" build -q "${epoch[@]}" \
			-o type=oci,dest=layout context >/dev/null || exit
		jq -r '.manifests[0].digest' layout/index.json
	)
}

reproducible() {
	local first second third
	run mocker-builder save --format oci-dir -o base app:1
	epoch=(--source-date-epoch 1700000000 --rewrite-timestamp)
	mask=022
	first=$(built "$tmp/here" all a b c)
	mask=077
	second=$(built "$tmp/there/deeper" c b all a)
	check_matches "$first" '^sha256:[0-9a-f]{64}$' "the digest"
	check_equal "$second" "$first" "the digest of the second build"
	check_equal "$(jq -r .created "here/layout/blobs/sha256/$(jq -r '.config.digest[7:]' \
		"here/layout/blobs/sha256/${first#sha256:}")")" 2023-11-14T22:13:20Z "created"
	epoch=()
	third=$(SOURCE_DATE_EPOCH=1700000000 built "$tmp/again" b a all c)
	check_equal "$third" "$first" "the digest with \$SOURCE_DATE_EPOCH"
	# A store in which the same steps were built at another time.
	epoch=()
	mkdir -p "$tmp/warm"
	built "$tmp/warm" all a b c >/dev/null
	rm -rf "$tmp/warm/layout"
	epoch=(--source-date-epoch 1700000000)
	check_equal "$(built "$tmp/warm" all a b c)" "$first" "the digest from a warm cache"
	run mocker-builder --root "$tmp/warm/store" build -t w "${epoch[@]}" warm/context
	run mocker-builder --root "$tmp/warm/store" save --format oci-dir -o warm/saved w
	check_equal "$(jq -r '.manifests[0].digest' warm/saved/index.json)" "$first" \
		"the digest of what is saved later"
	rm -rf here there again warm base
	run mocker-builder build --rewrite-timestamp context
	check_fails_with "--rewrite-timestamp needs --source-date-epoch"
}
test_case "two builds in two directories and stores give one digest" reproducible

# ---- attestations --------------------------------------------------------------------

blob() {
	cat "$1/blobs/sha256/${2#sha256:}"
}

attested() {
	local index manifest sbom provenance image
	run mocker-builder save --format oci-dir -o base app:1
	sed "s|^FROM scratch|FROM oci:$tmp/base|; /^COPY/d; /^RUN/d" context/Mockerfile \
		>context/attested.Mockerfile
	run mocker-builder build -t team/app:1 --sbom --provenance --build-arg SECRET=hush \
		-f context/attested.Mockerfile -o type=oci,dest=layout context
	check_status 0
	index=$(blob layout "$(jq -r '.manifests[0].digest' layout/index.json)")
	image=$(jq -r '.manifests[0].digest' <<<"$index")
	check_equal "$(jq -r '.manifests[0].platform.os' <<<"$index")" linux
	check_equal "$(jq -c '.manifests[1] | [.platform.os, .platform.architecture,
		.annotations["vnd.docker.reference.type"],
		.annotations["vnd.docker.reference.digest"]]' <<<"$index")" \
		"[\"unknown\",\"unknown\",\"attestation-manifest\",\"$image\"]"
	manifest=$(blob layout "$(jq -r '.manifests[1].digest' <<<"$index")")
	check_equal "$(jq -c '[.layers[] | .mediaType, .annotations["in-toto.io/predicate-type"]]' \
		<<<"$manifest")" '["application/vnd.in-toto+json","https://spdx.dev/Document","application/vnd.in-toto+json","https://slsa.dev/provenance/v0.2"]'
	sbom=$(blob layout "$(jq -r '.layers[0].digest' <<<"$manifest")")
	check_equal "$(jq -r '.subject[0].digest.sha256' <<<"$sbom")" "${image#sha256:}"
	check_equal "$(jq -r '.subject[0].name' <<<"$sbom")" \
		"pkg:docker/team/app@1?platform=linux%2Famd64"
	check_equal "$(jq -c '[.predicate.packages[] | .name + "=" + .versionInfo]' <<<"$sbom")" \
		'["musl=1.2.4-r2","zlib=1.3-r0","bash=5.2.15-2+b2"]' "the packages"
	check_has "$(jq -r '.predicate.packages[2].externalRefs[0].referenceLocator' \
		<<<"$sbom")" "pkg:deb/debian/bash@5.2.15-2%2Bb2?arch=amd64&distro=debian-12"
	check_equal "$(jq '.predicate.relationships | length' <<<"$sbom")" 3
	provenance=$(blob layout "$(jq -r '.layers[1].digest' <<<"$manifest")")
	check_equal "$(jq -r '.predicate.materials[0].digest.sha256' <<<"$provenance")" \
		"$(jq -r '.manifests[0].digest[7:]' base/index.json)" "the base's digest"
	check_has "$(jq -r .predicate.metadata.buildStartedOn <<<"$provenance")" T
	check_equal "$(jq -c '.predicate | [keys, .builder.id, .buildType, .invocation.environment]' <<<"$provenance")" \
		"[[\"buildType\",\"builder\",\"invocation\",\"materials\",\"metadata\"],\"urn:mocker:mocker-builder:$(mocker-builder --version | grep -oE '[0-9.]+' | head -n 1)\",\"urn:mocker:builder:v1\",{\"platform\":\"linux/amd64\"}]" "the builder"
	check_equal "$(jq -c .predicate.invocation.configSource <<<"$provenance")" \
		"{\"uri\":\"\",\"digest\":{\"sha256\":\"$(sha256sum context/attested.Mockerfile | cut -d' ' -f1)\"},\"entryPoint\":\"attested.Mockerfile\"}" "the Mockerfile"
	check_lacks "$provenance" hush "the provenance"
	# Others take the image out of the index; what is attested of it comes and goes with it.
	run skopeo inspect oci:layout:team/app:1
	check_status 0
	run mocker-builder load -t back oci:layout:team/app:1
	check_status 0
	run mocker-builder prune
	run mocker-builder save --format oci-dir -o again back
	check_status 0
	check_equal "$(jq -r '.manifests[0].digest' again/index.json)" \
		"$(jq -r '.manifests[0].digest' layout/index.json)" "the digest of the index"
	check_equal "$(cd again/blobs/sha256 && find . -type f | sort)" \
		"$(cd layout/blobs/sha256 && find . -type f | sort)" "the blobs"
	run mocker-builder save --format docker-archive -o docker.tar back
	check_status 0
	check_errors_have "a docker-archive has no place for attestations: those of back:latest are left out; oci-archive keeps them"
	# Of several platforms in one index, the rest of it is left; the attestations are not.
	index=$(blob again "$(jq -r '.manifests[0].digest' again/index.json)" | jq -c '.manifests += [
		.manifests[0] + {digest: ("sha256:" + ("0" * 64)), platform: {os: "linux", architecture: "s390x"}}]')
	printf %s "$index" >"again/blobs/sha256/$(printf %s "$index" | sha256sum | cut -d' ' -f1)"
	jq -c --arg digest "sha256:$(printf %s "$index" | sha256sum | cut -d' ' -f1)" \
		--argjson size "${#index}" '.manifests[0] |= (.digest = $digest | .size = $size)' \
		again/index.json >edited && mv edited again/index.json
	run mocker-builder load -t part oci:again
	check_status 0
	run mocker-builder save --format oci-dir -o part part
	check_equal "$(blob part "$(jq -r '.manifests[0].digest' part/index.json)" |
		jq -c '[.manifests[].annotations["vnd.docker.reference.type"]]')" \
		'[null,"attestation-manifest"]' "the entries of the index"
	# A copy in part: said, not silent.
	rm "layout/blobs/sha256/$(jq -r '.layers[0].digest[7:]' <<<"$manifest")"
	run mocker-builder --root "$tmp/fresh" load -t lost oci:layout:team/app:1
	check_status 0
	check_errors_have "is left behind"
	run mocker-builder rmi back part team/app:1
	rm -rf again part docker.tar fresh
	rm -rf layout base
}
test_case "packages and provenance are attested as BuildKit attaches them" attested

attested_push() {
	needs docker-registry skopeo || return
	registry_start plain 5001
	run mocker-builder build -t app:2 --sbom context
	check_status 0
	run mocker-builder push --tls-verify=false app:2 127.0.0.1:5001/app:2
	check_status 0
	check_equal "$(skopeo inspect --raw --tls-verify=false docker://127.0.0.1:5001/app:2 |
		jq -r '.manifests[1].annotations["vnd.docker.reference.type"]')" \
		attestation-manifest
	digest=$(skopeo inspect --tls-verify=false --format '{{.Digest}}' docker://127.0.0.1:5001/app:2)
	run mocker-builder rmi app:2
	run mocker-builder pull --tls-verify=false 127.0.0.1:5001/app:2
	check_status 0
	run mocker-builder push --tls-verify=false 127.0.0.1:5001/app:2 127.0.0.1:5001/again:2
	check_status 0
	check_output_has "$digest"
	run mocker-builder tag 127.0.0.1:5001/app:2 app:2
	run mocker-builder rmi app:2 127.0.0.1:5001/app:2
}
test_case "attestations go to a registry with their image" attested_push

# statements LAYOUT: the types of what is attested of its image.
statements() {
	local index

	index=$(blob "$1" "$(jq -r '.manifests[0].digest' "$1/index.json")")
	blob "$1" "$(jq -r '.manifests[1].digest // empty' <<<"$index")" |
		jq -r '.layers[].annotations["in-toto.io/predicate-type"]' | paste -sd' '
}

# Also of what is saved later, and of a build that goes on.
version_one() {
	local provenance

	printf 'FROM oci:%s AS base\nFROM base AS last\nLABEL a=b\n' "$tmp/base" >context/v1.Mockerfile
	run mocker-builder save --format oci-dir -o base app:1
	run mocker-builder build -t v1 --attest type=provenance,version=v1 --attest type=sbom \
		--sbom=false --build-arg SECRET=hush --target last -f context/v1.Mockerfile context
	check_status 0
	run mocker-builder save --format oci-dir -o layout v1
	check_equal "$(statements layout)" https://slsa.dev/provenance/v1 "what is attested"
	provenance=$(grep -l buildDefinition layout/blobs/sha256/*)
	check_equal "$(jq -r '.predicateType' "$provenance")" https://slsa.dev/provenance/v1
	check_equal "$(jq -c '.predicate | [keys, (.buildDefinition | keys), (.runDetails | keys)]' "$provenance")" \
		'[["buildDefinition","runDetails"],["buildType","externalParameters","internalParameters","resolvedDependencies"],["builder","metadata"]]'
	check_equal "$(jq -c '.predicate.buildDefinition.externalParameters' "$provenance")" \
		"{\"configSource\":{\"uri\":\"\",\"digest\":{\"sha256\":\"$(sha256sum context/v1.Mockerfile |
			cut -d' ' -f1)\"},\"path\":\"v1.Mockerfile\"},\"request\":{\"frontend\":\"mockerfile\",\"args\":{\"target\":\"last\"}}}"
	check_equal "$(jq -r '.predicate.buildDefinition.resolvedDependencies[0].digest.sha256' "$provenance")" \
		"$(jq -r '.manifests[0].digest[7:]' base/index.json)" "the base's digest"
	check_matches "$(jq -r '.predicate.runDetails.metadata.startedOn' "$provenance")" \
		'^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]+Z$'
	check_lacks "$(cat "$provenance")" hush "the provenance"
	rm -rf layout base
	mocker-builder rmi v1 >/dev/null
}
test_case "--attest type=provenance,version=v1: SLSA's later form" version_one

# attests TYPES OPTION...
attests() {
	run mocker-builder build -t attests "${@:2}" -o type=oci,dest=layout context
	check_status 0
	check_equal "$(statements layout 2>/dev/null)" "$1" "what ${*:2} attests"
	rm -r layout
}

attest_words() {
	local sbom=https://spdx.dev/Document v02=https://slsa.dev/provenance/v0.2 v1=https://slsa.dev/provenance/v1

	attests "$v02" --provenance
	attests "$v02" --provenance=mode=min
	attests "$v1" --provenance=version=v1
	attests "$sbom $v02" --attest type=sbom --attest type=provenance,mode=min,version=v0.2
	attests "$sbom" --attest type=sbom --attest type=provenance --provenance=false
	attests "" --attest type=sbom --attest type=sbom,disabled=true
	mocker-builder rmi attests >/dev/null
}
test_case "what is attested is said as BuildKit has it said" attest_words

while IFS='|' read -r option said; do
	bad_attest() {
		# shellcheck disable=SC2086 # words
		run mocker-builder build $option context
		check_fails_with "mocker-builder: $option: " "$said"
	}
	test_case "refused: $option" bad_attest
done <<'END'
--attest x|expected type=sbom or type=provenance
--attest type=x|expected type=sbom or type=provenance
--attest type=sbom,type=provenance|type stands twice
--attest type=sbom,version=v1|"version=v1" is none of disabled=true
--attest type=provenance,version=v2|version: unknown word "v2"
--attest type=provenance,mode=max|mode=max is not attested here; mode=min is
--attest type=provenance,disabled=1|disabled=1: expected true or false
--provenance=version=|version: unknown word ""
--provenance=maybe|"maybe" is none of version=v0.2, version=v1, mode=min, disabled=true
END

reproducible_attestations() {
	local place digests=()
	for place in one two; do
		run mocker-builder --root "$tmp/$place" build -t a:1 --sbom --provenance \
			--source-date-epoch 1700000000 -o "type=oci,dest=$place-layout" context
		check_status 0
		digests+=("$(jq -r '.manifests[0].digest' "$place-layout/index.json")")
	done
	check_equal "${digests[0]}" "${digests[1]}" "the digest of the index"
	rm -rf one two one-layout two-layout
}
test_case "attestations are reproducible too" reproducible_attestations

# ---- containerd ------------------------------------------------------------------------

containerd_imports() {
	needs containerd ctr || return
	local root=$tmp/containerd daemon
	mkdir -p "$root"
	printf '%s\n' 'version = 2' "root = \"$root/root\"" "state = \"$root/state\"" \
		'disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs"]' \
		'[grpc]' "address = \"$root/socket\"" >"$root/config.toml"
	containerd --config "$root/config.toml" >"$root/log" 2>&1 &
	daemon=$!
	wait_until 60 ctr -a "$root/socket" version || failed "containerd does not answer"
	run mocker-builder build -q -t localhost/app:1 -o type=oci-archive,dest=app.tar \
		-o type=oci,dest=layout context
	check_status 0
	run ctr -a "$root/socket" images import --base-name localhost/app \
		--snapshotter native app.tar
	check_status 0
	run ctr -a "$root/socket" images ls
	check_output_has "$(jq -r '.manifests[0].digest' layout/index.json)"
	run ctr -a "$root/socket" images export back.tar \
		"$(awk 'NR == 2 { print $1 }' <<<"$output")"
	check_status 0
	run mocker-builder load -t back oci-archive:back.tar
	check_status 0
	run mocker-builder save --format oci-dir -o again back
	check_equal "$(jq -r '.manifests[0].digest' again/index.json)" \
		"$(jq -r '.manifests[0].digest' layout/index.json)" "the digest that came back"
	kill "$daemon"
	wait "$daemon" 2>/dev/null
	run mocker-builder rmi back localhost/app:1
	rm -rf "$root" app.tar layout back.tar again
}
test_case "containerd imports and exports it with the same digest" containerd_imports
