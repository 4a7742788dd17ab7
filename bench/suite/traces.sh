#!/bin/sh
# SPDX-License-Identifier: MIT
#
# traces.sh - instructions of malloc and free as real programs call them.
#
#	traces.sh BUILD-FOLDER TRACE-FOLDER [LIBRARY...]
#
# replays the first EVENTS calls (default 500000) of each trace under each library,
# by quern replay --engine=libc, and lets callgrind count. A row
# a trace, for each library the means: of an allocation, of a free, and of all
# calls, those of realloc with what they copy included. The last row is the
# geometric mean of each.

set -u
build=${1:?usage: traces.sh BUILD-FOLDER TRACE-FOLDER [LIBRARY...]}
folder=${2:?usage: traces.sh BUILD-FOLDER TRACE-FOLDER [LIBRARY...]}
shift 2
build=$(cd "$build" && pwd) || exit
here=$(cd "$(dirname "$0")" && pwd)
. "$here/count.sh"

for trace in "$folder"/*.trace; do
	name=${trace##*/}
	for lib in "$@"; do
		# A clock of its own, lest counts depend on the time
		count "$build/bench/clock.so:$lib" "$build/quern" replay \
			--engine=libc --events="${EVENTS:-500000}" "$trace" |
			awk -v what="${name%.trace} $lib" '
			$1 == "counted" && /do_/ {
				calls[$2] = $3
				all_calls += $3
			}
			/^do_/ {
				sum[$1] += $4
				all += $4
			}
			END {
				print what, sum["do_malloc"] / calls["do_malloc"], \
					sum["do_free"] / calls["do_free"], \
					all / all_calls, all_calls
			}'
	done
done | awk -v libs="$*" "$awk_name_of"'
NR == 1 {
	nr_libs = split(libs, lib)
	printf "%-10s %9s", "", "calls"
	for (l = 1; l <= nr_libs; l++) {
		printf " %22s", name_of(lib[l])
	}
	print ""
}
$1 != trace {
	printf "%s%-10s %9d", (NR > 1 ? "\n" : ""), $1, $6
	trace = $1
	nr_traces++
}
{
	printf " %22s", sprintf("%.1f %.1f %.1f", $3, $4, $5)
	for (i = 3; i <= 5; i++)
		logs[$2, i] += log($i)
}
END {
	if (!NR)
		exit 1
	printf "\n%-10s %9s", "mean", ""
	for (l = 1; l <= nr_libs; l++)
		printf " %22s", sprintf("%.1f %.1f %.1f", \
			exp(logs[lib[l], 3] / nr_traces), \
			exp(logs[lib[l], 4] / nr_traces), \
			exp(logs[lib[l], 5] / nr_traces))
	print "\n\nInstructions of an allocation, a free, any call"
}'
