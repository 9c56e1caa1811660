#!/bin/bash
# podman of a user without privilege: lives of containers, exec, terminals, file systems,
# networks, pods, health checks, builds.
# shellcheck source=tests/clients/podman-rootless-lib.sh
. "${top_srcdir:-$(dirname "$0")/../..}/tests/clients/podman-rootless-lib.sh"

# ---- life ---------------------------------------------------------------------------

foreground() {
	local code

	run podman run --rm $image sh -c 'id -u; tr -s " " </proc/self/uid_map; echo err >&2'
	check_status 0
	check_output $'0\n 0 1234 1\n 1 100000 65536'
	check_equal "$errors" err "the standard error"
	for code in 0 7 126 255; do
		run podman run --rm $image sh -c "exit $code"
		check_status $code
	done
	run podman run --rm $image no-such-program
	check_status 127
	run podman run --rm $image /etc
	check_status 126
	run podman run --rm $image /etc/passwd
	check_status 126
	check_matches "$errors" "[Pp]ermission denied"
}

background() {
	run podman run -d --name web $image sh -c 'echo up; trap "exit 3" TERM; sleep 1000 & wait'
	check_status 0
	check wait_until 30 bash -c 'podman logs web | grep -q up'
	run podman ps --format '{{.Names}} {{.State}}'
	check_matches "$output" '^web Up'
	run podman inspect -f '{{.State.Status}} {{.State.ExitCode}} {{.HostConfig.CgroupMode}}' web
	check_status 0
	check_has "$output" "running 0"
	run podman top web user huser comm
	check_status 0
	check_equal "$(tr -s ' ' <<<"$output" | sort)" $'USER HUSER COMMAND\nroot 1234 sh\nroot 1234 sleep'
	run podman top web -ef
	check_status 0
	check_output_has "sleep 1000"
	podman_lives_on web 3
}

init_and_start() {
	run podman create --name later $image sh -c 'echo started; exit 9'
	check_status 0
	run podman init later
	check_status 0
	run podman ps -a --format '{{.State}}'
	check_output Initialized
	run podman start -a later
	check_status 9
	check_output started
	podman_remove later
}

signals() {
	run podman run -d --name sig $image sh -c 'trap "echo usr1" USR1; trap "" TERM
		echo ready; while :; do sleep 0.1; done'
	check wait_until 30 bash -c 'podman logs sig | grep -q ready'
	run podman kill -s USR1 sig
	check_status 0
	check wait_until 30 bash -c 'podman logs sig | grep -q usr1'
	run podman stop -t 1 sig
	check_status 0
	run podman inspect -f '{{.State.ExitCode}}' sig
	check_output 137
	run podman kill sig
	check_not [ "$status" = 0 ]
	podman_remove sig
}

removed_while_running() {
	run podman run -d --name one $image sleep 1000
	run podman run -d --name two $image sh -c 'sleep 1000 & sleep 1000'
	run podman exec -d two sleep 1000
	run podman rm -f -t 0 one two
	check_status 0
	run podman ps -aq
	check_output ""
}

attaches() {
	echo words >"$tmp/words"
	run_input=$tmp/words run podman run -i --rm $image sh -c 'read -r a; echo "heard $a"; exit 8'
	check_status 8
	check_output "heard words"
	run podman run -d -i --name later $image sh -c 'while read -r a; do
		[ "$a" = end ] && exit 9; echo "heard $a"; done; sleep 100'
	printf 'words\nend\n' >"$tmp/words"
	run_input=$tmp/words run podman attach later
	check_output "heard words"
	run podman wait later
	check_output 9
	podman_remove later
}

# ---- exec and terminals -------------------------------------------------------------

execs() {
	run podman run -d --name web $image sleep 1000
	run podman exec web sh -c 'echo in; echo err >&2; exit 4'
	check_status 4
	check_output in
	check_equal "$errors" err "the standard error"
	run podman exec web sh -c 'kill -9 $$'
	check_status 137
	run podman exec -u user -w /tmp -e A=b web sh -c 'id -u; id -G; pwd; echo $A'
	check_output $'1000\n1000 10\n/tmp\nb'
	run podman exec -u 4000:4001 web sh -c 'id -u; id -g'
	check_output $'4000\n4001'
	run podman exec web grep CapEff /proc/self/status
	check_output "CapEff:	$some_capabilities"
	run podman exec --privileged web grep CapEff /proc/self/status
	check_output "CapEff:	$(printf %016x $((2 ** ($(cat /proc/sys/kernel/cap_last_cap) + 1) - 1)))"
	run podman exec web no-such-program
	check_status 127
	run podman exec web /etc
	check_status 126
	run podman exec web /etc/passwd
	check_status 126
	run podman exec -w /nowhere web true
	check_status 127
	run podman exec -u nobody-knows web true
	check_not [ "$status" = 0 ]
	run podman exec -d web touch /tmp/detached
	check_status 0
	check wait_until 30 podman exec web test -e /tmp/detached
	podman_remove web
}

terminals() {
	run_in_terminal podman run --rm -it $image sh -c 'tty; stty rows 33 cols 99; stty size'
	check_status 0
	check_output_has /dev/pts/0
	check_output_has "33 99"
	run podman run -d --name tty -t $image sleep 1000
	run_in_terminal podman exec -it tty tty
	check_status 0
	check_output_has /dev/pts/1
	run podman exec -t tty sh -c 'exit 5'
	check_status 5
	podman_remove tty
}

# The terminal is the user's to open again.
terminal_of_another() {
	local given=yes

	! client_is crun || given=no
	run podman run -d --name tty $image sleep 1000
	run_in_terminal podman exec -it -u 1000 tty sh -c 'id -u; echo given >$(tty)'
	if [ $given = yes ]; then
		check_output_has given
	else
		check_output_has "ermission denied"
	fi
	podman_remove tty
}

# Whose pts/ptmx no user may open.
terminal_on_hosts_dev() {
	local opens=yes

	! client_is_runc || opens=no
	run podman run --rm -t -v /dev:/dev $image sh -c 'stat -f -c %T /dev/pts; tty'
	if [ $opens = yes ]; then
		check_status 0
		check_output_has devpts
		check_output_has /dev/pts/
	else
		check_not [ "$status" = 0 ]
	fi
	run podman run -d --name tty -v /dev:/dev $image sleep 1000
	run podman exec -t tty tty
	check_status 0
	podman_remove tty
}

# ---- files --------------------------------------------------------------------------

own_file_systems() {
	run podman run --rm --read-only --tmpfs /scratch:size=1m,mode=1770 $image sh -c '
		touch /x 2>/dev/null && echo writable; touch /scratch/a /tmp/b /run/c /dev/shm/d && echo done
		stat -c %u:%g:%a /scratch'
	check_output $'done\n0:0:1770'
	run podman run --rm --shm-size 5m $image sh -c 'df -k /dev/shm | tail -n 1 | tr -s " " | cut -d" " -f2'
	check_output 5120
	run podman run --rm --device /dev/null:/dev/mine $image sh -c 'echo x >/dev/mine && stat -c %t:%T /dev/mine'
	check_output 1:3
	run podman run --rm --mount type=image,src=$image,dst=/img $image ls /img/bin/sh
	check_output /img/bin/sh
	run podman run --rm -v /:/host:ro $image sh -c 'ls -d /host/proc/1; touch /host/tmp/x 2>/dev/null || echo read-only'
	check_output $'/host/proc/1\nread-only'
}

with_init() {
	run podman run --rm --init --init-path "$(command -v catatonit)" $image cat /proc/1/comm
	check_output podman-init
	run podman run --rm --systemd=always $image sh -c 'echo $container
		for place in /run /run/lock /tmp /var/log/journal; do stat -f -c %T $place; done'
	check_status 0
	check_output $'podman\ntmpfs\ntmpfs\ntmpfs\ntmpfs'
}

images() {
	run podman run --name box $image sh -c 'echo kept >/kept'
	run podman diff box
	check_output_has "A /kept"
	run podman commit -q box made
	check_status 0
	run podman cp box:/kept kept
	check_equal "$(cat "$home/kept")" kept "what was copied out"
	podman_remove box
	run podman run --rm made cat /kept
	check_output kept
	run podman rmi made
	check_status 0
}

unshares() {
	run podman run --name box $image touch /made
	run podman unshare sh -c 'id -u; ls $(podman mount box)/made; podman umount box >/dev/null'
	check_status 0
	check_has "$output" /made
	podman_remove box
}

# ---- networks and pods --------------------------------------------------------------

networks() {
	run podman run --rm --network none $image sh -c 'ls /sys/class/net; cat /sys/class/net/lo/flags'
	check_output $'lo\n0x9'
	run podman run --rm --network host $image readlink /proc/self/ns/net
	check_output "$(readlink /proc/self/ns/net)"
	run podman run -d --name one --network none $image sh -c 'mkdir /www; echo served >/www/index.html
		exec httpd -f -p 80 -h /www'
	run podman run --rm --network container:one $image wget -q -O - http://127.0.0.1/
	check_output served
	podman_remove one
}

# What slirp4netns opens is root's on some machines.
user_mode_network() {
	local network

	needs slirp4netns curl || return
	mknod -m 666 "$tmp/tun" c 10 200 && mount --bind "$tmp/tun" /dev/net/tun
	for network in slirp4netns bridge; do
		run podman run -d --name web --network $network -p 127.0.0.1:18080:80 $image sh -c '
			mkdir /www; echo served >/www/index.html; exec httpd -f -p 80 -h /www'
		check_status 0
		check wait_until 20 curl -sf --max-time 5 http://127.0.0.1:18080/
		run podman exec web sh -c 'ip -o -4 address | grep -c inet'
		check_output 2
		podman_remove web
	done
	umount /dev/net/tun
}

pods() {
	run podman pod create --name pod --share pid,net,ipc,uts --network none \
		--infra-image $image --infra-command '/bin/sleep 1000'
	check_status 0
	run podman run -d --pod pod --name one $image sh -c 'touch /dev/shm/of-one; exec sleep 1001'
	check_status 0
	run podman run -d --pod pod --name two $image sh -c 'trap "" TERM; exec sleep 1002'
	check_status 0
	check wait_until 20 bash -c 'podman exec two ps | grep -q "sleep 1001"'
	run podman exec two ls /dev/shm
	check_output of-one
	run podman exec two ps -o args
	check_status 0
	check_output $'COMMAND\n/bin/sleep 1000\nsleep 1001\nsleep 1002\nps -o args'
	run podman exec two sh -c 'hostname; cat /proc/1/comm'
	check_output $'pod\nsleep'
	run podman pod top pod user comm
	check_status 0
	run podman kill two
	check_status 0
	run podman wait two
	check_output 137
	run podman start two
	check_status 0
	run podman exec one true
	check_status 0
	run podman pod stop -t 0 pod
	check_status 0
	run podman pod start pod
	check_status 0
	run podman pod rm -f -t 0 pod
	check_status 0
}

pod_of_yaml() {
	cat >"$home/pod.yaml" <<-END
		apiVersion: v1
		kind: Pod
		metadata: {name: kube}
		spec:
		  shareProcessNamespace: true
		  containers:
		    - name: a
		      image: localhost/test-image:latest
		      imagePullPolicy: Never
		      command: [/bin/sh, -c, 'sleep 1000']
		      securityContext: {runAsUser: 1000}
		    - name: b
		      image: localhost/test-image:latest
		      imagePullPolicy: Never
		      command: [/bin/sh, -c, 'sleep 1001']
	END
	run podman play kube --network none pod.yaml
	check_status 0
	run podman exec kube-b /bin/ps -o user,args
	check_output_has "user     "
	check_output_has catatonit
	run podman play kube --down pod.yaml
	check_status 0
	podman rmi -f "$(podman images -q --filter 'reference=localhost/podman-pause')" >/dev/null 2>&1
}

# ---- health, builds -----------------------------------------------------------------

health_check() {
	run podman run -d --name well --health-cmd 'test -e /tmp/well' --health-interval disable \
		--health-retries 1 $image sleep 1000
	check_status 0
	run podman healthcheck run well
	check_status 1
	run podman exec well touch /tmp/well
	run podman healthcheck run well
	check_status 0
	run podman inspect -f '{{.State.Health.Status}}' well
	check_output healthy
	podman_remove well
}

# buildah's own isolation for users has the runtime run each RUN.
builds() {
	mkdir -p "$home/context" && echo given >"$home/context/given"
	cat >"$home/context/Containerfile" <<-END
		FROM $image
		ENV PATH=/bin
		COPY --chown=33:44 given /given
		RUN echo "\$(cat /given) to \$(stat -c %u:%g /given) as \$(id -u)" >/built && mkdir -m 777 /w
		WORKDIR /w
		USER 1000
		RUN echo "\$(id -u) in \$(pwd)" >/w/who
		CMD cat /built /w/who
	END
	client_recorded "$home/recorded/$client_runtime_name"
	chown -R "$user:$user" "$home/recorded"
	run podman --runtime "$client_recorded" build -q --network none -t built context
	check_status 0
	check_equal "$(client_recorded_commands)" "create delete start state" "what was called"
	run podman run --rm built
	check_output $'given to 33:44 as 0\n1000 in /w'
	printf 'FROM %s\nRUN exit 7\n' "$image" >"$home/context/Containerfile"
	run podman build -q --network none context
	check_status 7
	check_errors_have "exit status 7"
	run podman rmi built
	check_status 0
	run podman image prune -f
	check_status 0
	podman unshare buildah rm --all >/dev/null
}

# buildah asks for ambient capabilities that cannot be, for each RUN: one line of ours.
builds_with_a_word() {
	local word=0

	! client_is mocker-runtime || word=1
	printf 'FROM %s\nRUN echo built\n' "$image" >"$home/context/Containerfile"
	run podman build --network none --no-cache context
	check_status 0
	check_output_has built
	check_equal "$(grep -c 'cannot be granted' <<<"$errors")" $word "lines of warning"
	run podman image prune -f
}

test_setup check podman_user_setup
test_case "a container runs in the foreground" foreground
test_case "a background container lives its whole life" background
test_case "init and start are two steps" init_and_start
test_case "signals arrive by name, and KILL in the end" signals
test_case "rm -f takes the running" removed_while_running
test_case "input arrives, and by attach" attaches
test_case "exec is who and where it is asked to be, with its status" execs
test_case "terminals of run and exec" terminals
test_case "a terminal belongs to who execs" terminal_of_another
test_case "a terminal on the host's devices" terminal_on_hosts_dev
test_case "a read-only root, tmpfs, shm, devices, an image as a volume" own_file_systems
test_case "podman's init, and what systemd needs" with_init
test_case "a container is committed, and copied from" images
test_case "unshare shows a container's files" unshares
test_case "no network, the host's, another container's" networks
test_case "networks of the user, with ports" user_mode_network
test_case "a pod shares processes, network, queues and name" pods
test_case "a pod described for Kubernetes" pod_of_yaml
test_case "a health check runs and tells" health_check
test_case "podman build builds by the runtime" builds
test_case "podman build warns once a RUN" builds_with_a_word
