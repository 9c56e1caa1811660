#!/bin/bash
# Images that others read, and images that others wrote: OCI layouts and archives between
# mocker-builder and skopeo, umoci, buildah and podman's library.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

leaves '^file /var/lib/mocker/?|^file /var/lib/containers|^file /run/(containers|libpod)'

set_up() {
	mkdir context
	make_rootfs context/rootfs
	cat >context/Mockerfile <<-'END'
		FROM scratch
		COPY rootfs /
		RUN rm /etc/group && ln /etc/passwd /second && mkdir /w /w/old && chown 5:6 /w
		RUN rm -r /w && mkdir /w && echo x >/w/new && ln -s ../etc /w/link && mkfifo /w/fifo && \
			mkdir /w/Főtanúsítvány && ln -s ü /w/Főtanúsítvány/ß && cd /w && \
			touch "$(printf '\351t\351')" && ln "$(printf '\351t\351')" "$(printf '\377')" && \
			ln -s "$(printf '\374')" latin
		ENV GREETING=hello
		LABEL org.example.a=b
		CMD ["sh", "-c", "echo $GREETING"]
	END
	run mocker-builder build -t app:1 context
	check_status 0
	run mocker-builder bundle app:1 "$tmp/ours"
	check_status 0
	run mocker-builder save --format oci-dir -o layout app:1
	check_status 0
	run mocker-builder save -o app.tar app:1
	check_status 0
	run mocker-builder save --format docker-archive -o docker.tar app:1
	check_status 0
}
test_setup set_up

# Names, types, modes, owners, sizes, links of a tree; sizes of directories vary.
tree() {
	(cd "$1" && find . -mindepth 1 \( -type d -printf '%P %y %m %U:%G\n' -o \
		-printf '%P %y %m %U:%G %s %n %l\n' \) | LC_ALL=C sort)
}

# GNU tar, which warns of every word that it does not know.
names_and_attributes() {
	mkdir attributes
	echo x >attributes/é
	python3 -c 'import os; [os.setxattr("attributes/é", name, b"v\0w") for name in ("user.one", "user.né")]' 2>/dev/null || {
		rm -r attributes
		skip "no extended attributes here"
		return
	}
	printf 'FROM scratch\nCOPY é /é\n' >attributes/Mockerfile
	run mocker-builder build -t attributes -o type=docker,dest=attributes.tar attributes
	check_status 0
	tar -xf attributes.tar --wildcards --to-stdout '*.tar' '*/layer.tar' 2>/dev/null >layer.tar
	check_errors_have "the attribute user.né of é is left out: no archive has such a name"
	run tar -tf layer.tar
	check_output é
	check_equal "$errors" "" "what tar says"
	check_equal "$(grep -ac 'SCHILY.xattr.user.one=v' layer.tar)" 1 "the attribute"
	run mocker-builder load -t back docker-archive:attributes.tar
	run mocker-builder save --format oci-dir -o back back
	check_status 0
	run mocker-builder rmi attributes back
	rm -r attributes attributes.tar layer.tar back
}
test_case "names and attributes are in UTF-8, once, and no other words" names_and_attributes

umoci_unpacks() {
	needs umoci || return
	run umoci unpack --image layout:app:1 theirs
	check_status 0
	check_equal "$(tree theirs/rootfs)" "$(tree ours/rootfs)" "the tree"
	check_equal "$(jq -c .process.args theirs/config.json)" '["sh","-c","echo $GREETING"]'
	rm -rf theirs
}
test_case "umoci unpacks a layout of ours to the same tree" umoci_unpacks

skopeo_reads() {
	needs skopeo || return
	run skopeo inspect "$1"
	check_status 0
	check_equal "$(jq -c '[.Labels["org.example.a"], (.Layers | length)]' <<<"$output")" \
		'["b",3]' "label and number of layers"
}
test_case "skopeo reads our layout" skopeo_reads oci:layout:app:1
test_case "skopeo reads our archive" skopeo_reads oci-archive:app.tar
test_case "skopeo reads our docker-archive" skopeo_reads docker-archive:docker.tar

# skopeo checks every digest on its way.
comes_back() {
	needs skopeo || return
	rm -rf copied
	run skopeo --insecure-policy copy "$1" "$2"
	check_status 0
	run mocker-builder load -t back "$3"
	check_status 0
	run mocker-builder bundle back "$tmp/back"
	check_status 0
	check_equal "$(tree back/rootfs)" "$(tree ours/rootfs)" "the tree"
	check_equal "$(jq -c .process "$tmp/back/config.json")" \
		"$(jq -c .process "$tmp/ours/config.json")" "the process"
	rm -rf back copied
	run mocker-builder rmi back
}
test_case "a layout that skopeo copied comes back as it was" comes_back \
	oci:layout:app:1 oci:copied:x oci:copied:x
test_case "so does an archive" comes_back \
	oci-archive:app.tar oci-archive:copied:x oci-archive:copied
test_case "so does a docker-archive" comes_back \
	docker-archive:docker.tar docker-archive:copied:app:2 docker-archive:copied

same_bytes() {
	run mocker-builder save -o again.tar app:1
	check_status 0
	check cmp app.tar again.tar
	rm -f again.tar
}
test_case "the same image gives the same archive, to the byte" same_bytes

from_elsewhere() {
	tar -C context/rootfs -cf rootfs.tar .
	printf 'FROM %s\nRUN ls /\n' "$1" >context/from.Mockerfile
	run mocker-builder build -t from -f context/from.Mockerfile context
	check_status 0
	check_output_has "RUN ls /"
	run mocker-builder build -t from -f context/from.Mockerfile context
	check_output_has "CACHED RUN ls /"
	run mocker-builder rmi from
}
test_case "FROM rootfs:TAR" from_elsewhere rootfs:rootfs.tar
test_case "FROM oci:DIR:TAG" from_elsewhere oci:layout:app:1
test_case "FROM oci-archive:FILE" from_elsewhere oci-archive:app.tar
test_case "FROM docker-archive:FILE" from_elsewhere docker-archive:docker.tar

# damaged SENTENCE PART COMMAND: a copy of the layout, spoilt; the load says what is wrong.
damaged() {
	test_case "$1" damaged_run "${@:2}"
}

damaged_run() {
	cp -a layout bad
	eval "$2"
	run mocker-builder load -t bad oci:bad
	check_fails_with "$1"
	run mocker-builder images
	check_lacks "$output" bad:
	check_equal "$(find /var/lib/mocker/temp -mindepth 1)" "" "temporary files"
	rm -rf bad
}

largest() {
	find bad/blobs -type f -size +100k
}

# flip FILE: its thousandth byte becomes another one, whatever it was.
flip() {
	local byte

	byte=$(od -An -tu1 -j 1000 -N 1 "$1")
	printf '%b' "\\0$(printf %o $((byte ^ 1)))" |
		dd of="$1" bs=1 seek=1000 conv=notrunc status=none
}

manifest() {
	echo "bad/blobs/sha256/$(jq -r '.manifests[0].digest[7:]' bad/index.json)"
}

damaged "a layer with one byte changed" "its bytes have the digest" \
	'flip "$(largest)"'
damaged "a layer that is missing" "No such file" 'rm "$(largest)"'
damaged "a manifest with one byte more" "not what its descriptor says" \
	'echo >>"$(manifest)"'
damaged "a digest that is a path" "is not sha256" \
	'sed -i "s|sha256:[0-9a-f]*|sha256:../../../etc/passwd|" bad/index.json'
damaged "a blob that is a link out of the layout" "" \
	'rm "$(manifest)"; ln -s /etc/passwd "$(manifest)"'
damaged "an index of no images" "names no image" \
	'echo "{\"schemaVersion\":2,\"manifests\":[]}" >bad/index.json'
damaged "no index at all" "index.json" 'rm bad/index.json'

# rewritten DOCUMENT JQ: a copy of the manifest or config, changed, with digests that agree.
rewritten() {
	local index=bad/index.json manifest config
	manifest=$(jq -r '.manifests[0].digest[7:]' $index)
	if [ "$1" = config ]; then
		config=$(jq -r '.config.digest[7:]' "bad/blobs/sha256/$manifest")
		jq -c "$2" "bad/blobs/sha256/$config" >new
		put_new ".config" "bad/blobs/sha256/$manifest"
		cp "bad/blobs/sha256/$manifest" new
	else
		jq -c "$2" "bad/blobs/sha256/$manifest" >new
	fi
	put_new ".manifests[0]" $index
}

put_new() {
	local digest
	digest=$(sha256sum new | cut -d' ' -f1)
	jq -c "$1.digest = \"sha256:$digest\" | $1.size = $(stat -c %s new)" "$2" >changed
	mv new "bad/blobs/sha256/$digest"
	mv changed "$2"
}

damaged "a manifest that is an index too" "is a manifest and an index at once" \
	'rewritten manifest ".manifests = []"'
damaged "a manifest without layers" "is neither a manifest nor an index" \
	'rewritten manifest "del(.layers)"'
damaged "an artifact that is no image" "which is no layer's" \
	'rewritten manifest ".layers[0].mediaType = \"application/x\""'
damaged "a layer whose size is a lie" "its size is not the 7 bytes of its descriptor" \
	'rewritten manifest ".layers[0].size = 7"'
damaged "more diff IDs than layers" "the config has 4 diff IDs, the manifest 3 layers" \
	'rewritten config ".rootfs.diff_ids += [.rootfs.diff_ids[0]]"'
damaged "a diff ID that is a path" "the diff ID ../../x is not sha256" \
	'rewritten config ".rootfs.diff_ids[0] = \"../../x\""'
damaged "a diff ID of another tar" \
	"layer 2 unpacks to a tar with the digest sha256:" \
	'rewritten config ".rootfs.diff_ids[1] = \"sha256:$(printf %064d 1)\""'

# In a store that has none of its layers, so that nothing is known of them.
wrong_diff_id() {
	cp -a layout bad
	rewritten config '.rootfs.diff_ids |= reverse'
	run mocker-builder --root "$tmp/fresh" load -t bad oci:bad
	check_fails_with "oci:bad: layer 1 unpacks to a tar with the digest sha256:" \
		"the config has the diff ID sha256:"
	run mocker-builder --root "$tmp/fresh" images -q
	check_output ""
	mkdir archive && tar -C archive -xf docker.tar
	config=$(jq -r '.[0].Config' archive/manifest.json)
	jq -c '.rootfs.diff_ids |= reverse' "archive/$config" >edited && mv edited "archive/$config"
	tar -C archive -cf bad.tar .
	run mocker-builder --root "$tmp/fresh" load -t bad docker-archive:bad.tar
	check_fails_with "docker-archive:bad.tar: layer 1 unpacks to a tar with the digest sha256:"
	check_equal "$(find "$tmp/fresh/temp" -mindepth 1)" "" "temporary files"
	rm -rf bad bad.tar archive fresh
}
test_case "diff IDs in another order than the layers" wrong_diff_id

# Bombs end with an error, in little memory, and nothing of them is left.
bomb() {
	run python3 -c 'import resource, subprocess, sys
status = subprocess.run(sys.argv[1:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)' mocker-builder --root "$tmp/fresh" load -t bomb "rootfs:bomb"
	check_status 1
	check_errors_have "mocker-builder: rootfs:bomb: bomb: $1"
	check [ "$output" -lt 65536 ]
	check_equal "$(find "$tmp/fresh/temp" "$tmp/fresh/layers" -mindepth 1)" "" "what is left"
	rm -rf fresh bomb
}

endless_end() {
	(tar -cf - -C context Mockerfile && head -c 200M /dev/zero) | gzip -1 >bomb
	bomb "it goes on for too long after its end"
}
test_case "a gzip that has nothing but zeroes behind the tar" endless_end

absurd_size() {
	python3 -c 'import sys, tarfile
entry = tarfile.TarInfo("x")
entry.size = 1 << 62
sys.stdout.buffer.write(entry.tobuf(tarfile.GNU_FORMAT))' >bomb
	bomb "x claims a size of 4611686018427387904 bytes"
}
test_case "a file of four exabytes" absurd_size

long_name() {
	python3 -c 'import sys, tarfile
entry = tarfile.TarInfo("x" * 5000)
sys.stdout.buffer.write(entry.tobuf(tarfile.GNU_FORMAT))' >bomb
	bomb "a name is longer than 4096 bytes"
}
test_case "a name of 5000 bytes" long_name

cut_off() {
	tar -czf whole -C context rootfs
	head -c 100000 whole >bomb
	bomb "truncated"
	rm -f whole
}
test_case "a gzip that breaks off" cut_off

damaged "a config that is a list" ": expected an object" 'rewritten config "[.]"'
damaged "a manifest of the first schema" "Docker's first schema" \
	'rewritten manifest ".schemaVersion = 1"'

# The directory form of skopeo, in and out.
directory_form() {
	needs skopeo || return
	run skopeo --insecure-policy copy oci:layout:app:1 dir:plain
	check_status 0
	run mocker-builder load -t back dir:plain
	check_status 0
	run mocker-builder save --format oci-dir -o again back
	check_equal "$(jq -r '.manifests[0].digest' again/index.json)" \
		"$(jq -r '.manifests[0].digest' layout/index.json)" "the digest"
	printf x >>"plain/$(jq -r '.layers[0].digest[7:]' plain/manifest.json)"
	run mocker-builder load -t worse dir:plain
	check_fails_with "its size is not the"
	run mocker-builder rmi back
	rm -rf plain again
}
test_case "dir: comes in, with its digest, and is checked" directory_form

# Whatever the compression, the diff IDs and the tree are the same.
compressed() {
	needs skopeo || return
	run skopeo --insecure-policy copy --dest-compress --dest-compress-format "$1" \
		oci:layout:app:1 dir:squeezed
	check_status 0
	check_equal "$(jq -r '.layers[0].mediaType' squeezed/manifest.json)" \
		"application/vnd.oci.image.layer.v1.tar+$1"
	run mocker-builder --root "$tmp/fresh" load -t back dir:squeezed
	check_status 0
	run mocker-builder --root "$tmp/fresh" bundle back "$tmp/back"
	check_equal "$(tree back/rootfs)" "$(tree ours/rootfs)" "the tree"
	run mocker-builder --root "$tmp/fresh" save --format oci-dir -o again back
	check_equal "$(jq -r '.manifests[0].digest[7:]' again/index.json)" \
		"$(sha256sum squeezed/manifest.json | cut -d' ' -f1)" "the digest"
	rm -rf squeezed back again fresh
}
test_case "dir: with layers in zstd" compressed zstd
test_case "dir: with layers in gzip" compressed gzip

written_in() {
	needs skopeo umoci || return
	run mocker-builder save --format oci-dir --compression "$1" -o squeezed app:1
	check_status 0
	check_equal "$(jq -r '.layers[].mediaType' "squeezed/blobs/sha256/$(jq -r \
		'.manifests[0].digest[7:]' squeezed/index.json)" | uniq)" "$2"
	check_equal "$(jq -r '.config.digest' "squeezed/blobs/sha256/$(jq -r \
		'.manifests[0].digest[7:]' squeezed/index.json)")" \
		"$(jq -r '.config.digest' "layout/blobs/sha256/$(jq -r \
		'.manifests[0].digest[7:]' layout/index.json)")" "the config's digest"
	run skopeo --insecure-policy copy --dest-decompress oci:squeezed:app:1 dir:plain
	check_status 0
	run mocker-builder --root "$tmp/fresh" load -t back dir:plain
	run mocker-builder --root "$tmp/fresh" bundle back "$tmp/back"
	check_equal "$(tree back/rootfs)" "$(tree ours/rootfs)" "the tree"
	rm -rf squeezed plain back fresh
}
test_case "layers are written in zstd" written_in zstd application/vnd.oci.image.layer.v1.tar+zstd
test_case "layers are written as they are" written_in none application/vnd.oci.image.layer.v1.tar

# An index of three platforms, all of them the same image but by name.
several_platforms() {
	local manifest
	cp -a layout many
	manifest=$(jq -c '.manifests[0] | del(.annotations)' layout/index.json)
	jq -c --argjson m "$manifest" '.manifests = [
		$m + {platform: {os: "linux", architecture: "arm", variant: "v6"}},
		$m + {platform: {os: "linux", architecture: "arm64", variant: "v8"}},
		$m + {platform: {os: "unknown", architecture: "unknown"}}]' layout/index.json >many/index.json
	for platform in linux/arm64 linux/aarch64 linux/arm64/v8 linux/arm/v7 linux/armhf; do
		run mocker-builder load -t many --platform "$platform" oci:many
		check_status 0
		check_output_has "is many:latest"
	done
	for platform in linux/arm/v5 linux/amd64 linux/unknown; do
		run mocker-builder load -t none --platform "$platform" oci:many
		check_fails_with "oci:many: it names no image for this platform"
	done
	run mocker-builder rmi many
	rm -rf many
}
test_case "of several platforms, the one that --platform names or can run" several_platforms

umoci_repacks() {
	needs umoci || return
	cp -a layout theirs
	run umoci unpack --image theirs:app:1 work
	check_status 0
	echo more >work/rootfs/srv-file && rm work/rootfs/second
	run umoci repack --image theirs:more work
	check_status 0
	run mocker-builder load -t more oci:theirs:more
	check_status 0
	run mocker-builder bundle more "$tmp/back"
	check_equal "$(tree back/rootfs)" "$(tree work/rootfs)" "the tree"
	run mocker-builder save --format oci-dir -o again more
	check_equal "$(jq -r '.manifests[0].digest' again/index.json)" "$(jq -r '.manifests[] |
		select(.annotations["org.opencontainers.image.ref.name"] == "more").digest' \
		theirs/index.json)" "the digest"
	run mocker-builder rmi more
	rm -rf theirs work back again
}
test_case "what umoci repacked comes in, with its digest" umoci_repacks

# podman's own archives, both ways; its image ID is the digest of the config.
podman_archives() {
	needs podman || return
	local podman=(podman --root "$tmp/podman" --runroot "$tmp/podman-run"
		--storage-driver vfs --log-level error) id kind
	id=sha256:$(jq -r .config.digest[7:] "layout/blobs/sha256/$(jq -r \
		'.manifests[0].digest[7:]' layout/index.json)")
	for kind in oci-archive docker-archive; do
		run mocker-builder save --format $kind -o to-podman.tar app:1
		run "${podman[@]}" load --signature-policy "$tmp/policy.json" -i to-podman.tar
		check_status 0
		run "${podman[@]}" images --no-trunc --quiet
		check_output "$id"
		run "${podman[@]}" save --format $kind -o from-podman.tar \
			"$("${podman[@]}" images --format '{{.Repository}}:{{.Tag}}')"
		check_status 0
		run mocker-builder load -t back $kind:from-podman.tar
		check_status 0
		run mocker-builder bundle back "$tmp/back"
		check_equal "$(tree back/rootfs)" "$(tree ours/rootfs)" "the tree"
		run mocker-builder save --format oci-dir -o again back
		check_equal "$(jq -r .config.digest "again/blobs/sha256/$(jq -r \
			'.manifests[0].digest[7:]' again/index.json)")" "$id" "the config's digest"
		run "${podman[@]}" rmi --all --force
		run mocker-builder rmi back
		rm -rf back again to-podman.tar from-podman.tar
	done
	rm -rf podman podman-run
}
printf '{"default": [{"type": "insecureAcceptAnything"}]}' >policy.json
test_case "podman loads what we save, and we what it saves" podman_archives

# FROM of what another builder made, with its digest in the layers of ours.
from_buildah() {
	needs buildah || return
	local options=(--storage-driver vfs --root "$tmp/buildah" --runroot "$tmp/buildah-run")
	run buildah "${options[@]}" bud --isolation chroot -q -t by-buildah \
		--signature-policy "$tmp/policy.json" -f context/Mockerfile.copy context
	check_status 0
	run buildah "${options[@]}" push --signature-policy "$tmp/policy.json" by-buildah \
		oci:theirs:x
	check_status 0
	from_elsewhere oci:theirs:x
	run mocker-builder load -t theirs oci:theirs:x
	run mocker-builder save --format oci-dir -o again theirs
	check_equal "$(jq -r '.manifests[0].digest' again/index.json)" \
		"$(jq -r '.manifests[0].digest' theirs/index.json)" "the digest"
	run mocker-builder rmi theirs
	rm -rf buildah buildah-run theirs again
}
printf 'FROM scratch\nCOPY rootfs /\nLABEL by=buildah\n' >context/Mockerfile.copy
test_case "FROM of an image that buildah made" from_buildah

host_images_stay() {
	printf 'RUN true\n' >context/host.Mockerfile
	run mocker-builder build -t onhost -f context/host.Mockerfile context
	check_status 0
	run mocker-builder save -o x.tar onhost
	check_fails_with "made without FROM"
	check_missing x.tar
	check_missing x.tar.partial
	run mocker-builder rmi onhost
}
test_case "an image without FROM cannot leave its host" host_images_stay
