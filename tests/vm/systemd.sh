#!/bin/bash
# The systemd cgroup driver with a real systemd. It talks to the manager of the machine it
# runs on, so that it runs in the virtual machine (check.sh), not in a pretend host.
set -u
top_builddir=${top_builddir:-/work}
runtime=$top_builddir/mocker-runtime
e2e=${top_srcdir:-/work}/tests/e2e
cg=/sys/fs/cgroup/system.slice
# shellcheck source=tests/vm/systemd-lib.sh
. "$(dirname "$0")/systemd-lib.sh"

clean() {
	"$runtime" delete --force web >/dev/null 2>&1
}

bundle() {
	mkdir -p "$tmp/web/rootfs"/{bin,dev,proc,sys,tmp}
	cp "$(command -v busybox)" "$tmp/web/rootfs/bin/busybox"
	ln -sf busybox "$tmp/web/rootfs/bin/sh"
	jq ".linux.cgroupsPath = \"system.slice:mocker:web\" |
		.process.args = [\"busybox\", \"sleep\", \"1000\"] | $1" \
		"$e2e/config.json" >"$tmp/web/config.json"
}

# Into a file: the container keeps its standard output open.
start() {
	"$runtime" --systemd-cgroup run --detach --bundle "$tmp/web" web \
		</dev/null >"$tmp/output" 2>&1
	cat "$tmp/output"
}

create() {
	"$runtime" --systemd-cgroup create --bundle "$tmp/web" web \
		</dev/null >"$tmp/output" 2>&1
	cat "$tmp/output"
}

property() {
	systemctl show mocker-web.scope -p "$1" | cut -d= -f2-
}

units() {
	systemctl list-units --all --no-legend 'mocker*'
}

bundle '.linux.resources += {"memory": {"limit": 52428800}, "pids": {"limit": 20},
	"cpu": {"shares": 512, "quota": 50000, "period": 100000}}'
is "$(start)" ""
is "$(property ControlGroup)" /system.slice/mocker-web.scope
is "$(property MemoryMax)" 52428800
is "$(property TasksMax)" 20
is "$(property CPUQuotaPerSecUSec)" 500ms
is "$(property CPUWeight)" 59
is "$(property Delegate)" yes
is "$(cat $cg/mocker-web.scope/memory.max)" 52428800
is "$(cat $cg/mocker-web.scope/cpu.weight)" 59
is "$("$runtime" exec web busybox cat /proc/self/cgroup)" 0::/system.slice/mocker-web.scope
proves "a container is a scope with its limits"

is "$(start)" ""
is "$("$runtime" update --memory 60m --pids-limit 30 web 2>&1)" ""
is "$(property MemoryMax)" 62914560
systemctl daemon-reload
is "$(cat $cg/mocker-web.scope/memory.max)" 62914560
is "$("$runtime" exec web sh -c 'echo >/dev/null && echo fine' 2>&1)" fine
proves "limits and devices outlive daemon-reload"

is "$(start)" ""
"$runtime" pause web
is "$("$runtime" state web | jq -r .status)" paused
is "$("$runtime" delete --force web 2>&1)" ""
is "$(units)" ""
is "$(ls -d $cg/mocker-* 2>/dev/null)" ""
proves "delete leaves neither unit nor cgroup"

bundle '.annotations = {"org.systemd.property.TimeoutStopSec": "3",
	"org.systemd.property.CollectMode": "'"'inactive-or-failed'"'"}'
is "$(start)" ""
is "$(property TimeoutStopUSec)" 3s
is "$(property CollectMode)" inactive-or-failed
proves "annotations are properties of the scope"

bundle '.annotations = {"org.systemd.property.NoSuchThing": "5"}'
has "$(start)" "Cannot set property NoSuchThing"
is "$(units)" ""
bundle '.process.args = ["/no/such"]'
has "$(start)" "no such file or directory"
is "$(units)" ""
bundle '.linux.cgroupsPath = "/a/b"'
has "$(start)" 'expects "slice:prefix:name"'
proves "a create that fails leaves no unit"

bundle '.hooks.startContainer = [{"path": "/bin/false"}]'
is "$(create)" ""
has "$("$runtime" start web 2>&1)" "/hooks/startContainer/0"
is "$(units)" ""
is "$("$runtime" list -q)" ""
bundle '.hooks.poststart = [{"path": "/bin/false"}]'
is "$(create)" ""
has "$("$runtime" start web 2>&1)" "/hooks/poststart/0"
is "$(units)" ""
is "$("$runtime" list -q)" ""
proves "nor does a start that fails"

bundle '.'
is "$(start)" ""
bus=$(systemctl show dbus.service -p MainPID --value)
kill -STOP "$bus"
has "$("$runtime" delete --force web 2>&1)" "connecting to the bus: it did not answer within 25 seconds"
kill -CONT "$bus"
is "$("$runtime" delete --force web 2>&1)" ""
is "$(units)" ""
is "$(ls -d $cg/mocker-* 2>/dev/null)" ""
proves "a bus that does not answer is told, and delete can be asked again"

bundle '.linux.cgroupsPath = "one-two.slice:mocker:web"'
is "$(start)" ""
is "$(property ControlGroup)" /one.slice/one-two.slice/mocker-web.scope
proves "slices are expanded"

# With nothing of ours but /dev/null, for that is all that criu can save.
quietly() {
	"$runtime" --log "$tmp/log" "$@" </dev/null >/dev/null 2>&1 || cat "$tmp/log"
}

bundle '.linux.resources.memory.limit = 52428800'
is "$(quietly --systemd-cgroup run --detach --bundle "$tmp/web" web)" ""
is "$(quietly checkpoint --image-path "$tmp/images" web)" ""
is "$(units)" ""
is "$(quietly --systemd-cgroup restore --detach --image-path "$tmp/images" --bundle "$tmp/web" web)" ""
is "$("$runtime" state web | jq -r .status)" running
is "$(property MemoryMax)" 52428800
is "$(grep -cx "$("$runtime" state web | jq .pid)" $cg/mocker-web.scope/cgroup.procs)" 1
is "$(grep -c . $cg/mocker-web.scope/cgroup.procs)" 1
is "$("$runtime" delete --force web 2>&1)" ""
is "$(units)" ""
proves "a restored container is a scope again"

ends
