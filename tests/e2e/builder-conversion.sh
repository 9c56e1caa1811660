#!/bin/bash
# image-spec's conversion.md, sentence by sentence: an image whose config has every member,
# and what of config.json each makes. And the default profile beside podman's.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

leaves '^file /var/lib/mocker/?'

# put_blob FILE: into the layout, under its digest, which is printed.
put_blob() {
	local hex

	hex=$(sha256sum "$1" | cut -d' ' -f1)
	cp "$1" "layout/blobs/sha256/$hex"
	echo "sha256:$hex"
}

descriptor() {
	jq -nc --arg type "application/vnd.oci.image.$1" --arg digest "$2" \
		--argjson size "$(stat -c %s "layout/blobs/sha256/${2#sha256:}")" \
		'{mediaType: $type, digest: $digest, size: $size}'
}

# make_image TAG [JQ FILTER]: the same layer, the config edited.
make_image() {
	local manifest

	jq --arg diff "$layer" "${2:-.}" config.json >config.edited
	jq -n --argjson config "$(descriptor config.v1+json "$(put_blob config.edited)")" \
		--argjson layer "$(descriptor layer.v1.tar "$layer")" \
		'{schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json",
		config: $config, layers: [$layer],
		annotations: {"org.example.manifest": "no"}}' >manifest.json
	manifest=$(descriptor manifest.v1+json "$(put_blob manifest.json)")
	jq -n --argjson manifest "$manifest" --arg tag "$1" '{schemaVersion: 2, manifests:
		[$manifest + {annotations: {"org.opencontainers.image.ref.name": $tag,
		"org.example.index": "no"}}]}' >layout/index.json
	run mocker-builder load -t "$1" oci:layout
}

set_up() {
	mkdir -p layout/blobs/sha256
	echo '{"imageLayoutVersion": "1.0.0"}' >layout/oci-layout
	make_rootfs rootfs
	mkdir -p rootfs/data
	echo seed >rootfs/data/seed
	tar -C rootfs -cf layer.tar .
	layer=$(put_blob layer.tar)
	jq -n --arg layer "$layer" '{
		os: "linux", architecture: "amd64", variant: "v2", "os.version": "6.1",
		"os.features": ["one", "two"], author: "An Author",
		created: "2024-05-06T07:08:09Z",
		rootfs: {type: "layers", diff_ids: [$layer]},
		config: {
			WorkingDir: "/srv/work", Env: ["A=1", "HOME=/elsewhere", "PATH=/bin"],
			Entrypoint: ["/bin/sh", "-c"], Cmd: ["id", "x"], User: "user",
			StopSignal: "SIGQUIT", ExposedPorts: {"80/tcp": {}, "53/udp": {}},
			Volumes: {"/data": {}, "/new": {}},
			Labels: {"org.example.label": "yes", "org.opencontainers.image.os": "labelled",
				"org.opencontainers.image.created": "labelled",
				"org.opencontainers.image.exposedPorts": "labelled"}}}' >config.json
	make_image full
	check_status 0
}
test_setup set_up

# row IMAGE JQ-FILTER EXPECTED OPTION...: the JSON that the filter finds in config.json.
row() {
	run mocker-builder bundle "$1" "$tmp/b" "${@:4}"
	check_status 0
	check_equal "$(jq -c "$2" "$tmp/b/config.json")" "$3"
	rm -rf "$tmp/b"
}

while read -r member expected; do
	[ -n "$member" ] || continue
	test_case "Verbatim Fields: $member" row full ".process.$member" "$expected"
done <<'END'
cwd "/srv/work"
args ["/bin/sh","-c","id","x"]
env ["A=1","HOME=/elsewhere","PATH=/bin"]
END

adds_no_variable_of_the_image() {
	row full '[.process.env[] | select(startswith("HOME="))]' '["HOME=/elsewhere"]'
	row full '[.process.env[] | select(startswith("PATH="))]' '["PATH=/bin"]' --tty
	row full '[.process.env[] | select(startswith("TERM="))]' '["TERM=xterm"]' --tty
}
test_case "Verbatim Fields: what is added to process.env has no name of Config.Env" \
	adds_no_variable_of_the_image

one_of_both() {
	make_image entry 'del(.config.Cmd)'
	row entry .process.args '["/bin/sh","-c"]'
	make_image cmd 'del(.config.Entrypoint)'
	row cmd .process.args '["id","x"]'
	make_image neither 'del(.config.Entrypoint, .config.Cmd)'
	run mocker-builder bundle neither "$tmp/b"
	check_fails_with "the image names no command; give one after --"
	row neither .process.args '["true"]' -- true
}
test_case "Verbatim Fields: Entrypoint or Cmd alone is process.args" one_of_both

while read -r key expected; do
	test_case "Annotation Fields: $key" row full ".annotations[\"$key\"]" "$expected"
done <<'END'
org.opencontainers.image.architecture "amd64"
org.opencontainers.image.variant "v2"
org.opencontainers.image.os.version "6.1"
org.opencontainers.image.os.features "one,two"
org.opencontainers.image.author "An Author"
org.opencontainers.image.stopSignal "SIGQUIT"
org.example.label "yes"
org.opencontainers.image.os "labelled"
org.opencontainers.image.created "labelled"
org.opencontainers.image.exposedPorts "labelled"
org.example.manifest null
org.example.index null
END

implicit_annotations() {
	make_image plain 'del(.config.Labels)'
	row plain '.annotations["org.opencontainers.image.os"]' '"linux"'
	row plain '.annotations["org.opencontainers.image.created"]' '"2024-05-06T07:08:09Z"'
	row plain '.annotations["org.opencontainers.image.exposedPorts"]' '"80/tcp,53/udp"'
	make_image none 'del(.config.Labels, .author, .variant, ."os.version", ."os.features",
		.config.StopSignal, .config.ExposedPorts, .created)'
	row none '.annotations | keys' \
		'["org.opencontainers.image.architecture","org.opencontainers.image.os"]'
}
test_case "Annotation Fields: without labels, what the members say" implicit_annotations

while IFS='|' read -r user expected; do
	user_is() {
		make_image user ".config.User = \"$user\""
		row user '.process.user | [.uid, .gid, .additionalGids]' "$expected"
	}
	test_case "Config.User: \"$user\"" user_is
done <<'END'
user|[1000,1000,[10]]
user:bin|[1000,1,null]
user:77|[1000,77,null]
4000:4001|[4000,4001,null]
1:1000|[1,1000,null]
4000|[4000,0,null]
|[0,0,null]
END

unknown_users() {
	make_image nobody '.config.User = "nobody-there"'
	run mocker-builder bundle nobody "$tmp/b"
	check_fails_with 'user "nobody-there" is not in the image'\''s /etc/passwd'
	make_image nogroup '.config.User = "user:nogroup"'
	run mocker-builder bundle nogroup "$tmp/b"
	check_fails_with 'group "nogroup" is not in the image'\''s /etc/group'
}
test_case "Config.User: one that is not in the container is an error" unknown_users

volumes() {
	run mocker-builder bundle full "$tmp/b"
	check_status 0
	check_equal "$(jq -c '[.mounts[] | select(.source | startswith("volumes/")) |
		[.destination, .source]]' "$tmp/b/config.json")" \
		'[["/data","volumes/0"],["/new","volumes/1"]]'
	check_equal "$(cat "$tmp/b/volumes/0/seed")" seed
	rm -rf "$tmp/b"
}
test_case "Config.Volumes: mounts there, seeded with what the image has" volumes

# What runtimes obey must not come from an image: a hook's output to a file of the host, a
# property of the unit.
orders() {
	make_image orders '.config.Labels = {"run.oci.hooks.stdout": "/etc/cron.d/x",
		"org.systemd.property.ExecStopPost": "x", "org.criu.config": "/x", "harmless": "y"}'
	run mocker-builder bundle orders "$tmp/b" --annotation run.oci.handler=krun
	check_status 0
	check_equal "$(wc -l <<<"$errors")" 3 "the number of warnings"
	check_errors_have "the image's label run.oci.hooks.stdout is left out of config.json"
	check_equal "$(jq -c '.annotations | [keys[] | select(contains("image") | not)]' \
		"$tmp/b/config.json")" '["harmless","run.oci.handler"]'
	rm -rf "$tmp/b"
}
test_case "Annotations: orders to runtimes are left out, and said" orders

# ---- the profile beside podman's --------------------------------------------------------

# Both filters as sets: system calls that are allowed whatever their arguments, for a
# container with these capabilities. Ours may allow nothing that podman's does not.
no_wider_than_podman() {
	local theirs=/usr/share/containers/seccomp.json

	[ -e "$theirs" ] || { skip "containers-common is missing" && return; }
	for options in "" "--cap-add ALL" "--cap-drop ALL"; do
		# shellcheck disable=SC2086 # words
		run mocker-builder bundle full "$tmp/b" $options
		check_status 0
		# shellcheck disable=SC2086
		run mocker-builder bundle full "$tmp/c" $options --security-opt "seccomp=$theirs"
		check_status 0
		python3 - "$tmp/b/config.json" "$tmp/c/config.json" "$options" <<-'END' >found
			import json, sys
			def allowed(name):
			    sets = {}
			    for rule in json.load(open(name))["linux"]["seccomp"]["syscalls"]:
			        if rule["action"] == "SCMP_ACT_ALLOW":
			            for call in rule["names"]:
			                sets[call] = sets.get(call, False) or not rule.get("args")
			    return sets
			ours, theirs = allowed(sys.argv[1]), allowed(sys.argv[2])
			# Newer than containers-common's table.
			newer = set("""cachestat fchmodat2 futex_requeue futex_wait futex_wake futex_waitv
			getxattrat setxattrat listxattrat removexattrat map_shadow_stack mseal
			riscv_flush_icache riscv_hwprobe process_madvise process_mrelease
			landlock_create_ruleset landlock_add_rule landlock_restrict_self
			memfd_secret mbind set_mempolicy get_mempolicy set_mempolicy_home_node
			statmount listmount quotactl_fd""".split())
			# Only other machines have them; theirs lists them for those alone.
			newer |= set("""arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush
			s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr set_tls""".split())
			print(*sorted(call for call in ours if call not in theirs and call not in newer))
			print(*sorted(call for call in ours
			    if ours[call] and call in theirs and not theirs[call]))
		END
		check_equal "$(tr -d '\n' <found)" "" "what is allowed beyond podman's with \"$options\""
		rm -rf "$tmp/b" "$tmp/c"
	done
}
test_case "no system call is allowed that podman does not allow" no_wider_than_podman

# podman 4.3's own, from containers.conf(5) and libpod's lists.
same_sets_as_podman() {
	row full '.process.capabilities.bounding | sort | join(" ")' '"CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_FSETID CAP_KILL CAP_NET_BIND_SERVICE CAP_SETFCAP CAP_SETGID CAP_SETPCAP CAP_SETUID CAP_SYS_CHROOT"'
	row full '["/proc/acpi","/proc/kcore","/proc/keys","/proc/latency_stats",
		"/proc/timer_list","/proc/timer_stats","/proc/sched_debug","/proc/scsi",
		"/sys/firmware","/sys/fs/selinux","/sys/dev/block"] - .linux.maskedPaths' '[]'
	row full '["/proc/asound","/proc/bus","/proc/fs","/proc/irq","/proc/sys",
		"/proc/sysrq-trigger"] - .linux.readonlyPaths - .linux.maskedPaths' '[]'
}
test_case "capabilities, masked and read-only paths are podman's, or more of them" \
	same_sets_as_podman

runs_with_podmans() {
	run mocker-builder bundle full "$tmp/b" --user 0 --workdir / \
		--security-opt seccomp=/usr/share/containers/seccomp.json --entrypoint /bin/sh -- \
		-c 'grep ^Seccomp: /proc/self/status; unshare -U echo allowed'
	check_status 0
	edit_bundle "$tmp/b" '.linux.cgroupsPath = "/mocker-test/conversion"'
	run mocker-runtime run --bundle "$tmp/b" conversion
	check_output "Seccomp:	2
allowed" # which ours refuses
	rm -rf "$tmp/b"
}
test_case "podman's own profile is read, and taken" runs_with_podmans
