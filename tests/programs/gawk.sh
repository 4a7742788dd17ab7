# SPDX-License-Identifier: MIT
# gawk: words counted in arrays, split, joined and sorted

prepare()
{
	text 30000 >text
}

run()
{
	gawk '{
		for (i = 1; i <= NF; i++) {
			count[$i]++
			start = substr($i, 1, 3)
			at[start][NR % 50] = at[start][NR % 50] "," i
		}
		n += split($0, part, /[aeiou]+/)
	} END {
		print NR, length(count), length(at), n
		PROCINFO["sorted_in"] = "@ind_str_asc"
		for (w in count) print w, count[w], toupper(w)
		for (a in at) print a, length(at[a][7])
	}' "$IN/text" >out
	head -n 3 out
}

verify()
{
	cksum out
}
