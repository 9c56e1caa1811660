# shellcheck shell=bash disable=SC2034,SC2154
# The pretend host: network, mount, pid, ipc, uts and cgroup namespaces of a test file's
# own, so that bridges, firewall rules, 10.x addresses, /run, /var/lib/mocker, mounts and
# processes of a test never touch the machine, and what it leaves is plain to see.
#
# Outside (pretend_host_enter): a temporary directory and a cgroup /mocker-test-PID in
# every hierarchy; the file runs again inside; then both are removed. When the first
# process in there ends, the kernel kills all others.
# Inside (host_inside): the cgroup is the root of all that can be seen of cgroups; /run,
# /var/lib/mocker, /sys and /proc are its own; the loopback is up, nothing else is there.
#
# A file may set, before it sources lib.sh:
#	test_cgroups   machine (the default: as the machine has them), v1 or v2: only those
#	test_limit     seconds for the whole file (300; $MOCKER_TEST_LIMIT says otherwise)

pretend_host_enter() {
	if [ "${MOCKER_TEST_INSIDE-}" = yes ]; then
		host_inside
		return
	fi
	[ "$(id -u)" = 0 ] || host_skip "not root: run it as root, for it makes namespaces"
	host_check_built
	export MOCKER_TEST_CGROUP=mocker-test-$$
	export MOCKER_TEST_CGROUPS=${MOCKER_TEST_CGROUPS:-${test_cgroups:-machine}}
	host_sweep
	tmp=$(mktemp -d "${TMPDIR:-/tmp}/mocker-test.XXXXXX")
	export tmp
	trap 'exit 130' INT TERM HUP
	trap host_remove EXIT
	host_run "$@"
	exit $?
}

host_skip() {
	trap - EXIT # who prints the plan of the cases
	echo "1..0 # SKIP $*"
	exit 0
}

host_check_built() {
	local program

	for program in mocker-runtime mocker-builder mocker-netsetup; do
		[ -x "$top_builddir/$program" ] || {
			echo "Bail out! $top_builddir/$program is not built: run make first"
			exit 1
		}
	done
}

# In the cgroup before its namespace is made: what that shows as its root is where its
# maker was. And only the first process inside is in there, not the one that waits for it:
# a cgroup of version 2 with processes hands no controllers to its children.
host_run() {
	local limit=${MOCKER_TEST_LIMIT:-${test_limit:-300}} result=0

	timeout -k 10 "$limit" unshare --net --mount --propagation private --ipc --uts --pid \
		--fork --kill-child --mount-proc bash -c '
		. "$0/pretend-host.sh"
		host_join_cgroups || exit 1
		exec unshare --cgroup env MOCKER_TEST_INSIDE=yes "$@"
	' "$e2e" bash "$0" "$@" </dev/null &
	host_pid=$!
	wait "$host_pid" || result=$?
	host_pid=
	case $result in
	124 | 137) echo "Bail out! the test file took longer than $limit seconds" ;;
	esac
	return $result
}

host_remove() {
	trap - EXIT
	[ -z "${host_pid-}" ] || {
		kill "$host_pid" 2>/dev/null
		wait "$host_pid" 2>/dev/null
	}
	host_remove_cgroups
	rm -rf --one-file-system "$tmp"
}

# ---- cgroups ------------------------------------------------------------------------

# What a test file left that was killed by SIGKILL: its process is gone, and so, with it, are
# all that it made.
host_sweep() {
	local place cgroup

	while read -r place _; do
		for cgroup in "$place"/mocker-test-[0-9]*; do
			[ -e "/proc/${cgroup##*-}" ] ||
				find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null
		done
	done < <(host_hierarchies)
}

# Every mounted hierarchy: "MOUNTPOINT FILESYSTEM OPTIONS", options as mount -o wants them.
# Here and below few programs are run: each file of tests comes by four times.
host_hierarchies() {
	local place rest type options

	while read -r _ _ _ _ place rest; do
		read -r type _ options <<<"${rest#* - }"
		case $type in
		cgroup2) echo "$place cgroup2 rw" ;;
		cgroup)
			host_v1_options "$options"
			echo "$place cgroup $REPLY"
			;;
		esac
	done </proc/self/mountinfo
}

# REPLY of "rw,cpu,cpuacct": "cpu,cpuacct"; of "rw,xattr,name=systemd": "none,name=systemd".
host_v1_options() {
	local option mount_options

	IFS=, read -r -a mount_options <<<"$1"
	REPLY=
	for option in "${mount_options[@]}"; do
		case $option in
		rw | ro | xattr | clone_children | noprefix | release_agent=*) ;;
		name=*) REPLY+=,none,$option ;;
		*) REPLY+=,$option ;;
		esac
	done
	REPLY=${REPLY#,}
}

host_join_cgroups() {
	local hierarchies place type options cgroup file
	local -a cgroups

	hierarchies=$(host_hierarchies)
	mapfile -t cgroups <<<"$hierarchies"
	mkdir -p "${cgroups[@]/ *//$MOCKER_TEST_CGROUP}" || return 1
	while read -r place type options; do
		cgroup=$place/$MOCKER_TEST_CGROUP
		for file in cpuset.cpus cpuset.mems; do # empty at first on v1: no task may join
			[ "$type" = cgroup ] && [ -e "$cgroup/$file" ] &&
				cat "$place/$file" >"$cgroup/$file"
		done
		if [ "$type" = cgroup2 ]; then
			host_enable_controllers "$place"
		fi
		echo $$ >"$cgroup/cgroup.procs" || return 1
	done <<<"$hierarchies"
}

# What the directory has, for its children: each for itself, since one that is refused
# refuses the whole line.
host_enable_controllers() {
	local controller

	# shellcheck disable=SC2013 # words, all in one line
	for controller in $(cat "$1/cgroup.controllers"); do
		echo "+$controller" >"$1/cgroup.subtree_control" 2>/dev/null
	done
}

host_remove_cgroups() {
	local place tries left

	for ((tries = 0; tries < 40; tries++)); do # the dying linger for a moment
		left=()
		while read -r place _; do
			[ ! -d "$place/$MOCKER_TEST_CGROUP" ] || left+=("$place/$MOCKER_TEST_CGROUP")
		done < <(host_hierarchies)
		[ ${#left[@]} -gt 0 ] || return 0
		[ $tries = 0 ] || sleep 0.05
		find "${left[@]}" -depth -type d -exec rmdir {} + 2>/dev/null
	done
	echo "# cannot remove ${left[*]}" >&2
}

# ---- inside -------------------------------------------------------------------------

host_inside() {
	local hierarchies

	hierarchies=$(host_hierarchies)
	mount -t sysfs sysfs /sys || host_broken "mounting /sys"
	host_mount_cgroups "$hierarchies" || host_broken "mounting cgroups"
	host_mount_run || host_broken "mounting /run"
	host_mount_store || host_broken "mounting /var/lib/mocker"
	ip link set lo up || host_broken "bringing lo up"
	cd "$tmp" || exit 1
	unset MOCKER_RUNTIME MOCKER_BUILDER MOCKER_NETSETUP XDG_RUNTIME_DIR
	export PATH=$top_builddir:$top_srcdir:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	mkdir -p "$tmp/tmp" # what is left in there is seen
	export TMPDIR=$tmp/tmp
	export HOME=/root LC_ALL=C.UTF-8 TERM=dumb
	umask 022
}

host_broken() {
	echo "Bail out! the pretend host cannot be made: $*"
	exit 1
}

# Only the test's own cgroup, as root of each hierarchy; the shell itself goes one below,
# for on v2 a cgroup with processes cannot give controllers to its children.
host_mount_cgroups() {
	local place type options places

	mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup || return 1
	case $MOCKER_TEST_CGROUPS in
	v2)
		mount -t cgroup2 cgroup2 /sys/fs/cgroup && host_settle_v2 /sys/fs/cgroup
		return
		;;
	v1)
		grep -q ' cgroup ' <<<"$1" || host_skip "this machine has no cgroup v1"
		;;
	esac
	[ "$MOCKER_TEST_CGROUPS" != v1 ] || set -- "$(grep -v ' cgroup2 ' <<<"$1")"
	mapfile -t places <<<"$1"
	mkdir -p "${places[@]/ */}"
	while read -r place type options; do
		mount -t "$type" -o "$options" "$type" "$place" || return 1
		[ "$type" = cgroup2 ] && host_settle_v2 "$place"
	done <<<"$1"
	return 0
}

host_settle_v2() {
	mkdir "$1/test-shell" && echo $$ >"$1/test-shell/cgroup.procs" || return 1
	host_enable_controllers "$1"
	return 0
}

host_mount_run() {
	mount -t tmpfs -o mode=755 tmpfs /run && mkdir -p /run/lock
}

# /var/lib stays as it is, with our directory in it: by an overlay, so that the machine
# needs no such directory.
host_mount_store() {
	mkdir -p "$tmp/.host/upper/mocker" "$tmp/.host/work" "$tmp/.host/store"
	if [ ! -d /var/lib/mocker ]; then
		mount -t overlay -o "lowerdir=/var/lib,upperdir=$tmp/.host/upper,workdir=$tmp/.host/work" \
			overlay /var/lib 2>/dev/null || mkdir -p /var/lib/mocker
	fi
	# Layers are upper directories of overlays, which cannot lie on an overlay.
	[ "$(stat -f -c %T "$tmp")" != overlayfs ] ||
		mount -t tmpfs tmpfs "$tmp/.host/store" || return 1
	mount --bind "$tmp/.host/store" /var/lib/mocker
}

# ---- more hosts ---------------------------------------------------------------------

# another_host NAME [LINK]: a network namespace NAME beside the pretend host, its eth0
# (10.99.0.2/24) joined to the pretend host's LINK (10.99.0.1/24): the outside world.
# Ends by `ip netns del NAME`.
another_host() {
	local name=$1 link=${2:-outside0}

	ip netns add "$name" &&
		ip link add "$link" type veth peer name eth0 netns "$name" &&
		ip address add 10.99.0.1/24 dev "$link" &&
		ip link set "$link" up &&
		ip -n "$name" address add 10.99.0.2/24 dev eth0 &&
		ip -n "$name" link set lo up &&
		ip -n "$name" link set eth0 up &&
		ip -n "$name" route add default via 10.99.0.1
}
