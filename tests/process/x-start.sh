#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-start.sh - what a start costs, in memory, which unlike its time can be held to a
# bound: what more is resident when a program exits than without the library. It
# is a median: the kernel maps up to 64 KB around a fault, and where they begin in libc differs.

. "$(dirname "$0")/../x.sh"
bench=${builddir:-build}/bench

resident() # LIBRARY PROGRAM...: KB
{
	must "$bench/measure" -r -n 41 -o "$tmp/usage" "$@"
	awk '{ print $3 }' "$tmp/usage" | sort -n | sed -n 21p
}

held() # most KB, program
{
	most=$1
	shift
	kb=$(($(resident "$lib" "$@") - $(resident - "$@")))
	echo "# $kb KB more than without the library"
	[ "$kb" -gt 0 ] && [ "$kb" -le "$most" ]
	ok "${1##*/} costs at most $most KB" $?
}

# It never allocates: the library alone, and up to two blocks of libc around what it calls.
# libc lies behind the library, so its version and the library's length say how many.
held 280 true
# The heap and its statistics page on top, and 1000 blocks between marks
held 300 "$bench/pair" 64

# Of the library's own file a process that allocates little has one such block, and its data:
# its text is loaded at a multiple of 64 KB, and what any process runs lies in the first block
align=$(readelf -lW "$lib" | awk '$1 == "LOAD" { print $NF; exit }')
echo "# its text is aligned at $align"
[ "$align" = 0x10000 ]
ok "the library begins at a multiple of 64 KB" $?

# A process that the machine keeps waiting looks at the clock, and pays for that code: the least
# of some runs
own_kb()
{
	LD_PRELOAD=$lib sh -c 'while read -r line; do echo "$line"; done </proc/self/smaps' |
		awk '/^[0-9a-f]+-/ { own = /libquern\.so/ }
		own && $1 == "Rss:" { kb += $2 }
		END { print kb + 0 }'
}
kb=$(for run in 1 2 3 4 5; do own_kb; done | sort -n | head -n 1)
echo "# $kb KB of the library's file are resident"
[ "$kb" -gt 0 ] && [ "$kb" -le 80 ]
ok "a small process has the first block of the library alone" $?

finish
