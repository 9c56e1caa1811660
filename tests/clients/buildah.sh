#!/bin/bash
# buildah, and podman build, which is buildah inside: RUN and `buildah run` with
# --isolation oci, each on the runtime, which a script in front of it notes down.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/clients/clients.sh"

needs podman buildah conmon script || exit 0
podman_stays
leaves '^file /run/(buildah|crun)|^rule ' # of the bridge that a RUN is given by podman

image=localhost/test-image:latest

set_up() {
	podman_setup && client_recorded "$tmp/recorded/$client_runtime_name"
}

buildah_oci() { # COMMAND [ARGUMENT...]
	local command=$1

	shift
	buildah "$command" --isolation oci --runtime "$client_recorded" "$@"
}

context_make() {
	mkdir -p "$tmp/context"
	cat >"$tmp/context/Containerfile" <<-END
		FROM $image
		ENV PATH=/bin
		COPY given /given
		RUN echo "\$(cat /given) as \$(id -u)" >/built && mkdir /w
		WORKDIR /w
		USER 1000
		RUN echo "\$(id -u) in \$(pwd)" >/tmp/who
		CMD cat /built /tmp/who
	END
	echo given >"$tmp/context/given"
}

builds() { # PROGRAM COMMAND...
	context_make
	client_recorded_forget
	run "$@" -q -t built "$tmp/context"
	check_status 0
	check_equal "$(client_recorded_commands)" "create delete start state" "what was called"
	run podman run --rm built
	check_status 0
	check_output $'given as 0\n1000 in /w'
	run podman rmi built
	check_status 0
}

# The status of a RUN that fails comes out as it does elsewhere.
fails_to_build() {
	mkdir -p "$tmp/context"
	printf 'FROM %s\nRUN exit 7\n' "$image" >"$tmp/context/Containerfile"
	run "$@" -q "$tmp/context"
	check_status 7
	check_errors_have "exit status 7"
	buildah rm --all >/dev/null
}

working_container() {
	local container

	run buildah from -q "$image"
	check_status 0
	container=$output
	client_recorded_forget
	run buildah_oci run "$container" sh -c 'echo run; echo err >&2; echo kept >/kept; exit 3'
	check_status 3
	check_output run
	check_errors_have err
	check_equal "$(client_recorded_commands)" "create delete start state" "what was called"
	run buildah_oci run --user 1000 --workingdir /tmp --env A=b "$container" \
		sh -c 'id -u; pwd; echo $A'
	check_status 0
	check_output $'1000\n/tmp\nb'
	echo words >"$tmp/words"
	run_input=$tmp/words run buildah_oci run "$container" sh -c 'read -r a; echo "heard $a"'
	check_output "heard words"
	run buildah_oci run --cap-add CAP_SYS_ADMIN -v "$tmp:/there:ro" "$container" \
		sh -c 'cat /there/words; touch /there/x 2>/dev/null || echo read-only'
	check_output $'words\nread-only'
	run buildah_oci run "$container" no-such-program
	check_not [ "$status" = 0 ]
	check_errors_have "executable file not found in \$PATH"
	run_in_terminal buildah run --isolation oci --runtime "$client_recorded" -t "$container" tty
	check_status 0
	check_output_has /dev/pts/0
	run buildah commit -q "$container" kept
	check_status 0
	run podman run --rm kept cat /kept
	check_output kept
	run podman rmi kept
	run buildah rm "$container"
	check_status 0
}

test_setup check set_up
test_case "buildah run runs, with status, identity, volumes, terminal" working_container
test_case "buildah bud builds" builds buildah_oci bud
test_case "podman build builds" builds podman --runtime "$tmp/recorded/$client_runtime_name" \
	build --isolation oci
test_case "a RUN that fails fails buildah bud" fails_to_build buildah_oci bud
test_case "and podman build" fails_to_build podman build --isolation oci
