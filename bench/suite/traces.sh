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
done | print_tables suite/traces.awk -v libs="$*"
