#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-conf.sh - QUERN_CONF as a preloaded program meets it.
#
# A setting that is not understood ends the program before it has done anything,
# with status 2 and one line that says what is wrong and what is allowed. The
# statistics file is there while the program runs and says how it ended.

. "$(dirname "$0")/../x.sh"

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
refused policy:none "fixed, rule, bandit, dqn, paper-dqn, tuned"
refused dirty:many dirty
refused sample:1 sample
refused policy:rule,colour:red colour
refused carve:8 "16 to 64K"
refused boost_gain:65 "0 to 64"
refused carve_mots:64K carve_most
refused hard:3 "0 to 2"
refused on_error:stop "abort, report, ignore"
refused hard:1,engine:tlsf "not of an engine"
accepted hard:1
accepted hard:2,on_error:report
accepted ""
accepted carve:8K,chunk_most:64,refault_ms:100
accepted policy:fixed
accepted policy:rule,dirty:1M

printf 'quern tuned 1\nclass 144\nknob dirty 1M\n' >"$tmp/tuned"
accepted "tuned:$tmp/tuned"
accepted "tuned:$tmp/tuned,policy:rule,dirty:2M"

# A file that is wrong is told of, and the program runs as without it
unused() # file, words that the message must have
{
	QUERN_CONF=tuned:$1 preloaded sh -c 'echo ran' >"$tmp/out" 2>"$tmp/err"
	[ $? -eq 0 ] && [ "$(cat "$tmp/out")" = ran ] &&
		grep -qF -e "quern: QUERN_CONF=tuned:$1: $2; all is as without it" \
			"$tmp/err"
	ok "QUERN_CONF=tuned:$1 is not used" $?
	show "$tmp/err"
}

printf 'quern tuned 1\nclass 9999\n' >"$tmp/wrong"
unused "$tmp/wrong" "line 2: a size is from 1 to 1024 bytes"
unused "$tmp/none" "it cannot be read"
unused "$tmp" "it cannot be read"

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

# Each setting keeps its promise: seed above, stats below, and in other tests huge
# (x-huge.sh), sites (x-sites.sh) and engine (x-engine.sh)
cat >"$tmp/kept.c" <<'END'
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "quern.h"
#include "resident.h"

static char *p[200000];

/* 53 MB of a size that has no class of its own at first, then 40 MB in large blocks */
int main(void)
{
	int (*get)(struct qn_stats *) = dlsym(RTLD_DEFAULT, "qn_stats_get");
	struct qn_stats st;

	for (int i = 0; i < 200000; i++)
		memset(p[i] = malloc(265), 1, 265);
	get(&st);
	for (int i = 0; i < 200000; i++)
		free(p[i]);
	for (int i = 0; i < 200; i++)
		memset(p[i] = malloc(200000), 1, 200000);
	for (int i = 0; i < 200; i++)
		free(p[i]);
	printf("%ld %ld %ld\n", (long)st.nr_samples, (long)st.nr_tables,
	       resident_mb());
	return 0;
}
END
must $cc -O1 -fno-builtin -I"$top/lib" -I"$top/tests" -o "$tmp/kept" "$tmp/kept.c" -ldl
kept() # settings: samples, tables, MB resident after all was freed
{
	QUERN_CONF=$1 preloaded "$tmp/kept"
}
set -- $(kept seed:1) $(kept seed:1,policy:fixed) $(kept seed:1,sample:4K) \
	$(kept seed:1,sample:4M) $(kept seed:1,dirty:0) $(kept seed:1,dirty:64M,fence:0)
echo "# samples, tables, MB kept: $*"
[ $# -eq 18 ] && [ "$2" -gt "$5" ] && [ "$5" -le 1 ]
ok "policy:fixed leaves the table, rule does not" $?
[ "$7" -gt $(($1 * 2)) ] && [ "${10}" -lt $(($1 / 2)) ]
ok "sample says how far samples are apart" $?
[ "${15}" -le 4 ] && [ "${18}" -ge 38 ]
ok "dirty:0 keeps nothing, dirty:64M keeps 40 MB" $?

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
