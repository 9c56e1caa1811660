#!/bin/bash
# Builds beside buildah and podman build, of the same Dockerfiles in one run: a rebuild in
# which all is cached, the cost of a RUN step, COPY of many small files and of a large one.
# Medians of a few rounds, in turns.
#
# They use overlay on a tmpfs, as our store does, and --isolation chroot, which is the
# quicker of those that they have: no container is made for a step, as ours does.
#
#	sudo tests/bench/build.sh [WORDS]
#	MOCKER_BENCH_FILES: small files (10000)    MOCKER_BENCH_MB: the large one (1024)
test_cgroups=v1
test_limit=3000
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/bench/peers.sh
. "$top_srcdir/tests/bench/peers.sh"

leaves '.' # a bench; what it leaves goes with the pretend host
rounds=${MOCKER_BENCH_ROUNDS:-5}
files=${MOCKER_BENCH_FILES:-10000}
megabytes=${MOCKER_BENCH_MB:-1024}
run_limit=600

set_up() {
	needs buildah podman || return
	mount -t tmpfs tmpfs /var/lib/mocker
	peers_set_up
	mkdir context
	make_rootfs context/rootfs
	printf '%s\n' 'FROM scratch' 'COPY rootfs /' >context/Base
	run mocker-builder build -q -t localhost/base:1 -f context/Base context
	check_status 0
	run buildah_build localhost/base:1 context/Base
	check_status 0
}

mocker_build() {
	mocker-builder build -q -t "$1" -f "$2" context
}

buildah_build() {
	buildah --log-level error bud --signature-policy "$tmp/peers/policy.json" --layers \
		--pull-never --isolation chroot -t "$1" -f "$2" context
}

podman_build() {
	podman --log-level error build --signature-policy "$tmp/peers/policy.json" --layers \
		--pull-never --isolation chroot -t "$1" -f "$2" context
}

# build_with NAME-OF-FIGURE BUILDER FILE
build_with() {
	timed "$1" "$2" localhost/bench "$3"
}

# all_three FIGURE FILE [COMMAND BEFORE EACH...]: a build by each in turns.
all_three() {
	local figure=$1 file=$2 round builder

	shift 2
	for ((round = 0; round < rounds; round++)); do
		for builder in mocker buildah podman; do
			[ $# -eq 0 ] || "$@" "$round.$builder"
			timed "$figure-$builder" "${builder}_build" localhost/bench "$file"
		done
	done
}

cached() {
	needs buildah podman || return
	printf '%s\n' 'FROM localhost/base:1 AS build' 'ENV A=b' 'WORKDIR /src' \
		'COPY rootfs/bin /src/bin' 'RUN echo built >/src/out' 'FROM localhost/base:1' \
		'LABEL a=b' 'COPY --from=build /src/out /out' 'RUN cat /out' 'CMD ["/bin/sh"]' \
		>context/Cached
	rounds=1 all_three warm context/Cached
	all_three cached context/Cached
	compare cached-mocker cached-buildah 0.1
	compare cached-mocker cached-podman 0.1
	echo "# cached-mocker $(median cached-mocker) ms, wanted 30"
}

# A file of 1 and one of 11 steps: a step costs a tenth of the difference.
steps_file() {
	{
		echo 'FROM localhost/base:1'
		echo "ENV ROUND=$2"
		for ((i = 0; i < $1; i++)); do
			echo "RUN /bin/true $i"
		done
	} >context/Steps
}

steps() {
	local round builder count

	needs buildah podman || return
	for ((round = 0; round < rounds; round++)); do
		for builder in mocker buildah podman; do
			for count in 1 11; do
				steps_file $count "$round.$count.$builder"
				timed "steps$count-$builder" "${builder}_build" localhost/bench \
					context/Steps
			done
		done
	done
	for builder in mocker buildah podman; do
		paste "$tmp/steps1-$builder.times" "$tmp/steps11-$builder.times" |
			awk '{ print ($2 - $1) / 10 }' >"$tmp/step-$builder.times"
	done
	compare step-mocker step-buildah 0.2
	compare step-mocker step-podman 0.2
}

another_round() {
	echo "$1" >context/tree/round
	printf '%s\n' 'FROM localhost/base:1' 'COPY tree /tree' >context/Copy
}

small_files() {
	needs buildah podman || return
	mkdir context/tree
	(cd context/tree && for ((d = 0; d < files / 100; d++)); do
		mkdir "$d" && for ((i = 0; i < 100; i++)); do
			echo "module.exports = $d * $i" >"$d/$i.js"
		done
	done)
	all_three small-files context/Copy another_round
	compare small-files-mocker small-files-buildah 0.5
	compare small-files-mocker small-files-podman 0.5
}

# Memory is what all of it stands on.
forget_the_last() {
	mocker-builder rmi localhost/bench && mocker-builder prune
	buildah rmi -f localhost/bench
	another_round "$1"
} >/dev/null 2>&1

large_file() {
	needs buildah podman || return
	rm -rf context/tree && mkdir context/tree
	head -c "${megabytes}M" /dev/urandom >context/tree/large
	rounds=3 all_three large-file context/Copy forget_the_last
	compare large-file-mocker large-file-buildah 0.5
	compare large-file-mocker large-file-podman 0.5
}

test_setup set_up
test_case "a rebuild in which all is cached" cached
test_case "the cost of a RUN step" steps
test_case "COPY of many small files" small_files
test_case "COPY of a large file" large_file
