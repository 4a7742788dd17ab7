# SPDX-License-Identifier: MIT
# gdb: the debug information of a C++ program read by its worker threads; symbols, types,
# disassembly, expressions and a Python script, without running the program
needs="gdb g++"
counts=gdb

prepare()
{
	cxx_source 20 >program.cc && g++ -g -O0 -o program program.cc -pthread
}

run()
{
	gdb -nx -batch -iex 'set debuginfod enabled off' -ex 'set width 0' -ex 'maint set worker-threads 2' \
		-ex 'info functions use' -ex 'info types derived' -ex 'ptype derived3' -ex 'ptype shape<4>' \
		-ex 'info line main' -ex 'info scope use2' -ex 'print sizeof(derived2)' \
		-ex 'print (double)355/113' -ex 'whatis use1' -ex 'list main' -ex 'disassemble /s use5' \
		-ex 'info variables' -ex 'break use7' -ex 'info breakpoints' -ex 'macro expand X' \
		-ex 'python print(sum(1 for b in gdb.lookup_type("derived4").fields()))' \
		-ex 'python print(len(str([str(i) for i in range(20000)])))' "$IN/program" >out 2>&1
	echo $?
	grep -c . out
}

verify()
{
	cksum out
}
