# SPDX-License-Identifier: MIT
#
# hints.awk - what known sizes bring the pipeline of the firmware, from results of
# bench.sh: the same runs with held blocks taken in place, and with calls of the heap; and the
# smallest heap, with and without the sampler.

/^footprint\// {
	split($1, name, "/")
	bytes[name[2], name[3]] = $2
	seeds[name[2]]
	next
}

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

# The last row has the sums, as differences to the first column
function put_footprint(    seed, nr, i, list, cells, sum)
{
	nr = split("unsampled unsampled-known called known", list, " ")
	widths = "-20" columns(nr, 14)
	printf "\nSmallest heap that the pipeline completes in, bytes: hints are known sizes, " \
	       "the sampler\nlets policy rule choose\n\n"
	row(widths, "|neither|hints|sampler|both")
	for (seed = 1; seed in seeds; seed++) {
		cells = "seed " seed
		for (i = 1; i <= nr; i++) {
			cells = cells "|" grouped(bytes[seed, list[i]])
			sum[i] += bytes[seed, list[i]]
		}
		row(widths, cells)
	}
	cells = "over neither"
	for (i = 1; i <= nr; i++)
		cells = cells "|" sprintf("%+.1f %%", 100 * (sum[i] / sum[1] - 1))
	row(widths, cells)
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
	put_footprint()
}
