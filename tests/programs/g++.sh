# SPDX-License-Identifier: MIT
# g++: cc1plus with the standard library's headers; the program that comes out
# runs four threads of maps, strings and exceptions

counts="g++ cc1plus as collect2 ld program"

prepare()
{
	cxx_source 12 >program.cc
}

run()
{
	cp "$IN/program.cc" .
	g++ -O1 -o program program.cc -pthread && ./program
}

verify()
{
	cksum program && ./program
}
