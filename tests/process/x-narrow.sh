#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-narrow.sh - what the command prints on terminals of 60 and 40 columns: no line is wider,
# no figure is cut, and it is said how wide a terminal shows the columns that were left out.

. "$(dirname "$0")/../x.sh"
quern=${QUERN:-$top/build/quern}
cd "$tmp" || exit 99
own_rundir
unset COLUMNS

explain()
{
	show text
}

python=$(command -v /usr/bin/python3 || command -v python3) || {
	skip 'narrow terminals' 'no python3'
	finish
}
cat >terminal.py <<'END'
import fcntl, os, pty, struct, sys, termios
pid, fd = pty.fork()
if not pid:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, int(sys.argv[1]), 0, 0))
    os.execvp(sys.argv[2], sys.argv[2:])
text = b""
try:
    while True:
        text += os.read(fd, 4096)
except OSError:
    pass
sys.stdout.write(text.decode().replace("\r\n", "\n"))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
on() # COLUMNS COMMAND...
{
	"$python" terminal.py "$@" >text
}
# Progress comes and goes on one line
fits() # COLUMNS
{
	sed -i 's/.*\x1b\[K//; s/.*\r//' text
	[ -s text ] && [ "$(wc -L <text)" -le "$1" ]
}
# Each row of a table ends with whole figures
rows() # HOW MANY, PATTERN OF THE LAST FIGURES
{
	[ "$(grep -Ec "$2" text)" -ge "$1" ]
}
leaves_out()
{
	tr -s ' \n' ' ' <text | grep -q "Tables left columns out; a terminal of $1 columns shows them"
}

cat >program.c <<'END'
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static void *volatile kept[40];
int main(int argc, char **argv)
{
	for (int i = 0; i < 40; i++)
		kept[i] = memset(malloc(300000), 1, 300000);
	for (int i = 0; i < 200000; i++)
		free((void *)(kept[0] = malloc(100 + i % 900)));
	(void)argv;
	if (argc > 1)
		sleep(60);
	return 0;
}
END
must $cc $flags -o program program.c

size='[0-9.]+ [KM]?i?B'
for columns in 60 40; do
	on $columns "$quern" run --sites --details --conf=sample:4K -- ./program
	ok "a report fits $columns columns" fits $columns
	ok 'its heap has both figures in each row' rows 5 "^ .* $size +$size\$"
	ok 'it tells how wide all of it is' leaves_out 80
	on $columns "$quern" compare -n 2 --with=glibc,quern -- ./program
	ok "a comparison fits $columns columns" fits $columns
	ok 'with whole figures' rows 2 "^  (glibc|quern) .*[0-9] m?s .* $size( +-)?\$"
	on $columns "$quern" help run
	ok "help fits $columns columns" fits $columns
	on $columns "$quern" doctor -- ./program
	ok "findings fit $columns columns" fits $columns
	"$quern" record --sites -o t.qt -- ./program 2>err
	on $columns "$quern" trace info t.qt
	ok "what a trace holds fits $columns columns" fits $columns
	on $columns "$quern" trace histogram t.qt
	ok "a histogram fits $columns columns" fits $columns
	ok 'with whole figures' rows 5 ' [0-9.]+ %$'
	on $columns "$quern" replay --count=none t.qt
	ok "a replay fits $columns columns" fits $columns
done
on 200 env COLUMNS=60 "$quern" run -- ./program
ok 'COLUMNS counts more than the terminal' fits 60
on 200 "$quern" run -- ./program
ok 'a wide terminal has the whole table' rows 1 "^  in use by the program +$size +$size\$"
QUERN_CONF=live:1 LD_PRELOAD=$lib ./program stay &
pid=$!
for i in $(seq 100); do
	"$quern" top -b -n 1 >text && grep -q program text && break
	sleep 0.05
done
ok 'a file has all columns' grep -q 'PRICE$' text
for columns in 98 80 60 40; do
	on $columns "$quern" top -b -n 1
	ok "processes fit $columns columns" fits $columns
	ok 'with what their heaps hold' rows 1 "^ *$pid program .* [0-9.]+[KM]( |\$)"
	sed -n '/PID/,$p' text >table
	ok 'under whole names' awk 'NR == 1 { n = NF } NF != n { exit 1 }' table
done
on 120 "$quern" top -b -n 1
ok 'a wide terminal has all columns, too' grep -q 'PRICE$' text
kill $pid
wait $pid 2>null
finish
