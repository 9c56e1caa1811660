#!/bin/bash
# The systemd cgroup driver of a user who is not root: scopes of the user's own manager. It
# needs a machine with systemd and logind, so that it runs in the virtual machine.
set -u
top_builddir=${top_builddir:-/work}
# shellcheck source=tests/vm/systemd-lib.sh
. "$(dirname "$0")/systemd-lib.sh"
user=walker
uid=1234
home=/home/$user
manager=/sys/fs/cgroup/user.slice/user-$uid.slice/user@$uid.service

as_user() {
	setpriv --reuid=$uid --regid=$uid --clear-groups env -i HOME=$home PATH="$PATH" \
		XDG_RUNTIME_DIR=/run/user/$uid "$@" </dev/null
}

runtime() {
	as_user "$top_builddir/mocker-runtime" --systemd-cgroup "$@"
}

systemctl_user() {
	as_user systemctl --user "$@"
}

property() {
	systemctl_user show mocker-web.scope -p "$1" | cut -d= -f2-
}

clean() {
	runtime delete --force web >/dev/null 2>&1
}

groupadd --gid $uid $user && useradd --uid $uid --gid $uid --create-home $user || exit 1
loginctl enable-linger $user || exit 1
for ((try = 0; try < 600; try++)); do
	[ ! -S /run/user/$uid/bus ] || break
	sleep 0.2
done

# bundle JQ_FILTER: as `spec --rootless` writes it, with a program that stays.
bundle() {
	rm -rf $home/web
	mkdir -p $home/web/rootfs/{bin,dev,proc,sys,tmp}
	cp "$(command -v busybox)" $home/web/rootfs/bin/busybox
	ln -s busybox $home/web/rootfs/bin/sh
	chown -R $user: $home/web
	as_user sh -c "cd $home/web && $top_builddir/mocker-runtime spec --rootless"
	jq '.process.args = ["busybox", "sleep", "1000"] | .process.terminal = false |
		.linux.cgroupsPath = "user.slice:mocker:web" | '"$1" \
		$home/web/config.json >"$tmp/config" && cp "$tmp/config" $home/web/config.json
}

start() {
	runtime run --detach --bundle $home/web web >"$tmp/output" 2>&1
	cat "$tmp/output"
}

bundle '.linux.resources = {"memory": {"limit": 52428800}, "pids": {"limit": 20}} |
	.annotations = {"org.systemd.property.TimeoutStopSec": "3"}'
is "$(start)" ""
is "$(property ControlGroup)" "${manager#/sys/fs/cgroup}/user.slice/mocker-web.scope"
is "$(property MemoryMax)" 52428800
is "$(property TasksMax)" 20
is "$(property TimeoutStopUSec)" 3s
is "$(cat $manager/user.slice/mocker-web.scope/memory.max)" 52428800
is "$(cat $manager/user.slice/mocker-web.scope/pids.max)" 20
is "$(systemctl list-units --all --no-legend 'mocker*')" ""
proves "without root, a container is a scope of the user's manager, with its limits"

# From outside of the manager's tree, as from a login session.
is "$(start)" ""
runtime exec --detach web busybox sleep 1001 >"$tmp/output" 2>&1
is "$(cat "$tmp/output")" ""
is "$(grep -c . $manager/user.slice/mocker-web.scope/cgroup.procs)" 2
is "$(runtime exec web busybox id -u 2>&1)" 0
is "$(runtime exec web busybox cat /proc/self/cgroup 2>&1)" 0::/ # in its namespace
proves "exec goes into that scope too"

is "$(start)" ""
is "$(runtime update --memory 60m web 2>&1)" ""
is "$(property MemoryMax)" 62914560
is "$(runtime pause web 2>&1)" ""
is "$(runtime state web | jq -r .status)" paused
is "$(runtime delete --force web 2>&1)" ""
is "$(systemctl_user list-units --all --no-legend 'mocker*')" ""
is "$(ls -d $manager/user.slice/mocker-* 2>/dev/null)" ""
proves "it is updated, paused and deleted, and leaves neither unit nor cgroup"

is "$(as_user env -u XDG_RUNTIME_DIR "$top_builddir/mocker-runtime" --root $home/state \
	--systemd-cgroup run --detach --bundle $home/web web >"$tmp/output" 2>&1; cat "$tmp/output")" ""
is "$(property ActiveState)" active
as_user "$top_builddir/mocker-runtime" --root $home/state --systemd-cgroup delete --force web
proves "its bus is found without an environment that tells of it"

bundle '.process.args = ["/no/such"]'
has "$(start)" "no such file or directory"
is "$(systemctl_user list-units --all --no-legend 'mocker*')" ""
proves "a create that fails leaves no unit"

bundle '.'
stopped=$(systemctl show user@$uid.service -p MainPID --value)
kill -STOP "$stopped"
has "$(start)" "the systemd cgroup driver: subscribing to its signals: systemd did not answer within 25 seconds"
kill -CONT "$stopped"
is "$(runtime state web 2>&1)" 'mocker-runtime: container "web": container does not exist'
proves "a manager that does not answer is not waited for for ever"

loginctl disable-linger $user
systemctl stop user@$uid.service
bundle '.'
has "$(start)" "systemd is not running for this user"
has "$(cat "$tmp/output")" "use --cgroup-manager=cgroupfs"
proves "without a manager of the user it says so"
userdel --remove $user 2>/dev/null
ends
