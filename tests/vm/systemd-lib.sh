# shellcheck shell=bash
# Sentences about a real systemd: what is done to the manager of the machine cannot be done
# in a pretend host. After each sentence clean() takes away what it left.
#
#	is ACTUAL EXPECTED, has ACTUAL PART    note a problem
#	proves SENTENCE                        prints its line
#	ends                                   prints the plan
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
number=0
problems=

[ -d /run/systemd/system ] || {
	echo "1..0 # SKIP systemd is not running here"
	exit 0
}

is() {
	[ "$1" = "$2" ] || problems+="# line ${BASH_LINENO[0]}: \"$1\", expected \"$2\""$'\n'
}

has() {
	[[ $1 == *"$2"* ]] || problems+="# line ${BASH_LINENO[0]}: \"$1\" lacks \"$2\""$'\n'
}

proves() {
	local word=ok

	[ -z "$problems" ] || word="not ok"
	printf '%s' "$problems"
	echo "$word $((++number)) - $1"
	problems=
	clean
}

ends() {
	echo "1..$number"
}
