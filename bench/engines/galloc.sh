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
. "$here/../common.sh"
[ $# -gt 0 ] || set -- quern quern_rust buddy buddy_fast freelist per_size boundary heap4 tlsf \
	newlib nano picolibc

need_emulator
make_tmp

# count SYSTEM BENCHMARK DIVIDE HEAP NR: lines "SYSTEM DIVIDE/BENCHMARK KEY VALUE"
count()
{
	"$srcdir/embedded/run-qemu.sh" -m mps2 -t 900 "$images/galloc-$1.elf" \
		do="$2" divide="$3" heap="$4" nr="$5" >"$tmp/out" ||
		die "$1 do=$2 divide=$3 failed"
	to_lines "$1" "$3/$2" <"$tmp/out" >>"$tmp/results"
}

for system; do
	[ -r "$images/galloc-$system.elf" ] || continue
	echo "$system" >>"$tmp/systems"
	for bench in actions exhaustion chunks; do
		count "$system" $bench 8 131072 "$nr"
		count "$system" $bench 1 2097152 "$nr"
	done
done
[ -s "$tmp/systems" ] ||
	die "no images in $images: make bench-engines builds them"

print_tables engines/galloc.awk -v nr="$nr" "$tmp/systems" "$tmp/results"
