#!/bin/bash
# SELinux labels, given by a kernel that has it and enforces the policy of labels.cil:
# in run, exec, hooks, keyrings, on mounts, and what is refused.
# kernel: security=selinux selinux=1
test_limit=900
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
network_stays
leaves '^file /run/(runc|criu.kdat)$'

selinux=/sys/fs/selinux
web=system_u:system_r:web_t:s0:c0,c1
db=system_u:system_r:db_t:s0:c0.c2
data=system_u:object_r:data_t:s0:c0,c1

prepare() {
	mount -t selinuxfs none $selinux || {
		failed "SELinux is not active in this kernel"
		return
	}
	check secilc -c 33 -o "$tmp/policy" -f /dev/null "$top_srcdir/tests/vm/labels.cil"
	cat "$tmp/policy" >$selinux/load || failed "the policy cannot be loaded"
	echo 1 >$selinux/enforce
	make_bundle "$tmp/web"
	echo secret >"$tmp/web/rootfs/secret"
	echo third >"$tmp/web/rootfs/third"
	check chcon system_u:object_r:secret_t:s0 "$tmp/web/rootfs/secret"
	check chcon system_u:object_r:data_t:s0:c2 "$tmp/web/rootfs/third"
}
test_setup prepare

bundle() {
	make_bundle "$tmp/web" ".process.selinuxLabel = \"$web\"" "$@"
}

label_of() {
	tr -d '\0' <"/proc/$1/attr/current"
}

begin() {
	run_forget
	"${1:-mocker-runtime}" run --detach --bundle "$tmp/web" web </dev/null >"$tmp/log" 2>&1 ||
		failed "cannot start web: $(cat "$tmp/log")"
}

end() {
	run mocker-runtime delete --force web
	check_status 0
}

acts() {
	local script='cat /secret; cat /third; cat /proc/self/attr/current'

	bundle
	in_bundle "$tmp/web" sh -c "$script"
	run mocker-runtime run --bundle "$tmp/web" web
	check_output $web
	check_errors_have "can't open '/secret': Permission denied"
	check_errors_have "can't open '/third': Permission denied"
	edit_bundle "$tmp/web" ".process.selinuxLabel = \"$db\"" '.process.noNewPrivileges = false'
	run mocker-runtime run --bundle "$tmp/web" web
	check_output "third"$'\n'"$db"
	check_errors_have "can't open '/secret': Permission denied"
	edit_bundle "$tmp/web" '.process.selinuxLabel = ""'
	run mocker-runtime run --bundle "$tmp/web" web
	check_output $'secret\nthird\nsystem_u:system_r:base_t:s0-s0:c0.c2'
}
test_case "process.selinuxLabel confines the container's process, by type and category" acts

executed() {
	bundle
	in_bundle "$tmp/web" sleep 1000
	begin
	check_equal "$(label_of "$(container_pid web)")" $web
	run mocker-runtime inspect --format json web
	check_has "$output" "\"$web\""
	run mocker-runtime exec web cat /proc/self/attr/current
	check_output $web
	run mocker-runtime exec web cat /secret
	check_errors_have "Permission denied"
	run mocker-runtime exec --process-label $db web cat /proc/self/attr/current /third
	check_output "$db"third
	run mocker-runtime exec --process-label system_u:system_r:none_t:s0 web true
	check_status 255
	check_fails_with 'container "web": /process/selinuxLabel: "system_u:system_r:none_t:s0": SELinux'\''s policy has no such label'
	end
}
test_case "exec has the container's label, or that of --process-label" executed

process_files() {
	local runtime

	bundle
	in_bundle "$tmp/web" sleep 1000
	jq '.process | .args = ["cat", "/proc/self/attr/current"] | del(.selinuxLabel)' \
		"$tmp/web/config.json" >"$tmp/process.json"
	for runtime in mocker-runtime runc; do
		begin $runtime
		run $runtime exec --process "$tmp/process.json" web
		check_output $web
		check $runtime delete --force web
	done
	rm "$tmp/process.json"
}
test_case "exec's process file without a label has the container's, as with runc" process_files

hooks() {
	local runtime

	for runtime in mocker-runtime runc; do
		bundle ".hooks = {
			\"createRuntime\": [{\"path\": \"/bin/sh\", \"args\": [\"sh\", \"-c\",
				\"cat /proc/self/attr/current >$tmp/outside\"]}],
			\"startContainer\": [{\"path\": \"/bin/sh\", \"args\": [\"sh\", \"-c\",
				\"cat /proc/self/attr/current >/tmp/inside\"]}]}"
		run $runtime run --bundle "$tmp/web" web
		check_status 0
		check_equal "$(tr -d '\0' <"$tmp/outside")" system_u:system_r:base_t:s0-s0:c0.c2
		check_equal "$(tr -d '\0' <"$tmp/web/rootfs/tmp/inside")" $web
		rm "$tmp/outside" "$tmp/web/rootfs/tmp/inside"
	done
}
test_case "the hooks startContainer have the container's label, those outside none" hooks

keyrings() {
	local filter='.linux.maskedPaths = []'

	bundle "$filter"
	in_bundle "$tmp/web" cat /proc/keys
	run mocker-runtime run --bundle "$tmp/web" web
	check_output_has "_ses.web"
	in_bundle "$tmp/web" sleep 1000
	begin
	run mocker-runtime exec web cat /proc/keys
	check_output_has "_ses.web"
	# Another label's keyring, and web_t may not see it.
	run mocker-runtime exec --process-label $db web sh -c 'cat /proc/keys'
	check_output_has "_ses.web"
	end
}
test_case "the session keyring has the process's label" keyrings

# labels_of_mounts RUNTIME: the labels of files on its mounts, then the mounts' contexts;
# those of masks aside.
labels_of_mounts() {
	local place pid

	begin "$1"
	pid=$("$1" state web | jq .pid)
	for place in / /bind /proc /sys /sys/firmware /dev /dev/null /dev/pts /dev/pts/ptmx \
		/dev/shm /dev/mqueue /scratch /sys/fs/cgroup; do
		echo "$place $(stat -c %C "/proc/$pid/root$place")"
	done
	tr -d '"' <"/proc/$pid/mountinfo" |
		sed -n 's/^[^ ]* [^ ]* [^ ]* [^ ]* \([^ ]*\) .*,\(context=[^ ]*s0:c0,c1\).*/\1 \2/p' |
		grep -v '^/proc/\|^/sys/' | sort
	"$1" delete --force web
}

mount_labels() {
	local ours

	mkdir "$tmp/bind"
	check chcon system_u:object_r:data_t:s0 "$tmp/bind" "$tmp/web/rootfs"
	bundle ".linux.mountLabel = \"$data\"" \
		".mounts += [{\"destination\": \"/bind\", \"type\": \"bind\", \"source\": \"$tmp/bind\",
			\"options\": [\"bind\"]},
			{\"destination\": \"/scratch\", \"type\": \"tmpfs\", \"source\": \"tmpfs\"},
			{\"destination\": \"/sys/fs/cgroup\", \"type\": \"cgroup\", \"source\": \"cgroup\"}]"
	in_bundle "$tmp/web" sleep 1000
	ours=$(labels_of_mounts mocker-runtime)
	check_equal "$ours" "/ system_u:object_r:data_t:s0
/bind system_u:object_r:data_t:s0
/proc system_u:object_r:data_t:s0
/sys system_u:object_r:data_t:s0
/sys/firmware $data
/dev $data
/dev/null $data
/dev/pts $data
/dev/pts/ptmx $data
/dev/shm $data
/dev/mqueue $data
/scratch $data
/sys/fs/cgroup system_u:object_r:data_t:s0
/dev context=$data
/dev/pts context=$data
/dev/shm context=$data
/scratch context=$data"
	check_equal "$(labels_of_mounts runc)" "$ours" "what runc does"
	rmdir "$tmp/bind"
}
test_case "linux.mountLabel is the context of new file systems, and of nothing else" mount_labels

unknown() {
	bundle '.process.selinuxLabel = "system_u:system_r:none_t:s0"' ".hooks.createRuntime = [{
		\"path\": \"/bin/touch\", \"args\": [\"touch\", \"$tmp/begun\"]}]"
	run mocker-runtime create --bundle "$tmp/web" web
	check_fails_with '/process/selinuxLabel: "system_u:system_r:none_t:s0": SELinux'\''s policy has no such label'
	check_missing "$tmp/begun"
	check_equal "$(container_status web)" none
	run mocker-runtime check "$tmp/web"
	check_output_has '/process/selinuxLabel: "system_u:system_r:none_t:s0"'
	bundle '.linux.mountLabel = "system_u:object_r:data_t:s9"'
	run mocker-runtime create --bundle "$tmp/web" web
	check_fails_with '/linux/mountLabel: "system_u:object_r:data_t:s9": SELinux'\''s policy has no such label'
	bundle '.process.apparmorProfile = "mocker"'
	run mocker-runtime create --bundle "$tmp/web" web
	check_fails_with '/process/apparmorProfile: "mocker": AppArmor is not active on this machine'
	check_equal "$(container_status web)" none
	run mocker-runtime features
	check_equal "$(jq -c '[.linux.apparmor, .linux.selinux]' <<<"$output")" \
		'[{"enabled":true},{"enabled":true}]'
}
test_case "a label that the policy lacks fails create, before anything is made" unknown

forbidden() {
	bundle '.process.selinuxLabel = "system_u:object_r:data_t:s0"'
	run mocker-runtime run --bundle "$tmp/web" web
	check_fails_with "permission denied"
	check_equal "$(container_status web)" none
}
test_case "a label that no process may have fails when its program would run" forbidden

# Debian's criu is built without SELinux: it would let go of what was confined.
restored() {
	bundle
	in_bundle "$tmp/web" sleep 1000
	# A file of the host as a standard descriptor could not be saved: errors go to a log.
	mocker-runtime --log "$tmp/log" run --detach --bundle "$tmp/web" web \
		</dev/null >/dev/null 2>&1 || failed "cannot start web: $(cat "$tmp/log")"
	run mocker-runtime checkpoint --image-path "$tmp/images" web
	check_status 0
	run mocker-runtime restore --detach --image-path "$tmp/images" --bundle "$tmp/web" web
	check_fails_with 'container "web": ' \
		"the restored process: it is confined by SELinux as \"" "\", not as \"$web\""
	check_equal "$(container_status web)" none
	edit_bundle "$tmp/web" '.process.selinuxLabel = "system_u:system_r:none_t:s0"'
	run mocker-runtime --criu /no/criu restore --image-path "$tmp/images" --bundle "$tmp/web" web
	check_fails_with "SELinux's policy has no such label"
	rm -r "$tmp/images"
}
test_case "a restored container without its label is not let run" restored

echo 0 >$selinux/enforce
umount $selinux
