# shellcheck shell=bash disable=SC2034,SC2154
# Registries for tests, on the pretend host's loopback: Debian's docker-registry, and a
# hostile one of Python (registry.py). Source it after lib.sh.

# What skopeo and podman put there, and the store of this file's images.
leaves '^file /var/lib/mocker/?|^file /var/lib/containers|^file /run/(containers|libpod)'
leaves '^process [0-9]+ \((docker-registry|python3)\)$|^(address|route) '

# registry_start NAME PORT [YAML...]: serves on 127.0.0.1:PORT from a directory of its own.
registry_start() {
	local name=$1 port=$2

	shift 2
	mkdir -p "$tmp/$name"
	{
		printf '%s\n' "version: 0.1" "log: { level: error }" \
			"storage: { filesystem: { rootdirectory: $tmp/$name }," \
			"  delete: { enabled: true } }" \
			"http:" "  addr: 127.0.0.1:$port"
		[ $# -eq 0 ] || printf '%s\n' "$@"
	} >"$tmp/$name.yml"
	OTEL_TRACES_EXPORTER=none docker-registry serve "$tmp/$name.yml" \
		>"$tmp/$name.log" 2>&1 &
	wait_until 30 bash -c "exec 3<>/dev/tcp/127.0.0.1/$port" ||
		failed "the registry on port $port does not answer: $(cat "$tmp/$name.log")"
}

# registry_certificate NAME: NAME.crt and NAME.key of 127.0.0.1, self-signed.
registry_certificate() {
	openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=127.0.0.1 \
		-addext subjectAltName=IP:127.0.0.1 -keyout "$tmp/$1.key" \
		-out "$tmp/$1.crt" 2>/dev/null || failed "no certificate was made"
}

# hostile_start PORT MODE: registry.py, whose head lists the modes.
hostile_start() {
	python3 "$e2e/registry.py" "$@" >"$tmp/hostile-$1.log" 2>&1 &
	hostile=$!
	wait_until 30 bash -c "exec 3<>/dev/tcp/127.0.0.1/$1" ||
		failed "the hostile registry does not answer: $(cat "$tmp/hostile-$1.log")"
}

hostile_stop() {
	kill "$hostile"
	wait "$hostile" 2>/dev/null
}
