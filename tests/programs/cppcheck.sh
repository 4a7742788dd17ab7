# SPDX-License-Identifier: MIT
# cppcheck: a C file and a C++ file analysed in two processes, every check
# switched on

prepare()
{
	c_source 60 >program.c
	cxx_source 6 >program.cc
	cat >faulty.c <<-'END'
	int f(int *p)
	{
		int a[3];
		a[3] = *p;
		if (!p)
			return a[0];
		return *p;
	}
	END
}

run()
{
	cppcheck -j 2 --enable=all --inconclusive --std=c11 --quiet \
		--suppress=missingIncludeSystem \
		--template='{id} {line} {message}' "$IN/program.c" \
		"$IN/program.cc" "$IN/faulty.c" 2>messages
	echo $?
	sort messages | uniq -c | sort -n | tail -n 5
}

verify()
{
	sort messages | cksum
}
