# shellcheck shell=bash disable=SC2154
# Containers that sleep: for tests of what is done to them from outside.

# sleeper NAME [JQ FILTER...]: a bundle that sleeps.
sleeper() {
	local name=$1

	shift
	make_bundle "$tmp/$name" "$@" && in_bundle "$tmp/$name" sleep 1000
}

start() {
	run mocker-runtime run --detach --bundle "$tmp/$1" "$1"
	check_status 0
}

delete() {
	run mocker-runtime delete --force "$1"
	check_status 0
}
