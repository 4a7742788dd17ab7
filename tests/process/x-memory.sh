#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-memory.sh - free memory goes back to the system: the patterns of bench/suite/memory.c,
# each with a bound on what is resident two seconds after a peak of 300 MB was freed.
# They should meet it within ten seconds, but nothing waits so long here.

. "$(dirname "$0")/../x.sh"
memory=${builddir:-build}/bench/memory
seconds=2

# Percent of the peak that may be resident
most()
{
	case $1 in
	sparse) echo 20 ;; # one object in 64 is kept
	*) echo 10 ;;
	esac
}

patterns=$("$memory" | grep -v '^loop-')
[ "$(echo "$patterns" | wc -l)" -ge 7 ]
ok "the patterns are listed" $?

# Two at a time: each needs its peak, and most of its time it waits
echo "$patterns" | LD_PRELOAD=$lib xargs -P 2 -I NAME sh -c \
	'"$0" NAME $2 >"$1/NAME"' "$memory" "$tmp" $seconds

for pattern in $patterns; do
	set -- $(cat "$tmp/$pattern")
	peak=${1:-0}
	for after; do :; done
	[ $# -ge 3 ] && [ "$peak" -ge 300000 ] &&
		[ $((after * 100)) -lt $((peak * $(most "$pattern"))) ]
	ok "$pattern: less than $(most "$pattern") % of the peak" $?
	echo "# $*"
done
finish
