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

if command -v hyperfine >/dev/null; then
	"$top/bench/suite/hyperfine.sh" 2 true "$lib" >"$tmp/times" 2>&1 &&
		grep -q quern "$tmp/times"
	ok "hyperfine times a program under each allocator" $?
	! "$top/bench/suite/hyperfine.sh" 2 true "$tmp/nothing" 2>"$tmp/err" &&
		grep -q 'cannot read' "$tmp/err"
	ok "a library that is not there is refused" $?
else
	skip "a program under each allocator" "there is no hyperfine"
fi

contest() # NAME SCRIPT MORE: one that a shell is
{
	printf '{ "name": "%s", "argv": ["sh", "-c", "%s"], "dir": "%s",
		"set": [], "prepare": [], "answer": null, "compared": true,
		"figures": 0, "watched": false%s }' "$1" "$2" "$tmp" "${3-}"
}

# The third subject prints something else, and the first one is never done
cat >"$tmp/plan" <<END
{ "rounds": 3, "limit": 1, "subjects": [
	{ "name": "one", "set": ["WHO=1"], "before": [] },
	{ "name": "two", "set": ["WHO=2"], "before": ["env", "TWICE=2"] },
	{ "name": "odd", "set": ["WHO=3"], "before": [] } ],
  "contests": [
	$(contest plain 'echo $TWICE' ', "compared": false'),
	$(contest same 'case $WHO in 3) echo no ;; *) echo yes ;; esac'),
	$(contest late 'case $WHO in 1) exec sleep 60 ;; esac'),
	$(contest counted 'echo $WHO 7; test -f ready && rm ready' \
		', "figures": 2, "compared": false, "prepare":
		["touch", "ready"]'),
	$(contest left 'echo right >left; echo $WHO' ", \"answer\": \"$tmp/left\""),
	$(contest watched 'sleep 0.3' ', "watched": true') ] }
END
"$bench/rounds" <"$tmp/plan" >"$tmp/figures" 2>"$tmp/err"
ok "rounds of runs that fail come to their end" $?
grep -q 'same under odd printed something else than under one' "$tmp/err" &&
	grep -q 'late under one was not done after 1 s' "$tmp/err" &&
	[ "$(grep -c 'same under odd' "$tmp/err")" = 1 ]
ok "who prints something else is told, and runs no more" $?
! echo '{ "rounds": 3 }' | "$bench/rounds" 2>"$tmp/err" &&
	grep -q 'the plan' "$tmp/err"
ok "a plan that lacks something is refused" $?

if ! command -v python3 >/dev/null; then
	skip "the driver" "there is no python3"
	finish
fi
python3 - "$tmp/figures" <<'END'
import json, sys
f = json.load(open(sys.argv[1]))
c = f["contests"]
def good(name):
    return [s for s in c[name] if "failed" not in c[name][s]]
assert good("same") == ["one", "two"], c["same"]
assert good("late") == ["two", "odd"], c["late"]
for name in ("plain", "counted", "left", "watched"):
    assert good(name) == ["one", "two", "odd"], (name, c[name])
for n, who in enumerate(("one", "two", "odd")):
    own = c["counted"][who]
    assert own["own0"]["rounds"] == [n + 1] * 3, own
    assert own["own1"]["median"] == 7, own
    assert c["watched"][who]["own0"]["median"] > 100000
    assert len(f["points"]["watched"][who]) > 5
    assert c["watched"][who]["wall"]["median"] >= 300000
    assert c["plain"][who]["peak"]["median"] > 300000
assert f["rounds"] == 3 and f["rivals"]["same"]["cpu"] is None
assert f["rivals"]["late"]["cpu"]["name"] == "two"
assert f["common"] == len([n for n in c if len(good(n)) == 3])
END
ok "its figures are those of the runs" $?
! $run suite --build "$bench/.." --library "$lib" --only nonsense \
	2>"$tmp/err" && grep -q 'no workload called nonsense' "$tmp/err"
ok "the driver refuses an unknown workload" $?
! $run suite --build "$bench/.." --with "$top/README.md" 2>"$tmp/err" &&
	grep -q 'does not become malloc' "$tmp/err"
ok "and a library that is no allocator" $?
cp "$lib" "$tmp/other.so"
$run peers --build "$bench/.." --with "$tmp/other.so" 2>/dev/null |
	grep -qx "$(realpath "$tmp/other.so")"
ok "another one by its path is compared" $?
$run suite --build "$bench/.." --library "$lib" --out "$tmp/out" --rounds 1 \
	--allocators glibc,quern --only "leak" >"$tmp/table" 2>"$tmp/err" &&
	grep -q '^leak  *[0-9.]* *[0-9.]* ' "$tmp/table" &&
	grep -q '"peak": {' "$tmp/out/results.json"
ok "the driver compares, and writes down what it measured" $?
$run report --build "$bench/.." --library "$lib" --out "$tmp/out" \
	--allocators glibc,quern 2>/dev/null | grep -v '^[A-Z]*: ' >"$tmp/again"
grep -v '^[A-Za-z ]*: /' "$tmp/table" | cmp -s - "$tmp/again"
ok "it prints the same table again from that" $?

printf '# commit a\na/x 10\na/y 5\nb/z 0\n' >"$tmp/was"
printf 'a/x 11\na/y 5\nb/z 0\nb/new 3\n' >"$tmp/is"
! awk -f "$top/bench/perf/moved.awk" "$tmp/was" "$tmp/is" >"$tmp/moved" &&
	grep -q '^2 of 4 counts moved' "$tmp/moved" &&
	grep -Eq '^  a/x +10 +11 +\+10\.00 %' "$tmp/moved" &&
	grep -Eq '^  b/new +- +3 +new' "$tmp/moved" && ! grep -q a/y "$tmp/moved"
ok "counts that moved are told" $?
cp "$tmp/was" "$tmp/again" &&
	awk -f "$top/bench/perf/moved.awk" "$tmp/was" "$tmp/again" >/dev/null
ok "and there is nothing to tell where none did" $?
finish
