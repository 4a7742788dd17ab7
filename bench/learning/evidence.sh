#!/bin/sh
# SPDX-License-Identifier: MIT
#
# evidence.sh - policies compared on recorded programs: make bench-learning.
#
#	evidence.sh BUILD-FOLDER [WORDS]
#
# WORDS are passed on to bench/learning/evidence. Without gnuplot there are no plots. In the
# environment:
#
#	BUDGET	fixed settings that are tried (default: 200)
#	ROUNDS	so many times as many calls and mixes (default: 1)
#	WEIGHTS	headers of quern train, more than one for the spread over seeds (default:
#		what lib/learn has for processes)
#	TRACES	a folder of traces in place of what was recorded; large ones in large there

set -u
me=evidence.sh
here=$(cd "$(dirname "$0")" && pwd)
cd "${1:?usage: evidence.sh BUILD-FOLDER [WORDS]}" || exit
shift
. "$here/../common.sh"
. "$here/programs.sh"

rounds=${ROUNDS:-1}
rounds=${rounds:-1}
budget=${BUDGET:-200}
shipped=$here/../../lib/learn/weights-process.h
weights=${WEIGHTS:-}
[ -n "$weights" ] || [ ! -e "$shipped" ] || weights=$shipped
to=bench/learning/plots

mkdir -p "$to" || exit
if [ -n "${TRACES:-}" ]; then
	traces=$TRACES
	large_traces=$TRACES/large
else
	record_workloads
	record_large
fi
for file in $weights; do
	set -- "weights=$file" "$@"
done
nr_left_out=0
for trace in "$traces"/*.trace; do
	name=${trace##*/}
	kind=learned
	if is_left_out "${name%.trace}"; then
		kind=left-out
		nr_left_out=$((nr_left_out + 1))
	fi
	set -- "$kind=$trace" "$@"
done
for trace in "$large_traces"/*.trace; do
	[ ! -e "$trace" ] || set -- "large=$trace" "$@"
done
[ $nr_left_out -gt 0 ] || die "none of $left_out is in $traces"
# Of a word that is given twice the last counts
bench/learning/evidence "budget=$budget" "events=$((100000 * rounds))" \
	"mixes=$((2 * rounds))" "data=$to" "$@" || exit

if [ -e firmware/bench/replay-learned.elf ]; then
	"$here/heaps.sh" "$PWD"
else
	echo "no images for the target, no heaps of firmware"
fi
if [ -e "$here/seeds.txt" ]; then
	print_tables learning/seeds.awk "$here/seeds.txt"
	cp "$here/curve.txt" "$to/curve"
fi
if command -v gnuplot >/dev/null; then
	gnuplot -e "data='$to'" "$here/evidence.gp" &&
		echo && echo "plots: $to/policies.svg, $to/course.svg, $to/curve.svg"
else
	echo "no gnuplot, no plots (Debian: apt-get install gnuplot-nox)"
fi
