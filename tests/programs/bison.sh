# SPDX-License-Identifier: MIT
# bison: LALR and GLR parsers from a grammar of 400 rules with precedences, a
# report and a graph

counts="bison m4"

prepare()
{
	awk 'BEGIN {
		print "%{\n#include <stdio.h>\nint yylex(void);"
		print "void yyerror(const char *s);\n%}"
		for (i = 0; i < 60; i++)
			printf "%%token T%d\n", i
		for (i = 0; i < 12; i++)
			printf "%%%s O%d\n", i % 3 ? "left" : "right", i
		print "%%\nstart: list;\nlist: | list stmt T0 { $$ = $1; };"
		print "stmt: expr0"
		for (i = 1; i < 60; i++) {
			printf "\t| T%d expr%d", i, i % 30
			printf " { $$ = $2 + %d; }\n", i
		}
		print ";"
		for (i = 0; i < 30; i++) {
			printf "expr%d: T%d\n", i, (i * 7 + 1) % 60
			for (j = 0; j < 10; j++) {
				printf "\t| expr%d O%d expr%d", i, j, i
				print " { $$ = $1 + $3; }"
			}
			printf "\t| T1 expr%d T2", (i + 1) % 30
			print " { $$ = $2; }\n\t;"
		}
		print "%%"
	}' >grammar.y
}

run()
{
	cp "$IN/grammar.y" .
	bison -Wno-all -v -o lalr.c --header=lalr.h --graph=lalr.gv \
		grammar.y &&
		bison -Wno-all -Dparse.error=verbose -Dlr.type=canonical-lr \
			--language=c++ -o canonical.cc grammar.y
	echo $?
}

verify()
{
	cksum lalr.c lalr.h lalr.gv lalr.output canonical.cc
}
