# SPDX-License-Identifier: MIT
#
# share.awk - the tables of share.sh, from a line of words KEY=VALUE for each run. Of the
# runs of a program on a system the one with the least time in the heap counts.

function of(p, s, key)
{
	return v[p, s, key]
}

function in_heap(p, s)
{
	return of(p, s, "alloc.sum") + of(p, s, "free.sum") + \
	       of(p, s, "wait.sum")
}

function share(p, s)
{
	return 100 * in_heap(p, s) / of(p, s, "all")
}

function mean(p, s, what)
{
	return of(p, s, what ".nr") ? \
	       of(p, s, what ".sum") / of(p, s, what ".nr") : 0
}

function is_better(    sum)
{
	sum = now["alloc.sum"] + now["free.sum"] + now["wait.sum"]
	if (((now["program"], now["system"]) in least) && \
	    least[now["program"], now["system"]] <= sum)
		return 0
	least[now["program"], now["system"]] = sum
	return 1
}

function names(    j, line)
{
	for (j = 1; j <= nr; j++)
		line = line "|" list[j]
	return line
}

function shares(    i, j, p, line)
{
	print "\nIts share of the time, %, waits included"
	row("-10" columns(nr + 1, 12), "|calls" names())
	for (i = 1; i <= nr_programs; i++) {
		p = programs[i]
		line = p "|" of(p, "glibc", "alloc.nr") + of(p, "glibc", "free.nr")
		for (j = 1; j <= nr; j++)
			line = line "|" sprintf("%.1f", share(p, list[j]))
		row("-10" columns(nr + 1, 12), line)
	}
}

function allocations(    i, j, line)
{
	print "\nAn allocation in ticks, wait apart: mean, the worst but for one in a" \
	      " thousand"
	row("-10" columns(nr, 14), names())
	for (i = 1; i <= nr_programs; i++) {
		line = programs[i]
		for (j = 1; j <= nr; j++)
			line = line "|" sprintf("%8.0f%6d", \
				mean(programs[i], list[j], "alloc"), \
				of(programs[i], list[j], "alloc.p999"))
		row("-10" columns(nr, 14), line)
	}
}

function waits(    i, p, s, widths)
{
	print "\nFast Return: the wait, and whether there is time for it"
	widths = "-10 16 12 12 14 14"
	row(widths, "|allocations|mean wait|mean gap|calls that|of allocation")
	row(widths, "|with a wait, %|ticks|ticks|come early, %|time, %")
	s = "buddy-fast"
	for (i = 1; i <= nr_programs; i++) {
		p = programs[i]
		row(widths, p "|" sprintf("%.1f|%.0f|%.0f|%.2f|%.1f", \
			100 * of(p, s, "wait.nr") / of(p, s, "alloc.nr"), \
			mean(p, s, "wait"), mean(p, s, "gap"), \
			100 * of(p, s, "early") / of(p, s, "gap.nr"), \
			100 * of(p, s, "wait.sum") / \
			(of(p, s, "wait.sum") + of(p, s, "alloc.sum"))))
	}
}

function losses(    i, j, p, mine, better)
{
	print "Where somebody is better than quern (share of the time, at least a tenth):"
	for (i = 1; i <= nr_programs; i++) {
		p = programs[i]
		mine = share(p, "quern")
		better = ""
		for (j = 1; j <= nr; j++)
			if (share(p, list[j]) < 0.9 * mine)
				better = listed(better, list[j] " " \
					sprintf("%.1f", share(p, list[j])))
		if (better)
			put_better(p, "quern", sprintf("%.1f", mine), better)
	}
}

{
	split("", now)
	for (i = 1; i <= NF; i++) {
		at = index($i, "=")
		now[substr($i, 1, at - 1)] = substr($i, at + 1)
	}
	if (!seen[now["program"]]++)
		programs[++nr_programs] = now["program"]
	if (is_better())
		for (key in now)
			v[now["program"], now["system"], key] = now[key]
}

END {
	nr = split(systems, list, " ")
	print "The heap in the time of C programs on this machine: the best of " \
	      rounds " runs"
	shares()
	allocations()
	waits()
	print "\nTimes include what the kernel does for a first touch of memory, and on a"
	print "shared machine what others do. Engines are called without a lock and return"
	print "nothing to the system; glibc and quern are thread-safe and do."
	losses()
}
