#!/bin/sh
# SPDX-License-Identifier: MIT
#
# weights.sh - the weights of lib/learn, from traces of programs: make weights.
#
#	weights.sh BUILD-FOLDER
#
# It learns from the programs of programs.sh. Some are left out whole, and judge. What is
# trained lies in BUILD-FOLDER/bench/learning.
#
# SEEDS and EPISODES change how much is trained. A training that was stopped goes on.

set -u
build=${1:?usage: weights.sh BUILD-FOLDER}
here=$(cd "$(dirname "$0")" && pwd)
cd "$build" || exit
to=bench/learning
. "$here/programs.sh"

mkdir -p "$to" || exit
record_workloads

rm -f "$seeds_folder"/*
train_process seed "${SEEDS:-10}" "${EPISODES:-160}" --curve="$seeds_folder/curve"
cp "$seeds_folder/seed" "$to/weights-process.h" || exit
train "$traces" --for=paper -o "$to/weights-paper.h" \
	--episodes="${EPISODES:-400}" --mixes=96 --part=100K

# For firmware: whole objects are left out until a device would hold the rest
mkdir -p "$to/cut" || exit
for trace in "$traces"/*.trace; do
	cut=$to/cut/${trace##*/}
	[ -e "$cut" ] || ./quern trace cut --heap=60K --events=30000 -o "$cut" \
		"$trace" >/dev/null || exit
done
train "$to/cut" --for=heap -o "$to/weights-heap.h" \
	--seeds="${SEEDS:-4}" --episodes="${EPISODES:-16000}"
