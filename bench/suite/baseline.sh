#!/bin/sh
# SPDX-License-Identifier: MIT
#
# baseline.sh - counts of pair.sh as lines, for baseline.txt and for the test that
# holds the library to it.
#
#	baseline.sh PAIR-PROGRAM LIBRARY [COMPILER]
#
# A line is a pattern, a size and the instructions of a pair; with COMPILER they
# come as a whole new baseline.txt.

set -u
here=$(cd "$(dirname "$0")" && pwd)
pair=${1:?usage: baseline.sh PAIR-PROGRAM LIBRARY [COMPILER]}
lib=${2:?usage: baseline.sh PAIR-PROGRAM LIBRARY [COMPILER]}

[ $# = 2 ] || cat <<END
# baseline.txt - instructions of a malloc and free pair, by pair.sh: make check fails
# where one grows by more than 3 %. To be refreshed by make bench-baseline.
#
# Compiler: $3
END
table=$("$here/pair.sh" "$pair" "$(realpath "$lib")") || exit
echo "$table" | awk '
/,/ || /^a block/ {
	pattern = /^a block/ ? "single" : $NF == "thread" ? "remote" : \
		  /^new/ ? "sized" : \
		  /reverse/ ? "lifo" : "random"
}
$1 ~ /^[0-9]+$/ && NF == 2 {
	print pattern, $1, $2
	lacking += $2 == "-"
}
END { exit NR == 0 || lacking }'
