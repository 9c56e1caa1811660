# shellcheck shell=bash disable=SC2034,SC2154
# Tests in which a real engine drives the runtime: the end-to-end library, and the set-up
# of each engine in the pretend host. $client_runtime is the runtime they are given: ours,
# or with CLIENT_RUNTIME=/usr/sbin/runc another one, so that the same script compares both.

test_limit=${test_limit:-600}
# shellcheck source=tests/e2e/lib.sh
. "${top_srcdir:-$(dirname "${BASH_SOURCE[0]}")/../..}/tests/e2e/lib.sh"

client_runtime=${CLIENT_RUNTIME:-$top_builddir/mocker-runtime}
client_runtime_name=$(basename "$client_runtime")

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

# podman with storage, configuration and state of its own; the network off unless asked.
podman_setup() {
	mkdir -p "$tmp/podman"
	cat >"$tmp/podman/containers.conf" <<-END
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
		network_backend = "netavark"
		network_config_dir = "$tmp/podman/networks"
	END
	cat >"$tmp/podman/storage.conf" <<-END
		[storage]
		driver = "overlay"
		graphroot = "$tmp/podman/graph"
		runroot = "/run/podman-storage"
	END
	cat >"$tmp/podman/policy.json" <<-END
		{"default": [{"type": "insecureAcceptAnything"}]}
	END
	export CONTAINERS_CONF=$tmp/podman/containers.conf
	export CONTAINERS_STORAGE_CONF=$tmp/podman/storage.conf
	export CONTAINERS_REGISTRIES_CONF=/dev/null
	mkdir -p /run/libpod /run/containers
	podman import -q "$(client_image_tar)" test-image >/dev/null 2>&1 &&
		podman run --rm test-image true # makes what podman keeps
}

# ---- containerd ---------------------------------------------------------------------

# containerd of its own, with the image "test-image" imported.
containerd_setup() {
	mkdir -p "$tmp/containerd" /run/containerd
	cat >"$tmp/containerd/config.toml" <<-END
		version = 2
		root = "$tmp/containerd/root"
		state = "/run/containerd"
		disabled_plugins = [${containerd_disabled-"\"io.containerd.grpc.v1.cri\""}]
		[grpc]
		address = "/run/containerd/containerd.sock"
		${containerd_conf-}
	END
	containerd --config "$tmp/containerd/config.toml" >"$tmp/containerd/log" 2>&1 &
	wait_until 20 ctr version || {
		tail -5 "$tmp/containerd/log"
		return 1
	}
	containerd_image | ctr image import --base-name test-image - >/dev/null
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

# ---- Docker -------------------------------------------------------------------------

# Debian's client: another one earlier in PATH may be newer than this daemon and lack its
# builder.
docker() {
	/usr/bin/docker "$@"
}

# dockerd of its own with the runtime as its default, and the image "test-image".
docker_setup() {
	mkdir -p "$tmp/docker/bin"
	# BuildKit, inside dockerd, runs "runc" from dockerd's PATH.
	ln -sf "$client_runtime" "$tmp/docker/bin/runc"
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
		tail -5 "$tmp/docker/log"
		return 1
	}
	docker import - test-image <"$(client_image_tar)" >/dev/null
}
