# SPDX-License-Identifier: MIT
# sed: regular expressions with groups and back-references, the hold space,
# branches, several output files

prepare()
{
	text 5000 >text
}

run()
{
	sed -E 's/(\w)(\w)(\w*)/\2\1\3/g; s/([aeiou])([^aeiou ])\1/<\1\2>/g
		s/\b(\w+) (.*) \1\b/=\1=\2=/; y/abc/xyz/' "$IN/text" | cksum
	sed -n 'H; ${x; s/\n/,/g; p}' "$IN/text" | cksum
	sed -E -n ':a; N; $!{/(\n.*){30}/!ba}
		s/\n([^ ]*) /|\U\1\E /g; P; D' "$IN/text" | cksum
	sed -n -e '/zse[56]/w five' -e '/^x/{s/[0-9]\+/(&)/gp;w ex' -e '}' \
		-e '100,200!d' "$IN/text" | cksum
	sed -s -i.bak 's/^/> /; $!N; s/\n/ -- /' five ex
	sed = five | sed 'N; s/\n/\t/' | tail -n 1
	sed -E 's/((a|e|i|o|u)([bcdfg]|[hjklm])?)+$/\L&/I
		t; s/^(.{5})(.*)(.{5})$/\3\2\1/' "$IN/text" | cksum
}

verify()
{
	cksum five ex five.bak
}
