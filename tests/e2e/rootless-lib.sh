# shellcheck shell=bash disable=SC2034,SC2154
# A user without privilege who builds, for tests: in an /etc of the test's own, with a home
# that has a context, archives of root file systems, and the image "app" in its store. To
# be sourced after lib.sh, or what sources that.

leaves '^file /var/lib/mocker(/.*)?$' # root's store, for comparison

user=1234
home=$tmp/user
store=$home/.local/share/mocker

# A user with 65536 subordinate ids, and one with none, in an /etc of our own.
rootless_make_user() {
	programs_for_all
	cp -a /etc "$tmp/etc" && mount --bind "$tmp/etc" /etc
	printf '%s\n' "somebody:x:$user:$user::$home:/bin/sh" \
		"lonely:x:1235:1235::$home:/bin/sh" >>/etc/passwd
	printf '%s\n' "somebody:x:$user:" "lonely:x:1235:" >>/etc/group
	echo "somebody:100000:65536" >/etc/subuid
	echo "$user:200000:65536" >/etc/subgid
	mkdir -p "$home" "$tmp/rootfs"
	[ "$(stat -f -c %T "$tmp")" != overlayfs ] || mount -t tmpfs tmpfs "$home"
	mkdir "$home/context" "$home/run"
	make_rootfs "$tmp/rootfs/root"
	echo old >"$tmp/rootfs/root/etc/removed"
	mkdir "$tmp/rootfs/root/etc/renewed" "$tmp/rootfs/root/srv"
	echo old >"$tmp/rootfs/root/etc/renewed/old"
	echo users >"$tmp/rootfs/root/srv/users"
	chown 1000:10 "$tmp/rootfs/root/srv/users"
	tar -C "$tmp/rootfs/root" -cf "$home/rootfs.tar" .
	tar -C "$tmp/rootfs/root" --owner=0 --group=0 -cf "$home/plain.tar" .
	echo text >"$home/context/text"
	cat >"$home/context/Mockerfile" <<-'END'
		FROM rootfs:rootfs.tar
		RUN id -u >/who && chown 33:44 /who && chmod 4711 /who
		RUN rm /etc/removed && rm -r /etc/renewed && mkdir /etc/renewed && echo new >/etc/renewed/new
		COPY --chown=user:wheel text /home/user/text
		USER user
		WORKDIR /home/user/work
		RUN id -u >who && ln who again && ln -s who link
		CMD ["sh", "-c", "id -u; cat /home/user/text; ls /etc/renewed; ls /etc/removed"]
	END
	chown -R "$user:$user" "$home"
}

# as_user COMMAND...: in the home, with what a login gives. $as: another user.
as_user() {
	run setpriv --reuid "${as:-$user}" --regid "${as:-$user}" --clear-groups \
		env -i -C "$home" "HOME=$home" "PATH=${path:-$tmp/programs:/usr/bin:/bin}" \
		TERM=dumb LC_ALL=C.UTF-8 "$@"
}

rootless_set_up() {
	rootless_make_user
	as_user mocker-builder build -q -t app context
	check_status 0
}

# What the store has beside images, layers and what is known of them.
check_store_quiet() {
	check_equal "$(find "$store/temp" "$store/runtime" -mindepth 1 ! -path '*/@seccomp*')" \
		"" "what is left of the build"
}
