# SPDX-License-Identifier: MIT
#
# moved.awk - compares two files of counts (perf.sh) and says what moved, by group, the
# largest changes of each group first. Status 1 if anything did.

BEGIN { most = 12 }

/^#/ { next }
FILENAME == ARGV[1] {
	was[$1] = $2
	next
}
{
	nr++
	is[$1] = $2
	if (!($1 in was))
		note($1, "-", $2, 1e9)
	else if (was[$1] != $2)
		note($1, was[$1], $2, was[$1] ? ($2 / was[$1] - 1) * 100 : 1e9)
}

function abs(x)
{
	return x < 0 ? -x : x
}

function note(name, from, to, change,    group)
{
	group = name
	sub(/\/.*/, "", group)
	moved[group]++
	less[group] += change < 0
	lines[group, moved[group]] = sprintf("  %-44s %12s %12s %9s", name, from, to,
		change < 1e9 ? sprintf("%+.2f %%", change) : "new")
	size[group, moved[group]] = abs(change)
	nr_moved++
}

END {
	for (name in was)
		if (!(name in is))
			note(name, was[name], "gone", 1e9)
	printf "%d of %d counts moved\n", nr_moved, nr
	for (group in moved) {
		printf "\n%s: %d, %d of them are less\n", group, moved[group],
			less[group]
		for (shown = 0; shown < moved[group] && shown < most; shown++) {
			best = 0
			for (i = 1; i <= moved[group]; i++)
				if (!(group SUBSEP i in done) &&
				    (!best || size[group, i] > size[group, best]))
					best = i
			done[group, best] = 1
			print lines[group, best]
		}
		if (shown < moved[group])
			printf "  and %d more\n", moved[group] - shown
	}
	exit nr_moved > 0
}
