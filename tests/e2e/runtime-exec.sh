#!/bin/bash
# exec: identity, environment, limits, descriptors and terminal of a process that joins a
# container, and every way in which that fails.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

begin() {
	make_bundle "$tmp/web" '.process.args = ["sleep", "1000"]' \
		'.linux.namespaces += [{"type": "cgroup"}]' "$@"
	run mocker-runtime run -d -b "$tmp/web" web
	check_status 0
}

end() {
	run mocker-runtime delete --force web
	check_status 0
}

same_namespaces() {
	local kind pid

	begin
	pid=$(container_pid web)
	for kind in cgroup ipc mnt net pid uts; do
		run mocker-runtime exec web readlink "/proc/self/ns/$kind"
		check_status 0
		check_output "$(readlink "/proc/$pid/ns/$kind")"
	done
	run mocker-runtime exec web sh -c 'exit 42'
	check_status 42
	run mocker-runtime exec web cat /proc/1/cmdline
	check_has "$output" sleep
	run mocker-runtime exec web sh -c 'kill -9 $$'
	check_status 137
	end
}
test_case "it is in the container's namespaces, and its status is ours" same_namespaces

home_is_the_users() {
	begin '.process.env = ["PATH=/bin"]'
	run mocker-runtime exec --user 1000 web sh -c 'echo $HOME'
	check_output /home/user
	run mocker-runtime exec --user 12345 web sh -c 'echo $HOME'
	check_output /
	end
}
test_case "HOME is the user's in the container, where nobody set it" home_is_the_users

options_act() {
	begin
	run mocker-runtime exec --user 1000:10 --additional-gids 5 -g 7 web id
	check_output "uid=1000(user) gid=10(wheel) groups=5,7"
	run mocker-runtime exec --env A=1 -e B=2 --cwd /tmp web sh -c 'echo $A$B $PWD $PATH'
	check_output "12 /tmp /usr/sbin:/usr/bin:/sbin:/bin"
	run mocker-runtime exec -e PATH=/nowhere -e PATH=/bin -e TERM=x web \
		env
	check_equal "$(grep -c ^PATH= <<<"$output") $(grep ^PATH= <<<"$output")" "1 PATH=/bin"
	run mocker-runtime exec --cap CAP_SYS_TIME web grep CapEff /proc/self/status
	check_has "$output" 0000000022000420
	run mocker-runtime exec --no-new-privs=false web grep NoNewPrivs /proc/self/status
	check_matches "$output" '0$'
	run mocker-runtime exec web grep NoNewPrivs /proc/self/status
	check_matches "$output" '1$'
	run mocker-runtime exec web sh -c 'ulimit -n'
	check_output 1024
	end
}
test_case "each option acts" options_act

reads_a_process() {
	begin
	jq '.process | .args = ["sh", "-c", "echo $X; pwd; id -u"] | .env += ["X=y"] |
		.cwd = "/etc" | .user.uid = 1' "$tmp/web/config.json" >"$tmp/process.json"
	run mocker-runtime exec --process "$tmp/process.json" web
	check_output $'y\n/etc\n1'
	run mocker-runtime exec --process="$tmp/process.json" --detach \
		--pid-file "$tmp/exec.pid" web
	check_status 0
	check_matches "$(cat "$tmp/exec.pid")" '^[0-9]+$'
	echo '{"args": ["true"], "cwd": 7}' >"$tmp/bad.json"
	run mocker-runtime exec --process "$tmp/bad.json" web
	check_status 255
	check_fails_with "/cwd: expected a string, found a number"
	end
}
test_case "--process takes it from a file" reads_a_process

in_the_cgroup() {
	begin
	run mocker-runtime exec -d --pid-file "$tmp/pid" web sleep 500
	check_equal "$(sed 's/^[0-9]*:\([^:]*\):/\1 /' "/proc/$(cat "$tmp/pid")/cgroup")" \
		"$(sed 's/^[0-9]*:\([^:]*\):/\1 /' "/proc/$(container_pid web)/cgroup")"
	run mocker-runtime ps --format json web
	check_equal "$(jq length <<<"$output")" 2 "the number of processes"
	end
}
test_case "it is in the container's cgroup, and dies with it" in_the_cgroup

nothing_leaks() {
	begin
	exec 7</etc/hostname 8</etc
	run env SECRET=of-the-host mocker-runtime exec web sh -c 'ls /proc/self/fd | wc -l; env'
	check_equal "$(head -n 1 <<<"$output")" 4 "the number of descriptors (with ls's own)"
	check_lacks "$output" SECRET
	run mocker-runtime exec --preserve-fds 5 web sh -c 'ls -l /proc/self/fd/7'
	check_status 0
	exec 7<&- 8<&-
	run mocker-runtime exec --cwd /proc/self/fd/3 web pwd
	check_status 255
	end
}
test_case "no descriptor and no variable of the caller's goes in" nothing_leaks

# fails STATUS PART COMMAND...
fails() {
	local expected=$1 part=$2

	shift 2
	run mocker-runtime exec "$@"
	check_status "$expected"
	check_fails_with "$part"
}

file_beside_options() {
	local word

	begin
	jq '.process | .args = ["id", "-u"]' "$tmp/web/config.json" >"$tmp/process"
	run mocker-runtime exec --process "$tmp/process" --user 5 --env A=b --cap CAP_KILL \
		--cwd /etc --no-new-privs --additional-gids 7 web ls
	check_status 0
	check_output 0
	for word in "the command" --user --env --cap --cwd --no-new-privs --additional-gids; do
		check_errors_have "warning: $word has no effect beside --process"
	done
	run mocker-runtime exec --process "$tmp/process" web
	check_equal "$errors" ""
	end
}
test_case "what has no effect beside --process is warned of" file_beside_options

failures_are_named() {
	begin
	echo 'echo a' >"$tmp/web/rootfs/plain"
	printf '#!/no/such\n' >"$tmp/web/rootfs/orphan"
	printf 'garbage' >"$tmp/web/rootfs/garbage"
	chmod 755 "$tmp/web/rootfs/orphan" "$tmp/web/rootfs/garbage"
	fails 255 'exec: "nothing": executable file not found in $PATH' web nothing
	fails 255 'exec: "/no/thing": stat /no/thing: no such file or directory' web /no/thing
	fails 255 'exec: "/plain": permission denied' web /plain
	fails 255 'is a directory' web /etc
	fails 255 'interpreter /no/such' web /orphan
	fails 255 'exec format error' web /garbage
	fails 255 'entering /none' --cwd /none web true
	fails 255 'expected UID' --user 1:2:3 web true
	fails 255 '--user: uid' --user root web true
	fails 255 '--user: uid' --user 1x web true
	fails 255 'no id' --user 4294967295 web true
	fails 255 'NAME=VALUE' --env HOME web true
	fails 255 'container does not exist' nobody true
	fails 255 'set' --tty --detach web true
	end
}
test_case "what fails says what, and exits with 255" failures_are_named

# The program, its interpreter, that one's loader, a directory on the way, a link.
the_missing_part_is_named() {
	local root=$tmp/web/rootfs

	begin '.process.user.uid = 1000'
	cp "$(command -v ls)" "$root/dynamic"
	printf '#!/dynamic\n' >"$root/script"
	printf '#! /opt/bin/lang -x\n' >"$root/other"
	printf '#!/script\n' >"$root/third"
	mkdir -p "$root/closed/in" && cp "$root/bin/busybox" "$root/closed/in/prog"
	chmod 755 "$root"/{script,other,third} && chmod 700 "$root/closed"
	printf 'no interpreter' >"$root/text" && chmod 644 "$root/text"
	printf '#!/text\n' >"$root/unable" && chmod 755 "$root/unable"
	ln -s /opt/prog "$root/link"
	fails 255 'stat /opt/bin/prog: no such file or directory; the directory /opt is' \
		web /opt/bin/prog
	fails 255 'stat /bin/busybox/x: not a directory; /bin/busybox is not a dir' \
		web /bin/busybox/x
	fails 255 'the directory /closed may not be searched by this user' \
		web /closed/in/prog
	fails 255 'stat /link: no such file or directory; it is a symbolic link to /opt/prog' \
		web /link
	fails 255 'exec: "/dynamic": its ELF loader /lib64/ld-linux-' web /dynamic
	fails 255 'the interpreter /opt/bin/lang: No such file or directory; the directory' \
		web /other
	fails 255 'the interpreter /dynamic: No such file or directory; that needs /lib64' \
		web /script
	fails 255 'the interpreter /script: No such file or directory; that needs /lib64' \
		web /third
	fails 255 'the interpreter /text: Permission denied' web /unable
	end
}
test_case "when a program cannot be executed, the part at fault is named" \
	the_missing_part_is_named

# The line's end, the mount, a link that goes in circles, what PATH led to.
the_kernels_word_is_explained() {
	local root=$tmp/web/rootfs number

	mkdir -p "$tmp/noexec" && cp "$(command -v busybox)" "$tmp/noexec/sh"
	begin '.process.user.uid = 1000' '.process.env = ["PATH=/closed:/bin"]' \
		"$(jq -n -r --arg source "$tmp/noexec" '".mounts += [" + ({destination: "/noexec",
			type: "bind", source: $source, options: ["bind", "noexec"]} | tojson) + "]"')"
	printf '#!/bin/sh\r\necho fine\r\n' >"$root/windows"
	printf '#!/windows\n' >"$root/on-windows"
	printf '#!/noexec/sh\n' >"$root/on-noexec"
	printf '#!/loop\n' >"$root/on-loop"
	printf '#!/bin/busybox/x\n' >"$root/on-file"
	printf '#!/deep1\n' >"$root/deep0"
	for number in 1 2 3 4 5 6 7; do
		printf '#!/deep%s\n' $((number + 1)) >"$root/deep$number"
	done
	cp "$root/bin/busybox" "$root/deep8"
	chmod 755 "$root"/{windows,on-windows,on-noexec,on-loop,on-file,deep?}
	ln -s /loop "$root/loop"
	mkdir -p "$root/closed" && cp "$root/bin/busybox" "$root/closed/bb" && chmod 700 "$root/closed"
	echo text >"$root/bin/unable" && chmod 644 "$root/bin/unable"
	fails 255 'exec: "/windows": its first line ends in a carriage return (Windows line ends), and there is no interpreter "/bin/sh\r"' \
		web /windows
	fails 255 'the first line of /windows ends in a carriage return' web /on-windows
	fails 255 'exec: "/noexec/sh": permission denied; it lies on a mount with the option noexec' \
		web /noexec/sh
	fails 255 'the interpreter /noexec/sh: Permission denied; it lies on a mount with the' \
		web /on-noexec
	fails 255 'the interpreter /loop: Too many levels of symbolic links' web /on-loop
	fails 255 'the interpreter /bin/busybox/x: Not a directory; /bin/busybox is not' web /on-file
	fails 255 'the interpreter /deep1: Too many levels of symbolic links; it is a script, whose' \
		web /deep0
	fails 255 'exec: "bb": permission denied: /closed/bb; the directory /closed may not be' web bb
	fails 255 'exec: "unable": permission denied: /bin/unable; is the file executable' \
		--user 0 web unable
	end
}
test_case "when execve says no, its word is explained" the_kernels_word_is_explained

# While it is executed nobody can write to it; what counts is that its mount is read-only,
# for that lasts.
binary_is_safe() {
	local pid

	make_bundle "$tmp/safe" '.process.args = ["/evil"]'
	printf '#!/proc/self/exe\n' >"$tmp/safe/rootfs/evil"
	chmod 755 "$tmp/safe/rootfs/evil"
	run mocker-runtime create -b "$tmp/safe" safe
	check_status 0
	pid=$(container_pid safe)
	check_not test -w "/proc/$pid/exe"
	mocker-runtime delete --force safe
	run unshare -m sh -c "mount -t tmpfs t /mnt && cp $top_builddir/mocker-runtime /mnt/ &&
		/mnt/mocker-runtime create -b $tmp/safe safe"
	check_status 0
	mocker-runtime delete --force safe
	begin
	cp "$tmp/safe/rootfs/evil" "$tmp/web/rootfs/evil"
	run mocker-runtime exec web /evil
	check_not test "$status" = 0
	end
}
test_case "the host's binary cannot be written to from inside" binary_is_safe

# A static executable for x86-64 does so before its libc has begun.
safe_at_once() {
	local words first

	type -p strace >/dev/null || { skip "strace is missing"; return; }
	[[ $(readelf -sW "$top_builddir/mocker-runtime") == *" mocker_entry"* ]] || {
		skip "this executable begins in its libc"
		return
	}
	make_bundle "$tmp/once" '.process.args = ["true"]'
	for words in run "--debug run"; do
		# shellcheck disable=SC2086 # words
		run strace -o "$tmp/trace" mocker-runtime $words --bundle "$tmp/once" once
		check_status 0
		first=$(grep -n -m 1 execveat "$tmp/trace")
		check_has "$first" 'AT_EMPTY_PATH) = 0'
		check [ "${first%%:*}" -le 9 ]
		check_equal "$(grep -c '^exec' "$tmp/trace")" 2
	done
	# What cannot be done there is done later: here by a copy in memory.
	run strace -o "$tmp/trace" -e inject=open_tree:error=ENOSYS:when=1..2 \
		mocker-runtime run --bundle "$tmp/once" once
	check_status 0
	check_equal "$(grep -c '^exec' "$tmp/trace")" 2
	check_has "$(cat "$tmp/trace")" F_ADD_SEALS
}
test_case "it is executed again, protected, before anything else" safe_at_once
