#!/bin/bash
# podman's networks on the runtime: netavark, and the CNI backend with mocker-netsetup in
# the place of bridge, portmap, firewall and tuning; ports, names, and pods of containers.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/clients/clients.sh"

needs podman conmon curl catatonit || exit 0
podman_stays
leaves '^(link|address|route|rule) .*(podman[0-9]|cni-|lan0)|^rule |^link veth'
leaves '^file /run/mocker/network|^process .*aardvark-dns'
network_stays
# runc makes a pod's cgroup in hierarchies that podman does not look into, and leaves it.
[ "$client_runtime_name" != runc ] ||
	leaves '^cgroup .*/(systemd|unified)/libpod_parent/[0-9a-f]{64}$'

image=test-image
web='mkdir /www; echo served >/www/index.html; exec httpd -f -p 80 -h /www'

served() { # URL
	check wait_until 20 curl -sf --max-time 5 "$1"
	check_equal "$(curl -s --max-time 5 "$1")" served "what $1 serves"
}

none_host_container() {
	run podman run --rm --network none $image sh -c 'ls /sys/class/net'
	check_status 0
	check_output lo
	run podman run --rm --network host $image readlink /proc/self/ns/net
	check_status 0
	check_output "$(readlink /proc/self/ns/net)"
	run podman run -d --name one --network none $image sh -c "$web"
	run podman run --rm --network container:one $image wget -q -O - http://127.0.0.1/
	check_status 0
	check_output served
	podman_remove one
}

# bridge_network PREFIX: the addresses of the backend that is configured.
bridge_network() {
	local prefix=$1 address

	run podman run -d --name web --network bridge -p 127.0.0.1:18080:80 -p 18081:80/tcp $image sh -c "$web"
	check_status 0
	address=$(podman inspect -f '{{.NetworkSettings.IPAddress}}' web)
	check_has "$address" "$prefix."
	served "http://$address/"
	served http://127.0.0.1:18080/
	served "http://$prefix.1:18081/"
	run podman restart -t 0 web
	check_status 0
	served http://127.0.0.1:18080/
	podman_remove web
	check_not curl -s --max-time 2 http://127.0.0.1:18080/
	check_equal "$(ip -o link show type veth | wc -l)" 0 "the veths left"
}

names() {
	run podman network create lan
	check_status 0
	run podman run -d --name server --network lan $image sh -c "$web"
	check_status 0
	run podman run --rm --network lan $image \
		sh -c 'i=0; until wget -q -O - http://server/; do sleep 0.2; i=$((i + 1)); [ $i -lt 200 ]; done'
	check_status 0
	check_output served
	podman_remove server
	run podman network rm lan
	check_status 0
}

# As in clients.sh, podman's configuration; its network definition is ours.
cni_backend() {
	mkdir -p "$tmp/podman/networks" "$tmp/cni-bin"
	ln -sf "$top_builddir/mocker-netsetup" "$tmp/cni-bin/mocker-netsetup"
	cp "$top_srcdir/tests/clients/kubernetes/87-podman.conflist" "$tmp/podman/networks/"
	podman_backend=cni podman_network="cni_plugin_dirs = [\"$tmp/cni-bin\"]
		default_network = \"podman\"" podman_configure
}

through_cni() {
	cni_backend
	bridge_network 10.87.0
	run podman network ls --format '{{.Name}} {{.Driver}}'
	check_output_has podman
	podman_backend='' podman_configure
}

# In the default infrastructure container, which podman makes of its own catatonit.
default_pod() {
	run podman pod create --name pod -p 18082:80 --network bridge --share net,ipc,uts,pid
	check_status 0
	run podman run -d --pod pod --name server $image sh -c "$web"
	check_status 0
	run podman run -d --pod pod --name helper $image sleep 1000
	check_status 0
	served http://127.0.0.1:18082/
	run podman exec helper wget -q -O - http://127.0.0.1/
	check_output served
	run podman exec helper sh -c 'cat /proc/1/comm; ps'
	check_output_has catatonit
	check_output_has httpd
	run podman pod pause pod
	check_status 0
	run podman pod unpause pod
	check_status 0
	run podman pod top pod comm
	check_output_has httpd
	run podman pod stop -t 1 pod
	check_status 0
	run podman pod start pod
	check_status 0
	served http://127.0.0.1:18082/
	run podman pod rm -f -t 0 pod
	check_status 0
	podman rmi -f "$(podman images -q --filter 'reference=localhost/podman-pause')" >/dev/null 2>&1
}

custom_infra() {
	run podman pod create --name own --network none --infra-image $image \
		--infra-command '/bin/sleep 1000' --infra-name boss
	check_status 0
	run podman run --rm --pod own $image hostname
	check_status 0
	check_output own
	run podman pod rm -f -t 0 own
	check_status 0
}

of_yaml() {
	cat >"$tmp/pod.yaml" <<-END
		apiVersion: v1
		kind: Pod
		metadata: {name: kube}
		spec:
		  containers:
		    - name: server
		      image: localhost/test-image:latest
		      command: [/bin/sh, -c, "$web"]
		      ports: [{containerPort: 80, hostPort: 18083}]
		      resources: {limits: {memory: 64Mi}}
		    - name: helper
		      image: localhost/test-image:latest
		      command: [/bin/sh, -c, 'cat /proc/self/cgroup; sleep 1000']
	END
	run podman play kube --network bridge "$tmp/pod.yaml"
	check_status 0
	served http://127.0.0.1:18083/
	run podman inspect -f '{{.HostConfig.Memory}}' kube-server
	check_output 67108864
	run podman play kube --down "$tmp/pod.yaml"
	check_status 0
	run podman ps -aq
	check_output ""
	podman rmi -f "$(podman images -q --filter 'reference=localhost/podman-pause')" >/dev/null 2>&1
}

test_setup check podman_setup
test_case "no network, the host's, another container's" none_host_container
test_case "netavark's bridge and ports" bridge_network 10.88.0
test_case "names on a network of one's own" names
test_case "mocker-netsetup as the only CNI plugin: bridge and ports" through_cni
test_case "a pod with podman's infrastructure container shares what it should" default_pod
test_case "a pod with an infrastructure container of one's own" custom_infra
test_case "a pod described for Kubernetes" of_yaml
