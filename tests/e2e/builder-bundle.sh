#!/bin/bash
# Bundles: what the image and the options say, in config.json, and then seen from inside,
# under Debian's runc and under mocker-runtime, with a copied and with an overlay root.
! grep -q ' - cgroup ' /proc/self/mountinfo || test_cgroups=v1 # of both versions beside each other crun takes none
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

leaves '^file /var/lib/mocker/?|^file /run/crun$'

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
	check_equal "$(config '.process.env')" '["PATH=/bin","GREETING=bye","NEW=x","HOME=/"]'
	check_equal "$(config '.hostname')" '"h"'
	check_equal "$(config '.root.readonly')" true
	check_equal "$(config '.linux.resources.memory.limit')" 33554432
	check_equal "$(config '.process.capabilities.bounding // []')" '[]'
	check_equal "$(config '[.mounts[] | select(.destination == "/data") | .source]')" \
		"[\"$tmp/shared\"]"
	forget
}
test_case "options win over the image" options_win

every_option() {
	printf '%s\n' '# a comment' '' 'FROM_FILE=a b' 'GREETING=file' PATH_LIKE NOT_SET_ANYWHERE >"$tmp/env"
	printf 'CRLF=1\r\n' >>"$tmp/env"
	PATH_LIKE=caller bundle --user 0 --env-file "$tmp/env" --env GREETING=env \
		--device /dev/null:/dev/other:r --device /dev/full --ulimit nofile=100:200 \
		--ulimit CORE=-1 --oom-score-adj 5 --memory 64m --memory-swap 128m \
		--cpuset-cpus 0 --cpu-shares 512 --shm-size 1m --add-host db:10.0.0.1 \
		--add-host six:2001:db8::1 --security-opt no-new-privileges \
		--security-opt mask=/proc/version:/proc/uptime --security-opt unmask=/sys/firmware \
		--security-opt apparmor=prof --sysctl kernel.msgmax=9000 --cap-add net_admin
	check_equal "$(config '.process.env')" \
		'["PATH=/bin","GREETING=env","FROM_FILE=a b","PATH_LIKE=caller","CRLF=1","HOME=/root"]'
	check_equal "$(config '[.linux.devices[] | [.path, .type, .major, .minor]]')" \
		'[["/dev/other","c",1,3],["/dev/full","c",1,7]]'
	check_equal "$(config '.linux.resources.devices[1:]')" '[{"allow":true,"type":"c","major":1,"minor":3,"access":"r"},{"allow":true,"type":"c","major":1,"minor":7,"access":"rwm"}]'
	check_equal "$(config '.process.rlimits[0]')" '{"type":"RLIMIT_NOFILE","hard":200,"soft":100}'
	check_equal "$(config '.process.rlimits[1] | [.type, .soft > 18e18, .hard > 18e18]')" \
		'["RLIMIT_CORE",true,true]' # more digits than jq has
	check_equal "$(config '.process.oomScoreAdj')" 5
	check_equal "$(config '.linux.resources.memory')" '{"limit":67108864,"swap":134217728}'
	check_equal "$(config '.linux.resources.cpu')" '{"shares":512,"cpus":"0"}'
	check_equal "$(config '.mounts[] | select(.destination == "/dev/shm") | .options[-1]')" \
		'"size=1048576"'
	check_equal "$(tail -n 2 "$tmp/b/etc/hosts")" "10.0.0.1	db
2001:db8::1	six"
	check_equal "$(config '.process.noNewPrivileges')" true
	check_equal "$(config '.process.apparmorProfile')" '"prof"'
	check_equal "$(config '.linux.maskedPaths | [index("/proc/version", "/sys/firmware") != null]')" \
		'[true,false]'
	check_equal "$(config '.linux.sysctl')" '{"kernel.msgmax":"9000"}'
	check_equal "$(config '.process.capabilities.effective | index("CAP_NET_ADMIN") != null')" true
	forget
}
test_case "every option has its place in config.json" every_option

# And the kernel agrees, as seen from inside.
options_inside() {
	bundle --user 0 --device /dev/full:/dev/sink --ulimit nofile=77 --shm-size 1m --hostname inside \
		--add-host db:10.0.0.1 --read-only --tmpfs /scratch:size=64k --sysctl net.ipv4.ip_forward=1 \
		--security-opt unmask=ALL --entrypoint /bin/sh -- -c 'ulimit -n; hostname
		echo x >/dev/sink; df -k /dev/shm /scratch | awk "NR > 1 { print \$2 }"
		grep db /etc/hosts; touch /x; cat /proc/sys/net/ipv4/ip_forward; grep -c . /proc/timer_list >/dev/null && echo seen'
	run mocker-runtime run --bundle "$tmp/b" bundle
	check_output "77
inside
1024
64
10.0.0.1	db
1
seen"
	check_errors_have "No space left on device"
	check_errors_have "/x: Read-only file system"
	forget
}
test_case "and from inside they are what they say" options_inside

while IFS='|' read -r options said; do
	test_case "refused: $options" bundling_refuses "$options" "$said"
done <<END
--env-file $tmp/nowhere|--env-file $tmp/nowhere: No such file or directory
--env-file $tmp/context/Mockerfile|--env-file $tmp/context/Mockerfile:1: FROM scratch: expected NAME=VALUE or NAME
--env =x|--env =x: expected NAME=VALUE or NAME
--device /etc/passwd|--device /etc/passwd: /etc/passwd is no device
--device /dev/nowhere|--device /dev/nowhere: the device /dev/nowhere: No such file or directory
--device /dev/null:/x:q|--device /dev/null:/x:q: expected SOURCE[:TARGET][:ACCESS]
--ulimit nofile|--ulimit nofile: expected NAME=SOFT[:HARD]
--ulimit nofiles=1|--ulimit nofiles=1: unknown word "RLIMIT_NOFILES"; did you mean "RLIMIT_NOFILE"?
--ulimit nofile=2:1|--ulimit nofile=2:1: the soft limit is above the hard one
--memory-swap 1g|--memory-swap is the sum with --memory: give both
--memory 2g --memory-swap 1g|--memory-swap is the sum with --memory, and less than that here
--memory 0|--memory 0: expected a size such as 512m
--cpu-shares 1|--cpu-shares: expected 2 or more
--cpus 0|--cpus 0: expected a number of processors
--add-host db|--add-host db: expected NAME:ADDRESS
--add-host db:ten|--add-host db:ten: expected NAME:ADDRESS
--security-opt secomp=x|--security-opt secomp=x: it is not known; expected seccomp=FILE
--security-opt seccomp=$tmp/nowhere|--security-opt seccomp: opening $tmp/nowhere: No such file or directory
--security-opt seccomp=$tmp/context/Mockerfile|--security-opt seccomp: $tmp/context/Mockerfile:1:2: invalid JSON
--security-opt mask=proc|--security-opt mask=proc: expected absolute paths
--security-opt no-new-privileges=maybe|--security-opt no-new-privileges=maybe: expected true or false
--sysctl novalue|--sysctl novalue: expected NAME=VALUE
--dns 1.2.3|--dns 1.2.3: expected an address
--stop-signal FOO|--stop-signal: signal: unknown word "FOO"
--pids-limit 0|--pids-limit 0: nothing could be started; expected more, or -1 for no limit
--volume /tmp:/t:ro,U|--volume /tmp:/t:ro,U: a bind mount takes no option "U"; usual are ro
--volume /tmp:/t:size=5|--volume /tmp:/t:size=5: a bind mount takes no option "size=5"
--tmpfs /t:foo|--tmpfs /t:foo: a tmpfs takes no option "foo"; usual are size=BYTES
--mount type=bind,source=/tmp,target=/t,bind-propagation=x|--mount type=bind,source=/tmp,target=/t,bind-propagation=x: a bind mount takes no option "x"
--publish 80:80|--publish 80:80: ports are published on a network of mocker-netsetup
--net n --publish 80|--publish 80: expected [HOSTIP:]HOSTPORT:CONTAINERPORT[/PROTOCOL]
--net n --publish 80:http|--publish 80:http: port: expected
--net n --publish 80:80/icmp|--publish 80:80/icmp: protocol: unknown word "icmp"
--net n --publish 0:80|--publish 0:80: port 0 is not between 1 and 65535
--net n --publish 80:65536|--publish 80:65536: port 65536 is not between 1 and 65535
--net n --publish 1-2:1-3|--publish 1-2:1-3: the two ranges differ in length
--net n --publish [::1:80:80|--publish [::1:80:80: the host's address: expected an IP address, found "[::1"
--net n --publish host:80:80|--publish host:80:80: the host's address: expected an IP address, found "host"
--net n --publish 80:80 --publish 127.0.0.1:80:81|--publish 127.0.0.1:80:81: --publish 80:80 has the host's port already
END

verified() {
	bundle --verify
	check_equal "$errors" "nothing stands against running this bundle"
	forget
	run mocker-builder bundle app "$tmp/b" --verify --sysctl no.such=1
	check_equal "$status" 1 "the status"
	check_errors_have "config.json:"
	check_errors_have "/linux/sysctl/no.such"
	check_equal "$(tail -n 1 <<<"$errors")" "mocker-builder: bundling app: mocker-runtime check finds the bundle wrong, as it says above; it is not kept"
	check_missing "$tmp/b"
	run mocker-builder bundle app "$tmp/b" --rootfs overlay --verify --oom-score-adj 5000
	check_errors_have "/process/oomScoreAdj"
	check_missing "$tmp/b"
	check_equal "$(find /var/lib/mocker/leases -mindepth 1)" "" "leases"
}
test_case "--verify: the runtime's check has the last word" verified

pod_and_hooks() {
	bundle --net mocker0 --name web --publish 8080:80 -p '[::1]:90-92:90-92/udp'
	check_equal "$(config '.hooks.createRuntime[0].args')" \
		'["mocker-netsetup","hook","--network","mocker0","--name","web","--publish","8080:80","--publish","[::1]:90-92:90-92/udp"]'
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
test_case "an overlay root under runc" runs_under "runc --root $tmp/runc" --rootfs overlay
test_case "a copied root under crun" runs_under "crun --root $tmp/crun"
test_case "a copied root under mocker-runtime" runs_under mocker-runtime
test_case "an overlay root under mocker-runtime" runs_under mocker-runtime --rootfs overlay

mounted() {
	local runtime=$1

	needs "${runtime%% *}" || return
	bundle --rootfs mounted
	check_equal "$(jq -c '[.mounts[] | select(.type == "overlay")]' "$tmp/b/config.json")" "[]" \
		"overlays in config.json"
	check_equal "$(grep -c " $tmp/b/rootfs " /proc/self/mountinfo)" 1 "what is mounted"
	# shellcheck disable=SC2086 # a program and its options
	run $runtime run --bundle "$tmp/b" bundle
	check_status 0
	check_output "$expected"
	run mocker-builder rmi app
	run mocker-builder prune --all
	check_status 0
	check_exists "$tmp/b/rootfs/etc/passwd"
	run mocker-builder unbundle "$tmp/b"
	check_status 0
	check_missing "$tmp/b"
	run mocker-builder build -t app context
	check_status 0
}
test_case "an overlay that is mounted already under runc" mounted "runc --root $tmp/runc"
test_case "an overlay that is mounted already under crun" mounted "crun --root $tmp/crun"
test_case "an overlay that is mounted already under mocker-runtime" mounted mocker-runtime

mounted_in_vain() {
	run mocker-builder bundle app "$tmp/b" --rootfs mounted --verify --sysctl no.such=1
	check_status 1
	check_missing "$tmp/b"
	check_equal "$(grep -c " $tmp/b/" /proc/self/mountinfo)" 0 "what is mounted"
}
test_case "one that the check refuses is unmounted again" mounted_in_vain

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

# interrupted_at CALL: the copying process stops at it, and only then comes the signal.
interrupted_at() {
	strace -D -f -o trace -e "trace=$1" -e "inject=$1:signal=STOP:when=1" \
		mocker-builder bundle app "$tmp/b" --rootfs copy -- true </dev/null >told 2>&1 &
	check wait_until 20 grep "stopped by SIGSTOP" trace || return
	kill -INT $!
	wait $!
	check_equal $? 130 "the status at $1"
	check_has "$(cat told)" ": interrupted"
	check_missing "$tmp/b"
	check_equal "$(find /var/lib/mocker/temp -mindepth 1)" "" "temporary files after $1"
	rm trace
}

interrupted_bundle() {
	needs strace || return
	interrupted_at copy_file_range
	interrupted_at symlinkat
	interrupted_at fchownat
}
test_case "an interrupted bundle leaves nothing" interrupted_bundle
