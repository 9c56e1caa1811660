#!/bin/bash
# podman-rootless-cgroups.sh where the user has cgroups, of version 2.
MOCKER_TEST_CGROUPS=v2 exec "$(dirname "$0")/podman-rootless-cgroups.sh" "$@"
