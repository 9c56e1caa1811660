#!/bin/sh
# The corpus of references, repositories and platforms through the fuzz target.
exec "$top_builddir/tests/fuzz/replay-reference" "$top_srcdir/tests/fuzz/corpus/reference"
