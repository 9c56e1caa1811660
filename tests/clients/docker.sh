#!/bin/bash
# Docker 20.10: run, exec, top, stats, pause, update, cp, restart, limits, published ports,
# networks with names, health checks, the classic builder and BuildKit.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/clients/clients.sh"

needs dockerd docker containerd curl || exit 0
leaves '^file /run/(docker|containerd|mocker|runc|netns|docker.sock|docker.pid)([/.]|$)'
leaves '^cgroup .*/docker(/buildkit)?$'
leaves '^(link|address|route|rule) '
leaves '^process .*(docker-proxy|containerd-shim)'

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
}

background() {
	run docker run -d --name web $image sh -c 'trap "exit 3" TERM; while :; do sleep 0.1; done'
	check_status 0
	run docker exec web sh -c 'echo in; exit 4'
	check_status 4
	check_output in
	run docker exec -u user -w /tmp -e A=b web sh -c 'id -u; pwd; echo $A'
	check_output $'1000\n/tmp\nb'
	run docker exec web no-such-program
	check_matches "$status" '^12[67]$'
	run docker exec -d web touch /tmp/detached
	check wait_until 5 docker exec web test -e /tmp/detached
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
	run docker stop -t 5 web
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
	run docker rm -f box
	check_status 0
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
	check wait_until 5 curl -sf http://127.0.0.1:18080/
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
	check wait_until 10 well_is healthy
	run docker rm -f well
	check_status 0
}

# build WHO KIT
build() {
	mkdir -p "$tmp/context"
	printf 'FROM %s\nRUN echo built by %s >/built\nCMD cat /built\n' $image "$1" \
		>"$tmp/context/Dockerfile"
	DOCKER_BUILDKIT=$2 run docker build -t "built-$1" "$tmp/context"
	check_status 0
	run docker run --rm "built-$1"
	check_output "built by $1"
	run docker rmi -f "built-$1"
}

test_setup check docker_setup
test_case "a container runs in the foreground and its status arrives" foreground
test_case "a terminal is a terminal" terminal
test_case "a background container lives its whole life" background
test_case "files are copied in" files
test_case "limits arrive" limits
test_case "docker's init is process 1" with_init
test_case "a network has names and published ports" networks
test_case "a health check runs" health
test_case "the classic builder builds" build classic 0
test_case "BuildKit builds" build buildkit 1
