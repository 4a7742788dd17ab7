#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-pair.sh - what a malloc and free pair costs, in instructions, held to
# bench/suite/baseline.txt: a count may not grow by more than 3 %. Counts are of what one
# compiler makes of the library, so the test is skipped where that is another.

set -u
: "${srcdir:?run by make check}" "${builddir:?run by make check}"
: "${CC:?run by make check}"
baseline=$srcdir/bench/suite/baseline.txt
compiler="$($CC --version | sed -n 1p), $($CC -dumpmachine), ${CFLAGS-}"
now=$(mktemp) || exit 99
trap 'rm -f "$now"' EXIT

grep -qxF "# Compiler: $compiler" "$baseline" || {
	echo "1..0 # SKIP the baseline was not made by $compiler"
	exit 0
}
"$srcdir/bench/suite/baseline.sh" "$builddir/bench/pair" \
	"${QUERN_LIB:?run by make check}" >"$now" || exit
awk '
/^#/ { next }
FNR == NR {
	now[$1, $2] = $3
	next
}
{
	is = now[$1, $2]
	good = is > 0 && is <= 1.03 * $3
	bad += !good
	printf "%s %d - %s, %d bytes: %s instructions, baseline %s\n",
		(good ? "ok" : "not ok"), ++nr, $1, $2, is, $3
}
END {
	print "1.." nr + 0
	exit !nr || bad
}' "$now" "$baseline"
