# SPDX-License-Identifier: MIT
# gdb: the debug information of a C++ program read by its worker threads;
# symbols, types, disassembly, expressions and a Python script, without
# running the program

needs="gdb g++"
counts=gdb

prepare()
{
	cxx_source 20 >program.cc && g++ -g -O0 -o program program.cc -pthread
}

run()
{
	cat >commands <<-'END'
	set width 0
	maint set worker-threads 2
	info functions use
	info types derived
	ptype derived3
	ptype shape<4>
	info line main
	info scope use2
	print sizeof(derived2)
	print (double)355/113
	whatis use1
	list main
	disassemble /s use5
	info variables
	break use7
	info breakpoints
	python print(sum(1 for b in gdb.lookup_type("derived4").fields()))
	python print(len(str([str(i) for i in range(20000)])))
	END
	gdb -nx -batch -iex 'set debuginfod enabled off' -x commands \
		"$IN/program" >out 2>&1
	echo $?
	grep -c . out
}

verify()
{
	cksum out
}
