# shellcheck shell=bash disable=SC2034,SC2154
# Containers that are saved and restored: what checkpoint.sh and its neighbours share.
# shellcheck source=tests/e2e/sleeper.sh
. "$e2e/sleeper.sh"
leaves '^file /run/criu.kdat$' # what criu remembers of the kernel
network_stays

# script_bundle NAME SCRIPT [JQ FILTER...]: $tmp/NAME runs the script.
script_bundle() {
	local name=$1 script=$2

	shift 2
	sh_bundle "$tmp/$name" "$script" "$@"
}

# counter NAME [JQ FILTER...]: counts in its memory, and shows in /tmp/count how far.
counter() {
	local name=$1

	shift
	script_bundle "$name" 'i=0; while :; do i=$((i + 1)); echo $i >/tmp/count; sleep 0.1; done' "$@"
}

# What it writes is for a moment an empty file.
count() {
	local found=

	while [ -e "$tmp/$1/rootfs/tmp/count" ] && [ -z "$found" ]; do
		found=$(cat "$tmp/$1/rootfs/tmp/count")
	done
	echo "${found:-0}"
}

counts_from() {
	[ "$(count "$1")" -gt "$2" ]
}

# alone COMMAND...: with nothing of ours but /dev/null, as an engine starts it.
alone() {
	command_run=$*
	status=0
	timeout -k 5 "$run_limit" "$@" </dev/null >/dev/null 2>"$tmp/.errors" || status=$?
	: >"$tmp/.output"
	output=
	errors=$(cat "$tmp/.errors")
}

# A file of the host as a standard descriptor could not be saved: errors go to a log.
begin() {
	run_forget
	rm -f "$tmp/$1/rootfs/tmp/count"
	mocker-runtime --log "$tmp/log" run --detach --bundle "$tmp/$1" "$1" \
		</dev/null >/dev/null 2>&1 || failed "cannot start $1: $(cat "$tmp/log")"
}

# save NAME [OPTION...], restore NAME [OPTION...]: by way of $tmp/images.
save() {
	alone mocker-runtime checkpoint --image-path "$tmp/images" "${@:2}" "$1"
	check_status 0
}

restore() {
	alone mocker-runtime restore --detach --image-path "$tmp/images" --bundle "$tmp/$1" \
		"${@:2}" "$1"
	check_status 0
}

forget_images() {
	rm -rf "$tmp/images"*
}

# refuses_without OPTION WORDS: the running container web can be saved only with the option.
refuses_without() {
	alone mocker-runtime checkpoint --image-path "$tmp/images" web
	check_fails_with 'container "web": criu could not dump it; ' "$2" \
		"its whole log is $tmp/images/dump.log"
	check_equal "$(container_status web)" running
	check_equal "$(ls "$tmp/images")" dump.log "what a failed dump leaves"
	save web "$1"
	restore web "$1"
}

# A program of this machine with its libraries, for what busybox lacks.
bring_program() {
	local file

	for file in $(command -v "$2") $(ldd "$(command -v "$2")" | grep -o '/[^ ]*'); do
		mkdir -p "$tmp/$1/rootfs${file%/*}" && cp -L "$file" "$tmp/$1/rootfs$file"
	done
}
