# SPDX-License-Identifier: MIT
#
# sampler.awk - what the sampler costs the firmware's pipeline, from results of bench.sh:
# the same runs with it and without it.

{
	split($1, name, "/")
	value[name[2], name[3], name[4], name[5]] = $2
	runs[name[2] SUBSEP name[3]]
}

function total(run, what)
{
	return value[run, what, "thousand"] * 1000 + \
	       value[run, what, "instructions"]
}

# The order of runs: by level and seed
function sorted(list,    run, nr, i, at)
{
	for (run in runs) {
		for (at = ++nr; at > 1 && list[at - 1] > run; at--)
			list[at] = list[at - 1]
		list[at] = run
	}
	return nr
}

function put_run(run,    part, off, more, share)
{
	split(run, part, SUBSEP)
	off = total(run, "unsampled")
	more = total(run, "sampled") - off
	share = 100 * more / off
	if (share > worst)
		worst = share
	row(widths, "-" part[1] ", seed " part[2] "|" grouped(off) "|" \
	    grouped(off + more) "|" grouped(more) "|" \
	    value[run, "sampled", "samples"] "|" sprintf("%.3f %%", share))
}

END {
	widths = "-20 17 17 14 10 10"
	row(widths, "firmware pipeline|sampler off|sampler on|difference|" \
	    "samples|share")
	nr = sorted(list)
	for (i = 1; i <= nr; i++) {
		if (value[list[i], "sampled", "checksum"] != \
		    value[list[i], "unsampled", "checksum"])
			exit 1
		put_run(list[i])
	}
	printf "\nInstructions, counted by QEMU. The dearest share is %.3f %%, " \
	       "aimed at is %.1f %%: %s.\n", worst, aim, \
	       worst <= aim ? "reached" : "missed"
}
