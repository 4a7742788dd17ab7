#!/bin/bash
# SPDX-License-Identifier: MIT
#
# perf.sh - counts that repeat exactly, held against those in the tree: make perf-check.
#
#	perf.sh check BUILD-FOLDER		what moved since baseline.txt; status 1 if anything did
#	perf.sh accept BUILD-FOLDER REASON	new counts into baseline.txt, a row into history.txt
#	perf.sh counts BUILD-FOLDER		the counts alone
#
# A count is a line "GROUP/NAME VALUE". No clock is read: instructions come from QEMU and
# callgrind, memory from replays of traces by the trace's own clock.

set -u
me=perf.sh
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
what=${1:?usage: perf.sh check|accept|counts BUILD-FOLDER [REASON]}
cd "${2:?usage: perf.sh check|accept|counts BUILD-FOLDER [REASON]}" || exit
reason=${3:-}
. "$here/../common.sh"
need valgrind valgrind
need jq jq
need_emulator
[ -e firmware/bench/mktrace ] || die "no firmware here: install what configure names"
make_tmp

# --- counts -----------------------------------------------------------------

# Instructions of a malloc and free pair; those of two threads do not repeat exactly
count_pairs()
{
	"$top/bench/suite/baseline.sh" bench/pair ./libquern.so |
		awk '$1 != "remote" { print "pair/" $1 "-" $2, $3 }'
}

# Programs of the tests' traces on quern's heap: instructions and memory
count_replays()
{
	local trace name

	for trace in "$top"/tests/traces/*.trace; do
		name=$(basename "$trace" .trace)
		./quern replay --touch --count=callgrind --json "$trace" |
			jq -r --arg name "$name" -f "$here/replay.jq" || return
	done
}

# J of policies, by simulation, on traces that are made by rule
count_policies()
{
	local kind

	for kind in network interpreter store trees bursts; do
		firmware/bench/mktrace $kind 1 60000 20000000 >"$tmp/$kind.trace" || return
	done
	bench/learning/evidence budget=1 events=60000 mixes=1 "data=$tmp" \
		$(printf 'left-out=%s ' "$tmp"/*.trace) \
		"weights=$top/lib/learn/weights-process.h" |
		awk -f "$here/policies.awk"
}

# The heap of firmware in QEMU: a part of make bench-firmware
count_firmware()
{
	srcdir=$top "$top/bench/firmware/bench.sh" baseline |
		sed 's|^|firmware/|'
}

# Flash and static RAM of the image, bytes of the library in each process
count_sizes()
{
	size libquern.so | awk 'NR == 2 {
		print "size/libquern.so/text", $1
		print "size/libquern.so/data", $2
	}'
	size firmware/pipeline.elf | awk 'NR == 2 {
		print "size/pipeline.elf/flash", $1 + $2
		print "size/pipeline.elf/ram", $2 + $3
	}'
}

counts()
{
	count_pairs && count_replays && count_policies && count_firmware &&
		count_sizes
}

# --- what is asked for -------------------------------------------------------

old=$here/baseline.txt
new=$tmp/new
commit=$(git -C "$top" rev-parse --short HEAD 2>/dev/null || echo unknown)

case $what in
counts)
	counts
	;;
check)
	counts >"$new" || die "a count failed"
	awk -f "$here/moved.awk" "$old" "$new"
	status=$?
	since=$(sed -n 's/^# commit //p' "$old")
	[ $status = 0 ] || ! git -C "$top" cat-file -e "$since" 2>/dev/null || {
		echo
		echo "Changes of lib, preload and embedded since then:"
		git -C "$top" log --format='  %h %s' "$since.." -- lib preload \
			embedded
	}
	exit $status
	;;
accept)
	[ -n "$reason" ] || die "say why: make perf-accept REASON='...'"
	counts >"$new" || die "a count failed"
	{
		sed '/^# commit/,$d' "$old"
		echo "# commit $commit"
		cat "$new"
	} >"$tmp/baseline" || exit
	awk -v commit="$commit" -v date="$(date +%Y-%m-%d)" -v reason="$reason" \
		-f "$here/history.awk" "$new" >>"$here/history.txt" &&
		cp "$tmp/baseline" "$old" || exit
	tail -n 1 "$here/history.txt"
	! command -v gnuplot >/dev/null ||
		gnuplot -e "history='$here/history.txt'; plot_to='$here/history.svg'" \
			"$here/history.gp"
	;;
*)
	die "usage: $me check|accept|counts BUILD-FOLDER [REASON]"
	;;
esac
