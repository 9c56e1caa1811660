#!/bin/bash
# Bundles: what the image and the options say, in config.json, and then seen from inside,
# under Debian's runc and under mocker-runtime, with a copied and with an overlay root.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

leaves '^file /var/lib/mocker/?'

set_up() {
	mkdir context
	make_rootfs context/rootfs
	mkdir -p context/rootfs/srv context/rootfs/data
	echo initial >context/rootfs/data/file
	cat >context/Mockerfile <<-'END'
		FROM scratch
		COPY rootfs /
		RUN ln /etc/passwd /srv/second && chmod 4755 /srv && rm /etc/group && \
			printf 'user:x:1000:\nwheel:x:10:user\n' >/etc/group && rm -r /var && mkdir /var
		ENV GREETING=hello PATH=/bin
		LABEL org.example.a=b
		EXPOSE 80 53/udp
		VOLUME /data
		STOPSIGNAL SIGUSR1
		WORKDIR /srv
		USER user
		ENTRYPOINT ["sh", "-c"]
		CMD ["echo $GREETING; id; pwd; cat /data/file; stat -c %h:%a /etc/passwd; stat -c %a /srv"]
	END
	run mocker-builder build -t app context
	check_status 0
}
test_setup set_up

expected="hello
uid=1000(user) gid=1000(user) groups=10(wheel)
/srv
initial
2:644
4755"

bundle() {
	run mocker-builder bundle app "$tmp/b" "$@"
	check_status 0
	edit_bundle "$tmp/b" '.linux.cgroupsPath = "/mocker-test/bundle"'
}

forget() {
	rm -rf "$tmp/b"
}

config() {
	jq -c "$1" "$tmp/b/config.json"
}

is_valid() {
	local found

	bundle "$@" --memory 64m --cpus 0.5 --pids-limit 100 --sysctl net.ipv4.ip_forward=1
	found=$(python3 - "$tmp/b/config.json" "$top_srcdir/tests/data/runtime-spec" <<-'END'
		import json, os, sys
		try:
		    import jsonschema
		except ImportError:
		    print("skip")
		    sys.exit()
		place = sys.argv[2]
		store = {}
		for name in os.listdir(place):
		    if name.endswith(".json"):
		        with open(os.path.join(place, name)) as file:
		            store["file://%s/%s" % (place, name)] = json.load(file)
		schema = store["file://%s/config-schema.json" % place]
		resolver = jsonschema.RefResolver(
		    "file://%s/config-schema.json" % place, schema, store=store)
		with open(sys.argv[1]) as file:
		    config = json.load(file)
		for error in jsonschema.Draft4Validator(schema, resolver=resolver).iter_errors(config):
		    print("/".join(str(part) for part in error.path), error.message)
	END
	) 2>/dev/null
	[ "$found" != skip ] || skip "python3-jsonschema is missing"
	[ "$found" = skip ] || check_equal "$found" "" "what the schema finds"
	forget
}
test_case "config.json fits the specification's schema" is_valid
test_case "with an overlay root, too" is_valid --rootfs overlay

follows_conversion_rules() {
	bundle
	check_equal "$(config '.process.args[0:2]')" '["sh","-c"]'
	check_equal "$(config '.process.user')" '{"uid":1000,"gid":1000,"additionalGids":[10]}'
	check_equal "$(config '.process.cwd')" '"/srv"'
	check_equal "$(config '.annotations["org.example.a"]')" '"b"'
	check_equal "$(config '.annotations["org.opencontainers.image.exposedPorts"]')" \
		'"80/tcp,53/udp"'
	check_equal "$(config '.annotations["org.opencontainers.image.stopSignal"]')" '"SIGUSR1"'
	check_equal "$(config '[.mounts[] | select(.destination == "/data") | .type]')" '["bind"]'
	check_equal "$(config '.process.capabilities.effective | length')" 11
	check_equal "$(config '.linux.seccomp.defaultAction')" '"SCMP_ACT_ERRNO"'
	forget
}
test_case "it follows the rules of image-spec's conversion" follows_conversion_rules

options_win() {
	mkdir -p "$tmp/shared"
	bundle --user 5:6 --workdir /etc --env GREETING=bye --env NEW=x --hostname h \
		--volume "$tmp/shared:/data:ro" --tmpfs /scratch --memory 32m --read-only \
		--cap-drop all --entrypoint /bin/ls -- -la
	check_equal "$(config '.process.args')" '["/bin/ls","-la"]'
	check_equal "$(config '.process.user')" '{"uid":5,"gid":6}'
	check_equal "$(config '.process.env')" '["GREETING=bye","PATH=/bin","NEW=x","HOME=/"]'
	check_equal "$(config '.hostname')" '"h"'
	check_equal "$(config '.root.readonly')" true
	check_equal "$(config '.linux.resources.memory.limit')" 33554432
	check_equal "$(config '.process.capabilities.bounding // []')" '[]'
	check_equal "$(config '[.mounts[] | select(.destination == "/data") | .source]')" \
		"[\"$tmp/shared\"]"
	forget
}
test_case "options win over the image" options_win

pod_and_hooks() {
	bundle --net mocker0 --name web --publish 8080:80
	check_equal "$(config '.hooks.createRuntime[0].args')" \
		'["mocker-netsetup","hook","--network","mocker0","--name","web","--publish","8080:80"]'
	check_equal "$(config '.hooks.poststop[0].args[1]')" '"hook"'
	check_equal "$(config '.hostname')" '"web"'
	forget
	bundle --netns /run/netns/web
	check_equal "$(config '[.linux.namespaces[] | select(.type == "network")]')" \
		'[{"type":"network","path":"/run/netns/web"}]'
	forget
	bundle --net host
	check_equal "$(config '[.linux.namespaces[] | select(.type == "network")]')" '[]'
	forget
}
test_case "networks become hooks, pods a path" pod_and_hooks

runs_under() {
	local runtime=$1

	shift
	needs "${runtime%% *}" || return
	bundle "$@"
	# shellcheck disable=SC2086 # a program and its options
	run $runtime run --bundle "$tmp/b" bundle
	check_status 0
	check_output "$expected"
	forget
}
test_case "a copied root under runc" runs_under "runc --root $tmp/runc"
test_case "a copied root under mocker-runtime" runs_under mocker-runtime
test_case "an overlay root under mocker-runtime" runs_under mocker-runtime --rootfs overlay

overlay_is_private() {
	bundle --rootfs overlay --user 0 -- 'echo mine >/srv/x; echo there >>/data/file; ls /srv'
	run mocker-runtime run --bundle "$tmp/b" bundle
	check_status 0
	check_output "second
x"
	check_equal "$(find /var/lib/mocker/layers -name x)" "" "what reached the layers"
	check_exists "$tmp/b/upper/srv/x"
	check_equal "$(tail -n 1 "$tmp/b/volumes/0/file")" there "the volume's file"
	forget
}
test_case "what a container writes is its own" overlay_is_private

overlay_holds_layers() {
	bundle --rootfs overlay
	run mocker-builder rmi app
	check_status 0
	run mocker-builder prune
	check_status 0
	run mocker-runtime run --bundle "$tmp/b" bundle
	check_output "$expected"
	forget
	run mocker-builder prune
	check_status 0
	check_equal "$(find /var/lib/mocker/layers -mindepth 1)" "" "layers"
	check_equal "$(find /var/lib/mocker/leases -mindepth 1)" "" "leases"
	run mocker-builder build -t app context
	check_status 0
}
test_case "its layers stay for as long as the bundle is there" overlay_holds_layers

# One level of sh more than the filter's words: what a program inside can do at all.
default_profile() {
	bundle --user 0 --entrypoint /bin/sh -- -c 'unshare -U true; mount -t tmpfs x /srv
		dmesg; echo x >/proc/sys/kernel/domainname; ls -A /sys/firmware
		grep -E "^(CapEff|Seccomp):" /proc/self/status'
	run mocker-runtime run --bundle "$tmp/b" bundle
	check_matches "$output" 'CapEff:	00000000800405fb'
	check_matches "$output" 'Seccomp:	2'
	check_has "$errors" "unshare"
	check_has "$errors" "mount: permission denied"
	check_has "$errors" "domainname: Read-only file system"
	forget
}
test_case "the default profile keeps a root user inside" default_profile

interrupted_bundle() {
	head -c 300000000 /dev/zero >context/rootfs/big
	printf 'FROM scratch\nCOPY rootfs /\n' >context/big.Mockerfile
	run mocker-builder build -t big -f context/big.Mockerfile context
	check_status 0
	mocker-builder bundle big "$tmp/b" -- true </dev/null >/dev/null 2>&1 &
	sleep 0.05
	kill -INT $!
	wait $!
	[ ! -e "$tmp/b" ] || check_exists "$tmp/b/config.json" # it was faster
	rm -rf "$tmp/b" context/rootfs/big
	run mocker-builder rmi big
	run mocker-builder prune
}
test_case "an interrupted bundle leaves nothing" interrupted_bundle
