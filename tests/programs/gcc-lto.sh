# SPDX-License-Identifier: MIT
# gcc -flto=2: lto1 in parallel below make, the linker with its plugin, and a
# static archive

needs="gcc gcc-ar"
counts="gcc cc1 as collect2 ld lto-wrapper lto1 make ar gcc-ar"

prepare()
{
	c_source 120 >program.c
	c_source 60 | sed 's/\bmain\b/other/; s/\bf\([0-9]\)/g\1/g' >other.c
}

run()
{
	gcc -O1 -flto -c "$IN/program.c" "$IN/other.c" &&
		gcc-ar rcD libother.a other.o &&
		gcc -O1 -flto=2 -flto-partition=balanced -save-temps \
			-o program program.o libother.a && ./program
}

verify()
{
	./program && objdump -d program --no-show-raw-insn | cksum
}
