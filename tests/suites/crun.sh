#!/bin/bash
# crun's own tests (Python) on mocker-runtime, beside crun; see suites.sh.
test_cgroups=v1 test_limit=3600
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/suites/suites.sh
. "$top_srcdir/tests/suites/suites.sh"

suite_peer=$(command -v crun) || host_skip "no crun"
suite_known=$top_srcdir/tests/suites/crun.known
suite_unpack crun

# What its containers run is a program of the suite's own.
container_program() {
	printf '#define %s 1\n' HAVE_SECCOMP HAVE_ERROR_H >"$tmp/crun/config.h"
	"${CC:-cc}" -static -w -I"$tmp/crun" -o "$tmp/crun/tests/init" "$tmp/crun/tests/init.c" \
		-lseccomp ||
		failed "tests/init.c does not compile"
}

# Its tests of mounts read mountinfo by libmount's module, which Debian does not have.
module_libmount() {
	cat >"$tmp/crun/tests/libmount.py" <<-END
		class Mount:
		    def __init__(self, fields):
		        self.target, self.vfs_options = fields[4:6]
		        self.fs_options = fields[-1]


		class Table:
		    def __init__(self, path):
		        self.mounts = [Mount(line.split()) for line in open(path)]

		    def find_target(self, target):
		        found = [m for m in self.mounts if m.target == target]
		        return found[-1] if found else None
	END
}

suite_run() { # RUNTIME FILE
	(cd "$tmp/crun" && PYTHONPATH=tests OCI_RUNTIME=$1 INIT=$tmp/crun/tests/init \
		TMPDIR=$tmp timeout -k 5 600 /usr/bin/python3 "$2")
}

test_setup suite_devices
test_setup container_program
test_setup module_libmount
for file in "$tmp"/crun/tests/test_*.py; do
	case ${file##*/} in
	test_checkpoint_restore.py) ;; # criu wants another kernel: tests/vm
	test_delete.py) ;; # freezes a container in a cgroup of its own, and leaves it there
	test_seccomp.py) ;; # waits for a message that the specification does not have
	*) suite_case "$file" ;;
	esac
done
