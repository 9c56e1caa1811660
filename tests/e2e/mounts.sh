# shellcheck shell=bash disable=SC2034,SC2154
# What the tests of mounts share: a bundle that shows what it sees, and the same cases
# again on what looks like an older kernel.

# The mount calls of Linux 5.2, and what came later.
new_calls=open_tree,move_mount,fsopen,fsconfig,fsmount,mount_setattr,openat2
later_calls=mount_setattr,openat2
hidden_calls=

# The virtual machine has no compiler; there it comes with the programs.
mounts_setup() {
	if [ -x "$top_builddir/enosys" ]; then
		cp "$top_builddir/enosys" "$tmp/enosys"
	else
		"${CC:-cc}" -o "$tmp/enosys" "$e2e/enosys.c" -lseccomp || failed "enosys.c"
	fi
	make_rootfs "$tmp/b/rootfs"
}

# contained SCRIPT [JQ FILTER...]: runs it in a container whose config is edited.
contained() {
	sh_bundle "$tmp/b" "$@" || return 1
	# shellcheck disable=SC2086 # words, or none
	run ${hidden_calls:+"$tmp/enosys" "$hidden_calls"} \
		mocker-runtime run ${run_options-} --bundle "$tmp/b" test
}

# with_mount DESTINATION TYPE SOURCE [OPTION...]: the jq filter that adds it.
with_mount() {
	local destination=$1 type=$2 source=$3

	shift 3
	jq -n -r --arg d "$destination" --arg t "$type" --arg s "$source" '
		{destination: $d, type: $t, source: $s, options: $ARGS.positional} |
		".mounts += [" + tojson + "]"' --args -- "$@"
}

# with_mount_json JSON: the same of a whole mount.
with_mount_json() {
	echo ".mounts += [$1]"
}

# before_mounts DESTINATION TYPE SOURCE [OPTION...]: as the first of all.
before_mounts() {
	with_mount "$@" | sed 's/^\.mounts += \(.*\)$/.mounts = \1 + .mounts/'
}

show_mounts='cat /proc/self/mountinfo'

# field_of DESTINATION NUMBER: of the last mount there, in the mountinfo of the last run.
field_of() {
	awk -v place="$1" -v number="$2" '$5 == place { value = $number }
		END { print value }' <<<"$output"
}

# Options of the mount; optional fields (propagation); type, source, options of the file
# system.
options_of() { field_of "$1" 6; }
propagation_of() {
	awk -v place="$1" '$5 == place {
		text = ""
		for (i = 7; $i != "-"; i++)
			text = text " " $i
	} END { print text }' <<<"$output"
}
file_system_of() {
	awk -v place="$1" '$5 == place {
		for (i = 7; $i != "-"; i++)
			;
		text = $(i + 1) " " $(i + 2) " " $(i + 3)
	} END { print text }' <<<"$output"
}

# check_word LIST WORD, check_no_word LIST WORD: of a list with commas.
check_word() {
	check_has ",$1," ",$2," "the list of options"
}
check_no_word() {
	check_lacks ",$1," ",$2," "the list of options"
}

# on_kernels FUNCTION: its cases as they are, and on older kernels; $kernel is for their
# sentences.
on_kernels() {
	local function=$1

	kernel=
	"$function"
	kernel=" (as on Linux 5.4)"
	hidden_calls=$later_calls
	"$function"
	kernel=" (as before Linux 5.2)"
	hidden_calls=$new_calls
	"$function"
	kernel=
	hidden_calls=
}

# True on a kernel that has mount_setattr(), which some things need.
has_mount_setattr() {
	[ -z "$hidden_calls" ]
}

has_detached_mounts() {
	[ "$hidden_calls" != "$new_calls" ]
}
