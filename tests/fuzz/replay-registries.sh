#!/bin/sh
# The corpus of registries.conf files through the fuzz target.
exec "$top_builddir/tests/fuzz/replay-registries" "$top_srcdir/tests/fuzz/corpus/registries"
