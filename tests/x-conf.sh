#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-conf.sh - QUERN_CONF as a preloaded program meets it.
#
# A setting that is not understood ends the program before it has done anything,
# with status 2 and one line that says what is wrong and what is allowed. The
# statistics file is there while the program runs and says how it ended.

. "$(dirname "$0")/x.sh"

refused() # settings, words that the message must have
{
	QUERN_CONF=$1 preloaded sh -c 'echo ran' >"$tmp/out" 2>"$tmp/err"
	[ $? -eq 2 ] && [ ! -s "$tmp/out" ] &&
		[ "$(wc -l <"$tmp/err")" -eq 1 ] &&
		grep -q '^quern: QUERN_CONF: ' "$tmp/err" &&
		grep -qF -e "$2" "$tmp/err"
	ok "QUERN_CONF=$1 is refused" $?
	show "$tmp/err"
}

accepted() # settings
{
	QUERN_CONF=$1 preloaded sh -c 'echo ran' >"$tmp/out" 2>"$tmp/err"
	[ $? -eq 0 ] && [ "$(cat "$tmp/out")" = ran ] && [ ! -s "$tmp/err" ]
	ok "QUERN_CONF=$1 is accepted" $?
	show "$tmp/err"
}

refused nonsense nonsense
refused policy policy
refused policy: policy
refused policy:none "fixed, rule"
refused dirty:many dirty
refused sample:1 sample
refused policy:rule,colour:red colour
accepted ""
accepted policy:fixed
accepted policy:rule,dirty:1M

cat >"$tmp/address.c" <<'END'
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	void *p = malloc(100);

	printf("%p\n", p);
	return 0;
}
END
must $cc -fno-builtin -o "$tmp/address" "$tmp/address.c"
address() # settings
{
	QUERN_CONF=$1 preloaded "$tmp/address"
}
[ -n "$(address seed:7)" ] && [ "$(address seed:7)" = "$(address seed:7)" ] &&
	[ "$(address seed:7)" != "$(address seed:8)" ]
ok "a seed says where the heap lies" $?

# Words of the page: state is the fourth, pid the fifth; 1 running, 2 exited
state() # file
{
	od -A n -t u4 -j 12 -N 4 "$1" | tr -d ' '
}

mkdir "$tmp/stats"
QUERN_CONF=stats:$tmp/stats preloaded sleep 0.01
set -- "$tmp"/stats/*.qstat
[ $# -eq 1 ] && [ -f "$1" ] && [ "$(state "$1")" = 2 ]
ok "a program that returned has a finished statistics file" $?
rm -f "$tmp"/stats/*

QUERN_CONF=stats:$tmp/stats LD_PRELOAD=$lib sleep 30 &
pid=$!
file=$tmp/stats/$pid.qstat
until [ -f "$file" ] && [ "$(state "$file")" = 1 ]
do
	sleep 0.01
	nr_waits=$((${nr_waits:-0} + 1))
	[ $nr_waits -lt 1000 ] || break
done
kill -KILL $pid
wait $pid 2>"$tmp/log"
[ "$(state "$file")" = 1 ]
ok "a program that was killed leaves an unfinished one" $?

finish
