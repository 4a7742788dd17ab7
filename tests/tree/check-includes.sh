#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-includes.sh - arrows between folders run downwards. Each line below is a row of
# folders, lowest first: a file may include what stands in its own folder and in the
# rows above its own. Two folders of one row do not know of each other. The files of
# lib/process are ranked likewise.

set -u
cd "${srcdir:?run by make check}" || exit 99

rows='
lib/base
lib/port lib/format lib/runs lib/hint
lib/learn
lib/heap
lib/engine
lib/process
preload
preload/record
preload/command/base
preload/command/sites preload/command/draw
preload/command/flame
preload/command/report
preload/command/run preload/command/compare preload/command/doctor preload/command/trace preload/command/demo preload/command/live preload/command/hints
preload/command/learn
'

# Of lib/process: a name stands for NAME.c, NAME.h and all files NAME-*. Only fence.c is far
# above its header: a hub and a local hold its structs, and it counts its blocks in locals.
ranks='
unit ledger sites place pressure delays
resident
space gauge
segment
slab share
slack medium follow fence.h helper
hub
control hard
trap
local
remote fence.c
audit guest idle tally process-sites
process
'

# Includes are given by the path from lib/, from preload/, or from the file's own folder;
# quern.h and quern-hint.h, the public headers, are everybody's; quern-config.h and granules.h are
# firmware's own, and weights need not be there
find lib preload -name '*.[ch]' ! -path '*/build/*' | sort |
	xargs awk -v rows="$rows" -v ranks="$ranks" '
function fail(what)
{
	print FILENAME ":" FNR ": " what
	bad = 1
}
function folder(path)
{
	return path ~ /\// ? without_last(path) : ""
}
function without_last(path)
{
	sub(/\/[^\/]*$/, "", path)
	return path
}
function is_file(path,    line, there)
{
	if (!(path in known)) {
		there = (getline line <path) >= 0
		close(path)
		known[path] = there
	}
	return known[path]
}
# What stands for a file of lib/process in the list of its rows
function module(name,    stem)
{
	sub(/^.*\//, "", name)
	if (name in rank)
		return name
	stem = name
	sub(/\.[ch]$/, "", stem)
	while (!(stem in rank) && sub(/-[^-]*$/, "", stem))
		;
	return stem in rank ? stem : ""
}
function read_rows(rows,    row, nr, n, i, j, list)
{
	nr = split(rows, row, "\n")
	for (i = 1; i <= nr; i++) {
		n = split(row[i], list, " ")
		for (j = 1; j <= n; j++)
			rank[list[j]] = i
	}
}
BEGIN {
	read_rows(rows)
	read_rows(ranks)
}
FNR == 1 {
	own = folder(FILENAME)
	if (!(own in rank) && FILENAME !~ /^lib\/quern(-hint)?\.h$/)
		fail("its folder has no row in tests/tree/check-includes.sh")
	if (own == "lib/process" && module(FILENAME) == "")
		fail("it has no row in tests/tree/check-includes.sh")
}
/^#[ \t]*include[ \t]+"/ {
	split($0, part, "\"")
	name = part[2]
	if (name == "quern.h" || name == "quern-hint.h" || name == "quern-config.h" ||
	    name == "granules.h")
		next
	if (name ~ /\.c$/) {
		fail("includes a .c file")
		next
	}
	target = ""
	if (name ~ /\// && is_file("lib/" name))
		target = "lib/" name
	else if (is_file(own "/" name))
		target = own "/" name
	else if (is_file("preload/" name))
		target = "preload/" name
	other = folder(target)
	if (target == "")
		fail("\"" name "\" is not in lib or preload")
	else if (other != own && rank[other] >= rank[own])
		fail("\"" name "\" is not below " own)
	else if (own == "lib/process" && other == own &&
		 module(name) != module(FILENAME) &&
		 rank[module(name)] >= rank[module(FILENAME)])
		fail("\"" name "\" is not below " module(FILENAME))
}
END { exit bad }'
