#!/bin/bash
# checkpoint and restore where they cannot be: what is asked wrongly, and what criu refuses
# (a file of the host as standard output it knows on no kernel, and some kernels not at
# all). Where they can be is in tests/vm/checkpoint.sh.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/sleeper.sh
. "$e2e/sleeper.sh"
leaves '^file /run/criu.kdat$' # what criu remembers of the kernel

engines_ask() {
	run mocker-runtime checkpoint --help
	check_status 0
	check_output_has "--image-path"
	run mocker-runtime restore --help
	check_status 0
	check_output_has "--console-socket"
}
test_case "an engine that asks for --help learns that it can be done" engines_ask

refused() {
	needs criu || return
	sleeper web
	start web
	mkdir "$tmp/there"
	run mocker-runtime checkpoint --image-path "$tmp/images" --work-path "$tmp/there" web
	check_fails_with 'container "web": criu could not dump it; ' "Error (criu/" \
		"its whole log is $tmp/there/dump.log"
	check_equal "$(container_status web)" running
	check_missing "$tmp/images"
	check_exists "$tmp/there/dump.log"
	run mocker-runtime checkpoint --image-path "$tmp/images" web
	check_fails_with "its whole log is $tmp/images/dump.log"
	check_equal "$(ls "$tmp/images")" dump.log
	check_equal "$(container_status web)" running
	delete web
	rm -r "$tmp/images" "$tmp/there"
}
test_case "what criu refuses is told in its words, and the container goes on" refused

# A program in criu's place that never answers.
hangs() {
	local signal pid

	printf '#!/bin/sh\necho $$ >%s\nkill -STOP $$\n' "$tmp/stopped" >"$tmp/silent"
	chmod +x "$tmp/silent"
	sleeper web
	start web
	for signal in TERM INT; do
		env --default-signal=INT,QUIT mocker-runtime --criu "$tmp/silent" checkpoint \
			--image-path "$tmp/images" web </dev/null >/dev/null 2>"$tmp/.errors" &
		pid=$!
		check wait_until 60 test -s "$tmp/stopped"
		kill -s $signal $pid
		status=0
		wait $pid || status=$?
		errors=$(cat "$tmp/.errors")
		command_run="checkpoint, ended by $signal"
		check_status 1
		check_fails_with "container \"web\": SIG$signal came before criu had dumped it"
		check_missing "/proc/$(cat "$tmp/stopped")"
		check_missing "$tmp/images"
		check_equal "$(container_status web)" running
		rm "$tmp/stopped"
	done
	delete web
	rm "$tmp/silent"
}
test_case "a checkpoint whose criu hangs is ended by a signal, and the container goes on" hangs

no_images() {
	needs criu || return
	sleeper web
	run mocker-runtime restore --image-path "$tmp/images" --bundle "$tmp/web" web
	check_fails_with "--image-path: opening $tmp/images: No such file or directory"
	mkdir "$tmp/images"
	run mocker-runtime restore --image-path "$tmp/images" --bundle "$tmp/web" web
	check_fails_with "descriptors.json" "is it a directory of a checkpoint's images?"
	echo '["/dev/null", "/dev/null", "/dev/null"]' >"$tmp/images/descriptors.json"
	run mocker-runtime restore --image-path "$tmp/images" --bundle "$tmp/web" web
	check_fails_with 'container "web": criu could not restore it; ' "Error (criu/" \
		"its whole log is $tmp/images/restore.log"
	check_equal "$(container_status web)" none
	rm -r "$tmp/images"
}
test_case "a restore of what are no images leaves nothing" no_images

hooks_are_undone() {
	needs criu || return
	make_bundle "$tmp/web" '.hooks = {"poststop": [{"path": "/bin/touch", "args": ["touch", "'"$tmp"'/stopped"]}]}'
	mkdir "$tmp/images"
	echo '[]' >"$tmp/images/descriptors.json"
	MOCKER_STOP_AT=cgroup-made mocker-runtime restore --image-path "$tmp/images" \
		--bundle "$tmp/web" web >/dev/null 2>&1 &
	check wait_until 60 grep -q 'State:.T' /proc/$!/status
	kill -KILL $!
	wait $! 2>/dev/null
	delete web
	check_equal "$(container_status web)" none
	rm -r "$tmp/images" "$tmp/stopped"
}
test_case "a restore that was killed is gone with delete --force" hooks_are_undone

# In criu's place, what comes to the hooks, and ends once it is answered.
come_to_hooks() {
	cat >"$tmp/to-hooks" <<'END'
#!/usr/bin/python3
import os, socket, sys
sock = socket.socket(fileno=int(sys.argv[2]))
sock.recv(1 << 20)
script = b"setup-namespaces"
notice = b"\x0a%c%b\x10%c" % (len(script), script, 1)
sock.send(b"\x08\x06\x10\x01\x2a%c%b" % (len(notice), notice))
sock.recv(1 << 20)
END
	chmod +x "$tmp/to-hooks"
}

hooks_are_ended() {
	local pid

	come_to_hooks
	make_bundle "$tmp/web" '.hooks = {"prestart": [{"path": "/bin/sh",
		"args": ["sh", "-c", "echo $$ >'"$tmp"'/hook; exec sleep 60"]}],
		"poststop": [{"path": "/bin/touch", "args": ["touch", "'"$tmp"'/after"]}]}'
	mkdir "$tmp/images"
	echo '[]' >"$tmp/images/descriptors.json"
	mocker-runtime --criu "$tmp/to-hooks" restore --image-path "$tmp/images" \
		--bundle "$tmp/web" web </dev/null >/dev/null 2>"$tmp/said" &
	pid=$!
	check wait_until 60 test -s "$tmp/hook"
	kill -TERM $pid
	check wait_until 60 eval "! kill -0 $pid"
	wait $pid && failed "status 0"
	check_has "$(cat "$tmp/said")" "/hooks/prestart/0: /bin/sh"
	check_has "$(cat "$tmp/said")" "ended by signal 15 before it began"
	check_missing "/proc/$(cat "$tmp/hook")"
	check_exists "$tmp/after"
	check_equal "$(container_status web)" none
	rm -r "$tmp/images" "$tmp/hook" "$tmp/after" "$tmp/to-hooks"
}
test_case "the hooks of a restore end with TERM" hooks_are_ended

mistakes() {
	make_bundle "$tmp/web"
	run mocker-runtime checkpoint web
	check_fails_with "container does not exist"
	sleeper web
	run mocker-runtime create --bundle "$tmp/web" web
	run mocker-runtime checkpoint --image-path "$tmp/images" web
	check_fails_with 'cannot checkpoint container "web": it is created'
	delete web
	start web
	run mocker-runtime restore --image-path "$tmp" --bundle "$tmp/web" web
	check_fails_with "container with given ID already exists: web"
	run mocker-runtime checkpoint --image-path "$tmp/images" --parent-path /abs web
	check_fails_with "--parent-path: expected a path relative to the images, found /abs"
	run mocker-runtime checkpoint --image-path "$tmp/images" --parent-path ../none web
	check_fails_with "--parent-path: ../none in $tmp/images: No such file or directory"
	run mocker-runtime checkpoint --image-path "$tmp/images" --empty-ns pid web
	check_fails_with '--empty-ns: expected network, found "pid"'
	run mocker-runtime checkpoint --image-path "$tmp/images" --page-server 7 web
	check_fails_with '--page-server: expected ADDRESS:PORT, found "7"'
	run mocker-runtime checkpoint --image-path "$tmp/images" --status-fd 77 web
	check_fails_with "--status-fd: descriptor 77: Bad file descriptor"
	run mocker-runtime checkpoint --image-path "$tmp/images" --manage-cgroups-mode some web
	check_fails_with "--manage-cgroups-mode" some
	run mocker-runtime --criu /no/criu checkpoint --image-path "$tmp/images" web
	check_fails_with "executing /no/criu (is criu installed?)"
	run mocker-runtime --criu /bin/true checkpoint --image-path "$tmp/images" web
	check_fails_with "criu ended without an answer"
	check_missing "$tmp/images"
	check_equal "$(container_status web)" running
	mocker-runtime kill web KILL
	check wait_until 60 sh -c 'mocker-runtime state web | grep -q stopped'
	run mocker-runtime checkpoint --image-path "$tmp/images" web
	check_fails_with 'cannot checkpoint container "web": container not running'
	delete web
	check_missing "$tmp/images"
}
test_case "what cannot be is told before anything is made" mistakes

unsaveable() {
	make_bundle "$tmp/web"
	mkdir "$tmp/images"
	edit_bundle "$tmp/web" '.linux.namespaces |= map(select(.type != "mount"))' \
		'del(.mounts, .linux.maskedPaths, .linux.readonlyPaths)'
	run mocker-runtime restore --image-path "$tmp/images" --bundle "$tmp/web" web
	check_fails_with "config.json" "/linux/namespaces: a restore needs a new mount namespace"
	make_bundle "$tmp/web" '.process.terminal = true'
	run mocker-runtime restore --detach --image-path "$tmp/images" --bundle "$tmp/web" web
	check_fails_with "add --console-socket"
	make_bundle "$tmp/web" '.mounts += [{"destination": "/mnt", "type": "bind", "source": "/tmp",
		"options": ["bind", "idmap"], "uidMappings": [{"containerID": 0, "hostID": 5, "size": 9}],
		"gidMappings": [{"containerID": 0, "hostID": 5, "size": 9}]}]'
	run mocker-runtime restore --detach --image-path "$tmp/images" --bundle "$tmp/web" web
	check_fails_with "config.json" "/mounts/6: criu knows no id-mapped mounts"
	make_bundle "$tmp/web" '.linux.memoryPolicy = {"mode": "MPOL_LOCAL"}'
	run mocker-runtime restore --detach --image-path "$tmp/images" --bundle "$tmp/web" web
	check_fails_with "config.json" "/linux/memoryPolicy: criu does not save it"
	make_bundle "$tmp/web" '.process.user.uid = 1000' \
		'.process.capabilities |= (.inheritable = ["CAP_KILL"] | .ambient = ["CAP_KILL"])'
	run mocker-runtime restore --detach --image-path "$tmp/images" --bundle "$tmp/web" web
	check_fails_with "config.json" "/process/capabilities/ambient: criu does not save them"
	rm -r "$tmp/images"
}
test_case "what criu would silently restore as something else is refused" unsaveable

no_such_module() {
	make_bundle "$tmp/web"
	run mocker-runtime restore --lsm-profile smack:web --bundle "$tmp/web" web
	check_fails_with '--lsm-profile: expected apparmor:NAME or selinux:LABEL, found "smack:web"'
	run mocker-runtime restore --lsm-profile apparmor: --bundle "$tmp/web" web
	check_fails_with '--lsm-profile: expected apparmor:NAME or selinux:LABEL, found "apparmor:"'
	[ -e /sys/module/apparmor ] || {
		edit_bundle "$tmp/web" '.process.apparmorProfile = "web"'
		run mocker-runtime --criu /no/criu restore --bundle "$tmp/web" web
		check_fails_with '/process/apparmorProfile: "web": AppArmor is not active on this machine'
		edit_bundle "$tmp/web" 'del(.process.apparmorProfile)'
		run mocker-runtime restore --lsm-profile apparmor:web --bundle "$tmp/web" web
		check_fails_with '--lsm-profile: "web": AppArmor is not active on this machine'
	}
	[ -e /sys/fs/selinux/enforce ] || {
		run mocker-runtime restore --lsm-profile selinux:a:b:c --bundle "$tmp/web" web
		check_fails_with '--lsm-profile: "a:b:c": SELinux is not active on this machine'
		edit_bundle "$tmp/web" '.process.selinuxLabel = "a:b:c"'
		run mocker-runtime --criu /no/criu restore --bundle "$tmp/web" web
		check_fails_with '/process/selinuxLabel: "a:b:c": SELinux is not active on this machine'
		edit_bundle "$tmp/web" 'del(.process.selinuxLabel)'
		run mocker-runtime restore --lsm-mount-context a:b:c --bundle "$tmp/web" web
		check_fails_with "--lsm-mount-context: \"a:b:c\": SELinux is not active on this machine"
	}
}
test_case "a profile of a security module that is not active is refused" no_such_module
