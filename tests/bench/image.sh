#!/bin/bash
# From an image to a running container, beside podman; unpacking a layer, beside tar; the
# peak memory of both ways of a large layer. Medians of a few rounds, in turns, in one run.
#
#	sudo tests/bench/image.sh [WORDS]     MOCKER_BENCH_MB: the large layer (1024)
# test_cgroups v1: Debian's crun, which podman uses here, works only there.
test_cgroups=v1
test_limit=1800
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/bench/peers.sh
. "$top_srcdir/tests/bench/peers.sh"

leaves '.' # a bench; what it leaves goes with the pretend host
rounds=${MOCKER_BENCH_ROUNDS:-5}
megabytes=${MOCKER_BENCH_MB:-1024}
run_limit=600

image_set_up() {
	mount -t tmpfs tmpfs /var/lib/mocker
	mkdir context
	make_rootfs context/rootfs
	printf '%s\n' 'FROM scratch' 'COPY rootfs /' 'CMD ["true"]' >context/Mockerfile
	run mocker-builder build -t localhost/app:1 -o type=oci-archive,dest=app.tar context
	check_status 0
	peers_set_up
	run podman --log-level error load --signature-policy "$tmp/peers/policy.json" -i app.tar
	check_status 0
	podman=$(sed -n 's/^Loaded image.*: //p' <<<"$output")
}

bundle_and_run() {
	mocker-builder bundle --rootfs overlay localhost/app:1 "$tmp/bundle" &&
		mocker-runtime run --bundle "$tmp/bundle" app && rm -rf "$tmp/bundle"
}

podman_run() {
	podman run --rm --network none "$podman"
}

image_to_container() {
	needs podman conmon crun || return
	image_set_up
	bundle_and_run
	podman_run
	for ((i = 0; i < rounds; i++)); do
		timed bundle_and_run bundle_and_run
		timed podman_run podman_run
	done
	compare bundle_and_run podman_run 0.25
}
test_case "image to running container" image_to_container

# A layer of many small files and some large ones.
make_layer() {
	local i

	mkdir tree
	for ((i = 0; i < 40; i++)); do
		mkdir "tree/$i"
		(cd "tree/$i" && seq 100000 | split -l 1000 -a 3)
	done
	head -c 100000000 /dev/urandom >tree/large
	tar -C tree -cf layer.tar .
}

# On the same file system as tar's. Nothing is deleted between the rounds: ext4 would go
# past every inode that was deleted in the last seconds, of whoever comes next.
load_layer() {
	mocker-builder --root "$tmp/store$round" load "rootfs:$tmp/layer.tar"
}

tar_extracts() {
	tar --numeric-owner -xpf layer.tar -C "out$round"
}

unpacking() {
	local round

	make_layer
	for ((round = 0; round < rounds; round++)); do
		mkdir "out$round"
		sync -f .
		timed load_layer load_layer
		sync -f .
		timed tar_extracts tar_extracts
	done
	compare load_layer tar_extracts 1.3
}
test_case "unpacking a layer" unpacking

# peak COMMAND...: kilobytes of the largest of its processes.
peak() {
	python3 - "$@" <<-'END'
		import resource, subprocess, sys
		subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
		print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
	END
}

memory() {
	local small large size

	for size in 1 "$megabytes"; do
		rm -rf big && mkdir big
		head -c "${size}M" /dev/urandom >big/file
		tar -C big -cf "big$size.tar" . && rm -rf big
		echo "# $size MB: load $(peak mocker-builder --root "$tmp/store" load -t "big:$size" \
			"rootfs:$tmp/big$size.tar" | tee load.peak) KiB, save $(peak \
			mocker-builder --root "$tmp/store" save --compression none -o big.oci "big:$size" |
			tee save.peak) KiB"
		rm -f big.oci "big$size.tar"
		[ "$size" != 1 ] || {
			small=$(cat load.peak)
			large=$(cat save.peak)
		}
	done
	check [ "$(cat load.peak)" -lt $((small + 4096)) ]
	check [ "$(cat save.peak)" -lt $((large + 4096)) ]
}
test_case "memory stays flat however large the layer" memory
