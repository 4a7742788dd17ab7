# SPDX-License-Identifier: MIT
#
# traces.awk - the table of traces.sh, from lines "TRACE LIBRARY ALLOCATION FREE ANY
# CALLS": means of instructions, and the number of calls. Lines of a trace are together.

function three(a, b, c)
{
	return sprintf("|%.1f %.1f %.1f", a, b, c)
}

function put_line()
{
	if (line)
		row(widths, line)
}

NR == 1 {
	nr_libs = split(libs, lib)
	widths = "-10 10" columns(nr_libs, 23)
	head = "|calls"
	for (l = 1; l <= nr_libs; l++)
		head = head "|" name_of(lib[l])
	row(widths, head)
}

$1 != trace {
	put_line()
	trace = $1
	line = $1 "|" $6
	nr_traces++
}

{
	line = line three($3, $4, $5)
	for (i = 3; i <= 5; i++)
		logs[$2, i] += log($i)
}

END {
	if (!NR)
		exit 1
	put_line()
	line = "mean|"
	for (l = 1; l <= nr_libs; l++)
		line = line three(exp(logs[lib[l], 3] / nr_traces), \
				  exp(logs[lib[l], 4] / nr_traces), \
				  exp(logs[lib[l], 5] / nr_traces))
	put_line()
	print "\nInstructions of an allocation, a free, any call"
}
