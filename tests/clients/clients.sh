# shellcheck shell=bash disable=SC2034,SC2154
# Tests in which a real engine drives the runtime: the end-to-end library, and the set-up
# of each engine in the pretend host. $client_runtime is the runtime they are given: ours,
# or with CLIENT_RUNTIME=/usr/sbin/runc another one, so that the same script compares both.

test_limit=${test_limit:-600}
# shellcheck source=tests/e2e/lib.sh
. "${top_srcdir:-$(dirname "${BASH_SOURCE[0]}")/../..}/tests/e2e/lib.sh"

client_runtime=${CLIENT_RUNTIME:-$top_builddir/mocker-runtime}
client_runtime_name=$(basename "$client_runtime")
client_differs=

# client_is NAME...: whether it is one of them.
client_is() {
	client_differs=$case_sentence
	[[ " $* " == *" $client_runtime_name "* ]]
}

client_is_runc() {
	client_is runc
}

# Every run of a test goes to $CLIENT_TRANSCRIPT, a file, if that is set: compare.sh lays two
# of them beside each other. Not those of a case for which client_is has been asked: it
# asserts what either does.
run_ended() {
	[ -n "${CLIENT_TRANSCRIPT-}" ] && [ "$client_differs" != "$case_sentence" ] || return 0
	jq -nc --arg case "$case_sentence" --arg command "$command_run" --arg status "$status" \
		--arg output "$output" --arg errors "$errors" '$ARGS.named' >>"$CLIENT_TRANSCRIPT"
}

# client_recorded FILE: makes a program there that notes each call and becomes the runtime;
# for engines that might call another one unseen.
client_recorded() {
	client_recorded=$1
	mkdir -p "$(dirname "$1")"
	cat >"$1" <<-END
		#!/bin/sh
		echo "\$*" >>"$1.calls"
		exec "$client_runtime" "\$@"
	END
	chmod +x "$1"
}

client_recorded_forget() {
	rm -f "$client_recorded.calls"
}

# The commands that were called, each once, in one line.
client_recorded_commands() {
	sed -E 's/--(debug|log-format|root|log)([= ][^ ]+)? //g' "$client_recorded.calls" |
		cut -d' ' -f1 | sort -u | paste -sd' '
}

# The image that all engines run, as a tar of its root.
client_image_tar() {
	local tar=$tmp/client-image.tar

	[ -e "$tar" ] || {
		make_rootfs "$tmp/client-rootfs" && tar -C "$tmp/client-rootfs" -cf "$tar" . ||
			return 1
	}
	echo "$tar"
}

# ---- podman -------------------------------------------------------------------------

# What podman keeps between its runs is no leak.
podman_stays() {
	leaves '^file /run/(libpod|containers|podman-storage|crun|runc|lock|netns|cni)(/|$)'
	leaves '^file /run/mocker$|^mount /run/netns '
	leaves '^cgroup .*/(libpod_parent|libpod_parent/conmon|conmon)$'
	leaves '^mount .*/podman/graph/overlay '
}

podman_remove() {
	run podman rm -f -t 0 "$@"
	check_status 0
}

# podman_lives_on NAME STATUS: stopped, it ends with that; begun again and again, killed, removed.
podman_lives_on() {
	run podman stop -t 5 "$1"
	check_status 0
	run podman inspect --format '{{.State.ExitCode}}' "$1"
	check_output "$2"
	run podman start "$1"
	check_status 0
	run podman restart -t 0 "$1"
	check_status 0
	run podman kill "$1"
	check_status 0
	run podman wait "$1"
	check_output 137
	run podman rm "$1"
	check_status 0
}

# podman with storage, configuration and state of its own; the network off unless asked.
podman_setup() {
	podman_configure
	mkdir -p /run/libpod /run/containers
	podman import -q "$(client_image_tar)" test-image >/dev/null 2>&1 &&
		podman run --rm test-image true # makes what podman keeps
}

podman_configure() {
	podman_write_configuration "$tmp/podman" "$tmp/podman/graph" /run/podman-storage
	export CONTAINERS_CONF=$tmp/podman/containers.conf
	export CONTAINERS_STORAGE_CONF=$tmp/podman/storage.conf
	export CONTAINERS_REGISTRIES_CONF=/dev/null
}

# podman_write_configuration DIRECTORY GRAPHROOT RUNROOT
# $podman_engine_conf: more lines about engines; $podman_backend: netavark or cni.
podman_write_configuration() {
	mkdir -p "$1"
	cat >"$1/containers.conf" <<-END
		[containers]
		default_ulimits = []
		pids_limit = 0
		netns = "none"
		log_driver = "k8s-file"
		[engine]
		cgroup_manager = "cgroupfs"
		events_logger = "file"
		runtime = "$client_runtime_name"
		${podman_engine_conf-}
		[engine.runtimes]
		$client_runtime_name = ["$client_runtime"]
		[network]
		network_config_dir = "$1/networks"
		network_backend = "${podman_backend:-netavark}"
		${podman_network-}
	END
	cat >"$1/storage.conf" <<-END
		[storage]
		driver = "overlay"
		graphroot = "$2"
		runroot = "$3"
	END
	cat >"$1/policy.json" <<-END
		{"default": [{"type": "insecureAcceptAnything"}]}
	END
}

# ---- containerd ---------------------------------------------------------------------

# containerd of its own, with the image "test-image" imported.
containerd_setup() {
	containerd_plain && containerd_image | ctr image import --base-name test-image - >/dev/null
}

# containerd without Kubernetes' plugin and without an image. "runc", which its shim runs
# when a container names no other, is the runtime too.
containerd_plain() {
	mkdir -p "$tmp/containerd/bin" && ln -sf "$client_runtime" "$tmp/containerd/bin/runc"
	cat >"$tmp/containerd/config.toml" <<-END
		version = 2
		disabled_plugins = ["io.containerd.grpc.v1.cri"]
	END
	containerd_start
}

containerd_start() {
	mkdir -p "$tmp/containerd" /run/containerd
	PATH=$tmp/containerd/bin:$PATH \
		containerd --config "$tmp/containerd/config.toml" --root "$tmp/containerd/root" \
		--state /run/containerd --address /run/containerd/containerd.sock \
		>"$tmp/containerd/log" 2>&1 &
	wait_until 60 ctr version || {
		tail -5 "$tmp/containerd/log" >&2
		return 1
	}
}

# The test image as an OCI archive, made by podman's own tools from the plain tar.
containerd_image() {
	local layout=$tmp/containerd-image

	[ -d "$layout" ] || {
		umoci init --layout "$layout" &&
			umoci new --image "$layout:latest" &&
			umoci unpack --image "$layout:latest" "$tmp/containerd-bundle" &&
			cp -a "$tmp/client-rootfs/." "$tmp/containerd-bundle/rootfs/" &&
			umoci repack --image "$layout:latest" "$tmp/containerd-bundle" &&
			umoci config --image "$layout:latest" --config.cmd sh \
				--config.env PATH=/usr/sbin:/usr/bin:/sbin:/bin
	} >/dev/null 2>&1 || return 1
	tar -C "$layout" -cf - .
}

ctr_run() {
	ctr run --runc-binary "$client_runtime" "$@"
}

# ---- the CRI plugin -----------------------------------------------------------------

# builder_image NAME MOCKERFILE-LINES: built by ours, in a context that has the root as
# rootfs/ and a program that only waits as pause.
builder_image() {
	local context=$tmp/builder-context

	[ -d "$context" ] || {
		mkdir -p "$context" && make_rootfs "$context/rootfs" &&
			cp "$(command -v catatonit)" "$context/pause"
	} || return 1
	printf '%s\n' "$2" >"$context/Mockerfile"
	mocker-builder build -t "$1" -f "$context/Mockerfile" "$context" >/dev/null 2>&1
}

builder_test_image() {
	builder_image localhost/test-image:1 'FROM scratch
COPY rootfs /
ENV PATH=/usr/sbin:/usr/bin:/sbin:/bin
CMD ["sh"]'
}

# containerd with its CRI plugin, configured by the examples of tests/clients/kubernetes as
# they stand, the programs where those say, and images of mocker-builder's. What follows
# the example is this machine's: it may not lower oom_score_adj.
cri_setup() {
	local examples=$top_srcdir/tests/clients/kubernetes

	export CRI_SOCKET=/run/containerd/containerd.sock CRI_GENERATED=$tmp/cri
	mkdir -p "$CRI_GENERATED" && protoc -I "$top_srcdir/tests/clients/cri" \
		--python_out="$CRI_GENERATED" cri.proto || return 1
	lay_over /usr/local/bin mocker-runtime="$client_runtime" &&
		lay_over /opt cni/bin/mocker-netsetup="$top_builddir/mocker-netsetup" \
			cni/bin/loopback=/usr/lib/cni/loopback &&
		lay_over /etc cni/net.d/10-mocker.conflist="$examples/10-mocker.conflist" ||
		return 1
	mkdir -p "$tmp/containerd"
	cat "$examples/containerd.toml" - >"$tmp/containerd/config.toml" <<-END
		[plugins."io.containerd.grpc.v1.cri"]
		sandbox_image = "localhost/pause:1"
		restrict_oom_score_adj = true
		disable_apparmor = true
		disable_hugetlb_controller = true
		tolerate_missing_hugetlb_controller = true
		stream_server_address = "127.0.0.1"
	END
	containerd_start &&
		builder_test_image && builder_image localhost/pause:1 'FROM scratch
COPY pause /pause
ENTRYPOINT ["/pause", "-P"]' &&
		mocker-builder tag localhost/test-image:1 docker.io/library/busybox:latest &&
		cri_image localhost/test-image:1 && cri_image localhost/pause:1 &&
		cri_image docker.io/library/busybox:latest &&
		wait_until 30 cri_has_images
}

# lay_over DIRECTORY NAME=FILE...: the files appear there, in the pretend host alone.
lay_over() {
	local directory=$1 upper=$tmp/over$1 pair

	shift
	for pair; do
		mkdir -p "$upper/$(dirname "${pair%%=*}")" &&
			ln -s "${pair#*=}" "$upper/${pair%%=*}" || return 1
	done
	mount -t overlay -o "lowerdir=$upper:$directory" overlay "$directory"
}

# cri_image NAME: from the builder's store into containerd's.
cri_image() {
	mocker-builder save "$1" 2>/dev/null | ctr -n k8s.io image import - >/dev/null
}

cri_has_images() {
	[ "$(cri ListImages | jq '[.images[].repo_tags[]] | length')" = 3 ]
}

cri() {
	python3 "$top_srcdir/tests/clients/cri/cri.py" "$@"
}

# ---- Docker -------------------------------------------------------------------------

docker_stays() {
	leaves '^file /run/(docker|containerd|mocker|runc|netns|docker.sock|docker.pid)([/.]|$)'
	leaves '^cgroup .*/docker(/buildkit)?$'
	leaves '^(link|address|route|rule) '
	leaves '^process .*(docker-proxy|containerd-shim)'
}

# Debian's client: another one earlier in PATH may be newer than this daemon and lack its
# builder.
docker() {
	/usr/bin/docker "$@"
}

# dockerd of its own with the runtime as its default, and the image "test-image".
docker_setup() {
	mkdir -p "$tmp/docker/bin" "$tmp/docker/client"
	echo '{}' >"$tmp/docker/client/config.json" # podman looks there as well
	# BuildKit, inside dockerd, runs "runc" from dockerd's PATH.
	client_recorded "$tmp/docker/bin/runc"
	cat >"$tmp/docker/daemon.json" <<-END
		{
			"data-root": "$tmp/docker/data", "exec-root": "/run/docker",
			"hosts": ["unix:///run/docker.sock"], "pidfile": "/run/docker.pid",
			"exec-opts": ["native.cgroupdriver=cgroupfs"],
			"runtimes": {"tested": {"path": "$client_runtime"}},
			"default-runtime": "tested", "default-ulimits": {},
			"storage-driver": "overlay2"
		}
	END
	export DOCKER_HOST=unix:///run/docker.sock DOCKER_CONFIG=$tmp/docker/client
	PATH=$tmp/docker/bin:$PATH dockerd --config-file "$tmp/docker/daemon.json" \
		>"$tmp/docker/log" 2>&1 &
	wait_until 60 docker version || {
		tail -5 "$tmp/docker/log" >&2
		return 1
	}
	docker import - test-image <"$(client_image_tar)" >/dev/null
}
