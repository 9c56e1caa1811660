#!/bin/bash
# Docker 20.10: run, exec, top, stats, pause, update, cp, restart, limits, published ports,
# networks with names, health checks, the classic builder and BuildKit.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/clients/clients.sh"

needs dockerd docker containerd curl || exit 0
docker_stays

image=test-image

foreground() {
	run docker run --rm $image echo hello
	check_status 0
	check_output hello
	run docker run --rm $image sh -c 'exit 7'
	check_status 7
	run docker run --rm $image no-such-program
	check_status 127
	check_errors_have "executable file not found in \$PATH"
	run docker run --rm $image /etc
	check_status 126
}

terminal() {
	run_in_terminal docker run --rm -it $image tty
	check_status 0
	check_output_has /dev/pts/0
	run docker run -d --name tty -t $image sleep 100
	run_in_terminal docker exec -it tty tty
	check_status 0
	check_output_has /dev/pts/1
	run docker rm -f tty
	check_status 0
}

background() {
	run docker run -d --name web $image sh -c 'trap "exit 3" TERM; sleep 1000 & wait'
	check_status 0
	run docker exec web sh -c 'echo in; exit 4'
	check_status 4
	check_output in
	run docker exec -u user -w /tmp -e A=b web sh -c 'id -u; pwd; echo $A'
	check_output $'1000\n/tmp\nb'
	run docker exec web no-such-program
	check_matches "$status" '^12[67]$'
	run docker exec -d web touch /tmp/detached
	check wait_until 30 docker exec web test -e /tmp/detached
	run docker top web
	check_status 0
	check_output_has sleep
	run docker stats --no-stream --format '{{.PIDs}}' web
	check_status 0
	check_matches "$output" '^[1-9]'
	run docker pause web
	check_status 0
	run docker inspect -f '{{.State.Status}}' web
	check_output paused
	run docker unpause web
	check_status 0
	run docker update --memory 64m --memory-swap 64m web
	check_status 0
	check_equal "$(cat "/sys/fs/cgroup/memory/docker/$(docker inspect -f '{{.Id}}' web)/memory.limit_in_bytes")" \
		67108864 "the memory limit"
	run docker stop -t 30 web
	check_status 0
	run docker inspect -f '{{.State.ExitCode}}' web
	check_output 3
	run docker restart -t 0 web
	check_status 0
	run docker kill web
	check_status 0
	run docker wait web
	check_output 137
	run docker rm web
	check_status 0
}

files() {
	run docker run -d --name box $image sleep 100
	echo content >"$tmp/one"
	run docker cp "$tmp/one" box:/tmp/one
	check_status 0
	run docker exec box cat /tmp/one
	check_output content
	run docker cp box:/tmp/one "$tmp/two"
	check_status 0
	check cmp "$tmp/one" "$tmp/two"
	run docker rm -f box
	check_status 0
}

out_of_memory() {
	run docker run --name hungry --memory 16m $image sh -c 'x=a; while :; do x=$x$x; done'
	check_status 137
	run docker inspect -f '{{.State.OOMKilled}}' hungry
	check_output true
	run docker rm hungry
}

logs_and_attach() {
	run docker run -d --name talker $image sh -c 'echo one; echo two >&2; sleep 1; echo three'
	run docker logs -f talker
	check_status 0
	check_output $'one\nthree'
	check_equal "$errors" two "the standard error"
	run docker rm talker

	run docker run -d -i --name listener $image sh -c 'while read -r a; do
		[ "$a" = end ] && exit 9; echo "heard $a"; done; sleep 100'
	mkfifo "$tmp/words"
	says_words >"$tmp/words" &
	run_input=$tmp/words run docker attach listener
	check_status 9
	check_output "heard words"
	run docker rm listener
	check_status 0
	rm "$tmp/words"
}

# docker attach shows no more once its input has ended.
says_words() {
	echo words
	wait_until 20 bash -c 'docker logs listener | grep -q heard'
	echo end
}

# Started again by dockerd, as often as it was told.
restarts() {
	run docker run -d --name again --restart on-failure:2 $image sh -c 'echo once; exit 5'
	check_status 0
	run docker wait again
	check wait_until 20 bash -c '[ "$(docker inspect -f "{{.RestartCount}} {{.State.Status}}" again)" = "2 exited" ]'
	run docker logs again
	check_output $'once\nonce\nonce'
	run docker rm again
	check_status 0
}

read_only_root() {
	mkdir -p "$tmp/volume"
	run docker run --rm --read-only --tmpfs /scratch -v "$tmp/volume:/v" --user 1000:1000 \
		--cap-drop ALL --security-opt no-new-privileges $image sh -c '
		touch /x 2>/dev/null && echo writable; touch /scratch/a && echo scratch
		grep NoNewPrivs /proc/self/status | tr "\t" " "
		grep -E "Cap(Bnd|Eff)" /proc/self/status | tr "\t" " "'
	check_status 0
	check_output 'scratch
NoNewPrivs: 1
CapEff: 0000000000000000
CapBnd: 0000000000000000'
}

limits() {
	run docker run --rm --memory 64m --pids-limit 17 --cpus 0.5 $image sh -c '
		cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/pids/pids.max
		cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us'
	check_status 0
	check_output $'67108864\n17\n50000'
}

with_init() {
	run docker run --rm --init $image sh -c 'cat /proc/1/comm'
	check_status 0
	check_matches "$output" 'init'
}

networks() {
	run docker network create lan
	check_status 0
	run docker run -d --name server --network lan -p 127.0.0.1:18080:80 $image \
		sh -c 'mkdir /www; echo served >/www/index.html; exec httpd -f -p 80 -h /www'
	check_status 0
	check wait_until 30 curl -sf http://127.0.0.1:18080/
	run curl -s http://127.0.0.1:18080/
	check_output served
	run docker run --rm --network lan $image wget -q -O - http://server/
	check_status 0
	check_output served
	run docker rm -f server
	run docker network rm lan
	check_status 0
}

well_is() {
	[ "$(docker inspect -f '{{.State.Health.Status}}' well)" = "$1" ]
}

health() {
	run docker run -d --name well --health-cmd true --health-interval 1s $image sleep 100
	check wait_until 30 well_is healthy
	run docker rm -f well
	check_status 0
	run docker run -d --name well --health-cmd 'echo ill; exit 1' --health-interval 1s \
		--health-retries 1 $image sleep 100
	check wait_until 30 well_is unhealthy
	run docker inspect -f '{{(index .State.Health.Log 0).Output}}' well
	check_output ill
	run docker rm -f well
	check_status 0
}

# build WHO KIT
build() {
	client_recorded_forget
	mkdir -p "$tmp/context"
	printf 'FROM %s\nRUN echo built by %s >/built\nCMD cat /built\n' $image "$1" \
		>"$tmp/context/Dockerfile"
	DOCKER_BUILDKIT=$2 run docker build -t "built-$1" "$tmp/context"
	check_status 0
	# The classic builder goes by way of containerd's shim, BuildKit calls "runc" itself.
	check_equal "$(client_recorded_commands 2>/dev/null)" "$3" "what was called as runc"
	run docker run --rm "built-$1"
	check_output "built by $1"
	run docker rmi -f "built-$1"
}

test_setup check docker_setup
test_case "a container runs in the foreground and its status arrives" foreground
test_case "a terminal is a terminal" terminal
test_case "a background container lives its whole life" background
test_case "files are copied in and out" files
test_case "logs are followed; attach talks to a container" logs_and_attach
test_case "a restart policy restarts" restarts
test_case "a read-only root, no capabilities, no new privileges" read_only_root
test_case "out of memory is status 137 and told" out_of_memory
test_case "limits arrive" limits
test_case "docker's init is process 1" with_init
test_case "a network has names and published ports" networks
test_case "a health check runs" health
test_case "the classic builder builds" build classic 0 ""
test_case "BuildKit builds" build buildkit 1 run
