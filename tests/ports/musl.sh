# SPDX-License-Identifier: MIT
#
# musl.sh - libquern.so by musl-gcc, as README tells, and programs of musl that it serves.
# ports.sh reads it. The command stays with glibc.

# A program of some threads: what it prints depends on all that it kept
musl_program()
{
	cat <<'END'
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static unsigned long sum(unsigned char *p, size_t size)
{
	unsigned long n = 0;

	while (size--)
		n = n * 31 + *p++;
	return n;
}

static void *work(void *arg)
{
	unsigned char *kept[300] = { 0 };
	size_t sizes[300] = { 0 };
	uintptr_t n = 0, seed = (uintptr_t)arg;

	for (int i = 0; i < 30000; i++) {
		int at = (int)((seed = seed * 1103515245 + 12345) >> 8) % 300;

		at = at < 0 ? -at : at;
		n += sum(kept[at], sizes[at]);
		free(kept[at]);
		sizes[at] = (size_t)i * 7 % (i % 50 ? 600 : 70000);
		kept[at] = i % 3 ? malloc(sizes[at]) : calloc(1, sizes[at]);
		memset(kept[at], i, sizes[at]);
	}
	for (int i = 0; i < 300; i++)
		free(kept[i]);
	return (void *)(n & 0xffffff);
}

int main(void)
{
	pthread_t thread[4];
	char *line = NULL;
	size_t room = 0;
	void *n, *p;
	FILE *f;

	for (long i = 0; i < 4; i++)
		if (pthread_create(&thread[i], NULL, work, (void *)(i + 1)))
			return 1;
	for (int i = 0; i < 4; i++) {
		pthread_join(thread[i], &n);
		printf("%lx\n", (unsigned long)(uintptr_t)n);
	}
	/* Blocks of the C library's own calls */
	f = fopen("/proc/self/status", "r");
	if (!f || getline(&line, &room, f) <= 0 || fclose(f))
		return 2;
	free(line);
	if (posix_memalign(&p, 4096, 10) || (uintptr_t)p % 4096)
		return 3;
	free(p);
	p = aligned_alloc(64, 640);
	if (!p || (uintptr_t)p % 64)
		return 5;
	free(p);
	errno = 0;
	if (malloc(SIZE_MAX / 2 - 100) || errno != ENOMEM)
		return 4;
	if (fork() == 0) {
		free(realloc(malloc(100), 100000));
		_exit(7);
	}
	int status = 0;
	wait(&status);
	printf("child %d\n", WEXITSTATUS(status));
	return fflush(stdout);
}
END
}

musl_configure()
{
	configure CC=musl-gcc --disable-command --disable-tests
}

musl_compile()
{
	musl_program >"$dir/program.c" && musl-gcc -O2 -fno-builtin -w -o "$dir/program" \
		"$dir/program.c"
}

musl_is_of_musl()
{
	[ -f "$dir/build/libquern.so" ] && ! readelf -d "$dir/build/libquern.so" | grep NEEDED | grep -v 'libc\.so\]'
}

musl_runs()
{
	"$dir/program" >"$dir/want" &&
		LD_PRELOAD=$dir/build/libquern.so "$dir/program" >"$dir/have" &&
		cmp "$dir/want" "$dir/have"
}

# The report at its end, after all destructors; sizes and calls are those of the program
musl_reports()
{
	rm -f "$dir/report"
	QUERN_CONF=report:$dir/report LD_PRELOAD=$dir/build/libquern.so "$dir/program" \
		>"$dir/have" || return 1
	cat "$dir/report"
	[ "$(sed -n 's/^  allocations *//p' "$dir/report")" -ge 120000 ]
}

musl_stops_misuse()
{
	echo 'int main(void) { char *p = malloc(5000); free(p); free(p); return 0; }' \
		>"$dir/misuse.c"
	musl-gcc -fno-builtin -w -include stdlib.h -o "$dir/misuse" "$dir/misuse.c" || return 1
	(LD_PRELOAD=$dir/build/libquern.so "$dir/misuse") >"$dir/have" 2>&1
	cat "$dir/have"
	grep -q '^quern: free(.*): ' "$dir/have"
}

port_musl()
{
	name=musl dir=$builddir/ports/musl
	mkdir -p "$dir" || exit 99
	command -v musl-gcc >/dev/null || {
		skip "$name" "there is no musl-gcc (Debian: apt-get install musl-tools)"
		note "$name" - - "NOT TESTED: there is no musl-gcc"
		return
	}
	ok "$name: configure" logged musl_configure
	logged build $(list "$products")
	result=$?
	ok "$name: make" $result
	[ $result = 0 ] || {
		note "$name" - "make" "FAILED"
		return
	}
	before=$bad bad=0
	ok "$name: the library needs musl's libc alone" logged musl_is_of_musl
	ok "$name: a program is compiled" logged musl_compile
	ok "$name: it does the same under libquern.so" logged musl_runs
	ok "$name: with a report at its end" logged musl_reports
	ok "$name: misuse is noticed" logged musl_stops_misuse
	note "$name" "$(($(getconf PAGESIZE) / 1024)) K" "libquern.so, a program" \
		"$([ $bad = 0 ] && echo passed || echo FAILED)"
	bad=$((before | bad))
}
