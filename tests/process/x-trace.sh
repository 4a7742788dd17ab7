#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-trace.sh - quern record, trace, replay and fit, from a program to a device: what
# threads and children do is recorded in order, whatever ends the program; a trace
# says what the program did, is replayed, cut, translated there and back.

. "$(dirname "$0")/../x.sh"
quern=${QUERN:-$top/build/quern}

# says FILE TEXT
says()
{
	grep -q -- "$2" "$1"
}

# What info prints tells of more allocations than ALL, and of so many reallocs
has_calls() # ALL REALLOCS
{
	awk -v all="$1" -v reallocs="$2" '
	/^  calls / { gsub(",", ""); good = $2 > all && (!reallocs || $4 > reallocs) }
	END { exit !good }'
}

cat >"$tmp/calls.c" <<'END'
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define NR 20000

static void *volatile shelf[64];

/* Blocks change threads: each frees what the others put there */
static void *work(void *arg)
{
	for (long i = 0; i < NR; i++) {
		void *p = malloc(1 + (i * 7 + (long)arg) % 500);

		p = __atomic_exchange_n(&shelf[i % 64], p, __ATOMIC_ACQ_REL);
		if (i % 5 == 0)
			p = realloc(p, 40 + i % 100);
		free(p);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t t[4];
	void *p = aligned_alloc(64, 640), *q = calloc(10, 10);

	q = realloc(q, 4000);
	free(p);
	for (long i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, work, (void *)i);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	if (argc > 1 && !strcmp(argv[1], "fork")) {
		if (!fork()) {
			free(malloc(12345));
			free(q);
			_exit(0);
		}
		wait(NULL);
	}
	for (int i = 0; i < 64; i++)
		free(shelf[i]);
	if (argc > 1 && !strcmp(argv[1], "kill"))
		kill(getpid(), SIGKILL);
	_exit(argc > 1 ? 0 : 3);
}
END
must $cc $flags -Wno-unused-result -o "$tmp/calls" "$tmp/calls.c" -lpthread
cd "$tmp" || exit 99

"$quern" record -o calls.qt -- ./calls 2>err
[ $? = 3 ] && says err 'calls.qt: [0-9,]* events of 1 process' &&
	says err 'recording took about .* by the clock' && ! says err '%' && [ ! -e calls.qt.raw ]
ok "a program of five threads is recorded, its status passes" $?
cp err recorded
"$quern" trace info calls.qt >info 2>err && [ ! -s err ] &&
	! says recorded 'left out' && says info 'index present' && says info ', 5 threads' &&
	has_calls 80000 15900 <info
ok "no call is unknown: blocks that change threads are in order" $?
"$quern" trace info --json calls.qt >json 2>err && [ ! -s err ] && [ "$(head -n 1 json)" = '{' ] &&
	says json '"threads": 5,' && says json '"program": "calls"' && says json '"unknown": 0,' &&
	says info "$(sed -n 's/.*"peak_live": \([0-9]*\),/(\1 bytes)/p' json)"
ok "the same as JSON" $?

# The same on a heap that hands on to any thread what was freed last, and lets another
# go first: a free that is noted too late, or a malloc too early, comes out of order
cat >lifo.c <<'END'
#include <sched.h>
#include <stddef.h>
#include <string.h>
#define SIZE 4096
static char pool[64 << 20] __attribute__((aligned(SIZE)));
static size_t used;
static void *last;
static int lock;
static void take(void) { while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE)) sched_yield(); }
static void leave(void) { __atomic_store_n(&lock, 0, __ATOMIC_RELEASE); sched_yield(); }
static void *get(size_t size)
{
	void *p;

	take();
	p = size <= SIZE ? last : NULL;
	if (p) {
		last = *(void **)p;
	} else {
		p = pool + used;
		used += (size + SIZE - 1) / SIZE * SIZE + (size ? 0 : SIZE);
	}
	leave();
	return p;
}
static void put(void *p)
{
	if (!p)
		return;
	take();
	*(void **)p = last;
	last = p;
	leave();
}
void *malloc(size_t size) { return get(size); }
void free(void *p) { put(p); }
void *calloc(size_t n, size_t size) { return memset(get(n * size), 0, n * size); }
void *memalign(size_t align, size_t size) { (void)align; return get(size); }
void *realloc(void *p, size_t size)
{
	size_t most = p ? (size_t)(pool + sizeof(pool) - (char *)p) : 0;
	void *q = get(size);

	/* Its size is not known: what lies behind is copied too */
	memmove(q, p ? p : q, size < most ? size : most);
	put(p);
	return q;
}
END
must $cc -O2 -fno-builtin -w -shared -fPIC -o lifo.so lifo.c
LD_PRELOAD=$tmp/lifo.so "$quern" record -o lifo.qt -- ./calls 2>err
[ $? = 3 ] && "$quern" trace info lifo.qt >info && says info ', 5 threads' &&
	! says err 'left out' &&
	has_calls 80000 15000 <info
ok "nor is it where another thread gets what was just freed" $?

# Threads that end leave their blocks to those that begin: these come in between
cat >short.c <<'END'
#include <pthread.h>
#include <stdlib.h>

static void *volatile shelf[8];

static void *work(void *arg)
{
	for (long i = 0; i < 40; i++) {
		long at = (i + (long)arg) % 8;
		void *p = __atomic_exchange_n(&shelf[at], NULL, __ATOMIC_ACQ_REL);

		p = realloc(p, 4000);
		free(__atomic_exchange_n(&shelf[at], p, __ATOMIC_ACQ_REL));
		free(malloc(100));
	}
	return NULL;
}

int main(void)
{
	pthread_t t[4];

	for (long i = 0; i < 2000; i++) {
		if (i >= 4)
			pthread_join(t[i % 4], NULL);
		pthread_create(&t[i % 4], NULL, work, (void *)i);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	for (int i = 0; i < 8; i++)
		free(shelf[i]);
	_exit(0);
}
END
must $cc $flags -Wno-unused-result -include unistd.h -o short short.c -lpthread
LD_PRELOAD=$tmp/lifo.so "$quern" record -o short.qt -- ./short 2>err &&
	! says err 'left out' && "$quern" trace info short.qt >info 2>err &&
	[ ! -s err ] && says info ', 2001 threads' && has_calls 79000 70000 <info
ok "nor where threads take over the blocks of others" $?

"$quern" record -o fork.qt -- ./calls fork 2>err &&
	says err ' calls were left out: of blocks from before a fork' &&
	"$quern" trace info fork.qt >info && says info 'forked by process 0' &&
	says info '1 fork$' && "$quern" trace convert --process=1 --to=text \
	fork.qt >text && says text ' malloc [0-9]* 12345$' &&
	[ "$(grep -c free text)" = 1 ]
ok "a child is a process of its own" $?

"$quern" record -o kill.qt -- ./calls kill 2>err
[ $? = 137 ] && "$quern" trace info kill.qt >info &&
	has_calls 80000 0 <info
ok "nothing is lost to SIGKILL" $?

(ulimit -f 1000 && "$quern" record -o small.qt -- ./calls) 2>err
[ $? = 3 ] && says err 'events were lost; the disk may be full' &&
	"$quern" trace info small.qt >info && says info '^process 0'
ok "a file that may not grow: the program goes on, the rest is counted" $?

# What is written meanwhile is a trace, should nobody be left to merge it
"$quern" record -o left.qt -- sh -c 'kill -9 $PPID; :' 2>err
"$quern" trace info left.qt.raw >info 2>err && [ ! -s err ] &&
	says info '^process 0   [a-z]*sh'
ok "what a killed quern record leaves is a trace" $?

"$quern" record -o sh.qt -- sh -c 'sed p /dev/null; exit 4' 2>err
[ $? = 4 ] && "$quern" trace info sh.qt >info && says info ' sed (pid'
ok "what the program executes is recorded" $?

! "$quern" record -o nowhere/x.qt -- true 2>err && says err 'cannot write' &&
	! "$quern" record -- true 2>err && says err 'needs --output' &&
	! "$quern" record -o x.qt -- ./nothing 2>err &&
	says err 'there is no program' && [ ! -e x.qt.raw ]
ok "requests that cannot be met are refused before the program runs" $?

for engine in quern libc buddy quern-heap; do
	"$quern" replay --engine=$engine --touch calls.qt >out 2>err &&
		says out "on $engine, memory touched" && [ ! -s err ]
	ok "replayed on $engine" $?
done
"$quern" replay calls.qt | grep -v ' calls ' >one &&
	"$quern" replay calls.qt | grep -v ' calls ' | cmp -s one -
ok "on quern a second replay is the same" $?
! "$quern" replay --engine=buddy --heap=20000 calls.qt >out 2>err &&
	says err 'ran out of memory after'
ok "a heap that is too small is said" $?
"$quern" replay --engine=buddy calls.qt >out && says out '^  peak .* live' &&
	awk '/^  peak/ { peak = $2 * ($3 == "MiB" ? 1024 : 1) }
	/^  average/ { average = $2 * ($3 == "MiB" ? 1024 : 1) }
	END { exit !(average > 0 && average <= peak) }' out
ok "an engine's memory, at its peak and on average" $?
"$quern" replay calls.qt >out && grep -qE '^  counted   ([0-9.]+ instructions each, by the processor|instructions are not available: .*: )' out &&
	! "$quern" replay --count=stopwatch calls.qt 2>err &&
	says err 'give auto, perf, callgrind or none' &&
	"$quern" replay --count=none calls.qt >out && ! says out counted
ok "instructions are counted, or it is said why not" $?
# mean ENGINE: instructions of a call, by callgrind
mean()
{
	"$quern" replay --count=callgrind --engine=$1 --events=20000 calls.qt |
		sed -n 's/^  counted   \([0-9]*\).* each, by callgrind/\1/p'
}
if command -v valgrind >/dev/null; then
	n=$(mean buddy) && [ "$n" -ge 10 ] && [ "$n" -le 1000 ] &&
		[ "$(mean buddy)" = "$n" ] && m=$(mean boundary) && [ "$m" != "$n" ]
	ok "by callgrind each time the same" $?
else
	skip "by callgrind each time the same" "there is no valgrind"
fi
! "$quern" replay --engine=slob calls.qt 2>err && says err 'there are quern'
ok "an engine that there is not is refused" $?

"$quern" trace histogram calls.qt >out && says out '256 B .. 511 B' &&
	says out 'lived until' && "$quern" trace histogram --csv calls.qt |
	awk -F, '/^size/ { n += $4 } END { exit n < 80000 }'
ok "sizes and lifetimes are spread" $?

# live: the bytes at peak that info tells
live()
{
	"$quern" trace info "$1" | sed -n 's/.*peak .*(\([0-9]*\) bytes.*/\1/p'
}
"$quern" trace cut --heap=4000 -o cut.qt calls.qt >out &&
	[ "$(live cut.qt)" -le 4000 ] && [ "$(live cut.qt)" -ge 3000 ] &&
	"$quern" trace cut --heap=4000 -o again.qt calls.qt >out &&
	cmp -s cut.qt again.qt
ok "a cut keeps to its bytes, and is the same each time" $?

"$quern" trace convert --to=text calls.qt >a.text &&
	"$quern" trace convert --from=text -o back.qt a.text &&
	"$quern" trace convert --to=text back.qt | cmp -s - a.text
ok "there and back as text" $?
"$quern" trace convert --to=csv calls.qt | awk -F, '
	NF != 7 { bad = 1 } $3 == "aligned" && $7 == 64 { n++ }
	END { exit bad || n != 1 }'
ok "as csv" $?
printf '%s\n' '# text' '0 0 malloc 1 10' '5 0 free 2' 'x' '7 0 malloc 1 5' \
	>bad.text
"$quern" trace convert --from=text -o bad.qt bad.text 2>err &&
	says err 'bad.text:3: there is no such object' &&
	says err 'bad.text:4: is no line' &&
	says err 'bad.text:5: the object is there' &&
	"$quern" trace info bad.qt | grep -q '1 allocations, 0 reallocs, 0 frees'
ok "lines that make no sense are named" $?
! "$quern" trace convert --from=heaptrack -o none.qt bad.text 2>err &&
	says err 'holds no call' && [ ! -e none.qt ] &&
	! "$quern" trace convert --from=xml -o none.qt bad.text 2>err &&
	says err 'there are text and heaptrack'
ok "what is of no format is refused" $?

# heaptrack's lines: size, trace and address; then kinds of allocations
printf '%s\n' 'v 10400 2' 'X prog' '+ 20 1 7f00' '+ 30 1 7f40' 'c 5' '- 7f00' \
	>raw.heaptrack
printf '%s\n' 'v 10400 3' 'a 20 1' 'a 30 1' '+ 0' '+ 1' '+ 0' '- 0' >int.heaptrack
"$quern" trace convert --from=heaptrack -o h.qt raw.heaptrack &&
	[ "$(live h.qt)" = 80 ] &&
	"$quern" trace convert --from=heaptrack -o h.qt int.heaptrack &&
	[ "$(live h.qt)" = 112 ]
ok "from heaptrack, both kinds" $?
if command -v heaptrack >/dev/null && command -v zstd >/dev/null; then
	heaptrack -o h ./calls fork >out 2>&1
	file=$(ls h.*zst 2>/dev/null | head -n 1)
	"$quern" trace convert --from=heaptrack -o h.qt "${file:-none}" 2>err &&
		"$quern" trace info h.qt |
		has_calls 80000 0
	ok "what heaptrack recorded of the same program" $?
else
	skip "what heaptrack recorded" "no heaptrack, or no zstd"
fi

# Who called: functions that are not inlined, in a program and in a library
cat >sites.c <<'END'
#include <stdlib.h>
#include <unistd.h>
#include <sys/wait.h>

void *from_library(size_t size);
#define APART __attribute__((noipa))

APART void *keeper(void) { void *p = malloc(5000); *(char *)p = 1; return p; }
APART void *churner(void) { void *p = malloc(9000); free(p); return p; }
APART void *resizer(void) { char *p = realloc(from_library(100), 3000); *p = 1; return p; }
APART void *outer(void) { void *p = keeper(); *(char *)p = 2; return p; }

int main(void)
{
	for (int i = 0; i < 100; i++) {
		outer();
		churner();
		resizer();
	}
	if (!fork()) {
		for (int i = 0; i < 500; i++)
			keeper();
		_exit(0);
	}
	wait(NULL);
	_exit(0);
}
END
echo '#include <stdlib.h>
__attribute__((noipa)) void *from_library(size_t n) { char *p = malloc(n); *p = 1; return p; }' >library.c
must $cc $flags -w -shared -fPIC -o libsites.so library.c
must $cc $flags -w -o sites sites.c ./libsites.so
# top FILE HEADING: the table of info behind a heading
top()
{
	awk -v h="$2" '/^  sites/ || /most bytes/ { on = index($0, h) > 0; next } on' "$1"
}
"$quern" record --sites -o sites.qt -- ./sites 2>err &&
	! says err lost && "$quern" trace info --process=0 sites.qt >info 2>err &&
	[ ! -s err ] && top info 'asked for' >asked && top info 'live at' >live &&
	[ "$(sed -n 1p asked | grep -c ' 100 calls  churner ')" = 1 ] &&
	[ "$(sed -n 2p asked | grep -c ' 100 calls  keeper .*< outer .*< main')" = 1 ] &&
	[ "$(sed -n 3p asked | grep -c ' 100 calls  resizer ')" = 1 ] &&
	says asked 'from_library\( at library.c:[0-9]*\)\? < resizer ' &&
	[ "$(sed -n 1p live | grep -c ' 100 blocks  keeper ')" = 1 ] &&
	! says live churner
ok "who asks for the most, and who keeps the most" $?
"$quern" trace info --process=1 sites.qt >info && top info 'live at' | sed -n 1p |
	grep -q ' 500 blocks  keeper .*< main'
ok "the sites of a child are its own" $?
"$quern" trace convert --process=0 --to=csv sites.qt | awk -F, '
	NR == 1 && $9 != "stack" { bad = 1 }
	$5 == 5000 && $9 ~ /^"keeper\+0x.*;outer\+0x.*;main/ { kept++ }
	$3 == "free" && $6 == 9000 && $9 ~ /churner/ { freed++ }
	END { exit bad || kept != 100 || freed != 100 }'
ok "the call site of each event, as csv" $?
"$quern" trace convert --process=0 --to=text sites.qt >s.text &&
	"$quern" trace convert --from=text -o back.qt s.text &&
	"$quern" trace convert --to=text back.qt | cmp -s - s.text &&
	"$quern" trace cut --process=0 --heap=100000 -o cut-sites.qt sites.qt >out &&
	"$quern" trace info cut-sites.qt >info && says info '  keeper '
ok "sites are kept as text and in a cut" $?
sed -n '/^  sites/q;p' info | grep -q . &&
	"$quern" replay sites.qt >out 2>err && says out 'on quern'
ok "a trace with sites is replayed" $?
printf '%s\n' 'v 10400 3' 's /bin/prog' 's 4 work' 's main' 'i 1000 1 2' \
	'i 2000 1 3' 't 2 0' 't 1 1' 'a 20 2' '+ 0' >int.heaptrack
"$quern" trace convert --from=heaptrack -o h.qt int.heaptrack &&
	"$quern" trace info h.qt >info && says info ' 1 calls  work < main'
ok "heaptrack's call sites" $?

# The second address has a function and two that it is inlined into, the third none:
# its file is known, where that lay is not
printf '%s\n' 'v 10400 3' 's 9 /bin/prog' 's 5 inner' 's 6 middle' 's 5 outer' \
	's 6 prog.c' 's f /lib/libother.so' 'i 1000 1 2 5 a' 'i 2000 1 3 5 b 4 5 c' \
	'i 7f0000003000 6' 't 3 0' 't 2 1' 't 1 2' 'a 20 3' '+ 0' >inlined.heaptrack
"$quern" trace convert -o h.qt inlined.heaptrack &&
	"$quern" trace convert --to=csv h.qt >csv &&
	says csv '"inner;middle;outer;0x7f0000003000 (libother.so)"$'
ok "inlined functions are frames, an address without a name stays one" $?

# Raw: where files are mapped is told, so addresses become offsets; a file goes, and
# another comes to its place
printf '%s\n' 'v 10400 2' 'x 9 /bin/prog' 'm 1 -' 'm 1 x 1000 0 500 800 100' \
	'm e /lib/libone.so 7f0000 0 1000' 't 7f0234 0' 't 1834 1' '+ 20 2 500' \
	'm 1 -' 'm /lib/libtwo.so 7f0000 0 1000' 't 7f0234 0' 't 9000 3' '+ 30 4 600' \
	>raw.heaptrack
"$quern" trace convert -o h.qt raw.heaptrack &&
	"$quern" trace convert --to=csv h.qt >csv &&
	says csv ',32,0,0,[0-9]*,"prog+0x834;libone.so+0x234"$' &&
	says csv ',48,0,0,[0-9]*,"0x9000;libtwo.so+0x234"$'
ok "addresses of heaptrack's raw files are of modules" $?

"$quern" trace convert -o first.qt inlined.heaptrack &&
	"$quern" trace convert --to=text first.qt >first.text
# same ARGUMENTS: what is converted so is that trace
same()
{
	"$quern" trace convert -o h.qt "$@" &&
		"$quern" trace convert --to=text h.qt | cmp -s - first.text
}
gzip -c inlined.heaptrack >h.gz
same - <inlined.heaptrack && cat inlined.heaptrack | same - && same h.gz &&
	same - <h.gz && cat h.gz | same - && same --from=heaptrack h.gz &&
	cp first.text again.text && same again.text
ok "recognised by what they hold, also packed by gzip and from standard input" $?
if command -v zstd >/dev/null; then
	zstd -qf inlined.heaptrack -o h.zst && same h.zst && cat h.zst | same -
	ok "the same packed by zstd" $?
	head -c 60 h.zst >cut.zst
	! "$quern" trace convert -o none.qt cut.zst 2>err && says err 'is the file whole'
	ok "a file that is cut off is said to be" $?
else
	skip "packed by zstd" "there is no zstd"
fi
gzip -c lifo.c >c.gz
! "$quern" trace convert -o none.qt c.gz 2>err &&
	says err 'no format that is recognised: name it' && [ ! -e none.qt ] &&
	! "$quern" trace convert -o none.qt lifo.c 2>err && says err 'is no trace'
ok "what is in none of the formats is refused" $?
if command -v heaptrack >/dev/null && command -v zstd >/dev/null; then
	rm -f h.*zst h.*gz h.gz
	# The program ends by _exit(): heaptrack loses the last calls
	heaptrack -o h ./sites >out 2>&1
	"$quern" trace convert -o h.qt h.*z* 2>err &&
		"$quern" trace convert --to=csv h.qt | awk -F, '
		$5 == 5000 && $9 ~ /^"keeper[^;]*;outer[^;]*;main/ { kept++ }
		END { exit kept < 80 }'
	ok "call sites of a file of heaptrack's own" $?
	rm -f h.*zst h.*gz
	heaptrack --raw -o h ./sites >out 2>&1
	"$quern" trace convert -o h.qt h.*z* 2>err &&
		"$quern" trace convert --to=csv h.qt | awk -F, '
		$5 == 5000 && $9 ~ /^"keeper\+[^;]*;outer\+[^;]*;main/ { kept++ }
		END { exit kept < 80 }'
	ok "and of its raw one" $?
else
	skip "call sites of heaptrack's own files" "no heaptrack, or no zstd"
fi

size_of() { wc -c <"$1"; }
if "$quern" record --zstd -o packed.qt -- ./calls 2>err; [ $? = 3 ]; then
	"$quern" trace info packed.qt >info 2>err && [ ! -s err ] &&
		has_calls 80000 15900 <info
	ok "a compressed trace is whole" $?
	"$quern" trace convert --to=trace --zstd -o z.qt calls.qt &&
		"$quern" trace convert --to=text z.qt | cmp -s - a.text &&
		[ $(($(size_of z.qt) * 4)) -lt $(($(size_of calls.qt) * 3)) ]
	ok "it says the same in less" $?
	at=$(($(size_of z.qt) / 2))
	{ head -c $at z.qt; printf XXXX; tail -c +$((at + 5)) z.qt; } >zflip.qt
	"$quern" trace info zflip.qt >info 2>err &&
		says err 'is damaged; it is left out' && says info '1 damaged'
	ok "a damaged block of it costs itself alone" $?

	# Three million calls of one kind: what tells nothing new takes no room
	cat >even.c <<'END'
#include <stdlib.h>
static void *volatile kept[64];
__attribute__((noipa)) void one(int i) { free(kept[i % 64]); kept[i % 64] = malloc(16 + i % 10 * 8); }
int main(void) { for (int i = 0; i < 1500000; i++) one(i); return 0; }
END
	must $cc $flags -w -o even even.c
	"$quern" record --sites --zstd -o even.qt -- ./even 2>err &&
		"$quern" trace info even.qt | grep -q ' 1,500,000 calls  one' &&
		[ "$(size_of even.qt)" -lt 15000 ]
	ok "three million even calls with their sites are a few KB" $?
	# The same reader, built without libzstd
	cat >nozstd.c <<'END'
#include <stdio.h>
#include "trace-read.h"

int main(int argc, char **argv)
{
	struct qn_tracefile t;
	struct qn_reader r;
	struct qn_op op;
	int nr = 0;

	if (argc != 2 || qn_tracefile_open(&t, argv[1]))
		return 1;
	qn_reader_init(&r, &t, 0);
	while (qn_reader_next(&r, &op))
		nr++;
	printf("%d events, %u damaged\n", nr, t.nr_damaged);
	return 0;
}
END
	src=$top/preload
	must $cc $flags -w -I"$src" -I"$src/command/trace" -o nozstd nozstd.c "$src/command/base/fail.c" "$src/command/base/interrupt.c" "$src/command/base/progress.c" \
		"$src/command/base/stream.c" "$src/command/base/text.c" "$src/command/trace/trace-columns.c" "$src/command/trace/trace-groups.c" \
		"$src/command/trace/trace-ranks.c" "$src/command/trace/trace-row.c" "$src/command/trace/trace-file.c" "$src/command/trace/trace-objects.c" "$src/command/trace/trace-pack.c" \
		"$src/command/trace/trace-read.c" "$top/lib/format/trace.c"
	./nozstd z.qt >out 2>err && says out '^0 events, [1-9]' &&
		says err 'is compressed: .* apt-get install libzstd-dev' &&
		./nozstd calls.qt >out 2>err && [ ! -s err ] &&
		says out '^[1-9][0-9]* events, 0 damaged'
	ok "without libzstd it is said what to install, all else is read" $?
else
	skip "compressed traces" "quern was built without libzstd"
fi

for task in cut "convert --to=trace" "convert --from=text"; do
	cp cut.qt same.qt
	! "$quern" trace $task -o ./same.qt same.qt 2>err &&
		says err 'name another file' && cmp -s cut.qt same.qt
	ok "a trace is not written over itself: $task" $?
done
cp cut.qt kept.qt
! "$quern" trace convert --from=xml -o kept.qt a.text 2>err &&
	says err 'there are text and heaptrack' && cmp -s cut.qt kept.qt
ok "an unknown format costs no file" $?
! "$quern" replay --process=99 calls.qt 2>err && says err 'calls.qt has 1' &&
	! "$quern" fit --heap=24K --process=99 calls.qt 2>err &&
	says err 'calls.qt has 1'
ok "a process that is not there is refused" $?
! "$quern" trace info "$tmp/calls.c" 2>err && says err 'is no trace; make one'
ok "another file is no trace" $?
head -c 200000 calls.qt >torn.qt
"$quern" trace info torn.qt >info 2>err && says err 'is cut off' &&
	says info 'index missing' && says info ', 1 damaged' &&
	"$quern" replay torn.qt >out 2>err && says out 'calls '
ok "the rest of a torn trace is read and replayed" $?
{ head -c 70000 calls.qt; printf X; tail -c +70002 calls.qt; } >flip.qt
"$quern" trace info flip.qt >info 2>err &&
	says err 'block at byte [0-9]* is damaged; it is left out' &&
	says info '1 damaged'
ok "a damaged block is named, and costs itself alone" $?

# The pipeline writes its trace itself; what it printed is the check
firmware=$(dirname "$quern")/firmware
pipeline_is_traced() # PROGRAM...
{
	"$@" ops=3000 scale=20 trace=pipe.qt >out 2>err || return
	set -- $(sed -n 's/^operations .*: \([0-9]*\) malloc, \([0-9]*\) free, \([0-9]*\) realloc/\1 \2 \3/p' out)
	live=$(sed -n 's/^live at peak *\([0-9]*\) bytes in.*/\1/p' out)
	"$quern" trace info pipe.qt >info 2>err && [ ! -s err ] &&
		! says info lost && tr -d , <info >plain &&
		says plain "calls  *$1 allocations $3 reallocs $2 frees" &&
		[ "$(live pipe.qt)" = "$live" ]
}
pipeline_is_traced "$firmware/pipeline-host"
ok "firmware's own recorder, on the host" $?
if [ -r "$firmware/pipeline.elf" ] &&
	command -v "${QEMU_SYSTEM_ARM:-qemu-system-arm}" >/dev/null; then
	pipeline_is_traced "$top/embedded/run-qemu.sh" \
		"$firmware/pipeline.elf"
	ok "the same in QEMU" $?
	! "$top/embedded/run-qemu.sh" "$firmware/pipeline.elf" \
		trace=nowhere/x 2>err && says err 'trace=nowhere/x cannot be'
	ok "a trace that cannot be written is said" $?
else
	skip "firmware's own recorder in QEMU" "no image, or no QEMU"
fi
"$firmware/pipeline-host" ops=3000 step=0 trace=lost.qt >out &&
	"$quern" trace info lost.qt >info 2>err && says info 'lost  *[1-9]'
ok "what was not drained in time is counted" $?

# As a debugger would write it to a file after a crash: the recorder's buffer
cat >ring.c <<'END'
#include <stdio.h>
#include <stdlib.h>
#include "recorder.h"
#include "port/port.h"

static unsigned char buf[4096] __attribute__((aligned(8)));
u64 qn_port_clock(void) { static u64 t; return t += 10; }
static void *get(void *heap, size_t size) { (void)heap; return malloc(size); }
static void put(void *heap, void *p) { (void)heap; free(p); }

int main(void)
{
	static const struct heap_ops inner = { NULL, get, put, NULL, NULL };
	static struct recorder r;
	void *kept[100];

	recorder_init(&r, &inner, buf, sizeof(buf), NULL, NULL);
	for (int i = 0; i < 5000; i++)
		put(r.ops.heap, get(r.ops.heap, 1)),
			r.ops.free(r.ops.heap, r.ops.alloc(r.ops.heap, 50));
	for (int i = 0; i < 20; i++)
		kept[i] = r.ops.alloc(r.ops.heap, 1000);
	return fwrite(buf, sizeof(buf), 1, stdout) != 1;
}
END
must $cc $flags -w -I"$top/embedded" -o ring ring.c \
	"$top/embedded/recorder.c" "$top/lib/format/trace.c"
./ring >ring.qt && "$quern" trace info ring.qt >info 2>err && [ ! -s err ] &&
	says info 'at the end 19.5 KiB in 20$' && says info 'lost  *9,[0-9]* calls'
ok "a firmware's buffer is a trace at any time" $?

"$quern" trace cut --heap=8000 --events=3000 -o fit.qt calls.qt >out
if [ -r "$(dirname "$quern")/firmware/fit/fit-buddy.elf" ] &&
	command -v "${QEMU_SYSTEM_ARM:-qemu-system-arm}" >/dev/null; then
	"$quern" fit --heap=24K --engine=buddy fit.qt >out 2>err &&
		says out '^buddy  *yes  *[1-9][0-9]* *[1-9]' &&
		"$quern" fit --heap=24K --engine=quern fit.qt >out &&
		says out '^quern  *yes  *[1-9][0-9]* *[1-9]'
	ok "it is told how it fits a device" $?
	{
		echo "# quern trace 1: ns thread call object bytes"
		echo "1 0 malloc 1 10000"
		echo "2 0 malloc 2 100"
		echo "3 0 free 1 10000"
	} >big.text
	"$quern" trace convert --from=text -o big.qt big.text &&
		"$quern" fit --heap=24K --engine=freelist big.qt >out 2>err &&
		awk '$1 == "freelist" { n = $3 } END { exit !(n > 10000) }' out
	ok "a large block is not left out unasked" $?
	"$quern" fit --heap=4K --ccm=24K --engine=quern fit.qt >out 2>err &&
		says out '^quern  *yes'
	ok "with a second zone" $?
	"$quern" fit --heap=9K --engine=buddy fit.qt >out 2>err
	[ $? = 1 ] && says out '^buddy  *NO' &&
		"$quern" fit --heap=24K --engine=quern - <fit.qt >out 2>err
	ok "NO is a status of 1" $?
	"$quern" fit --heap=9K --engine=buddy fit.qt >out 2>err
	smallest=$(awk '$1 == "buddy" { print $3 }' out)
	says out "^buddy: NO. It needs" && [ "$smallest" -gt 9216 ] &&
		"$quern" fit --heap="$smallest" --engine=buddy fit.qt >out 2>err &&
		says out "^buddy: yes. It needs" &&
		! "$quern" fit --heap=$((smallest - 16)) --engine=buddy fit.qt \
			>out 2>err
	ok "the smallest heap is told also where it is larger" $?
	"$quern" fit --heap=24K --json fit.qt >out 2>err
	[ $? = 0 ] && python3 - <<'END'
import json
d = json.load(open("out"))
assert d["format"] == 1 and d["fits"] is True and d["heap"] == 24576
h = {x["name"]: x for x in d["heaps"]}
assert {"quern", "heap4", "tlsf"} <= set(h)
assert all(not x["smallest"] or x["smallest"] > d["live"] for x in h.values())
assert all(x["fits"] == (x["smallest"] <= d["heap"]) for x in h.values())
END
	ok "--json tells of all heaps, those of FreeRTOS and TLSF too" $?
	! "$quern" fit --heap=24K --engine=none fit.qt >out 2>err &&
		says err 'no image of it' && [ ! -s out ]
	ok "an engine that is none is an error" $?
	! "$quern" fit --heap=2K fit.qt 2>err && says err 'cut it to'
	ok "what is too large for the heap is refused, with what to do" $?
else
	skip "quern fit" "no images, or no QEMU"
fi
# Traces of real programs, cut: they stay readable
for trace in "$top"/tests/traces/*.trace; do
	name=${trace##*/}
	"$quern" trace info "$trace" >info 2>err && [ ! -s err ] &&
		says info ', 0 damaged, index present' &&
		has_calls 100 0 <info
	ok "$name is read" $?
	bad_engines=
	for engine in quern buddy buddy-fast freelist per-size boundary heap4 tlsf \
		quern-heap; do
		"$quern" replay --touch --engine=$engine "$trace" >out 2>err ||
			bad_engines="$bad_engines $engine"
	done
	[ -z "$bad_engines" ]
	ok "$name is replayed on all engines" $?
done

# The walk of README.md, as it stands there
if command -v gawk >/dev/null; then
	sed -n '/^## Traces/,/^# I research/s/^    quern/quern/p' \
		"$top/README.md" >walk
	[ -r "$firmware/fit/fit-buddy.elf" ] &&
		command -v "${QEMU_SYSTEM_ARM:-qemu-system-arm}" >/dev/null ||
		sed -i '/^quern fit/d' walk
	PATH=$(dirname "$quern"):$PATH sh -e walk >out 2>err &&
		[ "$(grep -c . walk)" -ge 6 ] && says out ' live      at peak'
	ok "the commands of README.md" $?
else
	skip "the commands of README.md" "there is no gawk"
fi
finish
