#!/bin/bash
# `build --ssh`: private keys, for which a build has an agent of its own, and git over ssh
# from a real sshd; that no agent, socket or key outlives the build, however it ends.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/rootless-lib.sh
. "$e2e/rootless-lib.sh"

leaves '^file /var/lib/mocker/?'
needs sshd ssh-keygen ssh-agent git || host_skip "$case_skipped"

port=2242

set_up() {
	mkdir -p context keys home/.ssh
	chmod 700 home/.ssh
	export HOME=$PWD/home
	make_rootfs context/rootfs
	with_ssh context/rootfs
	printf 'FROM scratch\nCOPY rootfs /\n' >context/Mockerfile
	run mocker-builder build -t base context
	check_status 0
	ssh-keygen -q -t ed25519 -N '' -C one -f keys/one
	ssh-keygen -q -t rsa -b 2048 -m PEM -N '' -f keys/pem
	openssl genpkey -algorithm ed25519 -aes256 -pass pass:sesame -out keys/locked-pem 2>/dev/null
	ssh-keygen -q -t ed25519 -N sesame -f keys/locked
	ssh-keygen -q -t ed25519 -N '' -f keys/host
}

# with_ssh ROOTFS: the machine's own ssh-add and ssh, and the libraries that they need.
with_ssh() {
	local program file

	mkdir -p "$1/usr/bin"
	for program in ssh-add ssh; do
		program=$(command -v "$program")
		cp "$program" "$1/usr/bin"
		while read -r file; do
			mkdir -p "$1${file%/*}"
			cp -L "$file" "$1$file"
		done < <(ldd "$program" | grep -o '/[^ ]*')
	done
	chmod 755 "$1/usr/bin/ssh-add"
}
test_setup set_up

# build TEXT [OPTION...]
build() {
	printf '%b' "$1" >context/Mockerfile
	shift
	run mocker-builder build -t app "$@" context
}

print_of() {
	ssh-keygen -lf "keys/$1.pub" | cut -d' ' -f2
}

nothing_stays() {
	check_equal "$(find "$TMPDIR" -mindepth 1)" "" "what is left in \$TMPDIR"
	check_not pgrep -x ssh-agent
}

keys_in_an_agent() {
	build 'FROM base\nRUN --mount=type=ssh ssh-add -l\nRUN --mount=type=ssh,id=b,uid=1000 --mount=type=ssh,target=/a su user -c "ssh-add -l" 2>&1; ls /run/buildkit\nRUN --mount=type=ssh,id=b,uid=1000 su user -c "ssh-add -l"\n' \
		--ssh default=keys/one,keys/pem --ssh b=keys/pem
	check_status 0
	check_has "$output" "$(print_of one) one (ED25519)"
	check_equal "$(grep -c "$(print_of pem)" <<<"$output")" 3 "how often the second key was listed"
	check_equal "$(grep -rlF "$(sed -n 3p keys/one)" /var/lib/mocker "$TMPDIR")" "" "files with a key"
	nothing_stays
}
test_case "private keys are in an agent of the build" keys_in_an_agent

# What a step has in its reach is the socket alone; of its own processes it can read all.
no_key_inside() {
	printf '%s\n' 'line=$1; shift' 'cat /proc/[0-9]*/environ | tr "\0" "\n" | grep -F "$line"' \
		'find /run /tmp -type f | xargs grep -lF "$line"' >context/look
	build "FROM base\nRUN --mount=type=ssh --mount=target=/c sh /c/look '$(sed -n 3p keys/one)'; stat -c 'it is %a:%u:%F' \$SSH_AUTH_SOCK; ssh-add -q -D && ssh-add -l\n" \
		--ssh default=keys/one
	check_status 1
	check_equal "$(grep '|' <<<"$output")" "      | it is 600:0:socket
      | The agent has no identities." "the output of the step"
	rm context/look
	nothing_stays
}
test_case "a step has the socket, and no key" no_key_inside

not_keys() {
	local said

	while IFS='|' read -r given said; do
		build 'FROM base\n' --ssh "$given"
		check_fails_with "$said"
		nothing_stays
	done <<-'END'
		default=keys/none|--ssh default=keys/none: keys/none: No such file or directory
		default=keys/one,keys/none|opening keys/none: No such file or directory
		default=keys/one,|opening : No such file or directory
		default=keys|keys: is a directory, not a file
		default=keys/one.pub|keys/one.pub is neither an agent's socket nor a private key
		default=keys/locked|the key keys/locked is encrypted, and a build asks nobody: add it to an agent
		default=keys/locked-pem|the key keys/locked-pem is encrypted
		=keys/one|--ssh "=keys/one": expected ID[=SOCKET|KEY[,KEY]]
	END
	run env -u SSH_AUTH_SOCK mocker-builder build --ssh a context
	check_fails_with "no agent's socket at \$SSH_AUTH_SOCK; start one (ssh-agent), or give a key: --ssh a=FILE"
	sed 3d keys/one >keys/broken
	build 'FROM base\n' --ssh default=keys/one,keys/broken
	check_fails_with '--ssh default: the key keys/broken: ssh-add: Error loading key'
	nothing_stays
	run env PATH="$top_builddir" mocker-builder build --ssh default=keys/one context
	check_fails_with "ssh-agent is not installed, and a key is given by it (package openssh-client)"
	run env TMPDIR="/$(printf 'a%.0s' {1..100})" mocker-builder build --ssh default=keys/one context
	check_fails_with "\$TMPDIR is too long for a socket's address"
	nothing_stays
}
test_case "what is no key that can be used is told" not_keys

# begin COMMAND: a build that has the agent and runs this, to be ended; pid is its process.
begin() {
	printf 'FROM base\nRUN --mount=type=ssh %s\n' "$1" >context/Mockerfile
	mocker-builder build --ssh default=keys/one context </dev/null >log 2>&1 &
	pid=$!
	check wait_until 30 pgrep -f '^sleep 1000'
}

# ends SIGNAL: of the builder, in the midst of a step that has the agent.
ends() {
	local pid

	begin "ssh-add -l && sleep 1000"
	check pgrep -x ssh-agent >/dev/null
	check_equal "$(stat -c %a "$TMPDIR"/mocker-ssh.*)" 700 "the directory's mode"
	kill "-$1" "$pid"
	wait "$pid" 2>/dev/null
	check wait_until 30 no_agent
	nothing_stays
	run mocker-builder prune # what a killed build left
	check_status 0
	check wait_until 30 no_sleep
}
no_agent() {
	! pgrep ssh-agent && [ -z "$(ls "$TMPDIR")" ]
}
no_sleep() {
	! pgrep -f '^sleep 1000'
}
test_case "the agent ends with a build that is interrupted" ends INT
test_case "the agent ends with a build that is terminated" ends TERM
test_case "the agent ends with a build that is killed" ends KILL

# The keeper too: then the agent itself hears of it, and a directory stays.
keeper_killed() {
	local pid

	begin "sleep 1000"
	kill -KILL "$(ps -o ppid= -p "$(pgrep ssh-agent)" | tr -d ' ')"
	check wait_until 30 eval '! pgrep ssh-agent'
	check_equal "$(find "$TMPDIR" -type s)" "" "sockets"
	kill -TERM "$pid"
	wait "$pid" 2>/dev/null
	check wait_until 30 no_sleep
	rmdir "$TMPDIR"/mocker-ssh.*
}
test_case "an agent without its keeper ends" keeper_killed

failed_build() {
	build 'FROM base\nRUN --mount=type=ssh ssh-add -l && false\n' --ssh default=keys/one
	check_status 1
	nothing_stays
}
test_case "the agent ends with a build that fails" failed_build

# ---- git -----------------------------------------------------------------------------

start_sshd() {
	mkdir -p /run/sshd repositories
	git init -q -b main work
	echo over ssh >work/file
	git -C work add . &&
		git -C work -c user.name=t -c user.email=t@t commit -q -m first
	git clone -q --bare work repositories/app.git
	cp keys/one.pub authorized
	cat >sshd_config <<-END
		ListenAddress 127.0.0.1
		Port $port
		HostKey $PWD/keys/host
		PidFile $PWD/sshd.pid
		AuthorizedKeysFile $PWD/authorized
		StrictModes no
		UsePAM no
		PasswordAuthentication no
		KbdInteractiveAuthentication no
		PermitRootLogin yes
		PermitUserEnvironment no
		SetEnv GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0=*
	END
	"$(command -v sshd)" -D -e -f "$PWD/sshd_config" </dev/null >sshd.log 2>&1 &
	sshd=$!
	check wait_until 30 answers "$port"
}

answers() {
	[ -n "$(ssh-keyscan -p "$1" 127.0.0.1 2>/dev/null)" ]
}

# An address of the scp form has no place for a port: the step's ssh has one of its own.
git_over_ssh() {
	local url=ssh://root@127.0.0.1:$port$PWD/repositories/app.git

	start_sshd
	build "FROM base\nADD $url /g\nRUN cat /g/file\n" --ssh default=keys/one
	check_status 1
	check_errors_have "git ls-remote: Host key verification failed.; the host's key must be in ~/.ssh/known_hosts"
	echo "[127.0.0.1]:$port $(cut -d' ' -f1,2 keys/host.pub)" >home/.ssh/known_hosts
	build "FROM base\nADD $url /g\nRUN cat /g/file\n" --ssh default=keys/one
	check_status 0
	check_output_has "| over ssh"
	build "FROM base\nADD $url#main /g\nRUN cat /g/file\n" --ssh default=keys/pem,keys/one
	check_status 0
	run mocker-builder build --no-cache -t app --ssh default=keys/one -f - "$url" <<<"FROM base"
	build "FROM base\nADD $url /g\n" --no-cache
	check_status 1
	check_errors_have "Permission denied (publickey).; give an agent or a key with --ssh default"
	build "FROM base\nADD $url /g\n" --no-cache --ssh default=keys/pem
	check_status 1
	check_errors_have "Permission denied (publickey)."
	build "FROM base\nADD $url /g\n" --no-cache --ssh other=keys/one
	check_status 1
	check_errors_have "Permission denied (publickey)."
	ssh-keygen -q -t ed25519 -N '' -f keys/liar
	echo "[127.0.0.1]:$port $(cut -d' ' -f1,2 keys/liar.pub)" >home/.ssh/known_hosts
	build "FROM base\nADD $url /g\n" --no-cache --ssh default=keys/one
	check_status 1
	check_errors_have "Host key verification failed."
	nothing_stays
}
test_step "ADD clones over ssh, from a host that is known, with what --ssh gives" git_over_ssh

scp_form() {
	kill "$sshd"
	wait "$sshd" 2>/dev/null
	"$(command -v sshd)" -D -e -f "$PWD/sshd_config" -p 22 </dev/null >sshd.log 2>&1 &
	sshd=$!
	check wait_until 30 answers 22
	echo "127.0.0.1 $(cut -d' ' -f1,2 keys/host.pub)" >home/.ssh/known_hosts
	build "FROM base\nADD root@127.0.0.1:$PWD/repositories/app.git /g\nRUN cat /g/file\n" --ssh default=keys/one
	check_status 0
	check_output_has "| over ssh"
	printf 'FROM base\nCOPY file /\nRUN cat /file\n' >own.Mockerfile
	run_input=own.Mockerfile run mocker-builder build -f - --ssh default=keys/one \
		"root@127.0.0.1:$PWD/repositories/app.git"
	check_status 0
	check_output_has "| over ssh"
	nothing_stays
}
test_step "USER@HOST:PATH is a source and a context" scp_form

# The agent is root of the user's namespace there; known_hosts is the user's, not root's.
without_root() {
	rootless_make_user
	mkdir -m 700 "$home/.ssh"
	cp home/.ssh/known_hosts "$home/.ssh"
	cp keys/one "$home/key"
	printf 'FROM rootfs:rootfs.tar\nADD root@127.0.0.1:%s/repositories/app.git /g\nRUN --mount=type=ssh cat /g/file; stat -c %%A $SSH_AUTH_SOCK\n' \
		"$PWD" >"$home/context/Mockerfile"
	chown -R "$user:$user" "$home"
	as_user env TMPDIR="$home/run" mocker-builder build --ssh default=key context
	check_status 0
	check_output_has "| over ssh"
	check_output_has "| srw-------"
	check_equal "$(find "$home/run" -mindepth 1)" "" "what is left in \$TMPDIR"
	nothing_stays
	rm "$home/.ssh/known_hosts"
	as_user env TMPDIR="$home/run" mocker-builder build --no-cache --ssh default=key context
	check_status 1
	check_errors_have "Host key verification failed."
	umount /etc
}
test_step "a user without root does the same" without_root

# A user's own agent, in a step's own ssh.
ssh_in_a_step() {
	eval "$(ssh-agent -a "$PWD/agent")" >/dev/null
	ssh-add -q keys/one
	build 'FROM base\nRUN --mount=type=ssh ssh -o StrictHostKeyChecking=no root@127.0.0.1 echo from the host 2>/dev/null\n' --ssh default
	check_status 0
	check_output_has "| from the host"
	ssh-agent -k >/dev/null
	rmdir /run/sshd
	kill "$sshd"
	wait "$sshd" 2>/dev/null
}
test_case "a step's own ssh has the keys of the user's agent" ssh_in_a_step

tests_end
