# SPDX-License-Identifier: MIT
#
# pair.awk - the tables of pair.sh, from lines "PATTERN SIZE LIBRARY INSTRUCTIONS".

{ cost[$1, $2, $3] = $4 }

function put_size(pattern, size,    l, of, line)
{
	line = size
	for (l = 1; l <= nr_libs; l++) {
		of = cost[pattern, size, lib[l]]
		line = line "|" (of ? sprintf("%.1f", of) : "-")
	}
	row(widths, line)
}

function table(pattern, title,    l, s, line)
{
	print title
	line = "bytes"
	for (l = 1; l <= nr_libs; l++)
		line = line "|" name_of(lib[l])
	row(widths, line)
	for (s = 1; s <= nr_sizes; s++)
		put_size(pattern, size[s])
}

END {
	nr_libs = split(libs, lib)
	nr_sizes = split(sizes, size)
	widths = "8" columns(nr_libs, 21)
	table("single", "a block at a time")
	table("lifo", "\n1000 blocks, freed in reverse order")
	table("random_order", "\n1000 blocks, freed in random order")
	table("remote", "\n1000 blocks, freed by another thread")
	table("sized", "\nnew and delete of a size, a block at a time")
}
