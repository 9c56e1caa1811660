#!/bin/sh
# The corpus of Mockerfiles through the fuzz target.
exec "$top_builddir/tests/fuzz/replay-mockerfile" "$top_srcdir/tests/fuzz/corpus/mockerfile"
