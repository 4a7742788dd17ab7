#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-flame.sh - quern flame: each format holds what the program did, to the byte for a
# trace, and is read back by somebody else: ms_print, xmllint, a reader of profile.proto
# in Python. From a file, a pipe, a run's samples, a process that lives. Each wrong use
# ends in a message.

. "$(dirname "$0")/../x.sh"
quern=${QUERN:-$top/build/quern}
python=$(command -v /usr/bin/python3 || command -v python3)

says()
{
	grep -q -- "$2" "$1"
}

refuses() # MESSAGE ARGUMENTS...
{
	pattern=$1
	shift
	"$quern" flame "$@" >out 2>err </dev/null
	[ $? = 125 ] && says err "$pattern" && [ "$(wc -l <err)" = 1 ]
}

cat >"$tmp/holds.c" <<'END'
#include <stdlib.h>
#include <stdio.h>
#include <unistd.h>

#define APART __attribute__((noipa))

static void *volatile kept;

/* In use at the peak: 1000 blocks of 300 bytes and 100 of 5000; at the end the 1000 */
APART void keeper(void) { void **p = malloc(300); *p = kept; kept = p; }
APART void *holder(void) { char *p = malloc(5000); *p = 1; return p; }
APART void churner(void) { char *p = malloc(64); *p = 1; free(p); }

int main(int argc, char **argv)
{
	static void *held[100];

	for (int i = 0; i < 20000; i++)
		churner();
	for (int i = 0; i < 1000; i++)
		keeper();
	for (int i = 0; i < 100; i++)
		held[i] = holder();
	for (int i = 0; i < 100; i++)
		free(held[i]);
	for (int i = 0; i < 20000; i++)
		churner();
	if (argc > 1) {
		for (int i = 0; i < 20000; i++)
			keeper();
		printf("%d\n", (int)getpid());
		fflush(stdout);
		sleep(30);
	}
	return 0;
}
END
must $cc $flags -w -o "$tmp/holds" "$tmp/holds.c"
cd "$tmp" || exit 99
unset QUERN_CONF LD_PRELOAD
must "$quern" record --sites -o h.qt -- ./holds 2>/dev/null

folded() # OF: the program's own sites, "function bytes", sorted
{
	"$quern" flame --folded --of="$1" h.qt |
		sed -nE 's/^(main;)?(keeper|holder|churner)(;malloc)? ([0-9]+)$/\2 \4/p' |
		sort
}

[ "$(folded peak | tr '\n' ' ')" = "holder 500000 keeper 300000 " ] &&
	[ "$(folded leaked)" = "keeper 300000" ]
ok "bytes at the peak and at the end" $?
[ "$(folded bytes | tr '\n' ' ')" = "churner 1280000 churner 1280000 holder 500000 keeper 300000 " ] &&
	[ "$(folded count | tr '\n' ' ')" = "churner 20000 churner 20000 holder 100 keeper 1000 " ]
ok "bytes and calls of all of it" $?

"$quern" flame -o h.svg h.qt && "$quern" flame h.qt >again.svg && cmp h.svg again.svg &&
	"$quern" flame - <h.qt >again.svg && cmp h.svg again.svg &&
	must mkfifo fifo && { cat h.qt >fifo & } && "$quern" flame fifo >again.svg &&
	cmp h.svg again.svg &&
	cat h.qt | "$quern" flame -o - - >again.svg && cmp h.svg again.svg &&
	says h.svg '<title>holder: 488 KiB, 6[0-9]' && says h.svg 'holds: bytes in use at the peak' &&
	! says h.svg 'http[^"]*//[^w]'
ok "a picture, into a file and through pipes" $?
if command -v xmllint >/dev/null; then
	xmllint --noout h.svg 2>err && [ ! -s err ] &&
		[ "$(xmllint --xpath 'count(//*[local-name()="script"])' h.svg)" = 1 ]
	ok "it is well-formed" $?
else
	skip "it is well-formed" "no xmllint"
fi

if command -v ms_print >/dev/null; then
	"$quern" flame --massif -o massif.out h.qt && ms_print massif.out >ms 2>err &&
		[ ! -s err ] && says ms '(peak)' && says ms '500,000B) .*: holder' &&
		says ms '300,000B) .*: keeper' &&
		grep -A1 '300,000B) .*: keeper' ms | grep -q '300,000B) .*: main'
	ok "ms_print reads massif's file" $?
else
	skip "ms_print reads massif's file" "no ms_print"
fi

"$quern" flame --pprof -o h.pb.gz h.qt 2>err
if [ $? = 125 ] && says err 'without zlib'; then
	skip "pprof's profile" "built without zlib"
elif [ -n "$python" ]; then
	"$python" - h.pb.gz >got <<'END'
import gzip, sys

def fields(b):
    at = 0
    def varint():
        nonlocal at
        n = shift = 0
        while True:
            byte = b[at]; at += 1
            n |= (byte & 127) << shift; shift += 7
            if byte < 128:
                return n
    while at < len(b):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        else:
            assert key & 7 == 2, key
            size = varint()
            yield key >> 3, b[at:at + size]; at += size
    assert at == len(b)

def numbers(b):
    n, shift, out = 0, 0, []
    for byte in b:
        n |= (byte & 127) << shift; shift += 7
        if byte < 128:
            out.append(n); n = shift = 0
    return out

p = list(fields(gzip.open(sys.argv[1]).read()))
strings = [v.decode() for k, v in p if k == 6]
assert strings[0] == ""
types = [strings[dict(fields(v))[1]] + "/" + strings[dict(fields(v))[2]] for k, v in p if k == 1]
assert types == ["alloc_objects/count", "alloc_space/bytes", "inuse_objects/count",
                 "inuse_space/bytes", "peak_objects/count", "peak_space/bytes"], types
functions = {dict(fields(v))[1]: strings[dict(fields(v))[2]] for k, v in p if k == 5}
places = {}
for k, v in p:
    if k == 4:
        f = dict(fields(v))
        places[f[1]] = functions[dict(fields(f[4]))[1]]
sums = {}
for k, v in p:
    if k == 2:
        f = dict(fields(v))
        names = [places[i] for i in numbers(f[1])]
        values = numbers(f[2])
        assert len(values) == 6
        for name in ("keeper", "holder", "churner"):
            if name in names and "main" in names[names.index(name):]:
                old = sums.get(name, [0] * 6)
                sums[name] = [a + b for a, b in zip(old, values)]
for name in sorted(sums):
    print(name, *sums[name])
END
	[ $? = 0 ] && [ "$(tr '\n' ' ' <got)" = "churner 40000 2560000 0 0 0 0 holder 100 500000 0 0 100 500000 keeper 1000 300000 1000 300000 1000 300000 " ]
	ok "pprof's profile" $?
fi
if [ -n "$python" ]; then
	"$quern" flame --speedscope --of=leaked -o h.json h.qt && "$python" - h.json <<'END'
import json, sys
d = json.load(open(sys.argv[1]))
assert d["$schema"] == "https://www.speedscope.app/file-format-schema.json"
frames = [f["name"] for f in d["shared"]["frames"]]
p, = d["profiles"]
assert p["type"] == "sampled" and p["unit"] == "bytes" and p["startValue"] == 0
assert len(p["samples"]) == len(p["weights"]) and p["endValue"] == sum(p["weights"])
kept = [w for s, w in zip(p["samples"], p["weights"])
        if [frames[i] for i in s][:2] == ["main", "keeper"]]
assert kept == [300000], kept
END
	ok "speedscope's JSON" $?
fi

mkdir pages
"$quern" run --sites --conf=sample:4096,seed:1,stats:"$tmp/pages" ./holds 2>err &&
	"$quern" flame --folded --of=bytes pages/*.qstat >out &&
	awk '/churner/ { n += $NF } END { exit n < 2000000 || n > 3200000 }' out &&
	"$quern" flame --folded --of=leaked - <"$(ls pages/*.qstat)" >out &&
	says out '^main;keeper' && ! says out holder &&
	refuses 'do not tell what was in use at the peak' --of=peak "$(ls pages/*.qstat)"
ok "a run's samples" $?

"$quern" run --sites --conf=sample:4096 ./holds wait >ready 2>err &
run=$!
i=0
while [ ! -s ready ] && [ $i -lt 100 ]; do
	sleep 0.1
	i=$((i + 1))
done
pid=$(cat ready)
"$quern" flame --folded --pid="$pid" >out 2>err2 &&
	awk '/^main;keeper/ { n += $NF } END { exit n < 4000000 || n > 8500000 }' out
ok "a process that lives" $?
kill "$run"
wait "$run" 2>/dev/null

"$quern" record -o plain.qt -- ./holds 2>/dev/null
"$quern" run --conf=stats:"$tmp/pages" true 2>/dev/null
rm -f pages/*
"$quern" run --conf=stats:"$tmp/pages" ./holds 2>/dev/null
refuses 'needs a trace or a statistics file' &&
	refuses 'one of them' --pid=1 h.qt &&
	refuses 'choose one of' --folded --pprof h.qt &&
	refuses "cannot read 'not.there'.*check the path" not.there && refuses 'no call sites' plain.qt &&
	refuses 'no call sites' "$(ls pages/*.qstat)" &&
	refuses 'give any, peak, leaked, bytes or count' --of=all h.qt &&
	refuses 'has 1, from 0 on' --process=7 h.qt &&
	refuses 'cannot write' -o /not/there h.qt &&
	refuses 'shows no statistics' --pid=$$ &&
	refuses 'there is no process 2147483647' --pid=2147483647 &&
	head -c 100 h.qt >cut.qt && { "$quern" flame cut.qt >out 2>err; [ $? = 125 ]; }
ok "wrong uses" $?
if [ -c /dev/full ]; then
	"$quern" flame h.qt >/dev/full 2>err
	[ $? = 125 ] && says err 'No space'
	ok "a full disk is told" $?
fi
finish
