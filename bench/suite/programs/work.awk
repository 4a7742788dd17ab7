# SPDX-License-Identifier: MIT
# Words counted, split, joined and sorted.
{
	for (i = 1; i <= NF; i++) {
		count[$i]++
		start = substr($i, 1, 3)
		at[start][NR % 500] = at[start][NR % 500] "," i
	}
	parts += split($0, part, /[aeiou]+/)
	line[NR] = toupper($0)
}
END {
	print NR, length(count), length(at), parts
	n = asorti(count, sorted)
	for (i = 1; i <= n; i++)
		sum += count[sorted[i]] * i % 97
	for (a in at)
		for (k in at[a])
			sum += length(at[a][k])
	for (i = 1; i <= NR; i++)
		sum += gsub(/[AEIOU][A-Z]/, "<&>", line[i])
	print sum
}
