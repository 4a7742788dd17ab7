#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-bare.sh - places in which little is there: a root directory without /proc and /dev, a
# program that closes all descriptors, one that becomes a program which quern does not serve.

. "$(dirname "$0")/../x.sh"
quern=${QUERN:-$top/build/quern}
cd "$tmp" || exit 99

explain()
{
	show out
	show err
}

says() # FILE TEXT
{
	tr -s ' \n' ' ' <"$1" | grep -q -e "$2"
}

cat >closes.c <<'END'
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static void *volatile p;
int main(int argc, char **argv)
{
	for (int fd = argc > 1 ? 0 : 3; fd < 1024; fd++)
		close(fd);
	for (int i = 0; i < 20000; i++)
		p = memset(malloc(100 + i % 3000), 1, 100);
	for (int i = 0; i < 100000; i++)
		free((void *)(p = malloc(100 + i % 3000)));
	(void)argv;
	return 0;
}
END
must $cc $flags -o closes closes.c

"$quern" run --sites --report=report -- ./closes all >out 2>err
ok 'a program that closes all descriptors is reported on' [ $? = 0 ]
ok 'with its calls' says report 'calls 120,000 allocations'
ok 'and its sites' says report 'main at closes.c'
"$quern" record -o closes.qt -- ./closes all >out 2>err
ok 'it is recorded' [ $? = 0 ]
"$quern" trace info closes.qt >out
ok 'whole' says out 'calls 120,000 allocations, 0 reallocs, 100,000 frees'
QUERN_CONF=report:$tmp/own,metrics:$tmp/metrics LD_PRELOAD=$lib ./closes all
ok 'its own report is written' says own '^quern: heap of closes'

# Becomes another program in mid-life
cat >becomes.c <<'END'
#include <stdlib.h>
#include <string.h>
int main(void)
{
	memset(malloc(20 << 20), 1, 20 << 20);
	return 0;
}
END
if $cc -static -fno-builtin -o becomes becomes.c 2>null; then
	"$quern" run -- sh -c 'exec ./becomes' 2>err
	ok 'a program that becomes a static one is told of' \
		says err 'or became one that quern does not serve'
	ok 'its memory is not blamed on mappings' [ -z "$(grep ADVICE err)" ]
else
	skip 'a program that becomes a static one is told of' 'no static C library'
fi

# A root of its own: library, command, program and what they load
copy() # FILE: to the same place below root
{
	mkdir -p "root$(dirname "$1")" && cp -L "$1" "root$1"
}
if [ "$(id -u)" != 0 ] || ! chroot / true 2>null; then
	skip 'a root without /proc' 'needs root'
	finish
fi
mkdir -p root/bin root/tmp root/q
cp closes root/bin/
for file in "$quern" "$lib" "$(dirname "$lib")/libquern-record.so"; do
	cp "$file" root/q/
done
for file in $(ldd "$quern" closes | grep -o '/[^ ]*' | grep -v ':$' | sort -u); do
	copy "$file"
done
bare() # COMMAND...
{
	env -u LD_PRELOAD -u QUERN_CONF TMPDIR=/tmp timeout 120 chroot root "$@" >out 2>err
}
bare /bin/closes
if [ $? != 0 ]; then
	skip 'a root without /proc' 'the program does not run there'
	finish
fi
bare /q/quern run -- /bin/closes
ok 'a program runs without /proc and /dev' [ $? = 0 ]
ok 'and is reported on' says err 'calls 120,000 allocations'
bare /q/quern record -o /tmp/t.qt -- /bin/closes
ok 'it is recorded there' [ $? = 0 ]
bare /q/quern compare -n 2 --with=glibc,quern -- /bin/closes
ok 'allocators are compared there' says out 'The output is the same under all'
bare /q/quern doctor -- /bin/closes
ok 'the doctor finds that it works' [ $? = 0 ]
ok 'and that /proc is missing' says out 'note proc /proc is not mounted'
bare /q/quern ctl 1
ok 'a process by its number is not found' says err '/proc is not mounted'
finish
