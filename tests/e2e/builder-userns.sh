#!/bin/bash
# Bundles of root's whose containers have a user namespace: --userns, --uidmap, --gidmap;
# run by mocker-runtime, crun and runc, which must agree.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

store_stays
network_stays
leaves '^file /run/(runc|crun)'

set_up() {
	chmod 755 "$tmp" # runc's init goes through it as the container's root
	mkdir context
	make_rootfs context/rootfs
	cat >context/Mockerfile <<-'END_OF_FILE'
		FROM scratch
		COPY rootfs /
		RUN mkdir -p /data/deep /srv && echo x >/data/deep/file && chown -R 1000:1000 /data/deep && \
			cp /bin/busybox /bin/setid && chown 1000:9 /bin/setid && chmod 6755 /bin/setid && \
			ln -s /etc/passwd /srv/link && chown -h 7:8 /srv/link && mkfifo /srv/fifo && \
			ln /data/deep/file /srv/hard && echo y >/srv/acl && chmod 700 /srv
		VOLUME /data /nothing
		CMD ["sh"]
	END_OF_FILE
	run mocker-builder build -t app context
	check_status 0
}
test_setup set_up

# bundled OPTION...: in $tmp/b.
bundled() {
	run mocker-builder bundle app "$tmp/b" "$@"
	check_status 0
}

forget() {
	rm -rf "$tmp/b"
}

owner() {
	stat -c %u:%g "$tmp/b/rootfs$1"
}

on_disk() {
	bundled --uidmap 0:100000:65536
	check_equal "$(stat -c '%a %u:%g' b)" "710 0:100000" "the bundle"
	check_equal "$(owner /)" 100000:100000 "/"
	check_equal "$(owner /bin/busybox)" 100000:100000 "busybox"
	check_equal "$(owner /data/deep/file)" 101000:101000 "a user's file"
	check_equal "$(owner /srv/link)" 100007:100008 "a link"
	check_equal "$(owner /srv/fifo)" 100000:100000 "a fifo"
	check_equal "$(stat -c '%a %u:%g' b/rootfs/bin/setid)" "6755 101000:100009" "a set-id program"
	check_equal "$(stat -c %i b/rootfs/srv/hard)" "$(stat -c %i b/rootfs/data/deep/file)" "a hard link"
	check_equal "$(stat -c %u:%g b/volumes/0 b/volumes/0/deep b/volumes/1 b/etc/hosts | paste -sd' ')" \
		"100000:100000 101000:101000 100000:100000 100000:100000" "the volumes and /etc/hosts"
	check_equal "$(find b/rootfs b/volumes/0 b/volumes/1 \( -uid -100000 -o -gid -100000 \))" "" \
		"files of the host's ids"
	check_equal "$(jq -c '.linux | [.uidMappings, .gidMappings, ([.namespaces[].type] | index("user") != null)]' b/config.json)" \
		'[[{"containerID":0,"hostID":100000,"size":65536}],[{"containerID":0,"hostID":100000,"size":65536}],true]'
	forget
}
test_case "files belong to the ids of the namespace" on_disk

script='cat /proc/self/uid_map | tr -s " "; id -u; stat -c %u:%g / /bin/setid /data/deep/file /data/deep /nothing /etc/hosts /etc/passwd
touch /data/new /nothing/new /root/new; echo "10.0.0.9 more" >>/etc/hosts; chown 12:34 /root/new; stat -c %u:%g /root/new
stat -c %a /bin/setid; ls -ld /dev/shm /dev/pts >/dev/null && echo x >/dev/null && mount -t tmpfs none /mnt 2>/dev/null || echo no mount
ls /sys/class >/dev/null && head -c 1 /proc/1/environ >/dev/null && echo end'

ran_by() { # RUNTIME [OPTION...]
	local runtime=$1

	shift
	bundled "$@" --entrypoint sh -- -c "$script"
	edit_bundle b '.linux.cgroupsPath = "/mocker-test/userns"'
	run "$runtime" run --bundle "$tmp/b" userns
	check_status 0
	check_output " 0 100000 65536
0
0:0
1000:9
1000:1000
1000:1000
0:0
0:0
0:0
12:34
6755
no mount
end"
	check_equal "$(owner /root/new)" 100012:100034 "a file of the container's"
	check_equal "$(stat -c %u b/volumes/0/new)" 100000 "a file in a volume"
	forget
}
test_case "mocker-runtime runs it" ran_by mocker-runtime --uidmap 0:100000:65536
! command -v runc >/dev/null || test_case "so does runc" ran_by runc --uidmap 0:100000:65536

subordinate_ids() {
	cp -a /etc "$tmp/etc" && mount --bind "$tmp/etc" /etc
	echo "box:x:4321:4321::/:/bin/false" >>/etc/passwd
	printf '%s\n' other:5:5 box:300000:10 4321:400000:70000 >/etc/subuid
	printf '%s\n' box:500000:65536 >/etc/subgid
	for name in box 4321; do
		bundled --userns $name -- sh -c 'cat /proc/self/uid_map /proc/self/gid_map | tr -s " "
			stat -c %u:%g / /data/deep'
		edit_bundle b '.linux.cgroupsPath = "/mocker-test/userns"'
		run mocker-runtime run --bundle "$tmp/b" userns
		check_output " 0 300000 10
 10 400000 70000
 0 500000 65536
0:0
1000:1000"
		check_equal "$(owner /data/deep)" 400990:501000 "a user's file"
		forget
	done
	run mocker-builder bundle app "$tmp/b" --userns nobody
	check_fails_with "mocker-builder: bundling app: --userns nobody: /etc/subuid gives nobody no ids"
	check_missing b
	echo nobody:1:5 >>/etc/subuid
	run mocker-builder bundle app "$tmp/b" --userns nobody
	check_fails_with "--userns nobody: /etc/subgid gives nobody no ids"
	umount /etc && rm -r etc
}
test_case "--userns USER has the user's subordinate ids" subordinate_ids

ranges() {
	bundled --uidmap 0:100000:1000 --uidmap 1000:5000:1 --gidmap 0:200000:65536
	check_equal "$(owner /data/deep/file)" 5000:201000 "a user's file"
	check_equal "$(owner /)" 100000:200000 "/"
	forget
	bundled --gidmap 0:200000:65536
	check_equal "$(owner /)" 200000:200000 "/"
	forget
	bundled --userns host
	check_equal "$(owner /)" 0:0 "/"
	check_equal "$(jq '.linux.uidMappings' b/config.json)" null
	forget
}
test_case "ranges of users and of groups" ranges

# devpts has a group that is not there with few ids.
few_ids() {
	mkdir few && cp context/rootfs/bin/busybox few/sh
	printf 'FROM scratch\nCOPY sh /bin/sh\nENTRYPOINT ["/bin/sh"]\n' >few/Mockerfile
	run mocker-builder build -t few few
	run mocker-builder bundle few "$tmp/b" --uidmap 0:100000:2 -- -c 'echo $$ >/dev/null; while read l; do echo $l; done </proc/self/uid_map'
	check_status 0
	edit_bundle b '.linux.cgroupsPath = "/mocker-test/userns"'
	run mocker-runtime run --bundle "$tmp/b" userns
	check_output "0 100000 2"
	run mocker-builder rmi few
	rm -rf few
	forget
}
test_case "a namespace of two ids" few_ids

# Access lists have numbers in them, of the layer as a RUN leaves it; file capabilities are
# the host's, and hold.
attributes() {
	local layer

	printf 'FROM app\nRUN echo secret >/file && chmod 600 /file && cp /bin/busybox /busybox-cap\n' \
		>context/lists.Mockerfile
	run mocker-builder build -t lists -f context/lists.Mockerfile context
	check_status 0
	layer=$(dirname "$(ls /var/lib/mocker/layers/*/fs/busybox-cap)")
	python3 - "$layer" 2>/dev/null <<-'END_OF_FILE' || { skip "no access lists here"; return; }
		import os, struct, sys
		none = 0xffffffff
		os.setxattr(sys.argv[1] + "/file", "system.posix_acl_access", struct.pack("<I", 2) + b"".join(
		    struct.pack("<HHI", *words) for words in ((1, 6, none), (2, 4, 2000), (4, 0, none),
		                                              (8, 4, 10), (16, 4, none), (32, 0, none))))
		os.setxattr(sys.argv[1] + "/busybox-cap", "security.capability",
		            struct.pack("<5I", 0x02000001, 1 << 10, 0, 0, 0))
	END_OF_FILE
	run mocker-builder bundle lists "$tmp/b" --uidmap 0:100000:65536 --cap-add NET_BIND_SERVICE \
		--user 2000 -- sh -c 'cat /file; grep CapEff /proc/self/status
			exec /busybox-cap grep CapEff /proc/self/status'
	check_status 0
	check_equal "$(python3 -c 'import os, struct
value = os.getxattr("b/rootfs/file", "system.posix_acl_access")
print([(tag, id) for tag, mode, id in struct.iter_unpack("<HHI", value[4:]) if tag in (2, 8)])')" \
		"[(2, 102000), (8, 100010)]" "the access list"
	edit_bundle b '.linux.cgroupsPath = "/mocker-test/userns"'
	run mocker-runtime run --bundle "$tmp/b" userns
	check_output "secret
CapEff:	0000000000000000
CapEff:	0000000000000400"
	forget
	run mocker-builder bundle lists "$tmp/b" --uidmap 0:100000:1500 --gidmap 0:100000:65536
	check_fails_with "bundling lists: $tmp/b: copying /" "system.posix_acl_access names 2000, which the user namespace has not"
	check_missing b
	run mocker-builder rmi lists
}
test_case "access lists name the same users, file capabilities hold" attributes

network() {
	bundled --net mocker0 --name userns --uidmap 0:100000:65536 -- sh -c \
		'ip -o -4 address show dev eth0 | tr -s " " | cut -d" " -f4; touch /etc/resolv.conf && ls /sys/class/net | tr "\n" " "'
	edit_bundle b '.linux.cgroupsPath = "/mocker-test/userns"'
	run mocker-runtime run --bundle "$tmp/b" userns
	check_status 0
	check_matches "$output" '^10\.[0-9.]+/24
eth0 lo $'
	forget
	bundled --net host --uidmap 0:100000:65536 -- sh -c 'ls /sys/class/net'
	edit_bundle b '.linux.cgroupsPath = "/mocker-test/userns"'
	run mocker-runtime run --bundle "$tmp/b" userns
	check_output "$(ls /sys/class/net)"
	forget
}
test_case "with a network of its own, and on the host's" network

verified() {
	run mocker-builder bundle app "$tmp/b" --verify --uidmap 0:100000:65536
	check_status 0
	check_has "$errors" "nothing stands against running this bundle"
	run mocker-builder unbundle "$tmp/b"
	check_status 0
	check_missing b
}
test_case "the runtime's check finds nothing; unbundle takes it away" verified

while IFS='|' read -r options said; do
	test_case "refused: $options" bundling_refuses "$options" "$said"
done <<END_OF_LIST
--userns auto|--userns auto: ids of its own for each container are not handed out here
--userns nobody|--userns nobody: /etc/subuid gives nobody no ids
--userns host --uidmap 0:1:1|--userns and --uidmap or --gidmap exclude each other
--uidmap 0:100000|--uidmap 0:100000: expected CONTAINER:HOST:COUNT, as in 0:100000:65536
--uidmap 0:-1:5|--uidmap 0:-1:5: the first id of the host
--uidmap 0:1:0|--uidmap 0:1:0: there are not so many ids
--uidmap 0:4294967295:2|--uidmap 0:4294967295:2: there are not so many ids
--uidmap 0:1:10 --uidmap 9:100:2|--uidmap 9:100:2: it has ids of the range 0:1:10
--uidmap 0:1:10 --uidmap 10:5:2|--uidmap 10:5:2: it has ids of the range 0:1:10
--uidmap 1:100000:65536|--uidmap: the container needs an id 0
--uidmap 0:100000:65536 --gidmap 5:5:5|--gidmap: the container needs an id 0
--uidmap 0:100000:1000|$tmp/b: copying /bin/: setid belongs to 1000:9, and the user namespace has no such user
--uidmap 0:100000:65536 --gidmap 0:100000:9|$tmp/b: copying /bin/: setid belongs to 1000:9, and the user namespace has no such group
--uidmap 0:100000:65536 --user 70000|the container cannot run as 70000:0; its user namespace has no such user or group
--uidmap 0:100000:65536 --gidmap 0:100000:10 --gidmap 1000:5000:1 --user user|the container's user is in group 10, which its user namespace has not
--uidmap 0:100000:65536 --rootfs overlay|a user namespace needs files that belong to its ids: --rootfs copy
--uidmap 0:100000:65536 --rootfs mounted|a user namespace needs files that belong to its ids: --rootfs copy
END_OF_LIST
