# SPDX-License-Identifier: MIT
#
# text.awk - how the awk programs of bench print: functions for them. They come after it,
# as another -f.

function heading(text)
{
	printf "\n%s\n\n", text
}

# One line of a table. A width has the blanks between columns in it; a negative one puts
# its cell to the left, and | stands for itself. Cells are texts with | between. A row
# may end before the last column; the last cell may be wider than its column.
function row(widths, cells,    width, cell, nr, nr_cells, i, at, line)
{
	nr = split(widths, width, " ")
	nr_cells = split(cells, cell, /[|]/)
	for (i = 1; i <= nr && at < nr_cells; i++)
		line = line (width[i] == "|" ? " |" : \
			     sprintf("%" width[i] "s", cell[++at]))
	sub(/ +$/, "", line)
	print line
}

# So many columns of one width, for row()
function columns(nr, width,    list)
{
	while (nr-- > 0)
		list = list " " width
	return list
}

# A list in words that grows by one
function listed(list, text)
{
	return list ? list ", " text : text
}

# Who is better than somebody with that value, as listed() has them
function put_better(what, who, value, list)
{
	printf "  %s (%s %s): %s\n", what, who, value, list ? list : "nobody"
}

# 1234567 is "1,234,567"
function grouped(n,    s, sign)
{
	sign = n < 0 ? "-" : ""
	for (n = n < 0 ? -n : n; n >= 1000; n = int(n / 1000))
		s = sprintf(",%03d%s", n % 1000, s)
	return sign n s
}

# "/usr/lib/libquern.so.0" is libquern
function name_of(lib)
{
	sub(/.*\//, "", lib)
	sub(/\.so.*/, "", lib)
	return lib
}
