# SPDX-License-Identifier: MIT
# mawk: words counted in arrays, split, joined and rewritten. It cuts all
# small objects from blocks of its own; malloc serves those blocks, tables and
# longer strings.

allocs=25000

prepare()
{
	text 30000 >text
}

run()
{
	mawk '{
		for (i = 1; i <= NF; i++) {
			count[$i] = count[$i] + 1
			start = substr($i, 1, 4)
			seen[start, NR % 40] = $i seen[start, (NR + 1) % 40]
		}
		n += split($0, part, /[aeiou]+/)
		gsub(/[ou]/, "<&>")
		total += length($0)
		if (NR % 1000 == 0) {
			print NR, total, length(seen["zse", 3])
			delete seen
		}
	} END {
		print n
		for (w in count) print w, count[w] | "sort | cksum"
	}' "$IN/text"
}
