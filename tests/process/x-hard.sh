#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-hard.sh - whole programs in the hardened mode: QUERN_CONF=hard:1 and hard:2.
#
# Nearly all of a collection of planted errors is noticed (misuse/planted.c, of which one in
# so many is run), and sound programs do not notice anything. A message is one line, and says what
# it is to say; on_error decides what follows.

. "$(dirname "$0")/../x.sh"
ulimit -c 0
build=${builddir:-$top/build}

# ---- errors ----

$cc -O1 -g -w -fno-builtin -o "$tmp/planted" "$top/tests/misuse/planted.c" \
	-lpthread -lstdc++ 2>"$tmp/err"
has_planted=$?

noticed() # level, most per cent of writes at a distance
{
	[ $has_planted -eq 0 ] || {
		skip "hard:$1 notices planted errors" "needs libstdc++"
		return
	}
	QUERN_CONF=hard:$1 "$tmp/planted" -n 19 "$lib" >"$tmp/table"
	ok "hard:$1: no error, no message" $?
	awk '$1 " " $2 == "all errors" { seen = 1; bad = $(NF - 1) > 3 }
		END { exit !seen || bad }' "$tmp/table"
	ok "hard:$1: at most 3 % of all errors unnoticed" $?
	awk -v most=$2 '$1 " " $2 == "all jumps" { seen = 1; bad = $(NF - 1) > most }
		END { exit !seen || bad }' "$tmp/table"
	ok "hard:$1: at most $2 % of writes at a distance unnoticed" $?
	awk '$NF == "%" && $(NF - 1) > 0' "$tmp/table" | sed 's/^/# /'
}
noticed 1 20
noticed 2 10

cat >"$tmp/one.c" <<'END'
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *(*volatile fill)(void *, int, size_t) = memset;

int main(int argc, char **argv)
{
	const char *what = argv[1];
	size_t size = argc > 2 ? strtoul(argv[2], NULL, 0) : 40;
	char *p = malloc(size);
	void (*volatile put)(void *) = free;

	fprintf(stdout, "%p\n", (void *)p);
	fflush(stdout);
	if (!strcmp(what, "twice")) {
		put(p);
		put(p);
	} else if (!strcmp(what, "over")) {
		fill(p + size, 'o', 1);
		put(p);
	} else if (!strcmp(what, "late")) {
		put(p);
		fill(p, 'l', 8);
	} else if (!strcmp(what, "read")) {
		put(p);
		printf("%d\n", p[size / 2] == 0);
	} else if (!strcmp(what, "usable")) {
		printf("%zu\n", malloc_usable_size(p));
	}
	puts("went on");
	return 0;
}
END
must $cc -O1 -w -fno-builtin -o "$tmp/one" "$tmp/one.c"

run_one()
{
	(LD_PRELOAD=$lib QUERN_CONF=$1 exec "$tmp/one" "$2" "$3" \
		>"$tmp/out" 2>"$tmp/err")
}

says() # settings, misuse, size, words behind the pointer
{
	run_one "$@" 2>"$tmp/shell"
	status=$?
	{ read -r p <"$tmp/out"; } 2>/dev/null
	[ $status -eq 134 ] && [ "$(wc -l <"$tmp/err")" -eq 1 ] &&
		grep -qE "^quern: $4" "$tmp/err" &&
		grep -q '; next: ' "$tmp/err"
	ok "$1: $2 $3 says what it was" $?
	show "$tmp/err"
}
at='\(0x[0-9a-f]*\): '
for level in 1 2; do
	says hard:$level twice 40 "free${at}the block was freed already \(40 bytes\)"
	says hard:$level twice 70000 "free${at}the block was freed already \(70000 bytes\)"
	says hard:$level over 0 "free${at}the bytes behind the block were overwritten \(0 bytes\)"
	says hard:$level over 41 "free${at}the bytes behind the block were overwritten \(41 bytes\)"
	says hard:$level late 40 "free${at}the block was written to after it was freed \(40 bytes\)"
	says hard:$level read 4000000 \
		"access${at}a block was read or written after it was freed \(4000000 bytes\); it is 2000000 bytes behind 0x"
done
says hard:2 over 40000 "access${at}memory behind a block was read or written \(40000 bytes\)"
says hard:2 read 40000 "access${at}a block was read or written after it was freed \(40000 bytes\)"

goes_on() # settings, misuse, size, lines on stderr
{
	LD_PRELOAD=$lib QUERN_CONF=$1 "$tmp/one" "$2" "$3" \
		>"$tmp/out" 2>"$tmp/err"
	[ $? -eq 0 ] && tail -n 1 "$tmp/out" | grep -q '^went on$' &&
		[ "$(wc -l <"$tmp/err")" -eq "$4" ]
	ok "$1: $2 $3 goes on" $?
	show "$tmp/err"
}
for level in 1 2; do
	goes_on hard:$level,on_error:report twice 40 1
	goes_on hard:$level,on_error:report over 41 1
	goes_on hard:$level,on_error:report late 40 1
	goes_on hard:$level,on_error:report read 4000000 1
	goes_on hard:$level,on_error:ignore twice 40 0
	goes_on hard:$level,on_error:ignore read 4000000 0
done
for size in 0 1 40 5000 70000 3000000; do
	QUERN_CONF=hard:1 preloaded "$tmp/one" usable $size >"$tmp/out"
	[ "$(sed -n 2p "$tmp/out")" = $size ]
	ok "malloc($size) has $size usable bytes" $?
done

# ---- sound programs ----

# Purged memory is not given back at once, and a sized delete must be right to the byte
spared="malloc_trim returns memory"
holds() # level, test program
{
	QUERN_CONF=hard:$1 timeout -k 5 200 \
		"$build/tests/process/$2" >"$tmp/out" 2>&1
	grep '^ok ' "$tmp/out" >/dev/null && grep -q '^1\.\.' "$tmp/out" &&
		! grep '^not ok' "$tmp/out" | grep -qvF "$spared"
	ok "$2 on hard:$1" $?
	grep '^not ok\|^#\|^quern' "$tmp/out" | sed 's/^/#   /'
}
for program in x-family x-threads x-fork x-exit x-operators; do
	holds 1 $program
done
for program in x-family x-exit x-operators; do
	holds 2 $program
done

for level in 1 2; do
	"$here/x-programs.sh" -c hard:$level perl python3-threads sqlite3 \
		>"$tmp/out" 2>&1
	ok "perl, python3 and sqlite3 do the same on hard:$level" $?
	grep '^not ok' "$tmp/out" | sed 's/^/#   /'
done
finish
