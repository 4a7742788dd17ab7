# SPDX-License-Identifier: MIT
# mallinfo.awk - is what mallinfo.c printed right to a thirtieth or 40 bytes a block, or to
# a page for blocks of whole pages?

/^malloc of/ { right($3 + 0, 1) }
/^free of/ { right(0, 1) }
/^thousands of/ { size = $3 }
/^(filled|after churn|left by)/ { right(1000 * size, 1000) }
/^half/ { right(500 * size, 500) }
/^(none|and freed here|freed by)/ { right(0, 1) }
END { if (!bad) print "fine" }

function right(bytes, nr,	most)
{
	is = $0
	sub(/.*: /, "", is)
	split(is, n, " ")
	is = n[1] + n[4]
	page = bytes / nr > 32768 && bytes / nr <= 172032 ? 4096 : 40
	most = bytes / 30 > page * nr ? bytes / 30 : page * nr
	if (is >= bytes && is <= bytes + most && (n[7] == (bytes >= 1000000 && nr == 1)))
		return
	print "wrong: " $0 "; right is " bytes
	bad = 1
}
