#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-sites.sh - QUERN_CONF=sites:1: the report of quern run tells who asked for what and
# who has it, in C, in threads, in children, where exceptions fly; a stack that is taken
# never meets the heap in the middle of something; without the setting there is nothing.

. "$(dirname "$0")/../x.sh"
quern=${QUERN:-$top/build/quern}

says()
{
	grep -q -- "$2" "$1"
}

# top FILE HEADING: the lines of the report behind a heading
top()
{
	awk -v h="$2" '/^[A-Z][-A-Z ]*[A-Z]/ || /^(measuring|note) / { on = index($0, h) == 1; next } on' "$1"
}

# sum LINE-PATTERN FILE UNIT: the bytes that such lines tell, in MiB
mib()
{
	awk -v what="$1" '$0 ~ what {
		n += $1 * ($2 == "MiB" ? 1 : $2 == "KiB" ? 1 / 1024 : $2 == "GiB" ? 1024 : 0)
	} END { print int(n) }' "$2"
}

between() # LEAST N MOST
{
	[ "${2:-0}" -ge "$1" ] && [ "$2" -le "$3" ]
}

cat >"$tmp/sites.c" <<'END'
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define APART __attribute__((noipa))

static void *volatile kept;

/* Each keeps 20 MB, in blocks of a size that another part of the heap serves */
APART void small_keeper(void) { void **p = malloc(200); *p = kept; kept = p; }
APART void medium_keeper(void) { void **p = malloc(8000); *p = kept; kept = p; }
APART void large_keeper(void) { void **p = malloc(500000); *p = kept; kept = p; }
APART void large_churner(void) { char *p = malloc(400000); *p = 1; free(p); }
APART void churner(void) { char *p = malloc(300); *p = 1; free(p); }

static void *work(void *arg)
{
	for (int i = 0; i < 200000; i++)
		churner();
	return arg;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	pthread_t t[4];

	if (!strcmp(what, "threads")) {
		for (int i = 0; i < 4; i++)
			pthread_create(&t[i], NULL, work, NULL);
		for (int i = 0; i < 4; i++)
			pthread_join(t[i], NULL);
		return 0;
	}
	for (int i = 0; i < 100000; i++)
		small_keeper();
	for (int i = 0; i < 2500; i++)
		medium_keeper();
	for (int i = 0; i < 40; i++)
		large_keeper();
	for (int i = 0; i < 50; i++)
		large_churner();
	for (int i = 0; i < 200000; i++)
		churner();
	if (!strcmp(what, "fork")) {
		if (!fork()) {
			for (int i = 0; i < 100000; i++)
				small_keeper();
			_exit(0);
		}
		wait(NULL);
	}
	return 0;
}
END
must $cc $flags -w -o "$tmp/sites" "$tmp/sites.c" -lpthread
cd "$tmp" || exit 99
unset QUERN_CONF LD_PRELOAD

"$quern" run --conf=sites:1 --conf=sample:4096,seed:1 ./sites >out 2>err &&
	top err 'NEVER FREED' >live && top err 'ASKED FOR' >asked &&
	grep -q '^NEVER FREED: in use at the end, estimated from [0-9,]* samples$' err &&
	between 16 "$(mib small_keeper live)" 22 &&
	between 12 "$(mib medium_keeper live)" 26 &&
	between 12 "$(mib large_keeper live)" 26 && ! says live churner &&
	between 50 "$(mib '%  churner' asked)" 70 &&
	between 10 "$(mib large_churner asked)" 32 &&
	grep -q '  churner\( at sites.c:[0-9]*\)\? < main\( at sites.c:[0-9]*\)\?$' asked
ok "who keeps how much, and who asks for how much" $?

"$quern" run --sites --conf=seed:1 ./sites 2>err && top err 'NEVER FREED' >live &&
	between 12 "$(mib medium_keeper live)" 28 &&
	between 12 "$(mib large_keeper live)" 28
ok "blocks beyond 1 KB, too, where samples are as few as by default" $?

"$quern" run --conf=sites:1 --conf=sample:4096,seed:1 --children=each ./sites fork 2>err
sed -n '/^$/,$p' err >child
top child 'NEVER FREED' >live && top child 'ASKED FOR' >asked &&
	between 30 "$(mib small_keeper live)" 48 &&
	between 14 "$(mib small_keeper asked)" 26 && ! says asked churner
ok "a child has what its parent had, and its own requests" $?

"$quern" run --conf=sites:1 --conf=sample:4096 ./sites threads 2>err &&
	top err 'ASKED FOR' >asked && between 200 "$(mib churner asked)" 260 &&
	top err 'NEVER FREED' | awk '{ n++ } END { exit n > 3 }'
ok "of all threads" $?

"$quern" run --sites --conf=sample:4096 ./sites 2>err &&
	top err SHORT-LIVED >brief && between 50 "$(mib '%  churner' brief)" 70 &&
	! says brief small_keeper && ! says brief large
ok "who frees at once what it asked for" $?

"$quern" run ./sites 2>err && ! says err 'ASKED FOR' &&
	"$quern" run --json --report=json ./sites 2>err &&
	says json '"call_sites": null'
ok "without the setting there are none" $?
"$quern" run --conf=sites:1 --conf=sample:4096 --json --report=json \
	./sites 2>err &&
	tr -d ' \n' <json | grep -q '"stack":\[{"function":"churner","module":"[^"]*/sites","offset":[0-9]*,"source":[^]]*\]},{"function":"main"'
ok "in JSON, with files and offsets" $?

# Many different stacks: the table is bounded, and says so
cat >many.c <<'END'
#include <stdlib.h>
static void *deep(unsigned int path, int depth)
{
	void *p;

	if (!depth)
		return malloc(100);
	if (path & 1)
		p = deep(path >> 1, depth - 1);
	else
		p = deep(path >> 1, depth - 1);
	__asm__ volatile("" : "+r"(p));
	return p;
}
int main(void)
{
	for (unsigned int i = 0; i < 400000; i++)
		deep(i, 12);
	return 0;
}
END
must $cc $flags -O0 -w -o many many.c
"$quern" run --conf=sites:1 --conf=sample:4096 ./many 2>err &&
	says err 'samples for .* have no site: there are too many'
ok "more sites than there is room for are counted" $?

# An unwinder that allocates, as libgcc's does once for code made at run time
cat >bad.c <<'END'
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static int refused;
/* What is served is from lists that are ready: never all of it */
static __attribute__((destructor)) void tell(void)
{
	write(2, refused ? "refused\n" : "none refused\n", refused ? 8 : 13);
}
unsigned long _Unwind_GetIP(void *c) { return 0x1000 + *(int *)c; }
int _Unwind_Backtrace(int (*step)(void *, void *), void *arg)
{
	void *p[64];
	int i;

	for (i = 0; i < 64; i++)
		p[i] = malloc(i % 2 ? 200 : 1000);
	for (i = 0; i < 64; i++)
		free(p[i]);
	for (i = 1; i < 100000; i = i * 3 / 2 + 1) {
		char *p = malloc(i), *q = realloc(p, 2 * i);

		if (q)
			memset(q, 0xa5, 2 * i);
		refused |= !p;
		free(q ? q : p);
	}
	for (i = 0; i < 3 && !step(&i, arg); i++)
		;
	return 0;
}
END
must $cc -O2 -w -shared -fPIC -fno-builtin -Wl,-soname,libgcc_s.so.1 -o libgcc_s.so.1 bad.c
LD_LIBRARY_PATH=$tmp "$quern" run --conf=sites:1 --conf=sample:4096 ./sites fork \
	>out 2>err && says err '0x1000 < 0x1001 < 0x1002' &&
	says err '^refused'
ok "an unwinder that allocates does no harm" $?
rm -f libgcc_s.so.1

"$quern" run --sites --conf=sample:4096,seed:1 ./sites >out 2>err &&
	top err 'ASKED FOR' >asked && between 50 "$(mib '%  churner' asked)" 70
ok "--sites is the same" $?

# lines_known: the command was built with libdw
lines_known()
{
	grep -q '  churner at ' asked
}

if command -v "$cxx" >/dev/null; then
	cat >names.cc <<'END'
#include <algorithm>
#include <cstring>
#include <string>
#include <vector>
namespace shop {
template <class T> struct Shelf {
	std::vector<T> things;
	void fill(int n)
	{
		for (int i = 0; i < n; i++)
			things.push_back(T(100 + i % 100, 'x'));
	}
};
inline char *label(const char *text) { return strdup(text); }
}
__attribute__((noipa)) static void labels(const char *text)
{
	std::vector<int> all(100000);
	std::for_each(all.begin(), all.end(), [&](int &) { free(shop::label(text)); });
}
int main()
{
	static shop::Shelf<std::string> shelf;
	shelf.fill(100000);
	labels("a label that is long enough to be looked for in a list of call sites");
}
END
	must $cxx -O2 -g -fno-builtin -o names names.cc
	cp names stripped && strip stripped
	"$quern" run --sites --conf=sample:4096 ./names 2>err && ! says err '_Z' &&
		says err ' by strdup < ' && says err ' by std::'
	ok "names of C++, the user's function leads" $?
	if lines_known; then
		says err 'shop::label at names.cc:14 by strdup < .*operator() at names.cc:19 < labels' &&
			says err '  shop::Shelf<std::string>::fill at names.cc:11 by std::.* < main at names.cc:24$'
		ok "lines, and functions that are inlined" $?
	else
		skip "lines, and functions that are inlined" "built without libdw"
	fi
	"$quern" run --sites --conf=sample:4096 ./stripped 2>err &&
		says err '  stripped+0x[0-9a-f]* by strdup < stripped+0x'
	ok "a program without symbols has its addresses" $?
else
	skip "names of C++" "there is no C++ compiler"
fi

python=$(command -v /usr/bin/python3 || command -v python3)
if [ -n "$python" ]; then
	# on_terminal COLUMNS COMMAND...: what it writes there
	on_terminal()
	{
		"$python" - "$@" <<'END'
import fcntl, os, pty, struct, sys, termios
pid, fd = pty.fork()
if not pid:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, int(sys.argv[1]), 0, 0))
    os.execv(sys.argv[2], sys.argv[2:])
try:
    while True:
        sys.stdout.write(os.read(fd, 4096).decode())
except OSError:
    os.waitpid(pid, 0)
END
	}
	sites_on()
	{
		on_terminal "$1" "$quern" run --sites --conf=sample:4096 ./sites |
			tr -d '\r' | grep '  churner' >wide
	}
	unset COLUMNS
	sites_on 28 && [ "$(wc -L <wide)" -le 28 ] && ! says wide 'main' &&
		sites_on 200 && says wide 'main'
	ok "a terminal's width is kept to" $?
fi

if command -v "$cxx" >/dev/null; then
	cat >throw.cc <<'END'
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>
static void thrower(int i) { throw std::runtime_error(std::string(100 + i % 50, 'x')); }
static void work()
{
	for (int i = 0; i < 20000; i++)
		try { thrower(i); } catch (const std::exception &e) { (void)e; }
}
int main()
{
	std::vector<std::thread> t;
	for (int i = 0; i < 4; i++)
		t.emplace_back(work);
	for (auto &x : t)
		x.join();
}
END
	must $cxx -O2 -o throw throw.cc -lpthread
	"$quern" run --conf=sites:1 --conf=sample:4096 ./throw 2>err &&
		top err 'ASKED FOR' | grep -q 'work'
	ok "while exceptions fly in four threads" $?
else
	skip "while exceptions fly in four threads" "there is no C++ compiler"
fi

QUERN_CONF=sites:1 LD_PRELOAD="$lib:libgcc_s.so.1" ./sites \
	>out 2>err && [ ! -s err ]
ok "nobody asks for the figures: the program runs" $?
VARIABLE=kept "$quern" run --conf=sites:1 env >out 2>err &&
	says out '^VARIABLE=kept$' && says out '^QUERN_CONF=.*sites:1' &&
	QUERN_CONF=sites:1 VARIABLE=kept preloaded env >out 2>err &&
	says out '^VARIABLE=kept$' && says err 'name it in LD_PRELOAD'
ok "the program has its environment" $?
QUERN_CONF=sites:2 preloaded ./sites >out 2>err
[ $? = 2 ] && says err 'sites'
ok "sites:2 is refused" $?
finish
