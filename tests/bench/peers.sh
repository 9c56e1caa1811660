# shellcheck shell=bash
# For benches that run beside podman and buildah: their storage and settings, and medians of
# what was timed in turns. A bench sources it behind lib.sh.

# timed NAME COMMAND...: appends the microseconds to $tmp/NAME.times.
timed() {
	local name=$1 begin

	shift
	begin=${EPOCHREALTIME/./}
	"$@" >/dev/null 2>"$tmp/.bench" || failed "$* failed: $(cat "$tmp/.bench")"
	echo $((${EPOCHREALTIME/./} - begin)) >>"$tmp/$name.times"
}

median() {
	sort -n "$tmp/$1.times" |
		awk '{ v[NR] = $1 } END { printf "%.1f", v[int((NR + 1) / 2)] / 1000 }'
}

# compare OURS THEIRS LIMIT: their medians and the ratio, beside what it should be. Said,
# not checked: nothing here fails because a machine is slow.
compare() {
	awk -v a="$(median "$1")" -v b="$(median "$2")" -v c="$1" -v d="$2" -v limit="$3" '
		BEGIN { printf "# %s %s ms, %s %s ms: %.2f, wanted %s%s\n", c, a, d, b,
			a / b, limit, (a / b > limit ? " (missed)" : "") }'
}

peers_set_up() {
	mkdir -p "$tmp/peers" /run/mocker-test
	cat >"$tmp/peers/containers.conf" <<-END
		[containers]
		default_ulimits = []
		pids_limit = 0
		netns = "none"
		log_driver = "none"
		[engine]
		cgroup_manager = "cgroupfs"
		events_logger = "none"
		runtime = "crun"
	END
	mkdir -p "$tmp/graph"
	mount -t tmpfs tmpfs "$tmp/graph" # overlay does not stack on every file system
	printf '%s\n' '[storage]' 'driver = "overlay"' "graphroot = \"$tmp/graph\"" \
		'runroot = "/run/podman-storage"' >"$tmp/peers/storage.conf"
	export CONTAINERS_CONF=$tmp/peers/containers.conf
	export CONTAINERS_STORAGE_CONF=$tmp/peers/storage.conf
	export CONTAINERS_REGISTRIES_CONF=/dev/null
	printf '{"default": [{"type": "insecureAcceptAnything"}]}' >"$tmp/peers/policy.json"
}
