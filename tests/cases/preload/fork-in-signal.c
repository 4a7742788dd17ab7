// SPDX-License-Identifier: MIT
/*
 * fork-in-signal.c - fork() in a signal handler that interrupted malloc().
 *
 *	fork-in-signal [large] [goes-on] [joined] [crowd] [forks]
 *
 * "goes-on": the child returns from the handler and uses the heap; else it ends at
 * once. "joined": there were other threads before. "crowd": there are, and they do not
 * allocate. "forks": so does the program, now and then.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define NR 512

/* The library's, if it is there */
int qn_check(void) __attribute__((weak));

static void *(*volatile do_malloc)(size_t) = malloc;
static void *(*volatile do_realloc)(void *, size_t) = realloc;
static volatile int nr_forks, nr_bad, is_child, goes_on, stop;
static char *blocks[NR];
static size_t sizes[NR];

static void on_timer(int number)
{
	int status = -1;
	pid_t pid;

	(void)number;
	if (is_child)
		return;
	pid = fork();
	if (pid == 0) {
		if (!goes_on)
			_exit(0);
		is_child = 1;
		alarm(40);
		return;
	}
	if (pid < 0)
		return;
	waitpid(pid, &status, 0);
	nr_forks++;
	if (status)
		nr_bad++;
}

static void fork_here(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	/* It is not ours if a handler forked between the two lines */
	waitpid(pid, &status, 0);
	if (status)
		nr_bad++;
}

static unsigned int roll(void)
{
	static unsigned int state = 1;

	state = state * 1103515245 + 12345;
	return state >> 8;
}

static void step(int is_large)
{
	unsigned int i = roll() % NR, n = roll();
	size_t size = is_large ? 40000 + n % 300000 :
		      n % 8    ? 1 + n % 500 :
				 1 + n % 60000;
	char *p = blocks[i];

	if (p && (p[0] != (char)i || p[sizes[i] - 1] != (char)i))
		abort();
	if (n % 16 == 3) {
		p = do_realloc(p, size);
	} else {
		free(p);
		p = do_malloc(size);
	}
	if (!p)
		abort();
	p[0] = p[size - 1] = (char)i;
	blocks[i] = p;
	sizes[i] = size;
}

static void *uses_heap(void *arg)
{
	for (int i = 1; i < 1000; i++)
		free(do_malloc((size_t)i));
	return arg;
}

static void *waits(void *arg)
{
	free(do_malloc(100));
	while (!stop)
		usleep(1000);
	return arg;
}

static void start(void *(*job)(void *), pthread_t *threads)
{
	sigset_t all, old;

	/* The signal is for the main thread */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (int i = 0; i < 4; i++)
		if (pthread_create(&threads[i], NULL, job, NULL))
			abort();
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static int has(char **argv, const char *word)
{
	while (*++argv)
		if (!strcmp(*argv, word))
			return 1;
	return 0;
}

int main(int argc, char **argv)
{
	struct sigaction act = { .sa_handler = on_timer,
				 .sa_flags = SA_RESTART };
	struct itimerval often = { { 0, 300 }, { 0, 300 } };
	pthread_t threads[4];
	int child_steps = 0, nr_steps = 0;

	(void)argc;
	goes_on = has(argv, "goes-on");
	if (has(argv, "joined")) {
		start(uses_heap, threads);
		for (int i = 0; i < 4; i++)
			pthread_join(threads[i], NULL);
	}
	if (has(argv, "crowd"))
		start(waits, threads);
	sigaction(SIGVTALRM, &act, NULL);
	setitimer(ITIMER_VIRTUAL, &often, NULL);
	alarm(55);
	while (nr_forks < 60 && child_steps < 500) {
		step(has(argv, "large"));
		child_steps += is_child;
		if (++nr_steps % 1000 == 0 && has(argv, "forks"))
			fork_here();
	}
	if (is_child)
		_exit(qn_check && qn_check());
	printf("%d forks, %d children failed\n", nr_forks, nr_bad);
	fflush(stdout);
	_exit(0);
}
