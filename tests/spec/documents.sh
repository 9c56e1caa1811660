#!/bin/sh
# The documents of tests/data, read and written again; see documents.py.
: "${top_srcdir:?}" "${top_builddir:?}"
exec python3 -B "$top_srcdir/tests/spec/documents.py"
