#!/bin/bash
# Builds of a user without privilege: as root of a user namespace with the user's
# subordinate ids, or with the user's own id alone; what root builds and what the user
# builds is the same; bundles that the user runs; nothing that is left.
test_limit=900
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/registry.sh
. "$e2e/registry.sh"
# shellcheck source=tests/e2e/rootless-lib.sh
. "$e2e/rootless-lib.sh"

test_setup rootless_set_up

builds() {
	as_user mocker-builder build -t app context
	check_status 0
	check_equal "$(stat -c '%a %u:%g' "$store")" "700 $user:$user" "the store"
	check_equal "$(stat -c '%u:%g %a' "$store"/layers/*/fs/who)" "100032:200043 4711"
	check_equal "$(stat -c '%u:%g' "$store"/layers/*/fs/home/user/text)" 100999:200009
	check_equal "$(stat -c '%u:%g %h' "$store"/layers/*/fs/home/user/work/again)" \
		"100999:200999 2"
	check_equal "$(stat -c '%F %t,%T' "$store"/layers/*/fs/etc/removed | sort)" \
		$'character special file 0,0\nregular file 0,0' "the file and its whiteout"
	check_missing "/var/lib/mocker/layers"
	check_store_quiet
	as_user mocker-builder images
	check_output_has app:latest
}
test_case "a build in the user's store, with owners, set-id bits and whiteouts" builds

from_the_cache() {
	as_user mocker-builder build -t app context
	check_status 0
	check_output_has "[7/8] CACHED RUN id -u"
	check_lacks "$output" "done in"
}
test_case "the next build is cached" from_the_cache

inside_of_run() {
	printf '%s\n' 'FROM app' 'USER root' \
		'RUN id -u; id -G; cat /proc/self/uid_map' \
		'RUN echo >/dev/null && mknod /x c 1 3' >"$home/context/inside"
	as_user mocker-builder build --progress=plain -f context/inside context
	check_status 1
	check_matches "$output" $'\\|  +0 +0 +1\n.*\\| +1 +1 +65536'
	check_output_has "mknod: /x: Operation not permitted"
	check_errors_have "RUN failed with exit status 1"
	check_store_quiet
}
test_case "RUN is root of a user namespace, and can make no device" inside_of_run

same_digests() {
	run env -C "$home" SOURCE_DATE_EPOCH=1000000000 mocker-builder build -q -t app \
		-o type=oci,dest="$tmp/by-root" context
	check_status 0
	as_user env SOURCE_DATE_EPOCH=1000000000 mocker-builder build -q -t same \
		-o type=oci,dest=by-user context
	check_status 0
	check_equal "$(jq -r '.manifests[0].digest' "$home/by-user/index.json")" \
		"$(jq -r '.manifests[0].digest' "$tmp/by-root/index.json")" \
		"the digest of the manifest"
	check_matches "$(jq -r '.manifests[0].digest' "$home/by-user/index.json")" ^sha256:
	rm -rf "$tmp/by-root" "$home/by-user"
}
test_case "root and the user build the same bytes" same_digests

from_a_layout() {
	needs skopeo umoci || return
	as_user mocker-builder save --format oci-dir -o layout app
	check_status 0
	as_user skopeo inspect oci:layout:app:latest
	check_status 0
	check_equal "$(jq '.Layers | length' <<<"$output")" 6 "the layers"
	as_user umoci unpack --rootless --image layout:app:latest unpacked
	check_status 0
	check_equal "$(ls "$home/unpacked/rootfs/etc/renewed")" new
	check_missing "$home/unpacked/rootfs/etc/removed"
	printf '%s\n' 'FROM oci:layout:app:latest' 'USER root' \
		'RUN cat /etc/renewed/new && ls /etc/renewed && ! ls /etc/removed && rm -r /etc/renewed' \
		'RUN ! ls /etc/renewed && mkdir /etc/renewed && echo newer >/etc/renewed/newer' \
		'RUN ls /etc/renewed && stat -c %u:%g /home/user/text /who' >"$home/context/again"
	(cd "$home" && ln -s ../layout context/layout)
	as_user mocker-builder build -q -t again -f context/again .
	check_status 0
	as_user mocker-builder build --no-cache --progress=plain -f context/again .
	check_matches "$output" $'newer\n.*1000:10\n.*33:44'
	chmod -R u+w "$home/unpacked" && rm -rf "$home/unpacked" "$home/layout" "$home/context/layout"
}
test_case "skopeo and umoci read it, and FROM an image layout goes on with it" from_a_layout

runs_bundle() { # --rootfs's value
	as_user mocker-builder bundle --rootfs "$1" app bundle
	check_status 0
	check_equal "$(stat -c %a "$home/bundle")" 700 "its mode"
	check_equal "$(jq -c .linux.uidMappings "$home/bundle/config.json")" \
		'[{"containerID":0,"hostID":1234,"size":1},{"containerID":1,"hostID":100000,"size":65536}]'
	as_user mocker-runtime --root "$home/state" run --bundle bundle app
	check_status 1
	check_output $'1000\ntext\nnew'
	check_errors_have "ls: /etc/removed: No such file or directory"
	as_user mocker-builder unbundle bundle
	check_status 0
	check_missing "$home/bundle"
	rm -rf "$home/state"
}
test_case "a bundle with a copy, run by the user" runs_bundle copy
test_case "a bundle with an overlay, run by the user" runs_bundle overlay

own_ids() {
	as_user mocker-builder bundle "$@" app bundle
	check_fails_with "bundling app: ${1%%=*}: a user's bundle has the user's own ids"
	check_missing "$home/bundle"
	as_user mocker-builder bundle --userns host app bundle
	check_status 0
	as_user mocker-builder unbundle bundle
	check_status 0
}
test_case "a user's bundle has the user's ids: --userns" own_ids --userns=somebody
test_case "a user's bundle has the user's ids: --uidmap" own_ids --uidmap=0:1:5

writes_in_bundle() {
	as_user mocker-builder bundle --rootfs overlay -u 0 app bundle -- sh -c \
		'rm -r /etc/renewed && mkdir /etc/renewed && touch /etc/renewed/mine && chown user /etc/renewed/mine'
	check_status 0
	as_user mocker-runtime --root "$home/state" run --bundle bundle app
	check_status 0
	edit_bundle "$home/bundle" '.process.args = ["stat", "-c", "%n %U", "/etc/renewed/mine"]'
	chown "$user:$user" "$home/bundle/config.json"
	as_user mocker-runtime --root "$home/state" run --bundle bundle app
	check_output "/etc/renewed/mine user"
	check_equal "$(stat -c %u "$home/bundle/upper/etc/renewed/mine")" 100999
	as_user mocker-builder prune --all --quiet
	check_status 0
	as_user mocker-runtime --root "$home/state" run --bundle bundle app
	check_output "/etc/renewed/mine user" # its layers are leased
	as_user mocker-builder unbundle bundle
	check_status 0
	rm -rf "$home/state"
	as_user mocker-builder build -q -t app context
	check_status 0
}
test_case "what a container writes stays in its bundle, and its layers stay with it" writes_in_bundle

front_door() {
	as_user env "XDG_RUNTIME_DIR=$home/run" "PATH=$tmp/programs:/usr/bin:/bin:/sbin" \
		mocker run --rm --network none try app
	check_status 1
	check_output $'1000\ntext\nnew'
	check_equal "$(ls -A "$store/containers")" "" "containers"
	rm -rf "$home/run/mocker"
}
test_case "mocker run as a user" front_door

network() {
	printf '%s\n' 'FROM app' "RUN --network=none ip -o link | wc -l" \
		"RUN ip -o link | grep -c strange" >"$home/context/network"
	ip link add strange type veth peer name stranger
	as_user mocker-builder build --no-cache --progress=plain -f context/network context
	check_status 0
	check_matches "$output" $'\\| 1\n.*\\| 2\n'
	ip link del strange
}
test_case "RUN has the host's network, or none" network

mounts_of_run() {
	echo secret >"$home/secret" && chown "$user" "$home/secret" && chmod 600 "$home/secret"
	cat >"$home/context/mounts" <<-'END'
		FROM app
		USER root
		RUN --mount=type=cache,target=/c,uid=7 stat -c %u /c && echo kept >/c/file
		RUN --mount=type=cache,target=/c,uid=7 cat /c/file
		RUN --mount=type=secret,id=s,uid=7 stat -c %u /run/secrets/s && cat /run/secrets/s
		RUN --mount=type=secret,id=s,env=S echo "in $S"
		RUN --mount=type=bind,target=/b cat /b/text
		RUN --mount=type=bind,from=app,target=/b cat /b/home/user/text && ! touch /b/x
		RUN --mount=type=bind,from=app,target=/b,rw touch /b/x
		RUN --mount=type=tmpfs,target=/t grep -q "tmpfs /t" /proc/mounts
	END
	echo ignored >"$home/context/.dockerignore"
	as_user mocker-builder build --secret id=s,src=secret --progress=plain -f context/mounts context
	check_status 0
	check_output_has "| kept"
	check_output_has "| secret"
	check_output_has "| in secret"
	check_equal "$(grep -c '| 7$' <<<"$output")" 2 "owners in RUN"
	as_user mocker-builder cache ls -q
	check_output /c
	as_user mocker-builder cache rm --all
	check_status 0
	rm "$home/context/.dockerignore" "$home/secret"
	check_store_quiet
}
test_case "caches, secrets, binds and tmpfs of RUN" mounts_of_run

registry() {
	needs docker-registry skopeo || return
	registry_start registry 5000
	as_user mocker-builder push --tls-verify=false app 127.0.0.1:5000/app:1
	check_status 0
	as_user skopeo inspect --tls-verify=false docker://127.0.0.1:5000/app:1
	check_status 0
	as_user mocker-builder --root pulled pull --tls-verify=false 127.0.0.1:5000/app:1
	check_status 0
	check_equal "$(stat -c '%u:%g' "$home"/pulled/layers/*/fs/who)" 100032:200043
	as_user mocker-builder save --format docker-archive -o app.tar app
	check_status 0
	as_user mocker-builder --root pulled load -t loaded app.tar
	check_status 0
	as_user mocker-builder --root pulled images -q
	check_equal "$(wc -l <<<"$output")" 2 "the images"
	as_user mocker-builder unshare rm -r pulled app.tar
	check_status 0
}
test_case "push, pull and load" registry

# RUN's shell has the terminal, in its process namespace.
shell_on_failure() {
	printf '%s\n' 'FROM app' 'RUN echo left >here; echo "type now"; sleep 1; false' >"$home/context/fails"
	cp "$e2e/runtime-terminal.py" "$tmp/programs"
	as_user /usr/bin/python3 "$tmp/programs/runtime-terminal.py" type 'cat here; id -u; exit\r' \
		mocker-builder build --progress=plain --shell-on-failure -f context/fails context
	check_status 1
	check_output_has "RUN failed with exit status 1"
	check_matches "$output" $'\nleft\r?\n1000\r?\n'
	check_store_quiet
}
test_case "a shell where RUN failed" shell_on_failure

# ---- without subordinate ids --------------------------------------------------------

own_store=$home/own

# A user of one id: what belongs to root alone is built, run and removed.
alone() {
	mkdir "$own_store" && chown 1235:1235 "$own_store"
	printf '%s\n' 'FROM rootfs:plain.tar' \
		'RUN id -u && rm -r /etc/renewed && mkdir /etc/renewed && rm /etc/removed' \
		'COPY text /text' 'CMD ["sh", "-c", "id -u; cat /text; ls /etc/renewed"]' \
		>"$home/context/alone"
	as=1235 as_user mocker-builder --root "$own_store/store" build -t app -f context/alone context
	check_status 0
	for rootfs in copy overlay; do
		as=1235 as_user mocker-builder --root "$own_store/store" bundle --rootfs "$rootfs" app "$own_store/bundle"
		check_status 0
		check_equal "$(jq -c .linux.gidMappings "$own_store/bundle/config.json")" \
			'[{"containerID":0,"hostID":1235,"size":1}]'
		as=1235 as_user mocker-runtime --root "$own_store/state" run --bundle "$own_store/bundle" app
		check_status 0
		check_output $'0\ntext'
		as=1235 as_user rm -rf "$own_store/bundle"
		check_status 0
	done
	as=1235 as_user rm -rf "$own_store/store" "$own_store/state"
	check_status 0
	rm -rf "$own_store"
}
test_case "without subordinate ids: files of root alone" alone

remedy='give yourself more ids in /etc/subuid and /etc/subgid, and install the package uidmap'

alone_fails() { # ERROR MOCKERFILE-LINE...
	mkdir -p "$own_store" && chown 1235:1235 "$own_store"
	printf '%s\n' "${@:2}" >"$home/context/alone"
	as=1235 as_user mocker-builder --root "$own_store" build -q -f context/alone context
	check_status 1
	check_errors_have "$1: $remedy"
	check_equal "$(find "$own_store/temp" -mindepth 1)" "" "what is left"
	rm -rf "$own_store"
}
test_case "without subordinate ids: a layer with other owners" alone_fails \
	"setting the owner of srv/users: Invalid argument; the user namespace has no user 1000" \
	'FROM rootfs:rootfs.tar'
test_case "without subordinate ids: COPY --chown" alone_fails \
	"setting the owner of /text: Invalid argument; the user namespace has no user 1000" \
	'FROM rootfs:plain.tar' 'COPY --chown=user text /text'
test_case "without subordinate ids: USER" alone_fails \
	"the container cannot run as 1000:1000; the user namespace has no user 1000" \
	'FROM rootfs:plain.tar' 'USER user' 'RUN true'
test_case "without subordinate ids: WORKDIR of a user" alone_fails \
	"; the user namespace has no user 1000" \
	'FROM rootfs:plain.tar' 'USER user' 'WORKDIR /made'

# The same for who has the ids, but not the programs.
no_newuidmap() {
	mkdir -p "$tmp/few"
	ln -s /bin/sh /bin/id "$tmp/few"
	path=$tmp/programs:$tmp/few as_user mocker-builder unshare id -u
	check_status 0
	check_output 0
	path=$tmp/programs:$tmp/few as_user mocker-builder unshare sh -c \
		'read -r a b c </proc/self/uid_map; echo $a $b $c; while read -r line; do echo $line; done </proc/self/uid_map'
	check_equal "$(tail -n 1 <<<"$output")" "0 $user 1"
	path=$tmp/programs:$tmp/few as_user mocker-builder --root other build -q -f context/Mockerfile context
	check_status 1
	check_errors_have "the user namespace has no user 1000: $remedy"
	as_user rm -rf other
	rm -r "$tmp/few"
}
test_case "without newuidmap the user's own id is all there is" no_newuidmap

# newuidmap is asked for more than it gives: one line, and nothing is begun.
refused_ids() {
	mkdir "$tmp/few" && cp "$(command -v newuidmap)" "$(command -v newgidmap)" "$tmp/few"
	path=$tmp/programs:$tmp/few:/usr/bin:/bin as_user mocker-builder unshare true
	check_status 127
	check_fails_with "becoming root of a user namespace: newgidmap failed: " "Operation not permitted"
	rm -r "$tmp/few"
}
test_case "a newuidmap without its set-id bit" refused_ids

no_user_namespaces() {
	as_user unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_user_namespaces && setpriv --reuid 0 --bounding-set=-sys_admin --inh-caps=-sys_admin mocker-builder --root other build context'
	check_status 1
	check_errors_have "becoming root of a user namespace: making a user namespace: No space left on device"
	check_missing "$home/other"
}
test_case "where no user namespace can be made" no_user_namespaces

without_from() {
	printf '%s\n' 'RUN true' >"$home/context/host"
	as_user mocker-builder build -f context/host context
	check_status 1
	check_fails_with "a Mockerfile without FROM builds on the files of this host, which are root's: as a user begin it with FROM"
}
test_case "a Mockerfile without FROM is root's" without_from

# ---- unshare ------------------------------------------------------------------------

unshares() {
	as_user mocker-builder unshare sh -c 'id -u; id -g; stat -c %u:%g .local/share/mocker/layers/*/fs/who; exit 7'
	check_status 7
	check_output $'0\n0\n33:44'
	as_user mocker-builder unshare sh -c 'kill -TERM $$'
	check_status 143
	as_user mocker-builder unshare no-such-program
	check_status 127
	check_fails_with "mocker-builder: executing no-such-program: No such file or directory"
	as_user env SHELL=/bin/sh mocker-builder unshare <<<'mocker-builder images -q | wc -l'
	check_status 0
	run mocker-builder unshare id -u
	check_output 0
}
test_case "unshare: a command in the namespace, and its status" unshares

# Programs of ours in there use the user's store, and need no second namespace.
within_unshare() {
	as_user mocker-builder unshare sh -c 'mocker-builder build -q -t within context && mocker-builder images -q'
	check_status 0
	check_missing /var/lib/mocker/layers/nothing
	as_user mocker-builder inspect within
	check_status 0
	as_user mocker-builder rmi within
	check_status 0
}
test_case "builds in unshare are the user's" within_unshare

believes_nobody() {
	as_user env MOCKER_ROOTLESS_UID=0 mocker-builder images
	check_status 0
	check_output_has app:latest
	run env MOCKER_ROOTLESS_UID=1234 "HOME=$home" mocker-builder images
	check_status 0
	check_equal "$(stat -c %u "$store")" "$user"
	as_user env MOCKER_ROOTLESS_UID=77 mocker-builder unshare sh -c 'echo $MOCKER_ROOTLESS_UID'
	check_output "$user"
}
test_case "a variable of the caller's names no other store" believes_nobody

# ---- ends ---------------------------------------------------------------------------

# killed SIGNAL: while RUN sleeps as another user, in a process group of its own.
killed() {
	printf '%s\n' 'FROM app' 'RUN echo begun && sleep 4321 & sleep 4321' >"$home/context/sleep"
	setpriv --reuid $user --regid $user --clear-groups env -C "$home" "HOME=$home" \
		"PATH=$tmp/programs:/usr/bin:/bin" \
		mocker-builder build --progress=plain -f context/sleep context >"$tmp/said" 2>&1 &
	pid=$!
	check wait_until 20 grep -q begun "$tmp/said"
	kill "-$1" "$pid"
	wait "$pid"
	check_equal $? "$2" "the status after SIG$1"
	check wait_until 10 sh -c '! pgrep -f "^sleep 4321"'
	as_user mocker-builder prune --quiet
	check_status 0
	check_store_quiet
	rm "$tmp/said"
}
test_case "SIGTERM during RUN leaves nothing" killed TERM 130
test_case "SIGINT during RUN leaves nothing" killed INT 130
test_case "SIGKILL during RUN leaves no process, and the rest goes by prune" killed KILL 137

pruned() {
	as_user mocker-builder rmi app again
	as_user mocker-builder prune --all --quiet
	check_status 0
	check_equal "$(ls "$store/layers")" "" "the layers"
	check_equal "$(find "$store" -uid +99999)" "" "files of subordinate ids"
	as_user rm -rf "$store"
	check_status 0
	as_user mocker-builder build -q -t app context
	check_status 0
}
test_case "rmi and prune remove files of subordinate ids" pruned

# ---- hostile ------------------------------------------------------------------------

device_in_layer() {
	mkdir -p "$tmp/d/dev" && mknod "$tmp/d/dev/null" c 1 3 && mkfifo "$tmp/d/pipe" &&
		cp -a "$tmp/rootfs/root/bin" "$tmp/d"
	tar -C "$tmp/d" -cf "$home/devices.tar" .
	printf '%s\n' 'FROM rootfs:devices.tar' 'RUN ls -l /pipe | cut -c1' >"$home/context/devices"
	as_user mocker-builder build --progress=plain -f context/devices context
	check_status 0
	check_errors_have "devices.tar: the device node dev/null is left out: only root can make one"
	check_output_has "| p"
	rm -rf "$tmp/d" "$home/devices.tar"
}
test_case "a device node in a layer is left out, with a warning" device_in_layer

# What would speak to overlayfs in a user namespace is no content.
marks_in_layer() {
	mkdir -p "$tmp/d/dir" "$tmp/d/bin" && cp -a "$tmp/rootfs/root/bin" "$tmp/d"
	echo text >"$tmp/d/dir/file"
	python3 - "$tmp/d/dir" <<-'END'
		import os, sys
		os.setxattr(sys.argv[1], "user.overlay.opaque", b"y")
		os.setxattr(sys.argv[1], "user.overlay.redirect", b"/etc")
		os.setxattr(sys.argv[1], "user.mine", b"kept")
	END
	tar -C "$tmp/d" --xattrs -cf "$home/marks.tar" .
	printf '%s\n' 'FROM rootfs:marks.tar' 'RUN cat /dir/file' >"$home/context/marks"
	as_user mocker-builder build -q -t marks -f context/marks context
	check_status 0
	check_equal "$(python3 -c 'import os, sys; print(os.listxattr(sys.argv[1]))' \
		"$store"/layers/*/fs/dir)" "['user.mine']" "the attributes"
	rm -rf "$tmp/d" "$home/marks.tar"
}
test_case "attributes of a layer that would be overlayfs's are left out" marks_in_layer

# A place of the store that leads elsewhere is not followed, as whoever we are.
link_in_store() {
	mkdir -p "$home/linked" "$home/precious/sub" && echo kept >"$home/precious/sub/file"
	ln -s ../precious "$home/linked/$1"
	chown -hR "$user:$user" "$home/linked" "$home/precious"
	as_user mocker-builder --root linked build -q context
	check_status 1
	check_errors_have "linked/$1: "
	as_user mocker-builder --root linked prune --all
	check_status 1
	check_equal "$(find "$home/precious" -type f)" "$home/precious/sub/file"
	rm -rf "$home/linked" "$home/precious"
}
for place in layers temp blobs; do
	test_case "a link in the place of the store's $place" link_in_store $place
done

strange_subuid() {
	printf '%s\n' 'somebody' 'somebody::' 'somebody:x:5' 'somebody:4294967295:4294967295' \
		':::' '' 'somebody:100000:65536' >/etc/subuid
	as_user mocker-builder unshare sh -c 'cat /proc/self/uid_map | tr -s " "'
	check_status 0
	check_output $' 0 1234 1\n 1 100000 65536'
	echo "somebody:100000:65536" >/etc/subuid
}
test_case "lines of /etc/subuid that say nothing" strange_subuid
