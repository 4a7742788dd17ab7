#!/bin/sh
# SPDX-License-Identifier: MIT
#
# x-frames.sh - the stacks of quern record --sites are those that libgcc's unwinder
# takes: in deep recursion, through frames without a fixed size, from signal handlers,
# threads and coroutines; libraries may go and others come to their addresses; code
# that no table knows ends a stack and nothing else.

. "$(dirname "$0")/../x.sh"
quern=${QUERN:-$top/build/quern}
src=$top/preload

# says FILE TEXT
says()
{
	grep -q -- "$2" "$1"
}

cd "$tmp" || exit 99

# Both unwinders at one place; the library's own frames are left out by both
cat >both.c <<'END'
#include <string.h>

#include "frames.h"
#include "stack.h"

#define MOST 64

unsigned int nr_good, nr_bad, longest;

void begin(void)
{
	if (!qn_stack_start(true))
		qn_frames_start();
}

__attribute__((noipa)) void both(void)
{
	uintptr_t ours[MOST], libgcc[MOST];
	unsigned int nr = qn_frames_take(ours, MOST);
	unsigned int n = qn_stack_take(libgcc, MOST);

	if (nr && nr == n && !memcmp(ours, libgcc, nr * sizeof(*ours)))
		nr_good++;
	else
		nr_bad++;
	longest = nr > longest ? nr : longest;
}
END
cat >frames.c <<'END'
#include <alloca.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#define APART __attribute__((noipa))

void begin(void);
void both(void);
extern unsigned int nr_good, nr_bad, longest;

APART static int deep(int depth, volatile int *v)
{
	if (!depth)
		both();
	return depth ? deep(depth - 1, v) + *v : *v;
}

/* A frame whose size is known at run time alone: told by rbp */
APART static int sized(int n, volatile int *v)
{
	char *p = alloca(n * 24 + 8);

	memset(p, n, n * 24 + 8);
	if (n)
		return sized(n - 1, v) + p[*v];
	return deep(3, v);
}

/* A frame that is aligned more than the stack is: told by what lies at rbp */
APART static int aligned(int n, volatile int *v)
{
	char p[64] __attribute__((aligned(128)));
	char *q = alloca(n * 16 + 8);

	memset(p, n, sizeof(p));
	memset(q, n, n * 16 + 8);
	if (n)
		return aligned(n - 1, v) + p[*v] + q[0];
	return sized(2, v);
}

static int compare(const void *a, const void *b)
{
	both();
	return *(const int *)a - *(const int *)b;
}

static void on_signal(int nr)
{
	volatile int zero = 0;

	deep(nr % 3, &zero);
}

static ucontext_t outer, inner;

static void coroutine(void)
{
	volatile int zero = 0;

	deep(5, &zero);
	aligned(2, &zero);
	swapcontext(&inner, &outer);
}

static void *all(void *arg)
{
	static int numbers[] = { 5, 3, 8, 1 };
	volatile int zero = 0;

	for (int i = 0; i < 100; i++)
		deep(i, &zero);
	for (int i = 0; i < 20; i++)
		sized(i, &zero);
	for (int i = 0; i < 10; i++)
		aligned(i, &zero);
	qsort(numbers, 4, sizeof(int), compare);
	raise(SIGUSR1);
	return arg;
}

int main(void)
{
	static char stack[65536];
	pthread_t t[4];

	begin();
	signal(SIGUSR1, on_signal);
	all(NULL);
	for (int i = 0; i < 4; i++) {
		pthread_create(&t[i], NULL, all, NULL);
		pthread_join(t[i], NULL);
	}
	getcontext(&inner);
	inner.uc_stack.ss_sp = stack;
	inner.uc_stack.ss_size = sizeof(stack);
	makecontext(&inner, coroutine, 0);
	swapcontext(&outer, &inner);
	printf("%u stacks, %u differ, %u frames\n", nr_good, nr_bad, longest);
	return 0;
}
END
must $cc $flags -w -O2 -shared -fPIC -iquote "$src" -iquote "$src/record" -iquote "$top/lib" \
	-o libboth.so both.c "$src/record/frames.c" "$src/record/cfi.c" "$src/stack.c"
for how in -O0 -O2 "-O2 -fno-omit-frame-pointer" "-Os -fcf-protection" "-O3 -mavx2"; do
	must $cc $flags -w $how -o frames frames.c ./libboth.so -lpthread
	if [ "$how" = "-O3 -mavx2" ] && ! grep -q avx2 /proc/cpuinfo; then
		skip "stacks are those of libgcc: $how" "no AVX2"
		continue
	fi
	./frames >out 2>err && says out '^[5-9][0-9][0-9] stacks, 0 differ, 64 frames'
	ok "stacks are those of libgcc: $how" $?
done

# Two libraries that take turns at one address; their frames differ
cat >turn.c <<'END'
#include <stdlib.h>
#include <string.h>

__attribute__((noipa)) void *NAME(int n)
{
	volatile char pad[SIZE];
	void *p;

	memset((void *)pad, n, sizeof(pad));
	p = malloc(SIZE);
	pad[0] = 1;
	return p;
}
void *turn(int n) { void *p = NAME(n); *(char *)p = 1; return p; }
END
cat >turns.c <<'END'
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
	void *first = NULL;
	int same = 0;

	for (int i = 0; i < 200; i++) {
		void *library = dlopen(i % 2 ? "./two.so" : "./one.so", RTLD_NOW);
		void *(*turn)(int) = (void *(*)(int))dlsym(library, "turn");

		if (!i)
			first = turn;
		same += (void *)turn == first;
		free(turn(i));
		dlclose(library);
	}
	printf("%d at one address\n", same);
	return 0;
}
END
# The two are alike to the byte but for the sizes
must $cc -O2 -w -shared -fPIC -DNAME=first -DSIZE=1040 -o one.so turn.c
must $cc -O2 -w -shared -fPIC -DNAME=other -DSIZE=3040 -o two.so turn.c
must $cc $flags -w -o turns turns.c -ldl
"$quern" record --sites -o turns.qt -- ./turns >out 2>err &&
	says out '^200 at one address' &&
	"$quern" trace convert --to=csv turns.qt | awk -F, '
	$3 == "malloc" && $5 == 1040 && $9 ~ /^"first\+.*one.so\);turn\+.*one.so\);main/ { one++ }
	$3 == "malloc" && $5 == 3040 && $9 ~ /^"other\+.*two.so\);turn\+.*two.so\);main/ { two++ }
	END { exit one != 100 || two != 100 }'
ok "a library at the address of one that went has its own frames" $?

# Code that no table knows, as a compiler at run time leaves it: it calls malloc
cat >jit.c <<'END'
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* push rbp; mov $-1,rbp; mov $100,edi; call *rax; pop rbp; ret */
static const unsigned char code[] = {
	0x55, 0x48, 0xc7, 0xc5, 0xff, 0xff, 0xff, 0xff, 0xbf, 0x64, 0, 0, 0,
	0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xd0, 0x5d, 0xc3
};

int main(void)
{
	unsigned char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *(*call)(size_t size) = malloc;

	memcpy(p, code, sizeof(code));
	memcpy(p + 15, &call, sizeof(call));
	for (int i = 0; i < 1000; i++)
		free(((void *(*)(void))p)());
	return 0;
}
END
if [ "$(uname -m)" = x86_64 ]; then
	must $cc $flags -w -o jit jit.c
	"$quern" record --sites -o jit.qt -- ./jit 2>err &&
		"$quern" trace convert --to=csv jit.qt |
		awk -F, '$3 == "malloc" && $5 == 100 && $9 ~ /^"0x[0-9a-f]*"$/ { n++ }
		END { exit n != 1000 }'
	ok "code that no table knows ends a stack" $?
else
	skip "code that no table knows ends a stack" "its code is for x86-64"
fi
finish
