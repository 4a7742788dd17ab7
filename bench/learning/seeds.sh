#!/bin/sh
# SPDX-License-Identifier: MIT
#
# seeds.sh - policy dqn by training seed, and without some of its inputs: make bench-seeds.
#
#	seeds.sh BUILD-FOLDER
#
# Trains SEEDS networks (default: 10) of EPISODES each (default: 160), and a fifth as many
# for each group of inputs that is left out, on the programs of programs.sh that are learned
# from; these with a tenth of the episodes. What make weights trained is taken as it is. Then each plays the
# programs that are left out. What comes of it is bench/learning/seeds.txt and curve.txt, which
# make bench-learning shows. A training that was stopped goes on.

set -u
me=seeds.sh
here=$(cd "$(dirname "$0")" && pwd)
cd "${1:?usage: seeds.sh BUILD-FOLDER}" || exit
. "$here/../common.sh"
. "$here/programs.sh"

seeds=${SEEDS:-10}
seeds=${seeds:-10}
episodes=${EPISODES:-160}
episodes=${episodes:-160}
to=$seeds_folder
if [ -n "${TRACES:-}" ]; then
	traces=$TRACES
	large_traces=$TRACES/large
else
	record_workloads
	record_large
fi
few=$(((seeds + 4) / 5))
groups="price pressure time memory refaults trend history"

train_process seed "$seeds" "$episodes" --curve="$to/curve"
[ -e "$to/no-price.1" ] ||
	train_process no $few $(((episodes + 9) / 10)) --without=each

set --
for name in seed $(printf 'no-%s ' $groups); do
	i=1
	while [ -e "$to/$name.$i" ]; do
		set -- "$@" "weights=$to/$name.$i"
		i=$((i + 1))
	done
done
for trace in "$traces"/*.trace; do
	program=${trace##*/}
	is_left_out "${program%.trace}" && set -- "$@" "left-out=$trace"
done
for trace in "$large_traces"/*.trace; do
	[ ! -e "$trace" ] || set -- "$@" "large=$trace"
done
{
	echo "Made by make bench-seeds: $seeds seeds of $episodes episodes, on"
	echo "$(./quern --version 2>/dev/null | sed -n 1p), $(date -u +%Y-%m-%d)."
	sed -n 's/^ \* \(quern train\) [^,]*, \(seed .*\)/\1: \2/p' "$to/seed"
	sed -n 's/^ \* \(trace\|chooses\) \([^,]*\), crc32 \([0-9a-f]*\),.*/\1 \2 \3/p' \
		"$to/seed" | paste -sd ';' | fold -s -w 90
	nice bench/learning/evidence seeds-only=1 "$@" || exit
} >"$to/seeds.txt" || exit
cp "$to/seeds.txt" "$here/seeds.txt"
cp "$to/curve" "$here/curve.txt"
cat "$here/seeds.txt"
