#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-engine.sh - every engine under whole programs: QUERN_CONF=engine:NAME.
#
# The contracts of malloc and its kin, threads, fork() and the end of a process are
# those of the other x- tests, run again on each engine. What they ask for beyond a
# contract and an engine does not give is named here, and nothing else may fail.

. "$(dirname "$0")/../x.sh"

build=${builddir:-$top/build}
with_engines=$lib:${lib%/*}/libquern-engines.so
quern=${QUERN:-$build/quern}
engines=$("$quern" help run | sed -n 's/^ *engine:quern|//p' | tr '|' ' ')
[ -n "$engines" ] || {
	echo "Bail out! quern help run names no engines"
	exit 99
}

# None returns memory; the 64 GB of address space serve what the process's limit
# should refuse; the firmware's heap has one GB
spared="malloc_trim returns memory
a new_handler that makes room"
spared_here()
{
	printf '%s\n' "$spared"
	[ "$1" != quern-heap ] || echo "malloc of large sizes"
}

holds() # engine, test program
{
	QUERN_LIB=$with_engines QUERN_CONF=engine:$1 timeout -k 5 200 \
		"$build/tests/process/$2" >"$tmp/out" 2>&1
	spared_here "$1" >"$tmp/spared"
	grep '^ok ' "$tmp/out" >/dev/null && grep -q '^1\.\.' "$tmp/out" &&
		! grep '^not ok' "$tmp/out" | grep -qvFf "$tmp/spared"
	ok "$2 on $1" $?
	grep '^not ok\|^#' "$tmp/out" | sed 's/^/#   /'
}

report_compares() # engine
{
	"$quern" run --engine="$1" --report="$tmp/report" -- \
		sh -c 'x=$(printf %5000s); echo ${#x}' >"$tmp/out" &&
		[ "$(cat "$tmp/out")" = 5000 ] &&
		grep -q "^engine  *$1, " "$tmp/report" &&
		grep -q 'engine serves  quern would serve' "$tmp/report" &&
		grep -q '^  of asked  *100.0 %  *1[0-9.]* %  *1[0-9.]* %' \
			"$tmp/report" &&
		! grep -q '^table' "$tmp/report"
	ok "the report says that it was $1, and compares" $?
}

for engine in $engines; do
	holds "$engine" x-family
	holds "$engine" x-threads
	report_compares "$engine"
done

# What holds for one of them holds for all: the lock and the process's end
holds buddy x-fork
holds buddy x-exit

"$quern" run --engine=quern --report="$tmp/report" -- true &&
	grep -q '^calls ' "$tmp/report" && ! grep -q '^engine' "$tmp/report"
ok "quern is its own heap" $?

QUERN_CONF=engine:slob preloaded true 2>"$tmp/err"
[ $? -eq 2 ] && grep -q "bad value 'slob' for key engine; allowed: .*buddy" \
	"$tmp/err"
ok "an engine that there is not is refused" $?

# No process pays for them but those that run on one
QUERN_CONF=engine:buddy preloaded true 2>"$tmp/err"
[ $? -eq 2 ] && grep -q 'LD_PRELOAD=.*libquern.so:.*libquern-engines.so' \
	"$tmp/err"
ok "without libquern-engines.so an engine says how it is had" $?

cp "$lib" "$tmp/libquern.so"
"$quern" run --library="$tmp/libquern.so" --engine=buddy -- true 2>"$tmp/err"
[ $? -eq 125 ] && grep -q "libquern-engines.so is not beside $tmp/libquern.so" \
	"$tmp/err"
ok "quern run tells where the engines should be" $?

# 64 GB are refused; it goes on with what it gets
(ulimit -v 3000000 && lib=$with_engines &&
	QUERN_CONF=engine:buddy preloaded sh -c 'echo ran') \
	>"$tmp/out" 2>&1
[ "$(cat "$tmp/out")" = ran ]
ok "an engine makes do with less address space" $?

if command -v gawk >/dev/null && [ -f "$build/bench/share.so" ]; then
	(cd "$build" && ROUNDS=1 "$top/bench/engines/share.sh" gawk) \
		>"$tmp/share" 2>&1 &&
		[ "$(grep -c '^gawk ' "$tmp/share")" = 3 ] &&
		grep -q 'calls that' "$tmp/share"
	ok "the heap's share of gawk's time is told" $?
else
	skip "the heap's share of gawk's time is told" "no gawk, or not built"
fi

finish
