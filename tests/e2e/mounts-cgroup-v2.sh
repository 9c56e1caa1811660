#!/bin/bash
# The cases of mounts-cgroup.sh on a machine with cgroup version 2 alone.
test_cgroups=v2
# shellcheck source=tests/e2e/mounts-cgroup.sh
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/mounts-cgroup.sh"
