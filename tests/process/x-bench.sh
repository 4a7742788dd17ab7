#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-bench.sh - the benchmark itself: every workload runs under the library, checks
# what it stored, and does the same work as without it and as the time before; the
# tools around them report what happened. How long anything takes is no matter here.

. "$(dirname "$0")/../x.sh"
bench=${builddir:-build}/bench
run="python3 -B $top/bench/suite/run.py"
percent=4

same() # the arguments of workloads: one sum, three times
{
	first=$("$bench/workloads" "$@") &&
		second=$(preloaded "$bench/workloads" "$@") &&
		third=$(preloaded "$bench/workloads" "$@") &&
		[ -n "${first#* }" ] && [ "$first" = "$second" ] &&
		[ "$first" = "$third" ]
}

names=$("$bench/workloads" | sed -n 's/^  \([a-z]*\) .*/\1/p')
threads=$("$bench/workloads" | awk '/^  / { print $1 ":" $2 }')
[ "$(echo "$names" | wc -l)" -ge 20 ]
ok "the workloads are listed" $?
for workload in $threads; do
	name=${workload%:*}
	same "$name" "${workload#*:}" $percent
	ok "$name does the same each time" $?
done
same server 8 $percent
ok "server with eight threads" $?

! "$bench/workloads" nonsense 2>"$tmp/err" && grep -q 'no such' "$tmp/err"
ok "an unknown workload is refused" $?
! "$bench/workloads" mix 0 2>"$tmp/err" && grep -q 'from 1' "$tmp/err"
ok "so is a number of threads that makes no sense" $?

# A library that hands out the same memory twice must be noticed
cat >"$tmp/twice.c" <<'END'
#include <stddef.h>
static char pool[1 << 20] __attribute__((aligned(16)));
static size_t used;
void free(void *p) { (void)p; }
void *malloc(size_t size)
{
	size_t at = used;

	used = (used + size + 15) / 16 * 16;
	if (used > sizeof(pool) / 2)
		used = 0;
	return pool + at;
}
END
must $cc -O2 -fno-builtin -shared -fPIC -o "$tmp/twice.so" "$tmp/twice.c"
! LD_PRELOAD="$tmp/twice.so" "$bench/workloads" fifo 1 10 2>"$tmp/err" &&
	grep -q 'has changed' "$tmp/err"
ok "a workload notices memory that is handed out twice" $?

"$bench/measure" -n 3 -o "$tmp/usage" "$lib" sh -c 'exit 3'
[ $? = 3 ] && awk 'NF != 3 || $3 < 100 { exit 1 } END { exit NR != 3 }' \
	"$tmp/usage"
ok "measure notes each run and passes the exit status on" $?
"$bench/measure" -r -o "$tmp/usage" "$lib" true &&
	awk 'NF != 3 || $3 < 100 { exit 1 }' "$tmp/usage"
ok "measure sees what is resident at exit" $?
! "$bench/measure" -o "$tmp/usage" - "$tmp/nothing" 2>"$tmp/err" &&
	grep -q nothing "$tmp/err"
ok "measure says which program is missing" $?

set -- $(preloaded "$bench/memory" loop-medium)
[ $# = 3 ] && [ "$1" -gt 0 ] && [ "$2" -ge "$1" ] && [ "$3" -ge "$1" ]
ok "a loop of the memory patterns prints its rounds" $?

if command -v valgrind >/dev/null; then
	mkdir "$tmp/traces"
	"$bench/../quern" record -o "$tmp/traces/calls.trace" -- \
		"$bench/workloads" mix 1 1 >/dev/null 2>&1
	(cd "$bench/.." && EVENTS=2000 "$top/bench/suite/traces.sh" . \
		"$tmp/traces" "$lib") >"$tmp/table" 2>/dev/null &&
		awk '/^calls / { found = NF == 5 && $2 == 2000 && $3 > 10 && $4 > 5 }
		     END { exit !found }' "$tmp/table"
	ok "instructions of a recorded program's calls are counted" $?
else
	skip "instructions of a recorded program's calls" "there is no valgrind"
fi

for tool in python3 hyperfine; do
	if ! command -v $tool >/dev/null; then
		skip "the driver" "there is no $tool"
		finish
	fi
done
! $run suite --build "$bench/.." --library "$lib" --only nonsense \
	2>"$tmp/err" && grep -q 'no workload called nonsense' "$tmp/err"
ok "the driver refuses an unknown workload" $?
$run suite --build "$bench/.." --library "$lib" --out "$tmp/out" --rounds 1 \
	--allocators glibc,quern --only "leak" >"$tmp/table" 2>"$tmp/err" &&
	grep -q '^leak  *[0-9.]* *[0-9.]* ' "$tmp/table" &&
	grep -q '"peak": [0-9]' "$tmp/out/results.json"
ok "the driver compares, and writes down what it measured" $?
$run report --build "$bench/.." --library "$lib" --out "$tmp/out" \
	--allocators glibc,quern 2>/dev/null | grep -v '^[A-Z]*: ' >"$tmp/again"
grep -v '^[A-Za-z ]*: /' "$tmp/table" | cmp -s - "$tmp/again"
ok "it prints the same table again from that" $?
finish
