#!/bin/bash
# Devices by their vendors' names, as CDI has them: RUN --device and bundle --device, from
# specifications in JSON and YAML. tests/clients/podman.sh compares with podman.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

leaves '^file /var/lib/mocker/?'

set_up() {
	mkdir -p context cdi late shared
	make_rootfs context/rootfs
	printf 'FROM scratch\nCOPY rootfs /\nCMD ["true"]\n' >context/Mockerfile
	run mocker-builder build -t base context
	check_status 0
	echo library >shared/library
	cat >cdi/vendor.yaml <<-END
		---
		cdiVersion: 0.6.0
		kind: vendor1.com/device
		annotations:
		  org.mobyproject.buildkit.device.autoallow: true
		containerEdits:
		  env:
		    - VENDOR=all
		devices:
		  - name: foo   # the first but for the alphabet
		    containerEdits:
		      env: [FOO=injected, "PATH=/bin:/opt/bin"]
		      deviceNodes:
		        - path: /dev/sink
		          hostPath: /dev/full
		          permissions: rw
		          fileMode: 0640
		          gid: 7
		      mounts:
		        - hostPath: $tmp/shared/library
		          containerPath: /opt/lib/deep/library
		          options: [ro, nosuid, bind]
		        - hostPath: $tmp/shared
		          containerPath: /opt/lib
		      additionalGids: [44, 0, 44]
		  - name: bar
		    annotations: {org.mobyproject.buildkit.device.class: class1}
		    containerEdits: {env: [BAR=injected]}
		  - name: baz
		    annotations: {org.mobyproject.buildkit.device.class: class1}
		    containerEdits: {env: [BAZ=injected]}
	END
	mkdir -p shared/deep && : >shared/deep/library
	cat >cdi/closed.json <<-'END'
		{"cdiVersion": "0.5.0", "kind": "closed.org/thing", "devices": [
			{"name": "0", "containerEdits": {"env": ["CLOSED=0"]}}]}
	END
}
test_setup set_up

# built FLAGS COMMAND [OPTION...]
built() {
	local flags=$1 command=$2

	shift 2
	mkdir -p device
	printf 'FROM base\nRUN %s %s\n' "$flags" "$command" >device/Mockerfile
	run mocker-builder build --no-cache --progress=plain --cdi-spec-dir "$tmp/cdi" "$@" -t app device
}

# says FLAGS EXPECTED: the variables that the devices bring.
says() {
	built "$1" 'echo "got $(env | grep -E "^(FOO|BAR|BAZ|VENDOR|CLOSED)=" | sort | tr "\n" " ")"' "${@:3}"
	check_status 0
	check_output_has "| got $2"
}

by_pattern() {
	says --device=vendor1.com/device=foo 'FOO=injected VENDOR=all '
	says --device=vendor1.com/device,required 'BAR=injected VENDOR=all '
	says '--device=vendor1.com/device=*' 'BAR=injected BAZ=injected FOO=injected VENDOR=all '
	says --device=name=class1,required=true 'BAR=injected BAZ=injected VENDOR=all '
	says '--device=vendor1.com/device=baz --device=class1' 'BAR=injected BAZ=injected VENDOR=all '
	says "--device=closed.org/thing=0 --device=vendor1.com/device=foo" \
		'CLOSED=0 FOO=injected VENDOR=all ' --allow device
	says --device=closed.org/thing 'CLOSED=0 ' --allow device=closed.org/thing=0
}
test_case "RUN --device: by name, class, all of a kind, and by its first" by_pattern

inside() {
	built --device=vendor1.com/device=foo 'stat -c "node %F %t:%T %a %u:%g" /dev/sink && \
		echo "path $PATH" && cat /opt/lib/deep/library && id -G && ! echo x >/dev/sink && \
		! echo x >/opt/lib/deep/library && echo y >/opt/lib/new'
	check_status 0
	check_output_has "| node character special file 1:7 640 0:7"
	check_output_has "| path /bin:/opt/bin"
	check_output_has "| library"
	check_output_has "| 0 44"
	check_equal "$(cat shared/new)" y "what was written to the other mount"
	rm shared/new
	run mocker-builder save --format docker-archive -o app.tar app
	check_status 0
	check_equal "$(tar -xOf app.tar --wildcards '*/layer.tar' '*.tar' 2>/dev/null | grep -acE 'opt/lib|dev/sink')" \
		0 "what is left in the image"
	rm app.tar
}
test_case "the step has its nodes, mounts, variables and groups, and the image nothing of them" inside

cached() {
	printf 'FROM base\nRUN --device=class1 env\n' >device/Mockerfile
	run mocker-builder build --cdi-spec-dir "$tmp/cdi" -t app device
	run mocker-builder build --cdi-spec-dir "$tmp/cdi" -t app device
	check_output_has CACHED
	cat >late/more.json <<-'END'
		{"cdiVersion": "0.6.0", "kind": "late.org/x", "devices": [{"name": "y",
			"annotations": {"org.mobyproject.buildkit.device.class": "class1",
				"org.mobyproject.buildkit.device.autoallow": "true"},
			"containerEdits": {"env": ["LATE=1"]}}]}
	END
	run mocker-builder build --why --cdi-spec-dir "$tmp/cdi" --cdi-spec-dir "$tmp/late" -t app device
	check_status 0
	check_output_has "LATE=1"
	check_has "$output$errors" "the devices"
	rm late/more.json
}
test_case "which devices a step has is part of its key" cached

read_once() {
	mkdir -p wrong && echo 'a: [b' >wrong/a.yaml
	printf 'FROM base\nRUN %s env\nRUN %s true\n' --device=class1 --device=vendor1.com/device \
		>device/Mockerfile
	run mocker-builder build --no-cache --cdi-spec-dir "$tmp/wrong" --cdi-spec-dir "$tmp/cdi" \
		-t app device
	check_status 0
	check_output_has "BAZ=injected"
	check_equal "$(grep -c "wrong/a.yaml:.*its devices are not known" <<<"$errors")" 1 \
		"how often it is said"
	rm -r wrong
}
test_case "a stage reads the vendors' files once, for all its steps" read_once

refused() {
	built --device=closed.org/thing=0 true
	check_status 1
	check_errors_have "Mockerfile:2: RUN --device reaches the host's device closed.org/thing=0: build with --allow device=closed.org/thing=0 to agree"
	built --device=closed.org/thing=0 true --allow device=closed.org/thing=1
	check_status 1
	built --device=vendor.com/gpu=all,required true
	check_status 1
	check_errors_have "Mockerfile:2: RUN requires the device vendor.com/gpu=all, but no CDI specification has it"
	built --device=vendor.com/gpu=all 'echo went on'
	check_status 0
	check_output_has "| went on"
	check_equal "$(grep -c 'Mockerfile:2: RUN goes on without the device vendor.com/gpu=all: no CDI specification has it' <<<"$errors")" \
		1 "how often it is said"
	built --device=a/b=c,optional true
	check_status 1
	check_errors_have '--device: "optional" is not known; expected [name=]VENDOR/CLASS=DEVICE or required'
	built --device=required true
	check_status 1
	check_errors_have "--device: expected the name of a device"
	built --device=a/b=c,name=d/e=f true
	check_status 1
	check_errors_have "--device: two names"
}
test_case "what nobody allowed, what is required and absent: one line" refused

# bad FILE TEXT ERROR: of a specification that cannot be read its devices are not known.
bad() {
	rm -rf wrong
	mkdir wrong
	printf '%b' "$2" >"wrong/$1"
	run mocker-builder bundle base "$tmp/b" --cdi-spec-dir "$tmp/wrong" --device v/c=d
	check_status 1
	check_errors_have "warning: $tmp/wrong/$1:$3; its devices are not known"
	check_errors_have "no file of CDI's directories has the device v/c=d"
	check_missing "$tmp/b"
}

wrong_files() {
	local head='cdiVersion: 0.6.0\nkind: v/c\ndevices:\n'

	bad a.yaml 'a: [b' "2:1: did not find expected ',' or ']'"
	bad a.yml 'a: &x 1\nb: *x\n' "2:4: aliases are not read"
	bad a.yaml 'a: !!binary x\n' "1:4: tags are not read"
	bad a.yaml '? [a]\n: b\n' "1:3: a key can only be a word"
	bad a.yaml 'a: 1\n---\nb: 1\n' "2:1: expected one document"
	bad a.yaml "$(printf '[%.0s' {1..100})" "1:65: it is nested too deeply"
	bad a.yaml "${head}- name: d\n" '4:2: /devices/0: the required member "containerEdits" is missing'
	bad a.json '{}' '1:1: the required member "cdiVersion" is missing'
}
wrong_fields() {
	local device='cdiVersion: 0.6.0\nkind: v/c\ndevices:\n- name: d\n  containerEdits:\n'

	bad a.yaml 'cdiVersion: 0.6.0\nkind: vc\ndevices: []\n' '2:8: /kind: expected VENDOR/CLASS, found "vc"'
	bad a.yaml 'cdiVersion: 0.6.0\nkind: v/c\ndevices: []\n' '3:11: /devices: expected at least one'
	bad a.yaml "${device}    env: [A]\n" '6:9: /devices/0/containerEdits/env/0: expected NAME=VALUE, found "A"'
	bad a.yaml "${device}    deviceNodes: [{path: x}]\n" '6:25: /devices/0/containerEdits/deviceNodes/0/path: expected an absolute path'
	bad a.yaml "${device}    deviceNodes: [{path: /x, permissions: q}]\n" '6:44: /devices/0/containerEdits/deviceNodes/0/permissions: expected some of r, w and m, or none; found "q"'
	bad a.yaml "${device}    hooks: [{hookName: never, path: /bin/true}]\n" '6:23: /devices/0/containerEdits/hooks/0/hookName: "never" is no kind of hook'
	bad a.yaml "${device}    mounts: [{hostPath: /x, containerPath: y}]\n" '6:45: /devices/0/containerEdits/mounts/0/containerPath: expected an absolute path'
}
wrong_place() {
	local name

	bad_device() {
		run mocker-builder bundle base "$tmp/b" --cdi-spec-dir "$tmp/cdi" --cdi-spec-dir "$tmp/twice" --device "$1"
		check_status 1
		check_errors_have "$2"
		check_missing "$tmp/b"
	}
	mkdir -p twice
	for name in one two; do
		echo '{"cdiVersion": "0.6.0", "kind": "v/c", "devices": [
			{"name": "d", "containerEdits": {}},
			{"name": "gone", "containerEdits": {"deviceNodes": [{"path": "/dev/no-such"}]}},
			{"name": "type", "containerEdits": {"deviceNodes": [{"path": "/dev/null", "type": "b"}]}}]}' >twice/$name.json
	done
	bad_device v/c=d "$tmp/twice/one.json and $tmp/twice/two.json both have the device v/c=d"
	rm twice/two.json
	bad_device v/c=gone "$tmp/twice/one.json: v/c=gone: the device /dev/no-such: No such file or directory"
	bad_device v/c=type '/dev/null is a device of another type than "b"'
	bad_device v/c=e "no file of CDI's directories has the device v/c=e"
	rm -r twice wrong
}
test_case "files that are no specification are named with line and reason" wrong_files
test_case "so is a field that is wrong" wrong_fields
test_case "a device in two files, and one that the host has not" wrong_place

bundled() {
	cat >late/edits.json <<-END
		{"cdiVersion": "1.1.0", "kind": "v/c", "devices": [{"name": "d", "containerEdits": {
			"hooks": [{"hookName": "createRuntime", "path": "/bin/touch", "args": ["touch", "$tmp/hooked"], "timeout": 5}],
			"netDevices": [{"hostInterfaceName": "eth7", "name": "eth0"}],
			"intelRdt": {"closID": "guaranteed"},
			"mounts": [{"hostPath": "tmpfs", "containerPath": "/run", "type": "tmpfs", "options": ["size=1m"]}],
			"deviceNodes": [{"path": "/dev/null", "major": 1, "minor": 7, "type": "c", "permissions": "none"},
				{"path": "/dev/pipe", "type": "p"}]}}]}
	END
	run mocker-builder bundle base "$tmp/b" --cdi-spec-dir "$tmp/cdi" --cdi-spec-dir "$tmp/late" \
		--device v/c=d --device vendor1.com/device=bar --user 5:6
	check_status 0
	check_equal "$(jq -c .hooks.createRuntime b/config.json)" \
		"[{\"path\":\"/bin/touch\",\"args\":[\"touch\",\"$tmp/hooked\"],\"timeout\":5}]" hooks
	check_equal "$(jq -c '.linux | .netDevices, .intelRdt' b/config.json)" \
		$'{"eth7":{"name":"eth0"}}\n{"closID":"guaranteed"}' "the rest"
	check_equal "$(jq -c '[.mounts[] | select(.destination == "/run")]' b/config.json)" \
		'[{"destination":"/run","type":"tmpfs","source":"tmpfs","options":["size=1m"]}]' mounts
	check_equal "$(jq -c '[.linux.devices[] | [.path, .type, .major, .minor, .uid, .gid]]' b/config.json)" \
		'[["/dev/null","c",1,7,5,6],["/dev/pipe","p",null,null,5,6]]' devices
	check_equal "$(jq -c '[.linux.resources.devices[] | select(.minor == 7)]' b/config.json)" '[]' rules
	check_equal "$(jq -r '.process.env[]' b/config.json | grep -E '^(BAR|VENDOR)')" $'VENDOR=all\nBAR=injected' env
	rm -r b
	rm late/edits.json
}
test_case "bundle --device: every edit has its place in config.json" bundled

nothing_is_left() {
	empty_store app base
}
test_case "nothing is left" nothing_is_left
