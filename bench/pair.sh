#!/bin/sh
# SPDX-License-Identifier: MIT
#
# pair.sh - instructions of one malloc and free pair, counted by callgrind: the
# difference of two runs, less what the loop and the calls cost. Exact, and the
# same from run to run.
#
#	pair.sh PAIR-PROGRAM [LIBRARY...]
#
# prints a row a size, a column a library and pattern: a single pair, and 1000
# objects freed in reverse order.

set -u
pair=${1:?usage: pair.sh PAIR-PROGRAM [LIBRARY...]}
shift
sizes=${SIZES:-16 64 256 1024 8192}
command -v valgrind >/dev/null || {
	echo "pair.sh: valgrind is missing: apt-get install valgrind" >&2
	exit 77
}

count() # LIBRARY ARGS...: instructions of a whole run
{
	lib=$1
	shift
	LD_PRELOAD=$lib valgrind --tool=callgrind \
		--callgrind-out-file=/dev/null "$pair" "$@" 2>&1 |
		sed -n 's/.*Collected : //p'
}

# What one pair costs beyond a call of an empty function, plus its two returns
cost() # LIBRARY SIZE LIVE
{
	few=$((40000 / $3))
	many=$((120000 / $3))
	pairs=$(((many - few) * $3))
	a=$(($(count "$1" "$2" "$3" $many) - $(count "$1" "$2" "$3" $few)))
	b=$(($(count "$1" "$2" "$3" $many empty) - \
		$(count "$1" "$2" "$3" $few empty)))
	awk "BEGIN { printf \"%.1f\", ($a - $b) / $pairs + 2 }"
}

printf '%8s' bytes
for lib in "$@"; do
	name=${lib##*/}
	printf ' %20s' "${name%%.so*}"
done
printf '\n'
for size in $sizes; do
	printf '%8s' "$size"
	for lib in "$@"; do
		printf ' %9s %10s' "$(cost "$lib" "$size" 1)" \
			"$(cost "$lib" "$size" 1000)"
	done
	printf '\n'
done
