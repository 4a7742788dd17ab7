#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-pair.sh - what a malloc and free pair of a small size costs, in instructions,
# which are the same on every machine: never more than 40. Which objects the sampler
# looks at is drawn anew in every process; one unlucky run in three is let pass.

set -u
: "${srcdir:?run by make check}" "${builddir:?run by make check}"
most=40
tmp=$(mktemp) || exit 99
trap 'rm -f "$tmp"' EXIT

measure()
{
	SIZES='16 64' "$srcdir/bench/pair.sh" "$builddir/bench/pair" \
		"${QUERN_LIB:?run by make check}" >"$tmp" || exit
	awk -v most=$most 'NR > 1 && ($2 > most || $3 > most || $2 <= 0 || $3 <= 0) {
			bad = 1
		}
		END { exit bad }' "$tmp"
}

measure || measure || measure
awk -v most=$most '
NR > 1 {
	for (i = 2; i <= 3; i++) {
		good = $i > 0 && $i <= most
		bad += !good
		printf "%s %d - %s bytes, %s: %s instructions\n",
			good ? "ok" : "not ok", ++nr, $1,
			i == 2 ? "one block" : "1000 blocks", $i
	}
}
END {
	print "1.." nr + 0
	exit !nr || bad != 0
}' "$tmp"
