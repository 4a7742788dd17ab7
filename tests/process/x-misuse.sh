#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-misuse.sh - how many of a collection of planted errors are noticed.
#
#	tests/process/x-misuse.sh [all]
#
# misuse/planted.c is the collection. One in seven is run, and held to what was noticed
# when this was written; "all" runs all of them, and with the C library's malloc as well.

. "$(dirname "$0")/../x.sh"
ulimit -c 0

$cc -O1 -g -w -fno-builtin -o "$tmp/planted" "$top/tests/misuse/planted.c" \
	-lpthread -lstdc++ 2>"$tmp/err" || {
	echo "1..0 # SKIP the collection needs libstdc++: $(head -n 1 "$tmp/err")"
	exit 0
}

at_most() # KIND PERCENT: of its errors pass unnoticed
{
	awk -v kind="$1" -v most="$2" '$1 " " $2 == kind || $1 == kind {
		seen = 1
		bad = $(NF - 1) > most
	}
	END { exit !seen || bad }' "$tmp/table"
	ok "$1: at most $2 % unnoticed" $?
}

if [ "${1-}" = all ]; then
	echo "# the C library:"
	"$tmp/planted" | sed 's/^/# /'
	"$tmp/planted" "$lib" >"$tmp/table"
else
	"$tmp/planted" -n 7 "$lib" >"$tmp/table"
fi
ok "no error, no message" $?
sed 's/^/# /' "$tmp/table"
for kind in double-free double-free-after-ten double-free-there \
	double-free-by-two-threads free-after-realloc free-at-8 free-at-16 \
	free-of-stack realloc-of-freed usable-of-freed sized-too-large \
	sized-too-small; do
	at_most $kind 0
done
# Marks have some value by chance
for kind in overflow-1 overflow-nul overflow-8 overflow-16 overflow-64 \
	underflow-1 underflow-8 underflow-16 write-freed-first \
	write-freed-zero write-freed-at-16 write-freed-all; do
	at_most $kind 5
done
at_most "all errors" 1

# What is noticed of blocks that are not fenced
QUERN_CONF=fence:0 "$tmp/planted" -n 7 "$lib" >"$tmp/table"
ok "no error, no message without fences" $?
for kind in double-free double-free-after-ten double-free-there \
	double-free-by-two-threads free-after-realloc free-at-8 free-at-16 \
	free-of-stack realloc-of-freed usable-of-freed sized-too-large; do
	at_most $kind 0
done
at_most sized-too-small 10
at_most write-freed-first 35
at_most "all errors" 27
finish
