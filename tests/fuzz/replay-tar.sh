#!/bin/sh
# The corpus of archives through the fuzz target.
exec "$top_builddir/tests/fuzz/replay-tar" "$top_srcdir/tests/fuzz/corpus/tar"
