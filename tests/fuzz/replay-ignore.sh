#!/bin/sh
# The corpus of ignore files through the fuzz target.
exec "$top_builddir/tests/fuzz/replay-ignore" "$top_srcdir/tests/fuzz/corpus/ignore"
