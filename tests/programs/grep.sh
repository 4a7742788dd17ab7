# SPDX-License-Identifier: MIT
# grep: 3000 fixed strings, extended expressions with back-references, Perl
# expressions, context and recursion

prepare()
{
	text 6000 >text
	words 3000 5 | sort -u >patterns
	mkdir tree && split -l 20 -a 3 text tree/
}

run()
{
	grep -c -F -f "$IN/patterns" "$IN/text"
	grep -o -w -F -f "$IN/patterns" "$IN/text" | sort | uniq -c |
		sort -n | tail -n 3
	grep -E '(\w\w)[a-z]*\1' "$IN/text" | cksum
	grep -E -o '\b(x|y)?([bcdf][aeiou])(\w)*\2[0-9]' "$IN/text" | cksum
	grep -P -o '(?<=z)(\w+)(?=[13579]\b)' "$IN/text" | cksum
	grep -r -n -C 1 -e 'zse[56] .*zse' "$IN/tree" | cksum
	grep -r -c -i 'FOVO' "$IN/tree" | grep -v ':0$' | sort | cksum
	head -n 300 "$IN/patterns" | sed 's/[0-9]*$/[13]\\?/' |
		grep -c -f - "$IN/text"
	grep -q nosuchword "$IN/text"
	echo "status $?"
}
