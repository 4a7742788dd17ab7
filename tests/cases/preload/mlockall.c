// SPDX-License-Identifier: MIT
/*
 * mlockall.c - a process that locks all its memory, now and what comes.
 *
 *	mlockall [first] [rights]
 *
 * Address space counts, touched or not: with "first" there is a heap already, without
 * it none. Up to 8 MB may be locked; with "rights", as much as there is.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define KB ((size_t)1 << 10)

static int has(int argc, char **argv, const char *word)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], word))
			return 1;
	return 0;
}

/* Of /proc/self/status, in KB; stdio would allocate */
static long number_of(const char *name)
{
	static char text[8192];
	FILE *f = fopen("/proc/self/status", "r");
	size_t n = fread(text, 1, sizeof(text) - 1, f);
	const char *at;

	fclose(f);
	text[n] = 0;
	at = strstr(text, name);
	return at ? atol(at + strlen(name) + 1) : -1;
}

static size_t take(size_t most)
{
	size_t sum = 0;

	while (sum < most) {
		char *volatile p = malloc(1000);

		if (!p)
			break;
		p[0] = 1;
		sum += 1000;
	}
	return sum;
}

int main(int argc, char **argv)
{
	struct rlimit limit = { 8 << 20, 8 << 20 };
	size_t most = has(argc, argv, "rights") ? 40 << 20 : 3 << 20;
	int error = 0;

	if (!has(argc, argv, "rights")) {
		setrlimit(RLIMIT_MEMLOCK, &limit);
		if (geteuid() == 0 && (setgid(65534) || setuid(65534)))
			return 9;
	}
	if (has(argc, argv, "first")) {
		char *volatile p = malloc(100);

		free(p);
	}
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		error = errno;
	most = take(most) / KB;
	printf("mlockall: %s; then %zu KB were had; %ld KB are locked, of "
	       "which %ld resident\n",
	       error ? strerror(error) : "done", most, number_of("VmLck:"),
	       number_of("VmRSS:"));
	return 0;
}
