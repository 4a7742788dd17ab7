# SPDX-License-Identifier: MIT
#
# history.awk - a row of history.txt from counts of perf.sh: date, commit, geometric means of the
# groups, and why.

{
	group = $1
	sub(/\/.*/, "", group)
	if (group == "firmware" && $1 !~ /mean$/)
		next
	if ($2 > 0) {
		sum[group] += log($2)
		nr[group]++
	}
	value[$1] = $2
}
function mean(group)
{
	return nr[group] ? sprintf("%.3f", exp(sum[group] / nr[group])) : "-"
}
END {
	printf "%s %s %s %s %s %s %s %s\n", date, commit, mean("pair"), mean("replay"),
		mean("J"), mean("firmware"), value["size/libquern.so/text"],
		reason
}
