# SPDX-License-Identifier: MIT
#
# galloc.awk - the tables of galloc.sh, from a file of systems' names and lines "SYSTEM
# DIVIDE/BENCHMARK KEY VALUE". divide: by how much galloc's sizes are divided.

function at(s, key)
{
	return (s, divide "/" key) in v ? v[s, divide "/" key] : "-"
}

function put_system(s,    moved)
{
	moved = at(s, "actions/resize.nr")
	moved = moved ? 100 * at(s, "actions/moved") / moved : 0
	row(widths, s "|" at(s, "actions/alloc.mean") "|" \
	    at(s, "actions/free.mean") "|" at(s, "actions/resize.mean") "|" \
	    sprintf("%.0f%%", moved) "|" at(s, "exhaustion/first") "%|" \
	    at(s, "exhaustion/steady") "%|" at(s, "chunks/alloc.median") "|" \
	    at(s, "chunks/alloc.mean") "|" at(s, "chunks/alloc.min") "|" \
	    at(s, "chunks/alloc.max"))
}

function table(    i)
{
	print ""
	row("-12 32 18 32", "|random actions|exhaustion|chunks, allocations")
	widths = "-12 8 8 8 8 9 9 8 8 8 8"
	row(widths, "|alloc|free|realloc|moved|first|steady|median|mean|min|max")
	for (i = 1; i <= nr_systems; i++)
		put_system(systems[i])
}

function better(what, key, sign,    i, s, list)
{
	for (i = 1; i <= nr_systems; i++) {
		s = systems[i]
		if (s !~ /^quern/ && sign * at(s, key) < sign * at("quern", key))
			list = listed(list, s " " at(s, key))
	}
	put_better(what, "quern", at("quern", key), list)
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

function scaled(by, title)
{
	print "\n" title
	divide = by
	table()
	losses()
}

FNR == NR {
	systems[++nr_systems] = $1
	next
}

{ v[$1, $2 "/" $3] = $4 }

END {
	print "galloc's benchmarks on a Cortex-M4 in QEMU: instructions without" \
	      " copying, " nr " actions"
	scaled(8, "Scaled to 128 KB: sizes and alignments an eighth of galloc's")
	scaled(1, "Unscaled: galloc's own sizes, a heap of 2 MB")
	if (("quern_rust", "8/actions/alloc.mean") in v)
		print "\nquern_rust: the crate, called by GlobalAlloc, on the same heap."
	print "\nrealloc: without what it copies; moved: blocks that had to be copied."
	print "exhaustion: bytes asked for over bytes of the heap, when it is full for the"
	print "first time and, one freed and filled again over and over, in steady state."
}
