#!/bin/bash
# Runs end-to-end tests in the virtual machine of vm.sh and prints what they print, as one
# TAP stream: what needs cgroup v2 with all controllers, systemd, or a kernel with more in
# it than this machine's.
#
#	tests/vm/check.sh [FILE...]      names in tests/e2e or tests/vm
#
# Without names: those of $MOCKER_VM_TESTS, or all below. Files of one kernel share a boot:
# those whose names end in -v1.sh have one whose cgroups are of version 1; and a line
# "# kernel: ARGUMENTS" says what else a file's kernel must be told.
set -u -o pipefail

top_srcdir=$(realpath "${top_srcdir:-$(dirname "$0")/../..}")
top_builddir=$(realpath "${top_builddir:-$top_srcdir}")
# What another cgroup layout, another kernel or a systemd could change.
all='cgroup-v1.sh cgroup-v2.sh checkpoint-options.sh checkpoint-v1.sh checkpoint.sh harness.sh
	labels-apparmor.sh labels-selinux.sh limits-v2.sh mounts-cgroup-v2.sh mounts-root.sh
	net.sh overlay.sh podman-checkpoint.sh runtime-exec.sh runtime-hooks.sh runtime-lifecycle.sh
	runtime-memory.sh runtime-namespaces.sh seccomp.sh systemd-user.sh systemd.sh'
legacy='systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=1'
# shellcheck disable=SC2086 # names of files
[ $# -gt 0 ] || set -- ${MOCKER_VM_TESTS:-$all}
export MOCKER_VM_DIR=${MOCKER_VM_DIR:-$top_builddir/vm}
export MOCKER_VM_LIMIT=${MOCKER_VM_LIMIT:-10800} # each of its boots

# payload TAR FILE...: the programs, the tests and the script that runs them.
payload() {
	local tar=$1

	shift
	mkdir -p "$work/tests" &&
		cp "$top_builddir"/mocker-{runtime,builder,netsetup} "$top_srcdir/mocker" "$work/" &&
		find "$top_builddir" -maxdepth 1 -name mocker-runtime-systemd -exec cp {} "$work/" \; &&
		cp -r "$top_srcdir/tests/e2e" "$top_srcdir/tests/vm" "$work/tests/" &&
		"${CC:-cc}" -o "$work/enosys" "$top_srcdir/tests/e2e/enosys.c" -lseccomp ||
		return 1
	cat >"$work/guest" <<-END
		#!/bin/bash
		export top_srcdir=/work top_builddir=/work LC_ALL=C.UTF-8
		export MOCKER_TEST_LIMIT=1800 # a machine in software takes its time
		for file in $*; do
			echo "=== file \$file"
			[ -e "tests/e2e/\$file" ] && room=e2e || room=vm
			bash "tests/\$room/\$file" </dev/null
		done
		exit 0
	END
	chmod +x "$work/guest"
	chmod 755 "$work" # users who are not root get in too
	tar -C "$work" -cf "$tar" .
}

# The files' streams as one: renumbered, each sentence with its file's name before it. A
# file that broke off, or a guest that did, is a failure of its own.
one_stream() {
	local awk=(awk)

	# Some awk reads on until its buffer is full, and nobody sees how far the guest is.
	[[ $(awk -W version 2>&1 </dev/null) != mawk* ]] || awk+=(-W interactive)
	"${awk[@]}" '
	function close_file() {
		if (file != "" && !planned)
			print "not ok " ++n " - " file ": ended without a plan"
	}
	/^=== file / { close_file(); file = $3; planned = 0; next }
	/^1\.\.0 # SKIP/ { planned = 1; print "ok " ++n " - " file " " substr($0, 6); next }
	/^1\.\./ { planned = 1; next }
	/^(not )?ok / {
		word = /^not / ? "not ok" : "ok"
		sub(/^(not )?ok [0-9]+ - /, "")
		print word " " ++n " - " file ": " $0
		fflush()
		next
	}
	/^Bail out!/ { print "not ok " ++n " - " file ": " $0; next }
	{ print ($0 ~ /^#/ ? "" : "# ") $0; fflush() }
	END { close_file(); print "1.." (n ? n : 1); exit !n }'
}

# boot KERNEL_ARGUMENTS FILE...: runs them in a machine of their own; none without files.
boot() {
	local arguments=$1

	shift
	[ $# -gt 0 ] || return 0
	payload "$work.tar" "$@" || exit 1
	MOCKER_VM_KERNEL_ARGUMENTS="${MOCKER_VM_KERNEL_ARGUMENTS-} $arguments" \
		setpriv --pdeathsig TERM "$top_srcdir/tests/vm/vm.sh" run "$work.tar"
}

# arguments_of FILE: what its kernel is told.
arguments_of() {
	case $1 in
	*-v1.sh) echo "$legacy" ;;
	*) cat "$top_srcdir"/tests/{vm,e2e}/"$1" 2>/dev/null | sed -n 's/^# kernel: //p' ;;
	esac
}

boots() {
	local file arguments
	local -A files=()

	for file; do
		arguments=$(arguments_of "$file")
		files[" $arguments"]+=" $file"
	done
	for arguments in "${!files[@]}"; do
		# shellcheck disable=SC2086 # names of files
		boot "$arguments" ${files[$arguments]}
	done
}

work=$(mktemp -d)
trap 'rm -rf "$work" "$work.tar"' EXIT
exec 3> >(one_stream)
reader=$!
boots "$@" >&3 # in this process, whose end is the machine's
exec 3>&-
wait $reader
