# SPDX-License-Identifier: MIT
#
# hints.awk - what known sizes bring the pipeline of the firmware, from results of
# bench.sh: the same runs with held blocks taken in place, and with calls of the heap.

{
	split($1, name, "/")
	value[name[2] SUBSEP name[3], name[4], name[5]] = $2
	runs[name[2] SUBSEP name[3]]
}

function total(run, what)
{
	return value[run, what, "thousand"] * 1000 + \
	       value[run, what, "instructions"]
}

function put_run(run,    part, less, allocs)
{
	split(run, part, SUBSEP)
	allocs = value[run, "called", "allocs"]
	less = total(run, "called") - total(run, "known")
	row(widths, "-" part[1] ", seed " part[2] "|" grouped(allocs) "|" \
	    grouped(total(run, "called")) "|" grouped(less) "|" \
	    sprintf("%.1f", less / allocs))
}

END {
	widths = "-20 14 17 14 12"
	row(widths, "firmware pipeline|mallocs|instructions|less|a malloc")
	for (level = 1; level <= 2; level++)
		for (seed = 1; seed <= 3; seed++) {
			run = (level == 1 ? "O2" : "Os") SUBSEP seed
			if (!(run in runs))
				continue
			if (value[run, "called", "checksum"] != \
			    value[run, "known", "checksum"])
				exit 1
			put_run(run)
		}
}
