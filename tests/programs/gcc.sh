# SPDX-License-Identifier: MIT
# gcc: the driver, cc1, as, collect2 and ld make a program of 150 functions at
# -O2 -g; the program then runs too

counts="gcc cc1 as collect2 ld"

prepare()
{
	c_source 150 >program.c
}

run()
{
	cp "$IN/program.c" .
	gcc -O2 -g -Wall -Wextra -o program program.c && ./program
}

verify()
{
	cksum program && ./program
}
