// SPDX-License-Identifier: MIT
/*
 * x-fork.c - fork() of a preloaded process with threads.
 *
 * Invariants:
 *  - whatever the other threads do while one forks (malloc, free, stdio with
 *    its locks held, forks of their own), parent and child both go on to
 *    allocate, to free what was there before, to print and to make threads
 *  - atfork handlers may allocate
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/wait.h>

#include "x.h"
#include "../random.h"

#define NR_ROUNDS 100
#define NR_SHARED 500

/* Allocated by other threads, freed by the child */
static void *shared[NR_SHARED];
static _Atomic int stop;

static void churn(unsigned int seed, int nr)
{
	void *p[64] = { NULL };

	for (int i = 0; i < nr; i++) {
		unsigned int n = random_next(&seed) % 64;
		size_t size = random_next(&seed) % 3000;

		if (random_next(&seed) % 256 == 0)
			size *= 100;
		if (random_next(&seed) % 4 == 0) {
			p[n] = realloc(p[n], size + 1);
		} else {
			free(p[n]);
			p[n] = malloc(size);
		}
		if (!p[n])
			abort();
		memset(p[n], 1, size);
	}
	for (int i = 0; i < 64; i++)
		free(p[i]);
}

static void *allocates(void *arg)
{
	unsigned int seed = (unsigned int)(uintptr_t)arg;

	while (!stop)
		churn(seed++, 1000);
	return NULL;
}

/* Called with the stream's lock held, and not served from a thread's own */
static ssize_t write_to_heap(void *cookie, const char *text, size_t size)
{
	char *p = malloc(100000 + size);

	(void)cookie;
	if (!p)
		abort();
	memcpy(p, text, size);
	free(p);
	return (ssize_t)size;
}

static FILE *open_stream(void)
{
	static const cookie_io_functions_t to_heap = { .write = write_to_heap };
	FILE *f = fopencookie(NULL, "w", to_heap);

	if (!f)
		abort();
	return f;
}

static void *prints(void *arg)
{
	(void)arg;
	while (!stop) {
		FILE *f = open_stream();

		for (int i = 0; i < 100; i++)
			if (fprintf(f, "%d %.20f\n", i, i / 7.0) > 0)
				fflush(f);
		fclose(f);
	}
	return NULL;
}

/* Holds the lock over all streams while it waits for each */
static void *flushes(void *arg)
{
	(void)arg;
	while (!stop)
		fflush(NULL);
	return NULL;
}

static void *child_thread(void *arg)
{
	churn(99, 500);
	return arg;
}

static void child_prints(void)
{
	FILE *f = open_stream();

	fprintf(f, "%d\n", 1);
	fflush(NULL);
	fclose(f);
}

static void child_runs(void)
{
	pthread_t thread;

	churn(7, 2000);
	for (int i = 0; i < NR_SHARED; i++)
		free(shared[i]);
	child_prints();
	if (pthread_create(&thread, NULL, child_thread, NULL) ||
	    pthread_join(thread, NULL))
		abort();
}

/* Forks; the child does @run, or is stopped after a while */
static int fork_and(void (*run)(void))
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		x_watchdog(20);
		run();
		_exit(x_failed ? 1 : 0);
	}
	churn(3, 200);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

static void grandchild(void)
{
	churn(11, 1000);
	child_prints();
}

static void child_forks(void)
{
	churn(12, 1000);
	CHECK(fork_and(grandchild) == 0);
	churn(13, 1000);
}

static void *fills_shared(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < NR_SHARED; i++)
		shared[i] = malloc(i * 7);
	return NULL;
}

static void with_threads(void (*run)(void))
{
	void *(*const jobs[])(void *) = { allocates, allocates, prints, prints,
					  flushes };
	pthread_t threads[5];
	pthread_t filler;

	stop = 0;
	pthread_create(&filler, NULL, fills_shared, NULL);
	pthread_join(filler, NULL);
	for (size_t i = 0; i < 5; i++)
		if (pthread_create(&threads[i], NULL, jobs[i], (void *)i))
			abort();
	run();
	stop = 1;
	for (int i = 0; i < 5; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < NR_SHARED; i++)
		free(shared[i]);
}

static void rounds(void)
{
	for (int i = 0; i < NR_ROUNDS && !x_failed; i++)
		CHECK(fork_and(child_runs) == 0);
}

static void forks(void)
{
	with_threads(rounds);
}

static void nested_rounds(void)
{
	for (int i = 0; i < NR_ROUNDS / 3 && !x_failed; i++)
		CHECK(fork_and(child_forks) == 0);
}

static void nested_forks(void)
{
	with_threads(nested_rounds);
}

static void *forker(void *arg)
{
	(void)arg;
	nested_rounds();
	return NULL;
}

/* Two threads fork at the same time */
static void two_rounds(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, forker, NULL);
	rounds();
	pthread_join(thread, NULL);
}

static void forks_of_two(void)
{
	with_threads(two_rounds);
}

static void nothing(void)
{
}

/* Without threads fork() leaves the locks of stdio alone */
static void single_thread(void)
{
	for (int i = 0; i < 50 && !x_failed; i++) {
		CHECK(fork_and(child_forks) == 0);
		CHECK(fork_and(child_prints) == 0);
	}
	fflush(NULL);
}

static void *forks_once(void *arg)
{
	CHECK(fork_and(grandchild) == 0);
	return arg;
}

/* The heap's fork handlers fit a stack of which most is in use */
static void small_stack(void)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	CHECK(!pthread_attr_setstacksize(
		&attr, (size_t)sysconf(_SC_THREAD_STACK_MIN)));
	if (pthread_create(&thread, &attr, forks_once, NULL))
		abort();
	pthread_join(thread, NULL);
	pthread_attr_destroy(&attr);
}

/* _Fork() runs no handlers; the child may do no more than end */
static void bare_fork(void)
{
#if __GLIBC_PREREQ(2, 34)
	pid_t pid = _Fork();
	int status = -1;

	if (pid == 0)
		_exit(0);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(fork_and(nothing) == 0);
#endif
}

/* ---- handlers that allocate ---- */

static int nr_prepare, nr_parent, nr_child;

static void prepare(void)
{
	nr_prepare++;
	churn(1, 300);
}

static void parent(void)
{
	nr_parent++;
	churn(2, 300);
}

static void child(void)
{
	nr_child++;
	churn(3, 300);
}

static void handlers_ran(void)
{
	CHECK(nr_child == 1);
	child_runs();
}

static void handler_rounds(void)
{
	for (int i = 0; i < 50 && !x_failed; i++)
		CHECK(fork_and(handlers_ran) == 0);
}

static void handlers(void)
{
	pthread_atfork(prepare, parent, child);
	with_threads(handler_rounds);
	CHECK(nr_prepare == 50 && nr_parent == 50 && nr_child == 0);
}

static const struct x_case cases[] = {
	{ "without threads", single_thread },
	{ "threads in malloc and in stdio", forks },
	{ "children that fork", nested_forks },
	{ "two threads that fork", forks_of_two },
	{ "from a small stack", small_stack },
	{ "_Fork", bare_fork },
	{ "atfork handlers that allocate", handlers },
};

int main(int argc, char **argv)
{
	(void)argc;
	x_begin(argv);
	return X_RUN(cases);
}
