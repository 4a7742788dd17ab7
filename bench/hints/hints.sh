#!/bin/sh
# SPDX-License-Identifier: MIT
#
# hints.sh - what tokens and hints of compilers cost, and what they bring.
#
#	hints.sh PROGRAM LIBQUERN [PEERS...]
#
# PROGRAM is hints.c. Peaks and times are medians of ROUNDS runs (5), counts of
# instructions repeat exactly.

me=${0##*/}
program=${1:?usage: hints.sh PROGRAM LIBQUERN [PEERS...]}
quern=${2:?usage: hints.sh PROGRAM LIBQUERN [PEERS...]}
shift 2
. "$(dirname "$0")/../common.sh"
make_tmp
rounds=${ROUNDS:-5}

median()
{
	sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

phases() # LABEL LIBRARY SETTINGS HOW
{
	: >"$tmp/runs"
	i=0
	while [ $i -lt "$rounds" ]; do
		LD_PRELOAD=$2 QUERN_CONF=$3 "$program" phases "$4" \
			>>"$tmp/runs" || die "$1 failed"
		i=$((i + 1))
	done
	printf '%-34s %8.1f %8d\n' "$1" \
		"$(cut -d' ' -f1 "$tmp/runs" | median | awk '{ print $1 / 1024 }')" \
		"$(cut -d' ' -f2 "$tmp/runs" | median)"
}

echo "Phases that leave one object in 64 behind: peak resident set, CPU time"
echo
printf '%-34s %8s %8s\n' "" MB ms
phases "glibc" "" "" plain
for peer in "$@"; do
	phases "$(basename "$peer" | sed 's/^lib//; s/\.so.*//')" "$peer" "" plain
done
phases "quern" "$quern" "" plain
phases "quern, token of what is left" "$quern" "" one
phases "quern, tokens of both" "$quern" "" all
phases "quern, what is left said cold" "$quern" "" cold
phases "quern, tokens of both, hints:0" "$quern" hints:0 all
echo

command -v valgrind >/dev/null || {
	echo "Instructions: valgrind is not installed"
	exit 0
}

collected() # NAME SIZE ROUNDS
{
	LD_PRELOAD=$quern QUERN_CONF=seed:1,helper:0 setarch -R \
		valgrind --tool=callgrind --callgrind-out-file=/dev/null \
		"$program" pairs "$1" "$2" "$3" 2>&1 |
		awk '/Collected/ { print $4 }'
}

# Of 10000 rounds of 8 pairs; the loop takes some of them, alike in each row
pair()
{
	few=$(collected "$1" "$2" 5000)
	many=$(collected "$1" "$2" 15000)
	awk -v few="$few" -v many="$many" 'BEGIN { print (many - few) / 80000 }'
}

echo "Instructions of a pair and its part of the loop, by size"
echo
printf '%-16s %8s %8s %8s\n' "" 64 500 3000
for name in malloc malloc+token new new+token new+hot new+cold; do
	printf '%-16s %8.1f %8.1f %8.1f\n' $name "$(pair $name 64)" \
		"$(pair $name 500)" "$(pair $name 3000)"
done

# A program with as many hint records, of types that never run cold
with_records() # PROGRAM RECORDS
{
	{
		cat <<-END
			.section .note.GNU-stack,"",%progbits
			.pushsection quern_hints,"aR",%note
			.balign 4
			.long 6, 8 + 24 * $2, 1
			.asciz "QUERN"
			.balign 4
			.byte 1, 24
			.short 64
			.long $2
			.rept $2
			.long 100, 100, 0, 0x201
			.byte 0, 0
			.short 16
			.long 0x12345678
			.endr
			.popsection
		END
	} >"$tmp/records.s"
	"${CC:-cc}" -O2 -o "$1" "$tmp/program.c" "$tmp/records.s" ||
		die "cannot compile a program with records"
}

run_count() # PROGRAM ARGS: instructions of the whole process
{
	LD_PRELOAD=$quern QUERN_CONF=seed:1,helper:0,fence:0 setarch -R \
		valgrind --tool=callgrind --callgrind-out-file=/dev/null "$@" \
		2>&1 | awk '/Collected/ { print $4 }'
}

run_time() # PROGRAM ARGS: microseconds that it says, median
{
	i=0
	while [ $i -lt $((rounds * 4)) ]; do
		LD_PRELOAD=$quern QUERN_CONF=fence:0 "$@"
		i=$((i + 1))
	done | median
}

cat >"$tmp/program.c" <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
extern void *token_malloc(size_t, size_t)
	__asm__("__alloc_token_malloc") __attribute__((weak));
static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e6 + t.tv_nsec / 1e3;
}
int main(int argc, char **argv)
{
	void *volatile p = malloc(100);
	double before = now();
	if (argc > 1 && token_malloc)
		p = token_malloc(100, 5);
	if (argc > 2)
		printf("%.1f\n", now() - before);
	return !p;
}
END
echo
echo "Hint records of the program: instructions of the whole process, and"
echo "microseconds of the first request with a token, which reads them"
echo
printf '%-10s %16s %16s %16s\n' records "no tokens" tokens "first request"
for nr in 0 1000 10000; do
	with_records "$tmp/with" $nr
	printf '%-10s %16s %16s %16s\n' $nr "$(run_count "$tmp/with")" \
		"$(run_count "$tmp/with" tokens)" "$(run_time "$tmp/with" tokens time)"
done
