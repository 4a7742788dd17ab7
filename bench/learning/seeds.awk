# SPDX-License-Identifier: MIT
# seeds.awk - the spread of policy dqn over training seeds, from what make bench-seeds wrote.

function quantile(list, nr, share,    at, i)
{
	at = 1 + share * (nr - 1)
	i = int(at)
	return i >= nr ? list[nr] : list[i] + (at - i) * (list[i + 1] - list[i])
}

function sort(list, nr,    i, k, x)
{
	for (i = 2; i <= nr; i++) {
		x = list[i]
		for (k = i - 1; k && list[k] > x; k--)
			list[k + 1] = list[k]
		list[k + 1] = x
	}
}

function spread(name, text,    nr, i, list, worst)
{
	nr = count[name]
	if (!nr)
		return
	for (i = 1; i <= nr; i++) {
		list[i] = all[name, i]
		if (high[name, i] > worst)
			worst = high[name, i]
	}
	sort(list, nr)
	printf "%-34s %5d %8.3f %8.3f %8.3f %8.3f %8.3f\n", text, nr, list[1],
		quantile(list, nr, 0.25), quantile(list, nr, 0.5),
		quantile(list, nr, 0.75), worst
}

# What it says of itself is before the first empty line
FNR == 1 { is_head = 1 }
/^$/ { is_head = 0 }
is_head { print }
/^policy / { is_table = 1; next }
/^$/ { if (rows) is_table = 0; next }
is_table && split($0, part, "|") == 3 {
	n = split(part[1], words, " ")
	name = words[1]
	sub(/\..*/, "", name)
	sub(/,$/, "", name)
	name = name (part[1] ~ /no rails/ ? " alone" : " rails")
	all[name, ++count[name]] = words[n]
	split(part[3], words, " ")
	high[name, count[name]] = words[1]
	rows++
}

END {
	if (!rows)
		exit 1
	print ""
	print "dqn by training seed, J over that of the rule, programs left out"
	print ""
	printf "%-34s %5s %8s %8s %8s %8s %8s\n", "", "seeds", "least",
		"quarter", "median", "quarter", "program"
	spread("seed rails", "within the rails")
	spread("seed alone", "without rails")
	print ""
	print "Without rails, and without these inputs"
	print ""
	nr_groups = split("price|the price;pressure|pressure;time|times since calls;" \
			  "memory|dirty and used memory;refaults|purges and refaults;" \
			  "trend|trend, shift, waste;history|what was before", \
			  groups, ";")
	for (i = 1; i <= nr_groups; i++) {
		split(groups[i], part, "|")
		spread("no-" part[1] " alone", part[2])
	}
}
