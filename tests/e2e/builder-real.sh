#!/bin/bash
# Real input, which takes minutes and a network: a Debian base of mmdebstrap with nginx and
# a C compiler installed by apt-get in RUN, nginx answering from its bundle, this very
# project compiled in a stage of its own, an application of more than 10,000 files, a file
# of 1 GB. `make check-real` runs it.
#
# Packages come from the registries before the test goes into its pretend host, which has
# no way out; in there apt-get gets them from a repository on the loopback.
test_limit=${test_limit:-1500}
top_srcdir=$(realpath "${top_srcdir:-$(dirname "$0")/../..}")

real=${MOCKER_REAL_DIR:-${TMPDIR:-/tmp}/mocker-real}
packages="nginx-light ca-certificates"

# What ./bootstrap would install to build, without systemd's.
build_packages() {
	"$top_srcdir/bootstrap" packages | tr ' ' '\n' |
		grep -E '^(gcc|libc6-dev|make|autoconf|automake|pkg-config|lib.*-dev)$' |
		grep -v systemd
}

# The base and the packages, from where this machine's own come.
fetch_debian() {
	local codename mirror

	[ ! -e "$real/base.tar" ] || return 0
	mkdir -p "$real/debs"
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
	mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' \
		"Codename: $codename" 'Component: main' | head -n 1)
	mmdebstrap --quiet --variant=apt --mode=root \
		--customize-hook='APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get -y install --download-only '"$packages $(build_packages | paste -sd' ')" \
		--customize-hook="sync-out /var/cache/apt/archives $real/debs" \
		"$codename" "$real/base.part.tar" "${mirror:-http://deb.debian.org/debian}" \
		>"$real/mmdebstrap.log" 2>&1 || return 1
	(cd "$real/debs" && dpkg-scanpackages -m . >Packages 2>>../mmdebstrap.log) || return 1
	mv "$real/base.part.tar" "$real/base.tar"
}

fetch_npm() {
	[ ! -d "$real/app/node_modules" ] || return 0
	mkdir -p "$real/app"
	(cd "$real/app" && timeout 180 npm install --ignore-scripts --no-audit --no-fund \
		date-fns core-js lodash rxjs) >"$real/npm.log" 2>&1 && return
	# Without the registry: as many files, of the same kind of names.
	rm -rf "$real/app/node_modules"
	for directory in $(seq 200); do
		mkdir -p "$real/app/node_modules/m$directory/lib"
		for file in $(seq 60); do
			echo "export default $file" >"$real/app/node_modules/m$directory/lib/f$file.js"
		done
	done
}

if [ "${MOCKER_TEST_INSIDE-}" != yes ]; then
	[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP not root"; exit 0; }
	if ! command -v mmdebstrap >/dev/null || ! fetch_debian; then
		echo "1..0 # SKIP no Debian: $(tail -n 1 "$real/mmdebstrap.log" 2>/dev/null)"
		exit 0
	fi
	fetch_npm
fi
. "$top_srcdir/tests/e2e/lib.sh"

leaves '^file /var/lib/mocker/?'
run_limit=600
port=8531

# built OPTION...: the build succeeds; how long it took is told.
built() {
	local began=$SECONDS

	run mocker-builder build "$@"
	check_status 0
	echo "# mocker-builder build $*: $((SECONDS - began)) s"
}

base() {
	mkdir -p debian
	printf 'FROM rootfs:%s/base.tar\nRUN rm -f /etc/apt/sources.list.d/* && echo "deb [trusted=yes] http://127.0.0.1:%s ./" >/etc/apt/sources.list && apt-get update\n' \
		"$real" "$port" >debian/Mockerfile
	busybox httpd -p 127.0.0.1:"$port" -h "$real/debs"
	built -t debian debian
}
test_setup base

nginx() {
	mkdir -p web
	echo "a page of the image" >web/index.html
	cat >web/Mockerfile <<-'END'
		FROM debian
		ENV DEBIAN_FRONTEND=noninteractive
		RUN --mount=type=cache,target=/var/cache/apt,sharing=locked \
		    apt-get install -y --no-install-recommends nginx-light
		RUN sed -i 's/listen 80 /listen 8532 /; /listen \[::\]/d' /etc/nginx/sites-available/default
		COPY index.html /var/www/html/
		EXPOSE 8532
		STOPSIGNAL SIGQUIT
		CMD ["nginx", "-g", "daemon off;"]
	END
	built -t web web
	run mocker-builder bundle web "$tmp/web-bundle" --net host
	check_status 0
	run mocker-runtime run --detach --bundle "$tmp/web-bundle" web
	check_status 0
	check wait_until 60 curl -sf -o /dev/null http://127.0.0.1:8532/
	check_equal "$(curl -s http://127.0.0.1:8532/)" "a page of the image" "the page"
	run mocker-runtime kill web QUIT
	check wait_until 60 web_is_stopped
	run mocker-runtime delete web
	check_status 0
	built -t web web
	check_equal "$(grep -c "done in" <<<"$output")" 0 "steps that ran again"
	rm -rf "$tmp/web-bundle"
}
web_is_stopped() {
	[ "$(container_status web)" = stopped ]
}
test_case "nginx of Debian is installed by RUN, and answers from its bundle" nginx

itself() {
	mkdir -p self
	git -C "$top_srcdir" -c safe.directory='*' ls-files -z |
		tar -C "$top_srcdir" --null -T - -cf self/source.tar
	cat >self/Mockerfile <<-END
		FROM debian AS build
		ENV DEBIAN_FRONTEND=noninteractive
		RUN apt-get install -y --no-install-recommends $(build_packages | paste -sd' ')
		WORKDIR /src
		ADD source.tar .
		RUN autoreconf -fi && ./configure --quiet --enable-static --without-systemd CFLAGS=-O0
		RUN make -s -j2 mocker-runtime
		FROM scratch
		COPY --from=build /src/mocker-runtime /
		ENTRYPOINT ["/mocker-runtime"]
		CMD ["--version"]
	END
	built -t self self
	run mocker-builder bundle self "$tmp/self-bundle"
	check_status 0
	check_equal "$(find "$tmp/self-bundle/rootfs" -type f | wc -l)" 1 "files of the image"
	run mocker-runtime run --bundle "$tmp/self-bundle" self
	check_status 0
	check_output_has "mocker-runtime"
	rm -rf "$tmp/self-bundle"
}
test_case "this project is compiled in a stage; only its program is shipped" itself

many_files() {
	local count

	cp -r "$real/app" app
	count=$(find app -type f | wc -l)
	check test "$count" -ge 10000
	printf 'FROM debian\nCOPY . /app/\nRUN find /app -type f | wc -l >/count\n' >app/Mockerfile
	echo Mockerfile >app/.dockerignore
	echo .dockerignore >>app/.dockerignore
	built -t app app
	built -t app app
	run mocker-builder bundle app "$tmp/app-bundle" -- true
	check_equal "$(cat "$tmp/app-bundle/rootfs/count")" "$count" "the number of files"
	check diff -r --exclude=Mockerfile --exclude=.dockerignore app "$tmp/app-bundle/rootfs/app"
	rm -rf "$tmp/app-bundle" app
}
test_case "an application of more than 10,000 files is copied as it is" many_files

large_file() {
	mkdir -p large
	head -c 1G /dev/urandom >large/file
	printf 'FROM debian\nCOPY file /file\nRUN sha256sum /file >/sum\n' >large/Mockerfile
	built -t large large
	run mocker-builder bundle large "$tmp/large-bundle" -- true
	check_equal "$(cut -d' ' -f1 "$tmp/large-bundle/rootfs/sum")" \
		"$(sha256sum large/file | cut -d' ' -f1)" "the digest"
	rm -rf "$tmp/large-bundle" large
	run mocker-builder rmi large
}
test_case "a file of 1 GB is copied as it is" large_file

tests_end
