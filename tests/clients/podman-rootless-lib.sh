# shellcheck shell=bash disable=SC2034,SC2154
# podman 4.3 of a user without privilege, for tests, which source this in place of clients.sh:
# podman calls the runtime as root of the user's own namespace, in the pid and cgroup
# namespaces of the host. crun knows no machine with cgroups of both versions: to compare
# with it, set MOCKER_TEST_CGROUPS to v1 or v2.

. "${top_srcdir:-$(dirname "${BASH_SOURCE[0]}")/../..}/tests/clients/clients.sh"
# shellcheck source=tests/e2e/rootless-lib.sh
. "$e2e/rootless-lib.sh"

needs podman conmon script catatonit newuidmap || exit 0

image=test-image
some_capabilities=00000000800405fb # podman's, where nobody asks for others
# as README.md has it; runc has no such manager of cgroups
podman_engine_conf="runtime_supports_json = [\"$client_runtime_name\"]
	runtime_supports_nocgroup = [\"mocker-runtime\", \"crun\"]"

# What podman keeps; among it a process that holds the user's namespaces.
leaves '^file /run/user(/[0-9]+(/(libpod|containers|netns|crun|runc)(/.*)?)?)?$'
leaves '^file /run/user/[0-9]+/mocker(/@seccomp(/.*)?)?$'
leaves '^process .*\(catatonit\)$|^cgroup .*/(libpod_parent|conmon)$'
client_is mocker-runtime || leaves '^cgroup ' # of what failed, or was killed

# From here on `podman` is that of the user, who may execute a copy of the runtime.
podman_user_setup() {
	rootless_make_user
	cp "$client_runtime" "$tmp/programs/" || return 1
	client_runtime=$tmp/programs/$client_runtime_name
	mount --make-rshared / # else podman warns at every command
	podman_of_user "$user" "$home"
	cp "$(client_image_tar)" "$home/image.tar"
	podman import -q image.tar $image >/dev/null && podman run --rm $image true
}

# podman_of_user NUMBER HOME: with storage, configuration and state where a login has them,
# and the caller's directory and environment are a login's.
podman_of_user() {
	local directory=$tmp/of-$1 runtime_directory=/run/user/$1

	mkdir -p "$directory" "$2/tmp" "$runtime_directory" && chmod 700 "$runtime_directory"
	podman_write_configuration "$2/.config/containers" \
		"$2/.local/share/containers/storage" "$runtime_directory/containers"
	chown "$1:$1" "$2" "$2/tmp" "$runtime_directory" && chown -R "$1:$1" "$2/.config"
	cat >"$directory/podman" <<-END
		#!/bin/sh
		exec setpriv --reuid $1 --regid $1 --clear-groups env -i -C "$2" HOME="$2" \
			TMPDIR="$2/tmp" XDG_RUNTIME_DIR=$runtime_directory TERM=dumb LC_ALL=C.UTF-8 \
			PATH="$tmp/programs:/usr/sbin:/usr/bin:/sbin:/bin" \
			CONTAINERS_REGISTRIES_CONF=/dev/null /usr/bin/podman "\$@"
	END
	chmod 755 "$directory/podman"
	PATH=$directory:${PATH#"$directory:"}
}
