#!/bin/bash
# SPDX-License-Identifier: MIT
#
# x-compare.sh - quern compare: who takes part, what is measured, what is said, every wrong
# use. Its programs are small and its rounds are few, so no test is of a difference in time.

. "$(dirname "$0")/../x.sh"
quern=${QUERN:-$top/build/quern}
libdir=$(dirname "$lib")
cd "$tmp" || exit 99
mkdir scratch
export TMPDIR=$tmp/scratch
unset QUERN_CONF LD_PRELOAD
jemalloc=$(ldconfig -p 2>/dev/null | sed -n 's/.*libjemalloc.so.2 .*=> //p' | head -1)

explain()
{
	head -n 20 out | show /dev/stdin
	show err
}

compare() # ARGUMENTS: out, err and $status
{
	timeout -k 5 120 "$quern" compare "$@" >out 2>err </dev/null
	status=$?
}

says()
{
	grep -q -- "$1" err
}

prints()
{
	grep -q -- "$1" out
}

# A figure of the JSON in out; "None" where it is null
json() # PYTHON EXPRESSION of d, of c by name
{
	python3 - "$1" <<'END'
import json, sys
d = json.load(open("out"))
c = {x["given"]: x for x in d["candidates"]}
print(eval("(" + sys.argv[1] + ")"))
END
}

is() # EXPRESSION: true in the JSON
{
	[ "$(json "$1")" = True ]
}

cat >prog.c <<'END'
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char *volatile keep;

static void hold(size_t size, int msec)
{
	keep = malloc(size);
	memset(keep, 1, size);
	usleep(1000 * msec);
}

static int is_under(const char *name)
{
	const char *list = getenv("LD_PRELOAD");

	return list && strstr(list, name);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	char line[100];

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!strcmp(what, "hold"))
		hold(50 << 20, 300);
	else if (!strcmp(what, "pair")) {
		pid_t pid = fork();

		hold(30 << 20, 400);
		if (pid)
			waitpid(pid, NULL, 0);
	} else if (!strcmp(what, "env"))
		printf("%s %s\n", getenv("LD_PRELOAD") ?: "-", getenv("QUERN_CONF") ?: "-");
	else if (!strcmp(what, "differ"))
		printf("one\ntwo\n%s\n", is_under("libquern") ? "drei" : "three");
	else if (!strcmp(what, "random"))
		printf("%d\n", (int)getpid());
	else if (!strcmp(what, "fail") && is_under("libquern")) {
		fputs("it went wrong here\n", stderr);
		return 3;
	} else if (!strcmp(what, "crash") && is_under("libquern"))
		raise(SIGSEGV);
	else if (!strcmp(what, "abort"))
		abort();
	else if (!strcmp(what, "seven"))
		return 7;
	else if (!strcmp(what, "cat"))
		while (fgets(line, sizeof(line), stdin))
			fputs(line, stdout);
	else if (!strcmp(what, "serve")) {
		close(creat("ready", 0600));
		for (;;)
			pause();
	} else if (!strcmp(what, "stubborn")) {
		signal(SIGTERM, SIG_IGN);
		close(creat("ready", 0600));
		for (;;)
			pause();
	}
	return 0;
}
END
must $cc -O1 -w -o prog prog.c

# ---- wrong uses ----

refuses() # TITLE, STATUS, MESSAGE, ARGUMENTS
{
	title=$1 wanted=$2 message=$3
	shift 3
	compare "$@"
	[ $status = "$wanted" ] && says "$message" && [ ! -s out ]
	ok "$title" $?
}

refuses "no program is an error" 125 "needs a program"
refuses "an unknown option is an error" 125 "frobnicate" --frobnicate -- ./prog
refuses "no rounds are an error" 125 "" -n 0 -- ./prog
refuses "too many rounds are an error" 125 "250" -n 251 -- ./prog
refuses "rounds are a number" 125 "" -n many -- ./prog
refuses "a program that is not there is an error" 127 "no program" -- ./missing
refuses "a directory is an error" 126 "directory" -- ./scratch
refuses "--json and --markdown exclude each other" 125 "only one of these" \
	--json --markdown -- ./prog
refuses "--svg=- and --json exclude each other" 125 "only one of these" \
	--json --svg=- -- ./prog
refuses "a file that cannot be written is found before the first run" 125 \
	"cannot write" --svg=missing/x.svg -- ./prog
refuses "an unknown allocator is an error" 125 "no such allocator" \
	--with=glibc,nomalloc -- ./prog
refuses "an empty name is an error" 125 "no such allocator" --with=glibc, -- ./prog
refuses "a library that is not there is an error" 125 "cannot read" \
	--with=glibc,./missing.so -- ./prog
refuses "one allocator alone is an error" 125 "nothing to compare" \
	--with=glibc -- ./prog
refuses "a setting that is none is an error" 125 "polizei" \
	--with=glibc,quern:policy=polizei -- ./prog
refuses "a libquern.so that is not there is an error" 125 "" \
	--library=./missing.so -- ./prog
refuses "an empty command of --until is an error" 125 "needs a value" \
	--until= -- ./prog

echo 'int f(void) { return 1; }' >none.c
must $cc -shared -fPIC -o none.so none.c
refuses "a library without a malloc is an error" 125 "no library with a malloc" \
	--with=glibc,./none.so -- ./prog
echo hello >text.so
refuses "a file that is no library is an error" 125 "no library with a malloc" \
	--with=glibc,./text.so -- ./prog

if echo 'int main(void) { return 0; }' >static.c &&
	$cc -static -o static static.c 2>/dev/null; then
	refuses "a static program is refused, with the reason" 125 \
		"linked statically" -- ./static
fi
cat >own.c <<'END'
#include <stddef.h>
static char room[1 << 20];
static size_t at;
void *malloc(size_t n) { void *p = room + at; at += (n + 15) & ~15ul; return p; }
void free(void *p) { (void)p; }
void *calloc(size_t a, size_t b) { return malloc(a * b); }
void *realloc(void *p, size_t n) { (void)p; return malloc(n); }
int main(void) { return 0; }
END
must $cc -O1 -w -fno-builtin -rdynamic -o own own.c
refuses "a program with its own malloc is refused" 125 "malloc of its own" -- ./own

# ---- who takes part ----

which_tells()
{
	[ "$(LD_PRELOAD=$lib "$quern" compare --which | cut -f1)" = quern ] &&
		[ "$("$quern" compare --which | cut -f1)" = glibc ]
}
ok "--which tells whose malloc it is" which_tells

compare -n 1 --with=glibc,quern --json -- ./prog
ok "glibc's version is that of the C library" \
	is "c['glibc']['version'] == '$(getconf GNU_LIBC_VERSION | cut -d' ' -f2)'"
ok "quern's version is the command's" \
	is "'quern ' + c['quern']['version'] == '$("$quern" --version)'"

if [ -n "$jemalloc" ]; then
	compare -n 1 --with=jemalloc,"$jemalloc" --json -- ./prog
	version=$(strings -a "$(realpath "$jemalloc")" 2>/dev/null |
		sed -n 's/^\([0-9]*\.[0-9]*\.[0-9]*\)-[0-9]*-g.*/\1/p' | head -1)
	ok "jemalloc's version is that of its file" \
		is "c['jemalloc']['version'] == '${version:-5.3.0}'"
	ok "a library's path names the same one" \
		is "c['$jemalloc']['name'] == c['jemalloc']['name']"
	must $cc -O1 -w -o linked prog.c -Wl,--no-as-needed "$jemalloc"
	compare -n 1 --json -- ./linked
	ok "a program linked with jemalloc is compared to that" \
		is "d['candidates'][0]['allocator'] == 'jemalloc' and
d['candidates'][0]['library'] is None and 'jemalloc' not in c"
	ok "and with glibc preloaded" is "'libc.so' in c['glibc']['library']"
else
	skip "jemalloc's version is that of its file" "no jemalloc"
fi

compare -n 1 --with=glibc,quern:policy=fixed+price=0.75,buddy --json -- ./prog env
ok "quern with settings and an engine take part" is "d['rounds'] == 1 and
c['quern:policy=fixed+price=0.75']['settings'] == 'policy:fixed,price:0.75' and
c['buddy']['settings'] == 'engine:buddy'"

environment()
{
	QUERN_CONF=seed:1 compare -n 1 --with="$1" --must-agree -- ./prog env
	! [ $status = 0 ]
	cat scratch/* 2>/dev/null
	says "something else from line 1"
}
ok "the environment differs by candidate" environment glibc,quern:seed=2

# ---- what is said ----

compare -n 2 --with=glibc,quern -- ./prog
plain()
{
	[ $status = 0 ] && [ ! -s err ] && prints '^\./prog$' && prints 'glibc' &&
		prints "quern" && prints "Advice  None yet" &&
		prints "too few rounds" && prints "output is the same" &&
		! grep -q '.\{81\}' out
}
ok "two rounds give a table and no advice" plain

compare -n 6 --with=glibc,quern,jemalloc -- ./prog hold 2>/dev/null
six()
{
	[ $status = 0 ] && prints "Advice  \(Take\|Stay\)" && prints "95 %" &&
		prints "^Behind  quern" && ! grep -q '.\{81\}' out
}
[ -z "$jemalloc" ] || ok "six rounds give intervals and advice" six

compare -n 2 --with=glibc,quern --json -- ./prog hold
sound_json()
{
	[ $status = 0 ] && is "d['format'] == 1 and d['rounds'] == 2 and
d['program'] == ['./prog', 'hold'] and
all(len(c[x][m]['rounds']) == 2 for x in c for m in ('cpu', 'wall', 'peak', 'average', 'faults'))"
}
ok "the JSON is sound" sound_json
ok "50 MB that are held are the peak" \
	is "all(50 < c[x]['peak']['median'] / 2**20 < 70 for x in c)"
ok "and most of the average" \
	is "all(25 < c[x]['average']['median'] / 2**20 < 70 for x in c)"
ok "and are page faults, of pages small or huge" \
	is "all(c[x]['faults']['median'] >= 25 for x in c)"
ok "300 ms of sleep are wall time, and no CPU time" \
	is "all(c[x]['wall']['median'] >= 0.3 > c[x]['cpu']['median'] for x in c)"

compare -n 1 --with=glibc,quern --json -- ./prog pair
ok "memory of two processes is added up" \
	is "all(60 <= c[x]['peak']['median'] / 2**20 < 90 for x in c)"

compare -n 2 --with=glibc,quern --markdown -- ./prog
markdown()
{
	[ $status = 0 ] && prints '^### ' &&
		[ "$(grep -c '^|.*|.*|.*|.*|.*|$' out)" = 4 ]
}
ok "--markdown prints a table" markdown

quoted()
{
	compare -n 1 --with=glibc,quern -- ./prog '' "a b" "it's"
	[ "$(head -1 out)" = "./prog '' 'a b' 'it'\\''s'" ]
}
ok "the program stands there as a shell takes it" quoted

drawings()
{
	compare -n 2 --with=glibc,quern --svg=x.svg --html=x.html -- ./prog '<a&b>'
	[ $status = 0 ] && prints Advice && python3 - <<'END'
import xml.dom.minidom
for name in ("x.svg", "x.html"):
    text = xml.dom.minidom.parse(name).documentElement.toxml()
    assert "quern" in text and "glibc" in text, name
    assert "<script" not in text and "url(" not in text and "src=" not in text, name
assert "&lt;a&amp;b&gt;" in open("x.html").read()
END
}
ok "--svg and --html are well-formed and need no network" drawings

# A browser draws them, and has nothing to complain of
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
browse() # FILE
{
	timeout -k 5 100 "$chromium" --headless --no-sandbox --disable-gpu \
		--user-data-dir="$tmp/browser" --enable-logging=stderr \
		--dump-dom "file://$tmp/$1" >dom 2>said
	grep -q '<svg' dom && ! grep 'CONSOLE' said
}
pages_are_drawn()
{
	browse x.html && browse x.svg
}
if [ -n "$chromium" ]; then
	ok "a browser draws them without a complaint" pages_are_drawn
else
	skip "a browser draws them without a complaint" "no chromium"
fi

compare -n 1 --with=glibc,quern --svg=- -- ./prog
ok "--svg=- is all that is printed" test "$(head -c 4 out)" = "<svg"

# ---- programs that fail or differ ----

compare -n 2 --with=glibc,quern -- ./prog seven
ok "a status that is the same under all is no failure" test $status = 0

compare -n 2 --with=glibc,quern,quern:policy=fixed -- ./prog fail
fails_under_one()
{
	[ $status = 1 ] && says "ended with status 3; under glibc" &&
		says "it went wrong here" && prints "status 3" && prints glibc
}
ok "a program that fails under one of them is told, and what it said" fails_under_one

compare -n 2 --with=glibc,quern -- ./prog crash
crashes_under_one()
{
	[ $status = 1 ] && says "signal 11" && prints "signal 11"
}
ok "so is one that crashes" crashes_under_one

refuses "one that crashes under the first is not compared" 125 \
	"under glibc.* already" --with=glibc,quern -- ./prog abort

compare -n 2 --with=glibc,quern -- ./prog differ
ok "another output is told, with its place" \
	prints "quern.* another one, from line 3, byte 9 on"
ok "and is no error" test $status = 0
compare -n 2 --with=glibc,quern --must-agree -- ./prog differ
must_agree()
{
	[ $status = 1 ] && says "something else from line 3"
}
ok "but for --must-agree" must_agree

compare -n 2 --with=glibc,quern -- ./prog random
unsteady()
{
	[ $status = 0 ] && prints "changes from run to run"
}
ok "an output that changes anyway blames nobody" unsteady

ends_so()
{
	"$quern" compare --rounds=1 --with=glibc,quern -- sh -c 'exit 3' >out 2>err
	[ $? = 0 ] && prints "ended with status 3: see whether"
}
ok "a status of the program is told" ends_so

same_input()
{
	printf 'skip\none\ntwo\n' >input
	{
		read -r line
		"$quern" compare -n 2 --with=glibc,quern --must-agree -- ./prog cat
	} <input >out 2>err
	[ $? = 0 ] && prints "output is the same"
}
ok "each run has the same standard input" same_input

same_pipe()
{
	seq 100000 | timeout 60 "$quern" compare -n 2 --with=glibc,quern --must-agree \
		-- sh -c 'cksum | tee -a sums' >out 2>err
	[ $? = 0 ] && [ "$(sort -u sums)" = "$(seq 100000 | cksum)" ] &&
		[ "$(wc -l <sums)" -ge 3 ]
}
ok "also where that is a pipe, which is read to its end" same_pipe
waits_for_pipe()
{
	mkfifo fifo
	(exec 3>fifo; sleep 3; echo one >&3) &
	timeout 60 "$quern" compare -n 2 --with=glibc,quern --must-agree -- ./prog cat \
		<fifo >out 2>err
	[ $? = 0 ] && prints "output is the same" &&
		says "waiting for standard input"
}
ok "and a wait for it is told" waits_for_pipe
no_room()
{
	seq 100000 | (ulimit -f 100; trap '' XFSZ
		exec timeout 60 "$quern" compare -n 1 --with=glibc,quern -- ./prog cat) >out 2>err
	[ $? = 125 ] && says "cannot keep standard input: File too large" && says "<FILE"
}
ok "no room for it is an error" no_room

# ---- servers ----

# Names that nobody else's processes have
cp prog server
server=$tmp/server
load='until [ -e ready ]; do sleep 0.01; done; rm ready; kill -0 $QUERN_COMPARE_PID'
compare -n 2 --with=glibc,quern --until "$load" --json -- "$server" serve
server()
{
	[ $status = 0 ] && [ ! -s err ] && is "d['rounds'] == 2 and d['until'] != ''"
}
ok "--until drives a server and ends it" server

compare -n 1 --with=glibc,quern --until "$load; echo \$LD_PRELOAD-" --must-agree -- "$server" serve
ok "the load itself has no allocator preloaded" test $status = 0

refuses "a load that fails is told" 125 "--until ended with status 4" \
	--with=glibc,quern --until "$load; exit 4" -- "$server" serve
refuses "so is a server that ends first" 125 "before its load had" \
	--with=glibc,quern --until "sleep 20.$$" -- "$server"

compare -n 1 --with=glibc,quern --grace=0 --until "$load" -- "$server" stubborn
ok "a server that does not end by SIGTERM is killed" test $status = 0
gone()
{
	! pgrep -f "^$server" >/dev/null && ! pgrep -f "^sleep 20.$$" >/dev/null
}
if command -v pgrep >/dev/null; then
	ok "no server and no load stays behind" gone
else
	skip "no server and no load stays behind" "no pgrep"
fi

# ---- interrupts ----

set -m
interrupt_at() # FILE that is there when it is time
{
	rm -f rounds
	"$quern" compare -n 200 --with=glibc,quern -- ./counted >out 2>err </dev/null &
	job=$!
	for i in $(seq 300); do
		[ "$(stat -c %s rounds 2>/dev/null || echo 0)" -ge "$1" ] && break
		sleep 0.02
	done
	kill -INT $job
	wait $job
	status=$?
}
cat >counted <<END
#!/bin/sh
printf x >>$tmp/rounds
exec sleep 0.1
END
chmod +x counted
interrupt_at 5
interrupted()
{
	[ $status = 130 ] && prints "Medians of [1-9]" && prints Advice &&
		says "interrupted: what stands above is of [0-9]* of 200 rounds"
}
ok "an interrupt leaves the table of the whole rounds" interrupted
interrupt_at 1
early()
{
	[ $status = 130 ] && [ ! -s out ] && says "nothing to compare yet"
}
ok "an early one says that there is none" early
set +m

ok "nothing stays behind in TMPDIR" test -z "$(ls scratch)"
finish
