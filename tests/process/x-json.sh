#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-json.sh - what --json prints is one object of one shape: it has a format, each key is
# explained in the command's manual page, and its figures are those of the text.

. "$(dirname "$0")/../x.sh"
quern=${QUERN:-$top/build/quern}
cd "$tmp" || exit 99
own_rundir

explain()
{
	show why
}

command -v python3 >null || {
	skip 'objects of all commands' 'no python3'
	finish
}

# Names below maps, which are the program's own, are no keys: of knobs and settings
cat >check.py <<'END'
import json, re, subprocess, sys
name, path, test = sys.argv[1:4]
o = json.load(open(path))
page = subprocess.run([sys.argv[4], "help", "--page", name], capture_output=True, text=True).stdout
section = page.split(".SH JSON\n")[1].split(".SH ")[0]
words = set(re.findall(r"[a-z_]+", section))

def keys(value):
    if isinstance(value, list):
        for one in value:
            yield from keys(one)
    elif isinstance(value, dict):
        for key, one in value.items():
            yield key
            if key != "knobs":
                yield from keys(one)

unknown = sorted(set(keys(o)) - words)
assert not unknown, "the page of %s does not name: %s" % (name, ", ".join(unknown))
assert o["format"] == 1, "no format"
assert eval(test), "not true: %s of %s" % (test, json.dumps(o)[:500])
END
holds() # COMMAND FILE CONDITION: of the object o
{
	python3 check.py "$1" "$2" "$3" "$quern" 2>why
}

cat >program.c <<'END'
#include <stdlib.h>
static void *volatile p[1000];
int main(void)
{
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 1000; i++)
			p[i] = malloc(100);
		for (int i = 0; i < 1000; i++)
			free(p[i]);
	}
	return 0;
}
END
must $cc $flags -o program program.c

"$quern" record --json -o t.qt -- ./program 2>out
ok 'record' holds record out \
	'o["events"] >= 40000 and o["processes"] == 1 and o["lost"] == 0 and o["bytes"] > 0 and o["file"] == "t.qt"'
"$quern" trace info --json t.qt >out
ok 'trace info' holds trace out 'o["processes"][0]["peak_live"] >= 100000'
"$quern" trace histogram --json t.qt >out
ok 'trace histogram' holds trace out \
	'sum(s["blocks"] for s in o["sizes"]) >= 20000 and any(s["from"] <= 100 <= s["to"] and s["blocks"] >= 20000 and s["bytes"] >= 2000000 for s in o["sizes"]) and sum(s["blocks"] for s in o["lifetimes"]) >= 20000'
"$quern" trace histogram --csv t.qt >csv
csv_agrees()
{
	python3 -c '
import csv, json
o, rows = json.load(open("out")), list(csv.DictReader(open("csv")))
for key, what in (("sizes", "size"), ("lifetimes", "lifetime")):
    assert o[key] == [{k: int(r[k]) for k in ("from", "to", "blocks", "bytes")}
                      for r in rows if r["what"] == what], key
' 2>why
}
ok 'and it has the figures of --csv' csv_agrees
"$quern" trace cut --json --heap=50K -o cut.qt t.qt >out
ok 'trace cut' holds trace out \
	'o["peak_live_kept"] <= 51200 < o["peak_live"] and 0 < o["objects_kept"] < o["objects"] and o["written"] == "cut.qt"'
"$quern" trace cut --json --heap=50K -o - t.qt >piped.qt 2>out
ok 'which leaves standard output to the trace' holds trace out 'o["written"] == "-"'
ok 'that is one' cmp -s cut.qt piped.qt
"$quern" trace histogram --json --csv t.qt >out 2>why
ok 'two forms at once are refused' [ $? = 125 ]
"$quern" trace convert --json --to=text t.qt >out 2>why
ok 'so is a form of nothing' [ $? = 125 ]
"$quern" replay --json t.qt >out
ok 'replay' holds replay out 'o["calls"] >= 40000 and o["peak_used"] >= o["peak_live"]'
"$quern" tune --json --tries=20 -o knobs t.qt >out 2>err
ok 'tune' holds tune out \
	'o["tried"] >= 20 and o["learned"] > 0 and (o["written"] is None) == (o["knobs"] is None)'
if [ -e knobs ]; then
	ok 'tune names the knobs that it writes' holds tune out \
		'o["written"] == "knobs" and set(o["knobs"]) == {l.split()[1] for l in open("knobs") if l.startswith("knob ")}'
else
	ok 'tune names no file that it does not write' holds tune out 'o["written"] is None'
fi
"$quern" train --json --events=10000 --mixes=2 --episodes=16 --seeds=2 -o w.h t.qt >out 2>err
ok 'train' holds train out \
	'[s["seed"] for s in o["seeds"]] == [1, 2] and o["seed"] in (1, 2) and len(o["seeds"][0]["learned"]["prices"]) == 4 and o["seeds"][0]["left_out"] is None'
for seed in 1 2; do
	"$quern" run --json --report=$seed.json -- ./program
done
"$quern" merge --json -o profile 1.json 2.json:3 >out
ok 'merge' holds merge out \
	'o["runs"] == 4 and o["peak_live_most"] >= o["peak_live_mean"] > 0 and abs(sum(s["calls"] for s in o["sizes"]) - 1) < 1e-3'
has_profile()
{
	awk '$1 == "allocations" { print $2 }' profile >number
	holds merge out 'float(open("number").read()) == o["allocations_mean"]'
}
ok 'and it has the figures of the profile' has_profile
"$quern" merge --json -o - 1.json >profile2 2>out
ok 'which leaves standard output to the profile' holds merge out 'o["written"] == "-"'
if [ -e "$(dirname "$quern")/plugin/gcc/quern.so" ]; then
	must gcc -fplugin="$(dirname "$quern")/plugin/gcc/quern.so" -O2 -fno-builtin \
		-c -o hints.o program.c
	"$quern" hints --json --heap=64K hints.o >out
	ok 'hints' holds hints out 'o["sites"] == 1 and o["heap"]["fits"] and o["records"][0]["size_max"] == 100'
else
	skip 'hints' 'no plugin for gcc'
fi
"$quern" compare --json --rounds=2 --with=glibc --with=quern -- ./program >out 2>err
ok 'compare' holds compare out 'len(o["candidates"]) == 2 and o["rounds"] == 2'
"$quern" doctor --json -- ./program >out
ok 'doctor' holds doctor out 'o["works"] and len(o["checks"]) > 0'
QUERN_CONF=live:1 preloaded sleep 30 &
pid=$!
for i in $(seq 100); do
	"$quern" top --json --count=1 >out 2>err && grep -q '"pid"' out && break
	sleep 0.05
done
ok 'top' holds top out 'len(o["processes"]) == 1 and o["processes"][0]["program"] == "sleep"'
kill $pid
wait $pid 2>null
cat >looks.c <<'END'
#include <stdlib.h>
#include <time.h>
static void *volatile p;
int main(void)
{
	for (;;) {
		for (int i = 0; i < 100000; i++)
			free((void *)(p = malloc(100 + i % 1000)));
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
}
END
must $cc $flags -o looks looks.c
QUERN_CONF=live:1 LD_PRELOAD=$lib ./looks &
pid=$!
for i in $(seq 100); do
	"$quern" ctl --json $pid profile decisions >out 2>err && break
	sleep 0.05
done
ok 'ctl' holds ctl out 'o["policy"] == "rule" and o["knobs"]["price"] == 2 and o["profile"]["samples"] > 0'
kill $pid
wait $pid 2>null
if [ -x /usr/bin/sqlite3 ] || [ -x /usr/bin/gawk ] || [ -x /usr/bin/python3 ]; then
	"$quern" demo --json --rounds=1 >out 2>err
	ok 'demo' holds demo out \
		'o["rounds"] == 1 and all(p["missing"] or (p["allocations"] > 1000000 and p["candidates"][0]["cpu"]["to_first"] == 1) for p in o["programs"])'
else
	skip 'demo' 'none of its programs is here'
fi
finish
