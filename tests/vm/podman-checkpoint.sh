#!/bin/bash
# podman's checkpoints of containers that our runtime runs, beside those of runc: podman
# with a real systemd, so that it runs in the virtual machine (check.sh).
set -u
top_builddir=${top_builddir:-/work}
# shellcheck source=tests/vm/systemd-lib.sh
. "$(dirname "$0")/systemd-lib.sh"
export CONTAINERS_CONF=$tmp/containers.conf
export CONTAINERS_STORAGE_CONF=$tmp/storage.conf
runtime=mocker # podman's runtime from here on

settle() {
	cat >"$CONTAINERS_CONF" <<-END
		[engine]
		cgroup_manager = "systemd"
		events_logger = "file"
		runtime = "mocker"
		[engine.runtimes]
		mocker = ["$top_builddir/mocker-runtime"]
		runc = ["/usr/sbin/runc"]
	END
	cat >"$CONTAINERS_STORAGE_CONF" <<-END
		[storage]
		driver = "overlay"
		graphroot = "$tmp/storage"
		runroot = "$tmp/run"
	END
	mkdir -p "$tmp/rootfs"/{bin,dev,etc,proc,run,sys,tmp,usr,var}
	cp "$(command -v busybox)" "$tmp/rootfs/bin/busybox"
	for name in sh cat echo sleep mkfifo nc true ip; do
		ln -s busybox "$tmp/rootfs/bin/$name"
	done
	tar -C "$tmp/rootfs" -cf "$tmp/rootfs.tar" .
	podman import "$tmp/rootfs.tar" box 2>&1
}

clean() {
	podman rm --all --force --time 0 >/dev/null 2>&1
	rm -rf "$tmp"/*.tar.*
}

# pod COMMAND...: podman with the runtime; $output is all that it says, $status its status.
pod() {
	status=0
	output=$(timeout -k 5 240 podman --runtime "$runtime" "$@" </dev/null 2>&1) || status=$?
}

# fine COMMAND...: the same, and it succeeds.
fine() {
	pod "$@"
	[ $status = 0 ] || problems+="# podman ($runtime) $*: status $status: $output"$'\n'
}

# counter NAME [OPTION...]: counts in its memory, and shows how far.
counter() {
	fine run --detach --name "$1" --network none "${@:2}" box sh -c \
		'i=0; while :; do i=$((i + 1)); echo $i >/tmp/count; sleep 0.1; done'
}

count() {
	podman exec "$1" cat /tmp/count 2>/dev/null || echo 0
}

# goes_on NAME COUNT: from there, not from its beginning.
goes_on() {
	local now end=$((SECONDS + 60))

	now=$(count "$1")
	while [ "$now" -le "$2" ] && [ $SECONDS -lt $end ]; do
		now=$(count "$1")
	done
	[ "$now" -gt "$2" ] || problems+="# $1 counts $now, not above $2"$'\n'
}

# begun NAME: waits until it counts; prints how far.
begun() {
	local now=0 end=$((SECONDS + 60))

	while [ "$now" -lt 3 ] && [ $SECONDS -lt $end ]; do
		now=$(count "$1")
	done
	echo "$now"
}

state() {
	podman inspect --format "{{.State.Status}} {{.State.Checkpointed}} {{.State.Restored}}" "$1"
}

has "$(settle)" sha256:

counter web
before=$(begun web)
fine container checkpoint web
is "$(state web)" "exited true false"
is "$(ls -d /sys/fs/cgroup/machine.slice/libpod-*.scope 2>/dev/null)" ""
fine container restore web
is "$(state web)" "running false true"
goes_on web "$before"
fine container checkpoint web
fine container restore --keep --print-stats web
has "$output" runtime_restore_duration
fine stop --time 0 web
fine start web
proves "podman checkpoint and restore: it goes on, with the limits of its scope"

counter web
before=$(begun web)
fine container checkpoint --leave-running --print-stats web
has "$output" memdump_time
is "$(state web)" "running false false"
goes_on web "$before"
fine container checkpoint --keep web
proves "podman checkpoint --leave-running"

mkdir "$tmp/shared"
counter web --volume "$tmp/shared:/shared"
podman exec web sh -c 'echo changed >/var/file'
before=$(begun web)
fine container checkpoint --export "$tmp/web.tar.gz" --compress gzip web
fine rm web
fine container restore --import "$tmp/web.tar.gz"
is "$(podman exec web cat /var/file)" changed
is "$(podman exec web sh -c 'echo >/shared/here')" ""
is "$(ls "$tmp/shared")" here
goes_on web "$before"
fine container restore --import "$tmp/web.tar.gz" --name copy
is "$(podman exec copy cat /var/file)" changed
goes_on copy "$before"
is "$(podman ps --format '{{.Names}}' | sort | paste -sd,)" copy,web
proves "podman checkpoint --export, and --import, under another name too"

counter web
before=$(begun web)
fine container checkpoint --pre-checkpoint --export "$tmp/pre.tar.gz" --compress gzip web
is "$(state web)" "running false false"
fine container checkpoint --with-previous --export "$tmp/web.tar.gz" --compress gzip web
fine rm web
fine container restore --import-previous "$tmp/pre.tar.gz" --import "$tmp/web.tar.gz"
goes_on web "$before"
proves "podman checkpoint --pre-checkpoint and --with-previous"

fine run --detach --name web box sh -c 'mkfifo /tmp/in; nc -l -p 80 -e cat & sleep 2
	nc 127.0.0.1 80 </tmp/in >/tmp/out & exec 3>/tmp/in; echo before >&3
	while [ ! -e /tmp/go ]; do sleep 0.2; done; echo after >&3; sleep 1000'
address=$(podman inspect --format '{{.NetworkSettings.IPAddress}}' web)
sleep 10
is "$(podman exec web cat /tmp/out)" before
pod container checkpoint web
is $status 125
is "$(state web)" "running false false"
fine container checkpoint --tcp-established web
fine container restore --tcp-established web
is "$(podman inspect --format '{{.NetworkSettings.IPAddress}}' web)" "$address"
fine exec web sh -c 'echo >/tmp/go; sleep 3; cat /tmp/out'
is "$output" $'before\nafter'
proves "podman checkpoint --tcp-established: connections on its bridge go on"

fine run --detach --name web --network none --tty box sh -c 'exec sleep 1000'
fine container checkpoint web
fine container restore web
is "$(state web)" "running false true"
fine run --detach --name low --network none --memory 64m --pids-limit 20 box sleep 1000
fine container checkpoint low
fine container restore low
id=$(podman inspect --format '{{.Id}}' low)
is "$(cat "/sys/fs/cgroup/machine.slice/libpod-$id.scope"/{memory.max,pids.max} 2>/dev/null ||
	cat "/sys/fs/cgroup/machine.slice/libpod-$id.scope"/container/{memory.max,pids.max})" $'67108864\n20'
proves "podman checkpoint of a terminal, and of limits"

# What podman answers where it fails, in lines of one status each.
refusals() {
	pod container checkpoint nobody
	echo "checkpoint nobody $status"
	pod container restore nobody
	echo "restore nobody $status"
	counter web
	begun web >/dev/null
	pod container restore web
	echo "restore what runs $status"
	pod container checkpoint --export /no/such/directory/web.tar.gz web
	echo "checkpoint to nowhere $status"
	pod container checkpoint --with-previous --export "$tmp/web.tar.gz" web
	echo "checkpoint without its previous $status"
	fine stop --time 0 web
	pod container checkpoint web
	echo "checkpoint what is stopped $status"
	pod container restore web
	echo "restore what was not saved $status"
	fine start web
	fine container checkpoint --keep web
	rm -f "$tmp"/storage/overlay-containers/*/userdata/checkpoint/core-*.img
	pod container restore web
	echo "restore of half its images $status"
	pod container restore --import /no/such.tar.gz
	echo "import of nothing $status"
	echo garbage >"$tmp/web.tar.gz"
	pod container restore --import "$tmp/web.tar.gz"
	echo "import of garbage $status"
	clean
}

ours=$(refusals)
runtime=runc
is "$ours" "$(refusals)"
runtime=mocker
proves "what podman cannot save or restore ends as with runc"

podman system reset --force >/dev/null 2>&1
ends
