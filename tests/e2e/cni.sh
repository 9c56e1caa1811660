# shellcheck shell=bash disable=SC2034,SC2154
# Calling a CNI plugin as the specification says a runtime does: parameters in the
# environment, configuration on standard input, the result of ADD handed to CHECK and DEL.

# cni COMMAND CONFIGURATION: sets $status and $output as run does. $plugin, $netns,
# $container and $ifname say what and for whom.
netns=/run/netns/pod
cni() {
	printf %s "$2" >"$tmp/config"
	run_input=$tmp/config run env CNI_COMMAND="$1" CNI_CONTAINERID="${container-pod1}" \
		CNI_NETNS="$netns" CNI_IFNAME="${ifname-eth0}" CNI_PATH="${cni_path-/usr/lib/cni}" \
		CNI_ARGS="${cni_args-IgnoreUnknown=1;K8S_POD_NAME=x}" \
		"${plugin:-mocker-netsetup}"
}

result() { # JQ FILTER
	jq -r "$1" <<<"$output"
}

with_prev() { # CONFIGURATION: the last output as prevResult
	jq -c --argjson prev "$output" '.prevResult = $prev' <<<"$1"
}

# cni_collect CONFIGURATION: GC, and no attachment is valid.
cni_collect() {
	cni GC "$(jq -c '."cni.dev/valid-attachments" = []' <<<"$1")"
}

# cni_code CODE TEXT: the last call failed so.
cni_code() {
	check_status 1
	check_equal "$(result .code)" "$1" "the code"
	check_has "$(result .msg)" "$2" "the message"
}

# chain COMMAND LIST: each plugin of a network configuration list in turn, as libcni does:
# name and version are the list's, and so is of runtimeConfig what the
# plugin has the capability for; ADD hands each result on, DEL goes
# backwards. $output is the last result; it stays in $tmp/chain-result for the next.
chain() {
	local one i count

	count=$(jq '.plugins | length' <<<"$2")
	[ "$1" != ADD ] || rm -f "$tmp/chain-result"
	for ((i = 0; i < count; i++)); do
		one=$(jq -c --argjson i "$([ "$1" = DEL ] && echo $((count - 1 - i)) || echo $i)" '
			. as $list | .plugins[$i] + {name: $list.name, cniVersion: $list.cniVersion}
			+ {runtimeConfig: ($list.runtimeConfig // {} |
				with_entries(select($list.plugins[$i].capabilities[.key]?)))}' <<<"$2")
		[ ! -s "$tmp/chain-result" ] ||
			one=$(jq -c --slurpfile prev "$tmp/chain-result" '.prevResult = $prev[0]' \
				<<<"$one")
		plugin=$(jq -r .type <<<"$one")
		[ "$plugin" = mocker-netsetup ] || plugin=/usr/lib/cni/$plugin
		cni "$1" "$one"
		plugin=
		[ "$status" = 0 ] || return
		[ "$1" != ADD ] || echo "$output" >"$tmp/chain-result"
	done
	[ "$1" != DEL ] || rm -f "$tmp/chain-result"
}
