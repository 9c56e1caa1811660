#!/bin/sh
# The corpus of config.json, and the documents of tests/data, through the fuzz target.
: "${top_srcdir:?}" "${top_builddir:?}"
data=$top_srcdir/tests/data
exec "$top_builddir/tests/fuzz/replay-config" "$top_srcdir/tests/fuzz/corpus/config" \
	"$data/configs" "$data/runtime-spec/test/config/good" \
	"$data/runtime-spec/test/config/bad"
