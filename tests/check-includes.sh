#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-includes.sh - includes in lib run downwards only. The layers, bottom
# first; a file may include its own header and what stands before that here.
# statspage.h and conf.h stand beside the rest: they need no more than knobs.h.

set -u
layers="compiler statspage sitespage bits bitset varint crc32 trace strtab list knobs conf quern
	port/sys port/port port/posix port/bare debug
	table bins zone
	sampler profile controller policy-fixed policy-rule
	segment segment-internal share slab slack sites follow hub medium local local-internal local-medium
	remote tally audit
	heap census pool arena
	engine/engine engine/chunk engine/buddy-core
	engine/boundary engine/buddy engine/buddy-fast engine/freelist
	engine/per-size engine/quern
	guest process-sites process"
# What files of one layer share with nobody else: a header and who may include it
<<<<<<< HEAD
shared="local-internal:local local-internal:local-medium
	local-internal:remote local-internal:tally"
=======
shared="segment-internal:segment segment-internal:share
	local-internal:local local-internal:local-medium
	local-internal:remote"
>>>>>>> w-mem

cd "${srcdir:?run by make check}/lib" || exit 99

awk -v layers="$layers" -v shared="$shared" '
function fail(what)
{
	print FILENAME ":" FNR ": " what
	bad = 1
}
function module(file)
{
	sub(/\.[ch]$/, "", file)
	return file
}
BEGIN {
	nr = split(layers, list)
	for (i = 1; i <= nr; i++)
		rank[list[i]] = i
	nr = split(shared, list)
	for (i = 1; i <= nr; i++) {
		may[list[i]] = 1
		sub(/:.*/, "", list[i])
		is_shared[list[i]] = 1
	}
}
FNR == 1 {
	own = module(FILENAME)
	if (!(own in rank))
		fail("name its layer in tests/check-includes.sh")
}
/^#[ \t]*include[ \t]+"/ {
	split($0, part, "\"")
	other = module(part[2])
	if (other == "quern-config")
		next
	if (part[2] ~ /\.c$/)
		fail("includes a .c file")
	else if (!(other in rank))
		fail("\"" part[2] "\" is not part of lib")
	else if ((other in is_shared) && (other ":" own in may))
		next
	else if (other in is_shared)
		fail("\"" part[2] "\" is not for it")
	else if (rank[other] > rank[own] || \
		 (other == own && FILENAME ~ /\.h$/))
		fail("\"" part[2] "\" is not below it")
}
END { exit bad }' *.[ch] port/*.[ch] engine/*.[ch]
