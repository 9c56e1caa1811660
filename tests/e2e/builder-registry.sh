#!/bin/bash
# pull, push and FROM over the distribution protocol, against Debian's docker-registry on
# the loopback: plain, with TLS, with passwords; mirrors; the same digests on both sides.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/registry.sh
. "$e2e/registry.sh"

plain=127.0.0.1:5001
secret=127.0.0.1:5002

needed() {
	needs docker-registry htpasswd openssl skopeo
}

set_up() {
	needed || return 0
	export HOME=$tmp/home XDG_RUNTIME_DIR=$tmp/xdg
	export CONTAINERS_REGISTRIES_CONF=$tmp/registries.conf
	mkdir -p "$HOME" "$XDG_RUNTIME_DIR" context
	cat >registries.conf <<-END
		unqualified-search-registries = ["$plain"]
		[[registry]]
		location = "$plain"
		insecure = true
	END
	registry_start plain 5001
	registry_certificate server
	htpasswd -Bbn user word >users
	registry_start secret 5002 \
		"  tls: { certificate: $tmp/server.crt, key: $tmp/server.key }" \
		"auth: { htpasswd: { realm: here, path: $tmp/users } }"
	make_rootfs context/rootfs
	printf '%s\n' 'FROM scratch' 'COPY rootfs /' 'RUN echo two >/second' \
		'CMD ["cat", "/second"]' >context/Mockerfile
	run mocker-builder build -t app:1 context
	check_status 0
}
test_setup set_up

forget() {
	run mocker-builder rmi "$@"
	run mocker-builder prune
}

digest_there() {
	skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$1"
}

pushes() {
	needed || return
	run mocker-builder push app:1 "$plain/team/app:1"
	check_status 0
	check_output_has "pushed $plain/team/app:1"
	check_equal "$(sed -n 's/^digest //p' <<<"$output")" \
		"$(digest_there "$plain/team/app:1")" "the digest"
	run mocker-builder push --quiet app:1 "$plain/team/app:1"
	check_output "$(digest_there "$plain/team/app:1")"
	run mocker-builder push app:1 "$plain/team/app:2"
	check_errors_have "is there"
	check_lacks "$errors" "pushed" "what a second push says"
}
test_case "a pushed image has the digest that skopeo sees" pushes

pulls() {
	needed || return
	run mocker-builder pull "$plain/team/app:1"
	check_status 0
	check_equal "$(sed -n 's/^digest //p' <<<"$output")" \
		"$(digest_there "$plain/team/app:1")" "the digest"
	run mocker-builder bundle "$plain/team/app:1" bundle
	check_status 0
	check_equal "$(cat bundle/rootfs/second)" two
	rm -rf bundle
	run mocker-builder push "$plain/team/app:1" "$plain/copy:1"
	check_status 0
	check_equal "$(digest_there "$plain/copy:1")" "$(digest_there "$plain/team/app:1")" \
		"the digest of a pulled image that is pushed"
	forget "$plain/team/app:1"
}
test_case "pulled and pushed again, its digest stays" pulls

# skopeo recompresses: other blobs, an index of two platforms.
pulls_form() {
	needed || return
	run mocker-builder save --format oci-dir -o layout app:1
	run skopeo --insecure-policy copy --dest-tls-verify=false "${@:2}" \
		oci:layout:app:1 "docker://$plain/form:1"
	check_status 0
	run mocker-builder pull "$plain/form:1"
	check_status 0
	run mocker-builder bundle "$plain/form:1" bundle
	check_status 0
	check_equal "$(cat bundle/rootfs/second)" two
	run mocker-builder save --format oci-dir -o back "$plain/form:1"
	check_equal "$(jq -r '.manifests[0].digest' back/index.json)" \
		"$(digest_there "$plain/form:1")" "the digest"
	check_has "$(jq -r .layers[0].mediaType "back/blobs/sha256/$(
		jq -r '.manifests[0].digest[7:]' back/index.json)")" "$1" "the layer's type"
	rm -rf bundle back layout
	forget "$plain/form:1"
}
test_case "layers in zstd" pulls_form +zstd --dest-compress-format zstd
test_case "Docker's media types" pulls_form docker.image.rootfs --format v2s2

index_of_platforms() {
	needed || return
	local ours pinned
	ours=$(skopeo inspect --tls-verify=false --raw "docker://$plain/team/app:1")
	jq -nc --arg digest "$(digest_there "$plain/team/app:1")" --argjson size "${#ours}" '
		{schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json",
		 manifests: [{mediaType: "application/vnd.oci.image.manifest.v1+json",
			digest: ("sha256:" + ("0" * 64)), size: 7,
			platform: {os: "linux", architecture: "s390x"}},
			{mediaType: "application/vnd.oci.image.manifest.v1+json",
			digest: $digest, size: $size,
			platform: {os: "linux", architecture: "amd64"}}]}' >index.json
	# The registry wants what an index names.
	skopeo --insecure-policy copy --dest-tls-verify=false \
		"docker://$plain/team/app:1" "docker://$plain/many:x" --src-tls-verify=false \
		>/dev/null 2>&1
	jq -c '.manifests |= .[1:]' index.json >one.json
	check_equal "$(curl -s -o answer -w '%{http_code}' -X PUT --data-binary @one.json \
		-H 'Content-Type: application/vnd.oci.image.index.v1+json' \
		"http://$plain/v2/many/manifests/1")" 201
	run mocker-builder pull --platform linux/amd64 "$plain/many:1"
	check_status 0
	check_output_has "$(digest_there "$plain/team/app:1")"
	run mocker-builder pull --platform linux/s390x "$plain/many:1"
	check_fails_with "has no image for linux/s390x" "it has linux/amd64"
	run mocker-builder pull --platform linux/ "$plain/many:1"
	check_fails_with "expected OS/ARCHITECTURE"
	forget "$plain/many:1"
	pinned="$plain/many@sha256:$(sha256sum <one.json | cut -d' ' -f1)"
	run mocker-builder pull "$pinned"
	check_status 0
	printf 'FROM %s\n' "$pinned" >pinned.Mockerfile
	run mocker-builder build -q --pull never -f pinned.Mockerfile .
	check_status 0
	run mocker-builder tag "$pinned" "$plain/many:2"
	check_status 0
	forget "$pinned"
	forget "$plain/many:2"
	rm -f index.json one.json answer pinned.Mockerfile
}
test_case "an index of platforms" index_of_platforms

from() {
	needed || return
	printf 'FROM %s\nRUN cat /second\n' "$1" >context/from.Mockerfile
	run mocker-builder build -f context/from.Mockerfile -t from context
	check_status 0
	check_output_has "| two"
	run mocker-builder build --pull never -f context/from.Mockerfile -t from context
	check_status 0
	check_output_has "CACHED RUN cat /second"
	run mocker-builder build --pull always -f context/from.Mockerfile -t from context
	check_status 0
	check_output_has "CACHED RUN cat /second"
	forget from "$2"
	run mocker-builder build --pull never -f context/from.Mockerfile context
	check_errors_have "no image \"$1\" in the store"
}
test_case "FROM of a registry" from "$plain/team/app:1" "$plain/team/app:1"

from_late() {
	needed || return
	printf 'FROM scratch AS first\nCOPY rootfs /\nFROM %s\nCOPY --from=first /etc/passwd /\nCOPY --from=%s /second /third\n' \
		"$plain/team/app:1" "$plain/team/app:1" >context/late.Mockerfile
	run mocker-builder build --no-cache --pull always -f context/late.Mockerfile -t late context
	check_status 0
	check_has "$(head -n 1 <<<"$output")" "stage-1 |   1/" "the first line"
	forget late "$plain/team/app:1"
	rm context/late.Mockerfile
}
test_case "an image that a later step names is pulled before the first step" from_late

from_live() {
	needed || return
	printf 'FROM %s\n' "$plain/team/app:1" >context/from.Mockerfile
	TERM=xterm run_in_terminal mocker-builder build --pull always \
		-f context/from.Mockerfile -t from context
	check_status 0
	check_has "$output" "CACHED FROM $plain/team/app:1"
	check_lacks "$(sed "s/$(printf '\033')\\[[0-9;?]*[A-Za-z]//g" <<<"$output")" "[K"
	forget from "$plain/team/app:1"
}
test_case "FROM of a registry in the live view: no piece of its bar is left" from_live
test_case "FROM of the registry that is searched" from team/app:1 team/app:1

from_pinned() {
	needed || return
	local digest
	digest=$(digest_there "$plain/team/app:1")
	from "$plain/team/app@$digest" "$plain/team/app@$digest"
	run mocker-builder pull "$plain/team/app:whatever@$digest"
	check_status 0
	run mocker-builder inspect "$plain/team/app@$digest"
	check_status 0
	forget "$plain/team/app@$digest"
	run mocker-builder pull "$plain/team/app@sha256:$(printf '1%.0s' {1..64})"
	check_fails_with "answers 404"
}
test_case "FROM pinned by digest" from_pinned

shares_layers() {
	needed || return
	printf 'FROM %s\nRUN echo three >/third\n' "$plain/team/app:1" >context/from.Mockerfile
	run mocker-builder build -f context/from.Mockerfile \
		-o "type=registry,name=$plain/team/child:1" context
	check_status 0
	check_equal "$(skopeo inspect --tls-verify=false "docker://$plain/team/child:1" |
		jq -c '.Layers[:2]')" \
		"$(skopeo inspect --tls-verify=false "docker://$plain/team/app:1" |
			jq -c .Layers)" "the layers of the base, in its child"
	run mocker-builder pull "$plain/team/child:1"
	check_status 0
	check_errors_have "2/2 " # the config and the one new layer
	check_lacks "$errors" "3/3" "what was downloaded"
	forget "$plain/team/app:1" "$plain/team/child:1"
}
test_case "a child is pushed with its base's layers, and pulled without them" shares_layers

tls() {
	needed || return
	run mocker-builder push app:1 "$secret/app:1"
	check_fails_with "certificate" "insecure = true"
	check_missing "$XDG_RUNTIME_DIR/containers"
	run mocker-builder push --cert-dir "$tmp/nowhere" app:1 "$secret/app:1"
	check_fails_with "certificate"
	mkdir -p "$HOME/.config/containers/certs.d/$secret"
	cp server.crt "$HOME/.config/containers/certs.d/$secret/"
	run mocker-builder push app:1 "$secret/app:1"
	check_fails_with "asks for a user and a password"
	printf word >word
	run_input=word run mocker-builder login -u user --password-stdin "$secret"
	check_status 0
	check_equal "$(stat -c %a "$XDG_RUNTIME_DIR/containers/auth.json")" 600
	run mocker-builder push app:1 "$secret/app:1"
	check_status 0
	run mocker-builder pull "$secret/app:1"
	check_status 0
	run skopeo inspect --authfile "$XDG_RUNTIME_DIR/containers/auth.json" \
		--tls-verify=false "docker://$secret/app:1"
	check_status 0
	run mocker-builder logout "$secret"
	check_status 0
	run mocker-builder logout "$secret"
	check_fails_with "has no entry for $secret"
	run mocker-builder pull "$secret/app:1"
	check_fails_with "asks for a user and a password"
	printf wrong >word
	run_input=word run mocker-builder login -u user --password-stdin "$secret"
	check_fails_with "answers 401" "were refused"
	forget "$secret/app:1"
	rm -rf word "$XDG_RUNTIME_DIR/containers"
}
test_case "TLS by certs.d, login and logout" tls

# The terminal shows again what is typed.
login_interrupted() {
	run python3 -c 'import os, pty, signal, sys, termios, time
ours, theirs = pty.openpty()
pid = os.fork()
if pid == 0:
    os.setsid()
    os.close(os.open(os.ttyname(theirs), os.O_RDWR))
    for fd in range(3):
        os.dup2(theirs, fd)
    os.execvp("mocker-builder", ["mocker-builder", "login", "-u", "user", "127.0.0.1:9"])
shown = b""
while b"Password: " not in shown:
    shown += os.read(ours, 100)
while termios.tcgetattr(theirs)[3] & termios.ECHO:
    time.sleep(0.01)
os.write(ours, b"sec\x03" if sys.argv[1] == "key" else b"sec")
if sys.argv[1] != "key":
    os.kill(pid, signal.SIGTERM)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]),
      bool(termios.tcgetattr(theirs)[3] & termios.ECHO))' "$1"
	check_output "130 True"
}
test_case "Ctrl-C while login asks for the password" login_interrupted key
test_case "SIGTERM while login asks for the password" login_interrupted signal

# with_credentials FILE TEXT [VARIABLE=VALUE]: pulled with them.
with_credentials() {
	needed || return
	mkdir -p "$(dirname "$1")"
	printf '%s' "$2" >"$1"
	run env "${3:-X=y}" mocker-builder pull --tls-verify=false "$secret/app:1"
	check_status 0
	forget "$secret/app:1"
	rm -f "$1"
}
basic=$(printf user:word | base64)
test_case "\$REGISTRY_AUTH_FILE" with_credentials "$tmp/auth" \
	"{\"auths\":{\"$secret\":{\"auth\":\"$basic\"}}}" "REGISTRY_AUTH_FILE=$tmp/auth"
test_case "podman's auth.json" with_credentials "$tmp/xdg/containers/auth.json" \
	"{\"auths\":{\"$secret\":{\"auth\":\"$basic\"}}}"
test_case "Docker's config.json, with a scheme and a path" with_credentials \
	"$tmp/home/.docker/config.json" \
	"{\"HttpHeaders\":{},\"auths\":{\"https://$secret/v2/\":{\"auth\":\"$basic\"}}}"
test_case "the entry of the repository goes before that of the host" with_credentials \
	"$tmp/xdg/containers/auth.json" "{\"auths\":{\"$secret\":{\"auth\":\"eDp5\"},
		\"$secret/app\":{\"auth\":\"$basic\"}}}"

helper() {
	needed || return
	mkdir -p bin
	cat >bin/docker-credential-mine <<-'END'
		#!/bin/sh
		read -r server
		echo "$1 $server" >>"$0.log"
		[ "$server" = 127.0.0.1:5002 ] || { echo "credentials not found in native keychain"; exit 1; }
		echo '{"ServerURL":"x","Username":"user","Secret":"word"}'
	END
	chmod +x bin/docker-credential-mine
	with_credentials "$1" "$2" "PATH=$tmp/bin:$PATH"
	check_equal "$(sort -u bin/docker-credential-mine.log)" "get $secret"
	rm -r bin
	printf '%s' "$2" >"$1"
	run mocker-builder pull --tls-verify=false "$secret/app:1"
	check_fails_with docker-credential-mine
	rm "$1"
}
test_case "a credential helper of the host" helper "$tmp/xdg/containers/auth.json" \
	"{\"credHelpers\":{\"$secret\":\"mine\"}}"
test_case "a credential store" helper "$tmp/home/.docker/config.json" \
	'{"credsStore":"mine"}'

other_credentials() {
	needed || return
	mkdir -p "$HOME/.docker"
	printf '%s' "$1" >"$HOME/.docker/config.json"
	run mocker-builder pull --tls-verify=false "$secret/app:1"
	check_fails_with "$2"
	rm "$HOME/.docker/config.json"
}
# As skopeo has it, on the same file: the helper keeps them, and the file stays as it is.
login_by_helper() {
	needed || return
	local file="$tmp/helped.json" text

	mkdir bin
	echo word >password
	cat >bin/docker-credential-mine <<-'END'
		#!/bin/sh
		input=$(cat)
		echo "$1 $input" >>"$0.log"
		case $1 in
		store) printf '%s' "$input" >"$0.kept" ;;
		erase) rm "$0.kept" 2>/dev/null || { echo "credentials not found in native keychain"; exit 1; } ;;
		get) cat "$0.kept" 2>/dev/null || { echo "credentials not found in native keychain"; exit 1; } ;;
		esac
	END
	chmod +x bin/docker-credential-mine
	for text in "{\"credHelpers\":{\"$secret\":\"mine\"}}" '{"credsStore":"mine"}'; do
		printf '%s' "$text" >"$file"
		PATH=$tmp/bin:$PATH run_input=$tmp/password run mocker-builder login --tls-verify=false --authfile "$file" -u user \
			--password-stdin "$secret"
		check_status 0
		check_equal "$(cat "$file")" "$text" "the file"
		check_equal "$(tail -n 1 bin/docker-credential-mine.log)" \
			"store {\"ServerURL\":\"$secret\",\"Username\":\"user\",\"Secret\":\"word\"}"
		PATH=$tmp/bin:$PATH run mocker-builder logout --authfile "$file" "$secret"
		check_status 0
		check_equal "$(tail -n 1 bin/docker-credential-mine.log)" "erase $secret"
	done
	PATH=$tmp/bin:$PATH run mocker-builder logout --authfile "$file" "$secret"
	check_fails_with "docker-credential-mine ended with status 1: credentials not found"
	rm -r bin "$file" password
}
test_case "login and logout go through the helper that has the host" login_by_helper
test_case "an auth file that is no JSON" other_credentials '{' "config.json:1"
test_case "an entry that is no base64" other_credentials \
	"{\"auths\":{\"$secret\":{\"auth\":\"!!!!\"}}}" "is not USER:PASSWORD in base64"
test_case "a helper that is a path" other_credentials '{"credsStore":"../../x"}' \
	"is no plain name"

mirror() {
	needed || return
	registry_start mirror 5003
	run skopeo --insecure-policy copy --src-tls-verify=false --dest-tls-verify=false \
		"docker://$plain/team/app:1" docker://127.0.0.1:5003/m/team/app:1
	check_status 0
	cat >mirrors.conf <<-'END'
		# Where example.test's images are.
		[[registry]]
		prefix = "example.test/lib"
		location = "127.0.0.1:5001/team"
		insecure = true
		[[registry.mirror]]
		location = "127.0.0.1:5009/nowhere"
		insecure = true
		[[registry.mirror]]
		location = '127.0.0.1:5003/m/team'   # has app:1 only
		insecure = true
		[[registry]]
		prefix = "*.bad.test"
		blocked = true
	END
	export CONTAINERS_REGISTRIES_CONF=$tmp/mirrors.conf
	run mocker-builder pull example.test/lib/app:1
	check_status 0
	run mocker-builder pull example.test/lib/app:2
	check_status 0
	run mocker-builder pull x.bad.test/app
	check_fails_with "registries.conf blocks"
	forget example.test/lib/app:1 example.test/lib/app:2
	export CONTAINERS_REGISTRIES_CONF=$tmp/registries.conf
}
test_case "mirrors are asked in their order, then the registry itself" mirror

mirrors_by_kind() {
	needed || return
	local digest

	digest=$(skopeo inspect --tls-verify=false "docker://$plain/team/app:1" | jq -r .Digest)
	cat >mirrors.conf <<-'END'
		[[registry]]
		prefix = "tags.test"
		location = "127.0.0.1:5009"
		insecure = true
		[[registry.mirror]]
		location = "127.0.0.1:5001"
		insecure = true
		pull-from-mirror = "tag-only"
		[[registry]]
		prefix = "digests.test"
		location = "127.0.0.1:5009"
		insecure = true
		[[registry.mirror]]
		location = "127.0.0.1:5001"
		insecure = true
		pull-from-mirror = "digest-only"
		[[registry]]
		prefix = "all.test"
		location = "127.0.0.1:5009"
		insecure = true
		mirror-by-digest-only = true
		[[registry.mirror]]
		location = "127.0.0.1:5001"
		insecure = true
		[aliases]
		"short" = "digests.test/team/app"
		"gone" = ""
		"wrong" = "x"
	END
	export CONTAINERS_REGISTRIES_CONF=$tmp/mirrors.conf
	run mocker-builder pull tags.test/team/app:1
	check_status 0
	run mocker-builder pull "tags.test/team/app@$digest"
	check_fails_with "127.0.0.1:5009" "onnect"
	run mocker-builder pull "digests.test/team/app@$digest"
	check_status 0
	run mocker-builder pull digests.test/team/app:1
	check_fails_with "127.0.0.1:5009" "onnect"
	run mocker-builder pull "all.test/team/app@$digest"
	check_status 0
	run mocker-builder pull all.test/team/app:1
	check_fails_with "127.0.0.1:5009" "onnect"
	run mocker-builder pull "short@$digest"
	check_status 0
	run mocker-builder pull wrong
	check_fails_with "registries.conf: the alias x of wrong is no HOST/REPOSITORY"
	forget "tags.test/team/app:1" "digests.test/team/app@$digest" "all.test/team/app@$digest" "short@$digest"
	export CONTAINERS_REGISTRIES_CONF=$tmp/registries.conf
}
test_case "a mirror for digests is asked for nothing else; an alias leads to its image" mirrors_by_kind

bad_conf() {
	test_case "registries.conf: $1" bad_conf_run "$2" "$3"
}
bad_conf_run() {
	printf '%b' "$1" >bad.conf
	CONTAINERS_REGISTRIES_CONF=$tmp/bad.conf run mocker-builder pull "$plain/team/app:1"
	check_fails_with "bad.conf" "$2"
	rm bad.conf
}
bad_conf "a line that is none" '\nnonsense\n' ":2: expected KEY = VALUE"
bad_conf "a string without end" '[[registry]]\nlocation = "x\n' ":2: the string has no end"
bad_conf "a word for a truth" '[[registry]]\nlocation="x"\ninsecure = "true"\n' \
	":3: expected true or false"
bad_conf "a mirror for what there is not" \
	'[[registry]]\nlocation="x"\n[[registry.mirror]]\nlocation="y"\npull-from-mirror="some"\n' \
	":5: expected all, digest-only or tag-only"
bad_conf "a mirror of nothing" '[[registry.mirror]]\n' ":1: a mirror before"
bad_conf "a registry without place" '[[registry]]\ninsecure = true\n' \
	"neither prefix nor location"

bad_name() {
	run mocker-builder pull "$1"
	check_fails_with "$2"
}
test_case "a name that climbs" bad_name "$plain/../x" "image name"
test_case "a name that is an option" bad_name "localhost/-x" "is no repository"
test_case "a digest of another algorithm" bad_name "$plain/x@md5:123" "sha256"
test_case "a port that is none" bad_name "a.b:c/x" "is no host"

nobody_there() {
	run mocker-builder pull --tls-verify=false 127.0.0.1:5099/x
	check_fails_with "127.0.0.1:5099" "onnect"
}
test_case "a registry that is not there" nobody_there

# The remedy for TLS is for what TLS refused, not for words.
words_of_tls() {
	run mocker-builder pull SSL.invalid/x
	check_fails_with "SSL.invalid"
	check_lacks "$errors" "--cert-dir"
	needed || return
	CONTAINERS_REGISTRIES_CONF=/dev/null run mocker-builder pull "$plain/team/app:1"
	check_fails_with "--tls-verify=false"
}
test_case "a host that is called SSL gets no advice on certificates" words_of_tls

podman_agrees() {
	needed || return
	needs podman || return
	run podman --storage-driver vfs --root "$tmp/podman" --runroot "$tmp/podman-run" \
		pull --tls-verify=false "$plain/team/app:1"
	check_status 0
	check_equal "$(podman --storage-driver vfs --root "$tmp/podman" \
		--runroot "$tmp/podman-run" inspect --format '{{.Digest}}' "$plain/team/app:1")" \
		"$(digest_there "$plain/team/app:1")" "podman's digest"
	run podman --storage-driver vfs --root "$tmp/podman" --runroot "$tmp/podman-run" \
		push --tls-verify=false "$plain/team/app:1" "$plain/by-podman:1"
	check_status 0
	run mocker-builder pull "$plain/by-podman:1"
	check_status 0
	check_output_has "$(digest_there "$plain/by-podman:1")"
	forget "$plain/by-podman:1"
	rm -rf podman podman-run
}
test_case "podman pulls what we pushed, and we what it pushed" podman_agrees
