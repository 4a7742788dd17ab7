#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-start.sh - what a start costs, in memory, which unlike its time can be held to a
# bound: what more is resident when a program exits than without the library. It
# is a median, since the kernel maps up to 64 KB around a fault, and where libc lies is
# drawn anew in each process.

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

# It never allocates: the library alone
held 190 true
# The heap and its statistics page on top, and 1000 blocks between marks
held 230 "$bench/pair" 64

# The library is loaded at a multiple of what the kernel maps around a fault, and what any
# process runs lies in its first such block
align=$(readelf -lW "$lib" | awk '$1 == "LOAD" { print $NF; exit }')
echo "# its text is aligned at $align"
[ "$align" = 0x10000 ]
ok "the library begins at a multiple of 64 KB" $?

finish
