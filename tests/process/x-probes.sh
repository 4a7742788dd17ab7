#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-probes.sh - the probes that tracers find in libquern.so: their notes, the instructions where
# they are, and what they tell of a program.

. "$(dirname "$0")/../x.sh"

explain()
{
	show "$tmp/notes"
}

readelf -n "$lib" 2>"$tmp/null" >"$tmp/notes"
grep -q otel_memory "$tmp/notes" || {
	skip 'probes' 'built without sys/sdt.h'
	finish
}

# Name, address and arguments of each
awk '$1 == "Provider:" { provider = $2 }
	$1 == "Name:" { name = $2 }
	$1 == "Location:" { at = $2; sub(",", "", at); semaphore = $6 }
	$1 == "Arguments:" { sub("^ *Arguments: ", ""); print provider, name, at, semaphore, $0 }' \
	"$tmp/notes" >"$tmp/probes"
ok 'all are of OpenTelemetry'"'"'s memory profiling' \
	[ -z "$(awk '$1 != "otel_memory"' "$tmp/probes")" ]
ok 'there are alloc and free' \
	[ "$(echo $(awk '{ print $2 }' "$tmp/probes" | sort -u))" = 'alloc free' ]
ok 'alloc has three arguments of 8 bytes' \
	[ -z "$(awk '$2 == "alloc" && (NF != 7 || gsub(/(^| )8@/, "&") != 3)' "$tmp/probes")" ]
ok 'free has one' \
	[ -z "$(awk '$2 == "free" && (NF != 5 || gsub(/(^| )8@/, "&") != 1)' "$tmp/probes")" ]
ok 'none has a semaphore to be set' \
	[ -z "$(awk '$4 !~ /^0x0+$/' "$tmp/probes")" ]

objdump -d --no-show-raw-insn "$lib" >"$tmp/code"
is_nop() # address: what is there is a no-op
{
	at=$(printf %x "$1")
	grep -q "^ *$at:[ 	]*nop" "$tmp/code"
}
status=0
while read -r provider name at rest; do
	is_nop "$at" || status=1
done <"$tmp/probes"
ok 'each is a no-op instruction' $status

# The fast paths have none: no probe lies in malloc, free or their kin
awk '/^[0-9a-f]+ <.*>:$/ { in_fast = $2 ~ /^<(malloc|free|calloc|realloc|_Znwm|_ZdlPv)>:$/ }
	in_fast && /^ *[0-9a-f]+:/ { sub(":", "", $1); print $1 }' "$tmp/code" >"$tmp/fast"
status=0
while read -r provider name at rest; do
	! grep -qx "$(printf %x "$at")" "$tmp/fast" || status=1
done <"$tmp/probes"
ok 'none is in malloc or free itself' [ -s "$tmp/fast" -a $status = 0 ]

# --- as tracers list them

if command -v bpftrace >"$tmp/null" && bpftrace -l "usdt:$lib:*" >"$tmp/list" 2>"$tmp/err" &&
	[ -s "$tmp/list" ]; then
	ok 'bpftrace lists alloc' grep -q ':otel_memory:alloc$' "$tmp/list"
	ok 'and free' grep -q ':otel_memory:free$' "$tmp/list"
else
	skip 'bpftrace lists them' 'no bpftrace that works here'
fi
if command -v perf >"$tmp/null" &&
	perf --buildid-dir "$tmp/ids" buildid-cache --add "$lib" >"$tmp/null" 2>&1 &&
	perf --buildid-dir "$tmp/ids" list sdt >"$tmp/list" 2>"$tmp/null" &&
	[ -s "$tmp/list" ]; then
	ok 'perf lists them' [ "$(grep -c 'sdt_otel_memory:\(alloc\|free\)' "$tmp/list")" = 2 ]
else
	skip 'perf lists them' 'no perf that works here'
fi

# --- what they tell, seen by gdb

cat >"$tmp/work.c" <<'END'
#include <stdlib.h>

static void *p[4000];

int main(void)
{
	for (int i = 0; i < 400000; i++) {
		void **at = &p[i % 4000];

		if (i % 7 == 0)
			*at = realloc(*at, 300 + i % 10);
		else {
			free(*at);
			*at = malloc(100 + i % 50);
		}
	}
	return 0;
}
END
must $cc $flags -o "$tmp/work" "$tmp/work.c"
cat >"$tmp/gdb" <<END
set pagination off
set confirm off
set breakpoint pending on
set startup-with-shell off
set environment LD_PRELOAD $lib
set environment QUERN_CONF sample:4K,seed:1,helper:0
break -probe-stap otel_memory:alloc
commands
silent
printf "alloc %lx %lu %lu\\n", \$_probe_arg0, \$_probe_arg1, \$_probe_arg2
continue
end
break -probe-stap otel_memory:free
commands
silent
printf "free %lx\\n", \$_probe_arg0
continue
end
run
END
if command -v gdb >"$tmp/null"; then
	timeout 120 gdb -nx -batch -x "$tmp/gdb" "$tmp/work" >"$tmp/out" 2>"$tmp/err"
	grep '^alloc \|^free ' "$tmp/out" >"$tmp/events"
else
	: >"$tmp/events"
fi
if [ -s "$tmp/events" ]; then
	tail -n 3 "$tmp/out" >"$tmp/notes"
	ok 'each free is of what was told, and nothing is told twice' \
		awk '$1 == "alloc" { if (live[$2]++) bad = 1; nr++ }
			$1 == "free" { if (!live[$2]) bad = 1; live[$2] = 0 }
			END { exit bad || nr < 20 }' "$tmp/events"
	ok 'sizes are those that were asked for' \
		awk '$1 == "alloc" && !($3 >= 100 && $3 < 150 || $3 >= 300 && $3 < 310) { exit 1 }' \
		"$tmp/events"
	ok 'weights are what a sample stands for' \
		awk '$1 == "alloc" && !($4 >= 4096 && $4 % 4096 == 0) { exit 1 }' "$tmp/events"
else
	skip 'what probes tell' 'no gdb that works here'
fi

finish
