#!/bin/bash
# podman of a user without privilege: who a container's process is, in whose user namespace
# and with which privileges; to whom its volumes belong.
# shellcheck source=tests/clients/podman-rootless-lib.sh
. "${top_srcdir:-$(dirname "$0")/../..}/tests/clients/podman-rootless-lib.sh"

users() {
	run podman run --rm --user user $image sh -c 'id -u; id -G; echo $HOME; touch /tmp/x; stat -c %u:%g /tmp/x'
	check_output $'1000\n1000 10\n/home/user\n1000:1000'
	run podman run --rm --user 4000:10 --group-add 4001 $image id
	check_output "uid=4000(4000) gid=10(wheel) groups=10(wheel),4001"
	run podman run --rm --group-add keep-groups $image id -u
	check_output 0
}

# Told by create, not by start.
users_out_of_range() {
	local why="is every id mapped in the user namespace?"

	client_is mocker-runtime || why="nvalid argument"
	run podman run --rm --user 70000 $image true
	check_status 126
	check_errors_have "$why"
	run podman run --rm --user 0:70000 $image true
	check_status 126
	check_errors_have "$why"
	run podman run -d --name web $image sleep 1000
	run podman exec -u 70000 web true
	check_status 255
	check_errors_have "$why"
	podman_remove web
}

maps='id -u; tr -s " " </proc/self/uid_map'

user_namespaces() {
	run podman run --rm --userns=keep-id $image sh -c "$maps; touch /tmp/x && stat -c %u /tmp/x"
	check_status 0
	check_output $'1234\n 0 1 1234\n 1234 0 1\n 1235 1235 64302\n1234'
	run podman run --rm --userns=keep-id:uid=1000,gid=1000 $image id
	check_output "uid=1000(user) gid=1000(user) groups=1000(user)"
	run podman run --rm --userns=keep-id -u 0 $image sh -c 'id -u; touch /x && stat -c %u /x'
	check_output $'0\n0'
	run podman run --rm --userns=auto:size=500 $image sh -c "$maps"
	check_output $'0\n 0 1 500'
	run podman run --rm --userns=nomap $image sh -c "$maps"
	check_output $'0\n 0 1 65536'
	run podman run --rm --uidmap 0:5:1 --uidmap 1000:0:1 --gidmap 0:5:1 --gidmap 1000:0:1 -u 1000 \
		$image sh -c "$maps"
	check_output $'1000\n 0 5 1\n 1000 0 1'
	run podman run -d --name one --userns=keep-id $image sleep 1000
	run podman run --rm --userns container:one --pid container:one $image ps -o user,args
	check_output $'USER     COMMAND\n1234     sleep 1000\nroot     ps -o user,args'
	run podman exec one id -u
	check_output 1234
	podman_remove one
}

# The one that the runtime is in already.
same_user_namespace() {
	local joins=yes

	! client_is runc crun || joins=no
	run podman run -d --name one $image sleep 1000
	run podman run --rm --userns container:one $image id -u
	if [ $joins = yes ]; then
		check_output 0
	else
		check_not [ "$status" = 0 ]
	fi
	podman_remove one
}

# A /proc of the other's processes, of which the new user namespace owns nothing.
new_user_namespace_beside() {
	local mounts=yes

	! client_is_runc || mounts=no
	run podman run -d --name one $image sleep 1000
	run podman run --rm --userns=keep-id --pid container:one --ipc container:one \
		--net container:one $image ps -o user,args
	if [ $mounts = yes ]; then
		check_status 0
		check_output $'USER     COMMAND\nsomebody sleep 1000\nsomebody ps -o user,args'
	else
		check_not [ "$status" = 0 ]
	fi
	podman_remove one
}

privileges() {
	run podman run --rm $image grep -E 'CapEff|Seccomp:' /proc/self/status
	check_output $'CapEff:\t'$some_capabilities$'\nSeccomp:\t2'
	run podman run --rm --cap-drop all --security-opt no-new-privileges $image \
		grep -E 'CapBnd|NoNewPrivs' /proc/self/status
	check_output $'CapBnd:\t0000000000000000\nNoNewPrivs:\t1'
	run podman run --rm --privileged $image sh -c 'grep Seccomp: /proc/self/status
		mkdir /mnt && mount -t tmpfs none /mnt && hostname x && test -c /dev/full && echo "does all"'
	check_output $'Seccomp:\t0\ndoes all'
	run podman run --rm --oom-score-adj 500 $image cat /proc/self/oom_score_adj
	check_output 500
	run podman run --rm --ulimit nofile=100:200 $image sh -c 'ulimit -n; ulimit -Hn'
	check_output $'100\n200'
	run podman run --rm --sysctl net.ipv4.ip_forward=1 --sysctl kernel.msgmax=1000 $image \
		cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax
	check_output $'1\n1000'
}

# Whose namespace has one id, and denies setgroups(2).
lonely_user() {
	local home=$tmp/lonely PATH=$PATH

	mkdir -p "$home"
	podman_of_user 1235 "$home"
	cp "$(client_image_tar)" "$home/image.tar"
	run podman import -q image.tar $image
	check_status 0
	run podman run --rm $image sh -c "$maps; cat /proc/self/setgroups"
	check_output $'0\n 0 1235 1\ndeny'
	run podman run --rm -u root:root --group-add root $image id -G
	check_status 0
	check_output 0
	run podman run --rm -u 1000:1000 $image true
	check_not [ "$status" = 0 ]
	run podman run -d --name web $image sleep 1000
	run podman exec -u 0 -t web tty
	check_status 0
	podman_remove web
	rm -rf "$home"
}

volumes() {
	mkdir "$home/volume" && echo text >"$home/volume/file" && chown -R "$user:$user" "$home/volume"
	run podman run --rm -v "$home/volume:/v" $image sh -c 'stat -c %u /v/file; touch /v/new; chown 5:6 /v/new'
	check_output 0
	check_equal "$(stat -c %u:%g "$home/volume/new")" 100004:200005 "the owner outside"
	run podman run --rm -v "$home/volume:/v:ro" $image sh -c 'cat /v/file; echo >/v/file || echo read-only'
	check_output $'text\nread-only'
	run podman run --rm -v "$home/volume:/v:O" $image sh -c 'echo other >/v/file; cat /v/file'
	check_output other
	check_equal "$(cat "$home/volume/file")" text "what the overlay left"
	run podman run --rm -v "$home/volume:/v:U" -u 1000 $image sh -c 'stat -c %u:%g /v /v/file; touch /v/mine'
	check_output $'1000:1000\n1000:1000'
	check_equal "$(stat -c %u "$home/volume/mine")" 100999 "the owner outside"
	run podman run --rm -v "$home/volume:/v:rslave,nosuid,nodev,noexec" $image \
		sh -c 'grep " /v " /proc/mounts | cut -d" " -f4 | cut -d, -f1-5'
	check_output rw,nosuid,nodev,noexec,relatime
	run podman run --rm -v named:/data $image sh -c 'touch /data/x; stat -c %u:%g /data'
	check_output 0:0
	run podman volume rm named
	check_status 0
	run podman unshare rm -r "$home/volume"
	check_status 0
}

# What only the administrator may ask the kernel for; runc does not know the option.
mapped_volume() {
	local refused=yes

	! client_is_runc || refused=no
	run podman run --rm -v "$home/tmp:/v:idmap" --uidmap 0:1:1000 --gidmap 0:1:1000 $image true
	if [ $refused = yes ]; then
		check_status 126
		check_errors_have "peration not permitted"
	else
		check_status 0
	fi
}

test_setup check podman_user_setup
test_case "a user, its groups and its home" users
test_case "a user that the namespace has not" users_out_of_range
test_case "user namespaces: keep-id, auto, nomap, maps, another's" user_namespaces
test_case "the user namespace of another is the runtime's own" same_user_namespace
test_case "a new user namespace beside joined ones" new_user_namespace_beside
test_case "capabilities, seccomp, limits, sysctls" privileges
test_case "a user without subordinate ids" lonely_user
test_case "volumes, and whose they are" volumes
test_case "an id-mapped volume" mapped_volume
