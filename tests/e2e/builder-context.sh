#!/bin/bash
# Where the files of a build come from besides a directory: git repositories by HTTP and by
# git's own protocol (as ADD's source and as the context), archives of standard input and
# of a URL, named contexts; and that a hostile repository gets nothing of this host.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

leaves '^file /var/lib/mocker/?'

port=8431
site=http://127.0.0.1:$port

set_up() {
	mkdir -p context repositories plain
	make_rootfs plain/rootfs
	printf 'FROM scratch\nCOPY rootfs /\nCMD ["true"]\n' >plain/Mockerfile
	run mocker-builder build -t base plain
	check_status 0
	export GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@t GIT_COMMITTER_NAME=t \
		GIT_COMMITTER_EMAIL=t@t GIT_AUTHOR_DATE="1600000000 +0000" \
		GIT_COMMITTER_DATE="1600000000 +0000" GIT_CONFIG_GLOBAL=/dev/null
	make_repository
	python3 "$e2e/git-server.py" "$port" repositories requests.log \
		</dev/null >server.log 2>&1 &
	disown
	check wait_until 30 curl -sf -o /dev/null "$site/app.git/HEAD"
	git daemon --base-path="$PWD/repositories" --export-all --listen=127.0.0.1 \
		--port=$((port + 1)) </dev/null >/dev/null 2>&1 &
	disown
	check wait_until 30 git ls-remote -q "git://127.0.0.1:$((port + 1))/app.git"
}

# A repository with a Mockerfile, a subdirectory, a program, a link, a branch and a tag.
make_repository() {
	git init -q -b main work
	mkdir -p work/sub
	echo first >work/file
	echo below >work/sub/file
	printf '#!/bin/sh\n' >work/tool && chmod 755 work/tool
	ln -s /etc/hostname work/link
	printf 'FROM base\nCOPY file /d/\nRUN cat /d/file >/out\n' >work/Mockerfile
	printf 'FROM base\nCOPY file /out\n' >work/sub/Mockerfile
	git -C work add . && git -C work commit -q -m first
	first=$(git -C work rev-parse HEAD)
	git -C work tag -a -m tag v1
	git -C work checkout -q -b other
	echo other >work/file && git -C work commit -q -a -m other
	other=$(git -C work rev-parse HEAD)
	git -C work checkout -q main
	echo second >work/file && git -C work commit -q -a -m second
	git clone -q --bare work repositories/app.git
}
test_setup set_up

# gives EXPECTED OPTION...: a build whose /out is that.
gives() {
	local expected=$1

	shift
	run mocker-builder build -t app "$@"
	check_status 0
	rm -rf bundle
	run mocker-builder bundle app bundle
	check_equal "$(cat bundle/rootfs/out)" "$expected" "/out of $*"
}

# adds EXPECTED SOURCE [FLAG...]: ADD to /g, then the words on each file.
adds() {
	local expected=$1 source=$2

	shift 2
	printf 'FROM base\nADD %s %s /g\nRUN %s >/out\n' "$*" "$source" \
		'cd /g; for f in $(find . -maxdepth 2 -name file -o -maxdepth 2 -name .git | sort); do echo $f $(cat $f 2>/dev/null); done | paste -sd" "' \
		>context/Mockerfile
	run mocker-builder build -t app context
	check_status 0
	rm -rf bundle
	run mocker-builder bundle app bundle
	check_equal "$(cat bundle/rootfs/out)" "$expected" "the files of $source $*"
}

add_forms() {
	adds "./file second ./sub/file below" "$site/app.git"
	check_equal "$(stat -c %a:%u:%Y bundle/rootfs/g/file)" 644:0:1600000000 "mode and time"
	check_equal "$(stat -c %a bundle/rootfs/g/tool)" 755 "the program's mode"
	check_equal "$(readlink bundle/rootfs/g/link)" /etc/hostname "the link"
	adds "./file second ./sub/file below" "git://127.0.0.1:$((port + 1))/app.git"
	adds "./file other ./sub/file below" "$site/app.git#other"
	adds "./file first ./sub/file below" "$site/app.git#v1"
	adds "./file first ./sub/file below" "$site/app.git#$first"
	adds "./file below" "$site/app.git#v1:sub"
	adds "./file below" "$site/app.git#:sub"
	adds "./file below" "$site/app.git?tag=v1\&subdir=sub"
	adds "./.git ./file second ./sub/file below" "$site/app.git" --keep-git-dir
	adds "./file other ./sub/file below" "$site/app.git#other" "--checksum=${other:0:9}"
}
test_case "ADD takes repositories: by branch, tag, commit and directory" add_forms

add_is_cached() {
	adds "./file first ./sub/file below" "$site/app.git#v1"
	: >requests.log
	run mocker-builder build -t app context
	check_output_has "CACHED ADD $site/app.git#v1"
	check_equal "$(grep -c POST requests.log)" 1 "requests beside that for the refs"
	adds "./file first ./sub/file below" "$site/app.git#$first"
	: >requests.log
	run mocker-builder build -t app context
	check_output_has "CACHED ADD $site/app.git#$first"
	check_equal "$(cat requests.log)" "" "requests for a commit that is known"
	git -C work commit -q --allow-empty -m next
	git -C work push -q "$PWD/repositories/app.git" main
	printf 'FROM base\nADD %s/app.git /g\n' "$site" >context/Mockerfile
	run mocker-builder build -t app context
	check_lacks "$output" "CACHED ADD"
}
test_case "a repository that has not changed is not fetched again" add_is_cached

fails() {
	printf 'FROM base\nADD %s /g\n' "$1" >context/Mockerfile
	run mocker-builder build -t app context
	check_status 1
	check_errors_have "$2"
	check_errors_have "   2 | "
}

add_errors() {
	fails "--checksum=$other $site/app.git#main" "app.git is at commit "
	fails "--checksum=xyz $site/app.git" "--checksum of a repository is a commit, or how it begins, not \"xyz\""
	fails "$site/app.git#nothing" "$site/app.git has no branch or tag \"nothing\""
	fails "$site/app.git#v1:nothing" "has no directory \"nothing\""
	fails "$site/app.git#--upload-pack=touch:x" "\"--upload-pack=touch\" is no branch, tag or commit"
	fails "$site/none.git" "$site/none.git: git ls-remote: fatal: "
	fails "ssh://-oProxyCommand=touch/x.git" "git ls-remote: fatal: strange hostname"
	printf 'FROM base\nCOPY %s/app.git /g\n' "$site" >context/Mockerfile
	run mocker-builder build -t app context
	check_errors_have "ADD fetches URLs and repositories"
}
test_case "what is wrong with a repository is told" add_errors

tokens() {
	local closed=http://127.0.0.1:$((port + 2)) pid

	python3 "$e2e/git-server.py" $((port + 2)) repositories closed.log \
		"basic $(printf 'x-access-token:open sesame' | base64)" </dev/null >/dev/null 2>&1 &
	pid=$!
	check wait_until 30 curl -s -o /dev/null "$closed/app.git/HEAD"
	printf 'FROM base\nADD %s/app.git#v1 /g\nRUN cp /g/file /out\n' "$closed" >context/Mockerfile
	run mocker-builder build -t app context
	check_status 1
	check_errors_have "could not read Username"
	echo "open sesame" >token
	run mocker-builder build -t app --secret id=GIT_AUTH_TOKEN,src=token context
	check_status 0
	run mocker-builder build --no-cache -t app \
		--secret "id=GIT_AUTH_TOKEN.127.0.0.1:$((port + 2)),src=token" context
	check_status 0
	check_equal "$(grep -rl "open sesame\|$(printf 'x-access-token:open sesame' | base64)" /var/lib/mocker)" "" "files with the token"
	printf 'FROM base\nADD %s/app.git/HEAD /out\n' "$closed" >context/Mockerfile
	run mocker-builder build -t app context
	check_status 1
	check_errors_have "401"
	echo "basic $(printf 'x-access-token:open sesame' | base64)" >header
	gives "ref: refs/heads/main" --secret "id=HTTP_AUTH_HEADER_127.0.0.1:$((port + 2)),src=header" context
	kill "$pid"
	wait "$pid" 2>/dev/null
}
test_case "a token opens a repository, and is kept nowhere" tokens

# A repository whose author wants more than to give files.
hostile() {
	rm -rf evil touched
	git init -q -b main evil
	printf '* filter=x diff=x\n' >evil/.gitattributes
	printf '[submodule "m"]\n\tpath = m\n\turl = file://%s/repositories/app.git\n' "$PWD" >evil/.gitmodules
	ln -s "$PWD/secret" evil/Mockerfile
	echo "RUN secret words" >secret
	git -C evil add . && git -C evil commit -q -m evil
	git clone -q --bare evil repositories/evil.git
	printf '#!/bin/sh\ntouch %s/touched\n' "$PWD" >repositories/evil.git/hooks/post-checkout
	chmod 755 repositories/evil.git/hooks/post-checkout
	# What the user of this host has configured does not count either.
	printf '[core]\n\thooksPath = %s/repositories/evil.git/hooks\n[filter "x"]\n\tsmudge = touch %s/touched\n' \
		"$PWD" "$PWD" >gitconfig
	printf 'FROM base\nADD %s/evil.git /g\n' "$site" >context/Mockerfile
	run env GIT_CONFIG_GLOBAL="$PWD/gitconfig" XDG_CONFIG_HOME="$PWD" \
		mocker-builder build -t app context
	check_status 0
	run mocker-builder build -t app "$site/evil.git"
	check_status 1
	check_lacks "$errors$output" "secret words"
	git -C evil update-index --add --cacheinfo "160000,$first,m"
	git -C evil commit -q -m submodule
	git -C evil push -q "$PWD/repositories/evil.git" main
	run mocker-builder build -t app context
	check_status 1
	check_errors_have "transport 'file' not allowed"
	check_missing touched
	run mocker-builder rmi app
}
test_case "a hostile repository runs nothing and reads no file of this host" hostile

submodules() {
	rm -rf outer
	git init -q -b main outer
	git -C outer -c protocol.http.allow=always submodule --quiet add "$site/app.git" inner
	git -C outer commit -q -m outer
	git clone -q --bare outer repositories/outer.git
	printf 'FROM base\nADD %s/outer.git /g\nRUN cat /g/inner/file >/out; find /g -name .git >>/out\n' "$site" >context/Mockerfile
	run mocker-builder build -t app context
	check_status 0
	rm -rf bundle
	run mocker-builder bundle app bundle
	check_equal "$(cat bundle/rootfs/out)" second "the submodule's file"
	printf 'FROM base\nADD %s/outer.git?submodules=false /g\nRUN ls /g/inner >/out\n' "$site" >context/Mockerfile
	run mocker-builder build -t app context
	rm -rf bundle
	run mocker-builder bundle app bundle
	check_equal "$(cat bundle/rootfs/out)" "" "the submodule that was not asked for"
}
test_case "submodules come too, unless they are not wanted" submodules

git_context() {
	gives second "$site/app.git"
	gives other "$site/app.git#other"
	gives below "$site/app.git#v1:sub"
	gives first -f sub/Mockerfile "$site/app.git#v1"
	printf 'FROM base\nRUN --mount=target=/c test ! -e /c/.git && cp /c/file /out\n' >own.Mockerfile
	run_input=own.Mockerfile gives first -f - "$site/app.git#v1"
	printf 'FROM base\nRUN --mount=target=/c cut -c1-40 /c/.git/HEAD >/out\n' >own.Mockerfile
	run_input=own.Mockerfile gives "$first" -f - --build-arg BUILDKIT_CONTEXT_KEEP_GIT_DIR=1 "$site/app.git#v1"
	run mocker-builder build -f nothing "$site/app.git"
	check_fails_with "the build context has no nothing"
}
test_case "a repository is the build context" git_context

archive_context() {
	tar -C work --exclude=.git -cf work.tar .
	run_input=work.tar gives second -
	gzip -kf work.tar
	run_input=work.tar.gz gives second -f sub/Mockerfile -
	printf 'FROM base\nRUN ls -A /d >/out 2>/dev/null || echo nothing >/out\nCOPY . /d\nRUN ls -A /d | wc -l >/out\n' >own.Mockerfile
	run_input=own.Mockerfile gives 0 -
	run_input=own.Mockerfile run mocker-builder build -f - -
	check_fails_with "cannot both come from standard input"
	printf 'FROM base\nRUN echo stdin >/out\n' >own.Mockerfile
	run_input=own.Mockerfile gives stdin -f - context
	mkdir -p hostile/..x && ln -sfn "$PWD/secret" hostile/Mockerfile
	tar -C hostile -cf hostile.tar .
	run_input=hostile.tar run mocker-builder build -
	check_status 1
	check_lacks "$errors" "secret words"
	cp work.tar.gz repositories/
	(cd repositories && exec busybox httpd -f -p 127.0.0.1:$((port + 3))) </dev/null >/dev/null 2>&1 &
	httpd=$!
	check wait_until 30 curl -sf -o /dev/null "http://127.0.0.1:$((port + 3))/work.tar.gz"
	gives second "http://127.0.0.1:$((port + 3))/work.tar.gz"
	kill "$httpd"
	wait "$httpd" 2>/dev/null
}
test_case "an archive, or a Mockerfile alone, on standard input" archive_context

named_contexts() {
	mkdir -p lib/sub other
	echo library >lib/file && echo hidden >lib/hidden && echo hidden >lib/.dockerignore
	printf 'FROM base AS lib\nFROM base\nCOPY --from=lib . /d\nRUN --mount=from=lib,target=/m cmp /m/file /d/file && echo $(ls /d /m | paste -sd" ") >/out\n' >context/Mockerfile
	gives "/d: file sub /m: file sub" --build-context lib=lib context
	printf 'FROM lib AS x\nFROM base\nCOPY --from=x /file /out\n' >context/Mockerfile
	gives library --build-context lib=lib context
	printf 'FROM somewhere\nCOPY Mockerfile /\nRUN echo in $(id -un) >/out\n' >context/Mockerfile
	gives "in root" --build-context somewhere=docker-image://base context
	printf 'FROM base\nCOPY --from=repo file /out\n' >context/Mockerfile
	gives other --build-context "repo=$site/app.git#other" context
	run mocker-builder save --format oci-dir -o layout base
	check_status 0
	printf 'FROM somewhere\nRUN echo of a layout >/out\n' >context/Mockerfile
	gives "of a layout" --build-context "somewhere=oci-layout://$PWD/layout" context
	run mocker-builder build --build-context lib context
	check_fails_with "--build-context \"lib\": expected NAME=CONTEXT"
	run mocker-builder build --build-context lib=nowhere context
	check_fails_with "opening the build context \"lib\" nowhere: No such file"
}
test_case "--build-context: directories, repositories and images by name" named_contexts

# provenance OPTION...: of a build that puts it into layout/.
provenance() {
	rm -rf layout
	run mocker-builder build --provenance -t app -o type=oci,dest=layout "$@"
	check_status 0
	provenance=$(grep -l slsa.dev/provenance layout/blobs/sha256/* | xargs grep -l '"predicate":' | xargs cat)
}

what_was_fetched() {
	local main

	main=$(git -C repositories/app.git rev-parse main)
	run mocker-builder save --format oci-dir -o layout2 base
	printf 'FROM base\nADD %s/app.git#v1 /g\nADD http://me:sesame@127.0.0.1:%s/app.git/HEAD /h\nCOPY --from=oci:layout2 /bin/busybox /b\nRUN --mount=from=oci:layout2,target=/m true\n' \
		"$site" "$port" >context/Mockerfile
	provenance context
	check_equal "$(jq -c '[.predicate.materials[] | [.uri, .digest]] | sort' <<<"$provenance")" \
		"$(jq -nc --arg site "$site" --arg first "$first" \
			--arg head "$(sha256sum repositories/app.git/HEAD | cut -d' ' -f1)" \
			--arg image "$(jq -r '.manifests[0].digest[7:]' layout2/index.json)" \
			'[["\($site)/app.git#v1", {sha1: $first}], ["\($site)/app.git/HEAD", {sha256: $head}],
			["pkg:docker/base?platform=linux%2Famd64", null],
			["pkg:docker/oci@layout2?platform=linux%2Famd64", {sha256: $image}]] | sort')" "the materials"
	check_lacks "$provenance" sesame "the provenance"
	provenance "$site/app.git#main"
	check_equal "$(jq -c .predicate.invocation.configSource <<<"$provenance")" \
		"{\"uri\":\"$site/app.git#main\",\"digest\":{\"sha1\":\"$main\"},\"entryPoint\":\"Mockerfile\"}" "the source"
	rm -rf layout layout2
}
test_case "the provenance has what was fetched, with its digest" what_was_fetched

nothing_is_left() {
	empty_store app base
}
test_case "nothing is left" nothing_is_left

tests_end
