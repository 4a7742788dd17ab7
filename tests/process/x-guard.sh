#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-guard.sh - samples between forbidden pages: QUERN_CONF=guard:N.
#
# At guard:1 each planted error ends in one line that says what it was, and who allocated and freed
# the block. About one block in N is guarded, whatever its size; what is guarded at once is
# bounded; sound programs do the same as without.

. "$(dirname "$0")/../x.sh"
ulimit -c 0
build=${builddir:-$top/build}

# ---- errors ----

cat >"$tmp/one.c" <<'END'
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void *(*volatile fill)(void *, int, size_t) = memset;
static void *(*volatile get)(size_t) = malloc;
static void *(*volatile change)(void *, size_t) = realloc;
static void (*volatile put)(void *) = free;
static volatile char seen;

static void overflow(char *p, size_t size) { fill(p + size, 'o', 64); }
static void underflow(char *p, size_t size) { fill(p - 1, 'u', 1); }
static void behind(char *p, size_t size) { fill(p + size, 'b', 1); put(p); }
static void before(char *p, size_t size) { fill(p - 16, 'b', 1); put(p); }
static void last(char *p, size_t size) { fill(p + size, 'b', 1); }
static void late(char *p, size_t size) { put(p); fill(p + 1, 'l', 1); }
static void look(char *p, size_t size) { put(p); seen = p[size - 1]; }
static void twice(char *p, size_t size) { put(p); put(p); }
static void inside(char *p, size_t size) { put(p + 8); }
static void moved(char *p, size_t size) { change(p, 2 * size); fill(p, 'm', 1); }
static void again(char *p, size_t size) { put(p); change(p, size); }
static void usable(char *p, size_t size)
{
	put(p);
	seen = (char)malloc_usable_size(p);
}
static void none(char *p, size_t size) { fill(p, 'n', size); put(p); }
static void sent(char *p, size_t size) { kill(getpid(), SIGSEGV); }

static void own(int nr)
{
	static const char text[] = "own handler\n";

	write(1, text, sizeof(text) - 1);
	_exit(7);
}

static void handled(char *p, size_t size)
{
	signal(SIGSEGV, own);
	late(p, size);
}

static const struct {
	const char *name;
	void (*plant)(char *p, size_t size);
} errors[] = {
#define E(name) { #name, name }
	E(overflow), E(underflow), E(behind), E(before), E(last), E(late),
	E(look), E(twice), E(inside), E(moved), E(again), E(usable), E(none),
	E(sent), E(handled),
};
static const char *what;
static size_t size;

/* Two blocks: they lie at either end of their pages */
static void *plant(void *arg)
{
	char *p[2] = { get(size), get(size) };

	for (size_t k = 0; k < 2; k++)
		for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
			if (!strcmp(errors[i].name, what))
				errors[i].plant(p[k], size);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	int status;

	what = argv[1];
	size = strtoul(argv[2], NULL, 0);
	if (!argv[3]) {
		plant(NULL);
	} else if (!strcmp(argv[3], "thread")) {
		pthread_create(&thread, NULL, plant, NULL);
		pthread_join(thread, NULL);
	} else {
		put(get(1));
		if (!fork())
			exit((plant(NULL), 0));
		wait(&status);
		if (WIFSIGNALED(status))
			raise(WTERMSIG(status));
	}
	puts("went on");
	return 0;
}
END
must $cc -O1 -g -w -fno-builtin -o "$tmp/one" "$tmp/one.c" -lpthread

unwinder=
[ -z "$(LD_PRELOAD=libgcc_s.so.1 /bin/true 2>&1)" ] && unwinder=:libgcc_s.so.1
run_one() # settings, misuse, size, where
{
	(LD_PRELOAD=$lib$unwinder QUERN_CONF=$1 exec "$tmp/one" "$2" "$3" ${4-} \
		>"$tmp/out" 2>"$tmp/err")
}

says() # status, words behind "quern: ", misuse, size, where
{
	want=$1
	words=$2
	shift 2
	run_one guard:1,fence:0 "$@" 2>"$tmp/shell"
	[ $? -eq "$want" ] && [ "$(wc -l <"$tmp/err")" -eq 1 ] &&
		grep -qE "^quern: $words" "$tmp/err" &&
		grep -q '; allocated by thread [0-9].*; next: ' "$tmp/err"
	ok "guard:1: $* says what it was" $?
	cut -c -400 "$tmp/err" | sed 's/^/#   /'
}
at='\(0x[0-9a-f]*\): '
any='(write|access)'
freed="a block was used after it was freed; it is "
for size in 40 1000 5000 50008; do
	block="the block 0x[0-9a-f]+ \($size bytes"
	used="$block, in use\)"
	free="$block, free\).*; freed by thread "
	says 139 "$any${at}memory behind a block was used; it is [0-9]+ bytes? behind $used" \
		overflow $size
	says 139 "$any${at}memory before a block was used; it is 1 byte before $used" \
		underflow $size
	says 139 "$any$at${freed}1 bytes into $free" late $size
	says 139 "(read|access)$at$freed$((size - 1)) bytes into $free" look $size
	says 134 "free${at}the block was freed already; it is $free" twice $size
	says 134 "free${at}the pointer is not the start of a block; it is 8 bytes into $used" \
		inside $size
	says 139 "$any$at${freed}$free" moved $size
	says 134 "realloc${at}the block was freed already; it is $free" again $size
	says 134 "malloc_usable_size${at}the block was freed already; it is $free" \
		usable $size
	says 134 "free${at}the bytes behind the block were overwritten; it is $block" \
		behind $size
	says 134 "exit${at}the bytes behind the block were overwritten; it is $block" \
		last $size
done
# A block whose length is a multiple of the alignment ends at the page
says 139 "$any${at}memory behind a block was used; it is 1 byte behind" last 48
# Of the first block, which lies at the left end, that would be another's page
says 139 "$any${at}memory before a block was used; it is 16 bytes before" before 40
for where in thread child; do
	says 139 "$any$at${freed}1 bytes into $free" late 50008 $where
	says 134 "free${at}the block was freed already; it is $free" twice 50008 $where
	says 139 "$any${at}memory behind a block was used" overflow 40 $where
done

goes_on() # settings, misuse, size, lines on stderr
{
	run_one "$1" "$2" "$3"
	[ $? -eq 0 ] && grep -q '^went on$' "$tmp/out" &&
		[ "$(wc -l <"$tmp/err")" -eq "$4" ]
	ok "$1: $2 $3 goes on" $?
	cut -c -200 "$tmp/err" | sed 's/^/#   /'
}
# The margins of both are found at the end, too
goes_on guard:1,fence:0,on_error:report overflow 40 3
goes_on guard:1,fence:0,on_error:ignore overflow 40 0
for misuse in underflow late look twice inside; do
	goes_on guard:1,fence:0,on_error:report $misuse 40 2
	goes_on guard:1,fence:0,on_error:ignore $misuse 40 0
done
goes_on guard:1,fence:0 none 40 0
goes_on guard:1,fence:0 none 60000 0

run_one guard:1 sent 40 2>"$tmp/shell"
[ $? -eq 139 ] && [ ! -s "$tmp/err" ]
ok "a SIGSEGV that was sent ends the program, without a message" $?
run_one guard:1,fence:0 handled 40
[ $? -eq 7 ] && grep -q '^own handler$' "$tmp/out" && [ ! -s "$tmp/err" ]
ok "a program's own handler takes the place of ours" $?

# Of each stack, the innermost frames of the program
named() # stack, function
{
	sed -n "s/.*; $1 by thread [0-9]* at \([^;]*\).*/\1/p" "$tmp/err" |
		tr ' ' '\n' | sed -n 's/^.*\/one+\(0x[0-9a-f]*\)$/\1/p' |
		xargs addr2line -fe "$tmp/one" | grep -x "$2" >/dev/null
	ok "the stack of who $1 it names $2()" $?
}
run_one guard:1,fence:0 late 40 2>"$tmp/shell"
if grep -q 'allocated by thread [0-9]* at' "$tmp/err" &&
	command -v addr2line >/dev/null; then
	named allocated plant
	named freed late
else
	skip "stacks name functions" "needs libgcc_s.so.1, glibc 2.35, addr2line"
fi

# ---- how many, and how much ----

cat >"$tmp/many.c" <<'END'
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NR 200000
#define HELD 3000

static void *(*volatile get)(size_t) = malloc;
static void (*volatile put)(void *) = free;

/* Others have more than they were asked for */
static int is_guarded(void *p, size_t size)
{
	return malloc_usable_size(p) == size;
}

static int maps(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	int c, nr = 0;

	while ((c = getc(f)) != EOF)
		nr += c == '\n';
	fclose(f);
	return nr;
}

int main(int argc, char **argv)
{
	size_t size = strtoul(argv[1], NULL, 0);
	static void *held[HELD];
	int nr = 0, before;
	void *p;

	for (int i = 0; i < NR; i++) {
		p = get(size);
		nr += is_guarded(p, size);
		put(p);
	}
	printf("%d\n", nr);
	before = maps();
	for (int i = nr = 0; i < HELD; i++)
		nr += is_guarded(held[i] = get(size), size);
	printf("%d %d\n", nr, maps() - before);
	return 0;
}
END
must $cc -O1 -w -fno-builtin -o "$tmp/many" "$tmp/many.c"

# 2000 and 4.5 times the square root of that
for size in 17 33 1001 1201 30001; do
	QUERN_CONF=guard:100,fence:0,seed:$size preloaded "$tmp/many" $size \
		>"$tmp/out"
	{ read -r got <"$tmp/out"; } 2>/dev/null
	[ "${got:-0}" -gt 1800 ] && [ "$got" -lt 2200 ]
	ok "guard:100 guards 2000 of 200000 blocks of $size bytes, about" $?
	show "$tmp/out"
done
for size in 33 50001; do
	QUERN_CONF=guard:2,fence:0,seed:1 preloaded "$tmp/many" $size >"$tmp/out"
	sed 1d "$tmp/out" >"$tmp/held"
	got=0
	{ read -r got maps <"$tmp/held"; } 2>/dev/null
	[ "$got" -ge 100 ] && [ "$got" -le 512 ] && [ "$maps" -le 1100 ]
	ok "$size bytes: at most 512 blocks are guarded at once" $?
	show "$tmp/held"
done

# ---- sound programs ----

holds() # N, test program
{
	QUERN_CONF=guard:$1 timeout -k 5 200 \
		"$build/tests/process/$2" >"$tmp/out" 2>&1
	ok "$2 on guard:$1" $?
	grep '^not ok\|^#\|^quern' "$tmp/out" | sed 's/^/#   /'
}
holds 1 x-family
for program in x-threads x-exit x-operators; do
	holds 9 $program
done

"$here/x-programs.sh" -c guard:30 perl sqlite3 >"$tmp/out" 2>&1
ok "perl and sqlite3 do the same on guard:30" $?
grep '^not ok' "$tmp/out" | sed 's/^/#   /'

for settings in hard:1,guard:5 guard:5,engine:tlsf; do
	QUERN_CONF=$settings preloaded /bin/true 2>"$tmp/err"
	[ $? -eq 2 ] && grep -q '^quern: QUERN_CONF: ' "$tmp/err"
	ok "$settings is refused" $?
done
finish
