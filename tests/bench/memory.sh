#!/bin/bash
# Peak memory of every command of the runtime, beside that of a static program that does
# nothing. One life of a container, so each command runs once and in the order of a life.
# What a command waits for counts too: the memory of `ps` is that of ps(1).
test_cgroups=v1
. "${top_srcdir:-$(dirname "$0")/../..}/tests/e2e/lib.sh"

pairs=$top_builddir/tests/bench/pairs

peak_memory() {
	local life=$tmp/life

	echo 'int main(void) { return 0; }' >"$tmp/empty.c"
	check "${CC:-cc}" -static -O2 -o "$tmp/empty" "$tmp/empty.c"
	mkdir -p "$tmp/spec"
	make_bundle "$life" '.process.args = ["sleep", "1000"]' \
		'.linux.resources.memory.limit = 67108864'
	make_bundle "$tmp/short" '.process.args = ["true"]'
	# pairs goes into the measure: a process begins with the memory of whom it came from.
	run "$pairs" -n 1 -w 0 "empty=$tmp/empty" \
		"spec=mocker-runtime spec --bundle $tmp/spec" \
		"check=mocker-runtime check $life" \
		"features=mocker-runtime features" \
		"create=mocker-runtime create --bundle $life life" \
		"state=mocker-runtime state life" \
		"start=mocker-runtime start life" \
		"list=mocker-runtime list" \
		"ps=mocker-runtime ps life" \
		"exec=mocker-runtime exec life true" \
		"events=mocker-runtime events --stats life" \
		"update=mocker-runtime update --memory 32M life" \
		"pause=mocker-runtime pause life" \
		"resume=mocker-runtime resume life" \
		"kill=mocker-runtime kill life KILL" \
		"delete=mocker-runtime delete --force life" \
		"run=mocker-runtime run --bundle $tmp/short short"
	check_status 0
	awk 'NR > 1 { if (NR == 2) empty = $5
		printf "#   %-12s %6d KiB, %5d more than the empty program\n", $1, $5, $5 - empty
	}' <<<"$output"
}
test_case "peak memory of each command" peak_memory
