#!/bin/sh
# SPDX-License-Identifier: MIT
#
# seeds.sh - policy dqn by training seed, and without some of its inputs: make bench-seeds.
#
#	seeds.sh BUILD-FOLDER
#
# Trains SEEDS networks (default: 10) of EPISODES each (default: 1600), and a third as many
# for each ablation, on the programs of programs.sh that are learned from. Then each plays the
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
episodes=${EPISODES:-1600}
episodes=${episodes:-1600}
to=bench/learning/seeds
if [ -n "${TRACES:-}" ]; then
	traces=$TRACES
	large_traces=$TRACES/large
else
	record_workloads
	record_large
fi
rm -rf "$to"
mkdir -p "$to" || exit

train() # NAME SEEDS OPTIONS
{
	name=$1
	nr=$2
	shift 2
	for trace in "$traces"/*.trace; do
		program=${trace##*/}
		is_left_out "${program%.trace}" || set -- "$@" "$trace"
	done
	nice ./quern train --seeds="$nr" --episodes="$episodes" --mixes=96 \
		--part=100K --each -o "$to/$name" "$@" || exit
}

train seed "$seeds" --curve="$to/curve"
train no-pressure $(((seeds + 2) / 3)) --without=pressure
train no-history $(((seeds + 2) / 3)) --without=history

set --
for name in seed no-pressure no-history; do
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
	sed -n 's/^ \* \(trace\|chooses\) \([^,]*\), crc32 \([0-9a-f]*\),.*/\1 \2 \3/p' \
		"$to/seed" | paste -sd ';' | fold -s -w 90
	nice bench/learning/evidence seeds-only=1 "$@" || exit
} >"$to/seeds.txt" || exit
cp "$to/seeds.txt" "$here/seeds.txt"
cp "$to/curve" "$here/curve.txt"
cat "$here/seeds.txt"
