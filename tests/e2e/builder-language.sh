#!/bin/bash
# What the language's instructions leave in an image, one feature a case: COPY and ADD with
# their flags, heredocs, variables, ONBUILD, UNSET, INCLUDE, archives and URLs.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

leaves '^file /var/lib/mocker/?'

set_up() {
	mkdir -p context/base context/files/sub site
	make_rootfs context/base/rootfs
	echo web:x:33:44::/:/bin/sh >>context/base/rootfs/etc/passwd
	printf 'FROM scratch\nCOPY rootfs /\n' >context/base/Mockerfile
	run mocker-builder build -t base context/base
	check_status 0
	echo one >context/files/a.txt
	echo two >context/files/b.md
	echo three >context/files/sub/c.txt
	tar -C context -czf context/files.tgz files
	printf 'base\nignored.txt\n' >context/.dockerignore
	echo secret >context/ignored.txt
	cp context/files.tgz site/
	echo fetched >site/page.txt
}
test_setup set_up

# The build failed, and its error, which shows the line, has the words.
fails_with() {
	check_status 1
	check_errors_have "$1"
	check_errors_have "   2 | "
}

# builds SENTENCE EXPECTED: the Mockerfile on standard input, after FROM base, builds; what
# its last RUN prints is EXPECTED.
builds() {
	local sentence=$1 expected=$2 mockerfile

	mockerfile=$(cat)
	test_case "$sentence" builds_run "$expected" "$mockerfile"
}

builds_run() {
	printf 'FROM base\n%s\nCMD ["true"]\n' "$2" >context/Mockerfile
	run mocker-builder build -t app context
	check_status 0
	run_forget
	rm -rf bundle
	run mocker-builder bundle app bundle
	check_status 0
	check_equal "$(cat bundle/rootfs/out)" "$1" "/out"
}

builds "COPY: files, directories, wildcards" "a.txt b.md c.txt" <<'END'
COPY files/*.txt files/b.md /d/
COPY files/sub /d
RUN ls /d | paste -sd' ' >/out
END

builds "COPY --chown and --chmod" "33:44 640 9:9" <<'END'
COPY --chown=web --chmod=u=rw,g=r,o= files/a.txt /x
COPY --chown=9 files/a.txt /y
RUN echo $(stat -c '%u:%g %a' /x) $(stat -c %u:%g /y) >/out
END

builds "COPY --parents and --exclude" "/p/files/sub/c.txt /p/sub/c.txt /q/a.txt /q/sub/c.txt" <<'END'
COPY --parents files/sub/c.txt files/./sub/c.txt /p/
COPY --exclude=*.md files /q
RUN find /p /q -type f | sort | paste -sd' ' >/out
END

builds "COPY --from keeps the owner" "33:44" <<'END'
COPY --chown=web files/a.txt /x
FROM base
COPY --from=0 /x /y
RUN stat -c %u:%g /y >/out
END

builds "heredocs: RUN, RUN with a shebang, COPY with variables" "script awk 3 v=1 w=\$v" <<'END'
ARG v=1
COPY <<plain <<'quoted' /h/
v=$v
plain
w=$v
quoted
RUN <<EOF
echo -n "script " >/out
EOF
RUN <<EOF
#!/bin/awk -f
BEGIN { printf "awk %d ", 1 + 2 >"/out.2" }
EOF
RUN <<EOF cat >/out.3
$(cat /h/plain | tr '\n' ' ')
EOF
RUN cat /out.2 /out.3 /h/quoted | tr -d '\n' >>/out
END

builds "variables: ENV over ARG, defaults, patterns" "env default tar.gz archive" <<'END'
ARG A=arg
ENV A=env F=archive.tar.gz
ENV R="$A ${none:-default} ${F#*.} ${F%%.*}"
RUN echo "$R" >/out
END

builds "ARG reaches RUN, and TARGETARCH when declared" "x linux" <<'END'
ARG one=x
ARG TARGETOS
RUN echo "$one $TARGETOS" >/out
END

builds "ADD unpacks an archive of the context, and only on request not" "one three archive" <<'END'
ADD files.tgz /in/
ADD --unpack=false files.tgz /whole/
RUN echo $(cat /in/files/a.txt /in/files/sub/c.txt) $(test -f /whole/files.tgz && echo archive) >/out
END

builds "WORKDIR, USER and SHELL" "/w/x 33 set" <<'END'
WORKDIR /w
WORKDIR x
RUN touch /out && chmod 666 /out
USER web
SHELL ["/bin/sh", "-a", "-c"]
RUN V=set; echo $(pwd) $(id -u) $(sh -c 'echo $V') >/out
END

builds "UNSET takes an inherited variable away" "gone" <<'END'
ENV X=here
UNSET ENV X
RUN echo "${X-gone}" >/out
END

includes() {
	echo 'RUN echo included >/out' >context/part.inc
	builds_run included 'INCLUDE part.inc'
	ln -sfn /etc/hostname context/part.inc
	printf 'FROM base\nINCLUDE part.inc\n' >context/Mockerfile
	run mocker-builder build -t app context
	fails_with "Mockerfile:2: "
	check_errors_have "   2 | INCLUDE part.inc"
	rm context/part.inc
}
test_case "INCLUDE reads the context's files and no others" includes

triggers() {
	printf 'FROM base\nONBUILD RUN echo triggered >/out\n' >context/Mockerfile
	run mocker-builder build -t parent context
	check_status 0
	printf 'FROM parent\nRUN cat /out >/seen && echo "seen $(cat /seen)" >/out\nCMD ["true"]\n' >context/Mockerfile
	run mocker-builder build -t child context
	check_status 0
	rm -rf bundle
	run mocker-builder bundle child bundle
	check_equal "$(cat bundle/rootfs/out)" "seen triggered" "/out"
	run mocker-builder rmi child parent
	check_status 0
}
test_case "ONBUILD runs in the image that is built from it" triggers

urls() {
	local port=8321 sum pid

	busybox httpd -f -p 127.0.0.1:"$port" -h site &
	pid=$!
	wait_until 60 curl -sf -o /dev/null "http://127.0.0.1:$port/page.txt"
	sum=$(sha256sum site/page.txt | cut -d' ' -f1)
	builds_run "fetched 600 one" "ADD http://127.0.0.1:$port/page.txt /d/
ADD --unpack=true http://127.0.0.1:$port/files.tgz /u/
RUN echo \$(cat /d/page.txt) \$(stat -c %a /d/page.txt) \$(cat /u/files/a.txt) >/out"
	run mocker-builder build -t app context
	check_equal "$(grep -c 'CACHED ADD' <<<"$output")" 2 "cached steps"
	echo changed >site/page.txt
	run mocker-builder build -t app context
	check_equal "$(grep -c 'CACHED ADD' <<<"$output")" 0 "cached steps after a change"
	printf 'FROM base\nADD --checksum=sha256:%s http://127.0.0.1:%s/page.txt /\n' "$sum" "$port" >context/Mockerfile
	run mocker-builder build -t app context
	fails_with "has the checksum sha256:"
	printf 'FROM base\nADD http://127.0.0.1:%s/nothing /\n' "$port" >context/Mockerfile
	run mocker-builder build -t app context
	fails_with "http://127.0.0.1:$port/nothing: "
	check_errors_have "404"
	mkdir site/cgi-bin
	printf '#!/bin/sh\nprintf "Content-Type: text/plain\\r\\n\\r\\ntimeless"\n' >site/cgi-bin/page
	chmod 755 site/cgi-bin/page
	builds_run "timeless 0" "ADD http://127.0.0.1:$port/cgi-bin/page /page
RUN echo \$(cat /page) \$(stat -c %Y /page) >/out"
	kill "$pid"
	wait "$pid" 2>/dev/null
	printf 'FROM base\nADD http://127.0.0.1:%s/nothing /\n' "$port" >context/Mockerfile
	run mocker-builder build -t app context
	fails_with "fetching http://127.0.0.1:$port/nothing"
}
test_case "ADD fetches URLs, and believes its checksum only" urls

ignored_stays_out() {
	printf 'FROM base\nCOPY ignored.txt /\n' >context/Mockerfile
	run mocker-builder build -t app context
	fails_with "\"ignored.txt\" is not in the build context: the ignore file leaves it out"
	ln -s ignored.txt context/link.txt
	printf 'FROM base\nCOPY link.txt /\n' >context/Mockerfile
	run mocker-builder build -t app context
	fails_with "the ignore file leaves it out"
	rm context/link.txt
	printf '# nothing\n' >context/Mockerfile.dockerignore
	printf 'FROM base\nCOPY ignored.txt /\n' >context/Mockerfile
	run mocker-builder build -t app context
	check_status 0
	rm context/Mockerfile.dockerignore
}
test_case "what the ignore file hides stays out, whatever leads to it" ignored_stays_out

# The one rule that needs the base itself: a warning of the build, an error if it is asked
# for, nothing if it is left out.
base_of_another_platform() {
	local text='Base image far was pulled with platform "linux/s390x", expected "linux/amd64" for current build'

	mkdir -p far near
	printf 'FROM scratch\nWORKDIR /d\n' >far/Mockerfile
	run mocker-builder build -q -t far --platform linux/s390x far
	check_status 0
	printf 'FROM far\nWORKDIR /e\n' >near/Mockerfile
	run mocker-builder build -q near
	check_status 0
	check_equal "$errors" \
		"mocker-builder: warning: Mockerfile:1: InvalidBaseImagePlatform: $text" "the warning"
	sed -i '1i # check=error=true' near/Mockerfile
	run mocker-builder build -q near
	check_status 1
	check_errors_have "mocker-builder: Mockerfile:2: InvalidBaseImagePlatform: $text"
	sed -i '1s/.*/# check=skip=InvalidBaseImagePlatform/' near/Mockerfile
	run mocker-builder build -q near
	check_status 0
	check_equal "$errors" "" "the warnings"
	sed -i 1d near/Mockerfile
	run mocker-builder build -q --platform linux/s390x near
	check_equal "$errors" "" "the warnings for its own platform"
	run mocker-builder rmi far
	rm -rf far near
}
[ "$(uname -m)" != x86_64 ] ||
	test_case "a base of another platform: InvalidBaseImagePlatform" base_of_another_platform

# target PLATFORM TARGETPLATFORM ARCHITECTURE VARIANT: as a Mockerfile and an image have it.
target() {
	mkdir -p target
	printf 'FROM scratch\nARG TARGETPLATFORM TARGETVARIANT\nLABEL p=$TARGETPLATFORM v=$TARGETVARIANT\n' \
		>target/Mockerfile
	run mocker-builder build -q -t target --platform "$1" target
	check_status 0
	run mocker-builder inspect target
	check_equal "$(jq -r '.[0].image.config | [.config.Labels.p, .architecture, .variant // "",
		.config.Labels.v] | join(" ")' <<<"$output")" "$2 $3 $4 $4" "the platform"
	run mocker-builder rmi target
	rm -r target
}
test_case "--platform linux/arm is v7" target linux/arm linux/arm/v7 arm v7
test_case "--platform linux/arm64/v8 has no variant" target linux/arm64/v8 linux/arm64 arm64 ""
test_case "--platform armel is one word, in any case" target ArmEL linux/arm/v6 arm v6

unset_of_nothing() {
	mkdir -p nothing
	printf 'FROM base\nEXPOSE 80\nUNSET EXPOSE 81\nUNSET ENV NOPE\nUNSET VOLUME /v\n' >nothing/Mockerfile
	run mocker-builder build -q -t app nothing
	check_status 0
	check_errors_have 'Mockerfile:3: UNSET: there is no "81/tcp"'
	check_errors_have 'Mockerfile:4: UNSET: there is no "NOPE"'
	check_errors_have 'Mockerfile:5: UNSET: there is no "/v"'
	rm -r nothing
}
test_case "UNSET warns of what is not there" unset_of_nothing

# As packages' scripts do; what a node is of stays shut.
builds "RUN makes device nodes, and opens none" "$(printf '1:8\nshut')" <<'END'
RUN mknod /node c 1 8
RUN (stat -c %t:%T /node; mknod /disk b 8 0 && cat /disk 2>/dev/null || echo shut) >/out
END

devices_in_archives() {
	mkdir -p nodes/root/dev
	mknod nodes/root/dev/console c 5 1
	tar -C nodes/root -cf nodes/root.tar .
	printf 'FROM base\nADD root.tar /added/\nRUN stat -c "it is %%t:%%T" /added/dev/console\n' >nodes/Mockerfile
	run mocker-builder build --no-cache -t app nodes
	check_status 0
	check_output_has "| it is 5:1"
	rm -r nodes
}
test_case "ADD of an archive with device nodes, as debootstrap makes them" devices_in_archives

nothing_is_left() {
	empty_store app base
}
test_case "nothing is left" nothing_is_left

tests_end
