# shellcheck shell=bash disable=SC2034,SC2154
# What the original's session stands on, for its test and for the demo: the download site
# with the backend, and the Mockerfiles as their author wrote them.

backend_name=go-backend-linux-amd64
download_site=http://127.0.0.1:8000

# original_build_backend DIRECTORY: compiles it there under its download name.
original_build_backend() {
	mkdir -p "$1" && ${CC:-cc} -O2 -static -o "$1/$backend_name" "$e2e/backend.c"
}

# original_start_site DIRECTORY: serves the directory on the loopback; sets $site_pid.
original_start_site() {
	WORK_DIR=$1 PORT=8000 ID="download site" "$1/$backend_name" >/dev/null 2>&1 </dev/null &
	site_pid=$!
	disown
	wait_until 60 curl -sf -o /dev/null "$download_site/$backend_name"
}

# original_mockerfile NUMBER: prints golangNUMBER.Mockerfile.
original_mockerfile() {
	cat <<-END
		RUN wget $download_site/$backend_name
		RUN chmod +x $backend_name
		RUN echo 'this is go-backend ${1}000' > /root/.mocker/layer/builder_space/index.html
		RUN ls -la
		RUN ls -la
		CMD ID=go-backend-$1 WORK_DIR=/root/workspace /root/workspace/$backend_name
	END
}
