# SPDX-License-Identifier: MIT
# flex: scanners from 400 rules, compressed and as full tables. The automaton
# grows in a few arrays; malloc serves those, names and the processes of its
# filter chain.

allocs=12000

prepare()
{
	{
		printf '%%option noyywrap\nD [0-9]\nL [A-Za-z_]\n%%%%\n'
		words 600 3 | sort -u | head -n 400 |
			awk '{ printf "\"%s\" return %d;\n", $1, NR }'
		printf '{L}({L}|{D})*  return 1000;\n'
		printf '{D}+(\\.{D}+)?([eE][+-]?{D}+)?  return 1001;\n'
		printf '\\"([^"\\\\]|\\\\.)*\\"  return 1002;\n'
		printf '[ \\t\\n]+  ;\n.  return 1;\n%%%%\n'
		printf 'int main(void) {\n\tint t; unsigned s = 0;\n'
		printf '\twhile ((t = yylex())) s = s * 31 + t;\n'
		printf '\tprintf("%%u\\n", s);\n}\n'
	} >scanner.l
	text 2000 >text
}

run()
{
	local i

	cp "$IN/scanner.l" .
	for i in -Cem -Cf -CF -Ce; do
		flex $i -o "scan$i.c" scanner.l && cksum <"scan$i.c"
	done
}

verify()
{
	cc -w -o scanner scan-Cem.c && ./scanner <"$IN/text"
}
