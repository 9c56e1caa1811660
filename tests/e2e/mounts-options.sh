#!/bin/bash
# Every option of a mount: what /proc/self/mountinfo shows of it inside.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/mounts.sh
. "$e2e/mounts.sh"

test_setup mounts_setup

# A source with a file system below it, on a shared mount: as a host has them.
make_source() {
	mkdir -p "$tmp/source"
	mount -t tmpfs tmpfs "$tmp/source" && mount --make-shared "$tmp/source"
	mkdir "$tmp/source/below" && echo text >"$tmp/source/file"
	mount -t tmpfs tmpfs "$tmp/source/below"
}
test_setup make_source

# ---- attributes ---------------------------------------------------------------------

# option, word that mountinfo has, word that it has not ("-": none)
attribute_table='
	ro            ro          rw
	rw            rw          ro
	nosuid        nosuid      -
	nodev         nodev       -
	noexec        noexec      -
	noatime       noatime     relatime
	nodiratime    nodiratime  -
	relatime      relatime    noatime
	strictatime   rw          relatime
	nosymfollow   nosymfollow -
	nosuid,suid   rw          nosuid
	nodev,dev     rw          nodev
	noexec,exec   rw          noexec
	noatime,atime relatime    noatime
	ro,rw         rw          ro
	defaults      rw          ro
'

attributes_are_set() {
	local type=$1 source=$2 option has lacks filters=() number=0

	while read -r option has lacks; do
		[ -n "$option" ] || continue
		number=$((number + 1))
		# shellcheck disable=SC2046 # a word for each option
		filters+=("$(with_mount "/m$number" "$type" "$source" $(tr , ' ' <<<"$option"))")
	done <<<"$attribute_table"
	contained "$show_mounts" "${filters[@]}"
	check_status 0
	number=0
	while read -r option has lacks; do
		[ -n "$option" ] || continue
		number=$((number + 1))
		check_word "$(options_of "/m$number")" "$has"
		check_no_word "$(options_of "/m$number")" "$lacks"
	done <<<"$attribute_table"
}

recursive_table='
	rro          ro          rw
	rnosuid      nosuid      -
	rnodev       nodev       -
	rnoexec      noexec      -
	rnoatime     noatime     relatime
	rnodiratime  nodiratime  -
	rrelatime    relatime    noatime
	rstrictatime rw          relatime
	rnosymfollow nosymfollow -
	rro,rrw      rw          ro
	rnosuid,rsuid rw         nosuid
'

recursive_attributes_reach_below() {
	local option has lacks filters=() number=0

	while read -r option has lacks; do
		[ -n "$option" ] || continue
		number=$((number + 1))
		# shellcheck disable=SC2046
		filters+=("$(with_mount "/m$number" bind "$tmp/source" rbind $(tr , ' ' <<<"$option"))")
	done <<<"$recursive_table"
	contained "$show_mounts" "${filters[@]}"
	if ! has_mount_setattr; then
		check_fails_with "mount options of a whole tree need Linux 5.12"
		return
	fi
	check_status 0
	number=0
	while read -r option has lacks; do
		[ -n "$option" ] || continue
		number=$((number + 1))
		for place in "/m$number" "/m$number/below"; do
			check_word "$(options_of "$place")" "$has"
			check_no_word "$(options_of "$place")" "$lacks"
		done
	done <<<"$recursive_table"
}

plain_ro_is_for_the_top() {
	contained "$show_mounts" \
		"$(with_mount /all bind "$tmp/source" rbind ro)" \
		"$(with_mount /one bind "$tmp/source" bind ro)"
	check_status 0
	check_word "$(options_of /all)" ro
	check_word "$(options_of /all/below)" rw
	check_word "$(options_of /one)" ro
	check_equal "$(options_of /one/below)" "" "what is below a plain bind"
}

# ---- propagation --------------------------------------------------------------------

propagation_is_set() {
	contained "$show_mounts" \
		"$(with_mount /none bind "$tmp/source" rbind)" \
		"$(with_mount /private bind "$tmp/source" rbind private)" \
		"$(with_mount /rprivate bind "$tmp/source" rbind rprivate)" \
		"$(with_mount /slave bind "$tmp/source" rbind slave)" \
		"$(with_mount /rslave bind "$tmp/source" rbind rslave)" \
		"$(with_mount /shared bind "$tmp/source" rbind shared)" \
		"$(with_mount /rshared bind "$tmp/source" rbind rshared)" \
		"$(with_mount /unbindable bind "$tmp/source" rbind unbindable)" \
		"$(with_mount /tmpfs tmpfs tmpfs shared)"
	check_status 0
	check_matches "$(propagation_of /none)" '^ master:[0-9]+$'
	check_equal "$(propagation_of /private)" ""
	check_equal "$(propagation_of /rprivate)$(propagation_of /rprivate/below)" ""
	check_matches "$(propagation_of /slave)" '^ master:[0-9]+$'
	check_matches "$(propagation_of /rslave)" '^ master:[0-9]+$'
	check_matches "$(propagation_of /shared)" '^ shared:[0-9]+ master:[0-9]+$'
	check_matches "$(propagation_of /rshared/below)" '^ shared:[0-9]+ master:[0-9]+$'
	check_equal "$(propagation_of /unbindable)" " unbindable"
	check_matches "$(propagation_of /tmpfs)" '^ shared:[0-9]+$'
}

root_propagation_is_set() {
	contained "$show_mounts" ".linux.rootfsPropagation = \"$1\""
	check_status 0
	check_matches "$(propagation_of /)" "$2"
}

# Read-only paths are bound on themselves, which an unbindable mount refuses.
all_is_unbindable() {
	local path

	contained "$show_mounts" '.linux.rootfsPropagation = "runbindable"' \
		'.linux.readonlyPaths = ["/proc/sys"] | .linux.maskedPaths = ["/proc/kcore"]' \
		"$(with_mount /tmpfs tmpfs tmpfs shared)"
	check_status 0
	for path in / /proc /proc/sys /dev /dev/pts; do
		check_equal "$(propagation_of $path)" " unbindable" "of $path"
	done
	check_matches "$(propagation_of /tmpfs)" '^ shared:[0-9]+$'
}

# A mount made inside is seen outside only where both root and mount say so.
bidirectional() {
	contained 'mkdir /m/made && mount -t tmpfs made /m/made && echo mounted' \
		'.process.capabilities[] = ["CAP_SYS_ADMIN"]' \
		".linux.rootfsPropagation = \"$1\"" \
		"$(with_mount /m bind "$tmp/source" rbind rshared)"
	if [ "$1" = rshared ] && ! has_detached_mounts; then
		check_fails_with "a mount that stays shared with the host's needs Linux 5.2"
		return
	fi
	check_output mounted
	check_equal "$(grep -c " $tmp/source/made " /proc/self/mountinfo)" "$2" \
		"the number of mounts outside"
	umount "$tmp/source/made" 2>/dev/null
	rmdir "$tmp/source/made"
}

# ---- file systems -------------------------------------------------------------------

data_is_passed_on() {
	contained "$show_mounts; stat -c %a /mode" \
		"$(with_mount /size tmpfs tmpfs size=64k nr_inodes=100 uid=7 gid=8)" \
		"$(with_mount /mode tmpfs tmpfs mode=1750)" \
		"$(with_mount /two tmpfs tmpfs size=128k,mode=700)" \
		"$(with_mount /sync tmpfs tmpfs sync dirsync iversion)"
	check_status 0
	check_matches "$(file_system_of /size)" 'size=64k,nr_inodes=100.*uid=7,gid=8'
	check_has "$(file_system_of /two)" 'size=128k'
	check_has "$(file_system_of /two)" 'mode=700'
	check_has "$(file_system_of /sync)" 'sync'
	check_has "$(file_system_of /sync)" 'dirsync'
	check_equal "$(tail -n 1 <<<"$output")" 1750 "the mode"
}

tmpfs_has_the_mode_of_what_it_covers() {
	mkdir -m 1711 "$tmp/b/rootfs/odd"
	contained 'stat -c %a /odd /new' "$(with_mount /odd tmpfs tmpfs)" \
		"$(with_mount /new tmpfs tmpfs)"
	check_output $'1711\n1777'
	rmdir "$tmp/b/rootfs/odd" "$tmp/b/rootfs/new"
}

read_only_file_systems() {
	contained "$show_mounts; touch /ro/x; cat /ro/inner/file; ls /dev/null" \
		"$(with_mount /ro tmpfs tmpfs ro)" \
		"$(with_mount /ro/inner bind "$tmp/source" bind)" \
		'(.mounts[] | select(.destination == "/dev") | .options) += ["ro"]'
	check_status 0
	check_word "$(options_of /ro)" ro
	check_word "$(options_of /dev)" ro
	check_output_has $'\ntext\n'
	check_errors_have "Read-only file system"
}

remount_changes_what_is_there() {
	contained "$show_mounts" "$(with_mount /m tmpfs tmpfs size=64k)" \
		"$(with_mount /m none none remount bind ro nosuid)" \
		"$(with_mount /n tmpfs tmpfs size=64k)" \
		"$(with_mount /n tmpfs tmpfs remount size=128k)"
	check_status 0
	check_word "$(options_of /m)" ro
	check_word "$(options_of /m)" nosuid
	check_has "$(file_system_of /n)" size=128k
}

default_file_systems() {
	contained "$show_mounts; stat -c '%g %a' /dev/pts/ptmx; ls /dev/mqueue; echo x >/dev/shm/y"
	check_status 0
	check_has "$(file_system_of /proc)" "proc proc"
	check_has "$(file_system_of /dev/pts)" "devpts devpts rw,gid=5,mode=620,ptmxmode=666"
	check_has "$(file_system_of /dev/mqueue)" "mqueue mqueue"
	check_has "$(file_system_of /sys)" "sysfs sysfs"
	check_word "$(options_of /sys)" ro
}

# ---- errors -------------------------------------------------------------------------

# The entry of config.json's own mounts that a case adds is the seventh.
refused() {
	local words=$1

	shift
	contained true "$@"
	check_fails_with "$words"
}

cases() {
	test_case "each option of a tmpfs is in mountinfo$kernel" \
		attributes_are_set tmpfs tmpfs
	test_case "each option of a bind mount is in mountinfo$kernel" \
		attributes_are_set bind "$tmp/source"
	test_case "recursive options reach what is below$kernel" \
		recursive_attributes_reach_below
	test_case "ro and bind are for one mount, rbind takes all$kernel" \
		plain_ro_is_for_the_top
	test_case "propagation is what was asked for$kernel" propagation_is_set
	test_case "a private root$kernel" root_propagation_is_set rprivate '^$'
	test_case "a shared root is a group of its own$kernel" \
		root_propagation_is_set rshared 'shared:'
	test_case "an unbindable root$kernel" root_propagation_is_set unbindable '^ unbindable$'
	test_case "with all that is mounted on it$kernel" all_is_unbindable
	test_case "a shared mount below a shared root is the host's too$kernel" \
		bidirectional rshared 1
	test_case "a shared mount below a slave root is not$kernel" bidirectional rslave 0
	test_case "options of the file system are passed on$kernel" data_is_passed_on
	test_case "a tmpfs has the mode of the directory that it covers$kernel" \
		tmpfs_has_the_mode_of_what_it_covers
	test_case "ro comes after mount points and devices are made$kernel" \
		read_only_file_systems
	test_case "remount changes what is mounted$kernel" remount_changes_what_is_there
	test_case "the file systems of a default container$kernel" default_file_systems
}
on_kernels cases

# Configs with such words run elsewhere, and there is nothing in them to refuse.
words_that_ask_for_nothing() {
	contained 'cat /m/file; touch /t/x && echo fine' \
		"$(with_mount /m bind "$tmp/source" bind async loud silent noacl nomand x-mount.note=5 X-other)" \
		"$(with_mount /t tmpfs tmpfs async loud x-systemd.automount)"
	check_status 0
	check_output_has fine
	check_equal "$errors" ""
}
test_case "options that ask for the usual, and fstab's comments" words_that_ask_for_nothing

test_case "an unknown option of a bind mount is named" \
	refused '/mounts/6/options/1: "rdonly" is no option of a bind mount' \
	"$(with_mount /m bind "$tmp/source" bind rdonly)"
test_case "an option of a file system is refused for a bind mount" \
	refused '/mounts/6/options/1: "sync" concerns a whole file system' \
	"$(with_mount /m bind "$tmp/source" bind sync)"
test_case "a value that the file system dislikes is shown" \
	refused "Bad value for 'size'" "$(with_mount /m tmpfs tmpfs size=12q)"
test_case "a file system that the kernel does not have is named" \
	refused 'file system type "nosuchfs"' "$(with_mount /m nosuchfs none)"
test_case "a source that does not exist is named" \
	refused "/mounts/6: mounting /nowhere on /m: the source /nowhere: " \
	"$(with_mount /m bind /nowhere bind)"
test_case "a bind mount without source is refused" \
	refused "/mounts/6" "$(with_mount /m bind "" bind)"
test_case "tmpcopyup is for tmpfs" \
	refused '"tmpcopyup" is for tmpfs only' "$(with_mount /m bind "$tmp/source" bind tmpcopyup)"
test_case "a mount without type is refused" \
	refused "/mounts/6: expected a type" \
	"$(with_mount_json '{"destination":"/m","source":"tmpfs"}')"
test_case "an SELinux label needs SELinux" \
	refused '/linux/mountLabel: "system_u:object_r:container_file_t:s0": SELinux is not active' \
	'.linux.mountLabel = "system_u:object_r:container_file_t:s0"'
