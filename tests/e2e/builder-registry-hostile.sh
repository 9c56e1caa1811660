#!/bin/bash
# A registry that breaks off, lies, redirects and never ends: what breaks is resumed, what
# lies is refused with a line that says why, and nothing of it reaches the store.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/registry.sh
. "$e2e/registry.sh"

port=5101
image=127.0.0.1:$port/t

set_up() {
	export HOME=$tmp/home XDG_RUNTIME_DIR=$tmp/xdg REGISTRY_AUTH_FILE=$tmp/auth.json
	export CONTAINERS_REGISTRIES_CONF=$tmp/registries.conf
	mkdir -p "$HOME"
	: >registries.conf
	printf '{"auths":{"127.0.0.1:%s":{"auth":"%s"}}}' $port \
		"$(printf user:secret | base64)" >auth.json
	registry_certificate server
	run mocker-builder images # makes the store
}
needs python3 openssl && test_setup set_up

nothing_came() {
	run mocker-builder images
	check_lacks "$output" "$image"
	check_equal "$(find /var/lib/mocker/{temp,layers,blobs/sha256} -mindepth 1)" "" \
		"what is in the store"
}

refused() {
	needs python3 || return
	hostile_start $port "${@:2}"
	run mocker-builder pull --quiet --tls-verify=false "$image"
	hostile_stop
	IFS='|' read -ra parts <<<"$1"
	check_fails_with "${parts[@]}"
	nothing_came
}

arrives() {
	needs python3 || return
	hostile_start $port "$@"
	run mocker-builder pull --tls-verify=false "$image"
	check_status 0
	hostile_stop
	run mocker-builder bundle "$image" bundle
	check_status 0
	check_equal "$(cat bundle/rootfs/hello)" hello
	check_equal "$(stat -c %s bundle/rootfs/noise)" 100000
	rm -rf bundle
	run mocker-builder rmi "$image"
	run mocker-builder prune
	nothing_came
}

resumes() {
	arrives broken
	check_has "$(cat hostile-$port.log)" "bytes=20000-" "what it was asked"
}
test_case "an honest one" arrives good
test_case "a blob that breaks off is resumed from where it stood" resumes
test_case "without ranges, it begins again" arrives no-range
test_case "a blob that ends early, always" refused "the registry sent 20000 of its" short
test_case "a blob longer than it should be" refused "the registry sends more than its" long
test_case "a blob without end" refused "the registry sends more than its 1000 bytes" endless
test_case "a blob with another byte" refused "sent bytes with the digest sha256:" flipped
test_case "a manifest that is not what its header says" refused \
	"the registry sent a manifest with the digest|expected sha256:" bad-manifest
test_case "a manifest that is an index too" refused \
	"is a manifest and an index at once" both
test_case "a manifest that is called an index" refused \
	"calls it application/vnd.oci.image.|but it is a manifest" claims-index
test_case "a manifest of the first schema" refused "Docker's first schema" schema1
test_case "a manifest of 5 MiB" refused "the manifest has more than 4 MiB" huge-manifest
test_case "an index that lies about a size" refused "which is not so" bad-size
test_case "an index without our platform" refused \
	"has no image for linux/amd64; it has linux/s390x" no-platform
test_case "indexes in indexes" refused "an index of indexes of indexes" deep
test_case "a redirect in a circle" refused "redirects more than 10 times" loop
test_case "HTTPS that becomes HTTP" refused "which is not encrypted" downgrade "$tmp/server"
test_case "control characters in a message" refused \
	"answers 404, MANIFEST_UNKNOWN: ?[31mno??such" errors

# The second server sees no credentials; the first did.
redirects() {
	needs python3 || return
	hostile_start 5102 good
	local other=$hostile
	arrives redirect 5102
	kill "$other"
	wait "$other" 2>/dev/null
	check_has "$(cat hostile-$port.log)" "GET /v2/t/manifests/latest Basic " \
		"what the registry was asked"
	check_has "$(cat hostile-5102.log)" "GET /v2/t/blobs/sha256" "the second one"
	check_lacks "$(cat hostile-5102.log)" Basic "what the second one was told"
}
test_case "credentials do not follow a redirect to another port" redirects

token() {
	needs python3 || return
	arrives "$@"
	check_has "$(cat hostile-$port.log)" \
		"GET /token?service=s&scope=repository%3At%3Apull Basic " "the token server"
	check_has "$(cat hostile-$port.log)" "GET /v2/t/manifests/latest Bearer good"
}
test_case "a token server" token token
test_case "tokens that run out" token slow-auth

token_unencrypted() {
	needs python3 || return
	mkdir -p "$tmp/certs"
	cp server.crt certs/
	hostile_start $port token-http "$tmp/server"
	run mocker-builder pull --quiet --cert-dir certs "$image"
	hostile_stop
	check_fails_with "to which credentials would go unencrypted"
	check_lacks "$(cat hostile-$port.log)" Basic "what it was told"
	nothing_came
}
test_case "a token server without TLS gets no credentials" token_unencrypted

interrupted() {
	needs python3 || return
	hostile_start $port silent
	mocker-builder pull --tls-verify=false "127.0.0.1:$port/t" >/dev/null 2>pull.log &
	local pull=$!
	check wait_until 60 grep -q blobs/ "hostile-$port.log"
	kill -INT "$pull"
	wait "$pull"
	check_equal $? 130 "the status of pull"
	hostile_stop
	nothing_came
	rm -f pull.log
}
test_case "an interrupted pull leaves nothing" interrupted

# It resumes, twice, and then it is enough.
stalls() {
	needs python3 || return
	hostile_start $port stalls
	run mocker-builder pull --quiet --tls-verify=false --stall-timeout 2 "$image"
	hostile_stop
	check_fails_with "/v2/t/blobs/sha256:" ": nothing came for 2 seconds (--stall-timeout)"
	check_equal "$(grep -c 'bytes=[0-9]' "hostile-$port.log")" 2 "the resumed requests"
	nothing_came
}
test_case "a server that sends half of a blob and then nothing" stalls

# The server answers none of them before it has been asked for two.
together() {
	arrives together
	check_equal "$(grep -c overlap "hostile-$port.log")" 2 "the overlapping requests"
}
test_case "blobs are downloaded at the same time" together

substituted() {
	needs python3 || return
	local wanted

	wanted=sha256:$(printf %064d 7)
	hostile_start $port substitutes
	run mocker-builder pull --quiet --tls-verify=false "$image@$wanted"
	hostile_stop
	check_fails_with "the registry sent a manifest with the digest sha256:" \
		"expected $wanted"
	check_lacks "$(cat "hostile-$port.log")" /blobs/ "what it was asked for"
	nothing_came
}
test_case "a pull by digest that gets another manifest" substituted
