#!/bin/sh
# Every member and word of the specification's schemas is known to us; see members.py.
: "${top_srcdir:?}" "${top_builddir:?}"
exec python3 -B "$top_srcdir/tests/spec/members.py"
