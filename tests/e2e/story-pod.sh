#!/bin/bash
# A pod: two containers that share one network namespace and have mount namespaces of
# their own; one reaches the other on 127.0.0.1.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"
# shellcheck source=tests/e2e/original.sh
. "$e2e/original.sh"

set_up() {
	check original_build_backend "$tmp/context"
	make_rootfs "$tmp/rootfs"
	cp -a "$tmp/rootfs/bin" "$tmp/context/bin"
	cat >"$tmp/context/Mockerfile" <<-END
		FROM scratch
		COPY bin /bin
		COPY $backend_name /backend
		ENV PATH=/bin
		WORKDIR /srv
		RUN echo 'this is the pod' >index.html
		ENV WORK_DIR=/srv
		CMD ["/backend"]
	END
	run mocker build -t web -f "$tmp/context/Mockerfile" "$tmp/context"
	check_status 0
}
test_setup set_up
store_stays
network_stays

namespace_of() {
	readlink "/proc/$(container_pid "$1")/ns/$2"
}

joins() {
	run mocker run server web
	check_status 0
	run mocker run --pod server helper web sleep 1000
	check_status 0
	check_equal "$(namespace_of helper net)" "$(namespace_of server net)" \
		"the network namespace"
	check test "$(namespace_of helper mnt)" != "$(namespace_of server mnt)"
	check test "$(namespace_of helper pid)" != "$(namespace_of server pid)"
}
test_step "a container joins the network of another" joins

reaches() {
	wait_until 60 mocker exec helper wget -q -O /dev/null http://127.0.0.1:10000/
	run mocker exec helper wget -q -O - http://127.0.0.1:10000/
	check_status 0
	check_output "this is the pod"
}
test_step "it reaches the other on 127.0.0.1" reaches

own_files() {
	run mocker exec helper sh -c 'echo mine >/srv/mine && cat /srv/mine'
	check_output mine
	run mocker exec server cat /srv/mine
	check test "$status" != 0
}
test_step "what one writes the other does not see" own_files

ends_alone() {
	run mocker rm -f helper
	check_status 0
	run mocker exec server true
	check_status 0
	check_exists /run/netns/server
	address=$(mocker ps | awk '$1 == "server" { print $2 }')
	run curl -s --max-time 5 "http://$address:10000/"
	check_output "this is the pod"
}
test_step "when the second goes, the first keeps its network" ends_alone

all_goes() {
	run mocker rm -f server
	check_status 0
}
test_case "when the first goes, nothing is left" all_goes
