// SPDX-License-Identifier: MIT
/*
 * storm.c - all that may happen to a heap at once, drawn by a seed; soak.sh runs it.
 *
 *	storm SEED MILLISECONDS
 *
 * Workers ask for, resize, hand over and free blocks, and check each byte before they let go
 * of it. Meanwhile threads begin and end, some of them cancelled; a thread forks, and its
 * children do the same work; signals arrive, and one handler in 64 forks; the limit of the
 * address space falls to what is in use and rises again. A request that is not served is no
 * fault, a byte that changed is, and so is one that is not served when the limit is gone.
 *
 * Exit status: 0, or 1 with what was wrong.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../random.h"

#define NR_WORKERS 4
#define NR_SLOTS   96
#define NR_SHARED  64

struct block {
	unsigned char *p;
	size_t size;
	unsigned char fill;
};

static struct block *_Atomic shared[NR_SHARED];
static pthread_t workers[NR_WORKERS];
static FILE *sink;
static _Atomic unsigned int nr_refused, nr_forks, nr_lives;
static _Atomic bool is_over;
static struct timespec until;
static __thread unsigned int signal_seed;

static void wrong(const char *what)
{
	dprintf(STDERR_FILENO, "storm: %s\n", what);
	_exit(1);
}

static bool is_time_up(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return is_over || now.tv_sec > until.tv_sec ||
	       (now.tv_sec == until.tv_sec && now.tv_nsec >= until.tv_nsec);
}

/* ---- blocks ---- */

static void check(const struct block *b)
{
	for (size_t i = 0; i < b->size; i++)
		if (b->p[i] != b->fill)
			wrong("a byte of a block has changed");
}

static void fill(struct block *b, void *p, size_t size, unsigned int *seed)
{
	if (!p) {
		*b = (struct block){ NULL, 0, 0 };
		nr_refused++;
		return;
	}
	*b = (struct block){ p, size, (unsigned char)random_next(seed) };
	memset(b->p, b->fill, size);
}

static size_t draw_size(unsigned int *seed)
{
	unsigned int kind = random_next(seed) % 64;

	if (kind < 48)
		return random_next(seed) % 600;
	if (kind < 60)
		return random_next(seed) % 20000;
	return random_next(seed) % 400000;
}

static void let_go(struct block *b)
{
	check(b);
	free(b->p);
	b->p = NULL;
	b->size = 0;
}

static void ask(struct block *b, unsigned int *seed)
{
	size_t size = draw_size(seed), align;
	void *p;

	switch (random_next(seed) % 8) {
	case 0:
		p = calloc(1, size);
		for (size_t i = 0; p && i < size; i++)
			if (((char *)p)[i])
				wrong("calloc() gave memory that is not zero");
		break;
	case 1:
		align = (size_t)8 << random_next(seed) % 10;
		if (posix_memalign(&p, align, size))
			p = NULL;
		if ((uintptr_t)p % align)
			wrong("a block is not aligned");
		break;
	default:
		p = malloc(size);
	}
	if (p && malloc_usable_size(p) < size)
		wrong("a block is shorter than what was asked for");
	fill(b, p, size, seed);
}

static void resize(struct block *b, unsigned int *seed)
{
	size_t size = draw_size(seed) + 1,
	       kept = size < b->size ? size : b->size;
	unsigned char *p = realloc(b->p, size);

	if (!p) {
		nr_refused++;
		check(b);
		return;
	}
	for (size_t i = 0; i < kept; i++)
		if (p[i] != b->fill)
			wrong("realloc() changed a byte");
	fill(b, p, size, seed);
}

/* A block goes to whoever draws the same place next, in whatever thread */
static void hand_over(struct block *b, unsigned int *seed)
{
	struct block *sent = malloc(sizeof(*sent)), *got;

	if (!sent) {
		nr_refused++;
		return;
	}
	*sent = *b;
	*b = (struct block){ NULL, 0, 0 };
	got = atomic_exchange(&shared[random_next(seed) % NR_SHARED], sent);
	if (got) {
		let_go(got);
		free(got);
	}
}

static void churn(struct block *slots, unsigned int nr, unsigned int *seed)
{
	while (nr--) {
		struct block *b = &slots[random_next(seed) % NR_SLOTS];

		switch (random_next(seed) % 16) {
		case 0:
			hand_over(b, seed);
			break;
		case 1:
		case 2:
			resize(b, seed);
			break;
		case 3:
			fprintf(sink, "%p %zu\n", (void *)b->p, b->size);
			break;
		default:
			if (b->p)
				let_go(b);
			else
				ask(b, seed);
		}
	}
}

static void let_all_go(struct block *slots)
{
	for (unsigned int i = 0; i < NR_SLOTS; i++)
		let_go(&slots[i]);
}

/* ---- threads ---- */

static void *work(void *arg)
{
	unsigned int seed = (unsigned int)(uintptr_t)arg;
	struct block slots[NR_SLOTS] = { { NULL, 0, 0 } };

	signal_seed = seed;
	while (!is_time_up())
		churn(slots, 200, &seed);
	let_all_go(slots);
	return NULL;
}

static void clean(void *slots)
{
	let_all_go(slots);
}

/* May be cancelled between two rounds */
static void *live_briefly(void *arg)
{
	unsigned int seed = (unsigned int)(uintptr_t)arg;
	struct block slots[NR_SLOTS] = { { NULL, 0, 0 } };

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	pthread_cleanup_push(clean, slots);
	for (unsigned int i = seed % 8; i < 10; i++) {
		churn(slots, 50, &seed);
		pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
		pthread_testcancel();
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	}
	pthread_cleanup_pop(1);
	return NULL;
}

static void *make_lives(void *arg)
{
	unsigned int seed = (unsigned int)(uintptr_t)arg;
	pthread_t t;

	while (!is_time_up()) {
		if (pthread_create(&t, NULL, live_briefly,
				   (void *)(uintptr_t)random_next(&seed)))
			continue;
		if (random_next(&seed) % 4 == 0)
			pthread_cancel(t);
		pthread_join(t, NULL);
		nr_lives++;
	}
	return NULL;
}

/* ---- processes ---- */

/* Does some work, and now and then goes on as a child of itself */
static _Noreturn void be_child(unsigned int seed)
{
	struct block slots[NR_SLOTS] = { { NULL, 0, 0 } };
	unsigned int depth = 0;
	pthread_t t;
	pid_t pid;
	int status;

	do {
		churn(slots, 300, &seed);
		if (!pthread_create(&t, NULL, live_briefly,
				    (void *)(uintptr_t)seed))
			pthread_join(t, NULL);
		pid = depth < 3 && random_next(&seed) % 4 == 0 ? fork() : -1;
		if (!pid) {
			depth++;
			seed++;
		} else if (pid > 0) {
			if (waitpid(pid, &status, 0) != pid || status)
				wrong("a child of a child failed");
		}
	} while (!pid);
	let_all_go(slots);
	if (random_next(&seed) % 2)
		_exit(0);
	exit(0);
}

static void *fork_often(void *arg)
{
	unsigned int seed = (unsigned int)(uintptr_t)arg;
	int status;
	pid_t pid;

	while (!is_time_up()) {
		pid = fork();
		if (!pid)
			be_child(random_next(&seed));
		if (pid < 0)
			continue;
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		if (status)
			wrong("a child failed");
		nr_forks++;
	}
	return NULL;
}

/* ---- signals, limits ---- */

static void on_signal(int nr __attribute__((unused)))
{
	int saved = errno, status;
	pid_t pid;

	/* fork() itself must not be called here: the C library may hold locks of its own */
	if (random_next(&signal_seed) % 64 == 0) {
		pid = _Fork();
		if (!pid)
			_exit(0);
		while (pid > 0 && waitpid(pid, &status, 0) < 0 &&
		       errno == EINTR)
			;
	}
	errno = saved;
}

static rlim_t address_space(void)
{
	char text[64] = "";
	FILE *f = fopen("/proc/self/statm", "re");

	if (!f)
		return 0;
	if (!fgets(text, sizeof(text), f))
		text[0] = 0;
	fclose(f);
	return strtoul(text, NULL, 10) * (rlim_t)sysconf(_SC_PAGESIZE);
}

/* For a moment no more than there is */
static void be_poor(void)
{
	struct rlimit was, limit;

	getrlimit(RLIMIT_AS, &was);
	limit = was;
	limit.rlim_cur = address_space();
	if (!limit.rlim_cur || setrlimit(RLIMIT_AS, &limit))
		return;
	usleep(20000);
	setrlimit(RLIMIT_AS, &was);
}

static void disturb(unsigned int *seed)
{
	while (!is_time_up()) {
		pthread_kill(workers[random_next(seed) % NR_WORKERS], SIGUSR1);
		if (random_next(seed) % 64 == 0)
			be_poor();
		usleep(random_next(seed) % 300);
	}
}

/* ---- all of it ---- */

static void begin(const char *milliseconds)
{
	struct sigaction sa = { .sa_handler = on_signal,
				.sa_flags = SA_RESTART };
	unsigned long ms = strtoul(milliseconds, NULL, 10);

	sigaction(SIGUSR1, &sa, NULL);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(ms / 1000);
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	/* pthread_cancel() loads it when it is first needed, and aborts if it cannot */
	dlopen("libgcc_s.so.1", RTLD_NOW | RTLD_GLOBAL);
	sink = fopen("/dev/null", "we");
	if (!sink)
		wrong("cannot open /dev/null");
}

static pthread_t start(void *(*what)(void *), unsigned int *seed)
{
	pthread_t t;

	if (pthread_create(&t, NULL, what,
			   (void *)(uintptr_t)random_next(seed)))
		wrong("cannot start");
	return t;
}

/* What was refused while memory was short is served again */
static void check_recovery(void)
{
	static void *p[64];

	for (unsigned int i = 0; i < 64; i++) {
		p[i] = malloc(10000);
		if (!p[i])
			wrong("not served when the limit was gone");
	}
	for (unsigned int i = 0; i < 64; i++)
		free(p[i]);
}

int main(int argc, char **argv)
{
	pthread_t lives, forks;
	unsigned int seed;

	if (argc != 3) {
		fprintf(stderr, "usage: storm SEED MILLISECONDS\n");
		return 2;
	}
	seed = (unsigned int)strtoul(argv[1], NULL, 10) * 2654435761u + 1;
	begin(argv[2]);
	for (unsigned int i = 0; i < NR_WORKERS; i++)
		workers[i] = start(work, &seed);
	lives = start(make_lives, &seed);
	forks = start(fork_often, &seed);
	disturb(&seed);
	is_over = true;
	for (unsigned int i = 0; i < NR_WORKERS; i++)
		pthread_join(workers[i], NULL);
	pthread_join(lives, NULL);
	pthread_join(forks, NULL);
	if (!getenv("STORM_REFUSED"))
		check_recovery();
	printf("%u lives, %u forks, %u refused\n", nr_lives, nr_forks,
	       nr_refused);
	return 0;
}
