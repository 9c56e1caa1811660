#!/bin/bash
# Which steps of a build run again after which change: a step does when its instruction,
# the files below it or the bytes that it copies changed, and never otherwise.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

leaves '^file /var/lib/mocker/?'

set_up() {
	mkdir -p context/src
	make_rootfs context/rootfs
	echo one >context/src/a
	echo two >context/src/b
	echo "never copied" >context/other
	cat >context/Mockerfile <<-'END'
		ARG BASE=scratch
		FROM $BASE AS base
		COPY rootfs /
		FROM base AS build
		ARG WHO=world
		COPY src /src/
		RUN cat /src/* >/out && wc -l </out >/lines
		FROM base
		LABEL made.by=test
		ENV GREETING=hello
		WORKDIR /srv/data
		COPY --from=build /lines ./
		RUN echo "$GREETING" >greeting
		CMD ["cat", "greeting"]
	END
	run mocker-builder build -t app context
	check_status 0
	check_equal "$(grep -cE 'CACHED (RUN|COPY|WORKDIR)' <<<"$output")" 0 "cached steps at first"
	first_id=$(mocker-builder images --quiet)
}
test_setup set_up

# The instructions that were not CACHED in the last run, by their first two words.
run_again() {
	grep '^\[' <<<"$output" | grep -v CACHED |
		sed -E 's/^\[[^]]*\] ([^ ]+) ([^ ]+).*/\1 \2/' | paste -sd,
}

nothing_changed() {
	run mocker-builder build -t app context
	check_status 0
	check_equal "$(run_again)" "" "what ran again"
	check_equal "$(mocker-builder images --quiet)" "$first_id" "the image's ID"
}
test_case "nothing changed: nothing runs, and the image is the same to the byte" nothing_changed

# A change that is undone after the case. changes SENTENCE EXPECTED COMMAND [OPTION...]
changes() {
	test_case "$1" changes_run "${@:2}"
}

changes_run() {
	local expected=$1 command=$2

	shift 2
	cp -a context saved
	eval "$command"
	run mocker-builder build -t changed "$@" context
	check_status 0
	check_equal "$(run_again)" "$expected" "what ran again"
	rm -rf context
	mv saved context
}

changes "a copied file's bytes: its COPY and what is above it" \
	"COPY src,RUN cat" "echo three >context/src/a"
changes "and the stage that copies from it, where that changes the bytes" \
	"COPY src,RUN cat,COPY --from=build,RUN echo,CMD [\"cat\"," \
	"echo three >>context/src/a"
changes "a new file in a copied directory" \
	"COPY src,RUN cat,COPY --from=build,RUN echo,CMD [\"cat\"," \
	"seq 5 >context/src/c"
changes "a file's mode" "COPY src,RUN cat" "chmod 600 context/src/a"
changes "only a file's times: nothing" "" "touch -d 2001-01-01 context/src/a"
changes "a file that nobody copies: nothing" "" "echo x >context/other"
changes "an ignored file: nothing" "" \
	"echo src/c >context/.dockerignore; echo x >context/src/c"
changes "an instruction's words" "RUN cat,COPY --from=build,RUN echo,CMD [\"cat\"," \
	"sed -i 's|/lines|/lines; echo >>/lines|' context/Mockerfile; \
		sed -i 's|^COPY --from=build .*|COPY --from=build /lines ./|' context/Mockerfile"
changes "a comment and white space: nothing" "" \
	"sed -i 's|^RUN echo|# a comment\nRUN   echo|' context/Mockerfile"
changes "an ENV: the RUN that sees it, no COPY" \
	"ENV GREETING=hi,RUN echo,CMD [\"cat\"," \
	"sed -i 's|GREETING=hello|GREETING=hi|' context/Mockerfile"
changes "a LABEL: no step with files" "LABEL made.by=you,ENV GREETING=hello,CMD [\"cat\"," \
	"sed -i 's|made.by=test|made.by=you|' context/Mockerfile"
changes "a build argument: the RUN that sees it" "RUN cat" true --build-arg WHO=me
changes "the host name of RUN" "RUN cat,RUN echo,CMD [\"cat\"," true \
	--build-arg BUILDKIT_SANDBOX_HOSTNAME=another
changes "the host name that it has anyway: nothing" "" true \
	--build-arg BUILDKIT_SANDBOX_HOSTNAME=mocker-build
changes "--no-cache: all" \
	"FROM \$BASE,COPY rootfs,FROM base,ARG WHO=world,COPY src,RUN cat,FROM base,LABEL made.by=test,ENV GREETING=hello,WORKDIR /srv/data,COPY --from=build,RUN echo,CMD [\"cat\"," \
	true --no-cache

after_no_cache() {
	run mocker-builder build -t changed context
	check_status 0
	check_equal "$(run_again)" "" "what ran again"
}
test_case "what --no-cache built is the cache of the next build" after_no_cache

shared_steps() {
	mkdir other
	cp -a context/rootfs other/rootfs
	printf 'FROM scratch\nCOPY rootfs /\nRUN echo another >/x\n' >other/Mockerfile
	run mocker-builder build -t another other
	check_status 0
	check_equal "$(run_again)" "RUN echo" "what ran again"
	rm -rf other
}
test_case "another Mockerfile in another directory shares the first steps" shared_steps

only_the_target() {
	run mocker-builder build --target build --build-arg WHO=target -t target context
	check_status 0
	check_lacks "$output" "CMD"
	run mocker-builder build --target nothere context
	check_fails_with nothere
}
test_case "--target leaves out the stages that it does not need" only_the_target

linked() {
	mkdir -p linked
	echo one >linked/file
	printf 'FROM scratch\nCOPY Mockerfile /\nCOPY --link file /to/\nCOPY file /then\n' >linked/Mockerfile
	run mocker-builder build -t linked linked
	check_status 0
	echo "# another first layer" >>linked/Mockerfile
	run mocker-builder build -t linked linked
	check_equal "$(run_again)" "COPY Mockerfile,COPY file" "what ran again"
	check_output_has "CACHED COPY --link file /to/"
	echo two >linked/file
	run mocker-builder build -t linked linked
	check_equal "$(run_again)" "COPY --link,COPY file" "what ran again"
	run mocker-builder rmi linked
	rm -rf linked
}
test_case "a linked copy stays when what is below it changes" linked

parts_of_stages() {
	printf 'FROM scratch AS files\nCOPY . /\nFROM app\nRUN --mount=from=files,source=%s,target=/m cat /m >/seen\n' \
		"/b[1]" >mounted.Mockerfile
	mkdir mounted
	echo one >'mounted/b[1]'
	echo one >mounted/b1
	run mocker-builder build -t mounted -f mounted.Mockerfile mounted
	check_status 0
	echo two >mounted/b1
	run mocker-builder build -t mounted -f mounted.Mockerfile mounted
	check_equal "$(run_again)" "COPY ." "what ran again after another file changed"
	echo two >'mounted/b[1]'
	run mocker-builder build -t mounted -f mounted.Mockerfile mounted
	check_equal "$(run_again)" "COPY .,RUN --mount=from=files,source=/b[1],target=/m" "what ran again"
	sed -i 's/target=\/m/&,rw/' mounted.Mockerfile
	run mocker-builder build -t mounted -f mounted.Mockerfile mounted
	echo three >mounted/b1
	run mocker-builder build -t mounted -f mounted.Mockerfile mounted
	check_equal "$(run_again)" "COPY .,RUN --mount=from=files,source=/b[1],target=/m,rw" "what ran again"
	run mocker-builder rmi mounted
	rm -rf mounted mounted.Mockerfile
}
test_case "a mounted part of a stage: its bytes count, unless it may be written to" parts_of_stages

# From a build of two stages; each step that ran is a line "done in".
fast_when_cached() {
	local began ended

	began=$(date +%s%N)
	run mocker-builder build -t app context
	ended=$(date +%s%N)
	check_status 0
	echo "# a cached build of 14 steps: $(((ended - began) / 1000000)) ms"
	check test $(((ended - began) / 1000000)) -lt 1000
}
test_case "a cached build does nothing but look" fast_when_cached

prune_keeps_images() {
	run mocker-builder rmi changed another target
	check_status 0
	run mocker-builder prune
	check_status 0
	run mocker-builder build -t app context
	check_status 0
	# what only the stage in between needed is gone
	check_equal "$(run_again)" "COPY src,RUN cat" "what ran again"
}
test_case "prune keeps the layers of images" prune_keeps_images

# Also the layers of images that would go.
dry_run_is_true() {
	local words said
	for words in "--all" "" "--all --keep-storage 1m"; do
		mkdir -p dry
		head -c 3M /dev/urandom >dry/a
		printf 'FROM scratch\nCOPY a /a\nCOPY a /b\n' >dry/Mockerfile
		run mocker-builder --root "$tmp/dry-store" build -q -t named dry
		printf 'FROM scratch\nCOPY a /c\n' >dry/Mockerfile
		run mocker-builder --root "$tmp/dry-store" build -q dry
		# shellcheck disable=SC2086 # words
		run mocker-builder --root "$tmp/dry-store" prune $words --dry-run --format json
		said=$(jq -c 'del(.dryRun)' <<<"$output")
		# shellcheck disable=SC2086 # words
		run mocker-builder --root "$tmp/dry-store" prune $words --format json
		check_equal "$said" "$(jq -c 'del(.dryRun)' <<<"$output")" "what prune $words would remove"
		check_equal "$(jq '.images > 0 and .layers > 0' <<<"$output")" true "whether $words removed some"
		rm -rf dry dry-store
	done
	run mocker-builder prune --keep-storage -1
	check_fails_with "--keep-storage: expected a size such as 10g"
}
test_case "prune --dry-run says what prune removes then" dry_run_is_true

# The forms for programs, and what they say of one store.
forms() {
	run mocker-builder images --format json
	check_equal "$(jq -c 'map(has("id") and has("size")) | all' <<<"$output")" true
	local count
	count=$(jq length <<<"$output")
	run mocker-builder du --format json
	check_equal "$(jq -c '[.images <= '"$count"', .layerBytes >= .cacheBytes, .blobBytes > 0]' \
		<<<"$output")" '[true,true,true]'
	run mocker-builder history --format json "$(mocker-builder images -q | head -n 1)"
	check_status 0
	check_equal "$(jq -c 'map(has("createdBy") and has("size")) | all' <<<"$output")" true
	run mocker-builder prune --dry-run --format json
	check_equal "$(jq -c '.dryRun' <<<"$output")" true
	local bytes
	bytes=$(jq .bytes <<<"$output")
	run mocker-builder prune --dry-run --until 0s --format json
	check_equal "$(jq .bytes <<<"$output")" "$bytes" "what --until 0s would remove"
	run mocker-builder prune --dry-run --until 1h --format json
	check_equal "$(jq .layers <<<"$output")" 0 "layers that were used within the hour"
	run mocker-builder prune --until ''
	check_fails_with '--until "": expected an age'
	run mocker-builder prune --until soon
	check_fails_with "--until \"soon\": expected an age such as 90s, 30m, 24h or 7d"
	run mocker-builder images --format yaml
	check_fails_with "yaml"
}
test_case "images, du, history and prune speak JSON too" forms

labels() {
	printf 'FROM scratch\nLABEL a=file\n' >label.Mockerfile
	run mocker-builder build -q -t labelled --label b --label a=option --label c= \
		-f label.Mockerfile context
	check_status 0
	run mocker-builder inspect labelled
	check_equal "$(jq -c '.[0].image.config.config.Labels' <<<"$output")" \
		'{"a":"option","b":"","c":""}' "the labels"
	run mocker-builder rmi labelled
	rm label.Mockerfile
}
test_case "--label NAME is a label without a text" labels

filters() {
	printf 'FROM scratch\nLABEL color=red\nCOPY Mockerfile /\n' >filter.Mockerfile
	run mocker-builder build -q -t team/red:1 -t team/red:2 -f filter.Mockerfile context
	check_status 0
	for filter in 'label=color' 'label=color=red' 'reference=*team/red:*'; do
		run mocker-builder images -q --filter "$filter"
		check_equal "$(wc -l <<<"$output")" 2 "images with $filter"
	done
	run mocker-builder images -q --filter label=color=blue
	check_output ""
	run mocker-builder images -q --filter label=color --filter 'reference=*:1'
	check_equal "$(wc -l <<<"$output")" 1 "images with both"
	run mocker-builder images -q --filter dangling=true --filter label=color
	check_output ""
	run mocker-builder images --filter color=red
	check_fails_with "--filter \"color=red\": expected reference=PATTERN, label=NAME[=VALUE] or"
	run mocker-builder rmi team/red:1
	check_output "untagged $(mocker-builder images --filter label=color --format json | jq -r '.[0].name' | sed 's/:2/:1/')"
	run mocker-builder rmi team/red:2 team/none
	check_fails_with "team/none"
	run mocker-builder rmi --force team/none
	printf 'FROM scratch\nLABEL two=names\n' >context/two
	run mocker-builder build -q -t two:1 -f context/two context
	local id=${output#sha256:}
	run mocker-builder tag two:1 two:2
	run mocker-builder rmi "$id"
	check_fails_with "${id:0:12} has several names: two:1, two:2; give these, or --force"
	run mocker-builder rmi --force "$id"
	check_output "untagged two:1
untagged two:2
removed ${id:0:12}"
	rm context/two
	check_status 0
	rm -f filter.Mockerfile
}
test_case "images are filtered by name, label and namelessness" filters

# A list that breaks off must not pass for what there is: an unseen lease frees its layers.
unreadable() {
	local place

	run mocker-builder build -t kept context
	check_status 0
	for place in layers blobs/sha256 memo leases temp; do
		run strace -f -qq -o "$tmp/trace" -P "/var/lib/mocker/$place" \
			-e trace=getdents64 -e inject=getdents64:error=EIO \
			mocker-builder prune
		check_fails_with "$place: Input/output error"
	done
	run mocker-builder bundle kept "$tmp/b"
	check_status 0
	rm -rf "$tmp/b"
	run mocker-builder rmi kept
	rm -f "$tmp/trace"
}
test_case "prune takes no directory for read that is not" unreadable

prune_all() {
	run mocker-builder prune --all
	check_status 0
	run mocker-builder images --quiet
	check_output ""
	check_equal "$(find /var/lib/mocker/layers -mindepth 1 | wc -l)" 0 "layers"
	check_equal "$(find /var/lib/mocker/blobs -type f | wc -l)" 0 "blobs"
	check_equal "$(find /var/lib/mocker/temp -mindepth 1 | wc -l)" 0 "temporary files"
}
test_case "prune --all leaves an empty store" prune_all

many_layers() {
	local i

	mkdir many
	echo last >many/file
	{
		echo FROM scratch
		for ((i = 1; i <= 70; i++)); do
			echo "WORKDIR /layer$i"
		done
		echo COPY file /layer1/
	} >many/Mockerfile
	run mocker-builder build -t many many
	check_status 0
	run mocker-builder bundle many "$tmp/b" -- x
	check_status 0
	check_exists "$tmp/b/rootfs/layer1/file"
	check_exists "$tmp/b/rootfs/layer70"
	rm -rf many "$tmp/b"
	run mocker-builder prune --all
}
test_case "an image of 71 layers, more than one page of mount options" many_layers
