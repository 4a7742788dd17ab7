#!/bin/bash
# SPDX-License-Identifier: MIT
#
# x-doctor.sh - quern doctor: for each thing that keeps a program from being served, a
# program with it; processes with and without quern; every wrong use.

. "$(dirname "$0")/../x.sh"
quern=${QUERN:-$top/build/quern}
lib=$(realpath "$lib")
cd "$tmp" || exit 99
unset QUERN_CONF LD_PRELOAD PYTHONMALLOC

explain()
{
	show out
	show err
}

doctor() # ARGUMENTS: out, err and $status
{
	timeout -k 5 60 "$quern" doctor "$@" >out 2>err </dev/null
	status=$?
}

# One finding a paragraph, for grep: continued lines are joined
findings()
{
	awk '/^ /{ sub(/^ +/, " "); line = line $0; next }
		{ if (line) print line; line = $0 } END { print line }' out
}

finds() # VERDICT TOPIC TEXT
{
	findings | grep -q "^$1 *$2 *.*$3"
}

# ok TITLE STATUS VERDICT TOPIC TEXT: of the last doctor
told()
{
	[ "$status" = "$2" ] && [ ! -s err ] && finds "$3" "$4" "$5" &&
		! grep -q '.\{81\}' out
	ok "$1" $?
}

# ---- programs ----

echo 'int main(void) { return 0; }' >prog.c
must $cc -o prog prog.c

doctor -- ./prog
told "a plain program can be served" 0 ok loader "takes malloc from libquern.so"
ok "the first line says so" test "$(head -1 out)" = \
	"quern can serve this program: quern run."

if $cc -static -o static prog.c 2>/dev/null; then
	doctor -- ./static
	told "a static program cannot" 1 NO program "linked statically"
	ok "the first line says so" test "$(head -1 out)" = \
		"quern cannot serve all of this program; NO says why:"
else
	skip "a static program cannot" "no static C library"
fi

if command -v musl-gcc >/dev/null && musl-gcc -o musl prog.c 2>/dev/null; then
	doctor -- ./musl
	told "a program for musl cannot" 1 NO program "musl"
else
	skip "a program for musl cannot" "no musl-gcc"
fi

cp prog root
if [ "$(id -u)" = 0 ] && chown 65534 root && chmod u+s root; then
	doctor -- ./root
	told "one that changes its user cannot" 1 NO program "changes its user"
else
	skip "one that changes its user cannot" "needs root"
fi

cp prog other
printf '\1' | dd of=other bs=1 seek=4 conv=notrunc 2>/dev/null
doctor -- ./other
told "one of another word size cannot" 1 NO program "word size"
cp prog other
printf '\367\0' | dd of=other bs=1 seek=18 conv=notrunc 2>/dev/null
doctor -- ./other
told "one for another processor cannot" 1 NO program "another processor"

for one in address:AddressSanitizer thread:ThreadSanitizer; do
	if $cc -fsanitize=${one%:*} -o sanitized prog.c 2>/dev/null; then
		doctor -- ./sanitized
		told "one built with ${one#*:} cannot" 1 NO sanitizer "${one#*:}"
	else
		skip "one built with ${one#*:} cannot" "no such library"
	fi
done

cat >own.c <<'END'
#include <stddef.h>
static char room[1 << 20];
static size_t at;
void *NAME(size_t n) { void *p = room + at; at += (n + 15) & ~15ul; return p; }
int main(void) { return NAME(1) == 0; }
END
must $cc -w -fno-builtin -rdynamic -DNAME=malloc -o own own.c
doctor -- ./own
told "one with its own malloc cannot" 1 NO "own malloc" "malloc of its own"
must $cc -w -fvisibility=hidden -fno-builtin -DNAME=malloc -o own own.c
doctor -- ./own
told "nor one that hides it" 1 NO "own malloc" "malloc of its own"
must $cc -w -DNAME=_rjem_mallocx -o own own.c
doctor -- ./own
told "nor one with jemalloc under another name" 1 NO "own malloc" "jemalloc is linked"
cat >own.c <<'END'
#include <stdio.h>
int main(int argc, char **argv) { return argc > 9 ? puts("<jemalloc>: no") : 0; }
END
must $cc -s -o own own.c
doctor -- ./own
told "also where it is stripped" 1 NO "own malloc" "jemalloc is linked"

jemalloc=$(ldconfig -p 2>/dev/null | sed -n 's/.*libjemalloc.so.2 .*=> //p' | head -1)
if [ -n "$jemalloc" ]; then
	must $cc -o linked prog.c -Wl,--no-as-needed "$jemalloc"
	doctor -- ./linked
	told "one that is linked with jemalloc can" 0 note linked "libjemalloc"
else
	skip "one that is linked with jemalloc can" "no jemalloc"
fi

printf '#!%s/prog\n' "$tmp" >script
chmod +x script
doctor -- ./script
told "a script is its interpreter" 0 ok script "interpreter, $tmp/prog"
printf '#!/usr/bin/env -S A=b prog -x\n' >script
PATH=$tmp:$PATH doctor -- ./script
told "also behind env" 0 ok script "interpreter, $tmp/prog"
if [ -x static ]; then
	printf '#!%s/static\n' "$tmp" >script
	doctor -- ./script
	told "whose faults it has" 1 NO program "linked statically"
fi
printf '#!/nowhere/at/all\n' >script
doctor -- ./script
told "an interpreter that is not there is told" 1 NO program "may be missing"
echo 'echo hello' >text
chmod +x text
doctor -- ./text
told "a file that is no program is told" 1 NO program "no program"
head -c 100 prog >cut
chmod +x cut
doctor -- ./cut
told "half of a program does no harm" 1 NO loader "does not tell"

if command -v objcopy >/dev/null; then
	objcopy --add-section .go.buildinfo=text prog goes 2>/dev/null
	doctor -- ./goes
	told "a program in Go is told" 0 note language "written in Go"
fi
cp prog python3
doctor -- ./python3
told "Python's own allocator is told" 0 note language "PYTHONMALLOC"
export PYTHONMALLOC=malloc
doctor -- ./python3
ok "and not where it is off" test "$(grep -c PYTHONMALLOC out)" = 0

cp "$lib" ./libquern.so
doctor --library=./libquern.so -- ./prog
told "another libquern.so can be named" 0 ok library "$tmp/libquern.so"
echo nothing >libquern.so
doctor --library=./libquern.so
told "one that does not work is told" 1 NO library "malloc is that of"

# ---- processes ----

sleep 60 &
pid=$!
LD_PRELOAD=$lib sleep 60 &
served=$!
sleep 0.3
doctor $pid
told "a process without quern is told" 1 NO active "started without"
doctor $served
told "and one with it" 0 ok active "serves process $served: $lib"
LD_PRELOAD=$tmp/nowhere/libquern.so sleep 60 2>/dev/null &
failed=$!
sleep 0.3
doctor $failed
told "one whose library is not there" 1 NO active "could not load the file"
kill $pid $served $failed
wait $pid $served $failed 2>/dev/null

# ---- the system ----

doctor
told "without a program the system is looked at" 0 ok library "serves a process"
[ ! -r /proc/sys/vm/overcommit_memory ] ||
	ok "overcommit is told" finds "ok\|note" overcommit \
		"overcommit_memory is $(cat /proc/sys/vm/overcommit_memory)"
(ulimit -v 4000000 && doctor && finds note limit "RLIMIT_AS is 3.81 GiB")
ok "a limit of address space is told" $?
LD_PRELOAD=/lib/nowhere.so doctor 2>/dev/null
ok "LD_PRELOAD of the shell is told" finds note preloaded "/lib/nowhere.so"

json()
{
	doctor --json -- ./prog
	[ $status = 0 ] && python3 -c '
import json
d = json.load(open("out"))
assert d["format"] == 1 and d["works"] is True
assert {c["verdict"] for c in d["checks"]} <= {"ok", "note", "no"}
assert any(c["topic"] == "loader" for c in d["checks"])'
}
ok "the JSON is sound" json

# ---- wrong uses ----

refuses() # TITLE STATUS MESSAGE ARGUMENTS
{
	title=$1 wanted=$2 message=$3
	shift 3
	doctor "$@"
	[ $status = "$wanted" ] && grep -q -- "$message" err && [ ! -s out ]
	ok "$title" $?
}
refuses "a program that is not there" 127 "no program" -- ./missing
refuses "a directory" 126 "directory" -- "$tmp"
refuses "a process that is not there" 125 "no process" 2147483647
refuses "two processes" 125 "one process" 1 2
refuses "an unknown option" 125 "frobnicate" --frobnicate
finish
