#!/bin/bash
# RUN --mount: caches that outlive the build, temporary space, files of the context and of
# stages, secrets that leave no trace; and nothing of any mount in the image.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

leaves '^file /var/lib/mocker/?'

set_up() {
	mkdir -p context/files
	make_rootfs context/rootfs
	echo "from the context" >context/files/a
	printf 'FROM scratch\nCOPY rootfs /\n' >context/base.Mockerfile
	run mocker-builder build -t base -f context/base.Mockerfile context
	check_status 0
}
test_setup set_up

# build TEXT [OPTION...]
build() {
	printf '%b' "$1" >context/Mockerfile
	shift
	run mocker-builder build -t mounts "$@" context
}

# What the image's last layer holds.
last_layer() {
	local key

	key=$(mocker-builder inspect mounts | jq -r '.[0].image.layers[-1].key')
	(cd "/var/lib/mocker/layers/$key/fs" && find . -mindepth 1 | sort | paste -sd,)
}

leaves_no_mount_points() {
	build 'FROM base\nRUN --mount=type=tmpfs,target=/new/place/t --mount=type=cache,target=/c true\n'
	check_status 0
	check_equal "$(last_layer)" "" "the layer of a step that did nothing"
}
test_case "no mount point of a step is left in its layer" leaves_no_mount_points

keeps_what_the_step_made() {
	build 'FROM base\nRUN mkdir -p /empty/dir && : >/empty/file\n'
	check_status 0
	check_equal "$(last_layer)" "./empty,./empty/dir,./empty/file" "the layer"
}
test_case "empty files and directories of the step itself are" keeps_what_the_step_made

cache_lasts() {
	build 'FROM base\nRUN --mount=type=cache,target=/c echo one >>/c/f; wc -l </c/f\n'
	check_output_has "| 1"
	build 'FROM base\nRUN --mount=type=cache,target=/c echo two >>/c/f; wc -l </c/f\n'
	check_output_has "| 2"
	build 'FROM base\nRUN --mount=type=cache,target=/c,id=other echo x >>/c/f; wc -l </c/f\n'
	check_output_has "| 1"
	build 'FROM base\nRUN --mount=type=cache,target=/c,readonly echo x >/c/new\n'
	check_status 1
	check_output_has "Read-only file system"
}
test_case "a cache lasts from build to build, under its id" cache_lasts

locked_caches() {
	local i pids=()

	meet_begin context
	for i in 1 2 3; do
		printf 'FROM base\nRUN --mount=type=cache,target=/l,sharing=locked %s %s\n' \
			"$meet_mount" "echo $i; mkdir /l/taken && { $until_met; } && rmdir /l/taken" \
			>"context/locked$i.Mockerfile"
		mocker-builder build -f "context/locked$i.Mockerfile" context </dev/null \
			>"locked$i.log" 2>&1 &
		pids+=($!)
	done
	meet_waiters 2 context
	for i in "${pids[@]}"; do
		wait "$i" || failed "a build failed: $(cat locked?.log)"
	done
	rm -rf context/meet
}
test_case "sharing=locked is a lock" locked_caches

# Each finds what the other made; read-only is the mount, not the cache.
cache_twice() {
	local how

	for how in shared private locked; do
		build "FROM base\nRUN --mount=type=cache,target=/one,id=twice,sharing=$how --mount=type=cache,target=/two,id=twice,sharing=locked,readonly echo $how >/one/f && cat /two/f && ! echo x >/two/g\n"
		check_status 0
		check_output_has "| $how"
	done
}
test_case "one cache mounted twice in a step is one, and does not wait for itself" cache_twice

# Two steps that name two locked caches in opposite orders, at the same time: when the first
# has done, some wait that name the one first and some that name the other.
caches_crossed() {
	local i pids=() step="mkdir /a/taken && { $until_met; } && rmdir /a/taken"

	meet_begin context
	printf 'FROM base\nRUN --mount=type=cache,target=/a,id=a,sharing=locked --mount=type=cache,target=/b,id=b,sharing=locked %s %s\n' \
		"$meet_mount" "$step" >context/crossed1.Mockerfile
	printf 'FROM base\nRUN --mount=type=cache,target=/b,id=b,sharing=locked --mount=type=cache,target=/a,id=a,sharing=locked %s %s\n' \
		"$meet_mount" "$step" >context/crossed2.Mockerfile
	for i in 1 2 1 2 1 2; do
		timeout 60 mocker-builder build --no-cache -f "context/crossed$i.Mockerfile" \
			context </dev/null >"crossed$i.log" 2>&1 &
		pids+=($!)
	done
	meet_waiters 5 context
	for i in "${pids[@]}"; do
		wait "$i" || failed "a build failed or hung: $(cat crossed?.log)"
	done
	rm -rf context/meet crossed?.log context/crossed?.Mockerfile
}
test_case "two locked caches in opposite orders do not wait for each other" caches_crossed

binds() {
	build 'FROM base\nRUN --mount=type=bind,source=files,target=/m cat /m/a; echo x >/m/b\n'
	check_status 1
	check_output_has "| from the context"
	check_output_has "Read-only file system"
	check_missing context/files/b
	build 'FROM base AS one\nRUN echo of a stage >/x\nFROM base\nRUN --mount=type=bind,from=one,target=/m cat /m/x\n'
	check_status 0
	check_output_has "| of a stage"
	build 'FROM base\nRUN --mount=type=bind,source=../..,target=/m ls /m\n'
	check_lacks "$output" "usr"
}
test_case "bind mounts show the context and stages, read-only" binds

writable_binds() {
	build 'FROM base\nRUN --mount=type=bind,rw,source=files,target=/m echo x >/m/b && echo y >/m/a && cat /m/a && stat -c %a /m\nRUN test ! -e /m/b\n'
	check_status 0
	check_output_has "| y"
	check_output_has "| $(stat -c %a context/files)"
	check_missing context/files/b
	check_equal "$(cat context/files/a)" "from the context" "the context's file"
	build 'FROM base\nRUN --mount=target=/one,source=files/a,rw echo z >/one && cat /one\n'
	check_output_has "| z"
	check_equal "$(cat context/files/a)" "from the context" "the context's file"
	build 'FROM base AS one\nRUN mkdir -p /x/y && echo deep >/x/y/f && ln -s /x/y /l && ln -s /etc /e\nFROM base\nRUN --mount=from=one,source=/l,target=/m,rw cat /m/f && echo w >/m/w\nRUN --mount=from=one,source=x/y/f,target=/f cat /f; test ! -e /m\nRUN --mount=from=one,source=/e/passwd,target=/p grep -c 1000 /p\n'
	check_status 0
	check_equal "$(grep -c '| deep' <<<"$output")" 2 "how often the file was seen"
	check_output_has "| 1"
	build 'FROM base\nRUN --mount=from=base,source=/none,target=/m true\n'
	check_status 1
	check_errors_have "--mount=from=base,source=/none: "
	check_errors_have '"none" is not in base'
}
test_case "bind mounts may be of a part, and be written to, which is lost" writable_binds

ignored_binds() {
	mkdir -p context/deep/a context/deep/b
	echo 1 >context/deep/a/keep && echo 2 >context/deep/a/secret && echo 3 >context/deep/b/secret
	printf '**/secret\nrootfs\n' >context/.dockerignore
	build 'FROM base\nRUN --mount=target=/m cd /m && find . -type f | sort | paste -sd, && ls deep | paste -sd,\n'
	check_status 0
	check_output_has "| ./.dockerignore,./Mockerfile,./base.Mockerfile,./deep/a/keep,./files/a"
	check_output_has "| a,b"
	printf 'deep\n!deep/a/keep\nrootfs\n' >context/.dockerignore
	build 'FROM base\nRUN --mount=source=deep,target=/m,rw cd /m && touch new && find . | sort | paste -sd,\n'
	check_output_has "| .,./a,./a/keep,./new"
	build 'FROM base\nRUN --mount=source=deep/b,target=/m true\n'
	check_status 1
	check_errors_have '"deep/b" is not in the build context: the ignore file leaves it out'
	rm -rf context/.dockerignore context/deep
}
test_case "a bind mount of the context lacks what its ignore file leaves out" ignored_binds

seeded_caches() {
	local text='FROM base AS one\nRUN mkdir -p /s/d && echo seed >/s/d/f && chown 5:6 /s/d/f\nFROM base\nRUN --mount=type=cache,target=/c,from=one,source=/s,sharing=%s cat /c/d/f && stat -c %%u:%%g /c/d/f && echo more >>/c/d/f && ls -1 /c\n'

	# shellcheck disable=SC2059
	build "$(printf "$text" shared)"
	check_status 0
	check_output_has "| seed"
	check_output_has "| 5:6"
	# shellcheck disable=SC2059
	build "$(printf "$text" locked)"
	check_output_has "| more"
	build 'FROM base\nRUN --mount=type=cache,target=/c,from=base,source=/etc/passwd true\n'
	check_status 1
	check_errors_have "Not a directory"
	check_equal "$(ls -d /var/lib/mocker/caches/*/new 2>/dev/null)" "" "caches that are half made"
	build 'FROM base\nRUN --mount=type=cache,target=/n,mode=0700,uid=3,gid=4 stat -c %a:%u:%g /n\n'
	check_output_has "| 700:3:4"
	build 'FROM base\nRUN --mount=type=cache,target=/n ls -d /n; stat -c %a /n\n' --build-arg BUILDKIT_CACHE_MOUNT_NS=x
	check_output_has "| 755"
}
test_case "a cache begins with files of a stage, and has its mode and owner" seeded_caches

cache_commands() {
	run mocker-builder cache rm --all
	check_status 0
	run mocker-builder cache ls --quiet
	check_output ""
	build 'FROM base\nRUN --mount=type=cache,target=/c,id=mine mkdir /c/d && echo kept >/c/d/f && chown 7:8 /c/d/f\n'
	run mocker-builder cache ls
	check_output_has "mine"
	run mocker-builder du
	check_matches "$output" "cache mounts \(cache rm\) +1 +5 B"
	run mocker-builder cache export mine mine.tgz
	check_status 0
	check_equal "$(tar -tzf mine.tgz | sort | paste -sd,)" "d/,d/f" "the archive"
	run mocker-builder cache import other mine.tgz
	check_status 0
	build 'FROM base\nRUN --mount=type=cache,target=/c,id=other cat /c/d/f; stat -c %u:%g /c/d/f; touch /c/more\n'
	check_output_has "| kept"
	check_output_has "| 7:8"
	mocker-builder cache export mine - | mocker-builder cache import other - ||
		failed "the pipe failed"
	build 'FROM base\nRUN --mount=type=cache,target=/c,id=other ls /c\n'
	check_output_has "| d"
	check_lacks "$output" "| more"
	run mocker-builder cache ls --quiet
	check_output "$(printf 'mine\nother')"
	echo no archive >wrong
	run mocker-builder cache import mine wrong
	check_fails_with "cache mine: wrong: it is no archive"
	run mocker-builder cache export mine again.tar
	check_status 0
	run mocker-builder cache export none x
	check_fails_with 'there is no cache "none"'
	check_missing x
	run mocker-builder cache rm mine other
	check_status 0
	run mocker-builder cache rm mine
	check_fails_with 'there is no cache "mine"'
	run mocker-builder cache rm
	check_fails_with "expected IDs of caches, or --all"
}
test_case "caches are listed, exported, seeded and removed" cache_commands

interrupted_cache() {
	local pid new

	new=/var/lib/mocker/caches/$(printf large | sha256sum | cut -d' ' -f1)/new
	build 'FROM base\nRUN --mount=type=cache,target=/c,id=large truncate -s 8G /c/file\n'
	mocker-builder cache export large large.tgz &
	pid=$!
	wait_until 10 test -s large.tgz.partial || failed "nothing is written"
	kill -INT $pid
	wait $pid
	check_equal $? 130 "the status"
	check_equal "$(echo large.tgz*)" "large.tgz*" "what is left"
	mkfifo pipe
	mocker-builder cache import large - <pipe &
	pid=$!
	exec 7>pipe
	wait_until 10 test -d "$new" || failed "nothing is read"
	kill -TERM $pid
	wait $pid
	check_equal $? 130 "the status"
	exec 7>&-
	check_missing "$new"
	run mocker-builder cache ls
	check_output_has large
	run_in_terminal mocker-builder cache export large -
	check_output_has "an archive does not go to a terminal"
	run_in_terminal mocker-builder cache import large -
	check_output_has "an archive does not come from a terminal"
	run mocker-builder cache rm large
	check_status 0
	rm pipe
}
test_case "an export or import of a cache that is interrupted leaves nothing" interrupted_cache

# prune leaves them but with --cache-mounts, and then tells of each.
caches_pruned() {
	run mocker-builder cache rm --all
	build 'FROM base\nRUN --mount=type=cache,target=/var/cache/of-a-name-longer-than-a-digest echo 1234567 >/var/cache/of-a-name-longer-than-a-digest/f\n'
	build 'FROM base\nRUN --mount=type=cache,target=/c,id=held true\n'
	run mocker-builder prune --quiet
	check_status 0
	check_lacks "$output" "cache mounts" "the sum without --cache-mounts"
	run mocker-builder prune --cache-mounts --dry-run
	check_output_has "cache mount /var/cache/of-a-name-longer-than-a-digest 8 B"
	check_output_has " 2 cache mounts, 0 unfinished builds: 8 B"
	run mocker-builder prune --cache-mounts --until 1h
	check_output_has " 0 cache mounts,"
	run mocker-builder cache ls --quiet
	check_equal "$(wc -l <<<"$output")" 2 "the caches that are kept"
	flock -F "/var/lib/mocker/caches/$(printf held | sha256sum | cut -d' ' -f1)" sleep 60 &
	wait_until 10 sh -c '! flock -n "$1" true' - \
		"/var/lib/mocker/caches/$(printf held | sha256sum | cut -d' ' -f1)"
	run mocker-builder prune --cache-mounts --format json
	check_equal "$(jq -c '[.cacheMounts, .bytes]' <<<"$output")" '[1,8]' "what was removed"
	kill $!
	wait $! 2>/dev/null
	run mocker-builder cache ls --quiet
	check_output held
	run mocker-builder prune --cache-mounts
	check_output "cache mount held 
removed 0 images, 0 layers, 0 records, 1 cache mounts, 0 unfinished builds: 0 B"
}
test_case "prune --cache-mounts removes caches, but not one in use" caches_pruned

cache_in_use() {
	local pid

	printf 'FROM base\nRUN --mount=type=cache,target=/c,id=busy touch /c/began; while ! [ -e /c/end ]; do sleep 0.05; done\n' >context/busy.Mockerfile
	mocker-builder build -f context/busy.Mockerfile context </dev/null >/dev/null 2>&1 &
	pid=$!
	check wait_until 30 sh -c 'ls /var/lib/mocker/caches/*/data/began'
	run mocker-builder cache rm busy
	check_fails_with "the cache busy is in use by a build"
	touch "$(dirname /var/lib/mocker/caches/*/data/began)/end"
	wait $pid
	check_equal $? 0 "the build's status"
	run mocker-builder cache rm busy
	check_status 0
}
test_case "a cache that a build uses is not removed" cache_in_use

secrets() {
	echo "secret of a file" >"$tmp/secret"
	export SECRET_VARIABLE="secret of a variable"
	build 'FROM base\nRUN --mount=type=secret,id=a cat /run/secrets/a; stat -c %a:%u /run/secrets/a\nRUN --mount=type=secret,id=b,target=/b,mode=0440,uid=7 cat /b; stat -c " %a:%u" /b\nRUN test ! -e /run/secrets\nRUN --mount=type=secret,id=x,source=dir/a wc -c </run/secrets/a\n' \
		--secret "id=a,src=$tmp/secret" --secret id=b,env=SECRET_VARIABLE \
		--secret "id=dir/a,src=$tmp/secret"
	unset SECRET_VARIABLE
	check_status 0
	check_output_has "| secret of a file"
	check_output_has "| 400:0"
	check_output_has "| secret of a variable 440:7"
	check_output_has "| 17"
	check_equal "$(grep -rl "secret of a" /var/lib/mocker)" "" "files of the store with it"
	rm -f "$tmp/secret"
}
test_case "secrets are seen by their step and by nothing else" secrets

secret_variables() {
	local pid

	echo "hidden in memory" >"$tmp/secret"
	build 'FROM base\nRUN --mount=type=secret,id=a,env=TOKEN echo "$TOKEN" | tr a-z A-Z; test ! -e /run/secrets\nRUN --mount=type=secret,id=a,env=T,target=/f printf %s "$T" | cmp - /f && echo both\nRUN test -z "$TOKEN"\n' --secret "id=a,src=$tmp/secret"
	check_status 0
	check_output_has "| HIDDEN IN MEMORY"
	check_output_has "| both"
	printf 'FROM base\nRUN --mount=type=secret,id=a,env=T touch /began; sleep 1000\n' >context/slow.Mockerfile
	mocker-builder build -f context/slow.Mockerfile --secret "id=a,src=$tmp/secret" context </dev/null >/dev/null 2>&1 &
	pid=$!
	check wait_until 30 pgrep -f '^sleep 1000'
	check_equal "$(grep -rl "hidden in memory" /var/lib/mocker)" "" "files of the store with it"
	kill -KILL $pid
	wait $pid 2>/dev/null
	check wait_until 30 no_sleep
	run mocker-builder prune
	check_equal "$(find /var/lib/mocker/temp -mindepth 1)" "" "temporary files"
	rm -f "$tmp/secret"
}
no_sleep() {
	! pgrep -f '^sleep 1000'
}
test_case "a secret in a variable is on no disk, and ends with its builder" secret_variables

agents() {
	local pid

	socat UNIX-LISTEN:"$tmp/agent",fork,mode=600 SYSTEM:'read word; echo "answer to $word"' &
	pid=$!
	check wait_until 30 test -S "$tmp/agent"
	build 'FROM base\nUSER user\nRUN --mount=type=ssh,uid=1000,mode=0600 stat -c %a:%u $SSH_AUTH_SOCK; echo $SSH_AUTH_SOCK\nRUN --mount=type=ssh,id=other,target=/a --mount=type=ssh test -S /a && test -S /run/buildkit/ssh_agent.1 && echo "two, first $SSH_AUTH_SOCK"\n' \
		--ssh "default=$tmp/agent" --ssh "other=$tmp/agent"
	check_status 0
	check_output_has "| 600:1000"
	check_output_has "| /run/buildkit/ssh_agent.0"
	check_output_has "| two, first /a"
	build 'USER nobody\nRUN --mount=type=ssh,uid=65534 for i in 1 2; do echo "ask $i" | socat -t 9 - UNIX-CONNECT:$SSH_AUTH_SOCK; done\n' \
		--ssh "default=$tmp/agent"
	check_status 0
	check_output_has "| answer to ask 1"
	check_output_has "| answer to ask 2"
	build 'FROM base\nRUN --mount=type=ssh test -z "$SSH_AUTH_SOCK"\nRUN --mount=type=ssh,required true\n'
	check_status 1
	check_errors_have 'Mockerfile:3: the step requires the ssh "default"'
	kill $pid
	wait $pid 2>/dev/null
}
test_case "an agent's socket is the step's, whoever it runs as" agents

missing_secrets() {
	build 'FROM base\nRUN --mount=type=secret,id=none test ! -e /run/secrets/none\n'
	check_status 0
	build 'FROM base\nRUN --mount=type=secret,id=none,required=true true\n'
	check_status 1
	check_errors_have 'Mockerfile:2: the step requires the secret "none"'
	run mocker-builder build --secret id=x,src=/nothere context
	check_fails_with "--secret id=x,src=/nothere: the file /nothere: No such file"
	run mocker-builder build --secret src=/etc/passwd context
	check_fails_with "expected id=ID"
}
test_case "a secret that is not there is an error where it is required" missing_secrets

networks() {
	build 'FROM base\nRUN --network=none ls /sys/class/net\n'
	check_output_has "| lo"
	check_equal "$(grep -c '|' <<<"$output")" 1 "the number of network devices"
}
test_case "--network=none leaves the loopback alone" networks

heredocs() {
	build 'FROM base\nENV A=b\nRUN <<E1 cat >/one && <<E2 cat >/two\n1 $A\nE1\n2\nE2\nRUN <<EOF\n#!/bin/sh\necho "script $A"\nEOF\nRUN cat /one /two\n'
	check_status 0
	check_output_has "| script b"
	check_output_has "| 1 b"
	check_output_has "| 2"
}
test_case "heredocs are input and scripts" heredocs
