#!/bin/sh
# The corpus of image documents through the fuzz target.
: "${top_srcdir:?}" "${top_builddir:?}"
exec "$top_builddir/tests/fuzz/replay-image" "$top_srcdir/tests/fuzz/corpus/image"
