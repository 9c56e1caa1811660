#!/bin/sh
# The corpus of CNI configurations through the fuzz target.
: "${top_srcdir:?}" "${top_builddir:?}"
exec "$top_builddir/tests/fuzz/replay-cni" "$top_srcdir/tests/fuzz/corpus/cni"
