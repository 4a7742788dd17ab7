#!/bin/sh
# SPDX-License-Identifier: MIT
#
# galloc.sh - galloc's three benchmarks over every engine and the C libraries, in QEMU,
# in the build directory: instructions, the same on every machine and in every run.
#
#	galloc.sh [NAME...]	of these systems only
#
# In the environment: srcdir, the source tree; NR, how much is done (default 10000).

set -u
me=galloc.sh
here=$(cd "$(dirname "$0")" && pwd)
srcdir=$(cd "${srcdir:-$here/../..}" && pwd)
images=$PWD/firmware/engines
nr=${NR:-10000}
[ $# -gt 0 ] || set -- quern buddy buddy_fast freelist per_size boundary newlib \
	nano picolibc

command -v "${QEMU_SYSTEM_ARM:-qemu-system-arm}" >/dev/null || {
	echo "$me: no emulator: install it (Debian: apt-get install" \
		"qemu-system-arm)" >&2
	exit 77
}
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# count SYSTEM BENCHMARK DIVIDE HEAP NR: lines "SYSTEM DIVIDE/BENCHMARK/KEY VALUE"
count()
{
	"$srcdir/embedded/run-qemu.sh" -m mps2 -t 900 "$images/galloc-$1.elf" \
		do="$2" divide="$3" heap="$4" nr="$5" >"$tmp/out" || {
		echo "$me: $1 do=$2 divide=$3 failed" >&2
		exit 1
	}
	tr ' ' '\n' <"$tmp/out" | awk -F= -v who="$1" -v at="$3/$2" \
		'NF == 2 { print who, at "/" $1, $2 }' >>"$tmp/results"
}

for system; do
	[ -r "$images/galloc-$system.elf" ] || continue
	echo "$system" >>"$tmp/systems"
	for bench in actions exhaustion chunks; do
		count "$system" $bench 8 131072 "$nr"
		count "$system" $bench 1 2097152 "$nr"
	done
done
[ -s "$tmp/systems" ] || {
	echo "$me: no images in $images: make bench-engines builds them" >&2
	exit 1
}

awk -v nr="$nr" '
function at(key)
{
	return (s, divide "/" key) in v ? v[s, divide "/" key] : "-"
}
function table(    i)
{
	printf "\n%-12s%32s%18s%32s\n", "", "random actions", "exhaustion", \
		"chunks, allocations"
	printf "%-12s%8s%8s%8s%8s%9s%9s%8s%8s%8s%8s\n", "", "alloc", "free", \
		"realloc", "moved", "first", "steady", "median", "mean", "min", "max"
	for (i = 1; i <= nr_systems; i++) {
		s = systems[i]
		printf "%-12s%8s%8s%8s%7.0f%%%8s%%%8s%%%8s%8s%8s%8s\n", s, \
			at("actions/alloc.mean"), at("actions/free.mean"), \
			at("actions/resize.mean"), \
			100 * at("actions/moved") / at("actions/resize.nr"), \
			at("exhaustion/first"), at("exhaustion/steady"), \
			at("chunks/alloc.median"), at("chunks/alloc.mean"), \
			at("chunks/alloc.min"), at("chunks/alloc.max")
	}
}
function better(what, key, sign, at_least,    i, line, mine)
{
	s = "quern"
	mine = at(key)
	for (i = 1; i <= nr_systems; i++) {
		s = systems[i]
		if (s != "quern" && sign * at(key) < sign * mine)
			line = line ", " s " " at(key)
	}
	printf "  %s (quern %s): %s\n", what, mine, line ? substr(line, 3) : "nobody"
}
function losses()
{
	if (!(("quern", divide "/actions/alloc.mean") in v))
		return
	print "\nWho is better than quern:"
	better("random actions, alloc", "actions/alloc.mean", 1)
	better("random actions, free", "actions/free.mean", 1)
	better("random actions, realloc", "actions/resize.mean", 1)
	better("utilisation in steady state, %", "exhaustion/steady", -1)
	better("chunks, mean", "chunks/alloc.mean", 1)
	better("chunks, max", "chunks/alloc.max", 1)
}
FNR == NR { systems[++nr_systems] = $1; next }
{ v[$1, $2] = $3 }
END {
	print "galloc'"'"'s benchmarks on a Cortex-M4 in QEMU: instructions without" \
	      " copying, " nr " actions"
	print "\nScaled to 128 KB: sizes and alignments an eighth of galloc'"'"'s"
	divide = 8
	table()
	losses()
	print "\nUnscaled: galloc'"'"'s own sizes, a heap of 2 MB"
	divide = 1
	table()
	losses()
	print "\nrealloc: without what it copies; moved: blocks that had to be copied."
	print "exhaustion: bytes asked for over bytes of the heap, when it is full for the"
	print "first time and, one freed and filled again over and over, in steady state."
}' "$tmp/systems" "$tmp/results"
