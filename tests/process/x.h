/* SPDX-License-Identifier: MIT */
/*
 * x.h - what the whole-process tests (x-*.c, x-*.cc) share.
 *
 * They are ordinary programs and see nothing of quern but what every preloaded
 * program sees. One that is started without the library starts itself again
 * with it, so each can be run by hand; the library is $QUERN_LIB or $QUERN_SO.
 */
#ifndef QN_TESTS_X_H
#define QN_TESTS_X_H

#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Nothing that hangs may hang the test run */
#define X_SECONDS 240

static int x_failed __attribute__((unused));

#define CHECK(cond)                                                         \
	do {                                                                \
		if (!(cond)) {                                              \
			printf("# %s:%d: %s\n", __FILE__, __LINE__, #cond); \
			__atomic_store_n(&x_failed, 1, __ATOMIC_RELAXED);   \
		}                                                           \
	} while (0)

/* Hides from the compiler what @p is, so that it leaves out no call */
static inline void *x_keep(void *p)
{
	__asm__ volatile("" : "+r"(p) : : "memory");
	return p;
}

/* A size that the compiler cannot see */
static inline size_t x_size(size_t n)
{
	__asm__ volatile("" : "+r"(n));
	return n;
}

static inline const char *x_library(void)
{
	const char *lib = getenv("QUERN_LIB");

	if (!lib)
		lib = getenv("QUERN_SO");
	return lib ? lib : "build/libquern.so";
}

static inline void x_watchdog(unsigned int seconds)
{
	signal(SIGALRM, SIG_DFL);
	alarm(seconds);
}

/* Goes on only in a process in which malloc is quern's */
static inline void x_begin(char **argv)
{
	x_watchdog(X_SECONDS);
	if (dlsym(RTLD_DEFAULT, "qn_malloc"))
		return;
	if (getenv("X_STARTED_AGAIN")) {
		printf("# %s was not preloaded\n", x_library());
		exit(1);
	}
	setenv("X_STARTED_AGAIN", "1", 1);
	setenv("LD_PRELOAD", x_library(), 1);
	execv("/proc/self/exe", argv);
	perror("execv");
	exit(1);
}

struct x_case {
	const char *name;
	void (*run)(void);
};

/* A line of TAP. Return: 1 if it is one of a failure */
static inline int x_report(int nr, int good, const char *what, const char *name)
{
	printf("%s %d - %s%s\n", good ? "ok" : "not ok", nr, what, name);
	return !good;
}

/* Runs the cases and reports each; the result is main()'s */
static inline int x_run(const struct x_case *cases, int nr)
{
	int status = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 0; i < nr; i++) {
		x_failed = 0;
		cases[i].run();
		status |= x_report(i + 1, !x_failed, "", cases[i].name);
	}
	printf("1..%d\n", nr);
	return status;
}

#define X_RUN(cases) x_run(cases, (int)(sizeof(cases) / sizeof((cases)[0])))

#endif /* QN_TESTS_X_H */
