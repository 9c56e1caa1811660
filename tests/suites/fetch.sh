#!/bin/sh
# The sources of Debian's runc and crun, whose own tests runc.sh and crun.sh run, into a
# directory. Its lists of source packages are its own: the machine's stay as they are.
#
#	tests/suites/fetch.sh DIRECTORY
set -eu

directory=${1:?usage: fetch.sh DIRECTORY}
mkdir -p "$directory/lists/partial"
directory=$(realpath "$directory")
for package in runc crun; do
	set -- "$directory/$package"_*.orig.tar.xz
	[ -e "$1" ] || missing=yes
done
[ "${missing-}" ] || exit 0

# Where binary packages come from, sources do too: the same archives, of the other type.
sed 's/^Types:.*/Types: deb-src/' /etc/apt/sources.list.d/debian.sources \
	>"$directory/sources.sources" 2>/dev/null ||
	sed -n 's/^deb /deb-src /p' /etc/apt/sources.list >"$directory/sources.list"
mkdir -p "$directory/parts"
mv "$directory"/sources.sources "$directory"/sources.list "$directory/parts" 2>/dev/null ||
	true
cd "$directory"
set -- -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$directory/parts" \
	-o "Dir::State::lists=$directory/lists" -o APT::Sandbox::User=root -q
apt-get "$@" update
apt-get "$@" source --download-only runc crun
