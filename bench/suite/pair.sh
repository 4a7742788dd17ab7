#!/bin/sh
# SPDX-License-Identifier: MIT
#
# pair.sh - instructions of one malloc and free pair, counted by callgrind: all
# that the two calls do, from their first instruction to their return.
#
#	pair.sh PAIR-PROGRAM [LIBRARY...]
#
# prints a table a pattern (see pair.c): a row a size, a column a library, "-" where
# nothing could be counted. The counts of quern are the same from run to run:
# addresses, seed and clock are fixed.
#
# SIZES and ROUNDS in the environment are those of pair.c.

set -u
pair=${1:?usage: pair.sh PAIR-PROGRAM [LIBRARY...]}
shift
sizes=${SIZES:-16 64 256 1024 8192}
here=$(cd "$(dirname "$0")" && pwd)
. "$here/count.sh"

# Slow allocators show in few rounds how slow they are
rounds()
{
	echo "${ROUNDS:-$(($1 > 1000 ? 30 : 100))}"
}

for size in $sizes; do
	for lib in "$@"; do
		count "$lib" "$pair" "$size" "$(rounds "$size")" |
			awk -v pairs="$(rounds "$size")000" \
			    -v what="$size $lib" '
			/^(single|lifo|random_order|remote_[a-z]*|sized) / {
				sub(/^remote_[a-z]*/, "remote")
				sum[$1] += $NF
			}
			END {
				for (pattern in sum)
					print pattern, what, sum[pattern] / pairs
			}'
	done
done | print_tables suite/pair.awk -v libs="$*" -v sizes="$sizes"
