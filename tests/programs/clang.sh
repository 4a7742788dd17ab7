# SPDX-License-Identifier: MIT
# clang: one process compiles, assembles and prints diagnostics; ld links

counts="clang clang-14"

prepare()
{
	c_source 120 >program.c
}

run()
{
	cp "$IN/program.c" .
	clang -O2 -g -Weverything -o program program.c 2>warnings
	wc -l <warnings && ./program
}

verify()
{
	cksum program warnings && ./program
}
