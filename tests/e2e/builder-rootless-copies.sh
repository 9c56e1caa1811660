#!/bin/bash
# Builds of a user whose home lies on an overlay, on which nothing can be stacked: layers
# are copied on each other, and what a step changes is found by comparison.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/rootless-lib.sh
. "$e2e/rootless-lib.sh"

test_setup rootless_set_up

copies_home=$tmp/copies

copies_begin() {
	mkdir -p "$tmp/overlay" "$copies_home"
	mount -t tmpfs tmpfs "$tmp/overlay"
	mkdir "$tmp/overlay/upper" "$tmp/overlay/work" "$tmp/overlay/lower"
	cp -a "$home/context" "$home/rootfs.tar" "$tmp/overlay/lower"
	mount -t overlay -o "lowerdir=$tmp/overlay/lower,upperdir=$tmp/overlay/upper,workdir=$tmp/overlay/work" \
		overlay "$copies_home"
	chown "$user:$user" "$copies_home"
	home_before=$home
	home=$copies_home
}

copies_end() {
	home=$home_before
	umount "$copies_home" "$tmp/overlay"
	rmdir "$copies_home" "$tmp/overlay"
}

copies() {
	copies_begin
	as_user mocker-builder --debug build --progress=plain -t app context
	check_status 0
	check_errors_have "debug: layers are copied, not stacked: mounting an overlay on $home/.local/share/mocker/probe/root: "
	check_equal "$(stat -c '%u:%g %a' "$home"/.local/share/mocker/layers/*/fs/who)" "100032:200043 4711"
	as_user mocker-builder bundle app bundle
	check_status 0
	as_user mocker-runtime --root "$home/state" run --bundle bundle app
	check_output $'1000\ntext\nnew'
	check_errors_have "ls: /etc/removed: No such file or directory"
	as_user mocker-builder unbundle bundle
	check_status 0
	as_user mocker-builder bundle --rootfs overlay app bundle
	check_status 0
	check_errors_have "warning: overlayfs is refused here: the bundle gets a copy"
	as_user mocker-builder unbundle bundle
	check_equal "$(find "$home/.local/share/mocker/"{temp,probe} -mindepth 1)" "" "what is left"
	copies_end
}
test_case "where overlayfs is refused, layers are copied" copies

# What changes a file in each way there is, and what only looks like it.
changes='RUN cd /srv && echo a >a && echo b >b && echo c >c && ln c same && mkdir -p d/e && touch d/e/f && chmod 700 d && touch gone && ln -s a l && mkfifo p
RUN cd /srv && echo more >>a && mv d moved && rm gone && mkdir gone && touch gone/x && rm l && ln -s b l
RUN cd /srv && rm -r moved && echo file >moved && chown 5:6 users && chmod 4755 b && rm -r gone && mkdir gone
RUN cd /etc && touch -d @5 passwd && cp -p group x && mv x group && rm -r renewed && mkdir renewed
COPY text /srv/text
COPY --chown=3:4 . /srv/all/
RUN rm /srv/all/text && rmdir /srv/gone && true >/srv/empty
WORKDIR /srv/made/here'

copies_digests() {
	local by_root

	printf '%s\n' 'FROM rootfs:rootfs.tar' "$changes" >"$home/context/changes"
	run env -C "$home" SOURCE_DATE_EPOCH=1000000000 mocker-builder build -q -f context/changes \
		-o type=oci,dest="$tmp/by-root" context
	check_status 0
	by_root=$(jq -r '.manifests[0].digest' "$tmp/by-root/index.json")
	copies_begin
	as_user env SOURCE_DATE_EPOCH=1000000000 mocker-builder build -q -f context/changes \
		-o type=oci,dest=by-copies context
	check_status 0
	check_equal "$(jq -r '.manifests[0].digest' "$home/by-copies/index.json")" "$by_root"
	copies_end
	rm -rf "$tmp/by-root"
}
test_case "copies give the same bytes as an overlay" copies_digests

copies_mounts() {
	copies_begin
	cat >"$home/context/mounts" <<-'END'
		FROM rootfs:rootfs.tar AS app
		COPY text /home/user/text
		RUN rm /etc/removed
		FROM app
		RUN --mount=type=cache,target=/c,uid=7 stat -c %u /c && echo kept >/c/file
		RUN --mount=type=bind,target=/b cat /b/text && ! ls /b/secret
		RUN --mount=type=bind,from=app,target=/b cat /b/home/user/text && ! ls /b/etc/removed && ! touch /b/x
		RUN --mount=type=bind,from=app,target=/b,rw touch /b/x && rm /b/home/user/text
		RUN --mount=type=secret,id=s cat /run/secrets/s
		COPY --from=app /home/user/text /again
		RUN ls / /home && ! ls /b /c /run/secrets
	END
	echo secret >"$home/context/.dockerignore" && echo hidden >"$home/context/secret"
	chown "$user" "$home/context/secret"
	as_user mocker-builder build --secret id=s,src=context/secret --progress=plain -f context/mounts context
	check_status 0
	check_output_has "| 7"
	check_output_has "| hidden"
	check_output_has "| again"
	check_equal "$(find "$home/.local/share/mocker/temp" -mindepth 1)" "" "what is left"
	copies_end
}
test_case "mounts of RUN and COPY --from on copies" copies_mounts
